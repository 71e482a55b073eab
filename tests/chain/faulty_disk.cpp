// SPDX-License-Identifier: MIT
#include "tests/chain/faulty_disk.h"

#include <set>
#include <sys/stat.h>

namespace cairn::tests {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

namespace fs = std::filesystem;

namespace {

ino_t inode_of(const fs::path& path) {
    struct stat state {};

    return stat(path.c_str(), &state) == 0 ? state.st_ino : 0;
}

class WritableFile : public rocksdb::FSWritableFileOwnerWrapper {
public:
    WritableFile(
        std::unique_ptr<rocksdb::FSWritableFile> file, FaultyDisk& disk, const std::string& path)
        : FSWritableFileOwnerWrapper(std::move(file)),
          disk_(disk),
          inode_(inode_of(path)) {
        disk_.file_synced(inode_, 0);
    }

    IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
        if (IOStatus status = disk_.before_write(); !status.ok()) {
            const Slice fits(data.data(), status.IsNoSpace() ? data.size() / 2 : 0);
            (void)FSWritableFileOwnerWrapper::Append(fits, options, debug);
            return status;
        }
        size_ += data.size();
        return FSWritableFileOwnerWrapper::Append(data, options, debug);
    }

    IOStatus Append(
        const Slice& data,
        const IOOptions& options,
        const rocksdb::DataVerificationInfo& /*verification*/,
        IODebugContext* debug) override {
        return Append(data, options, debug);
    }

    IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
        if (IOStatus status = disk_.before_write(); !status.ok()) return status;
        const uint64_t size = size_;
        IOStatus status = FSWritableFileOwnerWrapper::Sync(options, debug);
        if (status.ok()) disk_.file_synced(inode_, size);
        return status;
    }

    IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
        return Sync(options, debug);
    }

private:
    FaultyDisk& disk_;
    ino_t inode_;
    std::atomic<uint64_t> size_{0};
};

class RandomAccessFile : public rocksdb::FSRandomAccessFileOwnerWrapper {
public:
    RandomAccessFile(
        std::unique_ptr<rocksdb::FSRandomAccessFile> file,
        FaultyDisk& disk,
        const std::string& path)
        : FSRandomAccessFileOwnerWrapper(std::move(file)),
          disk_(disk),
          caches_(path.find("/ingest/") != std::string::npos) {}

    IOStatus Read(
        uint64_t offset,
        size_t size,
        const IOOptions& options,
        Slice* result,
        char* scratch,
        IODebugContext* debug) const override {
        if (is_cached(offset, size))
            return FSRandomAccessFileOwnerWrapper::Read(
                offset, size, options, result, scratch, debug);
        if (IOStatus status = disk_.before_read(); !status.ok()) return status;
        IOStatus status =
            FSRandomAccessFileOwnerWrapper::Read(offset, size, options, result, scratch, debug);
        if (!disk_.after_read(*result)) cached(offset, size);
        return status;
    }

    IOStatus MultiRead(
        rocksdb::FSReadRequest* requests,
        size_t count,
        const IOOptions& options,
        IODebugContext* debug) override {
        for (rocksdb::FSReadRequest* at = requests; at != requests + count; ++at)
            at->status = Read(at->offset, at->len, options, &at->result, at->scratch, debug);
        return IOStatus::OK();
    }

private:
    static constexpr uint64_t PAGE = 4096;

    // What was read well once the system has in memory, for as long as a table is taken in: that
    // read can't fail any more.
    bool is_cached(uint64_t offset, size_t size) const {
        if (!caches_) return false;
        const std::lock_guard lock(mutex_);
        uint64_t page = offset / PAGE;
        while (page * PAGE < offset + size && pages_.contains(page)) ++page;
        return page * PAGE >= offset + size;
    }

    void cached(uint64_t offset, size_t size) const {
        const std::lock_guard lock(mutex_);
        for (uint64_t page = offset / PAGE; page * PAGE < offset + size; ++page)
            pages_.insert(page);
    }

    FaultyDisk& disk_;
    const bool caches_;
    mutable std::mutex mutex_;
    mutable std::set<uint64_t> pages_;
};

