// SPDX-License-Identifier: MIT
// What indexes tell of a small chain, and how they are built: later, in parts, over
// reorganisations. (storm_test.cpp and crash_test.cpp compare all they hold with a rebuild.)
#include "chain/coin_statistics.h"
#include "tests/chain/fixture.h"
#include "tests/chain/setting.h"

#include <random>

using namespace cairn::tests;

namespace {

/// A script that is only this payment's.
Script script_of(uint8_t number) {
    Script script;
    cairn::consensus::push_opcode(script, cairn::consensus::OP_0);
    cairn::consensus::push_data(script, cairn::consensus::sha256({&number, 1}).bytes);
    return script;
}

struct Indexed : TestChain {
    Indexed() {
        keep_all_indexes(options());
        open();
        wait_for_indexes();
    }

    const Indexer& indexes() { return chain().indexes(); }

    /// Pay to `script` from a coin that is mature, and mine it.
    TransactionRef pay_and_mine(const OutPoint& coin, const Script& script) {
        const Amount value = chain().find_coin(coin, false)->out.value;
        const Transaction tx =
            spend({coin}, {{1'000, script}, {value - Amount(2'000), anyone_script()}});
        const auto accepted = pay(tx);
        BOOST_REQUIRE_MESSAGE(accepted, reason_of(accepted));
        mine();
        return cairn::consensus::make_transaction(tx);
    }

    /// Latest first.
    std::vector<Indexer::AddressEntry>
    history(const Script& script, size_t skip = 0, size_t count = SIZE_MAX) {
        const BlockNode* at = nullptr;
        BOOST_REQUIRE(indexes().catch_up(IndexId::Addresses));
        auto entries = indexes().address_history(script, skip, count, at);
        BOOST_TEST(at == &tip());
        return entries;
    }
};

std::vector<BlockRef> blocks_of(TestChain& test) {
    std::vector<BlockRef> blocks;
    for (Height at = 1; at <= test.tip().height; ++at)
        blocks.push_back(test.chain().read_block(*test.chain().view().at(at)));
    return blocks;
}

/// Blocks with payments; returns them.
std::vector<BlockRef> fill(TestChain& test, int blocks) {
    for (const OutPoint& coin : test.mature_coins(blocks)) {
        test.pay(spend({coin}, {{1'000'000, anyone_script()}, {2'000'000, script_of(1)}}));
        test.mine();
    }
    return blocks_of(test);
}

} // namespace

BOOST_AUTO_TEST_SUITE(indexer)

BOOST_AUTO_TEST_CASE(transactions__in_a_block__are_found_with_what_spent_them) {
    Indexed test;
    const OutPoint coin = test.mature_coins(1)[0];
    const TransactionRef tx = test.pay_and_mine(coin, script_of(1));
    BOOST_TEST(test.indexes().catch_up(IndexId::Transactions));
    BOOST_TEST(test.indexes().find_transaction(tx->txid) == &test.tip());
    BOOST_TEST(!test.indexes().find_transaction(Txid()));
    BOOST_TEST(test.indexes().catch_up(IndexId::Spenders));
    const auto spent = test.indexes().find_spender(coin);
    BOOST_REQUIRE(spent);
    BOOST_TEST((spent->spender == tx->txid && spent->node == &test.tip()));
    BOOST_TEST(!test.indexes().find_spender({tx->txid, 0}));
}

