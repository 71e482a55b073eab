// SPDX-License-Identifier: MIT
#include "report.h"

#include <cmath>
#include <fmt/format.h>
#include <fstream>

namespace cairn::sim {

namespace {

constexpr std::array SHARES{0.5, 0.95, 0.99, 1.0};

double milliseconds(Duration time) {
    return static_cast<double>(time.count()) / 1000;
}

double median(std::vector<double> values) {
    const auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

} // namespace

void Report::block_arrived(size_t number, Duration delay) {
    if (blocks_.size() <= number) blocks_.resize(number + 1);
    blocks_[number].push_back(delay);
}

void Report::transaction_arrived(const consensus::Txid& txid, Duration delay) {
    transactions_[txid].push_back(delay);
}

void Report::message_sent(std::string_view command, size_t bytes) {
    auto found = messages_.find(command);
    if (found == messages_.end()) found = messages_.emplace(command, Sent{}).first;
    ++found->second.count;
    found->second.bytes += bytes;
}

std::optional<Duration> Report::share_of(const Delays& delays, double share, size_t nodes) {
    const auto wanted = static_cast<size_t>(std::ceil(share * static_cast<double>(nodes)));
    if (wanted == 0 || delays.size() < wanted) return std::nullopt;
    return delays[wanted - 1];
}

std::optional<Duration> Report::time_to(size_t number, double share, size_t nodes) const {
    if (number >= blocks_.size()) return std::nullopt;
    return share_of(blocks_[number], share, nodes);
}

std::optional<Duration>
Report::time_to(const consensus::Txid& txid, double share, size_t nodes) const {
    const auto found = transactions_.find(txid);
    return found == transactions_.end() ? std::nullopt : share_of(found->second, share, nodes);
}

std::string Report::text(const Ledger& ledger, const Totals& totals) const {
    std::string text;
    const auto line = [&](std::string_view name, auto numbers, std::string_view what) {
        text += fmt::format("{:<12}", name);
        for (size_t i = 0; i < SHARES.size(); ++i) {
            std::vector<double> times;
            for (size_t number = 0; number < numbers; ++number)
                if (const auto time = time_to(number, SHARES[i], totals.nodes))
                    times.push_back(milliseconds(*time));
            text += times.empty() ? fmt::format("{:>12}", "-")
                                  : fmt::format("{:>9.0f} ms", median(std::move(times)));
        }
        text += fmt::format("  {}\n", what);
    };
    text += fmt::format("{:<12}{:>12}{:>12}{:>12}{:>12}\n", "", "50 %", "95 %", "99 %", "100 %");
    line("block", blocks_.size(), "of all nodes have it (median of all blocks)");
    const double mined = static_cast<double>(ledger.blocks().size());
    text += fmt::format(
        "blocks       {} mined, {} stale: orphan rate {:.2f} %\n", ledger.blocks().size(),
        totals.stale_blocks,
        mined == 0 ? 0.0 : 100.0 * static_cast<double>(totals.stale_blocks) / mined);
    const double seconds = milliseconds(totals.length) / 1000;
    const double share = static_cast<double>(totals.nodes) * seconds;
    uint64_t all = 0;
    for (const auto& [command, sent] : messages_) all += sent.bytes;
    text += fmt::format(
        "bandwidth    {:.0f} bytes a second and node, {:.1f} MB in all over {:.0f} s\n",
        static_cast<double>(all) / share, static_cast<double>(all) / 1e6, seconds);
    for (const auto& [command, sent] : messages_)
        text += fmt::format(
            "  {:<12}{:>10} messages{:>12.1f} kB{:>10.1f} bytes a second and node\n", command,
            sent.count, static_cast<double>(sent.bytes) / 1000,
            static_cast<double>(sent.bytes) / share);
    return text;
}

void Report::write(
    const std::filesystem::path& directory, const Ledger& ledger, const Totals& totals) const {
    std::filesystem::create_directories(directory);
    std::ofstream blocks(directory / "blocks.csv");
    blocks << "number,hash,miner,mined_at_s,transactions,ms_50,ms_95,ms_99,ms_100\n";
    for (const Mined* mined : ledger.blocks()) {
        blocks << fmt::format(
            "{},{},{},{:.3f},{}", mined->number, mined->block->header.hash().to_string(),
            mined->miner, milliseconds(mined->at - Timeline::START) / 1000,
            mined->block->transactions.size());
        for (const double share : SHARES) {
            const auto time = time_to(mined->number, share, totals.nodes);
            blocks << (time ? fmt::format(",{:.1f}", milliseconds(*time)) : ",");
        }
        blocks << '\n';
    }
    std::ofstream spread(directory / "spread.csv");
    spread << "percent,fastest_ms,median_ms,slowest_ms\n";
    for (int percent = 1; percent <= 100; ++percent) {
        std::vector<double> times;
        for (size_t number = 0; number < blocks_.size(); ++number)
            if (const auto time = time_to(number, percent / 100.0, totals.nodes))
                times.push_back(milliseconds(*time));
        if (times.empty()) continue;
        const auto [least, most] = std::ranges::minmax(times);
        spread << fmt::format("{},{:.1f},{:.1f},{:.1f}\n", percent, least, median(times), most);
    }
    std::ofstream messages(directory / "messages.csv");
    messages << "command,messages,bytes,bytes_a_second_and_node\n";
    const double share = static_cast<double>(totals.nodes) * milliseconds(totals.length) / 1000;
    for (const auto& [command, sent] : messages_)
        messages << fmt::format(
            "{},{},{},{:.2f}\n", command, sent.count, sent.bytes,
            static_cast<double>(sent.bytes) / share);
}

} // namespace cairn::sim
