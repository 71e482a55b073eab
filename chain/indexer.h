// SPDX-License-Identifier: MIT
// Keeps the indexes (index_table.h) beside the chain, on a thread of its own: validation never
// waits for them. Where to go on is written in one batch with what was made of a block.
#pragma once

#include "chain/index_table.h"

#include <condition_variable>
#include <map>
#include <thread>

namespace cairn::chain {

/// Follows Chainstate::indexable(), in which no crash changes anything, so that an index is never
/// ahead of the chain on disk. An index that is behind builds itself up to there, whenever it was
/// switched on. A block that left the chain is taken back once another block takes its place: until
/// then it may come again. (Core does the same, and tests tell.)
///
/// Invariants: an index is what the chain to its best block makes of it, but for records of blocks,
///   which stay. What it needs yet isn't pruned.
/// Thread: its own; the public functions any.
class Indexer {
public:
    /// `fail`: called, on any thread, if the disk fails. Throws StorageError if blocks that an
    /// index needs are pruned.
    Indexer(Chainstate& chainstate, std::function<void(const std::string&)> fail);
    ~Indexer();
    Indexer(const Indexer&) = delete;
    Indexer& operator=(const Indexer&) = delete;

    void start();
    void stop();

    /// How far an index is.
    struct Status {
        std::string_view name;
        bool synced;           ///< It follows the tip.
        const BlockNode* best; ///< The last block that is in it; null if there is none yet.

        Height height() const { return best ? best->height : Height(0); }
    };

    /// Of those that are switched on, in the order of the table.
    std::vector<Status> status() const;

    bool enabled(IndexId id) const { return index(id).enabled; }

    Status status(IndexId id) const;

    /// Wait until the index is as far as the tip; false at once if it isn't synced.
    bool catch_up(IndexId id) const;
    bool must_catch_up(IndexId id) const; ///< Whether that would wait.

    // Look-ups in an index that is enabled. Throw StorageError ////////////////////////////////////

    /// Of a block that is or was in the chain; waits for it as catch_up() does.
    std::optional<FilterEntry> filter(const BlockNode& node) const;
    std::optional<Hash256> filter_hash(const BlockNode& node) const; ///< Without reading it whole.
    std::optional<BlockCoins> coins(const BlockNode& node) const;

    /// The block that holds a transaction; null if none does.
    const BlockNode* find_transaction(const Txid& txid) const;

    /// What spent an output, and the block that holds it.
    struct Spent {
        Txid spender;
        const BlockNode* node;
    };

    std::optional<Spent> find_spender(const OutPoint& point) const;

    /// What a transaction did to the coins of a script.
    struct AddressEntry {
        const BlockNode* node;
        AddressRecord record;
    };

    /// The latest of them, but for `skip`, `count` at most; latest first. `tip`: set to the block
    /// that they are as of.
    std::vector<AddressEntry> address_history(
        const consensus::Script& script, size_t skip, size_t count, const BlockNode*& tip) const;

    /// All coins of a script.
    struct AddressCoins {
        struct Made {
            Height height;
            bool coinbase;
            Amount value;
        };

        const BlockNode* tip = nullptr; ///< As of this block.
        std::map<OutPoint, Made> unspent;
    };

    /// Memory: for the coins that it had at once.
    AddressCoins address_coins(const consensus::Script& script) const;

    /// What became of a script, summed up.
    struct AddressTotals {
        const BlockNode* tip = nullptr; ///< As of this block.
        Amount balance;
        Amount received;          ///< All that ever was.
        int64_t unspent = 0;      ///< Coins that are left.
        int64_t transactions = 0; ///< That paid to it or spent from it.
    };

    AddressTotals address_totals(const consensus::Script& script) const;

private:
    struct Index {
        const IndexRow* row = nullptr;
        bool enabled = false;
        std::atomic<const BlockNode*> best{nullptr};
        std::atomic<bool> synced{false}; ///< Has reached the tip since the start.
    };

    using Group = std::vector<Index*>;

    /// What blocks add to each index of a group.
    using Prepared = std::vector<IndexedEntries>;

    struct Gathered;

    const Index& index(IndexId id) const { return indexes_[static_cast<size_t>(id)]; }

    void load(Index& index);
    bool is_current(Index& index) const;
    void run();
    bool step();
    void add(const Group& group, const BlockNode& last);
    Prepared prepare(const Group& group, const BlockNode& node) const;
    void complete(
        const Group& group,
        const BlockNode& node,
        Prepared& prepared,
        std::vector<Bytes>& records) const;
    void commit(const Group& group, const BlockNode& node, Gathered gathered);
    void take_back(Index& index);
    void limit_pruning() const;
    Status status_of(const Index& index) const;
    bool at_tip(const Index& index) const;
    const BlockNode* as_of(const BlockNode* best) const;
    std::optional<Bytes> record(IndexId id, const BlockNode& node) const;
    template <class Read>
    auto look_up(IndexId id, Read read) const;
    template <class Visit>
    void visit_address(
        const consensus::Script& script, const BlockNode& tip, bool backwards, Visit visit) const;
    template <class Read>
    auto from_disk(Read read) const;

    Chainstate& chainstate_;
    std::function<void(const std::string&)> fail_;
    std::array<Index, std::tuple_size_v<std::remove_cvref_t<decltype(index_table())>>> indexes_;
    std::atomic<bool> stopping_{false};
    mutable std::mutex mutex_; ///< Of moved_, no more.
    mutable std::condition_variable moved_;
    std::thread thread_;
};

} // namespace cairn::chain
