// SPDX-License-Identifier: MIT
#include "consensus/muhash.h"

#include "consensus/chacha20.h"

#include <bit>
#include <cassert>

namespace cairn::consensus {

namespace {

constexpr mp_limb_t PRIME_DISTANCE = 1'103'717; ///< 2^3072 less the modulus, which is prime.

constexpr mp_size_t LIMBS = std::tuple_size_v<Number3072>;

Number3072 modulus() {
    Number3072 number;
    number.fill(GMP_NUMB_MAX);
    number[0] -= PRIME_DISTANCE - 1;
    return number;
}

/// One divided by `number`, with the modulus.
Number3072 inverse(const Number3072& number) {
    static const Number3072 MODULUS = modulus();
    mpz_t divisor;
    mpz_t prime;
    mpz_t result;
    mpz_init(result);
    const int found = mpz_invert(
        result, mpz_roinit_n(divisor, number.data(), LIMBS),
        mpz_roinit_n(prime, MODULUS.data(), LIMBS));
    assert(found != 0);
    Number3072 inverse{};
    mpn_copyi(inverse.data(), mpz_limbs_read(result), static_cast<mp_size_t>(mpz_size(result)));
    mpz_clear(result);
    return inverse;
}

} // namespace

MuHash::MuHash(const Product& product) : product_(std::bit_cast<Number3072>(product)) {}

void MuHash::insert(ByteView member) {
    multiply_by(std::bit_cast<Number3072>(chacha20_keystream(sha256(member))));
}

void MuHash::multiply_by(const Number3072& number) {
    Number6144 wide = multiply(product_, number);
    // What is above 2^3072 counts PRIME_DISTANCE times below, and so does what that leaves above.
    mp_limb_t above = mpn_addmul_1(wide.data(), wide.data() + LIMBS, LIMBS, PRIME_DISTANCE);
    above = mpn_add_1(product_.data(), wide.data(), LIMBS, above * PRIME_DISTANCE);
    if (above != 0) mpn_add_1(product_.data(), product_.data(), LIMBS, PRIME_DISTANCE);
}

void MuHash::insert(const MuHash& members) {
    multiply_by(members.product_);
}

void MuHash::remove(const MuHash& members) {
    constexpr Number3072 ONE{1};
    if (members.product_ != ONE) multiply_by(inverse(members.product_));
}

MuHash::Product MuHash::product() const {
    static const Number3072 MODULUS = modulus();
    Number3072 reduced = product_;
    if (mpn_cmp(reduced.data(), MODULUS.data(), LIMBS) >= 0)
        mpn_sub_n(reduced.data(), reduced.data(), MODULUS.data(), LIMBS);
    return std::bit_cast<Product>(reduced);
}

Hash256 MuHash::digest() const {
    return sha256(product());
}

} // namespace cairn::consensus
