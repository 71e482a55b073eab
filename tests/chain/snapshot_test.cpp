// SPDX-License-Identifier: MIT
// Coin sets as files: written at a block, loaded by a node that has but the headers, validated
// behind its tip, and given up if they are wrong.
#include "chain/snapshot.h"
#include "tests/chain/fixture.h"

#include <boost/test/unit_test.hpp>

#include <fstream>

using namespace cairn::tests;

namespace {

constexpr int BASE = 30;
constexpr int TIP = 40;

std::string content(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

/// A chain with payments, and the snapshot of its block BASE.
class Origin {
public:
    Origin() {
        chain.open();
        for (const OutPoint& coin : chain.mature_coins(8)) {
            const Amount half = coin_value(chain.params(), 1000).value / 2;
            const Transaction tx =
                spend({coin}, {{half, anyone_script()}, {half, anyone_script()}});
            BOOST_REQUIRE(chain.pay(tx));
            chain.mine();
        }
        while (chain.tip().height < Height(BASE)) chain.mine();
        dump(BASE);
        chain.mine(TIP - BASE);
    }

    SnapshotSummary dump(int height) {
        std::promise<CoinScan> scan;
        chain.chain().scan_coins([&](const CoinScan& made) { scan.set_value(made); });
        FileReplacement out(file);
        const auto summary = write_snapshot(
            chain.chain(), scan.get_future().get(), *chain.chain().view().at(height), out, stop);
        BOOST_REQUIRE(summary);
        out.commit();
        return *summary;
    }

    /// The same chain with an entry for the snapshot.
    Params params_for(const Hash256& hash) {
        Params params = chain.params();
        const BlockNode& base = *chain.chain().view().at(BASE);
        params.snapshots.push_back({base.height, base.hash, hash, base.chain_tx_count});
        return params;
    }

    BlockRef block(int height) {
        return chain.chain().read_block(*chain.chain().view().at(height));
    }

    TestChain chain;
    const std::atomic<bool> stop{false};
    std::filesystem::path file = chain.directory() / "utxo.dat";
};

/// A node that loads what Origin has written.
struct Loader : TestChain {
    Loader(Origin& from, Params params) : TestChain(std::move(params)), origin(from) { open(); }

    void give(int first, int last) {
        for (int i = first; i <= last; ++i) submit(origin.block(i));
    }

    void give_headers() {
        std::vector<BlockHeader> headers;
        for (int i = 1; i <= TIP; ++i) headers.push_back(origin.block(i)->header);
        submit_headers(headers);
    }

    std::string load() {
        const auto loaded = chain().load_snapshot(origin.file, origin.stop);
        return loaded ? "" : std::string(loaded.error().reason) + ": " + loaded.error().detail;
    }

    void wait_until_validated() {
        while (chain().assumed()) wait();
    }

    /// As it does if the snapshot was wrong.
    void wait_until_stopped() {
        try {
            for (;;) wait();
        } catch (const std::future_error&) {
        }
        close();
        BOOST_TEST(failure().starts_with("the snapshot that was loaded is not what"), failure());
    }

    Origin& origin;
};

} // namespace

BOOST_AUTO_TEST_SUITE(snapshot)

BOOST_AUTO_TEST_CASE(load__coins_of_the_chain_file__usable_at_once_and_validated_later) {
    Origin origin;
    Loader node(origin, origin.params_for(origin.dump(BASE).hash));
    node.give_headers();
    node.give(1, 5);
    BOOST_TEST(node.load() == "");
    BOOST_TEST(node.tip().height == Height(BASE));
    node.give(BASE + 1, TIP);
    BOOST_TEST(node.tip().height == Height(TIP));
    BOOST_TEST((node.chain().assumed()->validated->height == Height(5)));
    node.give(6, BASE);
    node.wait_until_validated();
    node.wait_for_indexes();
    for (int i = 1; i <= TIP; ++i) {
        const BlockNode& at = *node.chain().view().at(i);
        const BlockNode& there = *origin.chain.chain().view().at(i);
        const BlockRef block = origin.chain.chain().read_block(there);
        BOOST_TEST(
            (node.chain().read_undo(at, *block) == origin.chain.chain().read_undo(there, *block)));
        BOOST_TEST(
            (node.chain().indexes().filter(at)->header ==
             origin.chain.chain().indexes().filter(there)->header));
        BOOST_TEST(at.chain_tx_count.load() == there.chain_tx_count.load());
    }
    node.close();
    origin.chain.close();
    BOOST_TEST(
        (coins_hash(node.directory(), node.params()) ==
         coins_hash(origin.chain.directory(), origin.chain.params())));
}

BOOST_AUTO_TEST_CASE(load__indexes_that_were_at_the_tip__say_that_they_are_behind) {
    Origin origin;
    Loader node(origin, origin.params_for(origin.dump(BASE).hash));
    const auto synced = [&] { return node.chain().indexes().status(IndexId::Filters).synced; };
    node.wait_for_indexes();
    BOOST_TEST(synced()); // nobody has told of a header
    node.give_headers();
    node.give(1, 5);
    BOOST_TEST(node.load() == "");
    node.give(BASE + 1, TIP);
    BOOST_TEST(!synced());
    BOOST_TEST(!node.chain().indexes().filter(node.tip())); // and doesn't wait for the history
    node.give(6, BASE);
    node.wait_until_validated();
    node.wait_for_indexes();
    BOOST_TEST(synced());
    BOOST_TEST(!!node.chain().indexes().filter(node.tip()));
}

BOOST_AUTO_TEST_CASE(load__headers_of_too_little_work_to_be_kept__base_is_there_after_a_restart) {
    Origin origin;
    Loader node(origin, origin.params_for(origin.dump(BASE).hash));
    node.close();
    node.options().minimum_chain_work = cairn::consensus::Uint256(1) << 200;
    node.open();
    node.give_headers();
    BOOST_TEST(node.load() == "");
    node.close();
    node.open();
    BOOST_TEST(node.tip().height == Height(BASE));
    node.close();
}

BOOST_AUTO_TEST_CASE(history__restarts_on_its_way__goes_on_where_it_was) {
    Origin origin;
    Loader node(origin, origin.params_for(origin.dump(BASE).hash));
    node.give_headers();
    BOOST_TEST(node.load() == "");
    for (int i = 1; i < BASE; i += 3) {
        node.close();
        node.open();
        BOOST_TEST(node.tip().height == Height(BASE));
        BOOST_TEST((node.chain().assumed()->validated->height < Height(i)));
        node.give(i, std::min(i + 2, BASE));
    }
    node.wait_until_validated();
    node.close();
    node.open();
    BOOST_TEST(!node.chain().assumed());
    node.give(BASE + 1, TIP);
    BOOST_TEST(node.tip().height == Height(TIP));
}

BOOST_AUTO_TEST_CASE(history__began_on_another_branch__goes_back_to_the_fork) {
    Origin origin;
    Loader node(origin, origin.params_for(origin.dump(BASE).hash));
    node.give(1, 5);
    node.mine(10);
    node.give_headers();
    BOOST_TEST(node.load() == "");
    node.give(6, TIP);
    node.wait_until_validated();
    BOOST_TEST(node.tip().height == Height(TIP));
}

BOOST_AUTO_TEST_CASE(history__leads_to_other_coins__node_stops_and_goes_on_without) {
    Origin origin;
    std::fstream(origin.file, std::ios::in | std::ios::out | std::ios::binary)
            .seekp(-1, std::ios::end)
        << '\x77'; // in the last coin's script
    std::string hash;
    {
        Loader first(origin, origin.params_for({}));
        first.give_headers();
        hash = first.load().substr(first.load().rfind(' ') + 1, 64);
    }
    Loader node(origin, origin.params_for(*cairn::consensus::hash_from_string(hash)));
    node.give_headers();
    BOOST_TEST(node.load() == "");
    node.give(BASE + 1, TIP);
    for (int i = 1; i <= BASE; ++i)
        node.chain().accept_block(origin.block(i), true, [](const BlockOutcome&) {});
    node.wait_until_stopped();
    node.open();
    node.give(BASE, TIP); // the last may have been lost with the stop
    BOOST_TEST(node.tip().height == Height(TIP));
    BOOST_TEST(!node.chain().assumed());
    node.close();
    origin.chain.close();
    BOOST_TEST(
        (coins_hash(node.directory(), node.params()) ==
         coins_hash(origin.chain.directory(), origin.chain.params())));
}

BOOST_AUTO_TEST_CASE(history__a_block_breaks_a_rule__node_stops_and_goes_on_before_it) {
    Origin origin;
    const Hash256 hash = origin.dump(3).hash;
    std::vector<BlockRef> blocks;
    std::vector<std::unique_ptr<cairn::consensus::HeaderNode>> nodes;
    std::vector<BlockHeader> headers;
    const BlockNode& genesis = *origin.chain.chain().view().at(0);
    for (uint32_t i = 0; i < 5; ++i) {
        const auto& parent =
            i == 0 ? static_cast<const cairn::consensus::HeaderNode&>(genesis) : *nodes.back();
        std::vector<TransactionRef> transactions;
        if (i == 2) // an output out of nothing
            transactions.push_back(cairn::consensus::make_transaction(
                spend({{Txid(parent.hash), 0}}, {{1, anyone_script()}})));
        blocks.push_back(
            std::make_shared<const Block>(make_block(parent, origin.chain.params(), transactions)));
        headers.push_back(blocks.back()->header);
        nodes.push_back(std::make_unique<cairn::consensus::HeaderNode>(
            headers.back(), headers.back().hash(), &parent));
    }
    const BlockHash base = nodes.back()->hash;
    std::fstream file(origin.file, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(11).write(reinterpret_cast<const char*>(base.bytes.data()), 32);
    file.close();
    Params params = origin.chain.params();
    params.snapshots.push_back({5, base, hash, 7});
    Loader node(origin, params);
    node.submit_headers(headers);
    BOOST_TEST(node.load() == "");
    for (const BlockRef& block : blocks)
        node.chain().accept_block(block, true, [](const BlockOutcome&) {});
    node.wait_until_stopped();
    node.open();
    BOOST_TEST((node.tip().hash == nodes[1]->hash));
    node.give(1, TIP);
    BOOST_TEST(node.tip().height == Height(TIP));
}

BOOST_AUTO_TEST_CASE(history__a_block_below_the_snapshot__cannot_be_invalidated) {
    Origin origin;
    Loader node(origin, origin.params_for(origin.dump(BASE).hash));
    node.give_headers();
    BOOST_TEST(node.load() == "");
    BOOST_TEST(
        reason_of(node.invalidate(*node.chain().view().at(BASE))) ==
        "a snapshot on the block is not validated yet");
}

BOOST_AUTO_TEST_CASE(load__not_to_be__says_why) {
    Origin origin;
    const Hash256 hash = origin.dump(BASE).hash;
    {
        Loader unknown(origin, origin.chain.params());
        BOOST_TEST(unknown.load().starts_with("snapshot-refused: assumeutxo block hash"));
    }
    Loader node(origin, origin.params_for(hash));
    BOOST_TEST(node.load().find("must appear in the headers chain") != std::string::npos);
    node.give_headers();
    const std::string good = content(origin.file);
    const auto load = [&](const std::string& bytes) {
        std::ofstream(origin.file, std::ios::binary) << bytes;
        return node.load();
    };
    std::string bad = good;
    bad[0] = 'U';
    BOOST_TEST(load(bad).starts_with("snapshot-metadata: Invalid UTXO set snapshot magic bytes."));
    bad = good;
    bad[5] = 3;
    BOOST_TEST(load(bad).starts_with("snapshot-metadata: Version of snapshot 3 does not match"));
    bad = good;
    bad[7] = 0;
    BOOST_TEST(load(bad).starts_with("snapshot-metadata: The network of the snapshot"));
    BOOST_TEST(
        load(good.substr(0, good.size() - 1)).find("Bad snapshot format or truncated snapshot") !=
        std::string::npos);
    BOOST_TEST(load(good + "x").find("coins left over") != std::string::npos);
    bad = good;
    bad[51 + 32] = '\xfc'; // more coins of a transaction than of all
    BOOST_TEST(load(bad).find("Mismatch in coins count") != std::string::npos);
    bad = good;
    bad.back() = static_cast<char>(bad.back() + 1);
    BOOST_TEST(load(bad).find("Bad snapshot content hash") != std::string::npos);
    std::filesystem::remove(origin.file);
    BOOST_TEST(node.load() == "snapshot-unreadable: ");
    BOOST_TEST(load(good) == "");
    BOOST_TEST(node.load().find("more than once") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(load__refused__leaves_no_coins_on_disk) {
    Origin origin;
    Loader node(origin, origin.params_for(origin.dump(BASE).hash));
    node.close();
    node.options().cache_bytes = 80'000; // so that coins are written before all are read
    node.open();
    node.give_headers();
    const TemporaryFolder folder;
    Store store({folder.path()}, node.params());
    const auto read = [&](const std::string& bytes) {
        std::ofstream(origin.file, std::ios::binary) << bytes;
        return reason_of(read_snapshot(node.chain(), store, origin.file, origin.stop));
    };
    const std::string good = content(origin.file);
    std::string other = good;
    other.back() = static_cast<char>(other.back() + 1);
    BOOST_TEST(read(good) == "");
    BOOST_TEST((store.tip(CoinSet::Other)->height == Height(BASE)));
    for (const std::string& bad : {good + "x", good.substr(0, good.size() - 1), other}) {
        BOOST_TEST(read(bad) == "snapshot-refused");
        BOOST_TEST(!store.tip(CoinSet::Other));
        BOOST_TEST(!store.coins(CoinSet::Other).next());
    }
}

BOOST_AUTO_TEST_CASE(history__counts_other_transactions_than_the_chain_file__corrects_it) {
    Origin origin;
    Params params = origin.params_for(origin.dump(BASE).hash);
    params.snapshots.back().chain_tx_count += 7;
    Loader node(origin, params);
    node.give_headers();
    BOOST_TEST(node.load() == "");
    node.give(BASE + 1, TIP);
    node.give(1, BASE);
    node.wait_until_validated();
    for (int i = 1; i <= TIP; ++i)
        BOOST_TEST(
            node.chain().view().at(i)->chain_tx_count.load() ==
            origin.chain.chain().view().at(i)->chain_tx_count.load());
}

BOOST_AUTO_TEST_CASE(write__of_an_earlier_block__same_file_as_at_that_block) {
    Origin origin;
    const std::string then = content(origin.file);
    origin.dump(BASE);
    BOOST_TEST((content(origin.file) == then));
    origin.dump(TIP);
    BOOST_TEST((content(origin.file) != then));
}

BOOST_AUTO_TEST_CASE(write__blocks_between_are_pruned__refused) {
    TestChain test;
    test.options().prune_bytes = 0;
    test.open();
    test.mine(Chain::KEPT_BLOCKS + 20);
    test.prune(10);
    std::promise<CoinScan> scan;
    test.chain().scan_coins([&](const CoinScan& made) { scan.set_value(made); });
    const std::atomic<bool> stop{false};
    FileReplacement out(test.directory() / "utxo.dat");
    const auto written = write_snapshot(
        test.chain(), scan.get_future().get(), *test.chain().view().at(5), out, stop);
    BOOST_TEST(reason_of(written) == "snapshot-pruned");
}

BOOST_AUTO_TEST_SUITE_END()
