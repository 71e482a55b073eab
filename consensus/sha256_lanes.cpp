// SPDX-License-Identifier: MIT
#include "consensus/sha256_lanes.h"

#include "consensus/hash_writer.h"

#include <bit>
#include <cstring>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace cairn::consensus {

namespace {

using Words = std::array<uint32_t, 64>;

alignas(16) constexpr Words ROUND_CONSTANTS = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

/// The message schedule of the block that pads a message of 64 bytes, round constants added in:
/// the same for every such message. Source: FIPS 180-4, 6.2.2.
constexpr Words padding_schedule() {
    Words w{};
    w[0] = 0x80000000;
    w[15] = 512;
    for (size_t t = 16; t < 64; ++t) {
        const uint32_t s0 = std::rotr(w[t - 15], 7) ^ std::rotr(w[t - 15], 18) ^ w[t - 15] >> 3;
        const uint32_t s1 = std::rotr(w[t - 2], 17) ^ std::rotr(w[t - 2], 19) ^ w[t - 2] >> 10;
        w[t] = s1 + w[t - 7] + s0 + w[t - 16];
    }
    for (size_t t = 0; t < 64; ++t) w[t] += ROUND_CONSTANTS[t];
    return w;
}

alignas(16) constexpr Words PADDING_SCHEDULE = padding_schedule();

#if defined(__x86_64__)

#define CAIRN_SHA __attribute__((target("sha,sse4.1"), always_inline)) inline
#define CAIRN_SHA_ENTRY __attribute__((target("sha,sse4.1")))

/// LANES independent SHA-256 states, in the two registers of the CPU's instructions.
/// Each step is written for all lanes before the next, so that one hides the other's latency.
template <size_t LANES>
struct States {
    __m128i abef[LANES];
    __m128i cdgh[LANES];
};

/// Sixteen message words of each lane.
template <size_t LANES>
struct Messages {
    __m128i words[LANES][4];
};

/// What the intrinsics take for a word.
constexpr int as_int(uint32_t word) {
    return static_cast<int>(word);
}

CAIRN_SHA __m128i swap_bytes(__m128i words) {
    const __m128i order = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    return _mm_shuffle_epi8(words, order);
}

CAIRN_SHA __m128i load(const void* from) {
    return _mm_loadu_si128(static_cast<const __m128i*>(from));
}

template <size_t LANES>
CAIRN_SHA States<LANES> initial_states() {
    States<LANES> states;
    for (size_t lane = 0; lane < LANES; ++lane) {
        states.abef[lane] =
            _mm_set_epi32(0x6a09e667, as_int(0xbb67ae85), 0x510e527f, as_int(0x9b05688c));
        states.cdgh[lane] = _mm_set_epi32(0x3c6ef372, as_int(0xa54ff53a), 0x1f83d9ab, 0x5be0cd19);
    }
    return states;
}

template <size_t LANES>
CAIRN_SHA void add_states(States<LANES>& states, const States<LANES>& more) {
    for (size_t lane = 0; lane < LANES; ++lane) {
        states.abef[lane] = _mm_add_epi32(states.abef[lane], more.abef[lane]);
        states.cdgh[lane] = _mm_add_epi32(states.cdgh[lane], more.cdgh[lane]);
    }
}

/// Four rounds; `words`: four message words of each lane, round constants added.
template <size_t LANES>
CAIRN_SHA void four_rounds(States<LANES>& s, const __m128i (&words)[LANES]) {
    for (size_t lane = 0; lane < LANES; ++lane)
        s.cdgh[lane] = _mm_sha256rnds2_epu32(s.cdgh[lane], s.abef[lane], words[lane]);
    for (size_t lane = 0; lane < LANES; ++lane)
        s.abef[lane] =
            _mm_sha256rnds2_epu32(s.abef[lane], s.cdgh[lane], _mm_shuffle_epi32(words[lane], 0x0e));
}

/// The next four message words, in place of those sixteen back.
CAIRN_SHA void extend(__m128i (&w)[4], size_t group) {
    __m128i& oldest = w[group % 4];
    const __m128i& second = w[(group + 1) % 4];
    const __m128i& third = w[(group + 2) % 4];
    const __m128i& newest = w[(group + 3) % 4];
    oldest = _mm_sha256msg1_epu32(oldest, second);
    oldest = _mm_add_epi32(oldest, _mm_alignr_epi8(newest, third, 4));
    oldest = _mm_sha256msg2_epu32(oldest, newest);
}

template <size_t LANES>
CAIRN_SHA void compress(States<LANES>& states, Messages<LANES> message) {
    const States<LANES> before = states;
#pragma GCC unroll 16
    for (size_t group = 0; group < 16; ++group) {
        const __m128i constants = load(&ROUND_CONSTANTS[4 * group]);
        __m128i words[LANES];
        for (size_t lane = 0; lane < LANES; ++lane) {
            if (group >= 4) extend(message.words[lane], group);
            words[lane] = _mm_add_epi32(message.words[lane][group % 4], constants);
        }
        four_rounds(states, words);
    }
    add_states(states, before);
}

/// compress() of the block that pads 64 bytes.
template <size_t LANES>
CAIRN_SHA void compress_padding(States<LANES>& states) {
    const States<LANES> before = states;
#pragma GCC unroll 16
    for (size_t group = 0; group < 16; ++group) {
        const __m128i scheduled = load(&PADDING_SCHEDULE[4 * group]);
        __m128i words[LANES];
        for (size_t lane = 0; lane < LANES; ++lane) words[lane] = scheduled;
        four_rounds(states, words);
    }
    add_states(states, before);
}

/// From the registers' order to (a, b, c, d) and (e, f, g, h), first word lowest.
template <size_t LANES>
CAIRN_SHA void hash_words(const States<LANES>& s, size_t lane, __m128i& abcd, __m128i& efgh) {
    abcd = _mm_shuffle_epi32(_mm_unpackhi_epi64(s.abef[lane], s.cdgh[lane]), 0xb1);
    efgh = _mm_shuffle_epi32(_mm_unpacklo_epi64(s.abef[lane], s.cdgh[lane]), 0xb1);
}

/// SHA-256 of the 32 bytes that begin each message.
template <size_t LANES>
CAIRN_SHA States<LANES> hash_32(Messages<LANES>& message) {
    for (__m128i(&w)[4] : message.words) {
        w[2] = _mm_set_epi32(0, 0, 0, as_int(0x80000000));
        w[3] = _mm_set_epi32(256, 0, 0, 0);
    }
    States<LANES> states = initial_states<LANES>();
    compress(states, message);
    return states;
}

/// SHA-256 of the 32 bytes that `states` stand for.
template <size_t LANES>
CAIRN_SHA States<LANES> hash_again(const States<LANES>& states) {
    Messages<LANES> message;
    for (size_t lane = 0; lane < LANES; ++lane)
        hash_words(states, lane, message.words[lane][0], message.words[lane][1]);
    return hash_32(message);
}

template <size_t LANES>
CAIRN_SHA void store_hashes(const States<LANES>& states, uint8_t* out) {
    for (size_t lane = 0; lane < LANES; ++lane) {
        __m128i abcd;
        __m128i efgh;
        hash_words(states, lane, abcd, efgh);
        auto* to = reinterpret_cast<__m128i*>(out + 32 * lane);
        _mm_storeu_si128(to, swap_bytes(abcd));
        _mm_storeu_si128(to + 1, swap_bytes(efgh));
    }
}

/// The 64 bytes at `in`.
CAIRN_SHA void load_message(__m128i (&words)[4], const uint8_t* in) {
    for (size_t i = 0; i < 4; ++i) words[i] = swap_bytes(load(in + 16 * i));
}

template <size_t LANES>
CAIRN_SHA void double_hash_64(uint8_t* out, const uint8_t* in) {
    Messages<LANES> message;
    for (size_t lane = 0; lane < LANES; ++lane) load_message(message.words[lane], in + 64 * lane);
    States<LANES> states = initial_states<LANES>();
    compress(states, message);
    compress_padding(states);
    store_hashes(hash_again(states), out);
}

CAIRN_SHA_ENTRY void sha_instructions_32(uint8_t* out, const uint8_t* in) {
    Messages<1> message;
    for (size_t i = 0; i < 2; ++i) message.words[0][i] = swap_bytes(load(in + 16 * i));
    store_hashes(hash_32(message), out);
}

CAIRN_SHA_ENTRY void sha_instructions_64_many(uint8_t* out, const uint8_t* in, size_t count) {
    for (; count >= 2; count -= 2, in += 128, out += 64) double_hash_64<2>(out, in);
    if (count == 1) double_hash_64<1>(out, in);
}

/// find_nonce() for the header of these bytes, but it asks only whether the highest 32 bits of the
/// hash are at most `limit`.
CAIRN_SHA_ENTRY std::optional<uint32_t>
sha_instructions_scan(const uint8_t* header, uint32_t first, uint64_t count, uint32_t limit) {
    constexpr size_t LANES = 2;
    Messages<LANES> message;
    for (auto& words : message.words) load_message(words, header);
    States<LANES> midstates = initial_states<LANES>();
    compress(midstates, message);
    // The other 16 bytes, of which the nonce is the last four, and the padding.
    const __m128i tail = swap_bytes(load(header + 64));
    for (auto& words : message.words) {
        words[1] = _mm_set_epi32(0, 0, 0, as_int(0x80000000));
        words[2] = _mm_setzero_si128();
        words[3] = _mm_set_epi32(640, 0, 0, 0);
    }
    for (uint64_t done = 0; done < count; done += LANES) {
        const uint32_t nonce = first + static_cast<uint32_t>(done);
        for (uint32_t lane = 0; lane < LANES; ++lane)
            message.words[lane][0] =
                _mm_insert_epi32(tail, as_int(__builtin_bswap32(nonce + lane)), 3);
        States<LANES> states = midstates;
        compress(states, message);
        states = hash_again(states);
        for (uint32_t lane = 0; lane < LANES; ++lane) {
            // The hash's last word, h, is the number's highest, byte-swapped.
            const auto h = static_cast<uint32_t>(_mm_cvtsi128_si32(states.cdgh[lane]));
            if (__builtin_bswap32(h) <= limit && done + lane < count) return nonce + lane;
        }
    }
    return std::nullopt;
}

#undef CAIRN_SHA
#undef CAIRN_SHA_ENTRY

#else

// Never called: has_sha_instructions() is false.

void sha_instructions_32(uint8_t*, const uint8_t*) {}

void sha_instructions_64_many(uint8_t*, const uint8_t*, size_t) {}

std::optional<uint32_t> sha_instructions_scan(const uint8_t*, uint32_t, uint64_t, uint32_t) {
    return std::nullopt;
}

#endif

/// sha_instructions_scan() by libcrypto.
std::optional<uint32_t>
portable_scan(ByteView header, uint32_t first, uint64_t count, uint32_t limit) {
    const Sha256 midstate = Sha256().write(header.first(64));
    for (uint64_t done = 0; done < count; ++done) {
        const uint32_t nonce = first + static_cast<uint32_t>(done);
        const Hash256 hash =
            HashWriter(Sha256(midstate).write(header.subspan(64, 12)))(nonce).double_hash();
        if ((to_number(hash) >> 224) <= limit) return nonce;
    }
    return std::nullopt;
}

} // namespace

