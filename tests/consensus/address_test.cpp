// SPDX-License-Identifier: MIT
// Addresses that aren't, and what is said of them: the sentences and places that validateaddress
// gives in the reference. Sources of the addresses: BIP-0173, BIP-0350.
#include "consensus/address.h"
#include "consensus/bech32.h"
#include "consensus/standard.h"

#include <boost/test/unit_test.hpp>

using namespace cairn::consensus;

BOOST_AUTO_TEST_SUITE(address)

namespace {

AddressPrefixes mainnet() {
    AddressPrefixes prefixes;
    prefixes.bech32_hrp = "bc";
    prefixes.pubkey_hash = {0};
    prefixes.script_hash = {5};
    prefixes.secret_key = {128};
    return prefixes;
}

AddressError error_of(std::string_view text) {
    AddressError error;
    BOOST_TEST(!script_of_address(text, mainnet(), &error).has_value());
    return error;
}

/// A bech32 text with these values under this checksum.
std::string witness_text(Bech32Variant variant, uint8_t version, size_t program_bytes) {
    Bytes values = base32_from_bytes(Bytes(program_bytes, 7));
    values.insert(values.begin(), version);
    return bech32_encode(variant, "bc", values);
}

} // namespace

BOOST_AUTO_TEST_CASE(script_of_address__base58_that_begins_like_bech32__is_read) {
    AddressPrefixes prefixes = mainnet();
    prefixes.bech32_hrp = "crn";
    prefixes.pubkey_hash = {0x1c};
    prefixes.script_hash = {0x58};
    BOOST_TEST(script_of_address("CRN8Nw1wJpHweTpKNEY3m4J6FguyXgoDkV", prefixes).has_value());
    int alike = 0; // one in 700
    for (uint32_t i = 0; i < 20'000; ++i) {
        const Hash256 hash = sha256d(ByteView(reinterpret_cast<const uint8_t*>(&i), sizeof i));
        Bytes script{OP_HASH160, 20};
        script.insert(script.end(), hash.bytes.begin(), hash.bytes.begin() + 20);
        script.push_back(OP_EQUAL);
        const std::string address = address_of_script(script, prefixes).value();
        if (address.starts_with("cRN") || address.starts_with("cRn")) ++alike;
        BOOST_REQUIRE(script_of_address(address, prefixes) == Script(script));
    }
    BOOST_TEST(alike > 0);
}

BOOST_AUTO_TEST_CASE(script_of_address__faulty__says_what_and_where) {
    struct Case {
        std::string text;
        std::string_view message;
        std::vector<int> locations;
    };

    const Case cases[] = {
        {"tc1qw508d6qejxtdg4y5r3zarvary0c5xw7kg3g4ty",
         "Invalid or unsupported Segwit (Bech32) or Base58 encoding.",
         {}},
        {"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", "Invalid Bech32 checksum", {41}},
        {"BC13W508D6QEJXTDG4Y5R3ZARVARY0C5XW7KN40WF2",
         "Version 1+ witness address must use Bech32m checksum",
         {}},
        {"BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P",
         "Invalid Bech32 v0 address program size (16 bytes), per BIP141",
         {}},
        {"bc1zw508d6qejxtdg4y5r3zarvaryvqyzf3du",
         "Version 1+ witness address must use Bech32m checksum",
         {}},
        {"bc1gmk9yu", "Empty Bech32 data section", {}},
        {"bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd",
         "Version 1+ witness address must use Bech32m checksum",
         {}},
        {"BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R",
         "Invalid Bech32 address witness version",
         {}},
        {"bc1pw5dgrnzv", "Invalid Bech32 address program size (1 byte)", {}},
        {"bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v07qwwzcrf",
         "Invalid padding in Bech32 data section",
         {}},
        {"bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4",
         "Invalid Base 32 character",
         {59}},
        {"bc1q" + std::string(87, 'q'), "Bech32 string too long", {90}},
        {"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8F3t4", "Invalid character or mixed case", {38}},
        {"bc", "Missing separator", {}},
        {"bc1qqqqq", "Invalid separator position", {2}},
        {"bca1qqqqqqqqqqq", "Invalid checksum", {}},
        {witness_text(Bech32Variant::Bech32m, 0, 20),
         "Version 0 witness address must use Bech32 checksum",
         {}},
        {witness_text(Bech32Variant::Bech32m, 1, 41),
         "Invalid Bech32 address program size (41 bytes)",
         {}},
        {bech32_encode(Bech32Variant::Bech32m, "bcrt", base32_from_bytes(Bytes(5))),
         "Invalid or unsupported prefix for Segwit (Bech32) address (expected bc, got bcrt).",
         {}},
        {"", "Invalid checksum or length of Base58 address (P2PKH or P2SH)", {}},
        {"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb",
         "Invalid checksum or length of Base58 address (P2PKH or P2SH)",
         {}},
        {base58check_encode(Bytes(20)), "Invalid length for Base58 address (P2PKH or P2SH)", {}},
        {base58check_encode(Bytes(21, 111)), "Invalid or unsupported Base58-encoded address.", {}},
    };
    for (const Case& c : cases) {
        BOOST_TEST_CONTEXT(c.text) {
            const AddressError error = error_of(c.text);
            BOOST_TEST(error.message == c.message);
            BOOST_TEST(error.locations == c.locations, boost::test_tools::per_element());
        }
    }
}

