#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""cairnd as a process: options, configuration files, ports, directories, and how it ends."""
import contextlib
import os
import re
import signal
import socket
import stat

from framework import (CAIRND, PATIENCE, REGTEST_ADDRESS, RpcError, expect_equal, expect_in,
                       free_port, run, wait_until)


def stops_cleanly_on_signals_and_on_the_call(test):
    node = test.node(chain="regtest")
    cookie = os.path.join(node.chain_directory, ".cookie")
    assert os.path.exists(cookie)
    expect_equal(os.stat(cookie).st_mode & 0o777, 0o600, "who may read the cookie")
    for number in (signal.SIGTERM, signal.SIGINT):
        expect_equal(node.stop(number), 0, f"exit code after {number!r}")
        assert not os.path.exists(cookie), "the cookie of a node that stopped is still there"
        node.start()
    expect_in("stopping", node.rpc.stop())
    expect_equal(node.process.wait(60), 0, "exit code after the call `stop`")


def second_process_on_a_directory_is_refused(test):
    node = test.node(chain="regtest")
    code, _, error = test.cairnd(f"-datadir={node.datadir}", "-chain=regtest",
                                 f"-port={free_port()}", f"-rpcport={free_port()}")
    expect_equal(code, 1, "exit code of the second process")
    expect_in("Error: ", error)
    expect_in(node.datadir, error)
    node.rpc.getblockcount()


def crc32c(data):
    """As RocksDB has it in its log."""
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    crc ^= 0xffffffff
    return ((crc >> 15 | crc << 17) + 0xa282ead8) & 0xffffffff


def write_format(node, version, number):
    """Put the version of the format, as a record of this number, into RocksDB's log: of a batch of
    one value in the column "default"."""
    batch = (number.to_bytes(8, "little") + (1).to_bytes(4, "little")
             + b"\x01" + b"\x06format" + b"\x04" + version.to_bytes(4, "little"))
    store = os.path.join(node.chain_directory, "chainstate")
    log = max(name for name in os.listdir(store) if name.endswith(".log"))
    with open(os.path.join(store, log), "ab") as file:
        file.write(crc32c(b"\x01" + batch).to_bytes(4, "little")
                   + len(batch).to_bytes(2, "little") + b"\x01" + batch)


def store_of_a_newer_version_is_left_alone(test):
    node = test.node(chain="regtest")
    tip = node.mine(5, REGTEST_ADDRESS)[-1]
    node.stop()
    write_format(node, 99, 1 << 40)
    for option in ("-par=1", "-reindex"):
        node.start(option, wait=False)
        expect_equal(node.process.wait(PATIENCE), 1, "exit code")
        said = "has format 99, written by a newer version; this one reads up to "
        expect_in(said, node.output())
    ours = int(re.search(said + r"(\d+)", node.output())[1])
    write_format(node, ours, 1 << 41)
    node.start()
    expect_equal(node.rpc.getbestblockhash(), tip, "tip")


def par_sets_the_number_of_workers(test):
    cores = len(os.sched_getaffinity(0))
    for par, workers in ((1, 1), (3, 3), (0, cores), (-1, max(1, cores - 1))):
        node = test.node(f"-par={par}", chain="regtest")
        names = []
        for task in os.listdir(f"/proc/{node.process.pid}/task"):
            with contextlib.suppress(FileNotFoundError):  # it has ended
                with open(f"/proc/{node.process.pid}/task/{task}/comm", encoding="utf-8") as file:
                    names.append(file.read().strip())
        expect_equal(names.count("chain-verify"), workers, f"workers with -par={par}: {names}")


def taken_ports_are_named(test):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for options in ([f"-rpcport={port}", f"-port={free_port()}", "-bind=127.0.0.1"],
                        [f"-rpcport={free_port()}", f"-bind=127.0.0.1:{port}"]):
            directory = os.path.join(test.directory, f"d{port}{len(options)}")
            os.makedirs(directory, exist_ok=True)
            code, _, error = test.cairnd(f"-datadir={directory}", "-chain=regtest", "-connect=0",
                                         *options)
            expect_equal(code, 1, f"exit code with {options}")
            expect_in(str(port), error)


def option_errors_name_the_option(test):
    for arguments, words in (
            (["-fakearg"], ["Invalid parameter -fakearg"]),
            (["-debug=foo"], ["-debug=foo", "mempool"]),
            (["-rpcallowip=1.2.3.4/99"], ["Invalid -rpcallowip", "1.2.3.4/99"]),
            (["-rpcbind=nowhere"], ["Invalid -rpcbind", "nowhere"]),
            (["-fakearg=1"], ["-fakearg"]),
            (["-port=many"], ["port", "many"]),
            (["-chain=nosuchchain"], ["nosuchchain"]),
            (["-chain=./missing.json"], ["missing.json"]),
            (["-chain=/dev/zero"], ["/dev/zero", "more than"]),
            (["-conf=missing.conf", f"-datadir={test.directory}"], ["missing.conf"])):
        code, output, error = test.cairnd(*arguments)
        expect_equal(code, 1, f"exit code with {arguments}")
        expect_equal(output, "", f"standard output with {arguments}")
        for word in ["Error: ", *words]:
            expect_in(word, error)


