// SPDX-License-Identifier: MIT
// The transactions of a block without their content: where each lies in its bytes, and its id. To
// list them or find one takes a third of the time that reading a whole Block does.
#pragma once

#include "consensus/block.h"

#include <optional>

namespace cairn::consensus {

struct TransactionOutline {
    Txid txid;
    size_t begin = 0; ///< Where in the block it lies.
    uint32_t size_bytes = 0;
    uint32_t stripped_bytes = 0; ///< Without its witness.
};

struct BlockOutline {
    BlockHeader header;
    std::vector<TransactionOutline> transactions;

    int64_t size_bytes() const;
    int64_t stripped_bytes() const;
};

/// Of the bytes of a block that was read as a Block once; damage to them is noticed by its lengths
/// (nullopt) or by the merkle root, unless it is to the content of a witness.
std::optional<BlockOutline> outline_of(ByteView block);

Hash256 merkle_root(const BlockOutline& outline);

} // namespace cairn::consensus
