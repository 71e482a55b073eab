#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""kill -9 at a random moment, again and again, while the node imports, mines or reorganises: it
starts by itself on a chain it had, with the coins that a replay of that chain gives. The
environment may ask for other rounds than the usual few (CAIRN_KILL_ROUNDS), or for those of a seed
that was printed (CAIRN_KILL_SEED)."""
import http.client
import os
import random
import shutil
import threading
import time

from framework import REGTEST_ADDRESS, RpcError, expect_equal, run

ROUNDS = int(os.environ.get("CAIRN_KILL_ROUNDS", "6"))
SEED = int(os.environ.get("CAIRN_KILL_SEED", int.from_bytes(os.urandom(4), "little")))
OTHER_ADDRESS = "bcrt1qqyqszqgpqyqszqgpqyqszqgpqyqszqgpvxat9t"
COIN_SET = ("height", "bestblock", "txouts", "hash_serialized_3", "total_amount")


class Killer:
    """Lets the node do something for a random while, and kills it."""

    def __init__(self, test):
        self.test = test
        self.random = random.Random(SEED)
        self.files = self.make_files()
        self.node = test.node(chain="regtest", start=False)

    def make_files(self):
        """A chain, and one that leaves it half way and has more work."""
        source = self.test.node(chain="regtest")
        hashes = source.mine(400, REGTEST_ADDRESS)
        files = [self.export(source, "chain0.dat")]
        source.start()
        source.rpc.invalidateblock(hashes[200])
        source.mine(250, OTHER_ADDRESS)
        return files + [self.export(source, "chain1.dat")]

    def export(self, node, name):
        """Stop it, and write its chain to a file."""
        expect_equal(node.stop(), 0, "exit code")
        file = os.path.join(self.test.directory, name)
        node.start(f"-exportblocks={file}", wait=False)
        expect_equal(node.process.wait(120), 0, "exit code of an export")
        return file

    def kill_during(self, work, *options):
        """Start, have `work` done over and over, and kill after a random while."""
        self.node.start(*options, wait=False)
        worker = threading.Thread(target=self.until_it_dies, args=(work,))
        worker.start()
        time.sleep(self.random.uniform(0.05, 1.5))
        self.node.kill()
        worker.join()

    def until_it_dies(self, work):
        while self.node.process.poll() is None:
            try:
                work()
            except (RpcError, OSError, ValueError, http.client.HTTPException):
                time.sleep(0.01)  # not up yet, or not any more

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

    def importing(self):
        if self.random.random() < 0.3:
            shutil.rmtree(self.node.datadir, ignore_errors=True)
            os.makedirs(self.node.datadir)
        self.kill_during(lambda: time.sleep(0.01), *(f"-loadblock={file}" for file in self.files))

    def mining(self):
        told = []

        def mine():
            info = self.node.rpc.getblockchaininfo()
            block = self.node.mine(1, REGTEST_ADDRESS)
            if info["headers"] - info["blocks"] < 100:  # else it is in its initial sync
                told.extend(block)
        self.kill_during(mine)
        if told:
            self.node.start()
            height = self.node.rpc.getblock(told[-1])["height"]
            expect_equal(self.node.rpc.getblockhash(height), told[-1], "the last block told of")
            self.node.kill()

    def reorganising(self):
        def reorganise():
            rpc = self.node.rpc
            depth = self.random.randint(1, 20)
            block = rpc.getblockhash(rpc.getblockcount() - depth)
            rpc.invalidateblock(block)
            self.node.mine(self.random.randint(1, depth + 2), OTHER_ADDRESS)
            rpc.reconsiderblock(block)
        self.kill_during(reorganise)


def coin_set(node):
    """Of a moment at which nothing waits to be connected any more."""
    node.rpc.syncwithvalidationinterfacequeue()
    info = node.rpc.gettxoutsetinfo()
    expect_equal(info["bestblock"], node.rpc.getbestblockhash(), "the coins' block")
    return {name: info[name] for name in COIN_SET}


def killed_again_and_again_it_has_the_coins_of_its_chain(test):
    print(f"seed {SEED}", flush=True)
    killer = Killer(test)
    for number in range(ROUNDS):
        (killer.importing, killer.mining, killer.reorganising)[number % 3]()
        killer.check()
        if (number + 1) % 20 == 0:
            print(f"{number + 1} rounds", flush=True)


run(killed_again_and_again_it_has_the_coins_of_its_chain)
