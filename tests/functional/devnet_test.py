#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`cairn devnet`, as ./run and people use it: in the background, in a terminal, and once."""
import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import termios
import time

from framework import (CAIRN, PATIENCE, ROOT, environment, expect_equal, expect_in,
                       free_port, run, stat_of, wait_until)


class Devnet:
    """A network in the test's directory, whose nodes end with the test."""

    def __init__(self, test):
        self.test = test
        self.directory = os.path.join(test.directory, "net")
        self.base_port = free_port(in_a_row=6)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for number in (1, 2, 3):
            pid = self.pid(number)
            if pid:
                os.kill(pid, signal.SIGKILL)

    def run(self, command, *arguments, **options):
        return self.test.cairn("devnet", command, "--dir", self.directory, *arguments, **options)

    def up(self, *arguments, **options):
        return self.run("up", "--base-port", str(self.base_port), *arguments, **options)

    def node(self, number):
        return os.path.join(self.directory, f"node{number}")

    def rpc(self, number, *call):
        return self.test.cairn(f"-datadir={self.node(number)}", "rpc", *call).strip()

    def status(self, expect=0):
        text = self.run("status", "--json", expect=expect)
        return json.loads(text)["nodes"]

    def answers(self):
        """What status() tells once each node has answered in time."""
        def complete():
            nodes = self.status(expect=None)
            return None if any("problem" in node for node in nodes) else nodes
        return wait_until(complete, "all nodes to answer")

    def pid(self, number):
        """Of the running node; None if it doesn't run."""
        try:
            with open(self.pid_file(number), encoding="utf-8") as file:
                pid = int(file.read())
            name, fields = stat_of(pid)
        except (OSError, ValueError):
            return None
        return pid if name == "cairnd" and fields[0] not in "ZX" else None

    def pid_file(self, number):
        return os.path.join(self.node(number), "cairn", "cairnd.pid")


def runs_in_the_background_and_goes_on_with_the_same_chain(test):
    with Devnet(test) as net:
        expect_in("no network in", net.run("status", expect=1))
        expect_in("3 of them started now", net.up())
        nodes = net.status()
        expect_equal([node["node"] for node in nodes], [1, 2, 3], "nodes")
        expect_equal([node["mining"] for node in nodes], [True, False, False], "who mines")
        wait_until(lambda: all(node["height"] >= 2 for node in net.answers()), "blocks everywhere")
        wait_until(lambda: all(node["peers"] == 2 for node in net.answers()), "all to be connected")
        expect_in("0 of them started now", net.up())
        expect_in(f"runs on the ports from {net.base_port} on",
                  net.run("up", "--base-port", str(net.base_port + 6), expect=1))

        height, tip = net.answers()[1]["height"], net.rpc(2, "getblockhash", "2")
        expect_equal(json.loads(net.run("down", "--json"))["stopped"], 3, "nodes that were stopped")
        assert not any(net.pid(number) for number in (1, 2, 3)), "a node still runs"
        expect_in("down", net.run("status", expect=1))
        expect_equal(json.loads(net.run("down", "--json"))["stopped"], 0, "once more does no harm")
        again = json.loads(net.up("--json"))
        expect_equal((again["started"], again["chain"]), (3, "cairn"), "what is told of the start")
        assert net.answers()[1]["height"] >= height - 1
        expect_equal(net.rpc(2, "getblockhash", "2"), tip, "a block of before")
        net.run("down")


def node_that_was_killed_is_told_of_and_started_again(test):
    with Devnet(test) as net:
        net.up()
        pids = [net.pid(number) for number in (1, 2, 3)]
        os.kill(pids[1], signal.SIGKILL)
        wait_until(lambda: not net.pid(2), "node 2 to be gone")
        nodes = net.status(expect=None)
        expect_equal(nodes[1].get("problem"), "down", "what is said of node 2")
        assert "problem" not in nodes[2], nodes[2]
        expect_in("1 of them started now", net.up())
        expect_equal([net.pid(1), net.pid(3)], [pids[0], pids[2]], "the nodes that ran")
        wait_until(lambda: len({node["tip"] for node in net.answers()}) == 1, "one tip")
        net.run("down")


