// SPDX-License-Identifier: MIT
// Transactions that wait for a block. Owned by the chain thread; readers hold a shared lock that
// the chain thread takes for itself only while it commits (chain.h, Chain::mempool()).
#pragma once

#include "chain/fair_shared_mutex.h"
#include "chain/mempool_entry.h"
#include "chain/slot_table.h"

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <shared_mutex>
#include <span>
#include <vector>

namespace cairn::chain {

/// What is to come and to go at once.
struct MempoolChange {
    std::vector<const MempoolEntry*> added; ///< Not in the mempool; parents first.
    /// With all that depends on them; or they are confirmed, and then with all they depend on.
    std::vector<const MempoolEntry*> removed;
};

/// What a block takes out of the mempool.
struct BlockImpact {
    uint64_t sequence = 0; ///< Of the mempool for which this was found.
    size_t looked_up = 0;  ///< Of the block's transactions, the first ones.
    std::vector<const MempoolEntry*> confirmed;
    std::vector<uint32_t> hashes;               ///< Of what these are found by; remove()'s own.
    std::vector<const MempoolEntry*> conflicts; ///< They spend what the block spends.
    /// By its place in the block, of all or of none: it waited with this very witness. So its
    /// scripts are valid under STANDARD_FLAGS, whatever becomes of it. Read at any time, anywhere.
    std::vector<std::atomic<bool>> verified;
};

/// The waiting transactions and how they hang together. What may enter is decided in admission.h.
///
/// Those that hang together, however far, are a cluster, kept in a good order with its chunks.
/// Mining takes chunk by chunk, the best first; eviction, from the other end.
///
/// Invariants: no two entries spend the same output. Entries stay where they are in memory until
///   they are removed. No cluster has more than MAX_LINEARIZED transactions.
class Mempool {
public:
    /// `max_splits`: of linearize(), each time that a cluster changes.
    explicit Mempool(consensus::OutPointHasher salt, int max_splits = MAX_SPLITS);

    ~Mempool();

    Mempool(const Mempool&) = delete;
    Mempool& operator=(const Mempool&) = delete;

    const MempoolEntry* find(const Txid& txid) const;
    const MempoolEntry* find(const Wtxid& wtxid) const;

    /// The waiting transaction that spends `point`, or null.
    const MempoolEntry* spender(const OutPoint& point) const;

    /// The output of a waiting transaction; height: Chain::MEMPOOL_HEIGHT.
    std::optional<consensus::Coin> find_coin(const OutPoint& point) const;

    /// Everything, in any order.
    void visit(const std::function<void(const MempoolEntry&)>& visitor) const {
        for (const MempoolEntry& entry : by_age_) visitor(entry);
    }

    using Entries = std::vector<const MempoolEntry*>;
    using Index = SlotTable<const MempoolEntry*, nullptr>;

    /// Everything, best chunk first, parents before children.
    Entries in_mining_order() const;
    /// Call `visitor` with each chunk, best first, as long as it returns true.
    void visit_chunks(const std::function<bool(const Entries&)>& visitor) const;
    /// The last to be mined, and the first to go. Empty if all is.
    Entries worst_chunk() const;
    /// All that hangs together with `entry`, in mining order, itself included.
    static Entries cluster(const MempoolEntry& entry);
    /// Its chunk, in mining order.
    static Entries chunk(const MempoolEntry& entry);

    /// Whether no order of any cluster could be better.
    bool optimal() const { return unproven_.empty(); }

    /// The clusters that `change` would touch, as they would be afterwards, the smallest first: so
    /// a few hard ones don't take all the time there is from the others.
    std::vector<Entries> clusters_after(const MempoolChange& change) const;
    /// The worst of `clusters`, as far as they are larger than that, with all that depends on it.
    static Entries excess(const std::vector<Entries>& clusters, size_t count, int64_t weight);

    /// How long clusters that change together may be ordered anew: some 25 ms if they are the
    /// hardest, beside 0.1 ms to load each. Whose transaction or block touches hundreds must not
    /// choose how long that takes. What is left over keeps the order it had, for go_on().
    struct Effort {
        /// Left: a split of linearize() takes as much as the cluster has members.
        int64_t work = 0;
    };

    Effort effort_for_a_change() const;

    /// Whether mining is better at some point and nowhere worse with clusters `after` the change.
    bool
    improves(const MempoolChange& change, const std::vector<Entries>& after, Effort& effort) const;