BOOST_AUTO_TEST_CASE(address__receives_and_spends__each_transaction_is_told_once) {
    Indexed test;
    const OutPoint coin = test.mature_coins(1)[0];
    const TransactionRef first = test.pay_and_mine(coin, script_of(1));
    const TransactionRef second = test.pay_and_mine({first->txid, 1}, script_of(1));
    BOOST_TEST(test.history(script_of(2)).empty());
    const auto entries = test.history(script_of(1));
    BOOST_REQUIRE(entries.size() == 2u);
    BOOST_TEST((entries[1].record.txid == first->txid));
    BOOST_TEST(entries[1].record.received[0].value == Amount(1'000));
    BOOST_TEST((entries[0].record.txid == second->txid && entries[0].node == &test.tip()));
    BOOST_TEST((test.history(script_of(1), 1, 5).at(0).record.txid == first->txid));
    BOOST_TEST((test.history(script_of(1), 0, 1).at(0).record.txid == second->txid));
    BOOST_TEST(test.history(script_of(1), 2, 5).empty());
    bool spends = false;
    for (const auto& entry : test.history(anyone_script()))
        if (entry.record.txid == second->txid)
            spends = entry.record.spent.at(0).point == OutPoint{first->txid, 1} &&
                     entry.record.spent[0].value == coin_value(test.params()) - Amount(2'000);
    BOOST_TEST(spends);
}

BOOST_AUTO_TEST_CASE(address_coins__after_payments__are_those_that_are_there) {
    Indexed test;
    for (const OutPoint& coin : test.mature_coins(20)) test.pay_and_mine(coin, script_of(1));
    const Script script = anyone_script();
    BOOST_REQUIRE(test.indexes().catch_up(IndexId::Addresses));
    const Indexer::AddressCoins coins = test.indexes().address_coins(script);
    BOOST_TEST(coins.tip == &test.tip());
    size_t there = 0;
    Amount received;
    for (const auto& entry : test.history(script))
        for (const auto& output : entry.record.received) {
            const OutPoint point{entry.record.txid, output.index};
            received += output.value;
            const auto coin = test.chain().find_coin(point, false);
            const auto told = coins.unspent.find(point);
            BOOST_REQUIRE((told != coins.unspent.end()) == coin.has_value());
            if (!coin) continue;
            ++there;
            BOOST_TEST(told->second.value == coin->out.value);
            BOOST_TEST(told->second.height == coin->height);
            BOOST_TEST(told->second.coinbase == coin->coinbase);
        }
    BOOST_TEST((there > 20u && there == coins.unspent.size()));
    const Indexer::AddressTotals totals = test.indexes().address_totals(script);
    Amount balance;
    for (const auto& [point, made] : coins.unspent) balance += made.value;
    BOOST_TEST(totals.tip == &test.tip());
    BOOST_TEST(totals.balance == balance);
    BOOST_TEST(totals.received == received);
    BOOST_TEST(static_cast<size_t>(totals.unspent) == coins.unspent.size());
    BOOST_TEST(static_cast<size_t>(totals.transactions) == test.history(script).size());
}

BOOST_AUTO_TEST_CASE(block_taken_off__until_another_comes__is_told_of_but_not_of_an_address) {
    Indexed test;
    const OutPoint coin = test.mature_coins(1)[0];
    const TransactionRef tx = test.pay_and_mine(coin, script_of(1));
    const BlockNode& stale = test.tip();
    BOOST_TEST(test.indexes().catch_up(IndexId::Transactions));
    test.invalidate(stale);
    BOOST_TEST(test.indexes().catch_up(IndexId::Transactions));
    BOOST_TEST(test.indexes().find_transaction(tx->txid) == &stale);
    BOOST_TEST(test.history(script_of(1)).empty());
    const BlockRef other = finish(make_block(test.tip(), test.params(), {}, 0, 7));
    BOOST_TEST(test.submit(other).on_active_chain);
    BOOST_TEST(test.indexes().catch_up(IndexId::Transactions));
    BOOST_TEST(!test.indexes().find_transaction(tx->txid));
    BOOST_TEST(!test.indexes().find_spender(coin));
    BOOST_TEST(test.indexes().coins(stale).has_value()); // records of blocks stay
    BOOST_TEST(test.indexes().filter(stale).has_value());
}

BOOST_AUTO_TEST_CASE(
    coin_statistics__premine__is_no_subsidy_and_records_that_say_so_are_made_anew) {
    Params params = test_params();
    params.genesis_spendable = true;
    params.subsidy = Amount(7);
    TestChain test(params);
    keep_all_indexes(test.options());
    const auto unspendable = [&] {
        test.open();
        test.wait_for_indexes();
        const BlockCoins sums = test.chain().indexes().coins(test.tip()).value();
        BOOST_TEST(sums.unclaimed == Amount(0));
        return sums.unspendable;
    };
    test.open();
    test.mine(3);
    test.close();
    BOOST_TEST(unspendable() == Amount(0));
    test.close();
    {
        Store store({test.directory() / "chainstate"}, test.params());
        std::vector<std::pair<Bytes, Bytes>> rows;
        store.visit(Column::CoinStatistics, {}, [&](ByteView key, ByteView value) {
            if (key.size() == 36)
                rows.emplace_back(Bytes(key.begin(), key.end()), Bytes(value.begin(), value.end()));
            return true;
        });
        BOOST_TEST(rows.size() == 4u);
        StoreBatch batch;
        for (const auto& [key, value] : rows) { // as if each had lost five coins
            BlockCoins sums = cairn::consensus::decode<BlockCoins>(value).value();
            sums.unspendable += Amount(5);
            store.put(batch, Column::CoinStatistics, key, cairn::consensus::encode(sums));
        }
        store.write(batch, Durability::Logged);
    }
    BOOST_TEST(unspendable() == Amount(0));
}

BOOST_AUTO_TEST_CASE(filter_hash__kept_or_in_an_index_of_older_times__is_that_of_the_filter) {
    Indexed test;
    const auto check = [&] {
        for (Height at = 0; at <= test.tip().height; ++at) {
            const BlockNode& node = *test.tip().ancestor_node(at);
            const Bytes filter = test.indexes().filter(node).value().filter;
            BOOST_TEST((test.indexes().filter_hash(node) == cairn::consensus::sha256d(filter)));
        }
    };
    test.mine(3);
    test.wait_for_indexes();
    check();
    test.close();
    {
        Store store({test.directory() / "chainstate"}, test.params());
        StoreBatch batch;
        size_t kept = 0;
        store.visit(Column::Filters, cairn::consensus::as_bytes("h"), [&](ByteView key, ByteView) {
            store.erase(batch, Column::Filters, key);
            return ++kept < 10;
        });
        BOOST_TEST(kept == 4u);
        store.write(batch, Durability::Logged);
    }
    test.open();
    check();
}

BOOST_AUTO_TEST_CASE(coin_statistics__after_each_block__are_those_of_all_coins) {
    Indexed test;
    const OutPoint coin = test.mature_coins(1)[0];
    Script burnt;
    cairn::consensus::push_opcode(burnt, cairn::consensus::OP_RETURN);
    const Amount value = coin_value(test.params());
    const TransactionRef tx = cairn::consensus::make_transaction(
        spend({coin}, {{value - Amount(1'000), anyone_script()}, {300, burnt}}));
    // The coinbase takes 200 of the 700 that it may have beside the subsidy.
    BOOST_TEST(
        test.submit(finish(make_block(test.tip(), test.params(), {tx}, 200))).on_active_chain);
    const auto sums = test.indexes().coins(test.tip());
    BOOST_REQUIRE(sums);
    BOOST_TEST(sums->spent == value);
    BOOST_TEST(sums->made == value - Amount(1'000));
    BOOST_TEST(sums->coinbase == value + Amount(200));
    BOOST_TEST(sums->scripts == Amount(300));
    BOOST_TEST(sums->unclaimed == Amount(500));
    BOOST_TEST(sums->unspendable == value + Amount(800)); // genesis, too
    test.close();
    const Store store({test.directory() / "chainstate"}, test.params());
    CoinStatistics all(CoinHash::MuHash);
    CoinCursor coins = store.coins();
    while (const auto next = coins.next()) all.add(next->first, next->second);
    BOOST_TEST(sums->coins == all.coins);
    BOOST_TEST(sums->bogo_size == all.bogo_size);
    BOOST_TEST(sums->total == all.total);
    BOOST_TEST((cairn::consensus::MuHash(sums->set).digest() == *all.hash()));
}

BOOST_AUTO_TEST_CASE(switched_on_later__interrupted_at_any_moment__is_what_a_build_at_once_makes) {
    const uint64_t seed = setting("CAIRN_STORM_SEED", std::random_device()());
    BOOST_TEST_MESSAGE("seed " << seed);
    std::mt19937_64 random(seed);
    TestChain test;
    test.options().block_filters = false;
    test.open();
    const std::vector<BlockRef> blocks = fill(test, 100);
    test.close();
    for (int round = 0; round < 20; ++round) {
        for (const IndexRow& row : index_table()) test.options().*row.option = random() % 2 == 0;
        test.options().cache_bytes = random() % 2 == 0 ? 8 << 10 : 64 << 20; // by batches or tables
        test.open();
        const auto built = [&] {
            uint64_t sum = 0;
            for (const Indexer::Status& index : test.chain().indexes().status())
                sum += static_cast<uint64_t>(index.height().value);
            return sum;
        };
        const uint64_t all = test.chain().indexes().status().size() * blocks.size();
        const uint64_t goal = random() % (all + 1);
        while (built() < goal) std::this_thread::yield();
        test.close();
    }
    keep_all_indexes(test.options());
    test.open();
    test.wait_for_indexes();
    test.close();
    Indexed at_once;
    for (const BlockRef& block : blocks) at_once.submit(block);
    at_once.wait_for_indexes();
    at_once.close();
    const IndexRows rows = index_rows(test.directory(), test.params(), blocks);
    const IndexRows expected = index_rows(at_once.directory(), at_once.params(), blocks);
    for (const IndexRow& row : index_table()) {
        const std::string name(row.name);
        BOOST_TEST((rows.at(name) == expected.at(name)), name);
    }
}

BOOST_AUTO_TEST_CASE(pruned__beyond_an_index_that_was_off__is_refused_and_no_other) {
    TestChain test;
    test.options().prune_bytes = 0;
    test.open();
    test.mine(300);
    test.wait_for_indexes();
    test.close();
    test.options().block_filters = false;
    test.open();
    test.mine(5);
    BOOST_TEST(test.prune(200) == Height(18));
    test.close();
    test.options().block_filters = true;
    test.open(); // it is at 300
    test.wait_for_indexes();
    test.close();
    test.options().coin_statistics_index = true;
    BOOST_CHECK_EXCEPTION(test.open(), StorageError, [](const StorageError& error) {
        return std::string_view(error.what())
            .starts_with("coinstatsindex best block of the index goes beyond pruned data");
    });
    test.options().reindex = true;
    test.open(); // what is left of the blocks waits for those before
    BOOST_TEST(test.tip().height == Height(0));
}

BOOST_AUTO_TEST_SUITE_END()
