#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""-exportblocks: a whole file that -loadblock makes the same chain of, or none."""
import os
import signal

from framework import REGTEST_ADDRESS, expect_equal, expect_in, run, wait_until


def exported_chain_is_imported(test):
    source = test.node(chain="regtest")
    hashes = source.mine(30, REGTEST_ADDRESS)
    source.rpc.invalidateblock(hashes[-2])
    # Later, so that they are other blocks.
    source.rpc.setmocktime(source.rpc.getblockheader(hashes[-1])["time"] + 100)
    tip = source.mine(6, REGTEST_ADDRESS)[-1]
    source.stop()
    file = os.path.join(test.directory, "blocks.dat")
    source.start(f"-exportblocks={file}", wait=False)
    expect_equal(source.process.wait(120), 0, "exit code")
    expect_in("exported blocks=35 ", source.output())

    copy = test.node(f"-loadblock={file}", chain="regtest", start=False)
    again = os.path.join(test.directory, "again.dat")
    copy.start(f"-exportblocks={again}", wait=False)  # an import may come first
    expect_equal(copy.process.wait(120), 0, "exit code")
    with open(file, "rb") as one, open(again, "rb") as other:
        assert one.read() == other.read(), "the exports differ"
    copy.start()
    expect_equal(copy.rpc.getbestblockhash(), tip, "tip")


def failed_export_says_so(test):
    file = os.path.join(test.directory, "none", "blocks.dat")
    node = test.node(chain="regtest", start=False)
    node.start(f"-exportblocks={file}", wait=False)
    expect_equal(node.process.wait(120), 1, "exit code")
    expect_in(f"Error: cannot write {file}.new: No such file or directory", node.output())


def interrupted_export_leaves_the_old_file(test):
    file = test.file("blocks.dat", "old")
    os.mkfifo(file + ".new")  # opening it waits for us
    node = test.node(chain="regtest", start=False)
    node.start(f"-exportblocks={file}", wait=False)
    wait_until(lambda: "cairnd_ready" in node.output() and "exporting " in node.output(),
               "the export to begin")
    node.process.send_signal(signal.SIGTERM)
    wait_until(lambda: "cairnd_stopping" in node.output(), "the node to stop")
    with open(file + ".new", "rb"):
        expect_equal(node.process.wait(120), 1, "exit code")
    expect_in("Error: the export was interrupted", node.output())
    expect_equal(os.listdir(test.directory).count("blocks.dat.new"), 0, "files left")
    with open(file, encoding="utf-8") as content:
        expect_equal(content.read(), "old", "the file")


def export_after_a_failed_import_is_none(test):
    file = test.file("blocks.dat", "old")
    missing = file + ".none"
    node = test.node(chain="regtest", start=False)
    node.start(f"-loadblock={missing}", f"-exportblocks={file}", wait=False)
    expect_equal(node.process.wait(120), 1, "exit code")
    expect_in(f"Error: incomplete import: cannot read block file {missing}\n", node.output())
    with open(file, encoding="utf-8") as content:
        expect_equal(content.read(), "old", "the file")


def negated_option_is_no_export(test):
    test.node("-noexportblocks", chain="regtest").rpc.getblockcount()


run(exported_chain_is_imported, failed_export_says_so, interrupted_export_leaves_the_old_file,
    export_after_a_failed_import_is_none, negated_option_is_no_export)