class SequentialFile : public rocksdb::FSSequentialFileOwnerWrapper {
public:
    SequentialFile(std::unique_ptr<rocksdb::FSSequentialFile> file, FaultyDisk& disk)
        : FSSequentialFileOwnerWrapper(std::move(file)),
          disk_(disk) {}

    IOStatus
    Read(size_t size, const IOOptions& options, Slice* result, char* scratch, IODebugContext* debug)
        override {
        if (IOStatus status = disk_.before_read(); !status.ok()) return status;
        IOStatus status = FSSequentialFileOwnerWrapper::Read(size, options, result, scratch, debug);
        disk_.after_read(*result);
        return status;
    }

private:
    FaultyDisk& disk_;
};

class Directory : public rocksdb::FSDirectoryWrapper {
public:
    Directory(std::unique_ptr<rocksdb::FSDirectory> directory, FaultyDisk& disk, std::string path)
        : FSDirectoryWrapper(std::move(directory)),
          disk_(disk),
          path_(std::move(path)) {}

    IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
        return FsyncWithDirOptions(options, debug, {});
    }

    IOStatus FsyncWithDirOptions(
        const IOOptions& options,
        IODebugContext* debug,
        const rocksdb::DirFsyncOptions& how) override {
        if (IOStatus status = disk_.before_write(); !status.ok()) return status;
        IOStatus status = FSDirectoryWrapper::FsyncWithDirOptions(options, debug, how);
        if (status.ok()) disk_.directory_synced(path_);
        return status;
    }

private:
    FaultyDisk& disk_;
    std::string path_;
};

} // namespace

FaultyDisk::FaultyDisk(fs::path directory, uint64_t seed)
    : FileSystemWrapper(rocksdb::FileSystem::Default()),
      directory_(std::move(directory)),
      survivors_(directory_.string() + "-survivors"),
      random_(seed) {
    fs::create_directories(directory_);
    link_all(directory_, survivors_);
}

void FaultyDisk::link_all(const fs::path& from, const fs::path& to) const {
    fs::remove_all(to);
    fs::create_directories(to);
    for (const auto& entry : fs::directory_iterator(from))
        if (entry.is_regular_file())
            fs::create_hard_link(entry.path(), to / entry.path().filename());
}

void FaultyDisk::schedule(Fault fault, uint64_t operations) {
    const std::lock_guard lock(mutex_);
    fault_ = fault;
    left_ = operations;
    struck_ = false;
}

void FaultyDisk::watch(
    std::function<void()> on_read, std::function<void()> on_table, std::function<void()> on_write) {
    const std::lock_guard lock(mutex_);
    on_read_ = std::move(on_read);
    on_table_ = std::move(on_table);
    on_write_ = std::move(on_write);
}

void FaultyDisk::tell(const std::function<void()>& watcher) const {
    std::unique_lock lock(mutex_);
    const std::function<void()> watching = watcher;
    lock.unlock(); // it may wait
    if (watching) watching();
}

bool FaultyDisk::struck() const {
    const std::lock_guard lock(mutex_);
    return struck_;
}

void FaultyDisk::restart() {
    const std::lock_guard lock(mutex_);
    if (struck_ && fault_ == Fault::PowerCut) {
        for (const auto& entry : fs::directory_iterator(survivors_)) {
            const auto written = synced_bytes_.find(inode_of(entry.path()));
            if (written == synced_bytes_.end()) continue;
            // Some of the rest may have reached the disk, too.
            const uint64_t more = entry.file_size() - written->second;
            fs::resize_file(entry.path(), written->second + (more ? random_() % more : 0));
        }
        link_all(survivors_, directory_);
    }
    link_all(directory_, survivors_);
    synced_bytes_.clear();
    fault_.reset();
    struck_ = false;
}

IOStatus FaultyDisk::fail_if(bool hit, const IOStatus& with) {
    if (!hit) return IOStatus::OK();
    if (left_ > 0 && --left_ > 0) return IOStatus::OK();
    struck_ = true;
    return with;
}

