// SPDX-License-Identifier: MIT
// A storm of random forks, with payments, invalid blocks, restarts and marks by the operator: in
// the end the coins, and what each index holds, must be those of the winning chain alone. The
// environment may ask for more than the usual blocks (CAIRN_STORM_BLOCKS), or for the storm of a
// seed that was printed (CAIRN_STORM_SEED).
#include "chain/coin_statistics.h"
#include "tests/chain/fixture.h"
#include "tests/chain/setting.h"

#include <map>
#include <random>

using namespace cairn::tests;
using cairn::consensus::make_transaction;

namespace {

/// A block with the coins that can be spent after it, as a chain of its own would have them.
struct Branch {
    BlockRef block;
    std::shared_ptr<const cairn::consensus::HeaderNode> node;
    std::map<OutPoint, Coin> coins;
    std::shared_ptr<const Branch> parent;
    bool valid = true;
};

/// The coins of a branch, hashed as a chain hashes its own.
Hash256 hash_of(const std::map<OutPoint, Coin>& coins) {
    CoinStatistics sum(CoinHash::Serialized);
    for (const auto& [point, coin] : coins) sum.add(point, coin);
    return *sum.hash();
}

class Storm : ChainObserver {
public:
    Storm(TestChain& test, uint64_t seed) : test_(test), random_(seed) {
        auto root = std::make_shared<Branch>();
        root->block = std::make_shared<const Block>(test.params().genesis);
        root->node = std::make_shared<const cairn::consensus::HeaderNode>(
            root->block->header, test.params().genesis_hash, nullptr);
        branches_.push_back(root);
        with_coins_.push_back(root);
        best_ = current_ = root;
        test.chain().add_observer(*this);
    }

    void step() {
        const std::shared_ptr<const Branch> parent = choose();
        const std::shared_ptr<Branch> next = grow(parent);
        branches_.push_back(next);
        with_coins_.push_back(next);
        pending_.push_back(next);
        current_ = next;
        if (next->valid && next->node->work > best_->node->work) set_best(next);
        if (held_back_ > 0) {
            if (--held_back_ == 0) sync();
            return;
        }
        if (below(3) == 0) std::shuffle(pending_.begin(), pending_.end(), random_);
        while (pending_.size() > below(6)) deliver();
        if (below(60) == 0) restart();
        if (below(40) == 0) overrule();
        if (below(100) == 0) held_back_ = SYNC_LENGTH;
    }

    void finish() {
        while (!pending_.empty()) deliver();
        // What came before its parent's header was turned away: again, lowest first.
        for (const auto& branch : branches_)
            if (branch->node->parent) test_.submit(branch->block);
        BOOST_TEST_MESSAGE(
            "height " << best_->node->height << ", forks " << forks_ << ", deepest "
                      << deepest_.load() << ", coins compared " << compared_);
        test_.chain().remove_observer(*this);
    }

    /// Hold the coins of the chain, wherever its tip is now, against those of that branch.
    /// Whether that one still has its coins.
    bool compare_coins() {
        const auto [found, tip] = coins_hash(test_.chain());
        for (const auto& branch : with_coins_) {
            if (branch->node->hash != tip->hash) continue;
            BOOST_REQUIRE(branch->valid);
            BOOST_REQUIRE((found == hash_of(branch->coins)));
            ++compared_;
            return true;
        }
        return false;
    }

    /// What was found of each block is true of it. Returns how many were found invalid.
    int compare_verdicts() {
        int invalid = 0;
        for (const auto& branch : branches_) {
            const BlockNode* node = test_.chain().find_block(branch->node->hash);
            if (!node) continue; // it came before its parent, and never again
            if (node->has(BlockNode::VALID_SCRIPTS)) BOOST_REQUIRE(branch->valid);
            if (!node->failed()) continue;
            BOOST_REQUIRE(!branch->valid);
            if (node->has(BlockNode::FAILED)) ++invalid;
        }
        return invalid;
    }

    int compared() const { return compared_; }

    /// The most blocks that gave way to others at once.
    size_t deepest() const { return deepest_; }

    /// The way from genesis to the block `hash`.
    std::vector<BlockRef> way_to(const BlockHash& hash) const {
        std::vector<BlockRef> way;
        for (const auto& branch : branches_) {
            if (branch->node->hash != hash) continue;
            for (const Branch* at = branch.get(); at->parent; at = at->parent.get())
                way.insert(way.begin(), at->block);
        }
        return way;
    }

