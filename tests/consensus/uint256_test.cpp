// SPDX-License-Identifier: MIT
#include "consensus/uint256.h"

#include <boost/test/unit_test.hpp>

using namespace cairn::consensus;

BOOST_AUTO_TEST_SUITE(uint256)

BOOST_AUTO_TEST_CASE(to_number__first_byte__is_least_significant) {
    Hash256 hash;
    hash.bytes[0] = 2;
    hash.bytes[31] = 1;
    BOOST_TEST(to_number(hash) == (Uint256(1) << 248) + 2);
    BOOST_TEST((to_hash(to_number(hash)) == hash));
}

BOOST_AUTO_TEST_CASE(to_hex__any_number__has_64_digits) {
    BOOST_TEST(to_hex(Uint256(0xabc)) == std::string(61, '0').append("abc"));
    BOOST_TEST(to_hex(~Uint256(0)) == std::string(64, 'f'));
    BOOST_TEST(word_hex(0x1d00ffff) == "1d00ffff");
    BOOST_TEST(word_hex(1) == "00000001");
}

BOOST_AUTO_TEST_CASE(number_from_hex__1_to_64_digits__only) {
    BOOST_TEST(number_from_hex("aBc").value() == 0xabc);
    BOOST_TEST(number_from_hex(std::string(64, 'f')).value() == ~Uint256(0));
    for (const std::string_view bad : {"", "0x1", "g", "-1", " 1"})
        BOOST_TEST(!number_from_hex(bad).has_value());
    BOOST_TEST(!number_from_hex(std::string(65, '0')).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
