// SPDX-License-Identifier: MIT
#include "consensus/pow.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace cairn::consensus {

namespace {

/// Wide enough for every step between a target and the next one, so that none can overflow,
/// whatever limit a chain file names.
using Wide = boost::multiprecision::uint1024_t;

} // namespace

std::optional<Uint256> target_of(uint32_t bits) {
    constexpr uint32_t SIGN = 0x00800000;
    const uint32_t size = bits >> 24;
    const uint32_t word = bits & (SIGN - 1);
    if (size <= 3) {
        const uint32_t target = word >> (8 * (3 - size));
        if (target == 0 || (bits & SIGN) != 0) return std::nullopt;
        return target;
    }
    if (word == 0 || (bits & SIGN) != 0) return std::nullopt;
    // The word's own top byte may be zeros: then the same target has another, larger size.
    const bool overflow = size > 34 || (size > 33 && word > 0xff) || (size > 32 && word > 0xffff);
    if (overflow) return std::nullopt;
    return Uint256(word) << (8 * (size - 3));
}

uint32_t compact_of(const Uint256& target) {
    if (target == 0) return 0;
    uint32_t size = msb(target) / 8 + 1;
    uint32_t word = size <= 3 ? static_cast<uint32_t>(target) << (8 * (3 - size))
                              : static_cast<uint32_t>(target >> (8 * (size - 3)));
    // The bit is the sign's: one size more makes room for it.
    if ((word & 0x00800000) != 0) {
        word >>= 8;
        ++size;
    }
    return word | size << 24;
}

Uint256 work_of(uint32_t bits) {
    const std::optional<Uint256> target = target_of(bits);
    if (!target) return 0;
    // 2^256 / (target + 1), of which the dividend does not fit: take target + 1 off it once.
    const Uint256 divisor = *target + 1;
    return ~*target / divisor + 1;
}

bool meets_target(const BlockHash& hash, uint32_t bits, const Uint256& limit) {
    const std::optional<Uint256> target = target_of(bits);
    return target && *target <= limit && to_number(hash) <= *target;
}

uint32_t asert_bits(
    const AsertRule& rule,
    const Uint256& limit,
    const AsertAnchor& anchor,
    uint64_t height,
    int64_t time) {
    using boost::multiprecision::int128_t;
    const std::optional<Uint256> anchor_target = target_of(anchor.bits);
    assert(anchor_target && rule.half_life > 0);
    const auto blocks = static_cast<int64_t>(height - anchor.height);
    const int128_t behind =
        int128_t(time) - anchor.parent_time - int128_t(rule.spacing) * (blocks + 1);
    // The target is the anchor's times 2^(exponent / 65536); division rounds towards zero, the
    // shift that follows towards minus infinity, and both are part of the rule.
    const auto exponent = static_cast<int64_t>(behind * 65536 / rule.half_life);
    const int64_t shifts = exponent >> 16;
    const uint64_t fraction = exponent & 0xffff;
    // 2^(fraction / 65536) by a cubic, off by less than 0.013 %.
    const uint64_t factor =
        65536 + ((195'766'423'245'049 * fraction + 971'821'376 * fraction * fraction +
                  5127 * fraction * fraction * fraction + (uint64_t{1} << 47)) >>
                 48);
    // Beyond these shifts nothing is left, or everything is above any limit.
    const auto bounded = static_cast<int>(std::clamp<int64_t>(shifts, -300, 300));
    Wide target = Wide(*anchor_target) * factor;
    if (bounded < 16)
        target >>= 16 - bounded;
    else
        target <<= bounded - 16;
    if (target == 0) target = 1;
    return compact_of(target > Wide(limit) ? limit : static_cast<Uint256>(target));
}

