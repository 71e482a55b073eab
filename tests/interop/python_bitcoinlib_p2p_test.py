#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""python-bitcoinlib's messages between peers: it calls a node as one of an old version, and asks
for and tells of blocks and transactions. A node must not say anything that it doesn't know."""
import os
import socket
import sys

from clients import skip
from framework import PATIENCE, expect_equal, run, wait_until
from open_coins import COIN, REGTEST_ADDRESS, mature_coins, payment

DEBIANS_PYTHON = "/usr/bin/python3"

try:
    import bitcoin
except ImportError:
    # Debian's package is there for Debian's Python, whichever one runs this.
    if sys.executable != DEBIANS_PYTHON and os.path.exists(DEBIANS_PYTHON):
        os.execv(DEBIANS_PYTHON, [DEBIANS_PYTHON, *sys.argv])
    skip("no python3-bitcoinlib")
from bitcoin.core import CBlock, CTransaction, b2lx, b2x, lx, x
from bitcoin.messages import (MsgSerializable, messagemap, msg_getaddr, msg_getblocks, msg_getdata,
                              msg_getheaders, msg_inv, msg_ping, msg_tx, msg_verack, msg_version,
                              msg_block)
from bitcoin.net import CInv

TX, BLOCK = 1, 2
VERSION = 70001  # of notfound; too old for sendheaders, feefilter, wtxidrelay and the rest


class Peer:
    """A connection, in the library's messages."""

    def __init__(self, node):
        bitcoin.SelectParams("regtest")
        self.socket = socket.create_connection(("127.0.0.1", node.port), PATIENCE)
        self.file = self.socket.makefile("rb")
        version = msg_version(VERSION)
        version.addrTo.port = node.port
        self.send(version)
        self.version = self.expect("version")
        self.send(msg_verack())
        self.expect("verack")
        self.wait_until_heard()

    def send(self, message):
        self.socket.sendall(message.to_bytes())

    def receive(self):
        """The next message. The library prints, and gives nothing for, what it doesn't know."""
        message = MsgSerializable.stream_deserialize(self.file, VERSION)
        assert message is not None, f"a message that version {VERSION} has not"
        return message

    def expect(self, command):
        """The next message of this name; what comes before it is answered."""
        while True:
            message = self.receive()
            if message.command == command.encode():
                return message
            if message.command == b"ping":
                self.send(messagemap[b"pong"](VERSION, message.nonce))

    def wait_until_heard(self):
        """Until the node has read all that was sent. Its verack crosses ours, and what is new
        before it has read ours isn't announced here."""
        nonce = int.from_bytes(os.urandom(8), "little")
        self.send(msg_ping(VERSION, nonce))
        expect_equal(self.expect("pong").nonce, nonce, "pong")

    def expect_item(self, kind, item_hash):
        while (kind, item_hash) not in [(item.type, item.hash)
                                        for item in self.expect("inv").inv]:
            pass

    def ask(self, kind, item_hash):
        message = msg_getdata()
        message.inv = [item(kind, item_hash)]
        self.send(message)


def item(kind, item_hash):
    made = CInv()
    made.type, made.hash = kind, item_hash
    return made


def locator(message, have, stop=b"\x00" * 32):
    message.locator.nVersion = VERSION
    message.locator.vHave = have
    message.hashstop = stop
    return message


def asks_for_blocks(test):
    node = test.node(chain="regtest")
    hashes = [lx(each) for each in node.mine(30, REGTEST_ADDRESS)]
    genesis = lx(node.rpc.getblockhash(0))
    peer = Peer(node)
    expect_equal(peer.version.nStartingHeight, 30, "height")
    peer.send(locator(msg_getheaders(), [genesis], hashes[0]))
    expect_equal([each.GetHash() for each in peer.expect("headers").headers], hashes[:1], "headers")
    peer.send(locator(msg_getblocks(), [hashes[9], genesis]))
    expect_equal([each.hash for each in peer.expect("inv").inv], hashes[10:], "blocks after 10")
    for block in hashes[10:]:
        peer.ask(BLOCK, block)
        expect_equal(peer.expect("block").block.GetHash(), block, "block")
    peer.ask(TX, hashes[0])
    expect_equal(peer.expect("notfound").inv[0].hash, hashes[0], "what isn't there")
    peer.send(msg_getaddr())
    peer.send(msg_ping(VERSION, 7))
    expect_equal(peer.expect("pong").nonce, 7, "pong")


def hears_of_what_is_new(test):
    node = test.node(chain="regtest")
    coins = mature_coins(node, 2)
    peer = Peer(node)
    paid = node.rpc.sendrawtransaction(payment(coins[:1], [50 * COIN - 1_000]))
    peer.expect_item(TX, lx(paid))
    peer.ask(TX, lx(paid))
    expect_equal(b2lx(peer.expect("tx").tx.GetTxid()), paid, "transaction")
    block = node.mine(1, REGTEST_ADDRESS)[0]
    peer.expect_item(BLOCK, lx(block))


def tells_of_what_is_new(test):
    node, other = (test.node(chain="regtest") for _ in range(2))
    coins = mature_coins(other, 1)
    blocks = [other.rpc.getblockhash(at) for at in range(1, other.rpc.getblockcount() + 1)]
    peer = Peer(node)
    for block in blocks:
        message = msg_block()
        message.block = CBlock.deserialize(x(other.rpc.getblock(block, 0)))
        peer.send(message)
    wait_until(lambda: node.rpc.getbestblockhash() == blocks[-1], "the blocks")
    told = msg_tx()
    told.tx = CTransaction.deserialize(x(payment(coins, [50 * COIN - 1_000])))
    announcement = msg_inv()
    announcement.inv = [item(TX, told.tx.GetTxid())]
    peer.send(announcement)
    asked = peer.expect("getdata").inv
    expect_equal([each.hash for each in asked], [told.tx.GetTxid()], "what it asks for")
    peer.send(told)
    wait_until(lambda: b2lx(told.tx.GetTxid()) in node.rpc.getrawmempool(), "the transaction")


run(asks_for_blocks, hears_of_what_is_new, tells_of_what_is_new)
