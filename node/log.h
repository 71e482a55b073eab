// SPDX-License-Identifier: MIT
// Where log lines go. Everything logs through spdlog's default logger; what it writes to, and how
// a line looks, is decided here alone.
#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <spdlog/common.h>
#include <string>
#include <string_view>
#include <vector>

namespace cairn::node {

/// The parts of the node that log, in alphabetical order. A line is of the part whose thread writes
/// it: their names, up to a '-', are these; all other threads are "main".
constexpr std::array<std::string_view, 6> LOG_MODULES{"chain", "index", "main",
                                                      "mine",  "net",   "rpc"};

/// From the option table.
struct LogOptions {
    std::filesystem::path file; ///< Empty: none. Appended to.
    size_t max_file_bytes = 100'000'000;
    bool to_console = false; ///< To standard output.
    bool json = false;       ///< -logformat=json
    /// Which are logged in detail, as is_log_category(); all others from `info` on.
    std::vector<std::string> detailed;
    std::vector<std::string> excluded; ///< Not these, whatever is in `detailed`.
    spdlog::level::level_enum level = spdlog::level::debug; ///< How detailed that is.
};

/// Whether `category` is a module, "1", "all" or empty, which mean all of them, or a category of
/// the reference, which means the module that does such work, if there is one.
bool is_log_category(std::string_view category);

/// Log what `category` means from `level` on. Requires: is_log_category(). Thread: any.
void set_log_level(std::string_view category, spdlog::level::level_enum level);

/// Whether `module` is logged in detail. Requires: it is one. Thread: any.
bool logs_details(std::string_view module);

/// Send what is logged from now on where `options` say.
///
/// Each line is in the file before the call that logs it returns, with the time in UTC. Control
/// characters in it are replaced, so that no peer can forge a line. At its limit the file moves
/// to NAME.1.EXT, and so on; three are kept. Throws std::runtime_error: the file can't be opened.
void start_log(const LogOptions& options);

/// Open the file anew, after something else moved it away. Thread: any.
void reopen_log();

} // namespace cairn::node
