// SPDX-License-Identifier: MIT
// Files that a crash leaves whole (mempool.dat, peers.dat, exports), and room for them.
#pragma once

#include "consensus/bytes.h"

#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>

namespace cairn::chain {

/// With less the node stops, while there is room yet to end well and for the operator to look.
constexpr uint64_t MIN_FREE_BYTES = 200'000'000;

/// What is left of the disk that `path` is on; nullopt if the system doesn't say.
std::optional<uint64_t> free_bytes(const std::filesystem::path& path);

/// Throws StorageError if less than MIN_FREE_BYTES would be left there after `needed` more.
void require_space(const std::filesystem::path& path, uint64_t needed = 0);

/// Takes the place of a file at once: whatever happens, that holds the old bytes or all the new.
///
/// All functions throw StorageError.
class FileReplacement {
public:
    /// `suffix`: of the name that the new bytes have until then.
    explicit FileReplacement(std::filesystem::path file, std::string_view suffix = ".new");
    ~FileReplacement(); ///< Without commit(): the old file stays, and nothing beside it.
    FileReplacement(const FileReplacement&) = delete;
    FileReplacement& operator=(const FileReplacement&) = delete;

    void write(consensus::ByteView bytes);
    /// Put `bytes` in the place of the first ones. Nothing may be written afterwards.
    void overwrite_start(consensus::ByteView bytes);
    void commit();

private:
    std::filesystem::path file_;
    std::filesystem::path fresh_;
    std::unique_ptr<FILE, int (*)(FILE*)> out_;
};

/// Make `bytes` the content of `file` at once. Throws StorageError.
void replace_file(const std::filesystem::path& file, consensus::ByteView bytes);

} // namespace cairn::chain
