// SPDX-License-Identifier: MIT
// Vectors: BIP-0039, English.
#include "consensus/hash.h"
#include "tests/vectors.h"
#include "wallet/keys/extended_key.h"
#include "wallet/mnemonic.h"

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

namespace cairn::wallet {

BOOST_AUTO_TEST_SUITE(mnemonic)

BOOST_AUTO_TEST_CASE(word_list__hashed__is_the_published_one) {
    BOOST_TEST(
        consensus::to_hex(consensus::sha256(consensus::as_bytes(ENGLISH_WORDS)).bytes) ==
        "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda");
}

BOOST_AUTO_TEST_CASE(make_mnemonic__bip39_vectors__gives_their_words_and_seeds) {
    const auto dir = tests::vectors_dir();
    if (!dir) return;
    const auto vectors = boost::json::parse(tests::read_file(*dir / "bips/bip-0039-english.json"));
    consensus::AddressPrefixes prefixes;
    prefixes.extended_secret = {0x04, 0x88, 0xad, 0xe4};
    for (const auto& vector : vectors.as_array()) {
        const auto text = [&](size_t i) { return std::string(vector.at(i).as_string()); };
        const SecretText words = make_mnemonic(*consensus::from_hex(text(0)));
        BOOST_TEST(std::string(words) == text(1));
        BOOST_TEST(!mnemonic_error(words).has_value());
        const auto seed = mnemonic_seed(words, text(2));
        BOOST_TEST(consensus::to_hex(seed.view()) == text(3));
        BOOST_TEST(to_text(*keys::master_key(seed.view()), prefixes) == text(4));
    }
    BOOST_TEST(vectors.as_array().size() >= 24U);
}

BOOST_AUTO_TEST_CASE(normalize_mnemonic__as_people_type__is_lower_case_with_one_space) {
    BOOST_TEST(std::string(normalize_mnemonic("  Zoo\tzoo\n ABOUT ")) == "zoo zoo about");
    BOOST_TEST(std::string(normalize_mnemonic("")) == "");
}

BOOST_AUTO_TEST_CASE(mnemonic_error__a_mistake__is_named) {
    const std::string eleven = "abandon abandon abandon abandon abandon abandon abandon abandon "
                               "abandon abandon abandon";
    BOOST_TEST(!mnemonic_error(eleven + " about").has_value());
    BOOST_TEST(mnemonic_error(eleven).value().find("11 words") != std::string::npos);
    BOOST_TEST(mnemonic_error(eleven + " abot").value().find("'abot'") != std::string::npos);
    BOOST_TEST(mnemonic_error(eleven + " abandon").value().find("checksum") != std::string::npos);
    BOOST_TEST(mnemonic_error("").value().find("0 words") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace cairn::wallet
