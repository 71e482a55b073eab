// SPDX-License-Identifier: MIT
// What makes a block valid, in stages named for what they need: check_ nothing else, accept_ the
// headers before it, connect_ the coins it spends. Scripts are run elsewhere, in parallel.
#pragma once

#include "consensus/header_node.h"
#include "consensus/params.h"
#include "consensus/result.h"
#include "consensus/transaction_rules.h"

#include <functional>

namespace cairn::consensus {

constexpr int64_t MAX_FUTURE_BLOCK_SECONDS = 7'200;
constexpr int64_t MAX_TIMEWARP_SECONDS = 600; ///< BIP-0094

/// A block's sigop limit follows its weight limit: 80,000 for Bitcoin's 4,000,000.
constexpr int64_t max_block_sigop_cost(const Params& params) {
    return params.max_block_weight / 50;
}

/// The header's proof of work. Errors: Invalid "high-hash".
Result<> check_header(const BlockHeader& header, const BlockHash& hash, const Params& params);

/// The header's place: bits, time, version. `now`: seconds, wall clock.
/// Errors: Invalid ("bad-diffbits", "time-too-old", "time-timewarp-attack", "bad-version(0x…)"),
/// Premature ("time-too-new"). Source: Core's ContextualCheckBlockHeader.
Result<> accept_header(
    const BlockHeader& header, const HeaderNode& parent, const Params& params, int64_t now);

/// Whether the header commits to the transactions, witnesses aside. Errors: Mutated
/// ("bad-txnmrklroot", "bad-txns-duplicate"). Source: Core's CheckMerkleRoot.
Result<> check_merkle_root(const Block& block);

/// Whether a block must be signed already, where its chain asks for signatures.
enum class BlockProof : uint8_t {
    Required,
    NotYet, ///< A proposal or template: neither worked for nor signed.
};

/// The block's body alone: the chain's block signature (BIP-0325), merkle root, sizes,
/// transactions, legacy sigops. The header's proof of work is not looked at.
/// Errors: Mutated, Invalid. Source: Core's CheckBlock.
Result<>
check_block(const Block& block, const Params& params, BlockProof proof = BlockProof::Required);

/// Whether the body, of one transaction at least, isn't the one that the header commits to, with
/// its witnesses where `has_segwit` (BIP-0141). Core: IsBlockMutated.
bool is_mutated(const Block& block, bool has_segwit);

/// The body's place: time-locks, height in the coinbase, witness commitment, weight.
/// Requires: check_block(block) passed. Errors: Mutated, Invalid.
/// Source: Core's ContextualCheckBlock.
Result<> accept_block(const Block& block, const HeaderNode& parent, const Params& params);

/// Which script rules hold in the block `hash` at `height`. Core: GetBlockScriptFlags.
uint32_t block_script_flags(const BlockHash& hash, Height height, const Params& params);

/// A block whose transactions are connected one after the other.
struct ConnectState {
    ConnectState(const HeaderNode& block_node, const Params& chain_params)
        : node(block_node),
          params(chain_params),
          flags(block_script_flags(node.hash, node.height, params)) {}

    const HeaderNode& node; ///< Of the block itself.
    const Params& params;
    const uint32_t flags;   ///< By which its scripts run.
    Amount fees;            ///< Of what is connected so far ...
    int64_t sigop_cost = 0; ///< ... and its signature operations.
};

/// Whether all that the block creates is new (BIP-0030), where its height leaves a doubt.
/// `exists`: whether there is a coin as of the block before. Errors: Invalid "bad-txns-BIP30".
Result<> connect_outputs(
    const ConnectState& state,
    const Block& block,
    const std::function<bool(const OutPoint&)>& exists);

/// The next transaction, from the coinbase on: its coins, relative time-locks, signature
/// operations. `coins`: as for connect_inputs(), none for the coinbase. Errors: Invalid.
Result<>
connect_transaction(ConnectState& state, const SealedTransaction& tx, std::span<const Coin> coins);

/// Whether the coinbase claims no more than the subsidy and the fees, once all is connected.
/// Errors: Invalid "bad-cb-amount".
Result<> connect_coinbase(const ConnectState& state, const Transaction& coinbase);

/// Position of the witness commitment among the coinbase's outputs, or nullopt. BIP-0141.
std::optional<size_t> witness_commitment_index(const Transaction& coinbase);

/// The output script that commits to `witness_root` under the coinbase's reserved value of zeros.
Script witness_commitment_script(const Hash256& witness_root);

} // namespace cairn::consensus
