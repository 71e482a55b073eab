// SPDX-License-Identifier: MIT
// Sources: the vectors in the text of BIP-0173 and BIP-0350.
#include "consensus/bech32.h"

#include <boost/test/unit_test.hpp>

#include <random>

using namespace cairn::consensus;

BOOST_AUTO_TEST_SUITE(bech32)

BOOST_AUTO_TEST_CASE(bech32_decode__valid_texts__encode_back) {
    const std::pair<Bech32Variant, std::string_view> texts[] = {
        {Bech32Variant::Bech32, "a12uel5l"},
        {Bech32Variant::Bech32,
         "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tg"
         "s"},
        {Bech32Variant::Bech32, "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw"},
        {Bech32Variant::Bech32, "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w"},
        {Bech32Variant::Bech32, "?1ezyfcl"},
        {Bech32Variant::Bech32m, "a1lqfn3a"},
        {Bech32Variant::Bech32m, "abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx"},
        {Bech32Variant::Bech32m, "split1checkupstagehandshakeupstreamerranterredcaperredlc445v"},
        {Bech32Variant::Bech32m, "?1v759aa"},
    };
    for (const auto& [variant, text] : texts) {
        const auto decoded = bech32_decode(text);
        BOOST_TEST_REQUIRE(decoded.has_value());
        BOOST_TEST((decoded->variant == variant));
        BOOST_TEST(bech32_encode(variant, decoded->hrp, decoded->values) == text);
    }
}

BOOST_AUTO_TEST_CASE(bech32_decode__invalid_texts__are_refused) {
    using namespace std::string_view_literals;
    const std::string_view texts[] = {
        " 1nwldj5"sv,
        "\x7f"
        "1axkwrx"sv,
        "\x80"
        "1eym55h"sv,
        "pzry9x0s0muk"sv,
        "1pzry9x0s0muk"sv,
        "x1b4n0q5v"sv,
        "li1dgmt3"sv,
        "de1lg7wt\xff"sv,
        "A1G7SGD8"sv,
        "10a06t8"sv,
        "1qzzfhee"sv,
        "a12UEL5L"sv,
        "M1VUXWEZ"sv,
        "16plkw9"sv,
        "1p2gdwpf"sv,
        "au1s5cgom"sv,
        "y1b0jsk6g"sv,
        "lt1igcx5c0"sv,
        "in1muywd"sv,
        "mm1crxm3i"sv,
        "an84characterslonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1569"
        "pvx"sv,
    };
    for (const std::string_view text : texts) {
        BOOST_TEST_CONTEXT(text) {
            Bech32Fault fault;
            BOOST_TEST(!bech32_decode(text, &fault).has_value());
            BOOST_TEST(!fault.message.empty());
        }
    }
}

/// Any one or two letters changed in an address are found, and named in order.
BOOST_AUTO_TEST_CASE(bech32_decode__one_or_two_letters_changed__finds_them) {
    constexpr std::string_view LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    std::mt19937 random(1); // NOLINT: the same each time
    for (int round = 0; round < 200; ++round) {
        const auto variant = random() % 2 == 0 ? Bech32Variant::Bech32 : Bech32Variant::Bech32m;
        Bytes values(33);
        for (uint8_t& value : values) value = random() % 32;
        std::string text = bech32_encode(variant, "crn", values);
        std::vector<int> places;
        for (size_t place = 4; place < text.size() && places.size() < 2; ++place)
            if (random() % 20 == 0) places.push_back(static_cast<int>(place));
        if (places.empty()) continue;
        for (const int place : places) {
            char& letter = text[static_cast<size_t>(place)];
            letter = LETTERS[(LETTERS.find(letter) + 1 + random() % 31) % 32];
        }
        Bech32Fault fault;
        BOOST_TEST(!bech32_decode(text, &fault).has_value());
        BOOST_TEST_CONTEXT(text) {
            BOOST_TEST(fault.locations == places, boost::test_tools::per_element());
            BOOST_TEST(
                fault.message == (variant == Bech32Variant::Bech32 ? "Invalid Bech32 checksum"
                                                                   : "Invalid Bech32m checksum"));
        }
    }
}

BOOST_AUTO_TEST_CASE(bytes_from_base32__padding__at_most_four_zero_bits) {
    BOOST_TEST((bytes_from_base32(base32_from_bytes(Bytes{1, 2, 3})) == Bytes{1, 2, 3}));
    BOOST_TEST((bytes_from_base32(Bytes{0, 4}) == Bytes{1}));
    BOOST_TEST(!bytes_from_base32(Bytes{0, 5}).has_value());
    BOOST_TEST(!bytes_from_base32(Bytes{0}).has_value());
    BOOST_TEST(!bytes_from_base32(Bytes{0, 4, 0}).has_value());
    BOOST_TEST((bytes_from_base32(Bytes{}) == Bytes{}));
}

BOOST_AUTO_TEST_SUITE_END()
