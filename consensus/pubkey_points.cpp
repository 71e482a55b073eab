// SPDX-License-Identifier: MIT
#include "consensus/pubkey_points.h"

#include "consensus/script.h"
#include "consensus/signature.h"
#include "consensus/standard.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <gmp.h>
#include <span>

#if defined(__x86_64__)
// GCC 12 says so of its own header, where it means a value to be undefined (its bug 105593).
#pragma GCC diagnostic ignored "-Wuninitialized"
#include <immintrin.h>
#endif

namespace cairn::consensus {

namespace {

// Numbers modulo the field's prime, p = 2^256 - 0x1000003d1.
using Limbs = std::array<mp_limb_t, 4>;
constexpr uint64_t PRIME_DISTANCE = 0x1000003d1;
constexpr Limbs PRIME = {0 - PRIME_DISTANCE, ~mp_limb_t{0}, ~mp_limb_t{0}, ~mp_limb_t{0}};

constexpr size_t LANES = 16;
constexpr size_t MAX_DIGITS = 9;

/// A number in each lane, the least digit first.
struct Numbers {
    alignas(64) uint64_t digits[MAX_DIGITS][LANES];
};

/// How an instruction set multiplies.
struct Arithmetic {
    size_t digit_bits;
    size_t digits;
    /// Square each of the first `lanes` numbers so many times, then multiply by that of `factor`.
    void (*raise)(Numbers& numbers, size_t lanes, size_t squarings, const Numbers& factor);
};

#if defined(__x86_64__)

#define CAIRN_AVX2 __attribute__((target("avx2"), always_inline)) inline
#define CAIRN_AVX2_ENTRY __attribute__((target("avx2")))
#define CAIRN_IFMA __attribute__((target("avx512f,avx512ifma"), always_inline)) inline
#define CAIRN_IFMA_ENTRY __attribute__((target("avx512f,avx512ifma")))

/// Four lanes in digits of 29 bits, whose products are of 64.
namespace avx2 {

constexpr size_t WIDTH = 4;
constexpr int BITS = 29;
constexpr size_t DIGITS = 9;
constexpr long long MASK = (1LL << BITS) - 1;

// 2^261, which is a carry out of the ninth digit, is as much as these two digits.
constexpr long long FOLD_LOW = 0x7a20;
constexpr int FOLD_HIGH_BITS = 8;

/// Between multiplications digits are below 2^29 + 2^16.
struct Number {
    __m256i digits[DIGITS];
};

/// Of the lanes' lower halves. (_mm256_mul_epu32, which clang-tidy takes for the plain product.)
CAIRN_AVX2 __m256i product_of(__m256i a, __m256i b) {
    return __builtin_ia32_pmuludq256((__v8si)a, (__v8si)b);
}

/// Move what the sums from `first` on have above a digit to the next, all at once. That of the
/// last stays.
CAIRN_AVX2 void carry(__m256i* sums, size_t first, size_t last) {
    __m256i above = {};
#pragma GCC unroll 18
    for (size_t i = first; i < last; ++i) {
        const __m256i next = _mm256_srli_epi64(sums[i], BITS);
        sums[i] = (sums[i] & MASK) + above;
        above = next;
    }
    sums[last] += above;
}

/// Add `digit` times 2^261 to the two sums.
CAIRN_AVX2 void fold(__m256i digit, __m256i& low, __m256i& high) {
    low += product_of(digit, _mm256_set1_epi64x(FOLD_LOW));
    high += digit << FOLD_HIGH_BITS;
}

/// The products of two numbers' digits, each sum below 9 * 2^58.1; one more for what is carried.
struct Product {
    __m256i sums[2 * DIGITS + 1] = {};
};

CAIRN_AVX2 Number reduce(Product product) {
    __m256i(&sums)[2 * DIGITS + 1] = product.sums;
    carry(sums, 0, 2 * DIGITS - 1);      // now below 2^33
    carry(sums, DIGITS, 2 * DIGITS - 1); // and the upper ones below 2^30
    __m256i above = {};
#pragma GCC unroll 9
    for (size_t i = 0; i < DIGITS; ++i)
        fold(sums[DIGITS + i], sums[i], i + 1 < DIGITS ? sums[i + 1] : above);
    // The lower ones are below 2^45, so that no carry is above 2^16.
    sums[DIGITS] = above;
    carry(sums, 0, DIGITS);
    sums[DIGITS + 1] = __m256i{};
    carry(sums, DIGITS, DIGITS + 1);
    fold(sums[DIGITS], sums[0], sums[1]);
    fold(sums[DIGITS + 1], sums[1], sums[2]);
    carry(sums, 0, 2);
    Number number;
    std::copy_n(sums, DIGITS, number.digits);
    return number;
}

CAIRN_AVX2 Number multiply(const Number& a, const Number& b) {
    Product product;
#pragma GCC unroll 9
    for (size_t i = 0; i < DIGITS; ++i)
#pragma GCC unroll 9
        for (size_t j = 0; j < DIGITS; ++j)
            product.sums[i + j] += product_of(a.digits[i], b.digits[j]);
    return reduce(product);
}

CAIRN_AVX2 Number square(const Number& a) {
    Product product;
#pragma GCC unroll 9
    for (size_t i = 0; i < DIGITS; ++i) {
        __m256i factor = a.digits[i]; // and twice that for products that are there twice
#pragma GCC unroll 9
        for (size_t j = i; j < DIGITS; ++j) {
            product.sums[i + j] += product_of(factor, a.digits[j]);
            if (j == i) factor += factor;
        }
    }
    return reduce(product);
}

CAIRN_AVX2 Number load(const Numbers& from, size_t lane) {
    Number number;
    for (size_t i = 0; i < DIGITS; ++i)
        number.digits[i] =
            _mm256_load_si256(reinterpret_cast<const __m256i*>(&from.digits[i][lane]));
    return number;
}

CAIRN_AVX2_ENTRY void
raise(Numbers& numbers, size_t lanes, size_t squarings, const Numbers& factor) {
    for (size_t lane = 0; lane < lanes; lane += WIDTH) {
        Number number = load(numbers, lane);
        for (size_t i = 0; i < squarings; ++i) number = square(number);
        number = multiply(number, load(factor, lane));
        for (size_t i = 0; i < DIGITS; ++i)
            _mm256_store_si256(
                reinterpret_cast<__m256i*>(&numbers.digits[i][lane]), number.digits[i]);
    }
}

} // namespace avx2

/// Sixteen lanes in digits of 52 bits, of whose products there are instructions for both halves.
/// The two vectors of a digit are worked on by turns, so that one hides the other's latency.
namespace ifma {

constexpr int BITS = 52;
constexpr size_t DIGITS = 5;
constexpr long long MASK = (1LL << BITS) - 1;
constexpr long long FOLD = 0x1000003d10; // 2^260, which is a carry out of the fifth digit

struct Sum {
    __m512i lanes[2];
};

/// Digits are below 2^52, as these instructions take no more of them. (The last may be just 2^52,
/// once in 2^100 numbers, which costs the guess.)
struct Number {
    Sum digits[DIGITS];
};

/// Add the lower halves of the products.
CAIRN_IFMA void add_low(Sum& sum, const Sum& a, const Sum& b) {
    for (size_t i = 0; i < 2; ++i)
        sum.lanes[i] = _mm512_madd52lo_epu64(sum.lanes[i], a.lanes[i], b.lanes[i]);
}

CAIRN_IFMA void add_high(Sum& sum, const Sum& a, const Sum& b) {
    for (size_t i = 0; i < 2; ++i)
        sum.lanes[i] = _mm512_madd52hi_epu64(sum.lanes[i], a.lanes[i], b.lanes[i]);
}

/// Move what `from` has above a digit to `to`.
CAIRN_IFMA void carry(Sum& from, Sum& to) {
    for (size_t i = 0; i < 2; ++i) {
        to.lanes[i] += from.lanes[i] >> BITS;
        from.lanes[i] &= MASK;
    }
}

/// The products of two numbers' digits, each sum below 10 * 2^52.
struct Product {
    Sum sums[2 * DIGITS] = {};
};

CAIRN_IFMA void
add_product(Product& product, const Number& a, size_t i, const Number& b, size_t j) {
    add_low(product.sums[i + j], a.digits[i], b.digits[j]);
    add_high(product.sums[i + j + 1], a.digits[i], b.digits[j]);
}

CAIRN_IFMA Number reduce(Product product) {
    Sum(&sums)[2 * DIGITS] = product.sums;
#pragma GCC unroll 4
    for (size_t i = DIGITS; i + 1 < 2 * DIGITS; ++i) carry(sums[i], sums[i + 1]);
    const Sum fold = {_mm512_set1_epi64(FOLD), _mm512_set1_epi64(FOLD)};
    Sum above = {};
#pragma GCC unroll 5
    for (size_t i = 0; i < DIGITS; ++i) {
        add_low(sums[i], sums[DIGITS + i], fold);
        add_high(i + 1 < DIGITS ? sums[i + 1] : above, sums[DIGITS + i], fold);
    }
#pragma GCC unroll 5
    for (size_t i = 0; i < DIGITS; ++i) carry(sums[i], i + 1 < DIGITS ? sums[i + 1] : above);
    // What is above is below 2^38.
    add_low(sums[0], above, fold);
    add_high(sums[1], above, fold);
#pragma GCC unroll 4
    for (size_t i = 0; i + 1 < DIGITS; ++i) carry(sums[i], sums[i + 1]);
    Number number;
    std::copy_n(sums, DIGITS, number.digits);
    return number;
}

CAIRN_IFMA Number multiply(const Number& a, const Number& b) {
    Product product;
#pragma GCC unroll 5
    for (size_t i = 0; i < DIGITS; ++i)
#pragma GCC unroll 5
        for (size_t j = 0; j < DIGITS; ++j) add_product(product, a, i, b, j);
    return reduce(product);
}

CAIRN_IFMA Number square(const Number& a) {
    Product product;
#pragma GCC unroll 5
    for (size_t i = 0; i < DIGITS; ++i)
#pragma GCC unroll 5
        for (size_t j = i + 1; j < DIGITS; ++j) add_product(product, a, i, a, j);
#pragma GCC unroll 10
    for (Sum& sum : product.sums) // these are there twice
        for (__m512i& lanes : sum.lanes) lanes += lanes;
#pragma GCC unroll 5
    for (size_t i = 0; i < DIGITS; ++i) add_product(product, a, i, a, i);
    return reduce(product);
}

CAIRN_IFMA_ENTRY void raise(Numbers& numbers, size_t, size_t squarings, const Numbers& factor) {
    static_assert(sizeof(Number::digits[0]) == sizeof(Numbers::digits[0]));
    Number number;
    Number last;
    std::memcpy(&number, &numbers, sizeof number);
    std::memcpy(&last, &factor, sizeof last);
    for (size_t i = 0; i < squarings; ++i) number = square(number);
    number = multiply(number, last);
    std::memcpy(&numbers, &number, sizeof number);
}

} // namespace ifma

constexpr Arithmetic AVX2 = {avx2::BITS, avx2::DIGITS, avx2::raise};
constexpr Arithmetic IFMA = {ifma::BITS, ifma::DIGITS, ifma::raise};

#undef CAIRN_AVX2
#undef CAIRN_AVX2_ENTRY
#undef CAIRN_IFMA
#undef CAIRN_IFMA_ENTRY

#else

// Never used: best_root_finder() is None.
constexpr Arithmetic AVX2 = {};
constexpr Arithmetic IFMA = {};

#endif

/// Put the number of 32 bytes, the most significant first, into a lane.
void set_lane(Numbers& numbers, size_t lane, const uint8_t* bytes, const Arithmetic& how) {
    uint64_t limbs[5] = {}; // one more, so that each digit has a next limb
    for (size_t i = 0; i < 32; ++i) limbs[i / 8] |= uint64_t{bytes[31 - i]} << i % 8 * 8;
    for (size_t i = 0; i < how.digits; ++i) {
        const size_t at = i * how.digit_bits;
        uint64_t digit = limbs[at / 64] >> at % 64;
        if (at % 64 != 0) digit |= limbs[at / 64 + 1] << (64 - at % 64);
        numbers.digits[i][lane] = digit & ((uint64_t{1} << how.digit_bits) - 1);
    }
}

/// The number of a lane, below 2^256 (not always below p, but once in 2^200 numbers).
Limbs lane_of(const Numbers& numbers, size_t lane, const Arithmetic& how) {
    const size_t last = how.digits - 1;
    const size_t last_bits = 256 - last * how.digit_bits;
    uint64_t digits[MAX_DIGITS];
    for (size_t i = 0; i < how.digits; ++i) digits[i] = numbers.digits[i][lane];
    // What is past 2^256 is folded in once before all digits have their size, and once after.
    for (int round = 0; round < 2; ++round) {
        digits[0] += (digits[last] >> last_bits) * PRIME_DISTANCE;
        digits[last] &= (uint64_t{1} << last_bits) - 1;
        for (size_t i = 0; i < last; ++i) {
            digits[i + 1] += digits[i] >> how.digit_bits;
            digits[i] &= (uint64_t{1} << how.digit_bits) - 1;
        }
    }
    Limbs limbs{};
    for (size_t i = 0; i < how.digits; ++i) {
        const size_t at = i * how.digit_bits;
        limbs[at / 64] |= digits[i] << at % 64;
        const size_t spilt = at % 64 + (i < last ? how.digit_bits : last_bits);
        if (spilt > 64) limbs[at / 64 + 1] |= digits[i] >> (64 - at % 64);
    }
    return limbs;
}

/// Y for each X, one of the two that are there: a root of x^3 + 7, which is its power (p + 1) / 4.
/// In binary that is 223 ones, a zero, 22 ones, four zeros, two ones, two zeros.
void find_roots(Numbers& x, size_t lanes, const Arithmetic& how) {
    const auto raised = [&](Numbers number, size_t squarings, const Numbers& factor) {
        how.raise(number, lanes, squarings, factor);
        return number;
    };
    Numbers square = raised(x, 1, x);
    for (uint64_t& digit : square.digits[0]) digit += 7;
    const Numbers& one = square; // powers below by how many ones their exponents have
    const Numbers two = raised(one, 1, one);
    const Numbers three = raised(two, 1, one);
    const Numbers six = raised(three, 3, three);
    const Numbers eleven = raised(raised(six, 3, three), 2, two);
    const Numbers ones22 = raised(eleven, 11, eleven);
    const Numbers ones44 = raised(ones22, 22, ones22);
    const Numbers ones88 = raised(ones44, 44, ones44);
    const Numbers ones176 = raised(ones88, 88, ones88);
    const Numbers ones223 = raised(raised(ones176, 44, ones44), 3, three);
    Numbers unit{};
    std::fill_n(unit.digits[0], LANES, 1);
    x = raised(raised(raised(ones223, 23, ones22), 6, two), 2, unit);
}

/// Put Y into the points, at most LANES of them, which say so far whether it is even (2) or odd
/// (3).
void solve_lanes(std::span<PubkeyPoints::Uncompressed> points, const Arithmetic& how) {
    const size_t lanes = std::min(LANES, points.size());
    Numbers numbers{};
    for (size_t lane = 0; lane < lanes; ++lane) set_lane(numbers, lane, &points[lane][1], how);
    find_roots(numbers, lanes, how);
    for (size_t lane = 0; lane < lanes; ++lane) {
        PubkeyPoints::Uncompressed& point = points[lane];
        Limbs y = lane_of(numbers, lane, how);
        if ((y[0] & 1) != (point[0] & 1)) mpn_sub_n(y.data(), PRIME.data(), y.data(), y.size());
        for (size_t i = 0; i < 32; ++i) point[64 - i] = static_cast<uint8_t>(y[i / 8] >> i % 8 * 8);
        point[0] = 4;
    }
}

} // namespace

RootFinder best_root_finder() {
#if defined(__x86_64__)
    static const RootFinder BEST = __builtin_cpu_supports("avx512ifma") ? RootFinder::Avx512Ifma
                                   : __builtin_cpu_supports("avx2")     ? RootFinder::Avx2
                                                                        : RootFinder::None;
    return BEST;
#else
    return RootFinder::None;
#endif
}

void PubkeyPoints::add(const TxIn& input, const TxOut& spent) {
    if (finder_ == RootFinder::None) return;
    const auto program = witness_program(spent.script_pubkey);
    if (program && program->version != 0) {
        // With nothing but a signature, this is by the output's key, whose Y is even (BIP-0340).
        const bool key_path = program->version == 1 && input.witness.size() == 1;
        if (key_path && program->program.size() == 32) add_key(2, program->program);
        return;
    }
    add_pushes(spent.script_pubkey);
    if (const auto pushed = last_push(input.script_sig)) add_key_or_script(*pushed);
    if (!input.witness.empty()) add_key_or_script(input.witness[input.witness.size() - 1]);
}

void PubkeyPoints::add_key_or_script(ByteView item) {
    if (is_compressed_pubkey(item)) return add_key(item[0], item.subspan(1));
    add_pushes(item);
}

void PubkeyPoints::add_pushes(ByteView script) {
    ScriptReader reader(script);
    while (points_.size() < MAX_KEYS) {
        const std::optional<Instruction> next = reader.next();
        if (!next) return;
        if (is_compressed_pubkey(next->data)) add_key(next->data[0], next->data.subspan(1));
    }
}

void PubkeyPoints::add_key(uint8_t prefix, ByteView x) {
    if (points_.size() == MAX_KEYS) return;
    Uncompressed& point = points_.emplace_back();
    point[0] = prefix;
    std::ranges::copy(x, point.begin() + 1);
}

void PubkeyPoints::solve() {
    // A single one takes the library as long.
    if (points_.size() < 2) return points_.clear();
    const Arithmetic& how = finder_ == RootFinder::Avx2 ? AVX2 : IFMA;
    for (size_t first = 0; first < points_.size(); first += LANES)
        solve_lanes(std::span(points_).subspan(first), how);
}

const PubkeyPoints::Uncompressed* PubkeyPoints::find(ByteView pubkey) const {
    assert(is_compressed_pubkey(pubkey));
    for (const Uncompressed& point : points_) {
        const bool same_parity = (point.back() & 1) == (pubkey[0] & 1);
        if (same_parity && std::memcmp(&point[1], &pubkey[1], 32) == 0) return &point;
    }
    return nullptr;
}

} // namespace cairn::consensus
