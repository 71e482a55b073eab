// SPDX-License-Identifier: MIT
// Signatures and public keys as bytes: which encodings a rule allows, and whether one verifies.
// All elliptic-curve work is libsecp256k1's; the lenient reading of old signatures is ours.
#pragma once

#include "consensus/hash.h"

#include <cstdint>
#include <optional>

namespace cairn::consensus {

class PubkeyPoints;

/// Whether `signature`, hash type at its end, is encoded in the one way of BIP-0066.
bool is_strict_der(ByteView signature);

/// Whether S of `der` (no hash type) is in the lower half of its range. Source: BIP-0146.
bool is_low_s(ByteView der);

/// ALL, NONE or SINGLE, with or without ANYONECANPAY.
bool is_defined_hash_type(uint8_t type);

/// Whether the first byte of `pubkey` fits its length; hybrid keys (6, 7) count.
/// Core: CPubKey::ValidSize.
bool is_pubkey_size(ByteView pubkey);

bool is_compressed_pubkey(ByteView pubkey);
bool is_uncompressed_pubkey(ByteView pubkey);

/// The 65 bytes of the point that `pubkey` names; nullopt if it names none.
std::optional<Bytes> uncompressed_pubkey(ByteView pubkey);

/// Whether the 32 bytes are a private key of the curve: neither zero nor beyond its order.
bool is_secret_key(ByteView secret);

/// Whether `der` (no hash type) is a signature of `hash` by `pubkey`. Reads every encoding that
/// was ever valid and takes a high S too: what else is asked of them, the flags ask before.
/// `points`, if any, may spare the library looking for the key's.
bool verify_ecdsa(
    ByteView der, ByteView pubkey, const Hash256& hash, const PubkeyPoints* points = nullptr);

/// Whether the 64 bytes of `signature` sign `message` by the x-only `pubkey`. `points` as above.
/// Source: BIP-0340.
bool verify_schnorr(
    ByteView signature, ByteView pubkey, ByteView message, const PubkeyPoints* points = nullptr);

} // namespace cairn::consensus