namespace {

constexpr Height ASERT_ANCHOR(1);

uint32_t next_bits_by(
    const FixedRule& /*rule*/,
    const HeaderNode& /*prev*/,
    uint32_t /*time*/,
    const Uint256& limit) {
    return compact_of(limit);
}

/// After a block of `height` and `time`; block 1 has `first_time`.
uint32_t asert_after(
    const AsertRule& rule,
    Height height,
    uint32_t time,
    uint32_t first_time,
    const Uint256& limit) {
    if (height < ASERT_ANCHOR) return rule.start_bits;
    const AsertAnchor anchor{
        .height = static_cast<uint64_t>(ASERT_ANCHOR.value),
        .parent_time = first_time - rule.spacing,
        .bits = rule.start_bits};
    return asert_bits(rule, limit, anchor, static_cast<uint64_t>(height.value), time);
}

uint32_t next_bits_by(
    const AsertRule& rule, const HeaderNode& prev, uint32_t /*time*/, const Uint256& limit) {
    const HeaderNode* first = prev.ancestor(ASERT_ANCHOR);
    return asert_after(
        rule, prev.height, prev.header.time, first != nullptr ? first->header.time : 0, limit);
}

/// The bits after a period of `bits` that took so many seconds.
uint32_t scaled_bits(const BitcoinRule& rule, uint32_t bits, int64_t taken, const Uint256& limit) {
    const std::optional<Uint256> old_target = target_of(bits);
    assert(old_target); // of accepted headers, or checked
    const Wide target = Wide(*old_target) * taken / rule.timespan;
    return compact_of(target > Wide(limit) ? limit : static_cast<Uint256>(target));
}

/// The target after a whole period that ended with `last`.
uint32_t retarget(const BitcoinRule& rule, const HeaderNode& last, const Uint256& limit) {
    // Off by one since 2009: the time of 2015 blocks is held against that of 2016.
    const HeaderNode& first = *last.ancestor(last.height - Height(rule.interval() - 1));
    const int64_t taken = std::clamp(
        int64_t{last.header.time} - first.header.time, rule.timespan / 4, rule.timespan * 4);
    // BIP-0094: the last block may be an easy one of the test network, the first may not.
    const uint32_t bits = rule.bip94 ? first.header.bits : last.header.bits;
    return scaled_bits(rule, bits, taken, limit);
}

uint32_t
next_bits_by(const BitcoinRule& rule, const HeaderNode& prev, uint32_t time, const Uint256& limit) {
    const int32_t interval = rule.interval();
    if ((prev.height.value + 1) % interval == 0) return retarget(rule, prev, limit);
    if (!rule.min_difficulty_blocks) return prev.header.bits;
    const uint32_t easiest = compact_of(limit);
    if (int64_t{time} > prev.header.time + 2 * rule.spacing) return easiest;
    // Otherwise as before the easy blocks.
    const HeaderNode* node = &prev;
    while (node->parent != nullptr && node->height.value % interval != 0 &&
           node->header.bits == easiest)
        node = node->parent;
    return node->header.bits;
}

} // namespace

uint32_t next_bits(const HeaderNode& prev, uint32_t time, const Params& params) {
    return std::visit(
        [&](const auto& rule) { return next_bits_by(rule, prev, time, params.pow_limit); },
        params.pow);
}

namespace {

bool may_follow(
    const FixedRule& /*rule*/,
    const BlockHeader& /*prev*/,
    Height /*height*/,
    uint32_t /*first_time*/,
    uint32_t bits,
    const Uint256& limit) {
    return bits == compact_of(limit);
}

bool may_follow(
    const AsertRule& rule,
    const BlockHeader& prev,
    Height height,
    uint32_t first_time,
    uint32_t bits,
    const Uint256& limit) {
    return bits == asert_after(rule, height, prev.time, first_time, limit);
}

bool may_follow(
    const BitcoinRule& rule,
    const BlockHeader& prev,
    Height height,
    uint32_t /*first_time*/,
    uint32_t bits,
    const Uint256& limit) {
    if (rule.min_difficulty_blocks) return true;
    if ((height.value + 1) % rule.interval() != 0) return bits == prev.bits;
    const std::optional<Uint256> after = target_of(bits);
    if (!after || !target_of(prev.bits)) return false;
    const auto target_if = [&](int64_t taken) {
        return target_of(scaled_bits(rule, prev.bits, taken, limit)).value_or(1);
    };
    return *after >= target_if(rule.timespan / 4) && *after <= target_if(rule.timespan * 4);
}

} // namespace

bool bits_may_follow(
    const BlockHeader& prev,
    Height height,
    uint32_t first_time,
    uint32_t bits,
    const Params& params) {
    return std::visit(
        [&](const auto& rule) {
            return may_follow(rule, prev, height, first_time, bits, params.pow_limit);
        },
        params.pow);
}

double difficulty_of(uint32_t bits) {
    const uint32_t word = bits & 0x00ffffff;
    if (word == 0) return 0;
    return std::ldexp(65535.0 / word, 8 * (29 - static_cast<int>(bits >> 24)));
}

Amount block_subsidy(Height height, const Params& params) {
    if (params.halving_interval == 0) return params.subsidy;
    const int32_t halvings = height.value / params.halving_interval;
    return halvings < 63 ? Amount(params.subsidy.value >> halvings) : Amount(0);
}

} // namespace cairn::consensus