bool has_sha_instructions() {
#if defined(__x86_64__)
    static const bool HAS = [] {
        constexpr unsigned SSSE3_AND_SSE41 = 1U << 9 | 1U << 19;
        constexpr unsigned SHA = 1U << 29;
        unsigned a = 0;
        unsigned b = 0;
        unsigned c = 0;
        unsigned d = 0;
        if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & SSSE3_AND_SSE41) != SSSE3_AND_SSE41)
            return false;
        return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & SHA) != 0;
    }();
    return HAS;
#else
    return false;
#endif
}

Hash256 sha256_of_hash(const Hash256& hash, bool fast) {
    if (!fast) return sha256(hash.bytes);
    Hash256 again;
    sha_instructions_32(again.bytes.data(), hash.bytes.data());
    return again;
}

void sha256d_64_many(uint8_t* out, const uint8_t* in, size_t count, bool fast) {
    if (fast) return sha_instructions_64_many(out, in, count);
    for (; count > 0; --count, in += 64, out += 32) {
        const Hash256 hash = sha256(sha256({in, 64}).bytes);
        std::memcpy(out, hash.bytes.data(), 32);
    }
}

Hash256 sha256d_64(const uint8_t* in) {
    Hash256 hash;
    sha256d_64_many(hash.bytes.data(), in, 1);
    return hash;
}

std::optional<uint32_t>
find_nonce(BlockHeader header, uint32_t first, uint64_t count, const Uint256& target, bool fast) {
    const auto limit = static_cast<uint32_t>(target >> 224);
    const Bytes bytes = encode(header);
    while (count > 0) {
        const std::optional<uint32_t> nonce =
            fast ? sha_instructions_scan(bytes.data(), first, count, limit)
                 : portable_scan(bytes, first, count, limit);
        if (!nonce) return std::nullopt;
        header.nonce = *nonce;
        if (to_number(header.hash()) <= target) return nonce;
        count -= uint64_t{*nonce - first} + 1; // the difference wraps as the nonces do
        first = *nonce + 1;
    }
    return std::nullopt;
}

} // namespace cairn::consensus
