// SPDX-License-Identifier: MIT
#include "consensus/multiply_3072.h"

#include <boost/test/unit_test.hpp>

#include <random>
#include <vector>

using namespace cairn::consensus;

BOOST_AUTO_TEST_SUITE(multiply_3072)

namespace {

/// 0, 1, the modulus p of MuHash and its neighbours, 2^3072 - 1, each single bit, and random ones.
std::vector<Number3072> numbers() {
    constexpr mp_limb_t FULL = ~mp_limb_t{0};
    constexpr mp_limb_t PRIME_DISTANCE = 1'103'717;
    std::vector<Number3072> all{Number3072{}, Number3072{1}};
    for (const mp_limb_t less :
         {PRIME_DISTANCE, PRIME_DISTANCE - 1, PRIME_DISTANCE - 2, mp_limb_t{0}}) {
        all.emplace_back().fill(FULL);
        all.back()[0] -= less;
    }
    for (size_t bit = 0; bit < 3072; ++bit)
        all.emplace_back()[bit / GMP_NUMB_BITS] = mp_limb_t{1} << bit % GMP_NUMB_BITS;
    std::mt19937_64 random(1);
    for (size_t i = 0; i < 1'000; ++i)
        for (mp_limb_t& limb : all.emplace_back()) // limbs of all ones: the longest carries
            limb = random() % 4 == 0 ? FULL : random();
    return all;
}

} // namespace

BOOST_AUTO_TEST_CASE(multiply__by_lanes__as_gmp_does) {
    if (!has_products_of_52_bits()) return;
    const std::vector<Number3072> all = numbers();
    for (size_t i = 0; i < all.size(); ++i)
        for (const Number3072& other :
             {all[1], all[2], all[3], all[4], all[5], all[i], all[i * i % all.size()]}) {
            if (multiply(all[i], other, true) != multiply(all[i], other, false))
                BOOST_ERROR("the products of the " << i << "th number differ");
        }
}

BOOST_AUTO_TEST_CASE(multiply__greatest_numbers__known_product) {
    Number3072 greatest;
    greatest.fill(~mp_limb_t{0});
    Number6144 square{1}; // (2^n - 1)^2 = 2^2n - 2 * 2^n + 1
    std::fill(square.begin() + greatest.size(), square.end(), ~mp_limb_t{0});
    square[greatest.size()] -= 1;
    BOOST_TEST((multiply(greatest, greatest) == square));
    BOOST_TEST((multiply(greatest, greatest, false) == square));
}

BOOST_AUTO_TEST_SUITE_END()
