// SPDX-License-Identifier: MIT
#include "wallet/devnet_view.h"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <string_view>

namespace cairn::wallet {

namespace {

/// `command` in lines of at most `columns`, broken between words as a shell allows it: what is
/// copied from the terminal must run. A word that is longer than a line keeps it whole.
std::vector<std::string> wrapped(std::string_view command, size_t columns) {
    constexpr std::string_view CONTINUED = " \\";
    std::vector<std::string> lines;
    std::string line = "  ";
    for (bool first = true; !command.empty(); first = false) {
        size_t length = std::min(command.find(' '), command.size());
        while (length > 0 && length < command.size() && command[length - 1] == '\\')
            length = std::min(command.find(' ', length + 1), command.size()); // a quoted blank
        const size_t reserved = length == command.size() ? 0 : CONTINUED.size();
        if (!first && line.size() + 1 + length + reserved > columns) {
            lines.push_back(line.append(CONTINUED));
            line = "      ";
        } else if (!first) {
            line += ' ';
        }
        line += command.substr(0, length);
        command.remove_prefix(std::min(length + 1, command.size()));
    }
    lines.push_back(std::move(line));
    return lines;
}

} // namespace

void say(const std::string& line) {
    std::fputs((line + "\n").c_str(), stdout);
    std::fflush(stdout);
}

std::vector<std::string> picture(
    std::vector<std::string> lines,
    const std::vector<std::string>& commands,
    const std::string& footer,
    TerminalSize size) {
    // The footer is what one must be able to read in the smallest window.
    const size_t room = size.lines > 2 ? size.lines - 2 : 0;
    if (lines.size() > room) lines.resize(room);
    if (lines.size() + 3 <= room) {
        lines.insert(lines.end(), {"", "To try in another terminal:"});
        for (const std::string& command : commands) {
            std::vector<std::string> parts = wrapped(command, size.columns);
            if (lines.size() + parts.size() > room) break; // half a command is of no use
            std::move(parts.begin(), parts.end(), std::back_inserter(lines));
        }
    }
    if (lines.size() < size.lines) lines.emplace_back();
    if (lines.size() < size.lines) lines.push_back(footer);
    for (std::string& line : lines)
        if (line.size() > size.columns) line.resize(size.columns);
    return lines;
}

} // namespace cairn::wallet
