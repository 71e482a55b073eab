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

/// Holds up who comes first, until it is opened.
class Gate {
public:
    void pass() {
        if (told_.exchange(true)) return;
        held_.set_value();
        if (opened_.get_future().wait_for(PATIENCE) != std::future_status::ready) in_vain_ = true;
    }

    /// Whether somebody came.
    bool wait_until_held() {
        return held_.get_future().wait_for(PATIENCE) == std::future_status::ready;
    }

    /// Whether it is in time.
    bool open() {
        opened_.set_value();
        return !in_vain_;
    }

private:
    std::atomic<bool> told_ = false;
    std::atomic<bool> in_vain_ = false;
    std::promise<void> held_;
    std::promise<void> opened_;
};

/// Holds up the chain thread between a block's header and its coins.
struct BlockGate : ChainObserver {
    explicit BlockGate(Gate& gate) : gate_(gate) {}

    void block_checked(const BlockNode& /*node*/, const BlockRef& /*block*/) override {
        gate_.pass();
    }

    Gate& gate_;
};

/// What a reader gets to see while the block after `before` is validated, which spends `point`.
struct Seen {
    Seen(const Chain& chain, const BlockNode& before, const OutPoint& point)
        : coin(chain.find_coin(point, true, &tip).has_value()),
          waiting(chain.mempool()->size()) {
        const BlockRef block = chain.read_block(before);
        const auto event = chain.read_event(chain.event_count() - 1);
        stored = block && chain.read_undo(before, *block) && event && event->hash == before.hash &&
                 chain.view().at(before.height) == &before && !chain.tips().empty();
    }

    const BlockNode* tip = nullptr; ///< As of which the coin is there, or not.
    bool coin;
    size_t waiting;
    bool stored;
};

/// Processor time, so exactly none if no script is run.
double script_seconds(TestChain& test) {
    test.wait();
    return test.chain().statistics().stage_seconds[size_t(Stage::Scripts)];
}

} // namespace

BOOST_AUTO_TEST_SUITE(pipeline)

BOOST_AUTO_TEST_CASE(block__asked_for_while_it_is_written__is_waited_for) {
    constexpr size_t COUNT = 30;
    WatchedChain test;
    std::vector<BlockRef> blocks;
    std::vector<std::unique_ptr<cairn::consensus::HeaderNode>> nodes;
    const cairn::consensus::HeaderNode* at = &test.tip();
    for (size_t i = 0; i < COUNT; ++i) {
        blocks.push_back(std::make_shared<const Block>(make_block(*at, test.params(), {})));
        const BlockHeader& header = blocks.back()->header;
        nodes.push_back(std::make_unique<cairn::consensus::HeaderNode>(header, header.hash(), at));
        at = nodes.back().get();
    }
    test.disk->watch({}, {}, [] { std::this_thread::sleep_for(std::chrono::milliseconds(2)); });
    std::future<size_t> reader = std::async(std::launch::async, [&] {
        size_t found = 0;
        for (const BlockRef& block : blocks) {
            const BlockHash hash = block->header.hash();
            const BlockNode* node = nullptr;
            while (!node || !node->has(BlockNode::HAVE_BODY)) node = test.chain().find_block(hash);
            const BlockRef body = test.chain().read_block(*node);
            while (!node->has(BlockNode::HAVE_UNDO)) std::this_thread::yield();
            found += body && test.chain().read_undo(*node, *body) ? 1 : 0;
        }
        return found;
    });
    for (const BlockRef& block : blocks) test.submit(block);
    BOOST_TEST(reader.get() == COUNT);
    test.disk->watch({}, {});
    BOOST_TEST(test.failure() == "");
}

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

