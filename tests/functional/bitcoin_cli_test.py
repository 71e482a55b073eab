#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""cairn by the name of bitcoin-cli: what scripts written for that program rely on."""
import hmac
import http.server
import json
import os
import subprocess
import threading

from framework import (CAIRN, PATIENCE, REGTEST_ADDRESS, Node, environment, expect_equal,
                       expect_in, run, wait_until)


class Cli:
    """The program by a link, against `node`."""

    def __init__(self, test, node):
        self.test = test
        self.link = os.path.join(test.directory, "bitcoin-cli")
        if not os.path.exists(self.link):
            os.symlink(CAIRN, self.link)
        self.options = ["-regtest", f"-datadir={node.datadir}", f"-rpcport={node.rpc_port}"]

    def __call__(self, *words, stdin=""):
        """(exit code, standard output, standard error)."""
        done = subprocess.run([self.link, *self.options, *words], input=stdin, text=True,
                              capture_output=True, timeout=PATIENCE, check=False,
                              env=environment(self.test.directory))
        return done.returncode, done.stdout, done.stderr


def prints_what_scripts_read(test):
    node = test.node(chain="regtest")
    cli = Cli(test, node)
    genesis = node.rpc.getblockhash(0)
    expect_equal(cli("getblockhash", "0"), (0, genesis + "\n", ""), "a string, bare")
    expect_equal(cli("getblockcount"), (0, "0\n", ""), "a number")
    expect_equal(cli("ping"), (0, "", ""), "null")
    code, text, _ = cli("-named", "getblockheader", f"blockhash={genesis}")
    expect_equal((code, text.split("\n")[:2]), (0, ["{", f'  "hash": "{genesis}",']), "an object")
    expect_equal(json.loads(text)["height"], 0, "height")
    expect_equal(json.loads(cli("echo", "1", "true")[1]), ["1", "true"], "words of echo are text")
    expect_equal(json.loads(cli("-named", "echojson", '["a=b"]', "arg1=1", "arg1=2")[1]),
                 [["a=b"], 2], "named where there is a name, the last of them")
    expect_equal(cli("-named", "echo", "args=[1]", "2")[:2], (8, ""), "args twice")


def errors_are_exit_codes(test):
    node = test.node(chain="regtest")
    cli = Cli(test, node)
    expect_equal(cli("getblockhash", "9"),
                 (8, "", "error code: -8\nerror message:\nBlock height out of range\n"), "an error")
    for words, problem in (
            (["getblockhash", "high"], "Error parsing JSON: high"),
            (["-named", "getblockhash", "height=high"], "Error parsing JSON: high"),
            ([], "too few parameters (need at least command)"),
            (["-rpcport=1", "getblockcount"], "Could not connect to the server 127.0.0.1:1"),
            (["-rpcconnect=127.0.0.1:x", "getblockcount"],
             "Invalid port provided in -rpcconnect: 127.0.0.1:x"),
            (["-norpccookiefile", "getblockcount"], "Cookie file was disabled"),
            (["-rpcuser=a", "-rpcpassword=b", "getblockcount"],
             "Incorrect rpcuser or rpcpassword were specified."),
            (["-getinfo", "help"], "-getinfo takes no arguments"),
            (["-nosuchoption=1", "help"], "Invalid parameter -nosuchoption")):
        code, text, error = cli(*words)
        expect_equal((code, text), (1, ""), f"outcome of {words}")
        expect_in(problem, error)
        assert error.startswith("error: "), error
    reader = test.node("-rpcauth=reader:salt$" + hmac.new(b"salt", b"x", "sha256").hexdigest(),
                       "-rpcrole=reader:read", chain="regtest")
    code, _, error = Cli(test, reader)("-rpcuser=reader", "-rpcpassword=x", "stop")
    expect_equal(code, 2, "code of what the role doesn't allow")
    expect_in("error code: -2\nerror message:\n", error)
    node.stop()
    expect_in("Failed to read cookie file", cli(f"-rpcport={listening_port(test)}", "uptime")[2])


def listening_port(test):
    """Of another node, whose cookie isn't where this one's is."""
    return test.node(chain="regtest").rpc_port


