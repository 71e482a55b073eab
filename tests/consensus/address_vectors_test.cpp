// SPDX-License-Identifier: MIT
// Core's vectors of base58, addresses and private keys, by the prefixes of the chain files.
#include "consensus/address.h"
#include "consensus/chain_file.h"
#include "tests/consensus/script_assembler.h"
#include "tests/vectors.h"

#include <boost/test/unit_test.hpp>

#include <map>

using namespace cairn::consensus;
using namespace cairn::tests;
namespace json = boost::json;

BOOST_AUTO_TEST_SUITE(address_vectors)

namespace {

/// The prefixes of the chains by the names that the vectors have for them.
std::map<std::string, AddressPrefixes> all_prefixes() {
    std::map<std::string, AddressPrefixes> prefixes;
    const std::filesystem::path folder = CAIRN_SOURCE_DIR "/genesis";
    const auto read = [&](const char* file) {
        return read_chain_file(read_file(folder / file)).address;
    };
    prefixes["main"] = read("bitcoin-mainnet.json");
    prefixes["test"] = read("bitcoin-testnet3.json");
    prefixes["testnet4"] = read("bitcoin-testnet4.json");
    prefixes["signet"] = read("bitcoin-signet.json");
    prefixes["regtest"] = read("bitcoin-regtest.json");
    return prefixes;
}

std::string case_flipped(std::string text) {
    for (char& c : text)
        if (std::isalpha(static_cast<unsigned char>(c)) != 0) c ^= 0x20;
    return text;
}

void check_key(const std::string& text, const json::array& entry, const AddressPrefixes& prefixes) {
    const auto key = decode_secret(text, prefixes);
    BOOST_TEST_REQUIRE(key.has_value());
    BOOST_TEST(to_hex(key->secret) == std::string_view(entry[1].as_string()));
    BOOST_TEST(key->compressed == entry[2].at("isCompressed").as_bool());
    BOOST_TEST(encode_secret(*key, prefixes) == text);
    BOOST_TEST(!script_of_address(text, prefixes).has_value());
}

void check_address(
    const std::string& text, const json::array& entry, const AddressPrefixes& prefixes) {
    const auto script = script_of_address(text, prefixes);
    BOOST_TEST_REQUIRE(script.has_value());
    BOOST_TEST(to_hex(*script) == std::string_view(entry[1].as_string()));
    BOOST_TEST(address_of_script(*script, prefixes).value() == text);
    BOOST_TEST(!decode_secret(text, prefixes).has_value());
    const json::value* flip = entry[2].as_object().if_contains("tryCaseFlip");
    const auto flipped = script_of_address(case_flipped(text), prefixes);
    if (flip != nullptr && flip->as_bool())
        BOOST_TEST((flipped == script));
    else
        BOOST_TEST(!flipped.has_value());
}

} // namespace

BOOST_AUTO_TEST_CASE(base58__core_vectors__encode_and_decode) {
    const auto dir = vectors_dir();
    if (!dir) return;
    const json::array vectors = read_vectors(*dir / "core" / "base58_encode_decode.json");
    BOOST_TEST(vectors.size() == 21U);
    for (const json::value& entry : vectors) {
        const Bytes bytes = from_hex(std::string_view(entry.as_array()[0].as_string())).value();
        const std::string_view text = entry.as_array()[1].as_string();
        BOOST_TEST(base58_encode(bytes) == text);
        BOOST_TEST((base58_decode(text, 256) == bytes));
    }
}

BOOST_AUTO_TEST_CASE(key_io__valid_vectors__decode_and_encode) {
    const auto dir = vectors_dir();
    if (!dir) return;
    const auto prefixes = all_prefixes();
    const json::array vectors = read_vectors(*dir / "core" / "key_io_valid.json");
    BOOST_TEST(vectors.size() == 70U);
    for (const json::value& value : vectors) {
        const json::array& entry = value.as_array();
        const std::string text = entry[0].as_string().c_str();
        const AddressPrefixes& chain = prefixes.at(entry[2].at("chain").as_string().c_str());
        BOOST_TEST_CONTEXT(text) {
            if (entry[2].at("isPrivkey").as_bool())
                check_key(text, entry, chain);
            else
                check_address(text, entry, chain);
        }
    }
}

BOOST_AUTO_TEST_CASE(key_io__invalid_vectors__refused_on_every_chain) {
    const auto dir = vectors_dir();
    if (!dir) return;
    const json::array vectors = read_vectors(*dir / "core" / "key_io_invalid.json");
    BOOST_TEST(vectors.size() == 70U);
    for (const json::value& entry : vectors) {
        const std::string_view text = entry.as_array()[0].as_string();
        for (const auto& [chain, prefixes] : all_prefixes()) {
            BOOST_TEST_CONTEXT(text << " on " << chain) {
                AddressError error;
                BOOST_TEST(!script_of_address(text, prefixes, &error).has_value());
                BOOST_TEST(!error.message.empty());
                BOOST_TEST(!decode_secret(text, prefixes).has_value());
            }
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