def pid_that_passed_to_another_process_is_left_alone(test):
    with Devnet(test) as net:
        net.up()
        net.run("down")
        other = test.spawn(["sleep", "600"], "sleep")
        for text in (f"{other.pid}\n", "nonsense\n", ""):
            with open(net.pid_file(2), "w", encoding="utf-8") as file:
                file.write(text)
            expect_in("down", net.run("status", expect=1))
            net.run("down")
            expect_equal(other.poll(), None, "the other process")


def taken_port_is_named_with_who_wants_it(test):
    with Devnet(test) as net, socket.socket() as taken:
        taken.bind(("127.0.0.1", net.base_port + 3))
        taken.listen()
        error = net.up(expect=1)
        taken_port = f"the RPC server to 127.0.0.1 port {net.base_port + 3}"
        for word in (taken_port, "node 2", "--base-port"):
            expect_in(word, error)
        assert not any(net.pid(number) for number in (1, 2, 3)), "a node was started nonetheless"


def once_pays_between_two_wallets_and_stops(test):
    with Devnet(test) as net:
        for round_number in (1, 2):
            paid = json.loads(net.up("--once", "--json"), parse_float=str)
            expect_equal(paid["bob"], f"{round_number}.00000000", "what bob has")
            expect_equal(len(paid["block_on_all_nodes"]), 64, "the block")
            assert not any(net.pid(number) for number in (1, 2, 3)), "a node still runs"


