// SPDX-License-Identifier: MIT
#include "consensus/hash.h"

#include <boost/test/unit_test.hpp>

using namespace cairn::consensus;

BOOST_AUTO_TEST_SUITE(hash)

BOOST_AUTO_TEST_CASE(sha256__abc__published_hash) { // FIPS 180-4, example 1
    BOOST_TEST(
        to_hex(sha256(as_bytes("abc")).bytes) ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

BOOST_AUTO_TEST_CASE(sha256__in_pieces__same_as_whole) {
    const Bytes bytes(1000, 0x5a);
    Sha256 hasher;
    for (size_t i = 0; i < bytes.size(); i += 77)
        hasher.write(ByteView(bytes).subspan(i, std::min<size_t>(77, bytes.size() - i)));
    BOOST_TEST((hasher.finish() == sha256(bytes)));
}

BOOST_AUTO_TEST_CASE(sha256d__hello__hash_of_the_hash) {
    BOOST_TEST((sha256d(as_bytes("hello")) == sha256(sha256(as_bytes("hello")).bytes)));
    BOOST_TEST(
        to_hex(sha256d(as_bytes("hello")).bytes) ==
        "9595c9df90075148eb06860365df33584b75bff782a510c6cd4883a419833d50");
}

BOOST_AUTO_TEST_CASE(ripemd160__abc__published_hash) {
    BOOST_TEST(to_hex(ripemd160(as_bytes("abc"))) == "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc");
}

BOOST_AUTO_TEST_CASE(sha1__abc__published_hash) { // FIPS 180-4
    BOOST_TEST(to_hex(sha1(as_bytes("abc"))) == "a9993e364706816aba3e25717850c26c9cd0d89d");
}

BOOST_AUTO_TEST_CASE(hmac_sha512__rfc_4231_case_2__published_code) {
    BOOST_TEST(
        to_hex(hmac_sha512(as_bytes("Jefe"), as_bytes("what do ya want for nothing?"))) ==
        "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
        "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737");
}

BOOST_AUTO_TEST_CASE(siphash__bytes_counting_up__published_values) {
    // The reference vectors of SipHash-2-4: key and message are 00, 01, 02 ...
    Bytes message(15);
    for (size_t i = 0; i < message.size(); ++i) message[i] = static_cast<uint8_t>(i);
    const auto of = [&](size_t size) {
        return siphash(0x0706050403020100, 0x0f0e0d0c0b0a0908, ByteView(message).first(size));
    };
    BOOST_TEST(of(0) == 0x726fdb47dd0e0e31U);
    BOOST_TEST(of(1) == 0x74f839c593dc67fdU);
    BOOST_TEST(of(8) == 0x93f5f5799a932462U);
    BOOST_TEST(of(15) == 0xa129ca6149be45e5U);
}

BOOST_AUTO_TEST_CASE(hash256__text__reversed_and_back) {
    const auto hash =
        BlockHash::from_string("000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f");
    BOOST_REQUIRE(hash.has_value());
    BOOST_TEST(hash->bytes[0] == 0x6f);
    BOOST_TEST(hash->bytes[31] == 0);
    BOOST_TEST(BlockHash::from_string(hash->to_string()).value().bytes == hash->bytes);
    BOOST_TEST(!BlockHash::from_string("00").has_value());
    BOOST_TEST(!BlockHash::from_string("g" + std::string(63, '0')).has_value());
}

BOOST_AUTO_TEST_CASE(tagged_hash__tag__hashed_twice_first) { // BIP-0340
    const Hash256 tag = sha256(as_bytes("BIP0340/challenge"));
    Bytes all(tag.bytes.begin(), tag.bytes.end());
    all.insert(all.end(), tag.bytes.begin(), tag.bytes.end());
    all.push_back(9);
    BOOST_TEST((tagged_hash("BIP0340/challenge").write(Bytes{9}).finish() == sha256(all)));
}

BOOST_AUTO_TEST_SUITE_END()
