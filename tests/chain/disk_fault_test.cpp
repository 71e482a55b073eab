// SPDX-License-Identifier: MIT
// Power cuts, full disks, failing reads and flipped bits at random moments: the node says so, and
// what it finds at its next start is a chain that it had, with the coins of that chain. The
// environment may ask for more than the usual rounds (CAIRN_DISK_ROUNDS) and for the faults of a
// seed that was printed (CAIRN_DISK_SEED).
#include "chain/header_tree.h"
#include "tests/chain/faulty_disk.h"
#include "tests/chain/fixture.h"
#include "tests/chain/setting.h"

using namespace cairn::tests;
using Fault = FaultyDisk::Fault;

namespace {

constexpr int SYNC_LENGTH = 300;   ///< Of the branch that is caught up with, in bulk.
constexpr size_t OLD_BLOCKS = 100; ///< The coins of those are on disk only.

/// A node on a faulty disk, and what it told of.
class Sufferer {
public:
    explicit Sufferer(uint64_t seed)
        : random_(seed),
          disk_(std::make_shared<FaultyDisk>(test_.directory() / "chainstate", seed)),
          env_(rocksdb::NewCompositeEnv(disk_)) {
        test_.options().env = env_.get();
        test_.options().cache_bytes = 150'000; // flushes in between
        const cairn::consensus::HeaderNode* at = nullptr;
        for (int i = 0; i <= SYNC_LENGTH; ++i) {
            std::vector<TransactionRef> payments;
            if (branch_.size() > OLD_BLOCKS)
                payments.push_back(split_coinbase(*branch_[branch_.size() - OLD_BLOCKS]));
            const Block block =
                i == 0 ? test_.params().genesis : make_block(*at, test_.params(), payments);
            branch_.push_back(std::make_shared<const Block>(block));
            nodes_.push_back(std::make_unique<cairn::consensus::HeaderNode>(
                block.header, block.header.hash(), at));
            at = nodes_.back().get();
        }
    }

    /// Work until `fault` strikes, or for a while. Returns what the node said before it stopped.
    std::string suffer(Fault fault) {
        // Reads are fewer: what is new is in memory.
        disk_->schedule(fault, 1 + random_() % (fault < Fault::FailedRead ? 600 : 200));
        try {
            test_.open();
            work();
        } catch (const StorageError& error) {
            test_.close();
            return error.what();
        } catch (const std::future_error&) {
            // the chain has stopped, and dropped what it was asked
        }
        test_.close();
        return test_.failure();
    }

    bool struck() const { return disk_->struck(); }

    /// Start again on a good disk. Whether the bodies had to be saved by -reindex.
    bool recover() {
        disk_->restart();
        try {
            test_.open();
            return false;
        } catch (const StorageError& error) {
            BOOST_TEST_MESSAGE(error.what());
            BOOST_REQUIRE(std::string_view(error.what()).find("-reindex") != std::string::npos);
        }
        test_.options().reindex = true;
        test_.open();
        test_.options().reindex = false;
        return true;
    }

    /// The tip is as good as the last one that it told of, whose body is there.
    bool has_all_it_told_of() {
        const BlockNode* node = test_.chain().find_block(told_);
        return node && node->has(BlockNode::HAVE_BODY) && test_.tip().work >= node->work;
    }

    /// As peers do.
    void give_again() {
        for (size_t i = 1; i < branch_.size(); ++i) test_.submit(branch_[i]);
        for (const BlockRef& block : mined_) test_.submit(block);
    }

    /// The chain on disk is whole, and its coins are those of its blocks alone.
    void check() {
        for (const ChainTip& tip : test_.chain().tips()) BOOST_TEST(tip.status != "invalid");
        test_.close(); // flushes what was connected of the bodies that waited on the disk
        test_.open();
        test_.wait_for_indexes();
        std::vector<BlockRef> way;
        for (const BlockNode* node = &test_.tip(); node->parent; node = node->parent_node()) {
            way.push_back(test_.chain().read_block(*node));
            BOOST_REQUIRE(way.back());
            BOOST_REQUIRE(test_.chain().indexes().filter(*node));
            BOOST_REQUIRE(test_.chain().read_undo(*node, *way.back()));
        }
        told_ = test_.tip().hash;
        test_.close();
        disk_->restart();
        TestChain replay;
        replay.now = test_.now.load();
        replay.open();
        std::ranges::reverse(way);
        for (const BlockRef& block : way) replay.submit(block);
        BOOST_TEST((replay.tip().hash == told_));
        replay.close();
        BOOST_TEST(
            (coins_hash(test_.directory(), test_.params()) ==
             coins_hash(replay.directory(), replay.params())));
    }

private:
    /// Many outputs, so that the cache is flushed often.
    TransactionRef split_coinbase(const Block& block) const {
        constexpr int64_t PARTS = 10;
        const TxOut part{test_.params().subsidy.value / PARTS, anyone_script()};
        return std::make_shared<const cairn::consensus::SealedTransaction>(
            spend({{block.transactions[0].txid, 0}}, std::vector<TxOut>(PARTS, part)));
    }