def environment_errors_name_the_variable(test):
    for name, value in (("CAIRN_LISTNE", "0"), ("CAIRN_PAR", "many")):
        code, _, error = test.cairnd("-chain=regtest", env={name: value})
        expect_equal(code, 1, "exit code")
        expect_in(name, error)


def configuration_errors_name_file_and_line(test):
    path = test.file("cairn.conf", "listen=0\n# a comment\nlistne=1\n")
    code, _, error = test.cairnd(f"-datadir={test.directory}", "-chain=regtest")
    expect_equal(code, 1, "exit code")
    for word in (path, "3", "listne"):
        expect_in(word, error)


def configuration_file_is_read_below_environment_and_arguments(test):
    node = test.node(chain="regtest", start=False)
    config = os.path.join(node.datadir, "cairn.conf")
    with open(config, "w", encoding="utf-8") as file:
        file.write("uacomment=everywhere\nincludeconf=more.conf\n"
                   "[regtest]\nuacomment=here\n[cairn]\nuacomment=elsewhere\n")
    with open(os.path.join(node.datadir, "more.conf"), "w", encoding="utf-8") as file:
        file.write("uacomment=included\nmaxconnections=7\n")
    node.start("-uacomment=argument")
    assert "Warning" not in node.output(), node.output()
    agent = node.rpc.getnetworkinfo()["subversion"]
    for comment in ("argument", "everywhere", "here", "included"):
        expect_in(comment, agent)
    assert "elsewhere" not in agent, agent


def rpcbind_without_rpcallowip_opens_nothing(test):
    node = test.node("-rpcbind=0.0.0.0", chain="regtest")
    expect_in("Warning: option -rpcbind was ignored because -rpcallowip was not specified",
              node.output())
    with socket.socket() as sock:  # what listens on loopback alone leaves the others free
        sock.bind(("127.0.0.2", node.rpc_port))


def section_of_no_chain_is_warned_of(test):
    path = test.file("cairn.conf", "listen=0\n[regtset]\nport=1\n")
    code, _, error = test.cairnd(f"-datadir={test.directory}", "-chain=regtest",
                                 "-stopafterblockimport", "-noserver", "-connect=0")
    expect_equal((code, error), (0, f"Warning: {path}:2 Section [regtset] is not recognized.\n"),
                 "exit code and standard error")


def block_files_are_imported(test):
    source = test.node(chain="regtest")
    hashes = source.mine(30, REGTEST_ADDRESS)
    blocks = [bytes.fromhex(source.rpc.getblock(one, 0)) for one in hashes]
    source.stop()
    magic = bytes.fromhex("fabfb5da")
    frames = [magic + len(block).to_bytes(4, "little") + block for block in blocks]
    # As real files are: the first with blocks out of order and room left at its end, the second
    # cut short by a crash.
    paths = [os.path.join(test.directory, name) for name in ("blk00000.dat", "blk00001.dat")]
    for path, content in zip(paths, (frames[10:20] + frames[:10] + [bytes(5000)],
                                     frames[20:] + [frames[0][:50]])):
        with open(path, "wb") as file:
            file.write(b"".join(content))
    node = test.node(chain="regtest", start=False)
    importing = [f"-loadblock={path}" for path in paths]
    node.start(*importing, "-stopafterblockimport", wait=False)
    expect_equal(node.process.wait(PATIENCE), 0, "exit code after the import")
    node.start()
    expect_equal(node.rpc.getbestblockhash(), hashes[-1], "tip after the import")
    node.stop()
    missing = f"{paths[0]}.none"
    node.start(f"-loadblock={missing}", *importing)  # known blocks, and a file that is not
    wait_until(lambda: "import_failed" in node.output(), "the missing file to be reported")
    expect_equal(node.rpc.getbestblockhash(), hashes[-1], "tip after a second import")
    fresh = test.node(chain="regtest", start=False)
    fresh.start(f"-loadblock={missing}", *importing, "-stopafterblockimport", wait=False)
    expect_equal(fresh.process.wait(PATIENCE), 1, "exit code after an import with a missing file")
    expect_in(f"Error: incomplete import: cannot read block file {missing}\n", fresh.output())
    fresh.start()
    expect_equal(fresh.rpc.getbestblockhash(), hashes[-1], "tip from the files that are there")
    fresh.stop()
    bad = os.path.join(test.directory, "bad.dat")
    with open(bad, "wb") as file:
        file.write(b"".join(frames[:20]) + frames[20][:-1] + b"\x01" + b"".join(frames[21:]))
    problem = (f"incomplete import: 1 of 30 blocks refused, the first at byte "
               f"{sum(map(len, frames[:20])) + 8} of {bad}: ")
    node = test.node(chain="regtest", start=False)
    node.start(f"-loadblock={bad}", "-stopafterblockimport", wait=False)
    expect_equal(node.process.wait(PATIENCE), 1, "exit code after an import with a bad block")
    expect_in(f"Error: {problem}", node.output())
    node.start(f"-loadblock={bad}")  # it goes on without
    wait_until(lambda: node.output().count("import_failed") == 1, "the bad block to be reported")
    expect_equal(node.rpc.getblockcount(), 20, "height with the bad block left out")


