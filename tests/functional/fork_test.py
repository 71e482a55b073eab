#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Three nodes, split for some blocks and joined again, end on one tip; what was paid on the
losing side waits in the mempool again and is mined once more."""
from framework import expect_equal, expect_error, run, wait_relaying, wait_same_tip, wait_until
from open_coins import COIN, REGTEST_ADDRESS, mature_coins, payment


def joined_again_ends_in_one_tip_with_the_payments_waiting(test):
    first, second, third = (test.node(chain="regtest") for _ in range(3))
    second.connect(first)
    third.connect(first)
    coins = mature_coins(first, 3)
    wait_same_tip(test.nodes)
    wait_relaying(test.nodes)

    third.disconnect(first)
    wait_until(lambda: not third.rpc.getpeerinfo() and len(first.rpc.getpeerinfo()) == 1,
               "the network to be split")
    # The losing side: a payment, and one that spends it, in two blocks. The winning side spends
    # one of the coins otherwise, so that not all can return.
    paid = third.rpc.sendrawtransaction(payment(coins[:1], [50 * COIN - 10_000]))
    child = third.rpc.sendrawtransaction(payment([(paid, 0)], [50 * COIN - 20_000]))
    third.mine(1, REGTEST_ADDRESS)
    lost = third.rpc.sendrawtransaction(payment(coins[1:2], [50 * COIN - 10_000]))
    losing_tip = third.mine(1, REGTEST_ADDRESS)[0]
    expect_equal(third.rpc.getrawmempool(), [], "mempool of the losing side")
    rival = first.rpc.sendrawtransaction(payment(coins[1:2], [50 * COIN - 30_000]))
    wait_until(lambda: rival in second.rpc.getrawmempool(), "relay within the winning side")
    winning_tip = second.mine(3, REGTEST_ADDRESS)[-1]
    wait_same_tip([first, second])

    third.connect(first)
    expect_equal(wait_same_tip(test.nodes), winning_tip, "the tip after joining")
    wait_until(lambda: set(third.rpc.getrawmempool()) == {paid, child},
               "the losing side's payments to wait again")
    expect_equal(third.rpc.getblockheader(losing_tip)["confirmations"], -1,
                 "confirmations of the losing tip")
    expect_equal(third.rpc.gettxout(lost, 0), None, "the coin of the payment that lost")

    last = third.mine(1, REGTEST_ADDRESS)[0]
    expect_equal(wait_same_tip(test.nodes), last, "the tip after one more block")
    for node in test.nodes:
        mined = node.rpc.getblock(last)["tx"]
        expect_equal(set(mined[1:]), {paid, child}, "payments in the new block")
        assert node.rpc.gettxout(child, 0), "the coin of the second payment"
    expect_error(-25, first.rpc.sendrawtransaction, payment(coins[1:2], [50 * COIN - 10_000]))


def two_halves_with_equal_work_stay_until_one_grows(test):
    first, second = (test.node(chain="regtest") for _ in range(2))
    old = first.mine(2, REGTEST_ADDRESS)[-1]
    second.mine(2, "bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqdku202")
    other = second.rpc.getbestblockhash()
    second.connect(first)
    wait_until(lambda: {tip.get("synced_headers") for tip in second.rpc.getpeerinfo()} == {2},
               "the headers to be told")
    expect_equal((first.rpc.getbestblockhash(), second.rpc.getbestblockhash()), (old, other),
                 "tips of equal work: the first seen stays")
    tip = second.mine(1, REGTEST_ADDRESS)[0]
    expect_equal(wait_same_tip([first, second]), tip, "the tip with more work")


def peers_that_were_away_take_a_long_branch(test):
    first, second = (test.node(chain="regtest") for _ in range(2))
    first.mine(30, "bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqdku202")
    tip = second.mine(250, REGTEST_ADDRESS)[-1]
    first.connect(second)
    expect_equal(wait_same_tip([first, second]), tip, "the tip of the longer branch")
    expect_equal(first.rpc.getblockcount(), 250, "height")


run(joined_again_ends_in_one_tip_with_the_payments_waiting,
    two_halves_with_equal_work_stay_until_one_grows, peers_that_were_away_take_a_long_branch)
