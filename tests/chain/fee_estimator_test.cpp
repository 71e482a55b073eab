// SPDX-License-Identifier: MIT
#include "chain/fee_estimator.h"
#include "tests/processor_time.h"

#include <boost/test/unit_test.hpp>

#include <random>

using namespace cairn::chain;
using cairn::consensus::SealedTransaction;
using cairn::tests::processor_seconds;

namespace {

/// Transactions of given prices, and blocks that take some of them.
struct Market {
    /// So many that pay `per_kvb` come in.
    std::vector<SealedTransaction> come(int count, int64_t per_kvb) {
        std::vector<SealedTransaction> all;
        for (int i = 0; i < count; ++i) {
            cairn::consensus::Transaction tx;
            tx.lock_time = ++number;
            tx.inputs.emplace_back();
            all.emplace_back(std::move(tx));
            estimator.add(all.back(), {per_kvb}, height);
        }
        return all;
    }

    SealedTransaction child_of(const SealedTransaction& parent, int64_t per_kvb) {
        cairn::consensus::Transaction tx;
        tx.inputs.emplace_back().prevout.txid = parent.txid;
        SealedTransaction child(std::move(tx));
        estimator.add(child, {per_kvb}, height);
        return child;
    }

    void mine(const std::vector<SealedTransaction>& transactions) {
        estimator.connect(++height, transactions);
    }

    int64_t estimate(int32_t target, bool conservative = false) const {
        return estimator.estimate(target, conservative).feerate.value_or(FeeRate{0}).per_kvb.value;
    }

    FeeEstimator estimator;
    Height height = 100;
    uint32_t number = 0;
};

constexpr int64_t HIGH = 20'000;
constexpr int64_t LOW = 2'000;

/// Dear transactions are mined at once, cheap ones after ten blocks.
Market two_classes() {
    Market market;
    std::vector<std::vector<SealedTransaction>> cheap;
    for (int i = 0; i < 100; ++i) {
        cheap.push_back(market.come(10, LOW));
        std::vector<SealedTransaction> block = market.come(10, HIGH);
        if (i >= 10) block.insert(block.end(), cheap[i - 10].begin(), cheap[i - 10].end());
        market.mine(block);
    }
    return market;
}

} // namespace

BOOST_AUTO_TEST_SUITE(fee_estimator)

BOOST_AUTO_TEST_CASE(nothing_seen__no_estimate__and_nothing_breaks) {
    Market market;
    for (int32_t target = 1; target <= FeeEstimator::MAX_TARGET; ++target) {
        BOOST_TEST(!market.estimator.estimate(target, false).feerate);
        BOOST_TEST(!market.estimator.estimate(target, true).feerate);
    }
    market.mine({});
    market.mine(market.come(1, LOW));
    BOOST_TEST(!market.estimator.estimate(2, false).feerate);
}

BOOST_AUTO_TEST_CASE(two_classes__each_target__a_price_between_them) {
    const Market market = two_classes();
    int64_t last = INT64_MAX;
    for (int32_t target = 1; target <= 100; ++target) {
        const int64_t price = market.estimate(target);
        BOOST_TEST((price >= LOW && price <= HIGH));
        BOOST_TEST(price <= last); // who has time pays no more
        last = price;
    }
    BOOST_TEST(market.estimate(2) == HIGH);
    BOOST_TEST(market.estimate(30) == LOW);
    BOOST_TEST(market.estimator.estimate(1, false).blocks == 2);
}

BOOST_AUTO_TEST_CASE(prices_fall__economical_follows__conservative_waits) {
    Market market;
    for (int i = 0; i < 12; ++i) market.mine(market.come(24, HIGH));
    for (int i = 0; i < 4; ++i) market.mine(market.come(24, LOW));
    BOOST_TEST(market.estimate(1) == LOW);
    BOOST_TEST(market.estimate(1, true) == HIGH);
}

BOOST_AUTO_TEST_CASE(cheap_ones_give_up__what_was_mined_of_them__is_too_little) {
    Market market;
    for (int i = 0; i < 30; ++i) {
        std::vector<SealedTransaction> block = market.come(5, LOW);
        const std::vector<SealedTransaction> unlucky = market.come(45, LOW);
        const std::vector<SealedTransaction> dear = market.come(45, HIGH);
        block.insert(block.end(), dear.begin(), dear.end());
        market.mine(block);
        for (const SealedTransaction& tx : unlucky) market.estimator.remove(tx.txid);
    }
    BOOST_TEST(market.estimate(2) == HIGH);
}

BOOST_AUTO_TEST_CASE(twice_the_target__beyond_what_is_counted__asks_for_nothing) {
    Market market;
    std::vector<SealedTransaction> unlucky; // one in ten of the cheap ones is never mined
    for (size_t i = 0; i < 2300; ++i) {
        std::vector<SealedTransaction> block = market.come(9, LOW);
        const std::vector<SealedTransaction> dear = market.come(2, HIGH);
        block.insert(block.end(), dear.begin(), dear.end());
        unlucky.push_back(market.come(1, LOW)[0]);
        market.mine(block);
        if (i >= FeeEstimator::MAX_TARGET + 2)
            market.estimator.remove(unlucky[i - FeeEstimator::MAX_TARGET - 2].txid);
    }
    BOOST_TEST(market.estimate(500) == HIGH); // within 1,000 blocks too few are mined
    BOOST_TEST(market.estimate(600) == LOW);
}