BOOST_AUTO_TEST_CASE(readers__while_a_block_is_validated__are_answered) {
    enum Held { BeforeCoins, ReadingCoins, Writing };

    WatchedChain test;
    const std::vector<OutPoint> coins = test.mature_coins(3);
    for (const Held held : {BeforeCoins, ReadingCoins, Writing}) {
        test.close(); // so that coins are on disk only
        test.open();
        test.wait_for_indexes();
        const auto gate = std::make_shared<Gate>();
        BlockGate observer(*gate);
        if (held == BeforeCoins) test.chain().add_observer(observer);
        const auto on_read = [gate, held] {
            if (held == ReadingCoins && name_of_this_thread().starts_with("chain")) gate->pass();
        };
        const auto on_write = [gate, held] {
            if (held == Writing) gate->pass();
        };
        test.disk->watch(on_read, {}, on_write);
        const BlockNode& before = test.tip();
        const auto tx = make_transaction(spend({coins[held]}, {{1'000'000, anyone_script()}}));
        const auto block = std::make_shared<const Block>(make_block(before, test.params(), {tx}));
        std::promise<bool> connected;
        test.chain().accept_block(block, true, [&](const BlockOutcome& outcome) {
            connected.set_value(outcome.on_active_chain);
        });
        BOOST_TEST(gate->wait_until_held());
        auto reading =
            std::async(std::launch::async, [&] { return Seen(test.chain(), before, coins[held]); });
        BOOST_TEST((reading.wait_for(PATIENCE) == std::future_status::ready));
        BOOST_TEST(gate->open());
        BOOST_TEST(connected.get_future().get());
        const Seen seen = reading.get();
        if (held != Writing) BOOST_TEST((seen.tip == &before)); // else it may be the new one
        BOOST_TEST(seen.coin == (seen.tip == &before));
        BOOST_TEST(seen.waiting == 0u);
        BOOST_TEST(seen.stored);
        test.disk->watch({}, {});
        test.chain().remove_observer(observer);
    }
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

/// Two blocks on the tip's parent, whose scripts take a while; the tip's payment is in neither.
struct SlowRival {
    explicit SlowRival(TestChain& test) {
        constexpr size_t MANY = 5'000;
        const std::vector<OutPoint> coins = test.mature_coins(2);
        const BlockNode& fork = test.tip();
        parent = make_transaction(spend({coins[0]}, {{5'000, anyone_script()}}));
        BOOST_TEST(reason_of(test.pay(*parent)).empty());
        test.mine();
        old_tip = &test.tip();
        // Fits no block on the fork, until its parent is back.
        child = make_transaction(spend({{parent->txid, 0}}, {{1'000, anyone_script()}}));
        BOOST_TEST(reason_of(test.pay(*child)).empty());
        const auto split = make_transaction(
            spend({coins[1]}, std::vector<TxOut>(MANY, TxOut{1'000, anyone_script()})));
        std::vector<OutPoint> parts;
        for (uint32_t i = 0; i < MANY; ++i) parts.push_back({split->txid, i});
        const auto joined = make_transaction(spend(parts, {{1'000, anyone_script()}}));
        const BlockRef first = make_branch(test, fork, 1, 7)[0];
        const BlockNode& rival = *test.submit(first).node;
        second = std::make_shared<const Block>(make_block(rival, test.params(), {split, joined}));
    }

    TransactionRef parent;
    TransactionRef child;
    const BlockNode* old_tip = nullptr;
    BlockRef second; ///< Not given to the chain yet.
};

BOOST_AUTO_TEST_CASE(reorganisation__scripts_of_the_new_branch_run__nobody_has_a_turn_meanwhile) {
    TestChain test;
    test.open();
    const SlowRival slow(test);
    const BlockNode* old_tip = slow.old_tip;
    test.chain().accept_block(slow.second, true, [](const auto&) {});
    do {
        const BlockTemplate made = test.make_template();
        BOOST_REQUIRE((made.parent == old_tip || made.parent->height > old_tip->height));
        BOOST_REQUIRE(reason_of(test.test_block(*made.block)).empty() || made.parent == old_tip);
    } while (&test.tip() == old_tip);
    BOOST_TEST(test.tip().height == old_tip->height + 1);
    BOOST_TEST(test.chain().mempool()->size() == 2u);
}

BOOST_AUTO_TEST_CASE(reorganisation__stopped_on_the_way__payments_of_the_old_branch_wait) {
    using std::chrono::steady_clock;
    for (int moment = 0; moment < 8; ++moment) { // one of which has blocks in flight
        TestChain test;
        test.open();
        test.wait_for_mempool();
        const SlowRival slow(test);
        test.chain().accept_block(slow.second, true, [](const auto&) {});
        while (&test.tip() == slow.old_tip) std::this_thread::yield(); // until it is disconnected
        const auto until = steady_clock::now() + std::chrono::microseconds(700 * moment);
        while (steady_clock::now() < until) std::this_thread::yield();
        test.close();
        test.open();
        test.wait_for_mempool();
        test.wait();
        BOOST_TEST(test.tip().hash.to_string() == slow.second->header.hash().to_string());
        BOOST_TEST((test.chain().mempool()->find(slow.parent->txid) != nullptr));
        BOOST_TEST((test.chain().mempool()->find(slow.child->txid) != nullptr));
    }
}

BOOST_AUTO_TEST_SUITE_END()
