// SPDX-License-Identifier: MIT
#include "chain/verify_pool.h"
#include "tests/chain/fixture.h"

#include <future>

using namespace cairn::tests;
using cairn::consensus::SealedTransaction;

namespace {

constexpr uint32_t FLAGS = cairn::consensus::STANDARD_FLAGS;

/// A spend of `inputs` coins that anyone may spend; the one at `bad` without its witness.
SealedTransaction spender(size_t inputs, size_t bad = SIZE_MAX) {
    Transaction tx = spend(std::vector<OutPoint>(inputs), {{1, anyone_script()}});
    if (bad < inputs) tx.inputs[bad].witness.clear();
    return SealedTransaction(tx);
}

} // namespace

BOOST_AUTO_TEST_SUITE(verify_pool)

BOOST_AUTO_TEST_CASE(batch__all_good__no_failure) {
    VerifyPool pool(3);
    ScriptBatch batch(pool, FLAGS);
    std::vector<SealedTransaction> transactions;
    for (size_t i = 1; i <= 60; ++i) transactions.push_back(spender(i));
    const std::vector<Coin> coins(60, Coin{{1, anyone_script()}, 1, false});
    for (const SealedTransaction& tx : transactions)
        batch.add(tx, std::span(coins).first(tx.inputs.size()));
    BOOST_TEST(!batch.finish());
}

BOOST_AUTO_TEST_CASE(batch__several_bad__tells_the_first_always) {
    VerifyPool pool(3);
    const std::vector<Coin> coins(100, Coin{{1, anyone_script()}, 1, false});
    std::vector<SealedTransaction> transactions;
    for (size_t i = 0; i < 40; ++i) transactions.push_back(spender(100, i % 7 == 5 ? i : SIZE_MAX));
    for (int round = 0; round < 20; ++round) {
        ScriptBatch batch(pool, FLAGS);
        for (const SealedTransaction& tx : transactions) batch.add(tx, coins);
        const std::optional<ScriptFailure> failure = batch.finish();
        BOOST_REQUIRE(failure);
        BOOST_TEST((failure->tx == &transactions[5]));
        BOOST_TEST(failure->input == 5u);
        BOOST_TEST((failure->error == cairn::consensus::ScriptError::WitnessProgramWitnessEmpty));
    }
}

BOOST_AUTO_TEST_CASE(batch__abandoned__waits_for_what_runs) {
    VerifyPool pool(2);
    const std::vector<Coin> coins(500, Coin{{1, anyone_script()}, 1, false});
    for (int round = 0; round < 20; ++round) {
        const SealedTransaction tx = spender(500);
        ScriptBatch batch(pool, FLAGS);
        batch.add(tx, coins);
    }
}

BOOST_AUTO_TEST_CASE(jobs__of_three_urgencies__run_in_that_order) {
    std::string order;
    std::promise<void> begun;
    std::promise<void> all_wait;
    {
        VerifyPool pool(1);
        pool.push([&] {
            begun.set_value();
            all_wait.get_future().wait();
        });
        begun.get_future().wait();
        pool.push_idle([&] { order += 'i'; });
        pool.push([&] { order += 'j'; });
        pool.push_urgent([&] { order += 'u'; });
        all_wait.set_value();
    }
    BOOST_TEST(order == "uji");
}

BOOST_AUTO_TEST_CASE(help__pool_is_busy__runs_the_next_idle_job_here) {
    std::string order;
    std::promise<void> begun;
    std::promise<void> helped;
    VerifyPool pool(1);
    pool.push([&] {
        begun.set_value();
        helped.get_future().wait();
    });
    begun.get_future().wait();
    pool.push_idle([&] { order += '1'; });
    pool.push_idle([&] { order += '2'; });
    BOOST_TEST(pool.help());
    BOOST_TEST(order == "1");
    BOOST_TEST(pool.help());
    BOOST_TEST(!pool.help());
    BOOST_TEST(order == "12");
    helped.set_value();
}

BOOST_AUTO_TEST_CASE(idle_jobs__more_than_there_is_room_for__are_dropped) {
    int run = 0;
    std::promise<void> all_wait;
    {
        VerifyPool pool(1);
        pool.push([&] { all_wait.get_future().wait(); });
        for (int i = 0; i < 20'000; ++i) pool.push_idle([&] { ++run; });
        all_wait.set_value();
    }
    BOOST_TEST(run <= 10'001); // the first may have begun at once
}

BOOST_AUTO_TEST_CASE(cache__holds_what_was_inserted__for_standard_flags_only) {
    ScriptCache cache({1, 2});
    const cairn::consensus::Wtxid id(cairn::consensus::sha256(Bytes{1}));
    BOOST_TEST(!cache.contains(id, FLAGS));
    cache.insert(id);
    BOOST_TEST(cache.contains(id, FLAGS));
    BOOST_TEST(cache.contains(id, cairn::consensus::VERIFY_P2SH));
    BOOST_TEST(!cache.contains(id, FLAGS | cairn::consensus::VERIFY_SIGPUSHONLY));
}

BOOST_AUTO_TEST_CASE(cache__full__forgets_the_oldest_generation) {
    ScriptCache cache({1, 2});
    const auto id = [](uint32_t i) {
        cairn::consensus::Wtxid made;
        std::memcpy(made.bytes.data(), &i, sizeof i);
        return made;
    };
    for (uint32_t i = 0; i < 600'000; ++i) cache.insert(id(i));
    BOOST_TEST(!cache.contains(id(0), FLAGS));
    BOOST_TEST(cache.contains(id(599'999), FLAGS));
    BOOST_TEST(cache.contains(id(400'000), FLAGS));
}

BOOST_AUTO_TEST_SUITE_END()
