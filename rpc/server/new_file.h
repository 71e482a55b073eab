// SPDX-License-Identifier: MIT
// How both programs write the files that hold secrets.
#pragma once

#include <filesystem>
#include <string_view>
#include <sys/stat.h>

namespace cairn::rpc::server {

/// Write `text` to a file that was not there, whole or not at all, for its owner alone unless
/// `mode` says more. Throws std::system_error.
void write_new_file(
    const std::filesystem::path& file, std::string_view text, mode_t mode = S_IRUSR | S_IWUSR);

} // namespace cairn::rpc::server
