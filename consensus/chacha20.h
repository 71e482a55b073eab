// SPDX-License-Identifier: MIT
// The key stream of ChaCha20, from which MuHash takes its numbers: six blocks of 64 bytes, all at
// once in the lanes of vector instructions. libcrypto is made for long streams, and takes as long
// again.
#pragma once

#include "consensus/hash.h"

#include <array>
#include <cstdint>

namespace cairn::consensus {

/// The vector instructions that a CPU has, as far as they matter here.
enum class Vectors : uint8_t { Any, Avx2, Avx512 };

/// The best that this CPU has.
Vectors best_vectors();

using Keystream = std::array<uint8_t, 384>;

/// Its first bytes for `key`, nonce and counter zero. Source: RFC 8439, 2.3 and 2.4.
Keystream chacha20_keystream(const Hash256& key, Vectors with = best_vectors());

} // namespace cairn::consensus
