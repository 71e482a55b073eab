#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A node that begins with the coins of another (dumptxoutset, loadtxoutset) is at the tip at once,
and validates the blocks before afterwards, however often it is killed on its way."""
import json
import os
import random
import time

from framework import (CAIRN, REGTEST_ADDRESS, chain_file, expect_equal, expect_error, run,
                       wait_same_tip, wait_until)

BASE, TIP = 1200, 1210
COIN_SET = ("height", "bestblock", "txouts", "hash_serialized_3", "total_amount")


def coin_set(node):
    info = node.rpc.gettxoutsetinfo()
    return {name: info[name] for name in COIN_SET}


class Setting:
    """A node with a chain, its coins as of BASE in a file, and a chain file that knows them."""

    def __init__(self, test):
        self.source = test.node(chain="regtest")
        self.source.mine(TIP, REGTEST_ADDRESS)
        dumped = self.source.rpc.dumptxoutset("utxo.dat", "rollback", {"rollback": BASE})
        self.file = dumped["path"]
        expect_equal((dumped["base_height"], dumped["coins_written"], dumped["nchaintx"]),
                     (BASE, BASE, BASE + 1), "what was dumped")
        with open(chain_file("regtest"), encoding="utf-8") as file:
            chain = json.load(file)
        chain["snapshots"] = [{"height": BASE, "block": dumped["base_hash"],
                               "coins_hash": dumped["txoutset_hash"],
                               "chain_tx_count": dumped["nchaintx"]}]
        self.chain_file = test.file("snapshot.json", json.dumps(chain))

    def give_headers(self, node):
        rpc = self.source.rpc
        for height in range(1, TIP + 1):
            node.rpc.submitheader(rpc.getblockheader(rpc.getblockhash(height), False))


def loaded_coins_are_the_tips_at_once_and_validated_behind_it(test):
    setting = Setting(test)
    source, node = setting.source, test.node(chain=setting.chain_file)
    message = expect_error(-32603, node.rpc.loadtxoutset, setting.file)
    assert "must appear in the headers chain" in message, message
    setting.give_headers(node)
    loaded = node.rpc.loadtxoutset(setting.file)
    expect_equal((loaded["coins_loaded"], loaded["base_height"]), (BASE, BASE), "loaded")
    expect_equal(node.rpc.getblockcount(), BASE, "height")
    behind, tip = node.rpc.getchainstates()["chainstates"]
    expect_equal((behind["blocks"], behind["validated"]), (0, True), "what is validated")
    expect_equal((tip["blocks"], tip["validated"], tip["snapshot_blockhash"]),
                 (BASE, False, loaded["tip_hash"]), "what is not")
    assert "NETWORK" not in node.rpc.getnetworkinfo()["localservicesnames"]
    node.connect(source)
    wait_same_tip([source, node])
    wait_until(lambda: len(node.rpc.getchainstates()["chainstates"]) == 1, "the validation")
    assert "NETWORK" in node.rpc.getnetworkinfo()["localservicesnames"]
    expect_equal(coin_set(node), coin_set(source), "the coins")
    # The indexes come behind: until they are there, they say so.
    wait_until(lambda: all(index["synced"] for index in node.rpc.getindexinfo().values()),
               "the indexes")
    for height in (1, BASE, BASE + 1, TIP):
        block = source.rpc.getblockhash(height)
        expect_equal(node.rpc.getblockfilter(block), source.rpc.getblockfilter(block), "filter")
        expect_equal(node.rpc.getblock(block, 3), source.rpc.getblock(block, 3), "block")


def killed_while_it_loads_and_validates_it_ends_the_same(test):
    setting = Setting(test)
    seed = int.from_bytes(os.urandom(4), "little")
    print(f"seed {seed}")
    delays = random.Random(seed)
    node = test.node(chain=setting.chain_file)
    setting.give_headers(node)
    for _ in range(3):
        call = test.spawn([CAIRN, f"-datadir={node.datadir}", f"-chain={node.chain}",
                           f"-rpcport={node.rpc_port}", "rpc", "loadtxoutset", setting.file],
                          "load")
        time.sleep(delays.uniform(0, 0.1))
        node.kill()
        call.wait(60)
        node.start()
        assert node.rpc.getblockcount() in (0, BASE)
    if node.rpc.getblockcount() == 0:
        node.rpc.loadtxoutset(setting.file)
    for _ in range(8):
        node.rpc.addnode(setting.source.address, "add")
        time.sleep(delays.uniform(0, 0.6))
        node.kill()
        node.start()
        assert node.rpc.getblockcount() >= BASE
    node.connect(setting.source)
    wait_same_tip([setting.source, node])
    wait_until(lambda: len(node.rpc.getchainstates()["chainstates"]) == 1, "the validation")
    expect_equal(coin_set(node), coin_set(setting.source), "the coins")


run(loaded_coins_are_the_tips_at_once_and_validated_behind_it,
    killed_while_it_loads_and_validates_it_ends_the_same)
