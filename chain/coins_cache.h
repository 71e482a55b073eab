// SPDX-License-Identifier: MIT
// The coins changed since the last flush, in memory: during initial sync most coins are spent soon
// after they were created, and those never reach the disk.
#pragma once

#include "chain/store.h"
#include "consensus/coin.h"

#include <boost/unordered/unordered_flat_map.hpp>

#include <array>
#include <utility>
#include <vector>

namespace cairn::chain {

/// What one block does to the coins. No coin is in both lists.
struct CoinChanges {
    std::vector<std::pair<OutPoint, Coin>> created;
    std::vector<OutPoint> spent;
};

/// Unspent outputs as of one block, over the slower store.
///
/// Invariants: an entry is a coin or a tombstone (spent, but still in the store); no entry means
///   "ask the store".
/// Thread: chain. Others may call find() under the commit lock, so whatever changes an entry
///   happens under it, too. Lifetime: the store outlives the cache.
class CoinsCache : public consensus::CoinsView {
public:
    CoinsCache(const Store& store, consensus::OutPointHasher salt);

    std::optional<Coin> find(const OutPoint& point) const override;

    /// Move on (or, when a block is disconnected, back) by one block.
    void apply(const CoinChanges& changes);

    /// `changes`, just applied, are in the store now.
    void settle(const CoinChanges& changes);

    /// Give everything that differs from the store to `sink`, in the order of keys.
    void write_to(Store::CoinSink& sink) const;

    /// Forget everything. Requires: the store has it all.
    void clear();

    /// Held against the budget: the tables' capacity and the long scripts.
    size_t memory_bytes() const;

    size_t size() const;

    /// For other tables of outputs.
    const consensus::OutPointHasher& salt() const { return salt_; }

private:
    struct Entry {
        Coin coin;
        bool spent = false;
        bool dirty = false; ///< Differs from the store.
        bool fresh = false; ///< The store has no coin here: once spent, nothing need be written.
    };

    using Shard = boost::unordered_flat_map<OutPoint, Entry, consensus::OutPointHasher>;
    static constexpr size_t SHARD_COUNT = 64; ///< So that a growing table moves little at once.

    /// By the first bits of the key, so that shard after shard is the order of keys.
    Shard& shard(const OutPoint& point) { return shards_[point.txid.bytes[0] / 4]; }

    const Shard& shard(const OutPoint& point) const { return shards_[point.txid.bytes[0] / 4]; }

    void create(const OutPoint& point, const Coin& coin);
    void spend(const OutPoint& point);

    const Store& store_;
    consensus::OutPointHasher salt_;
    std::vector<Shard> shards_;
    size_t script_bytes_ = 0;
};

} // namespace cairn::chain
