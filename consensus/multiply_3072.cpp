// SPDX-License-Identifier: MIT
#include "consensus/multiply_3072.h"

#include <cstddef>
#include <cstdint>

#if defined(__x86_64__)
// GCC 12 says so of its own header, where it means a value to be undefined (its bug 105593).
#pragma GCC diagnostic ignored "-Wuninitialized"
#include <immintrin.h>
#endif

namespace cairn::consensus {

namespace {

constexpr mp_size_t LIMBS = std::tuple_size_v<Number3072>;

#if defined(__x86_64__)

#define CAIRN_IFMA_TARGET target("avx512f,avx512bw,avx512ifma,avx512vbmi")
#define CAIRN_IFMA __attribute__((CAIRN_IFMA_TARGET, always_inline)) inline
#define CAIRN_IFMA_ENTRY __attribute__((CAIRN_IFMA_TARGET))

// Digits have 52 bits, so two of them have 13 bytes. Eight are a vector, each in a lane of its own.
constexpr size_t LANES = 8;
constexpr size_t VECTORS = 8; ///< Of a factor: digits from 60 on are zero.
constexpr size_t VECTOR_BYTES = LANES / 2 * 13;
constexpr long long DIGIT_MASK = (1LL << 52) - 1;

/// Where each byte of a vector comes from, if pairs of digits go from `from` to `to` bytes each.
struct alignas(64) Repacking {
    uint8_t bytes[64]{};

    constexpr Repacking(size_t from, size_t to) {
        for (size_t i = 0; i < 64 && i / to < LANES / 2; ++i)
            bytes[i] = static_cast<uint8_t>(i / to * from + i % to);
    }
};

CAIRN_IFMA __m512i repack(const Repacking& how, __m512i bytes) {
    return _mm512_permutexvar_epi8(_mm512_load_si512(how.bytes), bytes);
}

/// Of two neighbours each gets the other's.
CAIRN_IFMA __m512i swap_pairs(__m512i lanes) {
    return _mm512_permutex_epi64(lanes, 0b10'11'00'01);
}

/// A shift by `even` or `odd` bits, which leaves nothing if it is 64.
CAIRN_IFMA __m512i shift_right(__m512i lanes, long long even, long long odd) {
    return _mm512_srlv_epi64(lanes, _mm512_set4_epi64(odd, even, odd, even));
}

CAIRN_IFMA __m512i shift_left(__m512i lanes, long long even, long long odd) {
    return _mm512_sllv_epi64(lanes, _mm512_set4_epi64(odd, even, odd, even));
}

/// Of the digits of `number`, the `index`th vector.
CAIRN_IFMA __m512i digits_of(const Number3072& number, size_t index) {
    static constexpr Repacking SPREAD(13, 16);
    const size_t left = sizeof number - index * VECTOR_BYTES;
    const __mmask64 present = left < 64 ? (1ULL << left) - 1 : ~0ULL;
    const auto* bytes = reinterpret_cast<const char*>(number.data()) + index * VECTOR_BYTES;
    const __m512i pairs = repack(SPREAD, _mm512_maskz_loadu_epi8(present, bytes));
    const __m512i digits = shift_left(pairs, 0, 12) | shift_right(swap_pairs(pairs), 64, 52);
    return digits & _mm512_set1_epi64(DIGIT_MASK);
}

/// A number in digits, twice as long as the factors. Bytes past the last digit are anything.
struct Packed {
    std::array<mp_limb_t, 2 * VECTORS * VECTOR_BYTES / 8 + 2> limbs;

    CAIRN_IFMA void set(size_t index, __m512i digits) {
        static constexpr Repacking TOGETHER(16, 13);
        const __m512i pairs = shift_right(digits, 0, 12) | shift_left(swap_pairs(digits), 52, 64);
        _mm512_storeu_si512(
            reinterpret_cast<char*>(limbs.data()) + index * VECTOR_BYTES, repack(TOGETHER, pairs));
    }
};

/// The lanes of `low` and `high` in a row, from `first` on.
CAIRN_IFMA __m512i lanes_from(size_t first, __m512i low, __m512i high) {
    const __m512i start = _mm512_set1_epi64(static_cast<long long>(first));
    const __m512i index = _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0) + start;
    return _mm512_permutex2var_epi64(low, index, high);
}

CAIRN_IFMA_ENTRY void multiply_by_lanes(Number6144& out, const Number3072& a, const Number3072& b) {
    alignas(64) long long left[VECTORS * LANES];
    __m512i right[VECTORS];
    for (size_t i = 0; i < VECTORS; ++i) {
        _mm512_store_si512(left + i * LANES, digits_of(a, i));
        right[i] = digits_of(b, i);
    }
    // Digits of the product, none above 2 * 60 * 2^52. Those products together whose lanes are as
    // far off: the lower half of a product as far as the left digit, the upper half by one more.
    __m512i sums[2 * VECTORS] = {};
    for (size_t off = 0; off <= LANES; ++off) {
        __m512i columns[2 * VECTORS] = {};
#pragma GCC unroll 8
        for (size_t i = 0; i < VECTORS; ++i) {
            if (off < LANES) {
                const __m512i digit = _mm512_set1_epi64(left[i * LANES + off]);
#pragma GCC unroll 8
                for (size_t j = 0; j < VECTORS; ++j)
                    columns[i + j] = _mm512_madd52lo_epu64(columns[i + j], digit, right[j]);
            }
            if (off > 0) {
                const __m512i digit = _mm512_set1_epi64(left[i * LANES + off - 1]);
#pragma GCC unroll 8
                for (size_t j = 0; j < VECTORS; ++j)
                    columns[i + j] = _mm512_madd52hi_epu64(columns[i + j], digit, right[j]);
            }
        }
        __m512i before = {};
#pragma GCC unroll 16
        for (size_t i = 0; i < 2 * VECTORS; ++i) {
            sums[i] += lanes_from(LANES - off, before, columns[i]);
            before = columns[i];
        }
    }
    Packed low;
    Packed carries;
    __m512i before = {};
    for (size_t i = 0; i < 2 * VECTORS; ++i) {
        const __m512i carry = _mm512_srli_epi64(sums[i], 52);
        low.set(i, sums[i] & _mm512_set1_epi64(DIGIT_MASK));
        carries.set(i, lanes_from(LANES - 1, before, carry));
        before = carry;
    }
    mpn_add_n(out.data(), low.limbs.data(), carries.limbs.data(), 2 * LIMBS);
}

#undef CAIRN_IFMA_TARGET
#undef CAIRN_IFMA
#undef CAIRN_IFMA_ENTRY

#else

// Never called: has_products_of_52_bits() is false.
void multiply_by_lanes(Number6144&, const Number3072&, const Number3072&) {}

#endif

} // namespace

bool has_products_of_52_bits() {
#if defined(__x86_64__)
    static const bool HAS = __builtin_cpu_supports("avx512bw") &&
                            __builtin_cpu_supports("avx512ifma") &&
                            __builtin_cpu_supports("avx512vbmi");
    return HAS;
#else
    return false;
#endif
}

Number6144 multiply(const Number3072& a, const Number3072& b, bool fast) {
    Number6144 product;
    if (fast)
        multiply_by_lanes(product, a, b);
    else
        mpn_mul_n(product.data(), a.data(), b.data(), LIMBS);
    return product;
}

} // namespace cairn::consensus
