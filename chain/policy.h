// SPDX-License-Identifier: MIT
// What this node relays and keeps beyond what the rules of consensus ask: standardness, sizes,
// dust. Pure functions. Source: the reference's policy.
#pragma once

#include "chain/chain.h"

#include <span>

namespace cairn::chain {

constexpr uint32_t MIN_STANDARD_TX_STRIPPED_BYTES = 65; ///< 64 could pose as a merkle tree's node.
constexpr int64_t MAX_STANDARD_TX_SIGOP_COST = 16'000;
constexpr size_t MAX_DUST_OUTPUTS = 1;
constexpr size_t MAX_REPLACED_CLUSTERS = 100;

/// Weight as policy counts it: many sigops weigh like the bytes they could have been.
int64_t policy_weight(int64_t weight, int64_t sigop_cost, int64_t bytes_per_sigop);

/// The least amount that is worth spending at the feerate `dust`. Core: GetDustThreshold.
Amount dust_threshold(const consensus::TxOut& out, FeeRate dust);

/// How many outputs of `tx` are dust.
size_t count_dust(const consensus::Transaction& tx, FeeRate dust);

/// As max_standard_weight(): what is left when the coinbase has its own.
int64_t max_standard_sigop_cost(const consensus::Params& params);
/// What a miner keeps free for the coinbase.
int64_t reserved_sigop_cost(const consensus::Params& params);

/// Whether `tx` is of a usual form. Errors: Policy. Source: Core's IsStandardTx.
Result<> check_standard(
    const consensus::SealedTransaction& tx,
    const ChainOptions& options,
    const consensus::Params& params);

/// Whether the coins that `tx` spends are of a usual form. Core: AreInputsStandard.
Result<> check_inputs_standard(const consensus::Transaction& tx, std::span<const Coin> coins);

/// Whether the witnesses are no larger than usual spending needs. Core: IsWitnessStandard.
bool has_standard_witness(const consensus::Transaction& tx, std::span<const Coin> coins);

/// Whether an input spends a witness program that asks for a witness: if it is missing, that may be
/// all that is wrong. Core: SpendsNonAnchorWitnessProg.
bool needs_witness(const consensus::Transaction& tx, std::span<const Coin> coins);

} // namespace cairn::chain
