// SPDX-License-Identifier: MIT
// The coins changed since the last flush, in memory: during initial sync most coins are spent soon
// after they were created, and those never reach the disk.
#pragma once

#include "chain/slot_table.h"
#include "chain/store.h"
#include "consensus/coin.h"

#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace cairn::chain {

/// For tables of outputs, whose ids a stranger can choose.
consensus::OutPointHasher random_salt();

/// An output, and its salted hash: computed once for all the tables that it is looked up in.
struct CoinKey {
    const OutPoint& point;
    uint32_t hash;
};

/// Coins, and what remains of spent ones, by a salted hash. Entries stay where they are while the
/// tables grow, which hold but eight bytes of each: so growing is cheap, and there is no slack of
/// empty entries.
class CoinTable {
public:
    struct Entry {
        OutPoint point;
        uint32_t hash = 0;  ///< As in its key.
        bool spent = false; ///< A tombstone.
        bool dirty = false; ///< Differs from what is below.
        bool fresh = false; ///< Below there is no coin here: once spent, nothing need be told.
        Coin coin;

        CoinKey key() const { return {point, hash}; }

        CoinChange change() const { return {point, spent ? nullptr : &coin}; }
    };

    /// `shards`: tables, so that a growing one of many coins moves little at once.
    explicit CoinTable(consensus::OutPointHasher salt, size_t shards = 1);

    CoinKey key(const OutPoint& point) const {
        return {point, static_cast<uint32_t>(salt_(point))};
    }

    /// Null if it isn't here.
    Entry* find(const CoinKey& key) const;

    /// Have the processor load what find() will look at: one after the other, each would wait for
    /// main memory twice. At most AT_ONCE, and just before: the first would be gone again.
    /// (noipa: or else g++ 12 sees no effect in it, and drops the calls.)
    [[gnu::noipa]] void prefetch(std::span<const CoinKey> keys) const;

    static constexpr size_t AT_ONCE = 16; ///< About what a processor can wait for.

    /// Make room for so many in all. Requires: one shard.
    void reserve(size_t entries) { shards_.at(0).reserve(entries); }

    void create(const CoinKey& key, const Coin& coin);
    void spend(const CoinKey& key);

    /// A coin as it is below. Requires: it isn't here.
    void add(const CoinKey& key, const Coin& coin) { set_coin(insert(key), coin); }

    template <class Visit>
    void visit_dirty(const Visit& visit) const {
        for (uint32_t at = 0; at < used_; ++at)
            if (entry(at).dirty) visit(static_cast<const Entry&>(entry(at)));
    }

    /// The same, of those whose txid begins with a byte of [first_byte, last_byte], in the order of
    /// keys.
    template <class Visit>
    void visit_sorted(uint8_t first_byte, uint8_t last_byte, const Visit& visit) const {
        constexpr size_t AHEAD = 8; // enough to be there in time
        const std::vector<Sorted> order = sorted_dirty(first_byte, last_byte);
        for (size_t i = 0; i < order.size(); ++i) {
            if (i + AHEAD < order.size()) prefetch(entry(order[i + AHEAD].at));
            visit(static_cast<const Entry&>(entry(order[i].at)));
        }
    }

    /// These, as the store takes them. The table outlives them, and nobody alters it.
    CoinChanges changes() const;

    size_t size() const { return used_ - free_.size(); }

    /// Tables' capacity included.
    size_t memory_bytes() const;

private:
    static constexpr uint32_t NONE = 0xffffffff;
    using Shard = SlotTable<uint32_t, NONE>; ///< Numbers of entries.

    static constexpr size_t CHUNK = 256; ///< Entries.

    /// An entry by the first bytes of its txid, as a number.
    struct Sorted {
        uint64_t prefix = 0;
        uint32_t at = 0;

        auto operator<=>(const Sorted&) const = default;
    };

    std::vector<Sorted> sorted_dirty(uint8_t first_byte, uint8_t last_byte) const;
    [[gnu::noipa]] static void prefetch(const Entry& entry);

    /// By the upper bits of the hash, since the tables use the lower ones.
    Shard& shard(uint32_t hash) { return shards_[uint64_t{hash} * shards_.size() >> 32]; }

