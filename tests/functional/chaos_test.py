#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Five nodes under a load of payments, of which one is killed and restarted at random, again and
again: no payment and no block is lost, and all end on one tip with the same coins. The environment
may ask for more than half a minute (CAIRN_CHAOS_SECONDS), or for the choices of a seed that was
printed (CAIRN_CHAOS_SEED)."""
import http.client
import os
import random
import time

from framework import (RpcError, expect_equal, run, wait_relaying, wait_same_tip, wait_until)
from open_coins import COIN, REGTEST_ADDRESS, mature_coins, payment, txid_of

SECONDS = float(os.environ.get("CAIRN_CHAOS_SECONDS", "30"))
SEED = int(os.environ.get("CAIRN_CHAOS_SEED", int.from_bytes(os.urandom(4), "little")))
NODES = 5
PURSES = 200
FEE = 1_000
KEPT = 100  # payments of a purse that are sent again: more than any reorganisation takes back
REFUSALS = (-25, -27)  # the coin it spends isn't there yet, or it is confirmed
UNREACHABLE = (OSError, ValueError, http.client.HTTPException)


class Purse:
    """One coin that is paid on and on, a payment after each confirmation of the one before. Its
    owner does what a wallet does: what isn't known any more is sent again."""

    def __init__(self, point, amount):
        self.points, self.amount = [point], amount
        self.sent = []
        self.taken = {}  # by node: which life of it took which payment, the last one

    def pay(self, node, life):
        """Make a payment if the last one is confirmed, and send what is not. True if it was made.
        The node may be starting, or lack the coin that is spent."""
        try:
            is_due = self.is_confirmed(node)
            if is_due:
                spent, self.amount = [self.points[-1]], self.amount - FEE
                self.sent.append(payment(spent, [self.amount]))
                self.points.append((txid_of(spent, [self.amount]), 0))
            node.rpc.sendrawtransaction(self.sent[-1])
            self.taken[node] = (life, len(self.sent))
            return is_due
        except RpcError as error:
            assert error.code in REFUSALS, f"a payment was refused: {error}"
            return False
        except UNREACHABLE:
            return False

    def expect_kept(self, node, life):
        """What this life of the node took it has still: in a block, or waiting for one."""
        then, count = self.taken.get(node, (None, 0))

        def kept():
            return any(node.rpc.gettxout(*point) for point in self.points[count:])

        if then != life or kept():
            return
        node.rpc.syncwithvalidationinterfacequeue()  # it may be amid a reorganisation
        assert kept(), f"node {node.number} took payment {self.points[count]}, and has lost it"

    def pay_all(self, node):
        for raw in self.sent[-KEPT:]:
            try:
                node.rpc.sendrawtransaction(raw)
            except RpcError as error:
                assert error.code in REFUSALS, f"a payment was refused: {error}"

    def is_confirmed(self, node):
        return node.rpc.gettxout(*self.points[-1], False) is not None


class Chaos:
    def __init__(self, test):
        self.random = random.Random(SEED)
        self.nodes = [test.node(chain="regtest", start=False) for _ in range(NODES)]
        for node in self.nodes:
            node.options += [f"-addnode={other.address}" for other in self.nodes
                             if other is not node]
            node.start()
        self.mined = {node: [] for node in self.nodes}  # blocks that it told of
        self.lives = dict.fromkeys(self.nodes, 0)  # how often each was killed
        self.down = None
        self.kills = self.payments = 0
        self.purses = self.make_purses()

    def make_purses(self):
        first = self.nodes[0]
        coins = mature_coins(first, 4)
        wait_same_tip(self.nodes)
        wait_relaying(self.nodes)
        each = PURSES // len(coins)
        amount = 50 * COIN // each - FEE
        purses = []
        for coin in coins:
            txid = first.rpc.sendrawtransaction(payment([coin], [amount] * each))
            purses += [Purse((txid, i), amount) for i in range(each)]
        first.mine(1, REGTEST_ADDRESS)
        wait_same_tip(self.nodes)
        return purses

    def anyone(self):
        return self.random.choice([node for node in self.nodes if node is not self.down])

    def pay(self):
        for purse in self.random.sample(self.purses, 10):
            node = self.anyone()
            self.payments += purse.pay(node, self.lives[node])

    def mine(self):
        node = self.anyone()
        try:
            self.mined[node] += node.mine(1, REGTEST_ADDRESS)
        except UNREACHABLE:
            pass  # it ends

    def kill(self):
        self.down = self.anyone()
        self.down.kill()
        self.lives[self.down] += 1
        self.kills += 1

    def restart(self):
        """What it told of before is there."""
        node, self.down = self.down, None
        node.start()
        for block in self.mined[node][-3:]:
            assert node.rpc.getblock(block)["nTx"] > 0, f"block {block} is lost"

    def run(self, seconds):
        end = time.monotonic() + seconds
        next_mine = next_kill = time.monotonic()
        while time.monotonic() < end:
            self.pay()
            now = time.monotonic()
            if now >= next_mine:
                self.mine()
                next_mine = now + self.random.uniform(0.5, 2)
            if now >= next_kill:
                if self.down:
                    self.restart()
                else:
                    self.kill()
                next_kill = time.monotonic() + self.random.uniform(0.1, 3)
        if self.down:
            self.restart()

    def settle(self):
        """Only what died with a node may be lost; it is sent again, and mined, until all is
        confirmed, on one tip."""
        for node in self.nodes:
            for purse in self.purses:
                purse.expect_kept(node, self.lives[node])
        for node in self.nodes:
            wait_until(lambda node=node: len(node.rpc.getpeerinfo()) >= NODES - 1,
                       f"node {node.number} to be connected again")
        miner = self.nodes[0]
        miner.mine(1, REGTEST_ADDRESS)
        wait_same_tip(self.nodes)
        for purse in self.purses:
            purse.pay_all(miner)
        while miner.rpc.getrawmempool():
            miner.mine(1, REGTEST_ADDRESS)
        wait_same_tip(self.nodes)


def killed_at_random_under_load__nothing_is_lost_and_all_have_one_tip(test):
    print(f"seed {SEED}", flush=True)
    chaos = Chaos(test)
    chaos.run(SECONDS)
    chaos.settle()
    print(f"{chaos.kills} kills, {chaos.payments} payments, height "
          f"{chaos.nodes[0].rpc.getblockcount()}", flush=True)
    assert chaos.kills > 3 and chaos.payments > PURSES, "hardly anything happened"
    for node in chaos.nodes:
        for purse in chaos.purses:
            assert purse.is_confirmed(node), f"payment {purse.points[-1]} is lost at {node.number}"
    coins = [node.rpc.gettxoutsetinfo()["hash_serialized_3"] for node in chaos.nodes]
    expect_equal(coins, coins[:1] * NODES, "the coins")
    for node in chaos.nodes:
        expect_equal(node.stop(), 0, "exit code")


run(killed_at_random_under_load__nothing_is_lost_and_all_have_one_tip)
