// SPDX-License-Identifier: MIT
// Compact targets, their work and ASERT, against the same in plain numbers without any limit.
#include "consensus/pow.h"

#include <cstdlib>

using namespace cairn::consensus;
using Number = boost::multiprecision::cpp_int;

namespace {

const Number TWO_TO_256 = Number(1) << 256;

/// A target as its definition says: the low 23 bits times 256^(size - 3), bit 24 the sign.
std::optional<Number> naive_target(uint32_t bits) {
    const int size = static_cast<int>(bits >> 24);
    Number target = bits & 0x007fffff;
    for (int i = size; i < 3; ++i) target /= 256;
    for (int i = 3; i < size; ++i) target *= 256;
    const bool negative = (bits & 0x00800000) != 0;
    if (target == 0 || negative || target >= TWO_TO_256) return std::nullopt;
    return target;
}

/// The shortest form: the fewest bytes that hold the target and a sign, the first three kept.
uint32_t naive_compact(Number target) {
    uint32_t size = 0;
    for (Number rest = target; rest > 0; rest /= 256) ++size;
    if ((target >> (8 * size)) == 0 && size > 0 && (target >> (8 * size - 1)) != 0) ++size;
    for (uint32_t i = size; i < 3; ++i) target *= 256;
    for (uint32_t i = 3; i < size; ++i) target /= 256;
    return size << 24 | static_cast<uint32_t>(target);
}

Number naive_asert(
    const AsertRule& rule,
    const Number& limit,
    const Number& anchor_target,
    int64_t seconds,
    int64_t blocks) {
    const Number behind = Number(seconds) - Number(rule.spacing) * (blocks + 1);
    const Number exponent = behind * 65536 / rule.half_life; // towards zero
    Number shifts = exponent / 65536;
    if (shifts * 65536 > exponent) --shifts; // towards minus infinity
    const Number fraction = exponent - shifts * 65536;
    const Number factor =
        65536 + ((Number(195766423245049) * fraction + Number(971821376) * fraction * fraction +
                  Number(5127) * fraction * fraction * fraction + (Number(1) << 47)) >>
                 48);
    Number target = anchor_target * factor;
    shifts -= 16;
    if (shifts > 600) return limit;
    if (shifts < -600) return 1;
    const int by = static_cast<int>(shifts);
    if (by < 0)
        target >>= -by;
    else
        target <<= by;
    if (target == 0) return 1;
    return std::min(target, limit);
}

void check_asert(Reader& reader, uint32_t bits) {
    const std::optional<Uint256> limit = target_of(reader.read<uint32_t>());
    if (!target_of(bits) || !limit) return;
    AsertRule rule;
    rule.spacing = 1 + reader.read<uint16_t>();
    rule.half_life = rule.spacing + reader.read<uint16_t>();
    const AsertAnchor anchor{.height = 1, .parent_time = reader.read<uint32_t>(), .bits = bits};
    const uint32_t blocks = reader.read<uint32_t>() >> 1;
    const int64_t time = reader.read<uint32_t>();
    const Number expected = naive_asert(
        rule, Number(*limit), naive_target(bits).value(), time - anchor.parent_time, blocks);
    if (asert_bits(rule, *limit, anchor, uint64_t{blocks} + 1, time) != naive_compact(expected))
        std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    Reader reader({data, size});
    const auto bits = reader.read<uint32_t>();
    const std::optional<Uint256> target = target_of(bits);
    const std::optional<Number> naive = naive_target(bits);
    if (target.has_value() != naive.has_value()) std::abort();
    const Number work = naive ? TWO_TO_256 / (*naive + 1) : Number(0);
    if (Number(work_of(bits)) != work) std::abort();
    if (naive && Number(*target) != *naive) std::abort();

    Hash256 hash;
    reader(hash);
    const Uint256 any = to_number(hash) >> reader.read<uint8_t>();
    if (compact_of(any) != naive_compact(Number(any))) std::abort();
    if (meets_target(BlockHash(hash), bits, ~Uint256(0)) !=
        (naive && Number(to_number(hash)) <= *naive))
        std::abort();
    check_asert(reader, bits);
    return 0;
}
