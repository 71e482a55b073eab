#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""kill -9 at any moment: the node starts again by itself, on the tip it had told of."""
import os
import threading

from framework import REGTEST_ADDRESS, RpcError, expect_equal, run, wait_same_tip, wait_until


def killed_at_rest_starts_on_the_same_tip(test):
    node = test.node(chain="regtest")
    tip = node.mine(20, REGTEST_ADDRESS)[-1]
    node.kill()
    node.start()
    expect_equal(node.rpc.getbestblockhash(), tip, "tip after kill -9")
    expect_equal(node.rpc.getblockcount(), 20, "height after kill -9")


def killed_while_blocks_connect_loses_none_it_told_of(test):
    node = test.node(chain="regtest")
    for _ in range(5):
        told = []

        def mine_until_it_dies(into):
            try:
                while True:
                    into += node.mine(1, REGTEST_ADDRESS)
            except (RpcError, OSError, ValueError, EOFError):
                return
            except Exception as error:  # http.client has many names for a lost connection
                if type(error).__module__ != "http.client":
                    raise

        miner = threading.Thread(target=mine_until_it_dies, args=(told,))
        miner.start()
        wait_until(lambda seen=told: len(seen) >= 5, "some blocks")
        node.kill()
        miner.join()
        node.start()
        height = node.rpc.getblock(told[-1])["height"]
        expect_equal(node.rpc.getblockhash(height), told[-1], "the last block told of")
        assert node.rpc.getblockcount() in (height, height + 1)
        coin = node.rpc.getblock(told[0])["tx"][0]
        assert node.rpc.gettxout(coin, 0), "a coin of a block told of is gone"


def killed_node_catches_up_with_the_others(test):
    first, second = test.node(chain="regtest"), test.node(chain="regtest")
    second.connect(first)
    first.mine(5, REGTEST_ADDRESS)
    wait_same_tip([first, second])
    second.kill()
    first.mine(5, REGTEST_ADDRESS)
    second.start()
    second.connect(first)
    expect_equal(wait_same_tip([first, second]), first.rpc.getblockhash(10), "tip")


def killed_node_calls_its_block_relay_peers_again(test):
    """An address book that was filled by liars has no say in it."""
    peer, node = test.node(chain="regtest"), test.node(chain="regtest", start=False)
    node.options.remove("-connect=0")
    node.start()
    anchors = os.path.join(node.chain_directory, "anchors.dat")

    def is_connected():
        return [one["connection_type"] for one in node.rpc.getpeerinfo()] == ["block-relay-only"]

    node.rpc.addconnection(peer.address, "block-relay-only", False)
    wait_until(is_connected, "the connection")
    node.rpc.mockscheduler(15 * 60)
    wait_until(lambda: os.path.exists(anchors), "anchors.dat")
    node.kill()
    node.start()
    wait_until(is_connected, "the connection after kill -9")
    assert not os.path.exists(anchors), "a peer at which a node dies would be called for ever"



run(killed_at_rest_starts_on_the_same_tip, killed_while_blocks_connect_loses_none_it_told_of,
    killed_node_catches_up_with_the_others,
    killed_node_calls_its_block_relay_peers_again)
