// SPDX-License-Identifier: MIT
#include "consensus/signature_checker.h"

#include "consensus/signature.h"
#include "consensus/transaction_rules.h"

#include <cassert>

namespace cairn::consensus {

TransactionChecker::TransactionChecker(
    const Transaction& tx,
    size_t input,
    Amount amount,
    const SighashMidstates& midstates,
    const PubkeyPoints* points)
    : tx_(tx),
      input_(input),
      amount_(amount),
      midstates_(midstates),
      points_(points),
      legacy_(tx, input) {
    assert(input < tx.inputs.size());
}

bool TransactionChecker::check_ecdsa(
    ByteView signature, ByteView pubkey, ByteView script_code, SigVersion version) const {
    if (signature.empty()) return false;
    const uint32_t type = signature.back();
    const Hash256 hash = version == SigVersion::WitnessV0
                             ? witness_sighash(tx_, input_, script_code, amount_, type, midstates_)
                             : legacy_.hash(script_code, type);
    return verify_ecdsa(signature.first(signature.size() - 1), pubkey, hash, points_);
}

ScriptError TransactionChecker::check_schnorr(
    ByteView signature,
    ByteView pubkey,
    SigVersion version,
    const TapscriptContext& context) const {
    if (signature.size() != 64 && signature.size() != 65) return ScriptError::SchnorrSigSize;
    const uint8_t type = signature.size() == 65 ? signature[64] : uint8_t{SIGHASH_DEFAULT};
    // The default has one encoding only, the short one.
    if (signature.size() == 65 && type == SIGHASH_DEFAULT) return ScriptError::SchnorrSigHashtype;
    const std::optional<Hash256> hash =
        taproot_sighash(tx_, input_, type, version, midstates_, context);
    if (!hash) return ScriptError::SchnorrSigHashtype;
    return verify_schnorr(signature.first(64), pubkey, hash->bytes, points_)
               ? ScriptError::Ok
               : ScriptError::SchnorrSig;
}

bool TransactionChecker::check_lock_time(int64_t lock_time) const {
    // Heights and times are different kinds of number, and can't be compared.
    const bool in_blocks = tx_.lock_time < LOCKTIME_THRESHOLD;
    if (in_blocks != (lock_time < LOCKTIME_THRESHOLD)) return false;
    if (lock_time > int64_t{tx_.lock_time}) return false;
    // A final input switches the transaction's lock off, and with it what was just checked.
    return tx_.inputs[input_].sequence != TxIn::SEQUENCE_FINAL;
}

bool TransactionChecker::check_sequence(int64_t sequence) const {
    const uint32_t own = tx_.inputs[input_].sequence;
    if (static_cast<uint32_t>(tx_.version) < 2 || (own & TxIn::SEQUENCE_NO_LOCK) != 0) return false;
    const auto asked = static_cast<uint32_t>(sequence);
    if ((own & TxIn::SEQUENCE_IN_TIME) != (asked & TxIn::SEQUENCE_IN_TIME)) return false;
    return (asked & TxIn::SEQUENCE_LOCK) <= (own & TxIn::SEQUENCE_LOCK);
}

} // namespace cairn::consensus
