#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""getblockfrompeer: blocks that nothing asks for by itself."""
from framework import (REGTEST_ADDRESS, RpcError, expect_equal, expect_error, expect_in, run,
                       wait_until)


def refusal(node, block, peer):
    return expect_error(-1, node.rpc.getblockfrompeer, block, peer)


def has(node, block):
    try:
        return node.rpc.getblock(block)["hash"] == block
    except RpcError as error:
        expect_in("not available", str(error))
        return False


def a_stale_block_comes_when_it_is_asked_for(test):
    first, second = (test.node(chain="regtest") for _ in range(2))
    stale = second.rpc.generatetodescriptor(1, "raw(51)")[0]  # as the other mines none
    first.mine(2, REGTEST_ADDRESS)
    header = second.rpc.getblockheader(stale, False)
    expect_in("header missing", refusal(first, stale, 0))
    first.rpc.submitheader(header)
    second.connect(first)
    wait_until(lambda: second.rpc.getbestblockhash() == first.rpc.getbestblockhash(), "one tip")
    peer = first.rpc.getpeerinfo()[0]["id"]
    assert not has(first, stale)
    for nobody in (-1, peer + 1):
        expect_in("Peer does not exist", refusal(first, stale, nobody))
    expect_equal(first.rpc.getblockfrompeer(stale, peer), {})
    wait_until(lambda: has(first, stale), "the block")
    expect_in("already downloaded", refusal(first, stale, peer))
    expect_equal(first.rpc.getblockcount(), 2)


def a_pruned_block_comes_back_for_a_while(test):
    first = test.node(chain="regtest")
    second = test.node("-prune=1", chain="regtest")
    second.connect(first)
    block = first.mine(400, REGTEST_ADDRESS)[4]
    wait_until(lambda: second.rpc.getblockcount() == 400, "the blocks")
    wait_until(lambda: second.rpc.pruneblockchain(50) == 50, "the filters to be through")
    assert not has(second, block)
    peer = second.rpc.getpeerinfo()[0]["id"]
    second.rpc.getblockfrompeer(block, peer)
    wait_until(lambda: has(second, block), "the block")
    wait_until(lambda: second.rpc.pruneblockchain(60) == 60, "pruning again")
    assert not has(second, block)
    second.rpc.getblockfrompeer(block, peer)
    wait_until(lambda: has(second, block), "the block")
    second.stop()
    second.start()
    assert not has(second, block)
    assert second.rpc.verifychain(4, 0)
    expect_equal(second.rpc.getblockcount(), 400)


run(a_stale_block_comes_when_it_is_asked_for,
    a_pruned_block_comes_back_for_a_while)