    /// Catch up, then mine and reorganise.
    void work() {
        std::vector<BlockHeader> headers;
        for (size_t i = 1; i < branch_.size(); ++i) headers.push_back(branch_[i]->header);
        test_.submit_headers(headers);
        for (size_t i = 1; i < branch_.size(); ++i)
            test_.chain().accept_block(branch_[i], true, [](const BlockOutcome&) {});
        test_.wait();
        for (int i = 0; i < 1'000 && (!disk_->struck() || i < 5); ++i) {
            const auto any = static_cast<int32_t>(random_() % uint64_t(test_.tip().height.value));
            test_.chain().read_block(*test_.tip().ancestor_node(Height(any))); // for somebody
            const BlockNode* parent = &test_.tip();
            for (uint64_t down = random_() % 4; down > 0; --down) parent = parent->parent_node();
            while (test_.tip().height > Height(1)) {
                const Block block =
                    make_block(*parent, test_.params(), {}, 0, uint32_t(random_() % (1U << 30)));
                mined_.push_back(std::make_shared<const Block>(block));
                const BlockOutcome outcome = test_.submit(mined_.back());
                BOOST_REQUIRE_MESSAGE(outcome.verdict, reason_of(outcome.verdict));
                parent = outcome.node;
                if (!outcome.on_active_chain) continue;
                told_ = outcome.node->hash;
                break;
            }
        }
    }

    TestChain test_;
    std::mt19937_64 random_;
    std::shared_ptr<FaultyDisk> disk_;
    std::unique_ptr<rocksdb::Env> env_;
    std::vector<BlockRef> branch_; ///< With genesis.
    std::vector<std::unique_ptr<cairn::consensus::HeaderNode>> nodes_;
    std::vector<BlockRef> mined_;
    BlockHash told_ = test_.params().genesis_hash; ///< A block it said was its tip, at the tip.
};

/// What the system, or the file that is read, says of `fault`; empty: it may go unnoticed.
std::string_view words_of(Fault fault) {
    switch (fault) {
    case Fault::PowerCut:
        return "no power";
    case Fault::FullDisk:
        return "No space left on device";
    case Fault::FailedRead:
        return "Input/output error";
    case Fault::FlippedBit:
        break;
    }
    return {};
}

} // namespace

BOOST_AUTO_TEST_SUITE(disk_fault)

BOOST_AUTO_TEST_CASE(any_fault__at_any_moment__next_start_is_on_a_consistent_tip) {
    const uint64_t seed = setting("CAIRN_DISK_SEED", std::random_device()());
    const uint64_t rounds = setting("CAIRN_DISK_ROUNDS", 8);
    BOOST_TEST_MESSAGE("seed " << seed);
    std::mt19937_64 random(seed);
    std::map<Fault, int> struck;
    int reindexed = 0;
    auto sufferer = std::make_unique<Sufferer>(random());
    for (uint64_t round = 0; round < rounds; ++round) {
        if (round % 4 == 0) sufferer = std::make_unique<Sufferer>(random());
        const auto fault = static_cast<Fault>(round % 4);
        const std::string message = sufferer->suffer(fault);
        if (sufferer->struck()) {
            ++struck[fault];
            BOOST_TEST(message.find(words_of(fault)) != std::string::npos, message);
        }
        // A bit of the log that is read wrong ends the log there, a damaged body is dropped by the
        // rebuild: then blocks are gone, but no more than that, and peers give them again.
        const bool damaged = fault == Fault::FlippedBit && sufferer->struck();
        const bool reindex = sufferer->recover();
        reindexed += reindex ? 1 : 0;
        if (damaged)
            sufferer->give_again();
        else
            BOOST_TEST(!reindex);
        BOOST_TEST(sufferer->has_all_it_told_of());
        sufferer->check();
    }
    uint64_t strikes = 0;
    for (const auto& [fault, times] : struck) {
        BOOST_TEST_MESSAGE("fault " << int(fault) << " struck " << times << " times");
        strikes += uint64_t(times);
    }
    BOOST_TEST_MESSAGE("reindexed " << reindexed << " times");
    BOOST_TEST(strikes * 10 >= rounds * 9); // the work goes on until then
}

