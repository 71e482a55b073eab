// SPDX-License-Identifier: MIT
// What `cairn devnet up --watch` shows, made from values alone, so that tests can look at it.
#pragma once

#include <string>
#include <vector>

namespace cairn::wallet {

/// Columns and lines of a terminal.
struct TerminalSize {
    size_t columns = 80;
    size_t lines = 24;
};

/// Print a line at once. That nobody reads it any more is no failure: there are nodes to stop.
void say(const std::string& line);

/// The whole picture: `lines`, the commands to try, wrapped, as far as there is room for whole
/// ones, and `footer`; cut to the size of the terminal.
std::vector<std::string> picture(
    std::vector<std::string> lines,
    const std::vector<std::string>& commands,
    const std::string& footer,
    TerminalSize size);

} // namespace cairn::wallet
