// SPDX-License-Identifier: MIT
// The one owner of RocksDB: what is kept on disk, under which keys, and in which order it gets
// there. chain/README.md has the table of keys and values.
#pragma once

#include "chain/block_node.h"
#include "chain/coin_cursor.h"
#include "chain/undo.h"
#include "consensus/params.h"

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <span>
#include <stdexcept>

namespace rocksdb {
class Env;
class WriteBatch;
} // namespace rocksdb

namespace cairn::chain {

using consensus::Bytes;
using consensus::ByteView;
using consensus::Hash256;
using consensus::OutPoint;

/// The disk failed, is full, or holds what this program can't read. The process stops.
struct StorageError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// What is on disk can't be. Throws StorageError, which says so and what to do.
[[noreturn]] void damaged(std::string_view what);

/// One column family each; the keys and values of all are in chain/README.md.
enum class Column : uint8_t {
    Meta,
    Headers,
    Blocks,
    Undo,
    Coins,
    Events,
    OtherCoins,
    // Indexes (index_table.h):
    Filters,
    Transactions,
    Spenders,
    CoinStatistics,
    Addresses,
};

constexpr size_t COLUMN_COUNT = 12;

/// Which coins: those of the tip, or those beside them, while a snapshot is read (then these are
/// its) or validated (then these are what the blocks before it lead to).
enum class CoinSet : uint8_t { Active, Other };

/// What changes the meaning of anything on disk raises this.
constexpr uint32_t STORE_FORMAT = 2;

/// The block that the stored coins are those of. Written with every change of them.
struct TipRecord {
    BlockHash hash;
    Height height;
    uint64_t next_event = 0; ///< What happened from this event on is not in them.

    static void wire(auto&& codec, auto& tip) { codec(tip.hash, tip.height, tip.next_event); }
};

/// A header and what is known of its block.
struct HeaderRecord {
    consensus::BlockHeader header;
    uint32_t status = 0; ///< Bits of BlockNode::Status, FAILED_ANCESTOR left out: it follows.
    uint32_t tx_count = 0;

    static void wire(auto&& codec, auto& record) {
        codec(record.header, record.status, record.tx_count);
    }
};

/// A block that joined or left the active chain, for consumers that must miss none.
struct Event {
    enum class Kind : uint8_t { Connected = 0, Disconnected = 1 };
    Kind kind = Kind::Connected;
    Height height;
    BlockHash hash;
    BlockHash previous;
    Hash256 work; ///< Of the chain to this block, least significant byte first.

    bool operator==(const Event&) const = default;

    const BlockHash& tip() const { return kind == Kind::Connected ? hash : previous; }

    static void wire(auto&& codec, auto& event) {
        codec(event.kind, event.height, event.hash, event.previous, event.work);
    }
};

/// A coin that is there now or, if null, no more.
struct CoinChange {
    const OutPoint& point;
    const Coin* coin = nullptr;
};

/// Changes by the thousand: `visit` gives those whose txid begins with a byte of [first, last] to
/// `put`, in the order of their keys (coin_key_less). Thread: any, several at once.
struct CoinChanges {
    size_t count = 0;
    std::function<void(
        uint8_t first, uint8_t last, const std::function<void(const CoinChange&)>& put)>
        visit;
};

/// Changes that reach the disk together or not at all.
class StoreBatch {
public:
    /// Made for so many bytes: to grow means to copy all of a block again.
    explicit StoreBatch(size_t expected_bytes = 0);
    ~StoreBatch();
    StoreBatch(StoreBatch&&) noexcept;
    StoreBatch& operator=(StoreBatch&&) noexcept;

    bool empty() const;

private:
    friend class Store;
    std::unique_ptr<rocksdb::WriteBatch> batch_;
};

/// Entries of a column of an index, gathered to be written at once.
class Entries {
public:
    void put(ByteView key, ByteView value);
    /// By their keys; of equal ones the later comes later.
    void sort();

    size_t bytes() const { return bytes_.size(); }

    /// In the order in which they were put, or sorted.
    void visit(const std::function<void(ByteView key, ByteView value)>& visit) const;

private:
    friend class Store;

    struct Entry {
        size_t at; ///< In `bytes_`, key before value.
        uint32_t key_size;
        uint32_t value_size;
    };

    ByteView key(const Entry& entry) const { return {&bytes_[entry.at], entry.key_size}; }

    ByteView value(const Entry& entry) const {
        return ByteView(bytes_).subspan(entry.at + entry.key_size, entry.value_size);
    }

    Bytes bytes_;
    std::vector<Entry> entries_;
};

/// How sure a write must be when the call returns.
enum class Durability : uint8_t {
    Unlogged, ///< Lost by any crash before flush_bodies().
    Logged,   ///< Survives a crash of the process; lost by a power cut.
    Synced,   ///< Survives a power cut, with everything Logged before it.
};

/// Where a store is, and how it is opened.
struct StoreOptions {
    std::filesystem::path directory; ///< For RocksDB alone.
    size_t cache_bytes = 1 << 20;    ///< Of blocks of the database kept in memory.
    bool rebuild = false;            ///< Keep the bodies only, as many as can be read.
    rocksdb::Env* env = nullptr;     ///< If not the system's.
};

/// Everything that is on disk. Every function throws StorageError where the disk fails or holds
/// what cannot be.
///
/// Thread: writes by the chain thread, flush_bodies() and ingest_coins() also by one beside it,
/// each index by one at a time of theirs, which calls ingest(); reads by any.
class Store {
public:
    /// Throws StorageError also where another process has it open, or it is of a newer format or
    /// another chain. One of an older format is rebuilt.
    Store(StoreOptions options, const consensus::Params& params);
    ~Store();
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;

