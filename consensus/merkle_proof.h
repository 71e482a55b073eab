// SPDX-License-Identifier: MIT
// That a block holds certain transactions, shown with the block's header and a few hashes.
// Source: BIP-0037.
#pragma once

#include "consensus/block.h"

#include <optional>
#include <vector>

namespace cairn::consensus {

/// The part of a block's merkle tree above some of its transactions. Core: CMerkleBlock.
struct MerkleProof {
    BlockHeader header;
    uint32_t transactions = 0;   ///< In the block.
    std::vector<Hash256> hashes; ///< Those that can't be computed, in the order of a walk.
    Bytes flags; ///< A bit for each node of that walk: whether a wanted transaction is below it.

    static void wire(auto&& codec, auto& proof) {
        codec(proof.header, proof.transactions, proof.hashes, proof.flags);
    }
};

/// `wanted`: of each transaction of `block`, in order.
MerkleProof make_merkle_proof(const Block& block, const std::vector<bool>& wanted);

/// The transactions that `proof` shows to be in a block of its header, of `max_block_weight` at
/// most; nullopt if it is wrong.
std::optional<std::vector<Txid>>
check_merkle_proof(const MerkleProof& proof, int64_t max_block_weight);

} // namespace cairn::consensus
