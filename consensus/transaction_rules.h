// SPDX-License-Identifier: MIT
// What makes a transaction valid, in stages named for what they need: check_ nothing else,
// accept_ the headers before it, connect_ the coins it spends. Scripts are run elsewhere.
#pragma once

#include "consensus/coin.h"
#include "consensus/header_node.h"
#include "consensus/params.h"
#include "consensus/result.h"

#include <vector>

namespace cairn::consensus {

constexpr int WITNESS_SCALE_FACTOR = 4;
constexpr uint32_t LOCKTIME_THRESHOLD = 500'000'000; ///< Below: a height; from here: a time.

/// Rules of one transaction alone. Errors: Invalid. Source: Core's CheckTransaction.
Result<> check_transaction(const SealedTransaction& tx, const Params& params);

/// Whether `tx` may be in the block at `height`; `lock_time_cutoff`: that block's time, or the
/// median time before it (BIP-0113). Core: IsFinalTx.
bool is_final(const Transaction& tx, Height height, int64_t lock_time_cutoff);

/// Relative time-locks (BIP-0068), as the last height and median time at which they still lock;
/// -1 for none. Core: CalculateSequenceLocks.
struct SequenceLocks {
    int64_t height = -1;
    int64_t time = -1;
};

/// `coins`: those spent, in order. `parent`: the block before the one that would hold `tx`.
SequenceLocks
sequence_locks(const Transaction& tx, std::span<const Coin> coins, const HeaderNode& parent);

/// Whether `locks` are over in the block after `parent`. Core: EvaluateSequenceLocks.
bool locks_passed(const SequenceLocks& locks, const HeaderNode& parent);

/// Match `tx` with the coins it spends and return the fee it leaves.
///
/// `coins`: one an input, in order, up to the first that doesn't exist. `height`: of the block that
/// would hold `tx`. Units: satoshis. Requires: check_transaction(tx) passed, not a coinbase.
/// Errors: MissingInputs, Premature, Invalid. Source: Core's Consensus::CheckTxInputs.
Result<Amount> connect_inputs(
    const Transaction& tx, std::span<const Coin> coins, Height height, const Params& params);

/// Signature operations by the old count, times one. Core: GetLegacySigOpCount.
int legacy_sigops(const Transaction& tx);

/// What `tx` counts against a block's limit. Source: BIP-0141. Core: GetTransactionSigOpCost.
int64_t sigop_cost(const Transaction& tx, std::span<const Coin> coins, uint32_t flags);

} // namespace cairn::consensus