    /// The most work of all valid chains.
    cairn::consensus::Uint256 most_work() const {
        cairn::consensus::Uint256 most = 0;
        for (const auto& branch : branches_)
            if (branch->valid && branch->node->work > most) most = branch->node->work;
        return most;
    }

private:
    static constexpr uint64_t MAX_DEPTH = 101; ///< Of forks, and no more.
    static constexpr int SYNC_LENGTH = 150;    ///< So far behind, the node writes in bulk.

    uint64_t below(uint64_t n) { return random_() % n; }

    /// On from the last one, until the branch is as long as it was to be (mostly, better than all
    /// others); then another branch, from somewhere in the best one.
    std::shared_ptr<const Branch> choose() {
        std::shared_ptr<const Branch> parent = current_;
        if (below(3) != 0) // some invalid ones get children
            while (!parent->valid) parent = parent->parent;
        if (parent->node->height.value < goal_) return parent;
        parent = best_;
        const auto depth = static_cast<int>(below(below(4) == 0 ? MAX_DEPTH : 6));
        for (int i = 0; i < depth && parent->parent; ++i) parent = parent->parent;
        const int best = best_->node->height.value;
        goal_ = below(3) == 0 ? best - static_cast<int>(below(depth + 1))
                              : best + 1 + static_cast<int>(below(8));
        ++forks_;
        return parent;
    }

    void tip_changed(const TipChange& change) override {
        depth_ += change.disconnected.size(); // it may be told in parts
        deepest_ = std::max(deepest_.load(), depth_);
        if (!change.connected.empty()) depth_ = 0;
    }

    void set_best(const std::shared_ptr<const Branch>& branch) {
        best_ = branch;
        const int lowest = best_->node->height.value - static_cast<int>(MAX_DEPTH);
        std::erase_if(with_coins_, [lowest](const std::shared_ptr<Branch>& old) {
            if (old->node->height.value >= lowest) return false;
            old->coins.clear();
            return true;
        });
    }

    /// What was held back comes as in a sync: first all headers, then the blocks.
    void sync() {
        for (const auto& branch : pending_) test_.submit_headers({branch->block->header});
        if (below(2) == 0) std::shuffle(pending_.begin(), pending_.end(), random_);
        const size_t kept = below(3) == 0 ? pending_.size() / 2 : 0;
        while (pending_.size() > kept) deliver();
        if (below(2) == 0) restart();
    }

