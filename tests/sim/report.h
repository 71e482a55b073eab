// SPDX-License-Identifier: MIT
// What is measured in a run, for people (text) and for plots (CSV).
#pragma once

#include "ledger.h"

#include <filesystem>
#include <string>

namespace cairn::sim {

/// Counts and times; told by the World, never asked by what decides.
class Report {
public:
    /// A node has the block of `number` on its chain for the first time, after `delay`.
    void block_arrived(size_t number, Duration delay);
    void transaction_arrived(const consensus::Txid& txid, Duration delay);
    void message_sent(std::string_view command, size_t bytes);

    /// Of all that `shares` of the nodes needed to have the block of `number`, where all are
    /// `nodes`; nullopt if so many don't have it.
    std::optional<Duration> time_to(size_t number, double share, size_t nodes) const;
    /// Likewise of a transaction.
    std::optional<Duration> time_to(const consensus::Txid& txid, double share, size_t nodes) const;

    struct Totals {
        size_t nodes = 0;
        Duration length{};
        size_t stale_blocks = 0; ///< That aren't on the best chain.
    };

    /// Text for people.
    std::string text(const Ledger& ledger, const Totals& totals) const;
    /// blocks.csv, spread.csv (what share of nodes has a block after how long), messages.csv.
    void
    write(const std::filesystem::path& directory, const Ledger& ledger, const Totals& totals) const;

private:
    struct Sent {
        uint64_t count = 0;
        uint64_t bytes = 0;
    };

    using Delays = std::vector<Duration>; ///< In order of time.
    std::vector<size_t> measured_blocks() const;
    static std::optional<Duration> share_of(const Delays& delays, double share, size_t nodes);

    std::vector<Delays> blocks_; ///< By number.
    std::map<consensus::Txid, Delays> transactions_;
    std::map<std::string, Sent, std::less<>> messages_;
};

} // namespace cairn::sim
