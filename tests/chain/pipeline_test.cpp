// SPDX-License-Identifier: MIT
// What makes validation fast, which nobody would miss but for the time it takes: nothing is done
// twice, nor on the chain thread if others can, and memory stays within its budget.
#include "chain/connecting_block.h"
#include "tests/chain/faulty_disk.h"
#include "tests/chain/fixture.h"

#include <array>
#include <pthread.h>

using namespace cairn::tests;
using cairn::consensus::make_transaction;

namespace {

constexpr std::chrono::seconds PATIENCE{60}; ///< Only a failure takes so long.

/// A chain on a disk that can be watched.
struct WatchedChain : TestChain {
    std::shared_ptr<FaultyDisk> disk = std::make_shared<FaultyDisk>(directory() / "chainstate", 1);
    std::unique_ptr<rocksdb::Env> env = rocksdb::NewCompositeEnv(disk);

    WatchedChain() {
        options().env = env.get();
        open();
    }

    ~WatchedChain() { close(); }
};

std::string name_of_this_thread() {
    std::array<char, 16> name{};
    pthread_getname_np(pthread_self(), name.data(), name.size());
    return name.data();
}

/// Processor time, so exactly none if no script is run.
double script_seconds(TestChain& test) {
    test.wait();
    return test.chain().statistics().stage_seconds[size_t(Stage::Scripts)];
}

} // namespace

BOOST_AUTO_TEST_SUITE(pipeline)

BOOST_AUTO_TEST_CASE(scripts__of_a_block_of_waiting_payments__are_not_run_again) {
    constexpr size_t COUNT = 40;
    TestChain test;
    test.open();
    const std::vector<OutPoint> coins = test.mature_coins(2 * COUNT);
    const std::vector<TxOut> outputs{{1'000'000, anyone_script()}};
    std::vector<TransactionRef> unknown;
    for (size_t i = 0; i < COUNT; ++i) {
        BOOST_REQUIRE(test.pay(spend({coins[i]}, outputs)));
        unknown.push_back(make_transaction(spend({coins[COUNT + i]}, outputs)));
    }
    const double before = script_seconds(test);
    BOOST_TEST(test.mine()->transactions.size() == 1 + COUNT);
    BOOST_TEST(script_seconds(test) == before);
    const Block block = make_block(test.tip(), test.params(), unknown);
    BOOST_REQUIRE(test.submit(std::make_shared<const Block>(block)).on_active_chain);
    BOOST_TEST(script_seconds(test) > before);
}

BOOST_AUTO_TEST_CASE(coins_of_a_block__that_waits__are_read_by_the_workers) {
    WatchedChain test;
    const std::vector<OutPoint> coins = test.mature_coins(20);
    test.close(); // now they are on disk only
    test.open();
    const auto tx = make_transaction(spend(coins, {{1'000'000, anyone_script()}}));
    const auto block =
        std::make_shared<const Block>(make_block(test.tip(), test.params(), {tx}, 0));

    std::promise<std::thread::id> held;
    std::promise<void> go_on;
    test.chain().heartbeat([&] {
        held.set_value(std::this_thread::get_id());
        go_on.get_future().wait();
    });
    const std::thread::id chain_thread = held.get_future().get();
    std::atomic<int> reads_of_chain_thread = 0;
    std::atomic<bool> told = false;
    std::promise<void> worker_reads;
    const auto on_read = [&] {
        if (std::this_thread::get_id() == chain_thread) ++reads_of_chain_thread;
        if (name_of_this_thread() == "chain-verify" && !told.exchange(true))
            worker_reads.set_value();
    };
    test.disk->watch(on_read, {});
    std::promise<BlockOutcome> outcome;
    test.chain().accept_block(
        block, true, [&](const BlockOutcome& found) { outcome.set_value(found); });
    const bool read = worker_reads.get_future().wait_for(PATIENCE) == std::future_status::ready;
    BOOST_TEST(read);
    go_on.set_value();
    BOOST_TEST(outcome.get_future().get().on_active_chain);
    BOOST_TEST(reads_of_chain_thread == 0);
    test.disk->watch({}, {});
}

BOOST_AUTO_TEST_CASE(flush__held_up_by_the_disk__lets_blocks_connect) {
    WatchedChain test;
    std::promise<void> begun;
    std::promise<void> go_on;
    const std::shared_future<void> may_go_on = go_on.get_future().share();
    std::atomic<bool> told = false;
    std::atomic<bool> in_vain = false;
    test.disk->watch({}, [&] {
        if (!told.exchange(true)) begun.set_value();
        if (may_go_on.wait_for(PATIENCE) != std::future_status::ready) in_vain = true;
    });
    std::future<void> flushing = begun.get_future();
    for (int i = 0;
         i < 250 && flushing.wait_for(std::chrono::seconds(0)) != std::future_status::ready; ++i)
        test.mine();
    const bool begins = flushing.wait_for(PATIENCE) == std::future_status::ready;
    BOOST_REQUIRE(begins);
    const Height before = test.tip().height;
    test.mine(5);
    BOOST_TEST(test.tip().height == before + Height(5));
    BOOST_TEST(!in_vain);
    go_on.set_value();
    test.close();
    test.disk->watch({}, {});
}

BOOST_AUTO_TEST_CASE(coin_cache__blocks_of_many_outputs__never_takes_more_than_its_budget) {
    constexpr size_t BUDGET = 4 << 20;
    constexpr int COUNT = 80;
    TestChain test;
    test.options().cache_bytes = BUDGET;
    test.open();
    const std::vector<OutPoint> coins = test.mature_coins(COUNT);
    size_t most = 0;
    size_t made = 0;
    for (const OutPoint& coin : coins) {
        const auto tx =
            make_transaction(spend({coin}, std::vector<TxOut>(1'500, {1'000, anyone_script()})));
        const Block block = make_block(test.tip(), test.params(), {tx});
        BOOST_REQUIRE(test.submit(std::make_shared<const Block>(block)).on_active_chain);
        const size_t bytes = test.chain().statistics().cache_bytes;
        BOOST_TEST(bytes <= BUDGET);
        most = std::max(most, bytes);
        made += tx->outputs.size() * sizeof(CoinTable::Entry);
    }
    BOOST_TEST(most > BUDGET / 4); // it is made use of,
    BOOST_TEST(made > 2 * BUDGET); // and would be far more
}

BOOST_AUTO_TEST_SUITE_END()
