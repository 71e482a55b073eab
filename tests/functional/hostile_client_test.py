#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Clients that mean harm, or know no better, at JSON-RPC's port: they get clear errors, the node
keeps its memory and serves others meanwhile."""
import base64
import concurrent.futures
import contextlib
import os
import resource
import socket
import time

from framework import (PATIENCE, REGTEST_ADDRESS, RpcError, expect_equal, run, wait_until)

MEGABYTE = 1 << 20
MAX_CONNECTIONS = 256  # of the server
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
        assert found in (status, None if status == 400 else status), f"{broken[:60]}: {answer[:60]}"
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


def calls_cut_off_are_given_up(test):
    """Who asks for an event and leaves, a thousand times, takes nothing from others."""
    node = new_node(test)
    good = credentials(node)
    for _ in range(1000):
        with connect(node) as client:
            client.sendall(post(good, b'{"method":"waitfornewblock"}'))
    still_serves(node)
    try:
        node.rpc.getblockhash(9)
    except RpcError as error:
        expect_equal(error.code, -8, "a good client's error")


run(malformed_and_truncated_http, large_bodies_are_not_taken, deep_and_long_json,
    ten_thousand_idle_connections, guessing_passwords_is_slow_for_the_guesser_alone,
    calls_cut_off_are_given_up)