BOOST_AUTO_TEST_CASE(failed_read__of_another_thread__stops_the_chain) {
    using Read = std::function<void(const cairn::chain::Chain&, const BlockNode&)>;
    const Read reads[] = {
        [](auto& chain, auto& node) { chain.read_block(node); },
        [](auto& chain, auto& node) { chain.read_block_bytes(node); },
        [](auto& chain, auto& node) { chain.read_undo(node, {}); },
        [](auto& chain, auto&) { chain.read_event(0); }};
    for (const Read& read : reads) {
        TestChain test;
        const auto disk = std::make_shared<FaultyDisk>(test.directory() / "chainstate", 1);
        const std::unique_ptr<rocksdb::Env> env = rocksdb::NewCompositeEnv(disk);
        test.options().env = env.get();
        test.options().cache_bytes = 1; // the memory keeps nothing of what the start reads
        test.open();
        test.mine(3);
        test.wait_for_indexes();
        test.close(); // of what is written now the memory keeps nothing
        test.open();
        disk->schedule(Fault::FailedRead, 1);
        BOOST_CHECK_THROW(read(test.chain(), test.tip()), StorageError);
        BOOST_CHECK_THROW(read(test.chain(), test.tip()), StorageError);
        test.close();
        BOOST_TEST(!test.failure().empty());
    }
}

BOOST_AUTO_TEST_CASE(failed_flush__no_further_block__stops_the_chain) {
    TestChain source;
    source.open();
    std::vector<BlockHeader> headers;
    headers.reserve(110);
    for (int i = 0; i < 110; ++i) headers.push_back(source.mine()->header);
    TestChain test;
    const auto disk = std::make_shared<FaultyDisk>(test.directory() / "chainstate", 1);
    const std::unique_ptr<rocksdb::Env> env = rocksdb::NewCompositeEnv(disk);
    test.options().env = env.get();
    test.options().cache_bytes = 1; // a flush at each block
    test.open();
    test.submit_headers(headers); // far ahead: in the background
    disk->schedule(Fault::FullDisk, 1);
    const BlockRef first = source.chain().read_block(*source.chain().view().at(1));
    const auto work_to_the_end = [&] {
        test.submit(first); // even this may find it stopping
        for (;;) test.wait();
    };
    BOOST_CHECK_THROW(work_to_the_end(), std::future_error); // it dropped what it was asked
    test.close();
    BOOST_TEST(!test.failure().empty());
}

BOOST_AUTO_TEST_CASE(failed_sync__of_a_log_that_a_flush_waits_for__is_told) {
    const TemporaryFolder folder;
    const Params params = test_params();
    const auto disk = std::make_shared<FaultyDisk>(folder.path(), 1);
    const std::unique_ptr<rocksdb::Env> env = rocksdb::NewCompositeEnv(disk);
    StoreOptions options{folder.path()};
    options.env = env.get();
    Store store(std::move(options), params);
    cairn::chain::HeaderTree tree(params);
    const auto put_block = [&](Durability durability) {
        StoreBatch batch;
        store.put_block(batch, tree.genesis(), Bytes(1'000));
        store.write(batch, durability);
    };
    const auto flush = [&] { return std::async([&] { store.flush_bodies(); }); };
    // The first flush is held at its table, so that the log which the second one ends is still to
    // be synced when a write comes that does so, too.
    std::promise<void> at_table;
    std::promise<void> go_on;
    std::atomic<bool> held = false;
    disk->watch({}, [&] {
        if (held.exchange(true)) return;
        at_table.set_value();
        go_on.get_future().wait();
    });
    {
        StoreBatch batch; // of another column: one alone would be flushed twice in a row
        store.put_event(batch, 0, {});
        store.write(batch, Durability::Logged);
    }
    std::future<void> first = flush();
    at_table.get_future().wait();
    put_block(Durability::Logged);
    std::promise<void> log_ended;
    std::atomic<bool> told = false;
    disk->watch({}, {}, [&] {
        if (!told.exchange(true)) log_ended.set_value(); // the next one is made
    });
    std::future<void> second = flush();
    log_ended.get_future().wait();
    const auto writer = std::this_thread::get_id();
    int writes = 0; // of this thread
    disk->watch({}, {}, [&] {
        if (std::this_thread::get_id() != writer || ++writes != 2) return;
        go_on.set_value(); // at the sync
        first.get();
        // Time for the second flush to begin to wait. Without that it would come later, and find
        // the disk failed.
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        disk->schedule(Fault::FullDisk, 1);
    });
    BOOST_CHECK_THROW(put_block(Durability::Synced), StorageError);
    BOOST_CHECK_THROW(second.get(), StorageError);
    disk->watch({}, {});
}

BOOST_AUTO_TEST_SUITE_END()
