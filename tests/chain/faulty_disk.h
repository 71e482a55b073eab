// SPDX-License-Identifier: MIT
// A disk that can lose its power, and what was not synced with it, refuse to write or read, or give
// back a wrong bit: under RocksDB, in place of the system's file system.
#pragma once

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <random>

namespace cairn::tests {

/// Counts what is asked of the disk, and does the damage when its moment comes.
///
/// What would survive a power cut is kept as hard links in a folder beside the directory: its
/// entries as of its last sync. Of each file it knows how much was synced.
/// Thread: any.
class FaultyDisk : public rocksdb::FileSystemWrapper {
public:
    enum class Fault : uint8_t {
        PowerCut,   ///< From now on nothing works; restart() finds what was synced.
        FullDisk,   ///< From now on no write works, but for half of what it was to add to a file.
        FailedRead, ///< From now on no read works.
        FlippedBit, ///< One read gives back a wrong bit.
    };

    /// `directory`: of the one database on this disk.
    FaultyDisk(std::filesystem::path directory, uint64_t seed);

    /// Let `fault` happen after `operations` more.
    void schedule(Fault fault, uint64_t operations);
    /// Have `on_read` called before each read, `on_table` before a table is made and `on_write`
    /// before anything is written or synced, each on the thread that does it, which may be held up
    /// so. Empty ones: nothing is.
    void watch(
        std::function<void()> on_read,
        std::function<void()> on_table,
        std::function<void()> on_write = {});
    /// Whether the fault came.
    bool struck() const;
    /// No fault any more, after a power cut without what was not synced. Requires: no file is open.
    void restart();

    const char* Name() const override { return "FaultyDisk"; }

    rocksdb::IOStatus NewWritableFile(
        const std::string& path,
        const rocksdb::FileOptions& options,
        std::unique_ptr<rocksdb::FSWritableFile>* file,
        rocksdb::IODebugContext* debug) override;
    rocksdb::IOStatus NewSequentialFile(
        const std::string& path,
        const rocksdb::FileOptions& options,
        std::unique_ptr<rocksdb::FSSequentialFile>* file,
        rocksdb::IODebugContext* debug) override;
    rocksdb::IOStatus NewRandomAccessFile(
        const std::string& path,
        const rocksdb::FileOptions& options,
        std::unique_ptr<rocksdb::FSRandomAccessFile>* file,
        rocksdb::IODebugContext* debug) override;
    rocksdb::IOStatus NewDirectory(
        const std::string& path,
        const rocksdb::IOOptions& options,
        std::unique_ptr<rocksdb::FSDirectory>* directory,
        rocksdb::IODebugContext* debug) override;
    rocksdb::IOStatus RenameFile(
        const std::string& from,
        const std::string& to,
        const rocksdb::IOOptions& options,
        rocksdb::IODebugContext* debug) override;
    rocksdb::IOStatus DeleteFile(
        const std::string& path,
        const rocksdb::IOOptions& options,
        rocksdb::IODebugContext* debug) override;

    // For the files it hands out:
    rocksdb::IOStatus before_write();
    rocksdb::IOStatus before_read();
    /// Whether it spoilt them.
    bool after_read(const rocksdb::Slice& bytes);
    void file_synced(ino_t file, uint64_t bytes);
    void directory_synced(const std::string& path);

private:
    void tell(const std::function<void()>& watcher) const;
    rocksdb::IOStatus fail_if(bool hit, const rocksdb::IOStatus& with);
    void link_all(const std::filesystem::path& from, const std::filesystem::path& to) const;

    std::filesystem::path directory_;
    std::filesystem::path survivors_;
    mutable std::mutex mutex_;
    std::mt19937_64 random_;
    std::optional<Fault> fault_;
    uint64_t left_ = 0;
    bool struck_ = false;
    std::function<void()> on_read_;
    std::function<void()> on_table_;
    std::function<void()> on_write_;
    std::map<ino_t, uint64_t> synced_bytes_; ///< Of the files written since the last start.
};

} // namespace cairn::tests
