// SPDX-License-Identifier: MIT
// Vectors: BIP-0032, BIP-0084.
#include "consensus/address.h"
#include "tests/vectors.h"
#include "wallet/keys/extended_key.h"
#include "wallet/keys/sign.h"
#include "wallet/mnemonic.h"

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

namespace cairn::wallet::keys {

namespace {

consensus::AddressPrefixes bitcoin_prefixes() {
    consensus::AddressPrefixes prefixes;
    prefixes.bech32_hrp = "bc";
    prefixes.extended_public = {0x04, 0x88, 0xb2, 0x1e};
    prefixes.extended_secret = {0x04, 0x88, 0xad, 0xe4};
    return prefixes;
}

/// Every "m/…" member of `vector` against the key derived from its seed.
void check_vector(const boost::json::object& vector) {
    const auto prefixes = bitcoin_prefixes();
    const auto seed = consensus::from_hex(vector.at("seed").as_string());
    const auto master = master_key(*seed);
    BOOST_TEST_REQUIRE(master.has_value());
    for (const auto& [path_text, expected] : vector) {
        if (!path_text.starts_with("m")) continue;
        const auto path = read_key_path(path_text);
        BOOST_TEST_REQUIRE(path.has_value(), path_text);
        const auto key = derive(*master, *path);
        BOOST_TEST_REQUIRE(key.has_value(), path_text);
        BOOST_TEST(to_text(*key, prefixes) == expected.at("prv").as_string().c_str());
        BOOST_TEST(to_text(public_key(*key), prefixes) == expected.at("pub").as_string().c_str());
        const auto read = read_extended_secret(expected.at("prv").as_string(), prefixes);
        BOOST_TEST_REQUIRE(read.has_value());
        BOOST_TEST(to_text(*read, prefixes) == to_text(*key, prefixes));
        BOOST_TEST(
            (read_extended_public(expected.at("pub").as_string(), prefixes) == public_key(*key)));
        if (path->empty() || path->back() >= HARDENED) continue;
        // The public way leads to the same key.
        const KeyPath up(path->begin(), path->end() - 1);
        BOOST_TEST((derive(public_key(*derive(*master, up)), path->back()) == public_key(*key)));
    }
}

} // namespace

BOOST_AUTO_TEST_SUITE(extended_key)

BOOST_AUTO_TEST_CASE(derive__bip32_vectors__gives_their_keys) {
    const auto dir = tests::vectors_dir();
    if (!dir) return;
    const auto vectors = boost::json::parse(tests::read_file(*dir / "bips/bip-0032.json"));
    check_vector(vectors.at("vector1").as_object());
    check_vector(vectors.at("vector2").as_object());
    const auto prefixes = bitcoin_prefixes();
    const auto seed = consensus::from_hex(vectors.at("seed").as_string());
    const auto master = master_key(*seed);
    BOOST_TEST(to_text(*master, prefixes) == vectors.at("master_priv").as_string().c_str());
    BOOST_TEST(
        to_text(public_key(*master), prefixes) == vectors.at("master_pub").as_string().c_str());
}

BOOST_AUTO_TEST_CASE(derive__hardened_child_of_a_public_key__is_none) {
    const std::array<uint8_t, 16> seed{1};
    const ExtendedPublicKey key = public_key(*master_key(seed));
    BOOST_TEST(!derive(key, HARDENED).has_value());
    BOOST_TEST(derive(key, HARDENED - 1).has_value());
}

BOOST_AUTO_TEST_CASE(derive__depth_of_255__has_no_child) {
    const std::array<uint8_t, 16> seed{1};
    ExtendedSecretKey key = *master_key(seed);
    key.place.depth = 255;
    BOOST_TEST(!derive(key, 0).has_value());
    BOOST_TEST(!derive(public_key(key), 0).has_value());
}

// Source: BIP-0032, test vector 5.
BOOST_AUTO_TEST_CASE(read_extended__texts_that_are_no_keys__are_refused) {
    const auto prefixes = bitcoin_prefixes();
    const std::array<uint8_t, 16> seed{7};
    const ExtendedSecretKey good = *master_key(seed);
    const std::string text = to_text(good, prefixes);
    BOOST_TEST(read_extended_secret(text, prefixes).has_value());
    BOOST_TEST(!read_extended_public(text, prefixes).has_value());
    BOOST_TEST(!read_extended_secret(text.substr(0, text.size() - 1), prefixes).has_value());
    BOOST_TEST(!read_extended_secret("", prefixes).has_value());

    ExtendedSecretKey bad = good;
    bad.place.child_number = 1; // a root has no number
    BOOST_TEST(!read_extended_secret(to_text(bad, prefixes), prefixes).has_value());
    bad = good;
    bad.place.parent = {1, 2, 3, 4};
    BOOST_TEST(!read_extended_secret(to_text(bad, prefixes), prefixes).has_value());

    const auto change = [&](size_t at, uint8_t value, bool secret) {
        consensus::Bytes bytes =
            *consensus::base58check_decode(secret ? text : to_text(public_key(good), prefixes));
        bytes[at] = value;
        const std::string changed = consensus::base58check_encode(bytes);
        return secret ? read_extended_secret(changed, prefixes).has_value()
                      : read_extended_public(changed, prefixes).has_value();
    };
    BOOST_TEST(!change(45, 4, true));  // a secret key begins with 0
    BOOST_TEST(!change(45, 4, false)); // a public one with 2 or 3
    consensus::Bytes zero = *consensus::base58check_decode(text);
    std::fill(zero.begin() + 45, zero.end(), 0);
    BOOST_TEST(!read_extended_secret(consensus::base58check_encode(zero), prefixes).has_value());
    std::fill(zero.begin() + 46, zero.end(), 0xff); // above the order of the curve
    BOOST_TEST(!read_extended_secret(consensus::base58check_encode(zero), prefixes).has_value());
}

BOOST_AUTO_TEST_CASE(read_key_path__texts__are_paths_or_nothing) {
    BOOST_TEST(
        (read_key_path("m/84h/1'/0H/5") == KeyPath{84 | HARDENED, 1 | HARDENED, 0 | HARDENED, 5}));
    BOOST_TEST((read_key_path("m") == KeyPath{}));
    BOOST_TEST((read_key_path("0/1") == KeyPath{0, 1}));
    for (const char* text : {"m/", "/0", "0/", "0//1", "x", "-1", "2147483648", "0hh", "0 "})
        BOOST_TEST(!read_key_path(text).has_value(), text);
    BOOST_TEST(to_text(KeyPath{84 | HARDENED, 7}) == "84h/7");
    BOOST_TEST(to_text(KeyOrigin{{0xd3, 0x4d, 0xb3, 0x3f}, {84 | HARDENED}}) == "d34db33f/84h");
}

// Source: BIP-0084, test vectors.
BOOST_AUTO_TEST_CASE(bip84_account__published_words__give_their_addresses) {
    const auto seed = mnemonic_seed(
        "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon "
        "about",
        "");
    const auto account = derive(*master_key(seed.view()), bip84_account(0, 0));
    const auto address = [&](Branch branch, uint32_t number) {
        const auto key = derive(*account, {static_cast<uint32_t>(branch), number});
        return consensus::address_of_script(
            p2wpkh_script(public_key(key->key)), bitcoin_prefixes());
    };
    BOOST_TEST(*address(Branch::Receive, 0) == "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu");
    BOOST_TEST(*address(Branch::Receive, 1) == "bc1qnjg0jd8228aq7egyzacy8cys3knf9xvrerkf9g");
    BOOST_TEST(*address(Branch::Change, 0) == "bc1q8c6fshw2dlwun7ekn9qwf37cu2rn755upcp6el");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace cairn::wallet::keys