IOStatus FaultyDisk::before_write() {
    tell(on_write_);
    const std::lock_guard lock(mutex_);
    if (fault_ == Fault::PowerCut) return fail_if(true, IOStatus::IOError("no power"));
    return fail_if(fault_ == Fault::FullDisk, IOStatus::NoSpace("No space left on device"));
}

IOStatus FaultyDisk::before_read() {
    tell(on_read_);
    const std::lock_guard lock(mutex_);
    if (fault_ == Fault::PowerCut && struck_) return IOStatus::IOError("no power");
    return fail_if(fault_ == Fault::FailedRead, IOStatus::IOError("Input/output error"));
}

bool FaultyDisk::after_read(const Slice& bytes) {
    const std::lock_guard lock(mutex_);
    if (fault_ != Fault::FlippedBit || struck_ || bytes.empty()) return false;
    if (left_ > 0 && --left_ > 0) return false;
    struck_ = true;
    char& byte = const_cast<char*>(bytes.data())[random_() % bytes.size()];
    byte = static_cast<char>(byte ^ (1 << random_() % 8));
    return true;
}

void FaultyDisk::file_synced(ino_t file, uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    synced_bytes_[file] = bytes;
}

void FaultyDisk::directory_synced(const std::string& path) {
    const std::lock_guard lock(mutex_);
    if (fs::equivalent(path, directory_)) link_all(directory_, survivors_);
}

IOStatus FaultyDisk::NewWritableFile(
    const std::string& path,
    const FileOptions& options,
    std::unique_ptr<rocksdb::FSWritableFile>* file,
    IODebugContext* debug) {
    if (path.ends_with(".sst")) tell(on_table_);
    if (IOStatus status = before_write(); !status.ok()) return status;
    std::unique_ptr<rocksdb::FSWritableFile> real;
    IOStatus status = FileSystemWrapper::NewWritableFile(path, options, &real, debug);
    if (status.ok()) *file = std::make_unique<WritableFile>(std::move(real), *this, path);
    return status;
}

IOStatus FaultyDisk::NewSequentialFile(
    const std::string& path,
    const FileOptions& options,
    std::unique_ptr<rocksdb::FSSequentialFile>* file,
    IODebugContext* debug) {
    std::unique_ptr<rocksdb::FSSequentialFile> real;
    IOStatus status = FileSystemWrapper::NewSequentialFile(path, options, &real, debug);
    if (status.ok()) *file = std::make_unique<SequentialFile>(std::move(real), *this);
    return status;
}

IOStatus FaultyDisk::NewRandomAccessFile(
    const std::string& path,
    const FileOptions& options,
    std::unique_ptr<rocksdb::FSRandomAccessFile>* file,
    IODebugContext* debug) {
    std::unique_ptr<rocksdb::FSRandomAccessFile> real;
    IOStatus status = FileSystemWrapper::NewRandomAccessFile(path, options, &real, debug);
    if (status.ok()) *file = std::make_unique<RandomAccessFile>(std::move(real), *this, path);
    return status;
}

IOStatus FaultyDisk::NewDirectory(
    const std::string& path,
    const IOOptions& options,
    std::unique_ptr<rocksdb::FSDirectory>* directory,
    IODebugContext* debug) {
    std::unique_ptr<rocksdb::FSDirectory> real;
    IOStatus status = FileSystemWrapper::NewDirectory(path, options, &real, debug);
    if (status.ok()) *directory = std::make_unique<Directory>(std::move(real), *this, path);
    return status;
}

IOStatus FaultyDisk::RenameFile(
    const std::string& from,
    const std::string& to,
    const IOOptions& options,
    IODebugContext* debug) {
    if (IOStatus status = before_write(); !status.ok()) return status;
    return FileSystemWrapper::RenameFile(from, to, options, debug);
}

IOStatus
FaultyDisk::DeleteFile(const std::string& path, const IOOptions& options, IODebugContext* debug) {
    if (IOStatus status = before_write(); !status.ok()) return status;
    return FileSystemWrapper::DeleteFile(path, options, debug);
}

} // namespace cairn::tests
