// SPDX-License-Identifier: MIT
#include "consensus/chacha20.h"

#include <cstring>

namespace cairn::consensus {

namespace {

#define CAIRN_INLINE __attribute__((always_inline)) inline

constexpr size_t WORDS = 16; ///< Of a block.
constexpr size_t BLOCKS = std::tuple_size_v<Keystream> / (WORDS * sizeof(uint32_t));

/// A word of each block, and of two that nobody wants.
using Lanes = uint32_t __attribute__((vector_size(8 * sizeof(uint32_t))));

CAIRN_INLINE void mix(Lanes& a, const Lanes& b, Lanes& c, int bits) {
    a += b;
    c ^= a;
    c = c << bits | c >> (32 - bits);
}

CAIRN_INLINE void quarter_round(Lanes& a, Lanes& b, Lanes& c, Lanes& d) {
    mix(a, b, d, 16);
    mix(c, d, b, 12);
    mix(a, b, d, 8);
    mix(c, d, b, 7);
}

template <size_t TURNED>
CAIRN_INLINE void round(Lanes (&now)[WORDS]) {
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; ++i)
        quarter_round(
            now[i], now[4 + (i + TURNED) % 4], now[8 + (i + 2 * TURNED) % 4],
            now[12 + (i + 3 * TURNED) % 4]);
}

CAIRN_INLINE void expand(Keystream& out, const Hash256& key) {
    uint32_t start[WORDS] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
    std::memcpy(start + 4, key.bytes.data(), key.bytes.size());
    Lanes before[WORDS];
    Lanes now[WORDS];
    for (size_t i = 0; i < WORDS; ++i) before[i] = Lanes{} + start[i];
    before[12] = Lanes{0, 1, 2, 3, 4, 5, 6, 7}; // which block
    for (size_t i = 0; i < WORDS; ++i) now[i] = before[i];
    for (int i = 0; i < 10; ++i) {
        round<0>(now); // columns
        round<1>(now); // diagonals
    }
    uint32_t words[BLOCKS][WORDS];
    for (size_t i = 0; i < WORDS; ++i) {
        now[i] += before[i];
        for (size_t block = 0; block < BLOCKS; ++block) words[block][i] = now[i][block];
    }
    std::memcpy(out.data(), words, sizeof words);
}

#if defined(__x86_64__)

__attribute__((target("avx2"))) void expand_avx2(Keystream& out, const Hash256& key) {
    expand(out, key);
}

__attribute__((target("avx512vl"))) void expand_avx512(Keystream& out, const Hash256& key) {
    expand(out, key);
}

#endif

#undef CAIRN_INLINE

} // namespace

Vectors best_vectors() {
#if defined(__x86_64__)
    static const Vectors BEST = __builtin_cpu_supports("avx512vl") ? Vectors::Avx512
                                : __builtin_cpu_supports("avx2")   ? Vectors::Avx2
                                                                   : Vectors::Any;
    return BEST;
#else
    return Vectors::Any;
#endif
}

Keystream chacha20_keystream(const Hash256& key, Vectors with) {
    Keystream out;
#if defined(__x86_64__)
    if (with == Vectors::Avx512) return expand_avx512(out, key), out;
    if (with == Vectors::Avx2) return expand_avx2(out, key), out;
#endif
    expand(out, key);
    return out;
}

} // namespace cairn::consensus