def import_ends_at_once_where_it_is_told_to_or_can_do_nothing(test):
    hole = os.path.join(test.directory, "zeros.dat")
    with open(hole, "wb") as file:
        file.truncate(1 << 40)  # nobody reads all of it
    pipe = os.path.join(test.directory, "pipe")
    os.mkfifo(pipe)
    node = test.node(chain="regtest", start=False)
    node.start(f"-loadblock={hole}", "-stopafterblockimport", wait=False)
    wait_until(lambda: "cairnd_ready" in node.output(), "the import to begin")
    expect_equal(node.stop(), 1, "exit code of an interrupted import")
    expect_in(" was interrupted\n", node.output())
    node.start(f"-loadblock={hole}")
    expect_equal(node.stop(), 0, "exit code of an interrupted node")
    node.start(f"-loadblock={pipe}", "-stopafterblockimport", wait=False)
    expect_equal(node.process.wait(PATIENCE), 1, "exit code after a pipe")
    expect_in(f"cannot read block file {pipe}, which is no regular file\n", node.output())


def version_and_help_go_to_standard_output(test):
    for argument, words in (("--version", ["version"]), ("-version", ["version"]),
                            ("--help", ["Options", "-datadir", "-rpcport", "-mine"])):
        code, output, error = test.cairnd(argument)
        expect_equal((code, error), (0, ""), argument)
        for word in words:
            expect_in(word, output)


def daemon_returns_once_the_node_answers(test):
    node = test.node(chain="regtest", start=False)
    starter = test.spawn([CAIRND, *node.arguments("-daemon", "-pid=node.pid")], "daemon")
    expect_equal(starter.wait(60), 0, "exit code of the process that was started")
    expect_equal(node.rpc.getblockcount(), 0, "height")
    with open(os.path.join(node.chain_directory, "node.pid"), encoding="utf-8") as file:
        pid = int(file.read())
    assert pid != starter.pid
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not os.path.exists(f"/proc/{pid}"), "the daemon to end")


def data_directory_can_be_copied(test):
    node = test.node(chain="regtest")
    tip = node.mine(3, REGTEST_ADDRESS)[-1]
    node.stop()
    moved = node.datadir + "-moved"
    os.rename(node.datadir, moved)
    node.datadir = moved
    node.chain_directory = os.path.join(moved, os.path.basename(node.chain_directory))
    node.rpc = type(node.rpc)(node.rpc_port, os.path.join(node.chain_directory, ".cookie"))
    node.start()
    expect_equal(node.rpc.getbestblockhash(), tip, "tip in the moved directory")


def clock_far_behind_the_tip_is_refused(test):
    node = test.node(chain="regtest")
    node.mine(1, REGTEST_ADDRESS)
    now = node.rpc.getblockheader(node.rpc.getbestblockhash())["time"] - 7200
    node.stop()
    node.start(f"-mocktime={now - 1}", wait=False)
    expect_equal(node.process.wait(60), 1, "exit code")
    expect_in("Error: The block database contains a block which appears to be from the future",
              node.output())
    node.start(f"-mocktime={now}")
    expect_equal(node.rpc.getblockcount(), 1, "height")


def cookie_is_for_those_it_is_told(test):
    node = test.node(chain="regtest")
    cookie = os.path.join(node.chain_directory, ".cookie")
    for option, mode in (((), 0o600), (("group",), 0o640), (("all",), 0o644)):
        node.stop()
        node.start(*(f"-rpccookieperms={who}" for who in option))
        expect_equal(stat.S_IMODE(os.stat(cookie).st_mode), mode, "permissions")
    code, _, error = test.cairnd("-rpccookieperms=me", f"-datadir={test.directory}")
    expect_equal((code, error), (1, "Error: Invalid -rpccookieperms 'me', expected owner, group or "
                                    "all\n"), "exit code and standard error")


def wrong_credentials_are_refused(test):
    node = test.node(chain="regtest")
    wrong = type(node.rpc)(node.rpc_port, test.file("cookie", "__cookie__:wrong"))
    try:
        wrong.getblockcount()
        raise AssertionError("a wrong password was taken")
    except RpcError as error:
        expect_in("401", error.message)


run(stops_cleanly_on_signals_and_on_the_call, second_process_on_a_directory_is_refused,
    store_of_a_newer_version_is_left_alone, par_sets_the_number_of_workers,
    taken_ports_are_named, option_errors_name_the_option,
    environment_errors_name_the_variable, configuration_errors_name_file_and_line,
    configuration_file_is_read_below_environment_and_arguments,
    rpcbind_without_rpcallowip_opens_nothing, section_of_no_chain_is_warned_of,
    block_files_are_imported,
    import_ends_at_once_where_it_is_told_to_or_can_do_nothing,
    version_and_help_go_to_standard_output, daemon_returns_once_the_node_answers,
    data_directory_can_be_copied, clock_far_behind_the_tip_is_refused,
    cookie_is_for_those_it_is_told, wrong_credentials_are_refused)
