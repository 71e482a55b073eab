// SPDX-License-Identifier: MIT
// Templates: the best payments in a block that the consensus code finds valid.
#include "consensus/block_rules.h"
#include "tests/chain/fixture.h"

#include <random>

using namespace cairn::tests;
using cairn::consensus::COIN;
using cairn::consensus::make_transaction;

namespace {

Txid txid_of(const Transaction& tx) {
    return make_transaction(tx)->txid;
}

std::vector<Txid> txids(const BlockTemplate& made) {
    std::vector<Txid> ids;
    for (size_t i = 1; i < made.block->transactions.size(); ++i)
        ids.push_back(made.block->transactions[i].txid);
    return ids;
}

} // namespace

BOOST_AUTO_TEST_SUITE(block_template)

BOOST_AUTO_TEST_CASE(empty_mempool__coinbase_alone__is_valid) {
    TestChain test;
    test.open();
    const BlockTemplate made = test.make_template();
    BOOST_TEST(made.height == Height(1));
    BOOST_TEST((made.parent == &test.tip()));
    BOOST_TEST(made.coinbase_value == test.params().subsidy);
    BOOST_TEST(made.block->transactions.size() == 1u);
    BOOST_TEST(made.min_time == test.tip().header.time + 1);
    BOOST_TEST(int64_t{made.block->header.time} == START_TIME);
    BOOST_TEST((made.witness_commitment == made.block->transactions[0].outputs[1].script_pubkey));
    BOOST_TEST(reason_of(test.test_block(*made.block)).empty());
}

BOOST_AUTO_TEST_CASE(payments__best_first__parents_before_children) {
    TestChain test;
    test.open();
    const std::vector<OutPoint> coins = test.mature_coins(3);
    const auto pay = [&](const OutPoint& coin, Amount value) {
        const Transaction tx = spend({coin}, {{value, anyone_script()}});
        BOOST_TEST(reason_of(test.pay(tx)).empty());
        return txid_of(tx);
    };
    const Amount full = test.params().subsidy;
    const Txid low = pay(coins[0], full - Amount(1'000));
    const Txid high = pay(coins[1], full - Amount(9'000));
    const Txid parent = pay(coins[2], full - Amount(500));
    const Txid child = pay({parent, 0}, full - Amount(20'000)); // pays for both
    const BlockTemplate made = test.make_template();
    BOOST_TEST((txids(made) == std::vector<Txid>{parent, child, high, low}));
    BOOST_TEST(made.coinbase_value == full + Amount(1'000 + 9'000 + 20'000));
    BOOST_TEST(made.fees.size() == 5u);
    BOOST_TEST(made.fees[0] == Amount(0));
    BOOST_TEST(made.fees[1] == Amount(500));
    BOOST_TEST(reason_of(test.test_block(*made.block)).empty());
}

BOOST_AUTO_TEST_CASE(below_the_minimum_feerate__left_out_unless_a_child_pays) {
    TestChain test;
    test.options().block_min_feerate = {10'000};
    test.open();
    const std::vector<OutPoint> coins = test.mature_coins(2);
    const Amount full = test.params().subsidy;
    const Transaction cheap = spend({coins[0]}, {{full - Amount(500), anyone_script()}});
    const Transaction parent = spend({coins[1]}, {{full - Amount(500), anyone_script()}});
    const Transaction child =
        spend({{txid_of(parent), 0}}, {{full - Amount(10'000), anyone_script()}});
    for (const Transaction& tx : {cheap, parent, child})
        BOOST_TEST(reason_of(test.pay(tx)).empty());
    const BlockTemplate made = test.make_template();
    BOOST_TEST((txids(made) == std::vector<Txid>{txid_of(parent), txid_of(child)}));
}

BOOST_AUTO_TEST_CASE(more_than_a_block_holds__weight_stays_below_the_limit) {
    Params params = test_params();
    params.max_block_weight = 40'000;
    TestChain test(params);
    test.open();
    for (const OutPoint& coin : test.mature_coins(5)) {
        const std::vector<TxOut> outputs(80, {COIN / 10, anyone_script()}); // 14,000 weight units
        BOOST_TEST(reason_of(test.pay(spend({coin}, outputs))).empty());
    }
    const BlockTemplate made = test.make_template();
    BOOST_TEST(made.block->transactions.size() == 3u);
    BOOST_TEST(made.block->weight() <= params.max_block_weight);
    BOOST_TEST(reason_of(test.test_block(*made.block)).empty());
    test.mine(3);
    BOOST_TEST(test.chain().mempool()->size() == 0u);
}

BOOST_AUTO_TEST_CASE(random_families__every_template__is_a_valid_block) {
    const uint64_t seed = std::random_device()();
    BOOST_TEST_MESSAGE("seed " << seed);
    std::mt19937_64 random(seed);
    TestChain test;
    test.open();

    struct Money {
        OutPoint point;
        Amount value;
    };

    std::vector<Money> money;
    for (const OutPoint& coin : test.mature_coins(10))
        money.push_back({coin, test.params().subsidy});
    for (int round = 0; round < 12; ++round) {
        for (int i = 0; i < 15; ++i) {
            const size_t at = random() % money.size();
            const Money from = money[at];
            const auto fee = Amount(static_cast<int64_t>(500 + random() % 50'000));
            const Amount half = (from.value - fee).value / 2;
            const Transaction tx =
                spend({from.point}, {{half, anyone_script()}, {half, anyone_script()}});
            if (!test.pay(tx)) continue; // its cluster is full
            money[at] = {{txid_of(tx), 0}, half};
            money.push_back({{txid_of(tx), 1}, half});
        }
        const BlockTemplate made = test.make_template();
        BOOST_REQUIRE(reason_of(test.test_block(*made.block)).empty());
        if (round % 3 == 0) test.mine();
    }
}

BOOST_AUTO_TEST_CASE(regenerate_commitments__after_a_change__the_block_is_valid_again) {
    TestChain test;
    test.open();
    const OutPoint coin = test.mature_coins(1)[0];
    BlockTemplate made = test.make_template();
    const auto tx = make_transaction(spend({coin}, {{COIN, anyone_script()}}));
    made.block->transactions.push_back(*tx);
    BOOST_TEST(reason_of(test.test_block(*made.block)) == "bad-txnmrklroot");
    regenerate_commitments(*made.block);
    BOOST_TEST(reason_of(test.test_block(*made.block)).empty());
}

BOOST_AUTO_TEST_SUITE_END()
