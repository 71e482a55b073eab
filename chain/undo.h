// SPDX-License-Identifier: MIT
// What disconnecting a block needs, and how coins are written to disk.
#pragma once

#include "consensus/coin.h"

#include <vector>

namespace cairn::chain {

using consensus::Coin;

/// What disconnecting a block needs: the coins it spent. Core: CBlockUndo.
struct BlockUndo {
    /// For each transaction but the coinbase, one coin an input.
    std::vector<std::vector<Coin>> spent;

    bool operator==(const BlockUndo&) const = default;
};

/// A coin on disk: height and whether it is a coinbase's in one number, amount, script.
/// Appended to `bytes`.
void encode_coin(const Coin& coin, consensus::Bytes& bytes);
/// Errors: Invalid "decode failed", as for all decoding.
consensus::Result<Coin> decode_coin(consensus::ByteView bytes);

consensus::Bytes encode_undo(const BlockUndo& undo);
consensus::Result<BlockUndo> decode_undo(consensus::ByteView bytes);

} // namespace cairn::chain
