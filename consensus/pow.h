// SPDX-License-Identifier: MIT
// Targets: their compact form, the three rules that set them, and the work they stand for.
#pragma once

#include "consensus/header_node.h"
#include "consensus/params.h"

namespace cairn::consensus {

/// A target in compact form, decoded; nullopt where it is negative, zero or overflows, with which
/// no hash can comply. Core: arith_uint256::SetCompact and the checks of CheckProofOfWork.
std::optional<Uint256> target_of(uint32_t bits);

/// The compact form of `target`, rounded down. Core: GetCompact.
uint32_t compact_of(const Uint256& target);

/// The expected number of hashes for a block of these bits; 0 if the bits are bad.
/// Core: GetBlockProof.
Uint256 work_of(uint32_t bits);

/// Whether `hash` meets `bits`, and these are no easier than `limit`. Core: CheckProofOfWork.
bool meets_target(const BlockHash& hash, uint32_t bits, const Uint256& limit);

/// The bits that the block after `prev` must have if its time is `time`.
/// Core: GetNextWorkRequired.
uint32_t next_bits(const HeaderNode& prev, uint32_t time, const Params& params);

/// Whether a block of `bits` may come after `prev`, which has `height`, as far as can be told
/// without its ancestors: whatever depends on them is let pass. `first_time`: the time of block 1,
/// which counts if `prev` isn't before it. Core: PermittedDifficultyTransition.
bool bits_may_follow(
    const BlockHeader& prev,
    Height height,
    uint32_t first_time,
    uint32_t bits,
    const Params& params);

/// Where ASERT's schedule begins. Heights as wide as those of the published vectors.
struct AsertAnchor {
    uint64_t height = 0;
    int64_t parent_time = 0; ///< Of the block before the anchor.
    uint32_t bits = 0;       ///< Target of the anchor.
};

/// The target of aserti3-2d, in compact form, for the block after the one at `height` and `time`.
/// Units: blocks, seconds. Requires: good anchor bits, a half-life above 0.
/// Source: the published specification of ASERT and its vectors.
uint32_t asert_bits(
    const AsertRule& rule,
    const Uint256& limit,
    const AsertAnchor& anchor,
    uint64_t height,
    int64_t time);

/// How many times harder than bits 0x1d00ffff. Core: GetDifficulty.
double difficulty_of(uint32_t bits);

/// New coins that the block at `height` may create. Core: GetBlockSubsidy.
Amount block_subsidy(Height height, const Params& params);

} // namespace cairn::consensus
