// SPDX-License-Identifier: MIT
// The picture that `cairn devnet up --watch` and `cairn devnet status` show, made from values
// alone, so that tests can look at it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace cairn::wallet {

/// What one node says of itself.
struct NodeStatus {
    int number = 0;
    bool mining = false;
    std::string problem; ///< Why it says nothing; all below is meaningless then.
    int64_t height = 0;
    std::string tip; ///< Hash, in full.
    int64_t peers = 0;
    int64_t mempool = 0; ///< Transactions.
    std::chrono::seconds tip_age{0};
};

struct NetworkStatus {
    std::string chain;
    std::string directory;
    std::vector<NodeStatus> nodes;
};

/// Columns and lines of a terminal.
struct TerminalSize {
    size_t columns = 80;
    size_t lines = 24;
};

/// Print a line at once. That nobody reads it any more is no failure: there are nodes to stop.
void say(const std::string& line);

/// "7 s", "12 min", "3 h", "5 d".
std::string age_text(std::chrono::seconds age);

/// The table of nodes, a line each.
std::vector<std::string> status_lines(const NetworkStatus& network);

/// The whole picture: the table, the commands to try, wrapped, as far as there is room for whole
/// ones, and `footer`; cut to the size of the terminal.
std::vector<std::string> picture(
    const NetworkStatus& network,
    const std::vector<std::string>& commands,
    const std::string& footer,
    TerminalSize size);

} // namespace cairn::wallet
