#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""-reindex makes all but the blocks anew."""
from framework import REGTEST_ADDRESS, run, wait_until

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


run(reindexed_node_has_the_same_chain)
