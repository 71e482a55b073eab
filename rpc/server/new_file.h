// SPDX-License-Identifier: MIT
// How both programs write small files, secrets above all.
#pragma once

#include <filesystem>
#include <string_view>
#include <sys/stat.h>

namespace cairn::rpc::server {

/// Write `text` to a file that was not there, whole or not at all, for its owner alone unless
/// `mode` says more. It is on the disk afterwards. Throws std::system_error.
void write_new_file(
    const std::filesystem::path& file, std::string_view text, mode_t mode = S_IRUSR | S_IWUSR);

/// The same for a file that may be there: a reader finds the old text or the new one, never half.
void replace_file(
    const std::filesystem::path& file, std::string_view text, mode_t mode = S_IRUSR | S_IWUSR);

/// Have the names in the folder of `file` outlive a power cut, where its file system can do that.
void sync_folder_of(const std::filesystem::path& file);

} // namespace cairn::rpc::server
