// SPDX-License-Identifier: MIT
#include "consensus/taproot.h"

#include "consensus/hash_writer.h"

#include <secp256k1_extrakeys.h>

#include <cassert>

namespace cairn::consensus {

Hash256 tapleaf_hash(uint8_t leaf_version, ByteView script) {
    static const Sha256 TAGGED = tagged_hash("TapLeaf");
    HashWriter writer(TAGGED);
    writer(leaf_version).sized(script);
    return writer.single_hash();
}

Hash256 tapbranch_hash(const Hash256& a, const Hash256& b) {
    static const Sha256 TAGGED = tagged_hash("TapBranch");
    return HashWriter(TAGGED)(std::min(a, b), std::max(a, b)).single_hash();
}

Hash256 taptweak_hash(ByteView internal_key, const std::optional<Hash256>& merkle_root) {
    static const Sha256 TAGGED = tagged_hash("TapTweak");
    Sha256 hasher(TAGGED);
    hasher.write(internal_key);
    if (merkle_root) hasher.write(merkle_root->bytes);
    return hasher.finish();
}

std::optional<TweakedKey>
tweak_key(ByteView internal_key, const std::optional<Hash256>& merkle_root) {
    assert(internal_key.size() == 32);
    const secp256k1_context* context = secp256k1_context_static;
    secp256k1_xonly_pubkey internal;
    if (secp256k1_xonly_pubkey_parse(context, &internal, internal_key.data()) == 0)
        return std::nullopt;
    const Hash256 tweak = taptweak_hash(internal_key, merkle_root);
    secp256k1_pubkey point;
    if (secp256k1_xonly_pubkey_tweak_add(context, &point, &internal, tweak.bytes.data()) == 0)
        return std::nullopt;
    secp256k1_xonly_pubkey output;
    int parity = 0;
    TweakedKey tweaked;
    if (secp256k1_xonly_pubkey_from_pubkey(context, &output, &parity, &point) == 0 ||
        secp256k1_xonly_pubkey_serialize(context, tweaked.key.data(), &output) == 0)
        return std::nullopt;
    tweaked.odd = parity != 0;
    return tweaked;
}

bool is_control_block_size(size_t size) {
    return size >= CONTROL_BASE_BYTES &&
           size <= CONTROL_BASE_BYTES + CONTROL_NODE_BYTES * CONTROL_MAX_NODES &&
           (size - CONTROL_BASE_BYTES) % CONTROL_NODE_BYTES == 0;
}

bool proves_leaf(ByteView control, ByteView output_key, const Hash256& leaf) {
    assert(is_control_block_size(control.size()) && output_key.size() == 32);
    Hash256 root = leaf;
    for (size_t at = CONTROL_BASE_BYTES; at < control.size(); at += CONTROL_NODE_BYTES) {
        Hash256 node;
        std::memcpy(node.bytes.data(), control.data() + at, CONTROL_NODE_BYTES);
        root = tapbranch_hash(root, node);
    }
    const ByteView internal_key = control.subspan(1, 32);
    const int parity = control[0] & 1;
    const secp256k1_context* context = secp256k1_context_static;
    secp256k1_xonly_pubkey internal;
    if (secp256k1_xonly_pubkey_parse(context, &internal, internal_key.data()) == 0) return false;
    const Hash256 tweak = taptweak_hash(internal_key, root);
    return secp256k1_xonly_pubkey_tweak_add_check(
               context, output_key.data(), parity, &internal, tweak.bytes.data()) == 1;
}

} // namespace cairn::consensus
