// SPDX-License-Identifier: MIT
// What disconnecting a block needs, and how coins are written to disk.
#pragma once

#include "consensus/coin.h"

#include <span>
#include <vector>

namespace cairn::chain {

using consensus::Coin;

/// What disconnecting a block needs: the coins it spent. Core: CBlockUndo.
struct BlockUndo {
    std::vector<Coin> coins; ///< One an input, in the block's order.
    /// For each transaction but the coinbase: where in `coins` those that it spends end.
    std::vector<uint32_t> ends;

    /// What transaction `i` of the block spends, one coin an input; the coinbase, none.
    std::span<const Coin> spent(size_t i) const {
        if (i == 0) return {};
        const size_t first = i == 1 ? 0 : ends[i - 2];
        return std::span(coins).subspan(first, ends[i - 1] - first);
    }

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
