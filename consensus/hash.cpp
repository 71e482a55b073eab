// SPDX-License-Identifier: MIT
#define OPENSSL_SUPPRESS_DEPRECATED // see Sha256: the low-level calls are the fast ones
#include "consensus/hash.h"

#include "consensus/sha256_lanes.h"

#include <algorithm>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/ripemd.h>

namespace cairn::consensus {

std::string Hash256::to_string() const {
    std::array<uint8_t, 32> reversed = bytes;
    std::ranges::reverse(reversed);
    return to_hex(reversed);
}

std::optional<Hash256> hash_from_string(std::string_view text) {
    if (text.size() != 64) return std::nullopt;
    const std::optional<Bytes> bytes = from_hex(text);
    if (!bytes) return std::nullopt;
    Hash256 hash;
    std::ranges::reverse_copy(*bytes, hash.bytes.begin());
    return hash;
}

Sha256::Sha256() { // NOLINT(cppcoreguidelines-pro-type-member-init)
    SHA256_Init(&state_);
}

Sha256& Sha256::write(ByteView bytes) {
    SHA256_Update(&state_, bytes.data(), bytes.size());
    return *this;
}

Hash256 Sha256::finish() {
    Hash256 hash;
    SHA256_Final(hash.bytes.data(), &state_);
    return hash;
}

Hash256 Sha256::finish_double() {
    return sha256_of_hash(finish());
}

Hash256 sha256(ByteView bytes) {
    return Sha256().write(bytes).finish();
}

Hash256 sha256d(ByteView bytes) {
    return Sha256().write(bytes).finish_double();
}

Hash160 ripemd160(ByteView bytes) {
    Hash160 hash;
    RIPEMD160(bytes.data(), bytes.size(), hash.data());
    return hash;
}

Hash160 hash160(ByteView bytes) {
    return ripemd160(sha256(bytes).bytes);
}

std::array<uint8_t, 20> sha1(ByteView bytes) {
    std::array<uint8_t, 20> hash;
    SHA_CTX state;
    SHA1_Init(&state);
    SHA1_Update(&state, bytes.data(), bytes.size());
    SHA1_Final(hash.data(), &state);
    return hash;
}

std::array<uint8_t, 64> hmac_sha512(ByteView key, ByteView bytes) {
    std::array<uint8_t, 64> mac;
    HMAC(
        EVP_sha512(), key.data(), static_cast<int>(key.size()), bytes.data(), bytes.size(),
        mac.data(), nullptr);
    return mac;
}

Hash256 sha3_256(ByteView bytes) {
    Hash256 hash;
    EVP_Digest(bytes.data(), bytes.size(), hash.bytes.data(), nullptr, EVP_sha3_256(), nullptr);
    return hash;
}

Sha256 tagged_hash(std::string_view tag) {
    const Hash256 prefix = sha256(as_bytes(tag));
    Sha256 hasher;
    hasher.write(prefix.bytes).write(prefix.bytes);
    return hasher;
}

namespace {

/// The four words of SipHash and its round.
struct SipState {
    uint64_t v0, v1, v2, v3;

    static uint64_t rotate(uint64_t x, int bits) { return x << bits | x >> (64 - bits); }

    void round() {
        v0 += v1;
        v2 += v3;
        v1 = rotate(v1, 13) ^ v0;
        v3 = rotate(v3, 16) ^ v2;
        v0 = rotate(v0, 32);
        v2 += v1;
        v0 += v3;
        v1 = rotate(v1, 17) ^ v2;
        v3 = rotate(v3, 21) ^ v0;
        v2 = rotate(v2, 32);
    }

    void absorb(uint64_t word) {
        v3 ^= word;
        round();
        round();
        v0 ^= word;
    }
};

} // namespace

uint64_t siphash(uint64_t key0, uint64_t key1, ByteView bytes) {
    SipState state{
        key0 ^ 0x736f6d6570736575, key1 ^ 0x646f72616e646f6d, key0 ^ 0x6c7967656e657261,
        key1 ^ 0x7465646279746573};
    const uint64_t length = bytes.size();
    while (bytes.size() >= 8) {
        uint64_t word = 0;
        std::memcpy(&word, bytes.data(), 8); // little-endian, as every machine we build for
        state.absorb(word);
        bytes = bytes.subspan(8);
    }
    uint64_t last = length << 56;
    for (size_t i = 0; i < bytes.size(); ++i) last |= uint64_t{bytes[i]} << (8 * i);
    state.absorb(last);
    state.v2 ^= 0xff;
    for (int i = 0; i < 4; ++i) state.round();
    return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}

} // namespace cairn::consensus
