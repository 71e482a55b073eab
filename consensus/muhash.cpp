// SPDX-License-Identifier: MIT
#include "consensus/muhash.h"

#include <cassert>
#include <openssl/bn.h>

namespace cairn::consensus {

namespace {

constexpr unsigned BITS = 3072;
constexpr uint32_t PRIME_DISTANCE = 1'103'717; ///< 2^3072 less the modulus, which is prime.

using BigNumber = std::unique_ptr<BIGNUM, void (*)(BIGNUM*)>;

BigNumber big_number(const MuHash::Product& product) {
    return {BN_lebin2bn(product.data(), int(product.size()), nullptr), &BN_free};
}

/// One divided by `product`, with the modulus. (Boost has no inverse that is fast.)
MuHash::Product inverse(const MuHash::Product& product) {
    BigNumber modulus(BN_new(), &BN_free);
    BN_set_bit(modulus.get(), BITS);
    BN_sub_word(modulus.get(), PRIME_DISTANCE);
    const std::unique_ptr<BN_CTX, void (*)(BN_CTX*)> context(BN_CTX_new(), &BN_CTX_free);
    const BigNumber number = big_number(product);
    const BigNumber result(
        BN_mod_inverse(nullptr, number.get(), modulus.get(), context.get()), &BN_free);
    assert(result);
    MuHash::Product bytes{};
    BN_bn2lebinpad(result.get(), bytes.data(), int(bytes.size()));
    return bytes;
}

} // namespace

MuHash::MuHash() : cipher_(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free) {
    EVP_EncryptInit_ex(cipher_.get(), EVP_chacha20(), nullptr, nullptr, nullptr);
}

MuHash::MuHash(const Product& product) : MuHash() {
    import_bits(product_, product.begin(), product.end(), 8, false);
}

void MuHash::insert(ByteView member) {
    constexpr std::array<uint8_t, 16> FROM_START{}; // counter and nonce
    constexpr std::array<uint64_t, BITS / 64> ZEROS{};
    std::array<uint64_t, BITS / 64> words{};
    int size = 0;
    EVP_EncryptInit_ex(
        cipher_.get(), nullptr, nullptr, sha256(member).bytes.data(), FROM_START.data());
    EVP_EncryptUpdate(
        cipher_.get(), reinterpret_cast<uint8_t*>(words.data()), &size,
        reinterpret_cast<const uint8_t*>(ZEROS.data()), sizeof words);
    assert(size == sizeof words);
    Number number;
    import_bits(number, words.begin(), words.end(), 64, false);
    multiply(number);
}

void MuHash::multiply(const Number& number) {
    static const Number LOW_BITS = (Number(1) << BITS) - 1;
    product_ *= number;
    // Twice leaves a bit too many at most: product() does the rest.
    for (int i = 0; i < 2; ++i)
        product_ = (product_ >> BITS) * PRIME_DISTANCE + (product_ & LOW_BITS);
}

void MuHash::insert(const MuHash& members) {
    multiply(members.product_);
}

void MuHash::remove(const MuHash& members) {
    if (members.product_ != 1) insert(MuHash(inverse(members.product())));
}

MuHash::Product MuHash::product() const {
    static const Number MODULUS = (Number(1) << BITS) - PRIME_DISTANCE;
    Product bytes{};
    export_bits(Number(product_ % MODULUS), bytes.begin(), 8, false);
    return bytes;
}

Hash256 MuHash::digest() const {
    return sha256(product());
}

} // namespace cairn::consensus
