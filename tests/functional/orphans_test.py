#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Transactions whose parents are missing wait for them, and getorphantxs tells of them."""
import asyncio
import struct

from framework import expect_equal, run, wait_until
from open_coins import COIN, mature_coins, payment, txid_of
from peers import WTXID, Peer, count_bytes


async def say(peer, command, payload):
    """Wait until the node has looked at it."""
    peer.send(command, payload)
    peer.send("ping", bytes(8))
    while (await peer.receive())[0] != "pong":
        pass


async def told_by_two(node, orphan, other, parent):
    first, second = [await (await Peer.call(node)).handshake("wtxidrelay") for _ in range(2)]
    await say(first, "tx", bytes.fromhex(orphan))
    wtxid = bytes.fromhex(node.rpc.decoderawtransaction(orphan)["hash"])[::-1]
    await say(second, "inv", count_bytes(1) + struct.pack("<I32s", WTXID, wtxid))
    await say(second, "tx", bytes.fromhex(other))
    ids = [peer["id"] for peer in node.rpc.getpeerinfo()]
    told = [node.rpc.getorphantxs(verbosity) for verbosity in (0, 1, 2)]
    await say(second, "tx", bytes.fromhex(parent))
    wait_until(lambda: len(node.rpc.getorphantxs()) == 1, "the parent to bring one in")
    second.close()
    await second.writer.wait_closed()
    wait_until(lambda: not node.rpc.getorphantxs(), "the other to go with who sent it")
    first.close()
    return ids, told


def orphans_are_told_until_their_parents_come(test):
    node = test.node(chain="regtest")
    coins = mature_coins(node, 2)
    paid = [50 * COIN - 10_000]
    parents = [(txid_of([coin], paid), 0) for coin in coins]
    spent = [50 * COIN - 20_000]
    orphan, other = (payment([parent], spent) for parent in parents)
    ids, (names, orphans, whole) = asyncio.run(
        told_by_two(node, orphan, other, payment(coins[:1], paid)))

    txids = [txid_of([parent], spent) for parent in parents]
    expect_equal(sorted(names), sorted(txids), "verbosity 0")
    decoded = {one: node.rpc.decoderawtransaction(one) for one in (orphan, other)}
    expected = [
        {"txid": tx["txid"], "wtxid": tx["hash"], "bytes": tx["size"], "vsize": tx["vsize"],
         "weight": tx["weight"], "from": ids if one == orphan else ids[1:], "hex": one}
        for one, tx in decoded.items()]
    for told in (orphans, whole):
        told.sort(key=lambda tx: txids.index(tx["txid"]))
    expect_equal(whole, expected, "verbosity 2")
    for tx in expected:
        del tx["hex"]
    expect_equal(orphans, expected, "verbosity 1")
    expect_equal(set(node.rpc.getrawmempool()), {parents[0][0], txids[0]})


run(orphans_are_told_until_their_parents_come)
