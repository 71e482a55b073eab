// SPDX-License-Identifier: MIT
// Templates: the best payments in a block that the consensus code finds valid.
#include "consensus/block_rules.h"
#include "consensus/standard.h"
#include "tests/chain/fixture.h"

#include <numeric>
#include <random>
#include <unordered_map>

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

/// Five payments of 14,000 weight units each.
void pay_large(TestChain& test) {
    for (const OutPoint& coin : test.mature_coins(5)) {
        const std::vector<TxOut> outputs(80, {COIN / 10, anyone_script()});
        BOOST_TEST(reason_of(test.pay(spend({coin}, outputs))).empty());
    }
}

/// A witness script of 199 opcodes that count 20 each, though none is reached.
Script script_of_many_sigops() {
    Script script;
    push_opcode(script, cairn::consensus::OP_0);
    push_opcode(script, cairn::consensus::OP_IF);
    for (int i = 0; i < 199; ++i) push_opcode(script, cairn::consensus::OP_CHECKMULTISIG);
    push_opcode(script, cairn::consensus::OP_ENDIF);
    push_opcode(script, cairn::consensus::OP_1);
    return script;
}

Script script_hash_lock(const Script& script) {
    return cairn::consensus::pay_to_witness(
        0, cairn::consensus::sha256({script.data(), script.size()}).bytes);
}

} // namespace

BOOST_AUTO_TEST_SUITE(block_template)

