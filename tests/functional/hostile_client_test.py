#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Clients that mean harm, or know no better, at JSON-RPC's port: they get clear errors, the node
keeps its memory and serves others meanwhile."""
import base64
import concurrent.futures
import contextlib
import hmac
import json
import os
import resource
import select
import socket
import time

from framework import PATIENCE, REGTEST_ADDRESS, expect_equal, run, wait_until
from web_socket import TEXT, WebSocket

MEGABYTE = 1 << 20
MAX_CONNECTIONS = 256  # of the server
PINGS = "-rpcservertimeout=3"  # one after each three seconds; who is silent for six is dead
WRONG = "Basic " + base64.b64encode(b"__cookie__:guess").decode()


def credentials(node):
    with open(os.path.join(node.chain_directory, ".cookie"), "rb") as file:
        return "Basic " + base64.b64encode(file.read().strip()).decode()


def connect(node):
    return socket.create_connection(("127.0.0.1", node.rpc_port), timeout=PATIENCE)


def answer_to(node, *parts, end=True):
    """All that the node sends to one connection that sends `parts`; it may hang up before."""
    received = b""
    with connect(node) as client, contextlib.suppress(OSError):
        with contextlib.suppress(OSError):
            for part in parts:
                client.sendall(part)
            if end:
                client.shutdown(socket.SHUT_WR)
        while piece := client.recv(65536):
            received += piece
    return received


def post(authorization, body=b"", length=None, more=""):
    length = len(body) if length is None else length
    return (f"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: {authorization}\r\n{more}"
            f"Content-Length: {length}\r\n\r\n").encode() + body


def status_of(answer):
    return int(answer.split(b" ")[1]) if answer.startswith(b"HTTP/1.1 ") else None


def peak_memory(node):
    """The most memory that the node ever had, in bytes."""
    with open(f"/proc/{node.process.pid}/status", encoding="utf-8") as file:
        line = next(line for line in file if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def still_serves(node):
    expect_equal(node.rpc.getblockcount(), node.blocks, "what a good client gets")


def new_node(test):
    node = test.node(chain="regtest")
    node.mine(1, REGTEST_ADDRESS)
    node.blocks = 1
    return node


def malformed_and_truncated_http(test):
    node = new_node(test)
    good = credentials(node)
    whole = post(good, b'{"method":"getblockcount"}')
    expect_equal(status_of(answer_to(node, whole)),
                 200, "a good request")
    for broken, status in (
            (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + os.urandom(200), 400),  # TLS
            (b"\x00" * 1000, 400), (b"GET\r\n\r\n", 400), (b"POST / HTTP/9.9\r\n\r\n", 400),
            (b"POST / HTTP/1.1\r\n: x\r\n\r\n", 400),
            (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
            (b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", 400),
            (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
            (b"POST / HTTP/1.1\r\nX: " + b"y" * 100_000 + b"\r\n\r\n", 400),
            (b"POST / HTTP/1.1\r\n" + b"X: y\r\n" * 10_000 + b"\r\n", 400),
            (b"POST /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n", 400),
            (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nAuthorization: " + good.encode()
             + b"\r\n\r\nzz\r\n", None),
            (b"DELETE / HTTP/1.1\r\n\r\n", 405), (b"POST /../etc/passwd HTTP/1.1\r\n\r\n", 404),
            (b"\r\n\r\n" * 5000, 400)):
        answer = answer_to(node, broken)
        found = status_of(answer)
        # Of a long one, data that nobody reads may take the answer with them.
        lost = None if len(broken) > 4096 else status
        assert found in (status, lost), f"{broken[:60]}: {answer[:60]}"
    for length in range(0, len(whole), 7):
        assert status_of(answer_to(node, whole[:length])) in (None, 400), f"after {length} bytes"
    still_serves(node)


def large_bodies_are_not_taken(test):
    node = new_node(test)
    before = peak_memory(node)
    good = credentials(node)
    junk = b"x" * MEGABYTE
    expect_equal(status_of(answer_to(node, post(good, length=100 * MEGABYTE), *[junk] * 100)), 413,
                 "status for a body of 100 MB")
    expect_equal(status_of(answer_to(node, post(WRONG, length=100 * MEGABYTE), *[junk] * 100)), 413,
                 "status for one without a right to ask")
    chunk = b"%x\r\n" % MEGABYTE + junk + b"\r\n"
    head = (f"POST / HTTP/1.1\r\nAuthorization: {good}\r\n"
            "Transfer-Encoding: chunked\r\n\r\n").encode()
    expect_equal(status_of(answer_to(node, head, *[chunk] * 100)), 413, "status of chunks")
    assert status_of(answer_to(node, head.replace(good.encode(), WRONG.encode()),
                               *[chunk] * 100)) in (401, None), "chunks with a wrong password"
    still_serves(node)
    grown = peak_memory(node) - before
    assert grown < 150 * MEGABYTE, f"grew by {grown / MEGABYTE:.0f} MB"


def deep_and_long_json(test):
    node = new_node(test)
    before = peak_memory(node)
    good = credentials(node)
    count = 8_000_000
    for body in (b"[" * count, b'{"a":' * (count // 5), b'{"params":' + b"[" * count,
                 b"[" + b"1," * (count // 2) + b"1]", b'{"id":' + b"9" * count + b"}",
                 b'"' + b"\\u0000" * (count // 6) + b'"', b"-" * count, b"\xff" * count):
        answer = answer_to(node, post(good, body))
        assert status_of(answer) in (200, 400, 500), answer[:100]
        assert b'"code":-32' in answer, answer[:200]
        still_serves(node)
    grown = peak_memory(node) - before
    assert grown < 1500 * MEGABYTE, f"grew by {grown / MEGABYTE:.0f} MB"


def ten_thousand_idle_connections(test):
    node = new_node(test)
    before = peak_memory(node)
    count = 10_000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, count + 500), hard))
    idle = []
    try:
        count = min(count, hard - 500)
        for number in range(count):
            idle.append(connect(node))
            if number % 3 == 0:
                idle[-1].sendall(b"POST / HTTP/1.1\r\nX-Slow: ")
            if number % 1000 == 0:
                still_serves(node)
                files = len(os.listdir(f"/proc/{node.process.pid}/fd"))
                assert files < MAX_CONNECTIONS + 500, f"{files} open files"
        still_serves(node)
    finally:
        for client in idle:
            client.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    still_serves(node)
    grown = peak_memory(node) - before
    assert grown < 100 * MEGABYTE, f"grew by {grown / MEGABYTE:.0f} MB"


def guessing_passwords_is_slow_for_the_guesser_alone(test):
    node = new_node(test)
    request = post(WRONG, b'{"method":"getblockcount"}')
    until = time.monotonic() + 3

    def guess():
        guesses = 0
        while time.monotonic() < until:
            expect_equal(status_of(answer_to(node, request)), 401, "status")
            guesses += 1
        return guesses

    slowest = 0
    with concurrent.futures.ThreadPoolExecutor(40) as guessers:
        tried = [guessers.submit(guess) for _ in range(40)]
        while time.monotonic() < until:
            start = time.monotonic()
            still_serves(node)
            slowest = max(slowest, time.monotonic() - start)
        guesses = sum(one.result() for one in tried)
    assert guesses <= 40 * (3 / 0.25 + 2), f"{guesses} guesses in 3 s"
    assert slowest < 2, f"a good client waited {slowest:.1f} s"


def open_files(node):
    return len(os.listdir(f"/proc/{node.process.pid}/fd"))


def active_calls(node):
    return [call["method"] for call in node.rpc.getrpcinfo()["active_commands"]]


def calls_cut_off_are_given_up(test):
    """Who asks for an event that never comes and leaves, a thousand times, leaves nothing behind:
    over HTTP, as a miner's long poll, and over a WebSocket."""
    node = new_node(test)
    files, memory = open_files(node), node.memory_megabytes()
    good = credentials(node)
    known = node.rpc.getblocktemplate({"rules": ["segwit"]})["longpollid"]
    waits = [("waitforblockheight", [2_000_000_000]), ("waitforblock", ["00" * 32]),
             ("getblocktemplate", [{"rules": ["segwit"], "longpollid": known}])]
    for number in range(999):
        method, params = waits[number % 3]
        body = json.dumps({"id": 1, "method": method, "params": params}).encode()
        with connect(node) as client:
            client.sendall(post(good, body))
    for _ in range(100):
        client = WebSocket(node)
        for method, params in waits:
            client.begin(method, *params)
        client.socket.close()
    wait_until(lambda: active_calls(node) == ["getrpcinfo"], "all calls to be given up")
    wait_until(lambda: open_files(node) <= files + 10, "all connections to be closed")
    grown = node.memory_megabytes() - memory
    assert grown < 100, f"grew by {grown:.0f} MB"
    still_serves(node)


