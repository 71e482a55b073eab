// SPDX-License-Identifier: MIT
#include "chain/mempool_file.h"
#include "tests/chain/fixture.h"
#include "tests/processor_time.h"

#include <fstream>
#include <malloc.h>
#include <random>
#include <sys/stat.h>

using namespace cairn::tests;
using cairn::consensus::make_transaction;

namespace {

MempoolEntry entry_of(const Transaction& tx, Amount fee, int64_t time = 0) {
    MempoolEntry entry;
    entry.tx = make_transaction(tx);
    entry.fee = fee;
    entry.time = time;
    entry.weight = entry.tx->weight();
    return entry;
}

void remove(Mempool& pool, const Mempool::Entries& entries) {
    Mempool::Effort effort = pool.effort_for_a_change();
    pool.remove(entries, effort);
}

OutPoint some_point(uint8_t n) {
    return {Txid(cairn::consensus::sha256(Bytes{n})), n};
}

Transaction payment(const std::vector<OutPoint>& points, int64_t value = 1) {
    return spend(points, {{value, anyone_script()}, {value, anyone_script()}});
}

/// As many as a cluster may have, with their fees; parents first.
using Family = std::vector<std::pair<Transaction, Amount>>;

/// Of no particular shape.
Family family(std::mt19937_64& random, OutPoint from) {
    Family all;
    std::vector<OutPoint> points{from};
    for (size_t i = 0; i < MAX_LINEARIZED; ++i) {
        std::vector<OutPoint> spent;
        for (size_t k = 1 + random() % 2; k > 0 && !points.empty(); --k) {
            const size_t at = random() % points.size();
            spent.push_back(points[at]);
            points.erase(points.begin() + static_cast<ptrdiff_t>(at));
        }
        const Transaction tx =
            spend(spent, std::vector<TxOut>(4, TxOut{static_cast<int64_t>(i), anyone_script()}));
        all.emplace_back(tx, static_cast<int64_t>(random() % 100'000));
        for (uint32_t out = 0; out < 4; ++out) points.push_back({make_transaction(tx)->txid, out});
    }
    return all;
}

/// Half of them spend from all others.
Family hard_family(std::mt19937_64& random, uint8_t n) {
    constexpr uint32_t HALF = MAX_LINEARIZED / 2;
    Family all;
    std::vector<Txid> parents;
    const auto add = [&](const Transaction& tx) {
        all.emplace_back(tx, static_cast<int64_t>(random() % 100'000));
    };
    for (uint32_t i = 0; i < HALF; ++i) {
        const OutPoint point{some_point(static_cast<uint8_t>(0x80 + n)).txid, i};
        add(spend({point}, std::vector<TxOut>(HALF, TxOut{1, anyone_script()})));
        parents.push_back(make_transaction(all.back().first)->txid);
    }
    for (uint32_t i = 0; i < HALF; ++i) {
        std::vector<OutPoint> points;
        points.reserve(HALF);
        for (const Txid& parent : parents) points.push_back({parent, i});
        add(payment(points));
    }
    return all;
}

} // namespace

BOOST_AUTO_TEST_SUITE(mempool)

BOOST_AUTO_TEST_CASE(family__parents_children_and_all__are_found) {
    Mempool pool({1, 2});
    const auto& a = pool.add(entry_of(payment({some_point(1)}), 100));
    const auto& b = pool.add(entry_of(payment({{a.tx->txid, 0}}), 200));
    const auto& c = pool.add(entry_of(payment({{a.tx->txid, 1}, {b.tx->txid, 0}}), 300));
    using Entries = std::vector<const MempoolEntry*>;
    BOOST_TEST((pool.parents(c) == Entries{&a, &b}));
    BOOST_TEST((pool.children(a) == Entries{&b, &c}));
    BOOST_TEST((pool.ancestors(c) == Entries{&a, &b}));
    BOOST_TEST((pool.descendants(a) == Entries{&b, &c}));
    BOOST_TEST((pool.with_descendants({&b, &b, &a}) == Entries{&b, &a, &c}));
    BOOST_TEST((pool.in_mining_order() == Entries{&a, &b, &c}));
    BOOST_TEST((pool.worst_chunk() == Entries{&a, &b, &c}));
    BOOST_TEST((Mempool::cluster(b) == Entries{&a, &b, &c}));
    BOOST_TEST((pool.find(c.tx->wtxid) == &c));
    BOOST_TEST(pool.find_coin({a.tx->txid, 1}).has_value());
    BOOST_TEST(!pool.find_coin({a.tx->txid, 2}));
    BOOST_TEST(pool.total_fee() == Amount(600));
    remove(pool, {&b, &c});
    BOOST_TEST(pool.size() == 1u);
    BOOST_TEST((pool.in_mining_order() == Entries{&a}));
}

BOOST_AUTO_TEST_CASE(remove__one_that_was_confirmed__its_children_stay) {
    Mempool pool({1, 2});
    const TransactionRef parent = pool.add(entry_of(payment({some_point(1)}), 1)).tx;
    const TransactionRef child = pool.add(entry_of(payment({{parent->txid, 0}}), 1)).tx;
    const uint64_t before = pool.sequence();
    remove(pool, {pool.find(parent->txid)});
    BOOST_TEST(pool.sequence() > before);
    BOOST_REQUIRE(pool.find(child->txid));
    BOOST_TEST(pool.parents(*pool.find(child->txid)).empty());
    remove(pool, {pool.find(child->txid)});
    BOOST_TEST(pool.memory_bytes() == 0u);
    BOOST_TEST(pool.total_vsize() == 0);
    BOOST_TEST(pool.worst_chunk().empty());
    BOOST_TEST((pool.oldest() == nullptr));
}

BOOST_AUTO_TEST_CASE(look_up__in_parts__finds_what_leaves_and_what_is_verified) {
    Mempool pool({1, 2});
    const auto& same = pool.add(entry_of(payment({some_point(1), some_point(2)}), 1));
    const auto& other = pool.add(entry_of(payment({some_point(3)}), 1));
    const auto& loser = pool.add(entry_of(payment({some_point(4)}), 1));
    const auto& stays = pool.add(entry_of(payment({some_point(5)}), 1));
    Transaction stripped = *other.tx;
    stripped.inputs[0].witness.clear();
    Block block;
    block.transactions.emplace_back(payment({some_point(9)}));
    block.transactions.push_back(*same.tx);
    block.transactions.emplace_back(stripped);
    block.transactions.emplace_back(payment({some_point(4)}, 2));
    BlockImpact impact;
    impact.verified = std::vector<std::atomic<bool>>(block.transactions.size());
    pool.look_up(block, impact, 2);
    BOOST_TEST(impact.looked_up == 2u);
    BOOST_TEST((impact.confirmed == Mempool::Entries{&same}));
    const auto& late = pool.add(entry_of(payment({some_point(9)}, 3), 1)); // so it begins again
    for (int i = 0; i < 2; ++i) pool.look_up(block, impact, 3);
    BOOST_TEST(impact.looked_up == 4u);
    BOOST_TEST((impact.confirmed == Mempool::Entries{&same, &other}));
    BOOST_TEST((impact.conflicts == Mempool::Entries{&late, &loser}));
    for (size_t i = 0; i < 4; ++i) BOOST_TEST(impact.verified[i] == (i == 1));
    Mempool::Effort effort = pool.effort_for_a_change();
    pool.remove_confirmed(impact, effort);
    remove(pool, impact.conflicts);
    BOOST_TEST((pool.in_mining_order() == Mempool::Entries{&stays}));
    for (uint8_t n = 1; n < 10; ++n)
        BOOST_TEST((pool.spender(some_point(n)) == (n == 5 ? &stays : nullptr)));
    BOOST_TEST((pool.find(stays.tx->wtxid) == &stays));
}

namespace {

/// What the process has from the heap, bytes.
size_t heap_bytes() {
    const struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

} // namespace

BOOST_AUTO_TEST_CASE(memory_bytes__any_shape__is_what_the_heap_gives) {
    constexpr size_t COUNT = 10'000;

    struct Shape {
        size_t inputs;
        size_t outputs;
        size_t data_bytes;
    };

    for (const auto& [inputs, outputs, data_bytes] :
         {Shape{1, 2, 0}, Shape{1, 1, 3'000}, Shape{20, 1, 0}, Shape{1, 50, 0}}) {
        const size_t before = heap_bytes();
        Mempool pool({1, 2});
        for (uint32_t i = 0; i < COUNT; ++i) {
            std::vector<OutPoint> points;
            for (uint32_t j = 0; j < inputs; ++j)
                points.push_back({some_point(uint8_t(j)).txid, i});
            Transaction tx = spend(points, std::vector<TxOut>(outputs, {1, anyone_script()}));
            if (data_bytes > 0) tx.outputs[0].script_pubkey = Script(Bytes(data_bytes));
            pool.add(entry_of(tx, 1'000));
        }
        const auto taken = static_cast<double>(heap_bytes() - before);
        if (taken == 0) {
            BOOST_TEST_MESSAGE("SKIPPED: a sanitizer has a heap of its own");
            return;
        }
        BOOST_TEST_CONTEXT(inputs << " inputs, " << outputs << " outputs") {
            const double ratio = static_cast<double>(pool.memory_bytes()) / taken;
            BOOST_TEST_MESSAGE(pool.memory_bytes() / COUNT << " bytes each, " << ratio);
            BOOST_TEST(ratio > 0.95);
            BOOST_TEST(ratio < 1.2);
        }
    }
}

BOOST_AUTO_TEST_CASE(go_on__order_that_took_too_long__is_found_with_more_time) {
    std::mt19937_64 random(7);
    Mempool hasty({1, 2}, 4);
    Mempool pool({1, 2});
    int late = 0;
    for (const auto& [tx, fee] : family(random, some_point(1))) {
        for (Mempool* each : {&hasty, &pool}) each->add(entry_of(tx, fee));
        late += hasty.optimal() ? 0 : 1;
        hasty.go_on();
        BOOST_REQUIRE(hasty.optimal());
        BOOST_REQUIRE(pool.optimal());
    }
    BOOST_TEST(late > 0);
    const auto chunks_of = [](const Mempool& each) {
        std::vector<FeeSize> costs;
        each.visit_chunks([&](const Mempool::Entries& chunk) {
            costs.push_back(chunk.front()->place.cost);
            return true;
        });
        return costs;
    };
    BOOST_TEST((chunks_of(hasty) == chunks_of(pool)));
}

BOOST_AUTO_TEST_CASE(go_on__beside_orders_that_take_far_longer__each_has_its_turn) {
    constexpr size_t OF_EACH = 8;
    constexpr size_t TURNS = 4;
    std::mt19937_64 random(7);
    Mempool pool({1, 2}, 1);
    const auto add = [&](const Family& all) {
        const MempoolEntry& first = pool.add(entry_of(all[0].first, all[0].second));
        for (const auto& [tx, fee] : std::span(all).subspan(1)) pool.add(entry_of(tx, fee));
        return &first;
    };
    Mempool::Entries hard;
    for (uint8_t n = 0; n < OF_EACH; ++n) {
        hard.push_back(add(hard_family(random, n)));
        add(family(random, some_point(n)));
    }
    for (size_t i = 0; i < TURNS * 2 * OF_EACH; ++i) pool.go_on();
    BOOST_TEST(!pool.optimal());
    for (const MempoolEntry* first : hard) remove(pool, Mempool::cluster(*first));
    BOOST_TEST(pool.size() == OF_EACH * MAX_LINEARIZED);
    BOOST_TEST(pool.optimal());
}

/// What somebody sends who wants it to cost much: it touches a hundred clusters at once.
BOOST_AUTO_TEST_CASE(change__of_a_hundred_hard_clusters__takes_no_longer_than_of_a_few) {
    constexpr uint8_t CLUSTERS = 100;
    constexpr int SPLITS = 150; // of those here each needs about half as many
    std::mt19937_64 random(7);
    Mempool pool({1, 2}, SPLITS);
    Mempool::Entries tips; // of each the last, on which nothing depends
    for (uint8_t n = 0; n < CLUSTERS; ++n) {
        const MempoolEntry* last = nullptr;
        for (const auto& [tx, fee] : hard_family(random, n)) last = &pool.add(entry_of(tx, fee));
        tips.push_back(last);
        while (!pool.optimal()) pool.go_on();
    }
    remove(pool, {tips.end() - 3, tips.end()});
    tips.resize(CLUSTERS - 3);
    BOOST_TEST(pool.optimal());

    MempoolEntry rival = entry_of(payment({some_point(1)}), 0);
    const auto improves = [&](size_t count) {
        const MempoolChange change{{&rival}, {tips.begin(), tips.begin() + ptrdiff_t(count)}};
        Mempool::Effort effort = pool.effort_for_a_change();
        const bool better = pool.improves(change, pool.clusters_after(change), effort);
        return std::pair(better, effort.work >= int64_t{MAX_LINEARIZED});
    };
    BOOST_TEST((improves(5) == std::pair(false, true)));
    BOOST_TEST((improves(tips.size()) == std::pair(false, false))); // no time is left
    rival.modified_fee = 100'000'000;
    BOOST_TEST((improves(tips.size()) == std::pair(true, false))); // nor are all orders the best

    remove(pool, tips);
    BOOST_TEST(!pool.optimal()); // there was no time for all
    for (int block = 0; block < 30 && !pool.optimal(); ++block) pool.go_on();
    BOOST_TEST(pool.optimal());
}

BOOST_AUTO_TEST_CASE(with_descendants__of_a_whole_chain__costs_no_more_than_of_its_first) {
    constexpr size_t LENGTH = 60;
    constexpr size_t OUTPUTS = 3'000; // of the last
    Mempool pool({1, 2});
    Mempool::Entries chain;
    for (OutPoint from = some_point(1); chain.size() < LENGTH; from = {chain.back()->tx->txid, 0})
        chain.push_back(&pool.add(entry_of(
            spend(
                {from}, std::vector<TxOut>(
                            chain.size() + 1 < LENGTH ? 1 : OUTPUTS, TxOut{1, anyone_script()})),
            1)));
    const auto seconds = [&](const Mempool::Entries& of) {
        return processor_seconds([&] {
            for (int i = 0; i < 10; ++i) BOOST_TEST(pool.with_descendants(of).size() == LENGTH);
        });
    };
    BOOST_TEST(seconds(chain) < 10 * seconds({chain[0]}));
}

BOOST_AUTO_TEST_CASE(oldest__by_time_of_entry) {
    Mempool pool({1, 2});
    pool.add(entry_of(payment({some_point(1)}), 1, 50));
    const auto& old = pool.add(entry_of(payment({some_point(2)}), 1, 40));
    BOOST_TEST((pool.oldest() == &old));
}

BOOST_AUTO_TEST_CASE(feerate__of_a_chunk_of_prioritised_ones__is_exact) {
    const Amount most =
        int64_t{64} * 2 * cairn::consensus::MAX_MONEY.value; // fees, and as much on top
    BOOST_TEST(FeeRate::of(most, 1'000).per_kvb == most);
    BOOST_TEST(FeeRate::of(-most, 100'000).per_kvb == Amount(-most.value / 100));
}

BOOST_AUTO_TEST_CASE(file__saved_and_loaded__holds_the_same) {
    const TemporaryFolder folder;
    Mempool pool({1, 2});
    const auto& parent = pool.add(entry_of(payment({some_point(1)}), 10, 111));
    const auto& child = pool.add(entry_of(payment({{parent.tx->txid, 0}}), 90'000, 222));
    pool.prioritise(child.tx->txid, 7);
    const Txid absent = some_point(9).txid;
    pool.prioritise(absent, -3);
    save_mempool(folder.path() / "mempool.dat", to_save(pool, {child.tx->txid}));
    const std::optional<SavedMempool> saved = load_mempool(folder.path() / "mempool.dat");
    BOOST_REQUIRE(saved);
    BOOST_REQUIRE(saved->items.size() == 2u);
    BOOST_TEST((saved->items[0].tx->wtxid == parent.tx->wtxid));
    BOOST_TEST(saved->items[0].time == 111);
    BOOST_TEST(saved->items[1].priority == Amount(7));
    BOOST_TEST((saved->unbroadcast == std::set<Txid>{child.tx->txid}));
    BOOST_TEST((saved->priorities == std::map<Txid, Amount>{{absent, -3}}));
}

BOOST_AUTO_TEST_CASE(file__damaged__is_kept_beside) {
    const TemporaryFolder folder;
    const std::filesystem::path file = folder.path() / "mempool.dat";
    folder.write("mempool.dat", "garbage");
    BOOST_TEST(!load_mempool(file).has_value());
    BOOST_TEST(!std::filesystem::exists(file));
    BOOST_TEST(std::filesystem::exists(file.string() + ".bad"));
}

BOOST_AUTO_TEST_CASE(file__whose_end_is_missing__gives_what_comes_before) {
    const TemporaryFolder folder;
    const std::filesystem::path file = folder.path() / "mempool.dat";
    Mempool pool({1, 2});
    const TransactionRef first = pool.add(entry_of(payment({some_point(1)}), 20, 1)).tx;
    pool.add(entry_of(payment({some_point(2)}), 10, 2));
    pool.prioritise(some_point(3).txid, 7);
    pool.prioritise(some_point(4).txid, 8);
    for (const auto& [missing, items, priorities] :
         {std::tuple(1, 2, 2), std::tuple(40, 2, 1), std::tuple(130, 1, 0)}) {
        save_mempool(file, to_save(pool, {first->txid}));
        const auto size = std::filesystem::file_size(file);
        std::filesystem::resize_file(file, size - static_cast<uintmax_t>(missing));
        const std::optional<SavedMempool> saved = load_mempool(file);
        BOOST_REQUIRE(saved);
        BOOST_TEST(saved->damaged);
        BOOST_TEST(saved->items.size() == static_cast<size_t>(items));
        BOOST_TEST((saved->items[0].tx->wtxid == first->wtxid));
        BOOST_TEST(saved->priorities.size() == static_cast<size_t>(priorities));
        BOOST_TEST(!std::filesystem::exists(file));
        BOOST_TEST(read_mempool(file.string() + ".bad").has_value());
    }
}

/// Whoever imports one may mistake the name: a pipe would keep him, and a device never ends.
BOOST_AUTO_TEST_CASE(file__that_is_none__is_not_read) {
    const TemporaryFolder folder;
    const std::filesystem::path pipe = folder.path() / "pipe";
    BOOST_REQUIRE(mkfifo(pipe.c_str(), S_IRUSR | S_IWUSR) == 0);
    for (const std::filesystem::path& path :
         {pipe, folder.path(), std::filesystem::path("/dev/zero"), folder.path() / "absent"})
        BOOST_TEST(!read_mempool(path));
}

BOOST_AUTO_TEST_CASE(file__obfuscated_version_2__is_read) {
    const TemporaryFolder folder;
    Mempool pool({1, 2});
    const TransactionRef tx = pool.add(entry_of(payment({some_point(1)}), 10, 111)).tx;
    save_mempool(folder.path() / "plain", to_save(pool, {}));
    std::ifstream in(folder.path() / "plain", std::ios::binary);
    std::string plain((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    const std::string key = "\x11\x22\x33\x44\x55\x66\x77\x88";
    std::string hidden("\x02\0\0\0\0\0\0\0\x08", 9);
    for (const char c : key) hidden.push_back(c);
    for (const char c : plain.substr(8))
        hidden.push_back(static_cast<char>(c ^ key[hidden.size() % key.size()]));
    folder.write("hidden", hidden);
    const std::optional<SavedMempool> saved = load_mempool(folder.path() / "hidden");
    BOOST_REQUIRE(saved);
    BOOST_REQUIRE(saved->items.size() == 1u);
    BOOST_TEST((saved->items[0].tx->txid == tx->txid));
}

BOOST_AUTO_TEST_CASE(file__absent_cut_or_strange__is_nothing) {
    const TemporaryFolder folder;
    BOOST_TEST(!load_mempool(folder.path() / "absent"));
    BOOST_TEST(!load_mempool(folder.write("strange", std::string(100, '\x09'))));
    BOOST_TEST(!load_mempool(folder.write("short", "abc")));
    BOOST_TEST(!load_mempool(folder.write("hidden", std::string("\x02\0\0\0\0\0\0\0\x07", 9))));
    BOOST_TEST(!load_mempool(
        folder.write("many", std::string("\x01\0\0\0\0\0\0\0", 8) + std::string(8, '\xff'))));
}

namespace {

/// A chain that is to have `count` payments in its mempool.
struct PaidChain : TestChain {
    static constexpr Amount VALUE = cairn::consensus::COIN / 10;
    TransactionRef split;

    /// `more`: that may still be made.
    explicit PaidChain(size_t count, size_t more = 1) {
        open();
        split = make_transaction(spend(
            {mature_coins(1)[0]}, std::vector<TxOut>(count + more, TxOut{VALUE, anyone_script()})));
        BOOST_TEST(reason_of(pay(*split)).empty());
        mine();
        for (uint32_t i = 0; i < count; ++i) BOOST_REQUIRE(pay(payment(i)));
        wait_for_mempool(); // of none
    }

    Transaction payment(uint32_t i) const {
        return spend({{split->txid, i}}, {{VALUE - Amount(1'000), anyone_script()}});
    }
};

/// Stops the chain thread when the first payment has come in, until it may go on.
struct Gate : ChainObserver {
    std::promise<void> reached;
    std::promise<void> open;
    bool passed = false;

    void transaction_added(const MempoolEvent& /*event*/) override {
        if (std::exchange(passed, true)) return;
        reached.set_value();
        open.get_future().wait();
    }
};

} // namespace

BOOST_AUTO_TEST_CASE(restart__while_a_large_mempool_loads__blocks_and_payments_are_taken) {
    constexpr size_t COUNT = 350; // comes in four parts
    PaidChain test(COUNT);
    test.close();

    Gate gate;
    Chain chain(test.params(), test.options());
    chain.add_observer(gate);
    chain.start();
    gate.reached.get_future().wait();
    std::promise<bool> block_taken; // while it loads
    std::promise<bool> payment_taken;
    chain.accept_block(
        std::make_shared<const Block>(make_block(chain.view().tip(), test.params())), true,
        [&](const BlockOutcome& outcome) {
            block_taken.set_value(outcome.on_active_chain && !chain.mempool_loaded());
        });
    chain.accept_transaction(
        make_transaction(test.payment(COUNT)), {}, [&](const Result<Accepted>& result) {
            payment_taken.set_value(result && !chain.mempool_loaded());
        });
    gate.open.set_value();
    BOOST_TEST(block_taken.get_future().get());
    BOOST_TEST(payment_taken.get_future().get());
    while (!chain.mempool_loaded()) {
        std::promise<void> done;
        chain.after_all([&] { done.set_value(); });
        done.get_future().wait();
    }
    BOOST_TEST(chain.mempool()->size() == COUNT + 1);
}

BOOST_AUTO_TEST_CASE(file__slow_to_read__blocks_are_taken_meanwhile) {
    PaidChain test(2);
    test.close();
    const std::filesystem::path file = test.directory() / "mempool.dat";
    const auto saved = read_mempool(file);
    BOOST_REQUIRE(saved);
    std::filesystem::remove(file);
    BOOST_REQUIRE(mkfifo(file.c_str(), S_IRUSR | S_IWUSR) == 0);
    test.open();
    BOOST_TEST(reason_of(test.submit(make_branch(test, test.tip(), 1, 0)[0]).verdict).empty());
    BOOST_TEST(!test.chain().mempool_loaded());
    save_mempool(test.directory() / "other.dat", *saved);
    std::ifstream from(test.directory() / "other.dat", std::ios::binary);
    std::ofstream(file, std::ios::binary) << from.rdbuf();
    test.wait_for_mempool();
    BOOST_TEST(test.chain().mempool()->size() == 2u);
}

BOOST_AUTO_TEST_CASE(file__saved__without_the_chain_thread) {
    PaidChain test(2, 1);
    Gate gate;
    test.chain().add_observer(gate);
    test.chain().accept_transaction(make_transaction(test.payment(2)), {}, [](const auto&) {});
    gate.reached.get_future().wait();
    const auto path = test.chain().save_mempool({}); // while that stands still
    gate.open.set_value();
    BOOST_REQUIRE(path);
    BOOST_TEST(read_mempool(*path)->items.size() == 3u);
    test.wait();
    test.chain().remove_observer(gate);
}

BOOST_AUTO_TEST_CASE(younger_than__slice_after_slice__each_once_whatever_leaves) {
    Mempool pool({1, 2});
    std::vector<const MempoolEntry*> entries;
    for (uint8_t i = 1; i <= 5; ++i)
        entries.push_back(&pool.add(entry_of(payment({some_point(i)}), 10, i < 4 ? 111 : 100)));
    const auto times = [](const Mempool::Entries& slice) {
        std::string text;
        for (const MempoolEntry* entry : slice)
            text += std::to_string(entry->time) + "/" + std::to_string(entry->sequence) + " ";
        return text;
    };
    BOOST_TEST(times(pool.younger_than(nullptr, 3)) == "100/5 100/6 111/2 ");
    const MempoolEntry last = *entries[0];
    remove(pool, {entries[0]});
    BOOST_TEST(times(pool.younger_than(&last, 3)) == "111/3 111/4 ");
    BOOST_TEST(pool.younger_than(entries[2], 3).empty());
}

/// What a block confirms needn't be standard: if the new branch confirms it too, nobody asks again.
BOOST_AUTO_TEST_CASE(reorganisation__nonstandard_on_both_sides__what_spends_it_waits_on) {
    TestChain test;
    test.open();
    const OutPoint coin = test.mature_coins(1)[0];
    const TxOut dust{1, anyone_script()};
    const TxOut paid{coin_value(test.params(), 10'000), anyone_script()};
    const TransactionRef parent = make_transaction(spend({coin}, {paid, dust, dust}));
    const BlockNode& fork = test.tip();
    const auto both = {parent};
    BOOST_REQUIRE(test.submit(make_branch(test, fork, 1, 1, both)[0]).on_active_chain);
    const TxOut rest{coin_value(test.params(), 20'000), anyone_script()};
    const TransactionRef child = make_transaction(spend({{parent->txid, 0}}, {rest}));
    BOOST_REQUIRE(test.pay(*child));
    const std::vector<BlockRef> rival = make_branch(test, fork, 2, 2, both);
    for (const BlockRef& block : rival) test.submit(block);
    BOOST_REQUIRE((test.tip().hash == rival.back()->header.hash()));
    BOOST_TEST((test.chain().mempool()->find(child->txid) != nullptr));
    // If it is confirmed no more, nothing makes it standard.
    BOOST_REQUIRE(test.invalidate(*test.chain().find_block(rival.front()->header.hash())));
    BOOST_REQUIRE(test.invalidate(test.tip()));
    BOOST_TEST(test.chain().mempool()->size() == 0u);
}

/// A block on the tip of about a megabyte, most of it the coinbase's.
BlockRef large_block(TestChain& test, const Transaction& payment) {
    constexpr size_t BYTES = 900'000;
    Block block = make_block(test.tip(), test.params(), {make_transaction(payment)});
    Transaction coinbase = block.transactions[0];
    coinbase.outputs.push_back({0, Script(Bytes(BYTES, uint8_t{cairn::consensus::OP_RETURN}))});
    block.transactions[0] = cairn::consensus::SealedTransaction(std::move(coinbase));
    return finish(std::move(block));
}

BOOST_AUTO_TEST_CASE(reorganisation__of_more_than_20_mb__payments_of_the_lowest_blocks_come_back) {
    constexpr size_t LIMIT = 20'000'000;
    constexpr int COUNT = 25;
    constexpr Amount FEE = 10'000;
    TestChain test;
    test.open();
    const std::vector<OutPoint> coins = test.mature_coins(COUNT);
    std::vector<Transaction> payments;
    std::vector<Transaction> children;
    payments.reserve(COUNT);
    children.reserve(COUNT);
    const BlockNode& fork = test.tip();
    size_t bytes = 0;
    int fit = 0; // of the blocks, from the lowest on
    for (int i = 0; i < COUNT; ++i) {
        const TxOut paid{coin_value(test.params(), FEE), anyone_script()};
        payments.push_back(spend({coins[size_t(i)]}, {paid}));
        const BlockRef block = large_block(test, payments.back());
        BOOST_REQUIRE(test.submit(block).on_active_chain);
        for (const auto& tx : block->transactions) bytes += tx.size_bytes;
        if (bytes <= LIMIT) ++fit;
        const TxOut rest{coin_value(test.params(), FEE + FEE), anyone_script()};
        children.push_back(spend({{make_transaction(payments.back())->txid, 0}}, {rest}));
        BOOST_REQUIRE(test.pay(children.back()));
    }
    BOOST_REQUIRE(fit < COUNT);
    BOOST_REQUIRE(test.invalidate(*test.tip().ancestor_node(fork.height + Height(1))));
    BOOST_TEST((&test.tip() == &fork));
    const MempoolReader pool = test.chain().mempool();
    for (int i = 0; i < COUNT; ++i) { // what depends on the rest goes with it
        BOOST_TEST(
            (pool->find(make_transaction(payments[size_t(i)])->txid) != nullptr) == (i < fit));
        BOOST_TEST(
            (pool->find(make_transaction(children[size_t(i)])->txid) != nullptr) == (i < fit));
    }
}

BOOST_AUTO_TEST_SUITE_END()
