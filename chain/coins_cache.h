// SPDX-License-Identifier: MIT
// The coins changed since the last flush, in memory: during initial sync most coins are spent soon
// after they were created, and those never reach the disk.
#pragma once

#include "chain/store.h"
#include "consensus/coin.h"

#include <boost/unordered/unordered_flat_set.hpp>

#include <array>
#include <memory>
#include <utility>
#include <vector>

namespace cairn::chain {

/// Coins that were read ahead of the block that needs them, and when.
struct FetchedCoins {
    std::vector<std::pair<OutPoint, Coin>> coins;
    uint64_t generation = 0;
};

/// What one block does to the coins. No coin is in both lists.
struct CoinChanges {
    std::vector<std::pair<OutPoint, Coin>> created;
    std::vector<OutPoint> spent;
};

/// Coins, and what remains of spent ones, by a salted hash. Entries stay where they are while the
/// tables grow, which hold but eight bytes of each: so growing is cheap, and there is no slack of
/// empty entries.
class CoinTable {
public:
    struct Entry {
        OutPoint point;
        bool spent = false; ///< A tombstone.
        bool dirty = false; ///< Differs from the store.
        bool fresh = false; ///< The store has no coin here: once spent, nothing need be written.
        Coin coin;
    };

    struct Key {
        const OutPoint& point;
        size_t hash;
    };

    /// Null if it isn't here.
    Entry* find(const Key& key) const;
    /// Made if it isn't here; then the second is true.
    std::pair<Entry*, bool> at(const Key& key);
    void erase(const Key& key);
    void set_coin(Entry& entry, Coin coin);

    /// The dirty ones, in the order of keys.
    std::vector<const Entry*> dirty() const;

    size_t size() const { return used_ - free_.size(); }

    /// Tables' capacity included.
    size_t memory_bytes() const;

    CoinTable() = default;
    CoinTable(const CoinTable&) = delete; // the tables' comparison points here
    CoinTable& operator=(const CoinTable&) = delete;

private:
    struct Slot {
        uint32_t hash;
        uint32_t at; ///< Of the entry.
    };

    struct SlotHash {
        using is_transparent = void;

        size_t operator()(const Slot& slot) const { return slot.hash; }

        size_t operator()(const Key& key) const { return static_cast<uint32_t>(key.hash); }
    };

    struct SlotEqual {
        using is_transparent = void;
        const CoinTable* table;

        bool operator()(const Slot& a, const Slot& b) const { return a.at == b.at; }

        bool operator()(const Key& key, const Slot& slot) const {
            return table->entry(slot.at).point == key.point;
        }

        bool operator()(const Slot& slot, const Key& key) const { return (*this)(key, slot); }
    };

    using Slots = boost::unordered_flat_set<Slot, SlotHash, SlotEqual>;
    static constexpr size_t SHARD_BITS = 6; ///< 64 tables, so that a growing one moves little.
    static constexpr size_t CHUNK = 256;    ///< Entries.

    static size_t shard_of(const Key& key) { return key.hash >> (64 - SHARD_BITS); }

    Entry& entry(uint32_t at) const { return chunks_[at / CHUNK][at % CHUNK]; }

    std::vector<Slots> shards_ =
        std::vector<Slots>(size_t{1} << SHARD_BITS, Slots(0, SlotHash(), SlotEqual{this}));
    std::vector<std::unique_ptr<Entry[]>> chunks_;
    uint32_t used_ = 0;          ///< Entries below it are in use, or free.
    std::vector<uint32_t> free_; ///< To be used again.
    size_t script_bytes_ = 0;    ///< On the heap.
};

/// Unspent outputs as of one block, over the slower store.
///
/// Two generations: all changes go to the active one, while the frozen one is written to the store
/// by another thread, and afterwards saves reading. A coin is looked up in the active one, then the
/// frozen one, then the store.
/// Invariants: an entry is a coin or a tombstone (spent, but maybe still below); no entry means
///   "ask below". Nothing alters the frozen generation.
/// Thread: chain. Others may call find(), knows() and generation() under the commit lock, so coins
///   come and go under it, too; write_frozen() any, until freeze() is called again.
///   Lifetime: the store outlives the cache.
class CoinsCache : public consensus::CoinsView {
public:
    CoinsCache(const Store& store, consensus::OutPointHasher salt);

    std::optional<Coin> find(const OutPoint& point) const override;

    /// Whether find() would not have to read from the disk.
    bool knows(const OutPoint& point) const;

    /// Take in what was read from the store, at an earlier generation() perhaps.
    void add(const FetchedCoins& fetched);

    uint64_t generation() const { return generation_; }

    /// Move on (or, when a block is disconnected, back) by one block.
    void apply(const CoinChanges& changes);

    /// `changes`, just applied, are in the store now. Requires: nothing is being written.
    void settle(const CoinChanges& changes);

    /// Begin a new generation. The last one is to be written, unless nothing of it is dirty; the
    /// one before it, which is returned, must have been: it may be destroyed elsewhere.
    std::unique_ptr<const CoinTable> freeze();

    /// Give everything of the frozen generation that is dirty to `sink`, in the order of keys.
    void write_frozen(Store::CoinSink& sink) const;

    /// Held against the budget: all, and that of what freeze() would freeze.
    size_t memory_bytes() const { return active_->memory_bytes() + frozen_->memory_bytes(); }

    size_t active_bytes() const { return active_->memory_bytes(); }

    size_t size() const { return active_->size() + frozen_->size(); }

    /// For other tables of outputs.
    const consensus::OutPointHasher& salt() const { return salt_; }

private:
    CoinTable::Key key(const OutPoint& point) const { return {point, salt_(point)}; }

    const CoinTable::Entry* entry(const OutPoint& point) const;
    void create(const OutPoint& point, const Coin& coin);
    void spend(const OutPoint& point);

    const Store& store_;
    consensus::OutPointHasher salt_;
    std::unique_ptr<CoinTable> active_ = std::make_unique<CoinTable>();
    std::unique_ptr<const CoinTable> frozen_ = std::make_unique<CoinTable>();
    uint64_t generation_ = 0; ///< Of the active one.
};

} // namespace cairn::chain
