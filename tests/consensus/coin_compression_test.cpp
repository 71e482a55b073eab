// SPDX-License-Identifier: MIT
#include "consensus/coin_compression.h"
#include "consensus/standard.h"

#include <boost/test/unit_test.hpp>

using namespace cairn::consensus;

namespace {

/// The generator of the curve.
const std::string G_X = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
const std::string G_Y = "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8";

Bytes compressed(const Script& script) {
    Coin coin;
    coin.height = 1;
    coin.out.script_pubkey = script;
    Bytes bytes;
    Writer writer(bytes);
    write_compressed(writer, coin);
    Reader reader(bytes);
    Coin again;
    read_compressed(reader, again);
    BOOST_TEST((reader.at_end() && again == coin));
    return {bytes.begin() + 2, bytes.end()}; // after height and amount
}

Script script_of(const std::string& hex) {
    return Script(*from_hex(hex));
}

} // namespace

BOOST_AUTO_TEST_SUITE(coin_compression)

BOOST_AUTO_TEST_CASE(amount__round_ones__take_few_bits) { // Core: compress_tests.cpp
    const std::pair<uint64_t, uint64_t> pairs[] = {
        {0, 0x0},
        {1, 0x1},
        {1'000'000, 0x7},
        {100'000'000, 0x9},
        {5'000'000'000, 0x32},
        {2'100'000'000'000'000, 0x1406f40}};
    for (const auto& [satoshis, short_form] : pairs) {
        BOOST_TEST(compress_amount(satoshis) == short_form);
        BOOST_TEST(expand_amount(short_form) == satoshis);
    }
    for (uint64_t n = 0; n < 100'000; ++n)
        BOOST_TEST_REQUIRE(expand_amount(compress_amount(n)) == n);
}

BOOST_AUTO_TEST_CASE(script__usual_forms__shortened) {
    const Bytes hash(20, 0x5a);
    BOOST_TEST(compressed(pay_to_pubkey_hash(hash)).size() == 21U);
    BOOST_TEST(compressed(pay_to_script_hash(hash)).size() == 21U);
    BOOST_TEST(to_hex(compressed(script_of("2102" + G_X + "ac"))) == "02" + G_X);
    BOOST_TEST(
        to_hex(compressed(script_of(
            "41"
            "04" +
            G_X + G_Y + "ac"))) == "04" + G_X);
}

BOOST_AUTO_TEST_CASE(script__others__as_they_are) {
    BOOST_TEST(to_hex(compressed(script_of("51"))) == "0751");
    BOOST_TEST(compressed(pay_to_witness(0, Bytes(20, 1))).size() == 23U);
    // Off the curve: it could not be made again.
    BOOST_TEST(compressed(script_of("4104" + G_X + G_X + "ac")).size() == 68U);
    BOOST_TEST(compressed(Script(Bytes(10'000, 0x61))).size() == 10'002U);
}

BOOST_AUTO_TEST_CASE(read__what_cannot_be__fails) {
    for (const char* hex :
         {"",                       // nothing
          "0201fe",                 // a length that goes on
          "0201ce17",               // a script of more than 10,000 bytes
          "02ffffffffffffffffffff", // an amount of more than 64 bits
          "0201040000000000000000000000000000000000000000000000000000000000000005"}) { // no point
        const Bytes bytes = *from_hex(hex);
        Reader reader(bytes);
        Coin coin;
        read_compressed(reader, coin);
        BOOST_TEST(reader.failed(), hex);
    }
}

BOOST_AUTO_TEST_SUITE_END()