    const Shard& shard(uint32_t hash) const {
        return shards_[uint64_t{hash} * shards_.size() >> 32];
    }

    uint32_t number(const CoinKey& key) const; ///< NONE if it isn't here.

    Entry& entry(uint32_t at) const { return chunks_[at / CHUNK][at % CHUNK]; }

    /// Requires: it isn't here.
    Entry& insert(const CoinKey& key);
    void erase(uint32_t at);
    void set_coin(Entry& entry, const Coin& coin);

    consensus::OutPointHasher salt_;
    std::vector<Shard> shards_;
    std::vector<std::unique_ptr<Entry[]>> chunks_;
    uint32_t used_ = 0;          ///< Entries below it are in use, or free.
    std::vector<uint32_t> free_; ///< To be used again.
    size_t script_bytes_ = 0;    ///< On the heap.
};

/// Unspent outputs as of one block, each of which is in a table or below.
class CoinsView {
public:
    explicit CoinsView(consensus::OutPointHasher salt) : salt_(salt) {}

    virtual ~CoinsView() = default;

    /// The coin at `point`; nullopt if it never existed or is spent.
    std::optional<Coin> find(const OutPoint& point) const {
        return look_up({point, static_cast<uint32_t>(salt_(point))});
    }

    virtual std::optional<Coin> look_up(const CoinKey& key) const = 0;

    /// These will be looked up next, at most CoinTable::AT_ONCE.
    virtual void prefetch(std::span<const CoinKey> keys) const = 0;

    /// For other tables of outputs.
    const consensus::OutPointHasher& salt() const { return salt_; }

private:
    consensus::OutPointHasher salt_;
};

/// Coins that were read ahead of the block that needs them, and when.
struct FetchedCoins {
    std::vector<std::pair<OutPoint, Coin>> coins;
    uint64_t generation = 0;
};

/// Unspent outputs as of one block, over the slower store.
///
/// Two generations: all changes go to the active one, while the frozen one is written to the store
/// by another thread, and afterwards saves reading. A coin is looked up in the active one, then the
/// frozen one, then the store.
/// Invariants: an entry is a coin or a tombstone (spent, but maybe still below); no entry means
///   "ask below". Nothing alters the frozen generation.
/// Thread: chain. Others may call find(), knows() and generation() under the commit lock, so coins
///   come and go under it, too; frozen_changes() any, until freeze() is called again.
///   Lifetime: the store outlives the cache.
class CoinsCache : public CoinsView {
public:
    static constexpr size_t SHARDS = 64;

    CoinsCache(const Store& store, consensus::OutPointHasher salt, CoinSet set = CoinSet::Active);

    std::optional<Coin> look_up(const CoinKey& key) const override;
    void prefetch(std::span<const CoinKey> keys) const override;

    /// Whether find() would not have to read from the disk.
    bool knows(const OutPoint& point) const;

    /// Take in what was read from the store, at an earlier generation() perhaps.
    void add(const FetchedCoins& fetched);

    uint64_t generation() const { return generation_; }

    /// Move on (or, when a block is disconnected, back) by one block.
    void apply(const CoinTable& changes);

    /// Begin a new generation. The last one is to be written; the one before it, which is returned,
    /// must have been: it may be destroyed elsewhere.
    std::unique_ptr<const CoinTable> freeze();

    /// What of the frozen generation is dirty.
    CoinChanges frozen_changes() const { return frozen_->changes(); }

    /// The store holds other coins now. Requires: nothing is being written.
    void forget();

    /// Held against the budget: all, and that of what freeze() would freeze.
    size_t memory_bytes() const { return active_->memory_bytes() + frozen_->memory_bytes(); }

    size_t active_bytes() const { return active_->memory_bytes(); }

    size_t size() const { return active_->size() + frozen_->size(); }

private:
    const CoinTable::Entry* entry(const CoinKey& key) const;
    std::unique_ptr<CoinTable> new_generation() const;

    const Store& store_;
    const CoinSet set_;
    std::unique_ptr<CoinTable> active_ = new_generation();
    std::unique_ptr<const CoinTable> frozen_ = new_generation();
    uint64_t generation_ = 0; ///< Of the active one.
};

} // namespace cairn::chain