def reads_standard_input(test):
    node = test.node(chain="regtest")
    cli = Cli(test, node)
    expect_equal(json.loads(cli("-stdin", "echo", "a", stdin="b\nc d\n")[1]), ["a", "b", "c d"],
                 "words from standard input")
    with open(os.path.join(node.chain_directory, ".cookie"), encoding="utf-8") as file:
        user, password = file.read().strip().split(":")
    expect_equal(json.loads(cli(f"-rpcuser={user}", "-stdinrpcpass", "-stdin",
                                stdin=f"{password}\necho\nx\n")[1]), ["x"], "after the password")
    code, _, error = cli(f"-rpcuser={user}", "-stdinrpcpass", "uptime", stdin="wrong\n")
    expect_equal(code, 1, "exit code")
    expect_in("Incorrect rpcuser or rpcpassword", error)


class Recorder(http.server.BaseHTTPRequestHandler):
    """Answers each request with its path."""

    def do_POST(self):  # pylint: disable=invalid-name
        reply = json.dumps({"result": self.path, "error": None, "id": 1}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, *_):  # pylint: disable=arguments-differ
        pass


def options_of_the_connection(test):
    node = test.node(chain="regtest")
    cli = Cli(test, node)
    expect_equal(cli("-rpcclienttimeout=1", "waitfornewblock"),
                 (1, "", f"error: no answer from 127.0.0.1:{node.rpc_port} within 1 seconds\n"),
                 "a reply that doesn't come")
    cli.options[1] = f"-datadir={test.directory}"
    expect_in("Failed to read cookie file", cli("getblockcount")[2])
    cookie = os.path.join(node.chain_directory, ".cookie")
    expect_equal(cli(f"-rpccookiefile={cookie}", "getblockcount"), (0, "0\n", ""), "by its cookie")
    server = http.server.HTTPServer(("127.0.0.1", 0), Recorder)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    cli.options = ["-regtest", f"-rpcport={server.server_port}", "-rpcuser=a", "-rpcpassword=b"]
    expect_equal(cli("uptime")[:2], (0, "/\n"), "path")
    expect_equal(cli("-rpcwallet=w", "uptime")[:2], (0, "/wallet/w\n"), "path of a wallet")
    server.shutdown()
    server.server_close()


def getinfo_and_help(test):
    node = test.node(chain="regtest")
    cli = Cli(test, node)
    node.mine(2, REGTEST_ADDRESS)
    info = dict(line.split(": ") for line in cli("-getinfo")[1].splitlines() if line)
    expect_equal((info["Chain"], info["Blocks"], info["Version"], info["Verification progress"],
                  info["Network"], info["Proxies"]),
                 ("regtest", "2", "310000", "100.0000%", "in 0, out 0, total 0", "n/a"), "getinfo")
    expect_in("RPC client version", cli("-version")[1])
    expect_in("-rpcwaittimeout", cli("-help")[1])
    for words, expected in (
            ("bitcoin-cli getblockco", "getblockcount"), ("cairn rpc getblockco", "getblockcount"),
            ("bitcoin-cli -rpcport = 1 getblockheader 00 t", "true"),
            ("cairn rpc getrawmempool f", "false"), ("bitcoin-cli getblockheader t", "")):
        program, *_, last = words.split()
        script = test.cairn("completion") + \
            f'COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); ' \
            f'_cairn {program} {last}; echo "${{COMPREPLY[@]}}"'
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
        expect_equal(done.stdout, expected + "\n", words)


def waits_for_a_node(test):
    node = Node(test, 1, "regtest", [])
    test.nodes.append(node)
    cli = Cli(test, node)
    expect_in("Could not connect", cli("-rpcwait", "-rpcwaittimeout=1", "getblockcount")[2])
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(cli("-rpcwait", "getblockcount")))
    waiting.start()
    node.start()
    wait_until(lambda: answers, "the answer")
    waiting.join()
    expect_equal(answers, [(0, "0\n", "")], "once it is there")


run(prints_what_scripts_read, errors_are_exit_codes, reads_standard_input,
    options_of_the_connection, getinfo_and_help, waits_for_a_node)
