#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""-reindex makes all but the blocks anew; -prune deletes old blocks."""
import os
import shutil

from framework import (REGTEST_ADDRESS, expect_equal, expect_error, expect_in, run, wait_same_tip,
                       wait_until)

KEPT = 288  # blocks that are never pruned


def reindexed_node_has_the_same_chain(test):
    node = test.node(chain="regtest")
    tip = node.mine(150, REGTEST_ADDRESS)[-1]
    coin = node.rpc.getblock(tip)["tx"][0]
    node.stop()
    node.start("-reindex", wait=False)
    wait_until(lambda: "reindexing blocks=" in node.output(), "the reindex to begin")
    node.kill()
    node.start()  # goes on
    wait_until(lambda: node.rpc.getbestblockhash() == tip, "the reindex to end")
    assert node.rpc.gettxout(coin, 0), "a coin is gone"
    node.stop()
    node.start("-reindex")
    wait_until(lambda: node.rpc.getbestblockhash() == tip, "the reindex to end")


def damaged_table_of_any_kind_is_told_and_healed(test):
    node = test.node(chain="regtest")
    hashes = node.mine(40, REGTEST_ADDRESS)
    blocks = [node.rpc.getblock(each, 0) for each in hashes]
    node.stop()
    for option in ("-reindex", "-par=1"):  # the first puts all into tables, once closed and opened
        node.start(option)
        wait_until(lambda: node.rpc.getbestblockhash() == hashes[-1], "the reindex to end")
        node.stop()
    store = os.path.join(node.chain_directory, "chainstate")
    sound = os.path.join(test.directory, "sound")
    shutil.copytree(store, sound)
    tables = sorted(name for name in os.listdir(sound) if name.endswith(".sst"))
    assert len(tables) > 4, tables
    for number, name in enumerate(tables):
        shutil.rmtree(store)
        shutil.copytree(sound, store)
        table = os.path.join(store, name)
        if number % 2 == 0:
            os.remove(table)
        else:
            os.truncate(table, os.path.getsize(table) - 10)
        node.start(wait=False)
        expect_equal(node.process.wait(120), 1, f"exit code without {name}")
        expect_in("start once with -reindex", node.output())
        node.start("-reindex")
        for block in blocks:  # as a peer would
            node.rpc.submitblock(block)
        expect_equal(node.rpc.getbestblockhash(), hashes[-1], f"tip without {name}")
        node.stop()
        node.start()
        expect_equal(node.rpc.getbestblockhash(), hashes[-1], f"tip later, without {name}")
        node.stop()


def pruned_node_tells_what_it_has(test):
    node = test.node("-prune=1", chain="regtest")
    expect_in("too short", expect_error(-1, node.rpc.pruneblockchain, 10))
    hashes = node.mine(500, REGTEST_ADDRESS)
    wait_until(lambda: all(index["best_block_height"] == 500
                           for index in node.rpc.getindexinfo().values()),
               "the indexes, which keep what they need yet")
    info = node.rpc.getblockchaininfo()
    expect_equal((info["pruned"], info["pruneheight"], info["automatic_pruning"]),
                 (True, 0, False), "before pruning")
    assert "prune_target_size" not in info
    size = info["size_on_disk"]
    expect_error(-8, node.rpc.pruneblockchain, -1)
    expect_in("shorter", expect_error(-8, node.rpc.pruneblockchain, 501))
    expect_in("timestamp", expect_error(-8, node.rpc.pruneblockchain, 4_000_000_000))
    expect_equal(node.rpc.pruneblockchain(100), 100, "last pruned")
    expect_equal(node.rpc.getblockchaininfo()["pruneheight"], 101, "pruneheight")
    assert node.rpc.getblockchaininfo()["size_on_disk"] < size
    for verbosity in range(4):
        expect_equal(expect_error(-1, node.rpc.getblock, hashes[99], verbosity),
                     "Block not available (pruned data)")
    expect_equal(node.rpc.getblock(hashes[100])["height"], 101, "the first kept")
    expect_equal(node.rpc.getblockheader(hashes[50])["height"], 51, "headers stay")
    services = node.rpc.getnetworkinfo()["localservicesnames"]
    assert "NETWORK_LIMITED" in services and "NETWORK" not in services, services
    time = node.rpc.getblockheader(hashes[149])["time"] + 7200  # all were mined within that window
    assert node.rpc.pruneblockchain(time) >= 100
    expect_equal(node.rpc.pruneblockchain(500), 500 - KEPT, "last pruned at most")
    node.stop()
    node.start("-prune=550")
    info = node.rpc.getblockchaininfo()
    expect_equal((info["pruneheight"], info["automatic_pruning"], info["prune_target_size"]),
                 (500 - KEPT + 1, True, 550 * 1024 * 1024), "with a target")
    node.stop()
    node.options.remove("-prune=1")
    node.start(wait=False)
    expect_equal(node.process.wait(120), 1, "exit code without -prune")
    expect_in("rebuild the database using -reindex", node.output())


def unpruned_node_does_not_prune(test):
    node = test.node(chain="regtest")
    expect_in("not in prune mode", expect_error(-1, node.rpc.pruneblockchain, 10))
    expect_equal(node.rpc.getblockchaininfo()["pruned"], False, "pruned")
    for size, words in (("2", "below the minimum of 550 MiB"), ("-1", "prune")):
        code, _, error = test.cairnd(f"-datadir={test.directory}", "-chain=regtest",
                                     f"-prune={size}")
        expect_equal(code, 1, f"exit code with -prune={size}")
        expect_in(words, error)


def pruned_node_follows_and_serves_the_last_blocks(test):
    pruned, full = test.node("-prune=1", chain="regtest"), test.node(chain="regtest")
    pruned.connect(full)
    full.mine(400, REGTEST_ADDRESS)
    wait_same_tip([pruned, full])
    near = test.node(chain="regtest")
    near.connect(full)
    wait_same_tip([near, full])
    near.disconnect(full)
    pruned.rpc.pruneblockchain(100)
    pruned.mine(20, REGTEST_ADDRESS)
    near.connect(pruned)  # 20 behind: a pruned node is enough
    wait_same_tip([near, pruned])


run(reindexed_node_has_the_same_chain, damaged_table_of_any_kind_is_told_and_healed,
    pruned_node_tells_what_it_has, unpruned_node_does_not_prune,
    pruned_node_follows_and_serves_the_last_blocks)
