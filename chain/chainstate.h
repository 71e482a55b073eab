// SPDX-License-Identifier: MIT
// The state that blocks lead to: connects them to the coins and takes them off again, and keeps
// memory and disk in step. Which block to go to is decided in best_chain.h, one level up.
#pragma once

#include "chain/chain.h"
#include "chain/checked_block.h"
#include "chain/coins_cache.h"
#include "chain/connecting_block.h"
#include "chain/header_tree.h"
#include "chain/store.h"
#include "chain/verify_pool.h"

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <mutex>

namespace cairn::chain {

using consensus::Block;

/// Headers, coins and tip, in memory and on disk.
///
/// Invariants: the cache over the store is the coin set as of tip(). On disk, coins and tip belong
///   together, and headers, blocks and undo data are never behind them.
/// Thread: chain; tip(), tree(), store(), find_coin(), initial_download() any.
class Chainstate {
public:
    /// Opens the store and reads the headers. Throws StorageError.
    Chainstate(const consensus::Params& params, const ChainOptions& options);

    const consensus::Params& params() const { return params_; }

    const ChainOptions& options() const { return options_; }

    const BlockNode& tip() const { return *tip_.load(std::memory_order_acquire); }

    HeaderTree& tree() { return tree_; }

    const HeaderTree& tree() const { return tree_; }

    Store& store() { return store_; }

    const Store& store() const { return store_; }

    const CoinsCache& coins() const { return coins_; }

    VerifyPool& verify_pool() { return verify_pool_; }

    const StageTimes& times() const { return verify_pool_.times(); }

    ScriptCache& script_cache() { return script_cache_; }

    /// Held shared by readers of coins and mempool, exclusively for the moment of a commit.
    FairSharedMutex& commit_mutex() const { return commit_mutex_; }

    bool initial_download() const;

    /// Put `header` into the tree, if it obeys the rules; it stays in memory as long as its chain
    /// has less work than least_header_work(). Errors: Invalid ("duplicate-invalid", "bad-prevblk"
    /// and consensus'), MissingParent "prev-blk-not-found", Premature.
    Result<BlockNode*> accept_header(const BlockHeader& header, const BlockHash& hash);

    /// Write what accept_header() added.
    void write_headers();

    /// Check and store a block, without connecting it. Source: Core's AcceptBlock.
    Result<> accept_block(CheckedBlock& checked, bool requested, BlockOutcome& outcome);

    /// Begin to connect `block` as `node`, over the coins of the block before it (null: those of
    /// tip()). Scripts are run as far as -assumevalid asks, if `node` isn't in the tree all of
    /// them; but for those that are in the cache, or `verified` (ConnectingBlock::Scripts).
    /// Errors: Invalid, of all but the scripts.
    Result<std::unique_ptr<ConnectingBlock>> connect_block(
        BlockRef block,
        const consensus::HeaderNode& node,
        const CoinsView* before = nullptr,
        VerifiedScripts verified = {});

    /// Run at a commit, under the exclusive lock: what has to change together with the tip. The
    /// coins change meanwhile: it doesn't look at them.
    using WithCommit = std::function<void()>;

    /// Move the tip up to `node`, whose scripts were found good, too.
    void commit_connect(
        BlockNode& node, const ConnectingBlock& connected, const WithCommit& with_commit);

    /// Write what taking `node` off again needs. Without the tip: it was connected behind it.
    void put_undo(StoreBatch& batch, BlockNode& node, const ConnectingBlock& connected);

    /// What taking `node`, whose body is `block`, off does to the coins.
    CoinTable take_off(const BlockNode& node, const Block& block) const;

    /// Move the tip, whose body is `block`, down to its parent.
    void disconnect_tip(const Block& block, const WithCommit& with_commit);

    /// The body of `node` from disk. Throws StorageError if it is damaged or not there.
    BlockRef load_block(const BlockNode& node) const;
    /// The coins that `block`, of `node`, spent. Throws likewise.
    BlockUndo load_undo(const BlockNode& node, const Block& block) const;

    /// nullopt past the last event that no crash takes back. Any thread.
    std::optional<Event> read_event(uint64_t number) const;

    uint64_t durable_events() const { return durable_events_; } ///< Any thread.

    /// What `block` spends and the cache doesn't know, from the disk. Any thread.
    FetchedCoins fetch_coins(const Block& block);

    void add_coins(const FetchedCoins& fetched);

    /// Move the tip to `base`, whose coins are in the store's other set, as a snapshot has them:
    /// `entry` is that of the chain file. What led there is validated afterwards (history.h).
    void adopt_snapshot(BlockNode& base, const consensus::Snapshot& entry);

