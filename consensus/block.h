// SPDX-License-Identifier: MIT
#pragma once

#include "consensus/transaction.h"

#include <memory>
#include <vector>

namespace cairn::consensus {

/// The 80 bytes that proof of work commits to. Source: Core's CBlockHeader, little-endian.
struct BlockHeader {
    int32_t version = 0;
    BlockHash prev_hash;
    Hash256 merkle_root;
    uint32_t time = 0; ///< Seconds since the Unix epoch, as the miner claims.
    uint32_t bits = 0; ///< Target in compact form. Core: nBits.
    uint32_t nonce = 0;

    bool operator==(const BlockHeader&) const = default;

    BlockHash hash() const;

    static void wire(auto&& codec, auto& h) {
        codec(h.version, h.prev_hash, h.merkle_root, h.time, h.bits, h.nonce);
    }
};

constexpr size_t HEADER_BYTES = 80;

/// A header and the transactions it commits to. Shared as BlockRef once complete, and then
/// immutable; one of its transactions is shared by an aliasing pointer into it.
struct Block {
    BlockHeader header;
    std::vector<SealedTransaction> transactions;

    /// Weight units; the header and the count weigh four times their bytes. Source: BIP-0141.
    int64_t weight() const;
    int64_t size_bytes() const;
    int64_t stripped_bytes() const;

    static void wire(auto&& codec, auto& block) { codec(block.header, block.transactions); }
};

using BlockRef = std::shared_ptr<const Block>;

/// Transaction `i` of `block`, which lives as long as anyone holds it.
inline TransactionRef share_transaction(const BlockRef& block, size_t i) {
    return {block, &block->transactions[i]};
}

/// The root over the txids; `mutated`, if asked for, tells whether two neighbours on some level
/// are the same, by which one list of transactions could pose as another (CVE-2012-2459).
Hash256 merkle_root(const Block& block, bool* mutated = nullptr);

/// The root over the wtxids, that of the coinbase taken as zeros. Source: BIP-0141.
Hash256 witness_merkle_root(const Block& block);

/// The root over `leaves`, which are overwritten. Core: ComputeMerkleRoot.
Hash256 merkle_root_of(std::span<Hash256> leaves, bool* mutated = nullptr);

} // namespace cairn::consensus
