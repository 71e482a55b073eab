// SPDX-License-Identifier: MIT
// Where log lines go. Everything logs through spdlog's default logger; what it writes to, and how
// a line looks, is decided here alone.
#pragma once

#include <cstddef>
#include <filesystem>
#include <spdlog/common.h>

namespace cairn::node {

/// From the option table.
struct LogOptions {
    std::filesystem::path file; ///< Empty: none. Appended to.
    size_t max_file_bytes = 100'000'000;
    bool to_console = false; ///< To standard output.
    spdlog::level::level_enum level = spdlog::level::info;
};

/// Send what is logged from now on where `options` say.
///
/// Each line is in the file before the call that logs it returns, with the time in UTC. Control
/// characters in it are replaced, so that no peer can forge a line. At its limit the file moves
/// to NAME.1.EXT, and so on; three are kept. Throws std::runtime_error: the file can't be opened.
void start_log(const LogOptions& options);

/// Open the file anew, after something else moved it away. Thread: any.
void reopen_log();

} // namespace cairn::node
