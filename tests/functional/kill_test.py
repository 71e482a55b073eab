#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""kill -9 in the midst of its work, again and again, while the node imports, mines or reorganises
blocks full of payments: it starts by itself on a chain it had, with the coins that a replay of that
chain gives. The environment may ask for other rounds than the usual few (CAIRN_KILL_ROUNDS), or for
those of a seed that was printed (CAIRN_KILL_SEED)."""
import collections
import http.client
import os
import random
import shutil
import threading
import time

from framework import PATIENCE, RpcError, expect_equal, run
from open_coins import COIN, REGTEST_ADDRESS, payment, txid_of

ROUNDS = int(os.environ.get("CAIRN_KILL_ROUNDS", "6"))
SEED = int(os.environ.get("CAIRN_KILL_SEED", int.from_bytes(os.urandom(4), "little")))
COIN_SET = ("height", "bestblock", "txouts", "hash_serialized_3", "total_amount")
MATURITY = 100
FORK = 200    # height at which the second of the imported chains leaves the first
HEIGHTS = (400, 450)
REFUSALS = {-25, -26, -27}  # a coin is gone, is spent by another that waits, or is in the chain
STEPS = {"importing": 800, "mining": 25, "reorganising": 60}  # blocks moved before a kill, at most


class Purse:
    """Coins that anyone may spend, and payments of them."""

    def __init__(self, choices):
        self.random = choices
        self.coins = {}  # (txid, index): (satoshis, height from which on it can be spent)

    def pay(self, height):
        """A payment, in hex, in a block at `height`: of one or two coins, into up to three."""
        ready = [point for point, (_, since) in self.coins.items() if since <= height]
        chosen = self.random.sample(ready, min(len(ready), self.random.randint(1, 2)))
        value = sum(self.coins.pop(point)[0] for point in chosen)
        count = self.random.randint(1, 3)
        outputs = [(value - self.random.randint(1_000, 50_000)) // count] * count
        if not chosen or outputs[0] < 1_000:
            return None
        for index, amount in enumerate(outputs):
            self.coins[txid_of(chosen, outputs), index] = (amount, height)
        return payment(chosen, outputs)

    def look_up(self, node):
        """The coins there are now."""
        found = node.rpc.scantxoutset("start", [f"addr({REGTEST_ADDRESS})"])["unspents"]
        self.coins = {(coin["txid"], coin["vout"]): (
            round(coin["amount"] * COIN), coin["height"] + MATURITY * coin["coinbase"])
            for coin in found}


class Killer:
    """Lets the node do something, and kills it on the way."""

    def __init__(self, test):
        self.test = test
        self.random = random.Random(SEED)
        self.purse = Purse(self.random)
        self.end = None  # the block at which an import ends
        self.files = self.make_files()
        self.node = test.node(chain="regtest", start=False)
        self.in_work = collections.Counter()  # rounds, by kind, whose kill fell into work
        self.refused = collections.Counter()  # calls, by code
        self.told = []

    def make_files(self):
        """A chain, and one that leaves it half way and has more work; both spend the same coins."""
        source = self.test.node(chain="regtest")
        for hash_ in source.mine(MATURITY + 20, REGTEST_ADDRESS):
            block = source.rpc.getblock(hash_)
            self.purse.coins[block["tx"][0], 0] = (50 * COIN, block["height"] + MATURITY)
        self.mine_payments(source, FORK)
        at_fork = dict(self.purse.coins)
        self.mine_payments(source, HEIGHTS[0])
        files = [self.export(source, "chain0.dat")]
        source.start()
        source.rpc.invalidateblock(source.rpc.getblockhash(FORK + 1))
        self.purse.coins = at_fork
        self.mine_payments(source, HEIGHTS[1])
        self.end = source.rpc.getbestblockhash()
        return files + [self.export(source, "chain1.dat")]

    def mine_payments(self, node, until):
        for height in range(node.rpc.getblockcount() + 1, until + 1):
            payments = [self.purse.pay(height) for _ in range(3)]
            node.rpc.generateblock(REGTEST_ADDRESS, [one for one in payments if one])

    def export(self, node, name):
        """Stop it, and write its chain to a file."""
        expect_equal(node.stop(), 0, "exit code")
        file = os.path.join(self.test.directory, name)
        node.start(f"-exportblocks={file}", wait=False)
        expect_equal(node.process.wait(120), 0, "exit code of an export")
        return file

    def blocks_moved(self):
        """How often the tip moved since the start, as the log tells."""
        output = self.node.output()
        return output.count("block_connected ") + output.count("block_disconnected ")

    def kill_after(self, steps, done=lambda: False):
        """Kill once so many more blocks moved, if not all is done before."""
        delay = self.random.uniform(0, 0.01)
        steps += self.blocks_moved()
        deadline = time.monotonic() + PATIENCE
        while self.blocks_moved() < steps and not done():
            assert time.monotonic() < deadline, f"waited in vain for {steps} blocks to move"
            time.sleep(0.001)
        time.sleep(delay)
        self.node.kill()

    def kill_during(self, kind, work):
        """Start, have `work` done over and over, and kill on the way."""
        steps = self.random.randint(1, STEPS[kind])
        self.purse.random = random.Random(self.random.random())
        self.purse.look_up(self.node.start())
        worker = threading.Thread(target=self.until_it_dies, args=(kind, work))
        worker.start()
        self.kill_after(steps)
        worker.join()

    def until_it_dies(self, kind, work):
        while True:
            try:
                work()
            except RpcError as error:
                self.refused[error.code] += 1
            except (OSError, http.client.HTTPException) as error:
                # Between two calls, nobody would have listened any more.
                self.in_work[kind] += not isinstance(error, ConnectionRefusedError)
                return

    def check(self):
        """The node starts, and its coins are those of its chain."""
        found = coin_set(self.node.start())
        blocks = self.export(self.node, "blocks.dat")
        replay = self.test.node(chain="regtest", start=False)
        replay.start(f"-loadblock={blocks}", "-stopafterblockimport", wait=False)
        expect_equal(replay.process.wait(120), 0, "exit code of an import")
        expect_equal(found, coin_set(replay.start()), "the coins")
        replay.kill()
        shutil.rmtree(replay.datadir)

    def import_files(self, *options):
        self.node.start(*(f"-loadblock={file}" for file in self.files), *options, wait=False)

    def importing(self):
        shutil.rmtree(self.node.datadir, ignore_errors=True)
        os.makedirs(self.node.datadir)
        self.import_files()
        self.kill_after(self.random.randint(1, STEPS["importing"]), self.is_imported)
        self.in_work["importing"] += not self.is_imported()
        self.check()
        self.import_files("-stopafterblockimport")  # for the other kinds of work
        expect_equal(self.node.process.wait(120), 0, "exit code of an import")

    def is_imported(self):
        return f"block_connected hash={self.end} height={HEIGHTS[1]} " in self.node.output()

    def pay(self):
        """Some payments into the mempool, in whatever order they were thought of."""
        for _ in range(self.purse.random.randint(1, 4)):
            one = self.purse.pay(self.node.rpc.getblockcount() + 1)
            if one:
                try:
                    self.node.rpc.sendrawtransaction(one)
                except RpcError as error:
                    self.refused[error.code] += 1

    def mining(self):
        self.told = []

        def mine():
            self.pay()
            self.told = self.node.mine(1, REGTEST_ADDRESS)
        self.kill_during("mining", mine)
        self.node.start()
        if self.told:
            height = self.node.rpc.getblock(self.told[-1])["height"]
            expect_equal(self.node.rpc.getblockhash(height), self.told[-1],
                         "the last block told of")
        self.node.kill()
        self.check()

    def reorganising(self):
        def reorganise():
            rpc = self.node.rpc
            depth = self.purse.random.randint(1, 20)
            block = rpc.getblockhash(rpc.getblockcount() - depth)
            rpc.invalidateblock(block)
            self.pay()  # spends what the other branch spends, too
            self.node.mine(self.purse.random.randint(1, depth + 2), REGTEST_ADDRESS)
            rpc.reconsiderblock(block)
        self.kill_during("reorganising", reorganise)
        self.check()


def coin_set(node):
    """Of a moment at which nothing waits to be connected any more."""
    node.rpc.syncwithvalidationinterfacequeue()
    info = node.rpc.gettxoutsetinfo()
    expect_equal(info["bestblock"], node.rpc.getbestblockhash(), "the coins' block")
    return {name: info[name] for name in COIN_SET}


def killed_again_and_again_it_has_the_coins_of_its_chain(test):
    print(f"seed {SEED}", flush=True)
    killer = Killer(test)
    number = 0
    # By chance a kill falls between two calls: more rounds, until it was at work often enough.
    while number < ROUNDS or sum(killer.in_work.values()) * 4 < ROUNDS * 3:
        assert number < 2 * ROUNDS, f"most kills fell between two works: {dict(killer.in_work)}"
        (killer.importing, killer.mining, killer.reorganising)[number % 3]()
        number += 1
        if number % 20 == 0:
            print(f"{number} rounds", flush=True)
    print(f"killed at work in {number} rounds: {dict(killer.in_work)}", flush=True)
    print(f"refused: {dict(killer.refused)}", flush=True)
    assert killer.refused.keys() <= REFUSALS, "a call was refused for no reason that it may have"


run(killed_again_and_again_it_has_the_coins_of_its_chain)
