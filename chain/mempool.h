// SPDX-License-Identifier: MIT
// Transactions that wait for a block. Owned by the chain thread; readers hold a shared lock that
// the chain thread takes for itself only while it commits (chain.h, Chain::mempool()).
#pragma once

#include "chain/fair_shared_mutex.h"
#include "consensus/coin.h"
#include "consensus/transaction.h"
#include "consensus/transaction_rules.h"

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <shared_mutex>
#include <unordered_map>
#include <vector>

namespace cairn::chain {

using consensus::Amount;
using consensus::Height;
using consensus::OutPoint;
using consensus::TransactionRef;
using consensus::Txid;
using consensus::Wtxid;

/// A price: satoshis for 1,000 virtual bytes. Core: CFeeRate.
struct FeeRate {
    Amount per_kvb;

    auto operator<=>(const FeeRate&) const = default;

    /// What `fee` for `vsize` virtual bytes comes to, rounded down.
    static FeeRate of(Amount fee, int64_t vsize) { return {fee.value * 1000 / vsize}; }

    /// What `vsize` virtual bytes cost, rounded up.
    Amount fee(int64_t vsize) const {
        return static_cast<int64_t>((__int128{per_kvb.value} * vsize + 999) / 1000);
    }
};

/// One waiting transaction, as it was when it was accepted.
struct MempoolEntry {
    TransactionRef tx;
    Amount fee;
    Amount modified_fee; ///< With what prioritisetransaction added.
    int64_t time = 0;    ///< When it came in, seconds.
    Height height;       ///< Of the tip then.
    int64_t sigop_cost = 0;
    int64_t vsize = 0; ///< Counting sigops where they weigh more (policy). Core: GetTxSize.
    bool spends_coinbase = false;
    consensus::SequenceLocks locks; ///< If any, it is checked again after a reorganisation.
    uint64_t sequence = 0;          ///< Order of entry.

    FeeRate feerate() const { return FeeRate::of(modified_fee, vsize); }
};

/// The waiting transactions and how they hang together. What may enter is decided in admission.h.
///
/// Invariants: no two entries spend the same output. Entries stay where they are in memory until
///   they are removed.
class Mempool {
public:
    explicit Mempool(consensus::OutPointHasher salt);

    const MempoolEntry* find(const Txid& txid) const;
    const MempoolEntry* find(const Wtxid& wtxid) const;

    /// The waiting transaction that spends `point`, or null.
    const MempoolEntry* spender(const OutPoint& point) const;

    /// The output of a waiting transaction; height: Chain::MEMPOOL_HEIGHT.
    std::optional<consensus::Coin> find_coin(const OutPoint& point) const;

    /// Everything, in any order.
    void visit(const std::function<void(const MempoolEntry&)>& visitor) const {
        for (const auto& [txid, entry] : entries_) visitor(entry);
    }

    /// Everything, best feerate first, parents before children.
    std::vector<const MempoolEntry*> in_mining_order() const;

    /// Waiting transactions that `entry` spends from, directly.
    std::vector<const MempoolEntry*> parents(const MempoolEntry& entry) const;
    /// Waiting transactions that spend from `entry`, directly.
    std::vector<const MempoolEntry*> children(const MempoolEntry& entry) const;
    /// All that `entry` depends on, without itself.
    std::vector<const MempoolEntry*> ancestors(const MempoolEntry& entry) const;
    /// All that depends on `entry`, without itself.
    std::vector<const MempoolEntry*> descendants(const MempoolEntry& entry) const;

    size_t size() const { return entries_.size(); }

    int64_t total_vsize() const { return total_vsize_; }

    Amount total_fee() const { return total_fee_; }

    size_t memory_bytes() const; ///< What the limit -maxmempool is held against.

    uint64_t sequence() const { return sequence_; } ///< Changes so far. Core: mempool_sequence.

    /// What prioritisetransaction added, for transactions that wait and those that may come.
    const std::map<Txid, Amount>& priorities() const { return priorities_; }

    Amount priority(const Txid& txid) const;

    /// The entry of the lowest feerate on which no other depends: the first to go. Null if empty.
    const MempoolEntry* cheapest_leaf() const;
    /// The entry that has been here longest. Null if empty.
    const MempoolEntry* oldest() const;

    /// Chain thread only, under the commit lock: /////////////////////////////////////////////

    /// Add; its parents, if they wait, are here already and nothing here spends what it spends.
    const MempoolEntry& add(MempoolEntry entry);
    /// Take out `txid` alone (it was confirmed); its children stay.
    void remove(const Txid& txid);
    /// Take out `txid` and all that depends on it; returns what went, children last.
    std::vector<TransactionRef> remove_with_descendants(const Txid& txid);
    /// Count `delta` (the sum with what was given before) into the fee of `txid`.
    /// Beyond all the money there is, in either direction, nothing is added any more.
    void prioritise(const Txid& txid, Amount delta);

private:
    struct BetterFeerate {
        bool operator()(const MempoolEntry* a, const MempoolEntry* b) const;
    };

    struct Older {
        bool operator()(const MempoolEntry* a, const MempoolEntry* b) const;
    };

    using Entries = std::unordered_map<Txid, MempoolEntry, consensus::SaltedHasher>;
    Entries entries_;
    std::unordered_map<Wtxid, const MempoolEntry*, consensus::SaltedHasher> by_wtxid_;
    std::unordered_map<OutPoint, const MempoolEntry*, consensus::OutPointHasher> spenders_;
    std::set<const MempoolEntry*, BetterFeerate> by_feerate_;
    std::set<const MempoolEntry*, Older> by_age_;
    std::map<Txid, Amount> priorities_;
    int64_t total_vsize_ = 0;
    Amount total_fee_;
    size_t heap_bytes_ = 0;
    uint64_t sequence_ = 1;
};

/// A shared lock on the mempool, and the mempool. The chain's commits wait for it: hold it as long
/// as it takes to copy what is needed, and never two in one thread.
class MempoolReader {
public:
    MempoolReader(std::shared_lock<FairSharedMutex> lock, const Mempool& pool)
        : lock_(std::move(lock)),
          pool_(&pool) {}

    const Mempool& operator*() const { return *pool_; }

    const Mempool* operator->() const { return pool_; }

private:
    std::shared_lock<FairSharedMutex> lock_;
    const Mempool* pool_;
};

} // namespace cairn::chain