BOOST_AUTO_TEST_CASE(script_of_address__good__leaves_no_error) {
    AddressError error{"left over", {1}};
    const auto script =
        script_of_address("BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", mainnet(), &error);
    BOOST_TEST(to_hex(script.value()) == "0014751e76e8199196d454941c45d1b3a323f1433bd6");
    BOOST_TEST(error.message.empty());
    BOOST_TEST(error.locations.empty());
}

BOOST_AUTO_TEST_CASE(address_of_script__only_where_there_is_one) {
    const auto address_of = [](const Script& script) {
        return address_of_script(script, mainnet());
    };
    BOOST_TEST(address_of(pay_to_pubkey_hash(Bytes(20))).value() == "1111111111111111111114oLvT2");
    BOOST_TEST(address_of(pay_to_witness(1, Bytes{0x4e, 0x73})).value() == "bc1pfeessrawgf");
    Script key;
    push_data(key, Bytes(33, 2));
    push_opcode(key, OP_CHECKSIG);
    BOOST_TEST(!address_of(key).has_value());
    BOOST_TEST(!address_of(Script()).has_value());
    Script data;
    push_opcode(data, OP_RETURN);
    BOOST_TEST(!address_of(data).has_value());
}

/// Prefixes of several bytes are a chain file's own business.
BOOST_AUTO_TEST_CASE(script_of_address__prefixes_of_two_bytes__round_trip) {
    AddressPrefixes prefixes = mainnet();
    prefixes.pubkey_hash = {0x1c, 0xb8};
    prefixes.script_hash = {0x1c, 0xbd};
    for (const Script& script :
         {pay_to_pubkey_hash(Bytes(20, 9)), pay_to_script_hash(Bytes(20, 9))}) {
        const std::string text = address_of_script(script, prefixes).value();
        BOOST_TEST((script_of_address(text, prefixes) == script));
        BOOST_TEST(!script_of_address(text, mainnet()).has_value());
    }
}

BOOST_AUTO_TEST_CASE(decode_secret__no_key_of_the_curve__is_refused) {
    SecretKeyText key;
    BOOST_TEST(!decode_secret(encode_secret(key, mainnet()), mainnet()).has_value());
    key.secret.fill(0xff);
    BOOST_TEST(!decode_secret(encode_secret(key, mainnet()), mainnet()).has_value());
    key.secret.fill(1);
    BOOST_TEST(decode_secret(encode_secret(key, mainnet()), mainnet()).has_value());
}

BOOST_AUTO_TEST_CASE(base58_decode__white_space_and_limits__as_the_reference) {
    BOOST_TEST(
        (base58_decode(" \t\n\v\f\r 61 \r\f\v\n\t ").value() == base58_decode("61").value()));
    BOOST_TEST(!base58_decode("6 1").has_value());
    BOOST_TEST(!base58_decode("0").has_value());
    BOOST_TEST(!base58_decode(std::string_view("61\0", 3)).has_value());
    BOOST_TEST(base58_decode("111", 3).value().size() == 3U);
    BOOST_TEST(!base58_decode("111", 2).has_value());
    BOOST_TEST(!base58_decode("1zzz", 3).has_value());
    BOOST_TEST(!base58_decode(std::string(1'000'000, 'z')).has_value()); // at once
    BOOST_TEST(!base58check_decode("111").has_value());
}

BOOST_AUTO_TEST_SUITE_END()
