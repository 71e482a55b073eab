// SPDX-License-Identifier: MIT
#include "consensus/sha256_lanes.h"

#include <boost/test/unit_test.hpp>

#include <random>

using namespace cairn::consensus;

BOOST_AUTO_TEST_SUITE(sha256_lanes)

namespace {

Bytes random_bytes(size_t size, uint32_t seed) {
    std::mt19937 random(seed);
    Bytes bytes(size);
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
    return bytes;
}

/// As sha256d_64_many(), by libcrypto.
void hash_each(uint8_t* out, const uint8_t* in, size_t count) {
    for (size_t i = 0; i < count; ++i)
        std::ranges::copy(sha256(sha256({in + 64 * i, 64}).bytes).bytes, out + 32 * i);
}

/// The header of Bitcoin's genesis block.
BlockHeader known_header() {
    BlockHeader header;
    header.version = 1;
    header.merkle_root =
        *hash_from_string("4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b");
    header.time = 1231006505;
    header.bits = 0x1d00ffff;
    header.nonce = 2083236893;
    return header;
}

/// By libcrypto, and by the CPU's instructions where it has them.
std::vector<bool> ways() {
    if (has_sha_instructions()) return {false, true};
    return {false};
}

constexpr auto KNOWN_HASH = "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f";

} // namespace

BOOST_AUTO_TEST_CASE(sha256_of_hash__random__agrees_with_libcrypto) {
    for (const bool fast : ways())
        for (uint32_t seed = 0; seed < 100; ++seed) {
            const Hash256 hash = sha256(random_bytes(32, seed));
            BOOST_TEST((sha256_of_hash(hash, fast) == sha256(hash.bytes)));
        }
}

BOOST_AUTO_TEST_CASE(sha256d_64_many__any_count__agrees_with_libcrypto) {
    for (const bool fast : ways())
        for (size_t count = 0; count < 9; ++count) {
            const Bytes in = random_bytes(64 * count, 7 + static_cast<uint32_t>(count));
            Bytes hashed(32 * count);
            Bytes expected(32 * count);
            sha256d_64_many(hashed.data(), in.data(), count, fast);
            hash_each(expected.data(), in.data(), count);
            BOOST_TEST(hashed == expected);
        }
}

BOOST_AUTO_TEST_CASE(sha256d_64_many__in_place__same_hashes) {
    for (const bool fast : ways()) {
        Bytes bytes = random_bytes(64 * 5, 3);
        Bytes expected(32 * 5);
        hash_each(expected.data(), bytes.data(), 5);
        sha256d_64_many(bytes.data(), bytes.data(), 5, fast);
        bytes.resize(expected.size());
        BOOST_TEST(bytes == expected);
    }
}

BOOST_AUTO_TEST_CASE(sha256d_64__one_block__agrees_with_stream) {
    const Bytes in = random_bytes(64, 11);
    BOOST_TEST((sha256d_64(in.data()) == sha256d(in)));
}

BOOST_AUTO_TEST_CASE(find_nonce__nonce_in_range__found) {
    const Uint256 target = to_number(*hash_from_string(KNOWN_HASH));
    // Both positions in the pair of lanes, and the last of an odd count.
    for (const bool fast : ways())
        for (const uint32_t before : {0U, 1U, 2U, 1000U})
            BOOST_TEST(
                find_nonce(known_header(), 2083236893 - before, before + 1, target, fast).value() ==
                2083236893U);
}

BOOST_AUTO_TEST_CASE(find_nonce__nonce_just_outside__not_found) {
    const Uint256 target = to_number(*hash_from_string(KNOWN_HASH));
    for (const bool fast : ways()) {
        BOOST_TEST(!find_nonce(known_header(), 2083236893 - 5, 5, target, fast).has_value());
        BOOST_TEST(!find_nonce(known_header(), 2083236894, 5, target, fast).has_value());
        BOOST_TEST(!find_nonce(known_header(), 2083236893 - 5, 6, target - 1, fast).has_value());
    }
}

BOOST_AUTO_TEST_CASE(find_nonce__easy_target__first_nonce_that_meets_it) {
    const Uint256 target = ~Uint256(0) >> 6;
    BlockHeader header = known_header();
    header.nonce = 77;
    while (to_number(header.hash()) > target) ++header.nonce;
    for (const bool fast : ways())
        BOOST_TEST(find_nonce(header, 77, 1'000'000, target, fast).value() == header.nonce);
}

BOOST_AUTO_TEST_CASE(find_nonce__wraps_past_the_last_nonce__goes_on_at_zero) {
    BlockHeader header = known_header();
    uint32_t best = 0; // of the first hundred after the wrap
    Uint256 target = ~Uint256(0);
    for (header.nonce = 0; header.nonce < 100; ++header.nonce)
        if (const Uint256 hash = to_number(header.hash()); hash < target) {
            target = hash;
            best = header.nonce;
        }
    for (const bool fast : ways()) {
        BOOST_TEST(find_nonce(header, 0xfffffffd, 103, target, fast).value() == best);
        BOOST_TEST(find_nonce(header, 0xffffffff, 1, ~Uint256(0), fast).value() == 0xffffffffU);
        BOOST_TEST(!find_nonce(header, 0xffffffff, 3, Uint256(0), fast).has_value());
    }
}

BOOST_AUTO_TEST_SUITE_END()
