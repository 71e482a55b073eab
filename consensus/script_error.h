// SPDX-License-Identifier: MIT
// Why a script fails, in the words that the reference implementation's users know.
#pragma once

#include <cstdint>
#include <string_view>

namespace cairn::consensus {

// Core's name (SCRIPT_ERR_ left out) and sentence of each error. A macro, as nothing else states a
// name and what belongs to it in one row.
#define CAIRN_SCRIPT_ERRORS(ROW)                                                                   \
    ROW(Ok, "No error")                                                                            \
    ROW(EvalFalse, "Script evaluated without error but finished with a "                           \
                   "false/empty top stack element")                                                \
    ROW(OpReturn, "OP_RETURN was encountered")                                                     \
    ROW(ScriptSize, "Script is too big")                                                           \
    ROW(PushSize, "Push value size limit exceeded")                                                \
    ROW(OpCount, "Operation limit exceeded")                                                       \
    ROW(StackSize, "Stack size limit exceeded")                                                    \
    ROW(SigCount, "Signature count negative or greater than pubkey count")                         \
    ROW(PubkeyCount, "Pubkey count negative or limit exceeded")                                    \
    ROW(Verify, "Script failed an OP_VERIFY operation")                                            \
    ROW(EqualVerify, "Script failed an OP_EQUALVERIFY operation")                                  \
    ROW(CheckMultisigVerify, "Script failed an OP_CHECKMULTISIGVERIFY operation")                  \
    ROW(CheckSigVerify, "Script failed an OP_CHECKSIGVERIFY operation")                            \
    ROW(NumEqualVerify, "Script failed an OP_NUMEQUALVERIFY operation")                            \
    ROW(BadOpcode, "Opcode missing or not understood")                                             \
    ROW(DisabledOpcode, "Attempted to use a disabled opcode")                                      \
    ROW(InvalidStackOperation, "Operation not valid with the current stack size")                  \
    ROW(InvalidAltstackOperation, "Operation not valid with the current altstack size")            \
    ROW(UnbalancedConditional, "Invalid OP_IF construction")                                       \
    ROW(NegativeLocktime, "Negative locktime")                                                     \
    ROW(UnsatisfiedLocktime, "Locktime requirement not satisfied")                                 \
    ROW(SigHashtype, "Signature hash type missing or not understood")                              \
    ROW(SigDer, "Non-canonical DER signature")                                                     \
    ROW(MinimalData, "Data push larger than necessary")                                            \
    ROW(SigPushOnly, "Only push operators allowed in signatures")                                  \
    ROW(SigHighS, "Non-canonical signature: S value is unnecessarily high")                        \
    ROW(SigNullDummy, "Dummy CHECKMULTISIG argument must be zero")                                 \
    ROW(PubkeyType, "Public key is neither compressed or uncompressed")                            \
    ROW(CleanStack, "Stack size must be exactly one after execution")                              \
    ROW(MinimalIf, "OP_IF/NOTIF argument must be minimal")                                         \
    ROW(SigNullFail, "Signature must be zero for failed CHECK(MULTI)SIG operation")                \
    ROW(DiscourageUpgradableNops, "NOPx reserved for soft-fork upgrades")                          \
    ROW(DiscourageUpgradableWitnessProgram, "Witness version reserved for soft-fork upgrades")     \
    ROW(DiscourageUpgradableTaprootVersion, "Taproot version reserved for soft-fork upgrades")     \
    ROW(DiscourageOpSuccess, "OP_SUCCESSx reserved for soft-fork upgrades")                        \
    ROW(DiscourageUpgradablePubkeyType, "Public key version reserved for soft-fork upgrades")      \
    ROW(WitnessProgramWrongLength, "Witness program has incorrect length")                         \
    ROW(WitnessProgramWitnessEmpty, "Witness program was passed an empty witness")                 \
    ROW(WitnessProgramMismatch, "Witness program hash mismatch")                                   \
    ROW(WitnessMalleated, "Witness requires empty scriptSig")                                      \
    ROW(WitnessMalleatedP2sh, "Witness requires only-redeemscript scriptSig")                      \
    ROW(WitnessUnexpected, "Witness provided for non-witness script")                              \
    ROW(WitnessPubkeyType, "Using non-compressed keys in segwit")                                  \
    ROW(SchnorrSigSize, "Invalid Schnorr signature size")                                          \
    ROW(SchnorrSigHashtype, "Invalid Schnorr signature hash type")                                 \
    ROW(SchnorrSig, "Invalid Schnorr signature")                                                   \
    ROW(TaprootWrongControlSize, "Invalid Taproot control block size")                             \
    ROW(TapscriptValidationWeight, "Too much signature validation relative to witness weight")     \
    ROW(TapscriptCheckmultisig, "OP_CHECKMULTISIG(VERIFY) is not available in tapscript")          \
    ROW(TapscriptMinimalIf, "OP_IF/NOTIF argument must be minimal in tapscript")                   \
    ROW(TapscriptEmptyPubkey, "Empty public key in tapscript")                                     \
    ROW(OpCodeSeparator, "Using OP_CODESEPARATOR in non-witness script")                           \
    ROW(SigFindAndDelete, "Signature is found in scriptCode")                                      \
    ROW(ScriptNum, "Script number overflowed or is non-minimally encoded")

/// Why a script failed.
enum class ScriptError : uint8_t {
#define CAIRN_ENUMERATOR(name, text) name,
    CAIRN_SCRIPT_ERRORS(CAIRN_ENUMERATOR)
#undef CAIRN_ENUMERATOR
};

/// Core's sentence for `error` ("Signature must be zero for failed CHECK(MULTI)SIG operation").
constexpr std::string_view script_error_text(ScriptError error) {
#define CAIRN_TEXT(name, text) text,
    // Long texts span two literals on purpose.
    constexpr std::string_view TEXTS[] = {CAIRN_SCRIPT_ERRORS(CAIRN_TEXT)}; // NOLINT
#undef CAIRN_TEXT
    return TEXTS[static_cast<uint8_t>(error)];
}

} // namespace cairn::consensus
