#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A payment on the default chain, as its users make one: sent through node 3, mined by node 1, seen
by a wallet that asks node 2."""
import json
from decimal import Decimal

from framework import (DEFAULT_ADDRESS, TEST_WORDS, expect_equal, expect_in, run, wait_same_tip,
                       wait_until)

MATURITY = 10  # of the default chain


def sent_through_one_node_is_mined_by_another_and_seen_at_a_third(test):
    first, second, third = (test.node() for _ in range(3))
    second.connect(first)
    third.connect(second)  # so the payment comes to the miner over node 2
    first.mine(MATURITY, DEFAULT_ADDRESS)
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


def balance(node, wallet):
    return json.loads(node.cairn("--json", f"--wallet={wallet}", "balance"), parse_float=Decimal)


run(sent_through_one_node_is_mined_by_another_and_seen_at_a_third)
