// SPDX-License-Identifier: MIT
// Transactions on their way into the mempool, until it is decided whether they may.
#pragma once

#include "chain/chain.h"

#include <deque>

namespace cairn::chain {

/// A transaction on its way in, with what was found out about it.
struct Candidate {
    MempoolEntry entry;
    std::vector<Coin> coins;
};

/// Those that come together, parents first, and what goes for them.
struct Attempt {
    bool from_block = false; ///< They were confirmed: fees and room don't matter.
    bool saved = false;      ///< They were read from a file.
    bool together = false;   ///< One may pay for another.
    bool may_replace = true;
    std::optional<FeeRate> max_feerate; ///< Of each; more is refused.
    std::optional<Amount> max_fee{};    ///< Of one that comes alone.
    int64_t time = 0;                   ///< When they came in, seconds.
    std::deque<Candidate> candidates{};
    Mempool::Entries conflicts{}; ///< Spend the same coins.
    Mempool::Entries replaced{};  ///< These and all that depends on them.
    Mempool::Entries trimmed{};   ///< Has no room in the cluster any more.
    bool evicts_sibling = false;

    MempoolChange change() const;

    const MempoolEntry& last() const { return candidates.back().entry; }

    Amount fees() const; ///< With what prioritisetransaction added.
    int64_t vsize() const;

    /// What is told of `entry` once it is in.
    Accepted accepted(const MempoolEntry& entry) const;

    /// Of reasons why they may not replace others.
    std::string suffix() const { return evicts_sibling ? " (including sibling eviction)" : ""; }
};

} // namespace cairn::chain
