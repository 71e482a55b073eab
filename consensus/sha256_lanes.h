// SPDX-License-Identifier: MIT
// Double SHA-256 of what a node hashes most: pairs of hashes in merkle trees, and headers while
// mining. Inputs of one fixed length let the padding's message schedule be a constant, and the
// CPU's SHA instructions, two messages at a time, halve the time again. Where the CPU has none,
// libcrypto does the work; tests compare the two.
#pragma once

#include "consensus/block.h"
#include "consensus/uint256.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace cairn::consensus {

/// Whether this CPU has the SHA instructions (and so the fast code is in use).
bool has_sha_instructions();

/// Double SHA-256 of the 64 bytes at `in`.
Hash256 sha256d_64(const uint8_t* in);

/// Double SHA-256 of each of `count` blocks of 64 bytes, 32 bytes each to `out`, which may be `in`.
void sha256d_64_many(uint8_t* out, const uint8_t* in, size_t count);

/// A header whose first 64 bytes are hashed already, to try nonces on.
class HeaderMidstate {
public:
    explicit HeaderMidstate(const BlockHeader& header);

    /// The hash of the header with `nonce`.
    BlockHash hash(uint32_t nonce) const;

    /// The first nonce in [first, first + count), wrapping past 2^32, whose hash is at most
    /// `target`; nullopt if there is none.
    std::optional<uint32_t> scan(uint32_t first, uint64_t count, const Uint256& target) const;

private:
    std::array<uint32_t, 8> state_; ///< SHA-256 after the first 64 bytes.
    std::array<uint8_t, 16> tail_;  ///< End of the merkle root, time, bits; the nonce goes last.
};

/// The code without SHA instructions, for tests.
namespace portable {

void sha256d_64_many(uint8_t* out, const uint8_t* in, size_t count);

} // namespace portable

} // namespace cairn::consensus