    /// The blocks before the snapshot lead to the same coins.
    void confirm_snapshot();

    /// They don't: go back to `valid`, to which they led. The process must be stopped: throws
    /// StorageError, which says `why`.
    [[noreturn]] void reject_snapshot(const BlockNode& valid, const std::string& why);

    /// How far they are; null without a snapshot. Any thread.
    const BlockNode* history_tip() const { return history_tip_.load(std::memory_order_acquire); }

    void set_history_tip(const BlockNode& node) { history_tip_ = &node; }

    /// That tip, and its coins, are on disk; null: it is validated, or found wrong.
    void set_durable_history(const BlockNode* tip);

    /// Up to here indexes may go: no crash takes it back, and all blocks before are there. Any
    /// thread.
    const BlockNode& indexable() const;

    /// Wait until indexable() may have moved since durable_moves() was `seen`. Any thread.
    void wait_durable(uint32_t seen) const { durable_moves_.wait(seen); }

    uint32_t durable_moves() const { return durable_moves_; }

    /// The tip may be far ahead of indexable(). Any thread.
    bool catching_up() const { return bulk_; }

    /// Wake those who wait.
    void durable_moved();

    /// Bodies above this are needed yet, by indexes. Any thread.
    void set_indexed(Height height) { indexed_ = height; }

    /// Bring everything to the disk. Throws what the flush in the background failed with, too.
    void flush();

    /// `failed` is called, on any thread, if the flush in the background fails.
    void when_flush_fails(std::function<void()> failed) { flush_failed_ = std::move(failed); }

    /// A walk over the coins as of tip().
    CoinScan scan_coins();

    /// As Chain's functions of these names.
    Height prune(Height last);

    Height first_body() const { return first_body_.load(); }

    /// If the store holds bodies only, make the headers of them; connecting makes the rest.
    void rebuild(const std::atomic<bool>& stop);

    struct CacheSize {
        std::atomic<size_t> bytes{0};
        std::atomic<size_t> coins{0};
    };

    const CacheSize& cache_size() const { return cache_size_; }

private:
    void load();
    void create_genesis();
    void replay(uint64_t end);
    bool runs_scripts(const consensus::HeaderNode& node) const;
    void put_event(StoreBatch& batch, Event::Kind kind, const BlockNode& node);
    void put_way(StoreBatch& batch, const BlockNode& to);
    void commit(const BlockNode& new_tip, const CoinTable& changes, const WithCommit& with);
    void move_tip(
        const BlockNode& new_tip,
        const CoinTable& changes,
        const WithCommit& with,
        StoreBatch batch,
        const std::function<void(StoreBatch&)>& complete = {},
        std::unique_lock<std::shared_mutex> writing = {});
    void flush_if_due();
    void prune_to_target();
    void update_bulk();
    void start_flush();
    void finish_flush();
    std::unique_ptr<const CoinTable> freeze_coins();
    void put_dirty_headers(StoreBatch& batch);
    void write_dirty_headers(bool bodies);

    const consensus::Params& params_;
    const ChainOptions& options_;
    consensus::Uint256 minimum_work_;
    BlockHash assumed_valid_;
    Store store_;
    HeaderTree tree_;
    CoinsCache coins_;
    std::atomic<bool> reads_disk_{false}; ///< For coins: not all that there are are in the cache.
    ScriptCache script_cache_;
    mutable FairSharedMutex commit_mutex_;
    std::atomic<BlockNode*> tip_{nullptr};
    std::atomic<const BlockNode*> history_tip_{nullptr};
    std::atomic<const BlockNode*> durable_tip_{nullptr};
    std::atomic<const BlockNode*> durable_history_{nullptr};
    std::atomic<uint32_t> durable_moves_{0};
    std::atomic<Height> indexed_{Height(INT32_MAX)};
    mutable std::atomic<bool> was_current_{false}; ///< Initial download is over, for good.
    std::atomic<Height> first_body_{};
    CacheSize cache_size_;
    uint64_t next_event_ = 0;
    std::atomic<uint64_t> durable_events_{0}; ///< No crash takes those before it back.

    uint64_t flushed_events_ = 0; ///< What they did to the coins is on disk, or being written.

    /// Far behind the best header: what is written has no log, so that only a flush saves it.
    std::atomic<bool> bulk_{false};
    std::chrono::steady_clock::time_point last_flush_ = std::chrono::steady_clock::now();

    // Last, since their threads read what is above.
    VerifyPool verify_pool_;
    std::function<void()> flush_failed_;
    std::future<void> flush_;
};

} // namespace cairn::chain
