// SPDX-License-Identifier: MIT
#pragma once

#include "consensus/transaction.h"

namespace cairn::consensus {

/// An unspent output, with what the rules ask of where it came from. Core: Coin.
struct Coin {
    TxOut out;
    Height height; ///< Of the block that created it.
    bool coinbase = false;

    bool operator==(const Coin&) const = default;
};

} // namespace cairn::consensus