def clients_that_wait_push_out_nobody(test):
    """More long polls than connections are kept, while one is idle; all get their answer."""
    node = new_node(test)
    good = credentials(node)
    idle = connect(node)
    tip = node.rpc.getbestblockhash()
    wait = json.dumps({"method": "waitfornewblock", "params": [0, tip]}).encode()
    waiting = []
    while len(waiting) < MAX_CONNECTIONS + 100:
        waiting.append(connect(node))
        waiting[-1].sendall(post(good, wait))
        if len(waiting) % 100 == 0 or len(waiting) == MAX_CONNECTIONS + 100:
            wait_until(lambda: len(active_calls(node)) > len(waiting), "the calls to wait")
    idle.sendall(post(good, b'{"method":"getblockcount"}'))
    expect_equal(status_of(idle.recv(1000)), 200, "status for one who was idle")
    node.mine(1, REGTEST_ADDRESS)
    for client in [*waiting, idle]:
        assert client is idle or status_of(client.recv(1000)) == 200
        client.close()


def slow_calls_leave_room_for_others(test):
    """A user with sixteen connections, each of which asks for work of hours: they take turns, and
    health, calls and what the chain is asked go on. When they leave, the work ends."""
    node = new_node(test)
    good = credentials(node)
    mine = json.dumps({"method": "generatetoaddress",
                       "params": [100_000_000, REGTEST_ADDRESS]}).encode()
    users = [connect(node) for _ in range(16)]
    for user in users:
        user.sendall(post(good, mine))
    wait_until(lambda: node.rpc.getblockcount() > 3, "blocks to be made")
    wait_until(lambda: active_calls(node).count("generatetoaddress") == 3,
               "three slow calls, of four threads")
    for _ in range(10):
        slow = active_calls(node).count("generatetoaddress")
        expect_equal(slow, 3, "slow calls at a time, of four threads")
        expect_equal(status_of(answer_to(node, b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")), 200,
                     "health")
        assert node.rpc.getblockcount() > 3
        node.rpc.syncwithvalidationinterfacequeue()
    for user in users:
        user.close()
    wait_until(lambda: active_calls(node) == ["getrpcinfo"], "the work to end")


def heavy_reads_leave_room_for_others(test):
    """A user who may only read, with sixty-four connections each of which has a long history walked
    through, as often as makes a second's work: who asks little is answered long before all of these
    are, by one thread."""
    proof = hmac.new(b"salt", b"12345", "sha256").hexdigest()
    node = test.node("-addressindex", "-rpcthreads=1", f"-rpcauth=reader:salt${proof}",
                     "-rpcrole=reader:read", chain="regtest")
    tip = node.mine(2000, REGTEST_ADDRESS)[-1]
    wait_until(lambda: node.rpc.getindexinfo()["addressindex"]["synced"], "the index")
    reader = "Basic " + base64.b64encode(b"reader:12345").decode()
    for times, method, *params in ((10, "getaddressutxos", REGTEST_ADDRESS, 10_000),
                                   (10, "getaddresshistory", REGTEST_ADDRESS, 10_000),
                                   (200, "getaddressbalance", REGTEST_ADDRESS)):
        users = [connect(node) for _ in range(64)]
        asked = post(reader, json.dumps([{"method": method, "params": params}] * times).encode())
        for user in users:
            user.sendall(asked)
        expect_equal(status_of(answer_to(node, b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")), 200,
                     "health")
        expect_equal(node.rpc.getbestblockhash(), tip, "tip")
        answered = select.select(users, [], [], 0)[0]
        assert len(answered) < len(users) / 2, f"{len(answered)} of {method} were first"
        for user in users:
            expect_equal(status_of(user.recv(1000)), 200, f"status of {method}")
            user.close()


def a_batch_has_a_limit(test):
    """A batch whose reply would have a gigabyte and more gets what fits, and errors for the rest;
    while it is made others are served."""
    node = new_node(test)
    before = peak_memory(node)
    batch = b"[" + b",".join([b'{"id":1,"method":"rpc.discover"}'] * 20_000) + b"]"
    with connect(node) as client:
        client.sendall(post(credentials(node), batch))
        still_serves(node)
        received = bytearray()
        while not received.endswith(b"}]\n"):
            received += client.recv(1 << 20)
    assert received.endswith(b'"message":"The reply to the batch is too large"},"id":1}]\n')
    assert 256 < len(received) / MEGABYTE < 280, len(received)
    grown = peak_memory(node) - before
    assert grown < 1000 * MEGABYTE, f"grew by {grown / MEGABYTE:.0f} MB"


def a_web_socket_with_many_waits_lives(test):
    """As long as its client answers pings; one call more is refused, what need not wait is not."""
    node = test.node(PINGS, chain="regtest")
    client = WebSocket(node)
    waits = [client.begin("waitfornewblock") for _ in range(256)]
    refused = client.reply(client.begin("waitfornewblock"))["error"]
    expect_equal(refused["message"], "Too many calls are waiting", "refusal")
    client.take_pings(4)  # after two without an answer it would be taken for dead
    expect_equal(client.call("getblockcount"), 0, "height")
    node.mine(1, REGTEST_ADDRESS)
    for number in waits:
        expect_equal(client.reply(number)["result"]["height"], 1, "height of the news")


def a_web_socket_that_reads_slowly_lives(test):
    """A reply of 100 MB and more may take its client longer than he may be silent."""
    node = test.node(PINGS, chain="regtest")
    client = WebSocket(node)
    batch = [{"id": number, "method": "rpc.discover"} for number in range(600)]
    client.send_frame(TEXT, json.dumps(batch).encode())
    _, payload = client.read_frame(pause=0.045)
    assert len(payload) > 80 * MEGABYTE, len(payload)
    assert client.pings > 3, f"{client.pings} pings"
    expect_equal(client.call("getblockcount"), 0, "height")


run(malformed_and_truncated_http, large_bodies_are_not_taken, deep_and_long_json,
    ten_thousand_idle_connections, guessing_passwords_is_slow_for_the_guesser_alone,
    calls_cut_off_are_given_up, clients_that_wait_push_out_nobody,
    slow_calls_leave_room_for_others, heavy_reads_leave_room_for_others, a_batch_has_a_limit,
    a_web_socket_with_many_waits_lives, a_web_socket_that_reads_slowly_lives)
