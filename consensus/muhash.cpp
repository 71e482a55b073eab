// SPDX-License-Identifier: MIT
#include "consensus/muhash.h"

#include <cassert>

namespace cairn::consensus {

namespace {

constexpr unsigned BITS = 3072;
constexpr uint32_t PRIME_DISTANCE = 1'103'717; ///< 2^3072 less the modulus, which is prime.

using Words = std::array<uint64_t, BITS / 64>;

} // namespace

MuHash::MuHash() : cipher_(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free) {
    EVP_EncryptInit_ex(cipher_.get(), EVP_chacha20(), nullptr, nullptr, nullptr);
}

void MuHash::insert(ByteView member) {
    constexpr std::array<uint8_t, 16> FROM_START{}; // counter and nonce
    constexpr Words ZEROS{};
    Words words{};
    int size = 0;
    EVP_EncryptInit_ex(
        cipher_.get(), nullptr, nullptr, sha256(member).bytes.data(), FROM_START.data());
    EVP_EncryptUpdate(
        cipher_.get(), reinterpret_cast<uint8_t*>(words.data()), &size,
        reinterpret_cast<const uint8_t*>(ZEROS.data()), sizeof words);
    assert(size == sizeof words);
    static const Number LOW_BITS = (Number(1) << BITS) - 1;
    Number number;
    import_bits(number, words.begin(), words.end(), 64, false);
    product_ *= number;
    // Twice leaves a bit too many at most: digest() does the rest.
    for (int i = 0; i < 2; ++i)
        product_ = (product_ >> BITS) * PRIME_DISTANCE + (product_ & LOW_BITS);
}

Hash256 MuHash::digest() const {
    static const Number MODULUS = (Number(1) << BITS) - PRIME_DISTANCE;
    Words words{};
    export_bits(Number(product_ % MODULUS), words.begin(), 64, false);
    return sha256({reinterpret_cast<const uint8_t*>(words.data()), sizeof words});
}

} // namespace cairn::consensus