BOOST_AUTO_TEST_CASE(backlog_of_weeks__is_counted__and_costs_no_more) {
    constexpr int32_t TARGET = FeeEstimator::MAX_TARGET;
    constexpr int32_t BLOCKS = 6 * TARGET;
    Market market;
    std::vector<SealedTransaction> cheap; // one a block, never mined
    const auto pass = [&](int32_t blocks) {
        for (int32_t i = 0; i < blocks; ++i) {
            cheap.push_back(market.come(1, LOW)[0]);
            market.mine(market.come(3, HIGH));
        }
    };
    const auto waiting = [&](int32_t target) {
        return market.estimator.raw_estimate(2, target, .8).fail.value().waiting;
    };
    const auto seconds = [&] {
        double least = 1e9; // other tests share the processor
        for (int i = 0; i < 3; ++i)
            least = std::min(least, processor_seconds([&] { pass(TARGET / 20); }));
        return least;
    };
    pass(TARGET);
    const double before = seconds();
    pass(BLOCKS - static_cast<int32_t>(cheap.size()));
    BOOST_TEST(seconds() < 2 * before);
    const auto all = static_cast<int32_t>(cheap.size());
    for (const int32_t target : {12, TARGET / 2, TARGET - 1, TARGET})
        BOOST_TEST(waiting(target) == all + 1 - target);
    // What has waited for longest leaves in one way or the other.
    market.mine({cheap.begin(), cheap.begin() + TARGET});
    for (int32_t i = TARGET; i < 2 * TARGET; ++i) market.estimator.remove(cheap[size_t(i)].txid);
    for (const int32_t target : {12, TARGET})
        BOOST_TEST(waiting(target) == all + 2 - target - 2 * TARGET);
}

BOOST_AUTO_TEST_CASE(node_ends__what_waits__counts_as_given_up) {
    Market market;
    for (int i = 0; i < 30; ++i) {
        std::vector<SealedTransaction> block = market.come(5, LOW);
        market.come(45, LOW);
        const std::vector<SealedTransaction> dear = market.come(45, HIGH);
        block.insert(block.end(), dear.begin(), dear.end());
        market.mine(block);
    }
    BOOST_TEST(market.estimate(2) == HIGH);
    market.estimator.remove_all();
    BOOST_TEST(market.estimate(2) == HIGH);
    FeeEstimator again;
    BOOST_TEST(again.load(market.estimator.save()));
    BOOST_TEST(again.estimate(2, false).feerate.value_or(FeeRate{0}).per_kvb.value == HIGH);
}

BOOST_AUTO_TEST_CASE(waiting_parent__child_is_not_counted) {
    Market market;
    for (int i = 0; i < 30; ++i) {
        std::vector<SealedTransaction> block = market.come(20, HIGH);
        for (size_t j = 0; j < 20; ++j) block.push_back(market.child_of(block[j], LOW));
        market.mine(block);
    }
    BOOST_TEST(market.estimate(2) == HIGH);
}

BOOST_AUTO_TEST_CASE(descendant_that_pays_more__what_it_pays_for_is_not_counted) {
    Market market;
    for (int i = 0; i < 30; ++i) {
        std::vector<SealedTransaction> block = market.come(20, HIGH);
        for (const SealedTransaction& tx : market.come(20, LOW)) {
            block.push_back(tx);
            block.push_back(market.child_of(tx, LOW));
            block.push_back(market.child_of(block.back(), 3 * HIGH));
        }
        market.mine(block);
    }
    BOOST_TEST(market.estimate(2) == HIGH);
}

BOOST_AUTO_TEST_CASE(back_from_a_block__not_counted) {
    Market market;
    for (int i = 0; i < 30; ++i) {
        std::vector<SealedTransaction> block = market.come(20, HIGH);
        for (const SealedTransaction& tx : market.come(20, LOW)) {
            market.estimator.remove(tx.txid);
            market.estimator.add(tx, {LOW}, market.height, true);
            block.push_back(tx);
        }
        market.mine(block);
    }
    BOOST_TEST(market.estimate(2) == HIGH);
}

BOOST_AUTO_TEST_CASE(saved__after_a_long_run_and_a_longer_one_before__is_not_forgotten) {
    Market market;
    const auto run = [&](int blocks) {
        for (int i = 0; i < blocks; ++i) market.mine(market.come(2, HIGH));
        FeeEstimator again;
        BOOST_TEST(again.load(market.estimator.save()));
        market.estimator = std::move(again);
    };
    run(7000);
    BOOST_TEST(market.estimate(6) == HIGH);
    run(6100); // the run before is forgotten by now
    BOOST_TEST(market.estimate(6) == HIGH);
    run(10); // a short one takes nothing away
    BOOST_TEST(market.estimate(1000) == HIGH);
}

BOOST_AUTO_TEST_CASE(saved__loaded_again__says_the_same_and_nothing_else_is_taken) {
    const Market market = two_classes();
    const cairn::consensus::Bytes bytes = market.estimator.save();
    FeeEstimator again;
    BOOST_TEST(again.load(bytes));
    for (int32_t target = 1; target <= 50; ++target)
        BOOST_TEST(
            (again.estimate(target, false).feerate ==
             market.estimator.estimate(target, false).feerate));
    BOOST_TEST((again.save() == bytes));
    for (const size_t size : {size_t(0), size_t(4), bytes.size() - 1})
        BOOST_TEST(!again.load(cairn::consensus::ByteView(bytes).first(size)));
    cairn::consensus::Bytes wrong = bytes;
    std::fill_n(wrong.begin() + 16, 8, uint8_t{0xff}); // not a number
    BOOST_TEST(!again.load(wrong));
    wrong = bytes;
    wrong[0] = 9;
    BOOST_TEST(!again.load(wrong));
    BOOST_TEST((again.save() == bytes));
}

BOOST_AUTO_TEST_SUITE_END()