class Terminal:
    """`command` in a terminal of 80 by 24, as a person would run it."""

    def __init__(self, test, command, columns=80, lines=24):
        self.test = test
        master, slave = pty.openpty()
        self.resize(master, columns, lines)
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave,
                                        cwd=test.directory, env=environment(test.directory),
                                        start_new_session=True, preexec_fn=take_terminal)
        os.close(slave)
        self.master, self.text = master, ""

    def resize(self, handle, columns, lines):
        fcntl.ioctl(handle, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def read(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if select.select([self.master], [], [], max(0, end - time.monotonic()))[0]:
                try:
                    part = os.read(self.master, 65536)
                except OSError:
                    return
                if not part:
                    return
                self.text += part.decode(errors="replace")
                return

    def wait_for(self, pattern, start=0):
        """Until `pattern` is shown after position `start`; returns where."""
        def shown():
            self.read(0.2)
            return re.search(pattern, self.text[start:])
        return start + wait_until(shown, f"the terminal to show {pattern}").end()

    def type(self, text):
        os.write(self.master, text.encode())

    def end(self):
        """Read to the end and return the exit code."""
        deadline = time.monotonic() + PATIENCE
        while self.process.poll() is None and time.monotonic() < deadline:
            self.read(0.2)
        return self.process.wait(1)


def take_terminal():
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def frames(text):
    """What one drawing after the other shows, as lists of lines without the control codes."""
    for part in text.split("\x1b[H")[1:]:
        part = part.split("\x1b[J")[0]
        yield [re.sub(r"\x1b\[[0-9?]*[A-Za-z]|\r", "", line) for line in part.split("\n")]


def watched_in_a_terminal_until_control_c(test):
    with Devnet(test) as net:
        net.up()
        terminal = Terminal(test, [CAIRN, "devnet", "up", "--watch", "--dir", net.directory])
        terminal.wait_for(r"1 mines +[1-9]")
        os.kill(net.pid(3), signal.SIGKILL)
        at = terminal.wait_for("3 .* down")
        net.up()
        at = terminal.wait_for("3 +[1-9][0-9]* ", at)
        for columns, lines in ((40, 10), (132, 50), (80, 24)):
            start = len(terminal.text)
            terminal.resize(terminal.master, columns, lines)
            terminal.wait_for("\x1b\\[J", terminal.wait_for("\x1b\\[H", start))
            frame = list(frames(terminal.text[start:]))[-1]
            assert len(frame) <= lines and max(map(len, frame)) <= columns, frame
        # A command too long for a line goes on in the next, as a shell reads it.
        text = re.sub(r" \\\n +", " ", "\n".join(list(frames(terminal.text))[-1]))
        for word in ("HEIGHT", "MEMPOOL", "PEERS", "balance --wallet alice", "Ctrl-C"):
            expect_in(word, text)
        terminal.type("\x03")
        expect_equal(terminal.end(), 0, "exit code")
        assert not any(net.pid(number) for number in (1, 2, 3)), "a node still runs"


def hang_up_and_termination_stop_all(test):
    with Devnet(test) as net:
        for number in (signal.SIGHUP, signal.SIGTERM):
            terminal = Terminal(test, [CAIRN, "devnet", "up", "--watch", "--dir", net.directory,
                                       "--base-port", str(net.base_port)])
            terminal.wait_for("Ctrl-C stops")
            if number == signal.SIGHUP:
                os.close(terminal.master)  # the window is closed
            else:
                terminal.process.send_signal(number)
            terminal.process.wait(PATIENCE)
            assert not any(net.pid(node) for node in (1, 2, 3)), f"a node runs after {number!r}"


def watched_by_a_program_until_that_leaves_or_all_nodes_are_gone(test):
    with Devnet(test) as net:
        command = [CAIRN, "devnet", "up", "--watch", "--dir", net.directory, "--base-port",
                   str(net.base_port)]
        for leave in (lambda process: process.stdout.close(), lambda _: net.run("down")):
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                  cwd=test.directory, env=environment(test.directory)) as process:
                while b"devnet down" not in process.stdout.readline():
                    expect_equal(process.poll(), None, "its exit code before")
                leave(process)
                expect_equal(process.wait(PATIENCE), 1, "exit code")
            assert not any(net.pid(number) for number in (1, 2, 3)), "a node still runs"


def moved_directory_keeps_its_chain_and_takes_no_other(test):
    with Devnet(test) as net:
        path = os.path.join(test.directory, "mine.json")
        test.cairn("chain", "new", "mine", "--out", path)
        net.up(f"-chain={path}")
        wait_until(lambda: net.answers()[2]["height"] >= 1, "a block")
        net.run("down")
        os.remove(path)
        for folder, _, names in os.walk(net.directory):
            for name in names:
                if name.endswith((".conf", ".json")):
                    with open(os.path.join(folder, name), encoding="utf-8") as file:
                        assert test.directory not in file.read(), f"a path in {name}"
        shutil.copytree(net.directory, net.directory + "-copy")
        shutil.rmtree(net.directory)
        net.directory += "-copy"
        expect_equal(json.loads(net.up("--json"))["chain"], "mine", "chain of the copy")
        assert net.answers()[2]["height"] >= 1
        error = net.up("-chain=cairn", expect=1)
        for word in ("'cairn'", "'mine'", "--dir"):
            expect_in(word, error)
        expect_in("alice", test.cairn(f"-datadir={net.node(3)}", "wallet", "list"))
        net.run("down")


def run_takes_no_argument_it_does_not_know(test):
    for argument in ("--nosuch", "extra", "-listen=0", "--dir"):
        done = subprocess.run([os.path.join(ROOT, "run"), argument], capture_output=True, text=True,
                              check=False, cwd=test.directory, timeout=PATIENCE)
        expect_equal((done.returncode, done.stdout), (1, ""), f"./run {argument}")
        expect_in(argument, done.stderr)


if __name__ == "__main__":
    run(runs_in_the_background_and_goes_on_with_the_same_chain,
        node_that_was_killed_is_told_of_and_started_again,
        pid_that_passed_to_another_process_is_left_alone, taken_port_is_named_with_who_wants_it,
        once_pays_between_two_wallets_and_stops, watched_in_a_terminal_until_control_c,
        hang_up_and_termination_stop_all,
        watched_by_a_program_until_that_leaves_or_all_nodes_are_gone,
        moved_directory_keeps_its_chain_and_takes_no_other,
        run_takes_no_argument_it_does_not_know)
