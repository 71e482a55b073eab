// SPDX-License-Identifier: MIT
// A disk that stops as a whole once the database's log can't be written: under RocksDB, in place of
// the system's file system.
#pragma once

#include <rocksdb/file_system.h>

#include <mutex>

namespace cairn::chain {

/// Keeps from RocksDB that its write-ahead log failed, and lets it write nothing any more, so that
/// what is on disk stays as a crash at that moment would leave it. The store asks for failure()
/// after each write.
///
/// Why: where the log failed for one thread, the next that comes to it ends the process by an
/// assertion of 7.8's, which Debian's build has, and nobody is told of a full disk.
///
/// Thread: any.
class FailStop : public rocksdb::FileSystemWrapper {
public:
    using FileSystemWrapper::FileSystemWrapper;

    const char* Name() const override { return "FailStop"; }

    /// What the log failed with first; OK: nothing.
    rocksdb::IOStatus failure() const;

    rocksdb::IOStatus NewWritableFile(
        const std::string& path,
        const rocksdb::FileOptions& options,
        std::unique_ptr<rocksdb::FSWritableFile>* file,
        rocksdb::IODebugContext* debug) override;
    rocksdb::IOStatus RenameFile(
        const std::string& from,
        const std::string& to,
        const rocksdb::IOOptions& options,
        rocksdb::IODebugContext* debug) override;

    /// For the files it hands out.
    void log_failed(const rocksdb::IOStatus& with);

private:
    mutable std::mutex mutex_;
    rocksdb::IOStatus failure_;
};

} // namespace cairn::chain
