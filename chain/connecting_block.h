// SPDX-License-Identifier: MIT
// A block on its way to the tip: what it does to the coins, and whether it may. Nothing of it is
// visible to anyone before the whole block is found valid.
#pragma once

#include "chain/coins_cache.h"
#include "chain/verify_pool.h"
#include "consensus/block_rules.h"

#include <atomic>
#include <span>

namespace cairn::chain {

/// By a transaction's place in its block: BlockImpact's `verified`.
using VerifiedScripts = std::span<const std::atomic<bool>>;

/// One block's coins over those of the blocks before it, and its scripts while they run.
///
/// Invariants: stays where it is in memory from connect() on, since the pool reads it.
/// Thread: chain; the pool reads block, spent coins and batch.
class ConnectingBlock : public CoinsView {
public:
    /// `below`: the coins as of the block before; it outlives this, or see stand_on().
    ConnectingBlock(
        consensus::BlockRef block,
        const consensus::HeaderNode& node,
        const consensus::Params& params,
        const CoinsView& below,
        VerifyPool& pool);

    /// Which scripts need not run again.
    struct Scripts {
        bool run = true; ///< Else none.
        const ScriptCache& cache;
        VerifiedScripts verified; ///< BlockImpact's, if any; may still grow.
    };

    /// Take all transactions through the rules that need coins, one after the other, and hand to
    /// the pool what scripts are to run. Errors: Invalid. Source: Core's ConnectBlock.
    consensus::Result<> connect(const Scripts& scripts);

    /// Call `done`, on any thread, once the scripts are through. After connect().
    void when_finished(VerifyPool::Job done) { scripts_.start_rest(std::move(done)); }

    bool finished() { return scripts_.finished(); }

    /// Waits for the scripts. Errors: Invalid.
    consensus::Result<> script_verdict();

    /// The block before was committed: its coins are part of `below` now.
    void stand_on(const CoinsView& below) { below_ = &below; }

    /// The coin at `point` as this block leaves it.
    std::optional<Coin> look_up(const CoinKey& key) const override;

    void prefetch(std::span<const CoinKey> keys) const override { below_->prefetch(keys); }

    const consensus::BlockRef& block() const { return block_; }

    const BlockUndo& undo() const { return undo_; }

    /// What it does to the coins, all in all.
    const CoinTable& changes() const { return changes_; }

private:
    bool is_verified(size_t index, const Scripts& scripts) const;
    consensus::Result<> add(size_t index);
    std::optional<Coin> spend_next();
    void create_outputs(const consensus::SealedTransaction& tx, bool coinbase);

    const consensus::BlockRef block_;
    consensus::ConnectState state_;
    const CoinsView* below_;
    std::vector<CoinKey> inputs_; ///< Of all transactions but the coinbase ...
    size_t next_input_ = 0;       ///< ... and the first that add() has not come to.
    BlockUndo undo_;
    CoinTable changes_;
    ScriptBatch scripts_; ///< Last: it waits for the pool, which reads what is above.
};

/// Add to `changes` what taking `block` off again does to the coins.
void disconnect_coins(const consensus::Block& block, const BlockUndo& undo, CoinTable& changes);

} // namespace cairn::chain