    /// Waiting transactions that `entry` spends from, directly.
    Entries parents(const MempoolEntry& entry) const;
    /// Waiting transactions that spend from `entry`, directly.
    Entries children(const MempoolEntry& entry) const;
    /// All that `entry` depends on, without itself.
    Entries ancestors(const MempoolEntry& entry) const;
    /// All that depends on `entry`, without itself.
    Entries descendants(const MempoolEntry& entry) const;
    /// `entries`, each once, and all that depends on them.
    Entries with_descendants(const Entries& entries) const;

    size_t size() const { return by_age_.size(); }

    int64_t total_vsize() const { return total_vsize_; }

    Amount total_fee() const { return total_fee_; }

    size_t memory_bytes() const; ///< What the limit -maxmempool is held against.

    uint64_t sequence() const { return sequence_; } ///< Changes so far. Core: mempool_sequence.

    /// What prioritisetransaction added, for transactions that wait and those that may come.
    const std::map<Txid, Amount>& priorities() const { return priorities_; }

    Amount priority(const Txid& txid) const;

    /// The entry that has been here longest. Null if empty.
    const MempoolEntry* oldest() const;
    /// Up to `count` that came in after `last`, a copy of an entry that may be gone; from the first
    /// on if null. For who looks at all, a few at a time, the oldest first.
    Entries younger_than(const MempoolEntry* last, size_t count) const;

    /// Go on with `impact` for up to `count` more of the transactions of `block`; from its first on
    /// if the mempool has changed.
    void look_up(const consensus::Block& block, BlockImpact& impact, size_t count) const;

    /// Chain thread only, under the commit lock: /////////////////////////////////////////////

    /// Add; its parents, if they wait, are here already and nothing here spends what it spends.
    /// Requires: its cluster doesn't become larger than MAX_LINEARIZED.
    const MempoolEntry& add(MempoolEntry entry);

    /// Take `entries` out, as MempoolChange::removed says.
    void remove(const Entries& entries, Effort& effort);

    /// The same for what a block confirms. Requires: `impact` is of this sequence().
    void remove_confirmed(const BlockImpact& impact, Effort& effort) {
        remove(impact.confirmed, impact.hashes, effort);
    }

    /// Look longer for the best order of clusters for which there was no time when they changed.
    void go_on();
    /// Count `delta` (the sum with what was given before) into the fee of `txid`.
    /// Beyond all the money there is, in either direction, nothing is added any more.
    void prioritise(const Txid& txid, Amount delta);

private:
    template <class Compare, OrderHook MempoolEntry::*Hook>
    using Order = boost::intrusive::set<
        MempoolEntry,
        boost::intrusive::compare<Compare>,
        boost::intrusive::member_hook<MempoolEntry, OrderHook, Hook>>;

    uint32_t hash_of(const consensus::Hash256& id) const {
        return static_cast<uint32_t>(consensus::SaltedHasher{salt_.key0, salt_.key1}(id));
    }

    uint32_t hash_of(const OutPoint& point) const { return static_cast<uint32_t>(salt_(point)); }

    /// Have the processor load what find() and remove() will look at for a few.
    void prefetch(std::span<const consensus::SealedTransaction> wanted) const;
    /// Add the hashes by which the indexes have `tx`: of txid, wtxid and each prevout.
    void add_hashes(const consensus::SealedTransaction& tx, std::vector<uint32_t>& hashes) const;
    void remove(const Entries& entries, std::span<const uint32_t> hashes, Effort& effort);
    /// Take a few out of the indexes, and their hashes off `hashes`.
    void drop(std::span<const MempoolEntry* const> entries, std::span<const uint32_t>& hashes);
    /// Those that hang together with what comes or goes, by the first of each, oldest first.
    Entries clusters_touched(const MempoolChange& change) const;
    /// Take the chunks of this cluster out of the mining order: it will change.
    void lift(const MempoolEntry& entry);
    /// The best order for `cluster`, as far as it can be found out; `cluster` is one to start from.
    static Linearization linearization_of(const Entries& cluster, int max_splits, Effort& effort);
    /// Bring a cluster, whose chunks aren't in it, into the mining order.
    void settle(const Entries& cluster, int max_splits, Effort& effort);

    const int max_splits_;
    const consensus::OutPointHasher salt_;
    Index by_txid_;
    Index by_wtxid_;
    Index spenders_; ///< By each outpoint that an entry spends.
    Order<BetterChunk, &MempoolEntry::in_mining_order> chunks_; ///< The first of each.
    Order<Older, &MempoolEntry::in_age_order> by_age_;          ///< Owns the entries.
    std::set<const MempoolEntry*> unproven_; ///< The first of each cluster that may not be optimal.
    const MempoolEntry* went_on_ = nullptr;  ///< The last one that go_on() looked at; may be gone.
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
