// SPDX-License-Identifier: MIT
// The database under the store: opened, and where it can't be, set right.
#pragma once

#include "chain/fail_stop.h"
#include "chain/store.h"

#include <rocksdb/db.h>

#include <atomic>
#include <future>
#include <mutex>
#include <string_view>

namespace cairn::chain {

using rocksdb::Slice;
using rocksdb::Status;

// Keys of the meta column that both halves of the store know:
constexpr const char* REBUILD_KEY = "rebuild";     ///< There while rebuilding().
constexpr const char* EXCHANGED_KEY = "exchanged"; ///< There while the columns of coins are.
constexpr const char* SNAPSHOT_KEY = "snapshot";   ///< A block, while the coins are not validated.

/// A file is gone, or not what was written: other than a disk that fails just now.
bool is_damage(const Status& status);

/// Throws StorageError for all but success.
void check(const Status& status, std::string_view what);

template <class T>
T decoded(consensus::Result<T> result, std::string_view what) {
    if (!result) damaged(what);
    return std::move(*result);
}

rocksdb::WriteOptions synced();

/// With those above it. Throws StorageError.
void make_directory(const std::filesystem::path& path);

/// RocksDB with our columns.
struct Store::Impl {
    StoreOptions options;
    std::shared_ptr<FailStop> disk;
    std::unique_ptr<rocksdb::Env> env; ///< On that disk.
    std::unique_ptr<rocksdb::DB> db;
    std::vector<rocksdb::ColumnFamilyHandle*> columns;
    bool rebuilding = false;
    std::atomic<bool> exchanged{false}; ///< The active coins are in OtherCoins.
    std::optional<BlockHash> snapshot;

    std::mutex beside_mutex;
    std::shared_future<void> beside; ///< Of write_beside().
    std::shared_mutex writing;       ///< Of about_to_write().

    ~Impl() {
        beside = {}; // waits
        close();
    }

    void join_write() {
        std::unique_lock lock(beside_mutex);
        const std::shared_future<void> running = beside;
        lock.unlock();
        if (running.valid()) running.get();
    }

    /// What is told to be there, though it may be on its way.
    std::optional<rocksdb::PinnableSlice>
    get_body(Column of, Slice key, const rocksdb::ReadOptions& read = {}) {
        if (auto value = get(column(of), key, read)) return value;
        writing.lock_shared();
        writing.unlock_shared();
        join_write();
        return get(column(of), key, read);
    }

    rocksdb::ColumnFamilyHandle* column(Column column) const {
        return columns[static_cast<size_t>(column)];
    }

    rocksdb::ColumnFamilyHandle* coins(CoinSet set) const {
        return column((set == CoinSet::Active) == exchanged ? Column::OtherCoins : Column::Coins);
    }

    std::optional<rocksdb::PinnableSlice> get(Column from, const Slice& key) const {
        return get(column(from), key);
    }

    std::optional<rocksdb::PinnableSlice>
    get(rocksdb::ColumnFamilyHandle* from,
        const Slice& key,
        const rocksdb::ReadOptions& how = {}) const {
        rocksdb::PinnableSlice value;
        const Status status = db->Get(how, from, key, &value);
        if (status.IsNotFound()) return std::nullopt;
        check(status, "read failed");
        return value;
    }

    void write(const rocksdb::WriteOptions& how, rocksdb::WriteBatch& batch) const;
    void start(const consensus::Params& params);
    void open(bool salvage);
    void close();
    uint64_t disk_bytes(Column of) const;
    bool is_current(const consensus::Params& params) const;
    std::vector<rocksdb::LiveFileMetaData> tables(Column of) const;
    void check_tables(Column of) const;
    void drop_all_but_bodies();
    void set_aside();
    void save_bodies();
    void drop_unfinished_tables() const;

    /// What `disk` is on.
    rocksdb::Env* below() const { return options.env ? options.env : rocksdb::Env::Default(); }

    std::filesystem::path ingest_directory() const { return options.directory / "ingest"; }

    /// Where a store waits whose bodies are to be saved.
    std::filesystem::path damaged_directory() const {
        return options.directory.string() + ".damaged";
    }
};

} // namespace cairn::chain