    /// Only the bodies are left, and all else is to be made of them; so at each start, until
    /// rebuilt() is called.
    bool rebuilding() const;
    void rebuilt();

    void put_header(StoreBatch& batch, const BlockNode& node) const;
    void put_block(StoreBatch& batch, const BlockNode& node, ByteView block) const;
    void put_undo(StoreBatch& batch, const BlockNode& node, const BlockUndo& undo) const;
    void put_event(StoreBatch& batch, uint64_t number, const Event& event) const;
    /// From now on the events before this one count, though the coins on disk may be older.
    void put_log_end(StoreBatch& batch, uint64_t next_event) const;

    /// Blocks and undo data up to `last`.
    void erase_bodies(StoreBatch& batch, Height last) const;

    // In the column of an index, by whatever keys it has:
    void put(StoreBatch& batch, Column column, ByteView key, ByteView value) const;
    void erase(StoreBatch& batch, Column column, ByteView key) const;

    void write(StoreBatch& batch, Durability durability);

    /// To be held from before a block is told to be on disk, or what it spent, until it is there:
    /// who finds it missing waits for that. Nobody who reads bodies may hold what its holder waits
    /// for, such as the chain's commit lock.
    [[nodiscard]] std::unique_lock<std::shared_mutex> about_to_write();

    /// Complete it and write it (Logged) on another thread. The next write, and who finds no body,
    /// waits for that, and throws what it failed with.
    void write_beside(StoreBatch batch, std::function<void(StoreBatch&)> complete);

    /// Bring Unlogged blocks, undo data and events to the disk.
    void flush_bodies();

    /// Give the space of erased bodies, those up to `last`, back to the file system.
    void reclaim(Height last);

    /// Replace many coins and the tip at once, atomically and synced, by way of table files: for
    /// what would not fit into a batch. Each is visited once.
    void
    ingest_coins(const TipRecord& tip, const CoinChanges& changes, CoinSet set = CoinSet::Active);

    /// Put entries into the column of an index as ingest_coins() does: keys in no order would cost
    /// a batch several times as much. Each of `runs` is sorted; of equal keys the last one counts.
    void ingest(Column column, std::span<const Entries> runs);

    /// Have the two sets change places, together with `batch`: `tip` is that of the new active one,
    /// `snapshot` the block of the snapshot that it is, if it isn't validated yet.
    void exchange_coins(
        StoreBatch& batch, const TipRecord& tip, const std::optional<BlockHash>& snapshot);

    /// nullopt: the active coins follow from the blocks.
    const std::optional<BlockHash>& snapshot() const;

    /// Whatever snapshot the active coins were, they need not be validated (any more).
    void drop_other_coins();

    std::optional<TipRecord> tip(CoinSet set = CoinSet::Active) const; ///< nullopt in a new store.
    /// Every header, parents first.
    void
    load_headers(const std::function<void(const HeaderRecord&, const BlockHash&)>& visit) const;
    /// The bodies by height, as they were stored; what the disk gives back damaged is left out.
    /// Ends early when `visit` returns false.
    void visit_blocks(const std::function<bool(ByteView block)>& visit) const;
    size_t block_count() const; ///< About.
    std::optional<Coin> find_coin(const OutPoint& point, CoinSet set = CoinSet::Active) const;
    /// Those of `points` that are there; faster than one after the other.
    std::vector<std::pair<OutPoint, Coin>> find_coins(std::vector<OutPoint> points) const;
    /// All coins by key, as they are now, whatever is written meanwhile. The store outlives it.
    CoinCursor coins(CoinSet set = CoinSet::Active) const;
    /// Empty if it isn't there. Not `checked`: without its checksum, for who checks otherwise.
    Bytes read_block(const BlockNode& node, bool checked = true) const;
    std::optional<BlockUndo> read_undo(const BlockNode& node) const;
    std::optional<Event> read_event(uint64_t number) const;
    uint64_t log_end() const; ///< As put last, or 0.
    std::optional<Bytes> get(Column column, ByteView key) const;
    /// All whose keys begin with `prefix`, in order or against it, until `visit` returns false.
    void visit(
        Column column,
        ByteView prefix,
        const std::function<bool(ByteView key, ByteView value)>& visit,
        bool backwards = false) const;
    uint64_t disk_bytes() const;
    uint64_t body_bytes() const; ///< Of them for blocks and undo data.
    uint64_t coin_bytes() const; ///< Of them for coins, about.

private:
    void write_now(StoreBatch& batch, Durability durability);

    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// The order of coins on disk.
bool coin_key_less(const OutPoint& a, const OutPoint& b);

} // namespace cairn::chain
