// SPDX-License-Identifier: MIT
// What a block does to the coins, while it is being checked: nothing of it is visible to anyone
// before the whole block is found valid.
#pragma once

#include "chain/coins_cache.h"
#include "consensus/block.h"

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

namespace cairn::chain {

/// One block's coins over those of the tip: transactions are taken in order, spending first.
class BlockOverlay {
public:
    /// `coins` and `block` outlive this.
    BlockOverlay(const CoinsCache& coins, const consensus::Block& block, Height height);

    /// Take the coin at `point` out; nullopt if it isn't there (any more).
    std::optional<Coin> spend(const OutPoint& point);

    /// From now on the outputs of the block's transaction `index` can be spent.
    void create(size_t index);

    /// What remains of it all.
    CoinChanges changes() const;

private:
    Coin coin_of(size_t index, size_t output) const;

    const CoinsCache& coins_;
    const consensus::Block& block_;
    Height height_;
    boost::unordered_flat_map<consensus::Txid, size_t, consensus::SaltedHasher> created_;
    /// Of each transaction, which outputs were spent within the block.
    std::vector<std::vector<bool>> spent_here_;
    boost::unordered_flat_set<OutPoint, consensus::OutPointHasher> spent_below_;
};

/// What taking `block` off again does to the coins.
CoinChanges disconnect_changes(const consensus::Block& block, const BlockUndo& undo);

} // namespace cairn::chain
