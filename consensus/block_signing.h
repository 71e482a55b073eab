// SPDX-License-Identifier: MIT
// Blocks signed instead of, or besides, being worked for: the chain file names a script, the
// challenge, and each block carries in its coinbase what satisfies it. The signature is that of a
// virtual transaction which commits to the block. Source: BIP-0325.
#pragma once

#include "consensus/block.h"
#include "consensus/params.h"
#include "consensus/result.h"

#include <optional>

namespace cairn::consensus {

/// The two virtual transactions of BIP-0325: the signer signs `to_sign`'s one input, which spends
/// `to_spend`'s one output, of amount 0 and with the challenge as its script.
struct SigningPair {
    Transaction to_spend;
    Transaction to_sign; ///< With the solution that the block holds, if it holds one.
};

/// What the signature of `block` signs. Nonce, bits, and the solution itself are not covered.
/// nullopt where there is no witness commitment to hold a solution, or the solution is no solution.
std::optional<SigningPair> signing_pair(const Block& block, const Script& challenge);

/// Whether `block` satisfies the chain's challenge; passes where there is none, and the genesis
/// block, which nobody could sign.
/// Errors: Invalid "bad-signet-blksig".
Result<> check_block_signature(const Block& block, const Params& params);

/// Make room for a solution beside the witness commitment, so that signing_pair() is what it will
/// be with one; nothing changes if there is room, or a solution. Changes the merkle root.
/// Requires: a coinbase with a witness commitment.
void reserve_solution(Block& block);

/// Put `signed_input`'s script_sig and witness in the place reserved, or in that of the solution
/// before, which signers complete one after the other. Changes the merkle root;
/// what the signature signs stays as it was, the nonce may be searched afterwards.
/// Requires: reserve_solution(block) was called.
void set_solution(Block& block, const TxIn& signed_input);

} // namespace cairn::consensus
