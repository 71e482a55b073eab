#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A payment on the default chain, as its users make one: sent through node 3, mined by node 1, seen
by a wallet that asks node 2. And payments over a bad connection."""
import contextlib
import json
import socket
import subprocess
import threading
from decimal import Decimal

from framework import (CAIRN, DEFAULT_ADDRESS, PATIENCE, REGTEST_ADDRESS, TEST_WORDS, environment,
                       expect_equal, expect_in, run, wait_same_tip, wait_until)

MATURITY = 10  # of the default chain


def sent_through_one_node_is_mined_by_another_and_seen_at_a_third(test):
    first, second, third = (test.node() for _ in range(3))
    second.connect(first)
    third.connect(second)  # so the payment comes to the miner over node 2
    for _ in range(MATURITY):  # seconds each: one call for all may take a slow machine too long
        first.mine(1, DEFAULT_ADDRESS)
    wait_same_tip(test.nodes)

    words = test.file("words", TEST_WORDS + "\n")
    passphrase = f"--passphrase-file={test.passphrase_file}"
    third.cairn("wallet", "restore", "rich", f"--words-file={words}", passphrase)
    second.cairn("wallet", "create", "poor", passphrase)
    premine = balance(third, "rich")["spendable"]
    assert premine > 0, "the premine of the test words is not there"
    address = second.cairn("address", "--wallet=poor").strip()
    assert address.startswith("crn1q"), address

    sent = json.loads(third.cairn("--wallet=rich", passphrase, "--json", "send", "--yes", address,
                                  "12.5"), parse_float=Decimal)
    wait_until(lambda: sent["txid"] in first.rpc.getrawmempool(), "the miner to hear of it")
    waiting = balance(second, "poor")
    expect_equal((waiting["incoming"], waiting["spendable"]), (Decimal("12.5"), 0),
                 "what poor has while no block holds it")
    block = first.mine(1, DEFAULT_ADDRESS)[0]
    wait_same_tip(test.nodes)

    confirmed = balance(second, "poor")
    expect_equal((confirmed["incoming"], confirmed["spendable"]), (0, Decimal("12.5")),
                 "what poor has")
    expect_equal(balance(third, "rich")["spendable"],
                 premine - Decimal("12.5") - sent["fee"], "what rich has left")
    entry = json.loads(second.cairn("--json", "--wallet=poor", "history"))[-1]
    expect_equal((entry["txid"], entry["kind"], entry["confirmations"]),
                 (sent["txid"], "received", 1), "poor's history")
    expect_in(address[:12] + "...", third.cairn("--wallet=rich", "history"))
    for word in (address, sent["txid"], f'{sent["fee"]:f}'):
        expect_in(word, third.cairn("--wallet=rich", "history", "--full"))
    for node in test.nodes:
        found = node.rpc.getrawtransaction(sent["txid"], True, block)
        expect_equal(found["confirmations"], 1, f"confirmations at node {node.number}")
        expect_equal(node.rpc.getrawmempool(), [], f"mempool of node {node.number}")


class BadConnection:
    """To a node; a call of method `loses` breaks it. Each of cairn's calls has one of its own."""

    def __init__(self, node):
        self.node = node
        self.loses = None
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            client, _ = self.listener.accept()
            with client, contextlib.suppress(OSError):
                self.pass_on(client)

    def pass_on(self, client):
        request = b""
        while b"\r\n\r\n" not in request:
            request += client.recv(65536)
        head, _, body = request.partition(b"\r\n\r\n")
        size = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        while len(body) < size:
            body += client.recv(65536)
        if self.loses and self.loses in body:
            return
        with socket.create_connection(("127.0.0.1", self.node.rpc_port)) as node:
            node.sendall(head + b"\r\n\r\n" + body)
            while part := node.recv(65536):
                client.sendall(part)


def exit_codes_tell_what_became_of_it(test):
    node = test.node(chain="regtest")
    passphrase = f"--passphrase-file={test.passphrase_file}"
    node.cairn("wallet", "create", passphrase)
    node.mine(3, node.cairn("address").strip())
    node.mine(100, REGTEST_ADDRESS)
    connection = BadConnection(node)

    def cairn(*arguments):
        """(exit code, what it printed as JSON, what it said)"""
        done = subprocess.run(
            [CAIRN, "-chain=regtest", f"-datadir={node.datadir}", f"-rpcport={connection.port}",
             f"-walletdir={test.wallets}", passphrase, "--json", *arguments],
            capture_output=True, text=True, check=False, timeout=PATIENCE, cwd=test.directory,
            env=environment(test.directory))
        return done.returncode, json.loads(done.stdout or "null"), done.stderr

    send = ["send", "--yes", REGTEST_ADDRESS, "1"]
    expect_equal(cairn(*send[:-1], "1000")[:2], (1, None), "more than there is")
    connection.loses = b"sendrawtransaction"
    code, told, _ = cairn(*send)
    expect_equal((code, told), (3, {"txid": told["txid"], "sent": False}), "connection lost")
    expect_equal(node.rpc.getrawmempool(), [], "mempool")
    connection.loses = None
    code, again, said = cairn(*send)
    expect_equal((code, again), (4, None), "an earlier payment was sent")
    for word in (told["txid"], REGTEST_ADDRESS, "1.00000000"):
        expect_in(word, said)
    expect_equal(node.rpc.getrawmempool(), [told["txid"]], "mempool")
    expect_equal(cairn(*send)[0], 0, "nothing was sent earlier in this run")

    code, _, said = cairn("abandon", told["txid"])
    expect_equal(code, 1, "abandoned while it waits")
    expect_in("mempool", said)
    connection.loses = b"sendrawtransaction"
    code, told, _ = cairn(*send)
    expect_equal(code, 3, "connection lost")
    connection.loses = b"getblockhash"
    code, _, said = cairn("abandon", told["txid"])
    expect_equal(code, 1, "abandoned while nobody knows")
    expect_in("--force", said)
    connection.loses = None
    expect_equal(cairn(*send, "--anyway")[0], 0, "both are wanted")
    expect_equal(len(node.rpc.getrawmempool()), 4, "payments")
    connection.loses = b"sendrawtransaction"
    _, told, _ = cairn(*send)
    expect_equal(cairn("abandon", told["txid"])[:2], (0, {"abandoned": told["txid"]}), "given up")


def balance(node, wallet):
    return json.loads(node.cairn("--json", f"--wallet={wallet}", "balance"), parse_float=Decimal)


run(sent_through_one_node_is_mined_by_another_and_seen_at_a_third,
    exit_codes_tell_what_became_of_it)
