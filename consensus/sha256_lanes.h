// SPDX-License-Identifier: MIT
// SHA-256 of what a node hashes most: pairs of hashes in merkle trees, headers while mining, and
// the hash that a double hash hashes again. Inputs of one fixed length let the padding's message
// schedule be a constant, and the CPU's SHA instructions, two messages at a time, halve the time
// again. Where the CPU has none, libcrypto does the work; tests compare the two.
#pragma once

#include "consensus/block.h"
#include "consensus/uint256.h"

#include <optional>

namespace cairn::consensus {

/// Whether this CPU has the SHA instructions (and so the fast code is in use).
bool has_sha_instructions();

/// SHA-256 of a hash.
Hash256 sha256_of_hash(const Hash256& hash, bool fast = has_sha_instructions());

/// Double SHA-256 of the 64 bytes at `in`.
Hash256 sha256d_64(const uint8_t* in);

/// Double SHA-256 of each of `count` blocks of 64 bytes, 32 bytes each to `out`, which may be `in`.
/// `fast`: by the SHA instructions, which the CPU must have, or else by libcrypto.
void sha256d_64_many(
    uint8_t* out, const uint8_t* in, size_t count, bool fast = has_sha_instructions());

/// The first nonce in [first, first + count), wrapping past 2^32, with which the hash of `header`
/// is at most `target`; nullopt if there is none.
std::optional<uint32_t> find_nonce(
    BlockHeader header,
    uint32_t first,
    uint64_t count,
    const Uint256& target,
    bool fast = has_sha_instructions());

} // namespace cairn::consensus
