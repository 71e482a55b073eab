// SPDX-License-Identifier: MIT
#include "chain/fail_stop.h"

namespace cairn::chain {

using rocksdb::DataVerificationInfo;
using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

namespace {

/// A file of the database that refuses to be written once the log failed, or a file of that log,
/// which then seems to be written.
class File : public rocksdb::FSWritableFileOwnerWrapper {
public:
    File(std::unique_ptr<rocksdb::FSWritableFile> file, FailStop& disk, bool is_log)
        : FSWritableFileOwnerWrapper(std::move(file)),
          disk_(disk),
          is_log_(is_log) {}

    IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
        return guarded([&] { return FSWritableFileOwnerWrapper::Append(data, options, debug); });
    }

    IOStatus Append(
        const Slice& data,
        const IOOptions& options,
        const DataVerificationInfo& verification,
        IODebugContext* debug) override {
        return guarded(
            [&] { return FSWritableFileOwnerWrapper::Append(data, options, verification, debug); });
    }

    IOStatus Flush(const IOOptions& options, IODebugContext* debug) override {
        return guarded([&] { return FSWritableFileOwnerWrapper::Flush(options, debug); });
    }

    IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
        return guarded([&] { return FSWritableFileOwnerWrapper::Sync(options, debug); });
    }

    IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
        return guarded([&] { return FSWritableFileOwnerWrapper::Fsync(options, debug); });
    }

private:
    IOStatus guarded(const auto& write) {
        const IOStatus before = disk_.failure();
        if (!before.ok()) return is_log_ ? IOStatus::OK() : before;
        IOStatus status = write();
        if (status.ok() || !is_log_) return status;
        disk_.log_failed(status);
        return IOStatus::OK();
    }

    FailStop& disk_;
    bool is_log_;
};

} // namespace

IOStatus FailStop::failure() const {
    const std::lock_guard lock(mutex_);
    return failure_;
}

void FailStop::log_failed(const IOStatus& with) {
    const std::lock_guard lock(mutex_);
    if (failure_.ok()) failure_ = with;
}

IOStatus FailStop::NewWritableFile(
    const std::string& path,
    const FileOptions& options,
    std::unique_ptr<rocksdb::FSWritableFile>* file,
    IODebugContext* debug) {
    if (IOStatus status = failure(); !status.ok()) return status;
    std::unique_ptr<rocksdb::FSWritableFile> real;
    IOStatus status = FileSystemWrapper::NewWritableFile(path, options, &real, debug);
    if (status.ok()) *file = std::make_unique<File>(std::move(real), *this, path.ends_with(".log"));
    return status;
}

IOStatus FailStop::RenameFile(
    const std::string& from,
    const std::string& to,
    const IOOptions& options,
    IODebugContext* debug) {
    if (IOStatus status = failure(); !status.ok()) return status;
    return FileSystemWrapper::RenameFile(from, to, options, debug);
}

} // namespace cairn::chain