    std::shared_ptr<Branch> grow(const std::shared_ptr<const Branch>& parent) {
        auto next = std::make_shared<Branch>();
        next->parent = parent;
        next->coins = parent->coins;
        next->valid = parent->valid;
        const Height height = parent->node->height + Height(1);
        std::vector<TransactionRef> transactions;
        Amount fees = 0;
        for (uint64_t i = below(5); i > 0 && !next->coins.empty(); --i) {
            OutPoint start;
            start.txid.bytes[0] = static_cast<uint8_t>(below(256));
            start.txid.bytes[1] = static_cast<uint8_t>(below(256));
            const auto at = next->coins.lower_bound(start);
            if (at == next->coins.end()) continue;
            const auto [point, coin] = *at;
            if (coin.coinbase && height.value - coin.height.value < MATURITY) continue;
            if (coin.out.value < Amount(10'000)) continue;
            const Amount half = (coin.out.value - Amount(1'000)).value / 2;
            const auto tx = make_transaction(
                spend({point}, {{half, anyone_script()}, {half, anyone_script()}}));
            fees += coin.out.value - half - half;
            next->coins.erase(at);
            for (uint32_t out = 0; out < 2; ++out)
                next->coins[{tx->txid, out}] = {tx->outputs[out], height, false};
            transactions.push_back(tx);
            if (below(3) > 0) continue;
            // Some are known before their block. Not waited for, so that others are checked ahead.
            test_.chain().accept_transaction(tx, {}, [](const Result<Accepted>&) {});
            if (below(10) == 0) test_.chain().prioritise(tx->txid, 10'000, [] {});
        }
        if (below(25) == 0) { // an output out of nothing
            transactions.push_back(
                make_transaction(spend({{Txid(parent->node->hash), 0}}, {{1, anyone_script()}})));
            next->valid = false;
        } else if (below(25) == 0 && !transactions.empty()) { // a script fails
            Transaction broken = *transactions.back();
            broken.inputs[0].witness.clear();
            transactions.back() = make_transaction(std::move(broken));
            next->valid = false;
        }
        next->block = std::make_shared<const Block>(make_block(
            *parent->node, test_.params(), transactions, fees,
            static_cast<uint32_t>(below(1 << 30))));
        next->node = std::make_shared<const cairn::consensus::HeaderNode>(
            next->block->header, next->block->header.hash(), parent->node.get());
        const auto& coinbase = next->block->transactions[0];
        next->coins[{coinbase.txid, 0}] = {coinbase.outputs[0], height, true};
        return next;
    }

    void deliver() {
        const auto branch = pending_.back();
        pending_.pop_back();
        given_.push_back(branch);
        // Not waited for: so there are several in flight, also when the node is restarted.
        test_.chain().accept_block(branch->block, true, [](const BlockOutcome&) {});
        if (below(10) == 0) test_.wait();
    }

    /// What came before its parent's header was turned away: again, lowest first.
    void give_again() {
        test_.wait();
        std::ranges::stable_sort(
            given_, {}, [](const auto& branch) { return branch->node->height; });
        std::erase_if(given_, [this](const std::shared_ptr<const Branch>& branch) {
            const BlockNode* node = test_.chain().find_block(branch->node->hash);
            const bool kept = node && node->tx_count > 0;
            return kept || test_.submit(branch->block).verdict || !branch->valid;
        });
    }

    void restart() {
        if (below(2) == 0) {
            give_again();
            compare_coins();
        }
        test_.close();
        test_.options().cache_bytes = below(2) == 0 ? 150'000 : 64 << 20; // flushes often, or never
        for (const IndexRow& row : index_table()) test_.options().*row.option = below(3) > 0;
        test_.open();
        test_.chain().add_observer(*this);
        if (below(3) == 0) compare_coins();
    }

    /// Forbid a block of the active chain, and allow it again.
    void overrule() {
        const Height height = test_.tip().height - Height(static_cast<int32_t>(below(10)));
        if (height <= Height(0)) return;
        const BlockNode& node = *test_.chain().view().at(height);
        const BlockHash hash = node.hash;
        test_.invalidate(node);
        if (below(2) == 0) restart();
        test_.reconsider(*test_.chain().find_block(hash));
    }

    TestChain& test_;
    std::mt19937_64 random_;
    std::vector<std::shared_ptr<Branch>> branches_; ///< Old ones without their coins.
    std::vector<std::shared_ptr<const Branch>> pending_;
    std::vector<std::shared_ptr<const Branch>> given_; ///< And maybe not taken yet.
    std::vector<std::shared_ptr<Branch>> with_coins_;  ///< Those that forks may begin at.
    std::shared_ptr<const Branch> best_;               ///< The first of the most work.
    std::shared_ptr<const Branch> current_;            ///< The last one.
    int goal_ = 0;                                     ///< Height at which its branch ends.
    int forks_ = 0;
    size_t depth_ = 0; ///< Of the chain thread: of the reorganisation that goes on.
    std::atomic<size_t> deepest_{0};
    int compared_ = 0;
    int held_back_ = 0;
};

} // namespace

BOOST_AUTO_TEST_SUITE(storm)

BOOST_AUTO_TEST_CASE(random_forks__coins_and_indexes_at_the_end__are_those_of_the_winner_alone) {
    const uint64_t seed = setting("CAIRN_STORM_SEED", std::random_device()());
    const uint64_t blocks = setting("CAIRN_STORM_BLOCKS", 600);
    BOOST_TEST_MESSAGE("seed " << seed);
    TestChain test;
    keep_all_indexes(test.options());
    test.open();
    Storm storm(test, seed);
    for (uint64_t i = 0; i < blocks; ++i) storm.step();
    storm.finish();
    const BlockHash winner = test.tip().hash;
    BOOST_TEST((test.tip().work == storm.most_work()));
    BOOST_TEST(storm.compare_coins());
    const int invalid = storm.compare_verdicts();
    BOOST_TEST_MESSAGE(invalid << " invalid blocks");
    if (blocks >= 10'000) { // a storm that long meets all of it
        BOOST_TEST(storm.compared() >= 20);
        BOOST_TEST(storm.deepest() >= 90u);
        BOOST_TEST(invalid >= 40);
    }
    const std::vector<BlockRef> way = storm.way_to(winner);
    BOOST_REQUIRE(int64_t(way.size()) == test.tip().height.value);
    test.close();
    keep_all_indexes(test.options()); // those that were off at last go on
    test.open();
    test.wait_for_indexes();
    test.close();

    TestChain replay;
    replay.open();
    for (const BlockRef& block : way) BOOST_REQUIRE(replay.submit(block).on_active_chain);
    replay.close();
    keep_all_indexes(replay.options());
    replay.open(); // builds them from the blocks
    replay.wait_for_indexes();
    replay.close();
    BOOST_TEST(
        (index_rows(test.directory(), test.params(), way) ==
         index_rows(replay.directory(), replay.params(), way)));
    BOOST_TEST(
        (coins_hash(test.directory(), test.params()) ==
         coins_hash(replay.directory(), replay.params())));
}

BOOST_AUTO_TEST_SUITE_END()
