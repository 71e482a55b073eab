// SPDX-License-Identifier: MIT
// How a taproot output commits to a key and a tree of scripts. Source: BIP-0341.
#pragma once

#include "consensus/hash.h"

#include <optional>

namespace cairn::consensus {

constexpr uint8_t TAPROOT_LEAF_MASK = 0xfe;
constexpr uint8_t TAPSCRIPT_LEAF_VERSION = 0xc0;
constexpr uint8_t ANNEX_TAG = 0x50;
constexpr size_t CONTROL_BASE_BYTES = 33; ///< Leaf version and parity; the internal key.
constexpr size_t CONTROL_NODE_BYTES = 32;
constexpr size_t CONTROL_MAX_NODES = 128;

Hash256 tapleaf_hash(uint8_t leaf_version, ByteView script);

/// The node over two others, in either order.
Hash256 tapbranch_hash(const Hash256& a, const Hash256& b);

/// What the internal key is tweaked by; `merkle_root`: nullopt where there are no scripts.
Hash256 taptweak_hash(ByteView internal_key, const std::optional<Hash256>& merkle_root);

/// An output key, and whether its point's y is odd.
struct TweakedKey {
    std::array<uint8_t, 32> key{};
    bool odd = false;
};

/// The key of the output for an x-only `internal_key`; nullopt if that isn't on the curve.
std::optional<TweakedKey>
tweak_key(ByteView internal_key, const std::optional<Hash256>& merkle_root);

bool is_control_block_size(size_t size);

/// Whether `output_key` commits to `leaf` by way of `control`. Requires: a size that
/// is_control_block_size().
bool proves_leaf(ByteView control, ByteView output_key, const Hash256& leaf);

} // namespace cairn::consensus
