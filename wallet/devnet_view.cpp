// SPDX-License-Identifier: MIT
#include "wallet/devnet_view.h"

#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <iterator>
#include <string_view>

namespace cairn::wallet {

namespace {

/// The ends of a hash: the first digits of a good one are all zero.
std::string abbreviated(const std::string& hash) {
    constexpr size_t END = 8;
    if (hash.size() <= 2 * END) return hash;
    return fmt::format("{}..{}", hash.substr(0, END), hash.substr(hash.size() - END));
}

std::string line_of(const NodeStatus& node) {
    const std::string name = fmt::format("{}{}", node.number, node.mining ? " mines" : "");
    if (!node.problem.empty()) return fmt::format("  {:8} {}", name, node.problem);
    return fmt::format(
        "  {:8} {:>8}  {:18}  {:>5}  {:>7}  {:>7} ago", name, node.height, abbreviated(node.tip),
        node.peers, node.mempool, age_text(node.tip_age));
}

/// `command` in lines of at most `columns`, broken between words as a shell allows it: what is
/// copied from the terminal must run. A word that is longer than a line keeps it whole.
std::vector<std::string> wrapped(std::string_view command, size_t columns) {
    constexpr std::string_view CONTINUED = " \\";
    std::vector<std::string> lines;
    std::string line = "  ";
    for (bool first = true; !command.empty(); first = false) {
        const size_t length = std::min(command.find(' '), command.size());
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

std::string age_text(std::chrono::seconds age) {
    const int64_t seconds = std::max<int64_t>(0, age.count());
    constexpr int64_t MINUTE = 60;
    constexpr int64_t HOUR = 60 * MINUTE;
    constexpr int64_t DAY = 24 * HOUR;
    if (seconds < 2 * MINUTE) return fmt::format("{} s", seconds);
    if (seconds < 2 * HOUR) return fmt::format("{} min", seconds / MINUTE);
    if (seconds < 2 * DAY) return fmt::format("{} h", seconds / HOUR);
    return fmt::format("{} d", seconds / DAY);
}

std::vector<std::string> status_lines(const NetworkStatus& network) {
    std::vector<std::string> lines;
    lines.push_back(fmt::format(
        "  {:8} {:>8}  {:18}  {:>5}  {:>7}  {:>11}", "node", "height", "tip", "peers", "mempool",
        "last block"));
    for (const NodeStatus& node : network.nodes) lines.push_back(line_of(node));
    return lines;
}

std::vector<std::string> picture(
    const NetworkStatus& network,
    const std::vector<std::string>& commands,
    const std::string& footer,
    TerminalSize size) {
    std::vector<std::string> lines{
        fmt::format("Cairn: a network of {} nodes on this machine", network.nodes.size()),
        fmt::format("chain {}, data in {}", network.chain, network.directory), ""};
    for (std::string& line : status_lines(network)) lines.push_back(std::move(line));

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
