// SPDX-License-Identifier: MIT
#pragma once

#include "consensus/transaction.h"

#include <optional>

namespace cairn::consensus {

/// An unspent output, with what the rules ask of where it came from. Core: Coin.
struct Coin {
    TxOut out;
    Height height; ///< Of the block that created it.
    bool coinbase = false;

    bool operator==(const Coin&) const = default;
};

/// Unspent outputs as of one block, from memory or disk.
class CoinsView {
public:
    virtual ~CoinsView() = default;

    /// The coin at `point`; nullopt if it never existed or is spent.
    virtual std::optional<Coin> find(const OutPoint& point) const = 0;
};

} // namespace cairn::consensus
