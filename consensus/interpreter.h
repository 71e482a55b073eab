// SPDX-License-Identifier: MIT
// Whether an input may spend the coin it names: runs its scripts, and what these commit to.
#pragma once

#include "consensus/script.h"
#include "consensus/script_error.h"
#include "consensus/script_flags.h"
#include "consensus/sighash.h"
#include "consensus/signature_checker.h"
#include "consensus/transaction.h"

#include <vector>

namespace cairn::consensus {

/// Whether `script` holds an OP_SUCCESSx (BIP-0342); nullopt if it breaks off before one.
std::optional<bool> has_op_success(ByteView script);

/// Run `script_sig`, then `script_pubkey`, then what these commit to (P2SH, witness, taproot).
/// Core: VerifyScript.
ScriptError verify_script(
    ByteView script_sig,
    ByteView script_pubkey,
    const Witness& witness,
    uint32_t flags,
    const SignatureChecker& checker);

/// Check input `input` of `tx`, which spends `spent`: a TransactionChecker and verify_script.
/// `points`: of keys that it may ask for, if they were found before.
ScriptError verify_input(
    const Transaction& tx,
    size_t input,
    const TxOut& spent,
    uint32_t flags,
    const SighashMidstates& midstates,
    const PubkeyPoints* points = nullptr);

/// Signature operations that an input's witness adds, by flags. Core: CountWitnessSigOps.
int count_witness_sigops(
    ByteView script_sig, ByteView script_pubkey, const Witness& witness, uint32_t flags);

} // namespace cairn::consensus
