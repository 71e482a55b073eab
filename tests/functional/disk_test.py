#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A disk that fills up: the node says so and stops, and starts again when there is room."""
import contextlib
import http.client
import os
import subprocess
import sys

from framework import REGTEST_ADDRESS, RpcError, expect_equal, expect_in, run, wait_until

MEGABYTE = 1_000_000
IN_NAMESPACE = "CAIRN_TEST_MAY_MOUNT"


def own_mounts():
    """Start this program again where it may mount file systems that nobody else sees."""
    for unshare in (["unshare", "--mount"], ["unshare", "--map-root-user", "--mount"]):
        trial = ["sh", "-c", "mount -t tmpfs none /mnt && umount /mnt"]
        with contextlib.suppress(OSError):
            if subprocess.run([*unshare, *trial], check=False, capture_output=True).returncode == 0:
                os.environ[IN_NAMESPACE] = "1"
                os.execvp(unshare[0], [*unshare, sys.executable, *sys.argv])
    print("SKIPPED: mounting a small file system is not allowed here")
    sys.exit(77)


@contextlib.contextmanager
def small_disk(node):
    """The node's data on 260 MB of their own; yields a function that uses up some of them."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={260 * MEGABYTE}", "none", node.datadir],
                   check=True)
    ballast = os.path.join(node.datadir, "ballast")

    def fill(megabytes):
        with open(ballast, "wb") as file, contextlib.suppress(OSError):
            for _ in range(megabytes):
                file.write(bytes(MEGABYTE))
                file.flush()
    try:
        yield fill
    finally:
        if node.process.poll() is None:
            node.kill()
        subprocess.run(["umount", node.datadir], check=True)


def mine_until_it_stops(node):
    with contextlib.suppress(RpcError, OSError, http.client.HTTPException):
        node.mine(1, REGTEST_ADDRESS)
    expect_equal(node.process.wait(120), 1, "exit code")
    expect_in("disk space is too low: ", node.output())
    expect_in("cairnd_stopped", node.output())


def node_stops_below_the_floor_and_starts_when_there_is_room(test):
    node = test.node(chain="regtest", start=False)
    told = os.path.join(test.directory, "told")
    with small_disk(node) as fill:
        node.start("-alertnotify=echo %s >> '" + told + "'")
        expect_in("Disk space is low", str(node.rpc.getblockchaininfo()["warnings"]))
        for method in ("getmininginfo", "getnetworkinfo"):
            expect_equal(node.rpc.call(method)["warnings"],
                         node.rpc.getblockchaininfo()["warnings"], method)
        wait_until(lambda: os.path.exists(told), "the operator to be told")
        tip = node.mine(20, REGTEST_ADDRESS)[-1]
        for megabytes in (80, 1000):  # below the floor; nothing left at all
            fill(megabytes)
            mine_until_it_stops(node)
            fill(megabytes)  # what it gave back at its end, too
            node.start(wait=False)
            expect_equal(node.process.wait(120), 1, "exit code of a start")
            expect_in("Error: disk space is too low: ", node.output())
            fill(0)
            node.start()
            expect_equal(node.rpc.getbestblockhash(), tip, "tip")
            tip = node.mine(1, REGTEST_ADDRESS)[-1]


if IN_NAMESPACE not in os.environ:
    own_mounts()
run(node_stops_below_the_floor_and_starts_when_there_is_room)
