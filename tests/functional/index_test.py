#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Indexes that are switched on later build themselves behind the tip, go on after each kill, and
say the same as the blocks."""
import os
import random
import time

from framework import REGTEST_ADDRESS, expect_equal, expect_error, run, wait_until

OTHER_ADDRESS = "bcrt1qqyqszqgpqyqszqgpqyqszqgpqyqszqgpvxat9t"
INDEXES = ["-txindex", "-txospenderindex", "-coinstatsindex", "-addressindex"]
NAMES = ["txindex", "coinstatsindex", "basic block filter index", "txospenderindex",
         "addressindex"]


def wait_until_synced(node):
    def synced():
        indexes = node.rpc.getindexinfo()
        return list(indexes) == NAMES and all(index["synced"] for index in indexes.values())
    wait_until(synced, "the indexes")


def expect_indexes_of_the_blocks(node):
    """Whatever the indexes say is what the blocks say."""
    height = node.rpc.getblockcount()
    seen = []
    for at in range(height, 0, -1):
        block = node.rpc.getblock(node.rpc.getblockhash(at), 2)
        coinbase = block["tx"][0]
        expect_equal(node.rpc.getrawtransaction(coinbase["txid"], 1)["blockhash"], block["hash"],
                     "the block of a transaction")
        address = coinbase["vout"][0]["scriptPubKey"]["address"]
        if address == REGTEST_ADDRESS:
            seen.append((coinbase["txid"], at))
        assert node.rpc.getblockfilter(block["hash"])["filter"]
    history = node.rpc.getaddresshistory(REGTEST_ADDRESS, height)
    expect_equal([(one["txid"], one["height"]) for one in history], seen, "history")
    coins = node.rpc.getaddressutxos(REGTEST_ADDRESS, 10_000)
    expect_equal([(one["txid"], one["height"]) for one in reversed(coins)], seen, "coins")
    for method, whole in ((node.rpc.getaddresshistory, history), (node.rpc.getaddressutxos, coins)):
        pages = [method(REGTEST_ADDRESS, 97, skip) for skip in range(0, len(seen) + 97, 97)]
        expect_equal([one for page in pages for one in page], whole, "page by page")
        expect_error(-8, method, REGTEST_ADDRESS, 10_001)
    balance = node.rpc.getaddressbalance(REGTEST_ADDRESS)
    found = node.rpc.scantxoutset("start", [f"addr({REGTEST_ADDRESS})"])
    expect_equal((balance["balance"], balance["utxos"]),
                 (found["total_amount"], len(found["unspents"])), "balance")
    by_index = node.rpc.gettxoutsetinfo("muhash")
    by_scan = node.rpc.gettxoutsetinfo("muhash", None, False)
    for field in ("height", "bestblock", "txouts", "bogosize", "muhash", "total_amount"):
        expect_equal(by_index[field], by_scan[field], field)


def switched_on_later_and_killed_on_the_way_they_say_what_the_blocks_say(test):
    node = test.node("-blockfilterindex=0", chain="regtest")
    hashes = node.mine(600, REGTEST_ADDRESS)
    expect_equal(node.rpc.getindexinfo(), {}, "indexes")
    expect_error(-1, node.rpc.getblockfilter, hashes[0])
    expect_error(-1, node.rpc.getaddressbalance, REGTEST_ADDRESS)
    expect_error(-8, node.rpc.gettxoutsetinfo, "muhash", 5)
    node.stop()
    seed = int.from_bytes(os.urandom(4), "little")
    print(f"seed {seed}")
    delays = random.Random(seed)
    node.options = INDEXES
    for _ in range(5):
        node.start(wait=False)
        time.sleep(delays.uniform(0.02, 0.4))
        node.kill()
    node.start()
    wait_until_synced(node)
    expect_indexes_of_the_blocks(node)
    # A fork while they are off is undone when they are on again.
    node.stop()
    node.options = ["-blockfilterindex=0"]
    node.start()
    node.rpc.invalidateblock(hashes[550])
    node.mine(60, OTHER_ADDRESS)
    node.stop()
    node.options = INDEXES
    node.start()
    wait_until_synced(node)
    expect_indexes_of_the_blocks(node)
    node.mine(3, REGTEST_ADDRESS)  # at the tip nobody waits
    expect_indexes_of_the_blocks(node)


def an_index_of_whole_blocks_doesnt_go_with_pruning(test):
    for index in ("txindex", "txospenderindex"):
        code, _, error = test.cairnd(f"-datadir={test.directory}", "-chain=regtest", "-prune=1",
                                     f"-{index}")
        expect_equal((code, error.strip()),
                     (1, f"Error: Prune mode is incompatible with -{index}."), index)


if __name__ == "__main__":
    run(switched_on_later_and_killed_on_the_way_they_say_what_the_blocks_say,
        an_index_of_whole_blocks_doesnt_go_with_pruning)
