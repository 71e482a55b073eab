#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What estimatesmartfee learns from the blocks: of two classes of payments, one mined at once and
one ten blocks later, estimates lie between both, and a restart forgets nothing."""
from framework import REGTEST_ADDRESS, expect_equal, run
from open_coins import COIN, mature_coins, payment, txid_of

DEAR, CHEAP = 2_000, 200  # Fees, in satoshis: of payments of one size, so of prices, too.
EACH = 4  # Payments of each class a block.
DELAY = 10  # Blocks that the cheap ones wait.


class Payers:
    """They spend `coins`, [(coin, value)], again and again, and pay `fee` each time."""

    def __init__(self, node, coins, fee):
        self.node, self.coins, self.fee = node, coins, fee

    def pay(self):
        """A block's payments, of the coins that rest longest; returns their ids."""
        spent, self.coins = self.coins[:EACH], self.coins[EACH:]
        paid = [self.node.rpc.sendrawtransaction(payment([coin], [value - self.fee]))
                for coin, value in spent]
        self.coins += [((txid, 0), value - self.fee) for txid, (_, value) in zip(paid, spent)]
        return paid


def estimates_of(node):
    """For each target, satoshis for 1,000 virtual bytes."""
    return [round(node.rpc.estimatesmartfee(target)["feerate"] * COIN)
            for target in range(1, 1009)]


def two_classes_of_feerates_give_estimates_between_them(test):
    node = test.node(chain="regtest")
    coin, count = mature_coins(node, 1)[0], EACH * (DELAY + 2)
    split = [49 * COIN // count] * count
    node.rpc.generateblock(REGTEST_ADDRESS, [payment([coin], split)])
    coins = [((txid_of([coin], split), number), split[0]) for number in range(count)]
    dear, cheap = Payers(node, coins[:EACH], DEAR), Payers(node, coins[EACH:], CHEAP)

    waiting = []
    for _ in range(60):
        now = dear.pay()
        waiting.append(cheap.pay())
        if len(waiting) > DELAY:
            now += waiting.pop(0)
        node.rpc.generateblock(REGTEST_ADDRESS, now)
    size = node.rpc.getmempoolentry(waiting[0][0])["vsize"]
    low, high = (fee * 1000 // size for fee in (CHEAP, DEAR))
    # So that nothing gives up when the node ends.
    node.rpc.generateblock(REGTEST_ADDRESS, sum(waiting, []))

    estimates = estimates_of(node)
    assert all(low <= price <= high for price in estimates), (low, high, estimates)
    expect_equal(estimates, sorted(estimates, reverse=True), "estimates, the longest wait last")
    expect_equal((estimates[0], estimates[-1]), (high, low), "for the next block and in a week")

    node.stop()
    node.start()
    expect_equal(estimates_of(node), estimates, "estimates after a restart")


run(two_classes_of_feerates_give_estimates_between_them)
