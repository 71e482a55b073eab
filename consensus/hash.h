// SPDX-License-Identifier: MIT
// The hash functions of the protocol, and one type for each thing that is named by its hash, so
// that a txid never stands where a block hash is meant.
#pragma once

#include "consensus/bytes.h"

#include <array>
#include <compare>
#include <cstring>
#include <openssl/sha.h>

namespace cairn::consensus {

/// 32 bytes, stored as hashed. Core: uint256.
struct Hash256 {
    std::array<uint8_t, 32> bytes{};

    auto operator<=>(const Hash256&) const = default;

    bool is_null() const { return *this == Hash256{}; }

    ByteView view() const { return bytes; }

    /// As people see it: 64 hexadecimal digits, last byte first.
    std::string to_string() const;
};

/// The reverse of Hash256::to_string(); nullopt unless `text` is exactly 64 hexadecimal digits.
std::optional<Hash256> hash_from_string(std::string_view text);

/// A hash that names one kind of thing.
template <class Tag>
struct HashOf : Hash256 {
    HashOf() = default;

    explicit HashOf(const Hash256& hash) : Hash256(hash) {}

    auto operator<=>(const HashOf&) const = default;

    static std::optional<HashOf> from_string(std::string_view text) {
        const std::optional<Hash256> hash = hash_from_string(text);
        return hash ? std::optional(HashOf(*hash)) : std::nullopt;
    }
};

using BlockHash = HashOf<struct BlockHashTag>; ///< Double SHA-256 of a header.
using Txid = HashOf<struct TxidTag>;           ///< Of a transaction without its witness.
using Wtxid = HashOf<struct WtxidTag>;         ///< Of a transaction with it (BIP-0141).

using Hash160 = std::array<uint8_t, 20>; ///< RIPEMD-160 of SHA-256: what addresses hold.

/// SHA-256 of a stream. Uses libcrypto's low-level calls: its one-shot and EVP interfaces cost
/// four times as much for the short strings of this protocol.
class Sha256 {
public:
    Sha256();

    /// Add `bytes` to what is hashed.
    Sha256& write(ByteView bytes);

    /// The hash of everything written. The object may not be used afterwards.
    Hash256 finish();

    /// The hash of the hash of everything written. The object may not be used afterwards.
    Hash256 finish_double();

private:
    SHA256_CTX state_;
};

Hash256 sha256(ByteView bytes);

/// SHA-256 of SHA-256. Core: Hash().
Hash256 sha256d(ByteView bytes);

Hash160 hash160(ByteView bytes);
Hash160 ripemd160(ByteView bytes);
std::array<uint8_t, 20> sha1(ByteView bytes);
std::array<uint8_t, 64> hmac_sha512(ByteView key, ByteView bytes);
Hash256 sha3_256(ByteView bytes); ///< Only in the text of Tor addresses (BIP-0155).

/// A hasher that has taken SHA256(tag) twice already. Source: BIP-0340.
Sha256 tagged_hash(std::string_view tag);

/// SipHash-2-4, the hash of short keys against chosen collisions. Source: BIP-0158, BIP-0152.
uint64_t siphash(uint64_t key0, uint64_t key1, ByteView bytes);

/// For hash tables whose keys a stranger can choose: SipHash under a secret of the table.
struct SaltedHasher {
    uint64_t key0 = 0;
    uint64_t key1 = 0;

    size_t operator()(const Hash256& hash) const { return siphash(key0, key1, hash.bytes); }
};

/// For hash tables of block hashes, whose bits proof of work makes costly to choose.
struct BlockHasher {
    size_t operator()(const Hash256& hash) const {
        size_t word = 0;
        std::memcpy(&word, hash.bytes.data(), sizeof word);
        return word;
    }
};

} // namespace cairn::consensus