BOOST_AUTO_TEST_CASE(empty_mempool__coinbase_alone__is_valid) {
    TestChain test;
    test.open();
    BOOST_TEST(test.chain().last_template().weight == 0u);
    const BlockTemplate made = test.make_template();
    BOOST_TEST(test.chain().last_template().weight == made.weight);
    BOOST_TEST(test.chain().last_template().transactions == 0u);
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

BOOST_AUTO_TEST_CASE(before_segwit__payments_with_a_witness__wait_for_it) {
    constexpr int32_t ACTIVE = 60;
    Params params = test_params();
    params.activation.segwit = Height(ACTIVE);
    TestChain test(params);
    test.open();
    const Amount value = test.params().subsidy;
    const Transaction payment =
        spend(test.mature_coins(1), {{value - Amount(1'000), anyone_script()}});
    BOOST_REQUIRE(payment.has_witness());
    BOOST_TEST(reason_of(test.pay(payment)).empty());
    while (test.tip().height + 1 < Height(ACTIVE)) {
        const BlockTemplate made = test.make_template();
        BOOST_TEST(made.block->transactions.size() == 1u);
        BOOST_REQUIRE(reason_of(test.test_block(*made.block)).empty());
        test.mine();
    }
    BOOST_TEST((txids(test.make_template()) == std::vector<Txid>{txid_of(payment)}));
    test.mine();
    BOOST_TEST(test.chain().mempool()->size() == 0u);
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
    pay_large(test);
    const BlockTemplate made = test.make_template();
    BOOST_TEST(made.block->transactions.size() == 3u);
    BOOST_TEST(made.block->weight() <= params.max_block_weight);
    BOOST_TEST(reason_of(test.test_block(*made.block)).empty());
    test.mine(3);
    BOOST_TEST(test.chain().mempool()->size() == 0u);
}

BOOST_AUTO_TEST_CASE(small_blocks__have_room_for_what_is_relayed) {
    for (const int64_t weight : {4'000, 7'999, 19'999, 40'000, 400'000}) {
        Params params = test_params();
        params.max_block_weight = weight;
        TestChain test(params);
        test.options().block_reserved_weight = cairn::consensus::reserved_weight(params);
        test.open();
        const auto with_data = [&](const OutPoint& coin, size_t bytes) {
            Script data(Bytes{cairn::consensus::OP_RETURN});
            push_data(data, Bytes(bytes));
            return spend({coin}, {{coin_value(params, 500'000), anyone_script()}, {0, data}});
        };
        const std::vector<OutPoint> coins = test.mature_coins(2);
        auto largest = static_cast<size_t>(cairn::consensus::max_standard_weight(params) / 4);
        const auto fits = [&] {
            const Transaction tx = with_data(coins[0], largest);
            return make_transaction(tx)->weight() <= cairn::consensus::max_standard_weight(params);
        };
        while (!fits()) --largest;
        BOOST_TEST(reason_of(test.pay(with_data(coins[0], largest + 1))) == "tx-size");
        BOOST_TEST(reason_of(test.pay(with_data(coins[0], largest))).empty());
        BOOST_TEST(reason_of(test.pay(with_data(coins[1], 0))).empty());
        while (test.chain().mempool()->size() > 0) {
            const BlockTemplate made = test.make_template();
            BOOST_REQUIRE(made.block->transactions.size() > 1);
            BOOST_TEST(reason_of(test.test_block(*made.block)).empty());
            test.mine();
        }
    }
}

BOOST_AUTO_TEST_CASE(small_blocks__more_sigops_than_they_hold__are_not_relayed) {
    Params params = test_params();
    params.max_block_weight = 400'000; // 8,000 for sigops, of which 40 are the coinbase's
    TestChain test(params);
    test.open();
    const Script locked = script_of_many_sigops();
    const Script lock = script_hash_lock(locked);
    const Transaction split =
        spend({test.mature_coins(1)[0]}, std::vector<TxOut>(3, TxOut{COIN, lock}));
    BOOST_TEST(reason_of(test.pay(split)).empty());
    test.mine();
    const auto spend_of = [&](uint32_t count) {
        std::vector<OutPoint> points;
        for (uint32_t i = 0; i < count; ++i) points.push_back({txid_of(split), i});
        Transaction tx = spend(points, {{COIN / 2, anyone_script()}});
        for (auto& in : tx.inputs) {
            in.witness.clear();
            in.witness.push_back({locked.data(), locked.size()});
        }
        return tx;
    };
    BOOST_TEST(reason_of(test.pay(spend_of(3))) == "bad-txns-too-many-sigops");
    BOOST_TEST(reason_of(test.pay(spend_of(2))).empty()); // 7,960
    BOOST_TEST(test.make_template().block->transactions.size() == 2u);
}

/// A chunk of which only the free parent would fit: without its child its dust would stay for ever.
BOOST_AUTO_TEST_CASE(dust_that_its_child_spends__alone__is_not_mined) {
    TestChain test;
    test.options().block_min_feerate = {0};
    test.options().block_max_weight = 8'000 + 2'000;
    test.open();
    const std::vector<OutPoint> coins = test.mature_coins(2);
    const Transaction parent =
        spend({coins[0]}, {{test.params().subsidy, anyone_script()}, {0, anyone_script()}});
    const Transaction child = spend(
        {{txid_of(parent), 0}, {txid_of(parent), 1}},
        std::vector<TxOut>(20, TxOut{COIN, anyone_script()}));
    const Transaction other =
        spend({coins[1]}, {{coin_value(test.params(), 1'000), anyone_script()}});
    BOOST_REQUIRE(make_transaction(parent)->weight() + make_transaction(other)->weight() < 2'000);
    BOOST_REQUIRE(make_transaction(child)->weight() > 2'000);
    BOOST_TEST(test.submit_package({parent, child}).verdict.has_value());
    BOOST_TEST(reason_of(test.pay(other)).empty());
    BOOST_TEST(test.chain().mempool()->size() == 3u);
    BOOST_TEST((txids(test.make_template()) == std::vector<Txid>{txid_of(other)}));
}

BOOST_AUTO_TEST_CASE(operator_s_limits__less_weight_and_another_version) {
    TestChain test;
    test.options().block_max_weight = 40'000;
    test.options().block_version = 1337;
    test.open();
    pay_large(test);
    const BlockTemplate made = test.make_template();
    BOOST_TEST(made.block->transactions.size() == 3u);
    BOOST_TEST(made.block->header.version == 1337);
    test.options().block_reserved_weight = 20'000; // room for one only
    test.wait_for_mempool();
    test.close();
    test.open();
    test.wait_for_mempool();
    BOOST_TEST(test.make_template().block->transactions.size() == 2u);
}

BOOST_AUTO_TEST_CASE(more_sigops_than_a_block_may_have__the_best_that_fit) {
    TestChain test;
    test.open();
    constexpr uint32_t COUNT = 22;
    constexpr size_t FITTING = 20; // of what costs 199 * 20 in a block of 80,000, less 400
    const Script locked = script_of_many_sigops();
    const Script lock = script_hash_lock(locked);
    const std::vector<OutPoint> coins = test.mature_coins(2);
    const Transaction split = spend({coins[0]}, std::vector<TxOut>(COUNT, TxOut{COIN, lock}));
    BOOST_TEST(reason_of(test.pay(split)).empty());
    test.mine();
    std::vector<Txid> best;
    for (uint32_t i = 0; i < COUNT; ++i) {
        Transaction tx =
            spend({{txid_of(split), i}}, {{COIN / 2 + int64_t{1'000} * i, anyone_script()}});
        tx.inputs[0].witness.clear();
        tx.inputs[0].witness.push_back({locked.data(), locked.size()});
        BOOST_TEST(reason_of(test.pay(tx)).empty());
        if (i < FITTING) best.push_back(txid_of(tx));
    }
    const Transaction cheap =
        spend({coins[1]}, {{coin_value(test.params(), 1'000), anyone_script()}});
    BOOST_TEST(reason_of(test.pay(cheap)).empty());
    best.push_back(txid_of(cheap)); // has none, and so still fits
    const BlockTemplate made = test.make_template();
    std::vector<Txid> found = txids(made);
    std::ranges::sort(found);
    std::ranges::sort(best);
    BOOST_TEST((found == best));
    BOOST_TEST(
        std::accumulate(made.sigop_costs.begin(), made.sigop_costs.end(), int64_t{0}) <= 80'000);
    BOOST_TEST(reason_of(test.test_block(*made.block)).empty());
}

namespace {

/// A waiting transaction, by its number among all.
struct Item {
    FeeSize cost;
    std::vector<size_t> parents;
};

/// What waits, in an order that has parents first.
std::vector<Item> items_of(TestChain& test) {
    const MempoolReader pool = test.chain().mempool();
    const Mempool::Entries order = pool->in_mining_order();
    std::vector<Item> items;
    std::unordered_map<const MempoolEntry*, size_t> numbers;
    for (const MempoolEntry* entry : order) {
        numbers.emplace(entry, items.size());
        items.push_back({{entry->fee.value, entry->tx->weight()}, {}});
        for (const MempoolEntry* parent : pool->parents(*entry))
            items.back().parents.push_back(numbers.at(parent));
    }
    return items;
}

/// The best of all sets that hold what they depend on.
int64_t exhaustive(const std::vector<Item>& items, int64_t room) {
    int64_t best = 0;
    for (TxSet set = 0; set >> items.size() == 0; ++set) {
        const auto holds = [set](size_t i) { return (set >> i & 1) != 0; };
        FeeSize sum;
        bool whole = true;
        for (size_t i = 0; i < items.size(); ++i) {
            if (!holds(i)) continue;
            sum += items[i].cost;
            whole = whole && std::ranges::all_of(items[i].parents, holds);
        }
        if (whole && sum.size <= room) best = std::max(best, sum.fee);
    }
    return best;
}

/// Again and again the one that pays best with all it still depends on, if these fit.
int64_t by_ancestor_feerate(const std::vector<Item>& items, int64_t room) {
    std::vector<bool> taken(items.size());
    std::vector<bool> failed(items.size());
    int64_t fees = 0;
    for (;;) {
        std::vector<size_t> chosen;
        FeeSize chosen_cost;
        for (size_t i = 0; i < items.size(); ++i) {
            if (taken[i] || failed[i]) continue;
            std::vector<size_t> with{i};
            FeeSize cost;
            for (size_t k = 0; k < with.size(); ++k) {
                cost += items[with[k]].cost;
                for (const size_t parent : items[with[k]].parents)
                    if (!taken[parent] && std::ranges::find(with, parent) == with.end())
                        with.push_back(parent);
            }
            if (!chosen.empty() && compare_feerates(cost, chosen_cost) <= 0) continue;
            chosen = with;
            chosen_cost = cost;
        }
        if (chosen.empty()) return fees;
        if (chosen_cost.size > room) {
            failed[chosen[0]] = true;
            continue;
        }
        for (const size_t i : chosen) taken[i] = true;
        room -= chosen_cost.size;
        fees += chosen_cost.fee;
    }
}

/// Who pays from some coins to himself, in families of all shapes.
struct Payer {
    TestChain& test;
    std::mt19937_64 random;
    std::vector<std::pair<OutPoint, Amount>> money{};

    void pay() {
        const size_t at = random() % money.size();
        auto [point, value] = money[at];
        std::vector<OutPoint> spent{point};
        const size_t other = random() % money.size();
        const bool joins = other != at && random() % 12 == 0;
        if (joins) {
            spent.push_back(money[other].first);
            value += money[other].second;
        }
        const auto fee = Amount(static_cast<int64_t>(500 + random() % 50'000));
        const size_t small = random() % 18; // outputs, for the weight
        const Amount half = (value - fee).value / 2 - static_cast<int64_t>(small) * 5'000;
        if (half < Amount(10'000)) return;
        std::vector<TxOut> outputs(2 + small, {10'000, anyone_script()});
        outputs[0].value = outputs[1].value = half;
        const Transaction tx = spend(spent, outputs);
        if (!test.pay(tx)) return; // its cluster is full
        money[at] = {{txid_of(tx), 0}, half};
        if (!joins) money.emplace_back();
        (joins ? money[other] : money.back()) = {{txid_of(tx), 1}, half};
    }
};

constexpr int64_t RESERVED = 8'000;

/// A chain whose blocks have room for `weight` of transactions, and who pays with its first coins.
struct SmallBlocks {
    SmallBlocks(int64_t weight, int coins) : params(with_room_for(weight)), test(params) {
        const uint64_t seed = setting("CAIRN_TEMPLATE_SEED", std::random_device()());
        BOOST_TEST_MESSAGE("seed " << seed);
        payer.random.seed(seed);
        test.open();
        for (const OutPoint& coin : test.mature_coins(coins))
            payer.money.emplace_back(coin, params.subsidy);
    }

    static Params with_room_for(int64_t weight) {
        Params params = test_params();
        params.max_block_weight = RESERVED + weight;
        return params;
    }

    Params params;
    TestChain test;
    Payer payer{test, {}};
};

} // namespace

BOOST_AUTO_TEST_CASE(small_full_blocks__as_good_as_can_be) {
    SmallBlocks small(12'000, 5);
    auto& [params, test, payer] = small;
    int full = 0;
    for (int round = 0; round < 60; ++round) {
        const size_t count = 8 + payer.random() % 5;
        while (test.chain().mempool()->size() < count) payer.pay();
        const std::vector<Item> items = items_of(test);
        const BlockTemplate made = test.make_template();
        const int64_t fees = (made.coinbase_value - params.subsidy).value;
        BOOST_REQUIRE_EQUAL(fees, exhaustive(items, params.max_block_weight - RESERVED));
        BOOST_REQUIRE(fees >= by_ancestor_feerate(items, params.max_block_weight - RESERVED));
        BOOST_REQUIRE(reason_of(test.test_block(*made.block)).empty());
        full += made.block->transactions.size() <= count ? 1 : 0;
        while (test.chain().mempool()->size() > 0) test.mine();
    }
    BOOST_TEST(full > 40);
}

BOOST_AUTO_TEST_CASE(large_full_blocks__what_a_gap_could_earn_is_all_that_they_lack) {
    const uint64_t seed = setting("CAIRN_TEMPLATE_SEED", std::random_device()());
    BOOST_TEST_MESSAGE("seed " << seed);
    Params params = test_params();
    params.max_block_weight = RESERVED + 100'000;
    TestChain test(params);
    test.open();
    Payer payer{test, std::mt19937_64(seed)};
    for (const OutPoint& coin : test.mature_coins(60)) // or they join in clusters that are full
        payer.money.emplace_back(coin, params.subsidy);
    while (test.chain().mempool()->size() < 300) payer.pay();
    // No choice of transactions is above the line through the chunks, best first.
    int64_t bound = 0;
    int64_t room = params.max_block_weight - RESERVED;
    int64_t gap = 0; // what a part of the first chunk that doesn't fit would earn
    test.chain().mempool()->visit_chunks([&](const Mempool::Entries& chunk) {
        const FeeSize& cost = chunk.front()->place.cost;
        if (cost.size > room) {
            gap = cost.fee * room / cost.size + 1;
            return false;
        }
        room -= cost.size;
        bound += cost.fee;
        return true;
    });
    BOOST_TEST(gap > 0);
    const BlockTemplate made = test.make_template();
    const int64_t fees = (made.coinbase_value - params.subsidy).value;
    BOOST_TEST(fees >= bound);
    BOOST_TEST(fees <= bound + gap);
    BOOST_TEST(reason_of(test.test_block(*made.block)).empty());
}

BOOST_AUTO_TEST_CASE(full_mempool__block_is_worth_no_less_than_by_ancestor_feerate) {
    constexpr size_t WAITING = 3'000;
    SmallBlocks small(2'000'000, 400);
    auto& [params, test, payer] = small;
    for (; test.chain().mempool()->size() < WAITING; payer.pay()) {
    }
    int full = 0;
    for (;; ++full, test.mine()) {
        const std::vector<Item> items = items_of(test);
        const BlockTemplate made = test.make_template();
        const int64_t fees = (made.coinbase_value - params.subsidy).value;
        BOOST_TEST(fees >= by_ancestor_feerate(items, params.max_block_weight - RESERVED));
        BOOST_TEST(reason_of(test.test_block(*made.block)).empty());
        if (made.block->transactions.size() > items.size()) break; // it holds all
    }
    BOOST_TEST(full >= 2);
}

BOOST_AUTO_TEST_CASE(random_families__every_template__is_a_valid_block) {
    const uint64_t seed = setting("CAIRN_TEMPLATE_SEED", std::random_device()());
    BOOST_TEST_MESSAGE("seed " << seed);
    TestChain test;
    test.open();
    Payer payer{test, std::mt19937_64(seed)};
    for (const OutPoint& coin : test.mature_coins(10))
        payer.money.emplace_back(coin, test.params().subsidy);
    for (int round = 0; round < 12; ++round) {
        for (int i = 0; i < 15; ++i) payer.pay();
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
