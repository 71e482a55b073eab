// SPDX-License-Identifier: MIT
// Why a script fails, in the words that the reference implementation's users know.
#pragma once

#include <cstdint>
#include <string_view>

namespace cairn::consensus {

/// Why a script failed, by Core's names (SCRIPT_ERR_ left out).
enum class ScriptError : uint8_t {
    Ok,
    EvalFalse,
    OpReturn,
    ScriptSize,
    PushSize,
    OpCount,
    StackSize,
    SigCount,
    PubkeyCount,
    Verify,
    EqualVerify,
    CheckMultisigVerify,
    CheckSigVerify,
    NumEqualVerify,
    BadOpcode,
    DisabledOpcode,
    InvalidStackOperation,
    InvalidAltstackOperation,
    UnbalancedConditional,
    NegativeLocktime,
    UnsatisfiedLocktime,
    SigHashtype,
    SigDer,
    MinimalData,
    SigPushOnly,
    SigHighS,
    SigNullDummy,
    PubkeyType,
    CleanStack,
    MinimalIf,
    SigNullFail,
    DiscourageUpgradableNops,
    DiscourageUpgradableWitnessProgram,
    DiscourageUpgradableTaprootVersion,
    DiscourageOpSuccess,
    DiscourageUpgradablePubkeyType,
    WitnessProgramWrongLength,
    WitnessProgramWitnessEmpty,
    WitnessProgramMismatch,
    WitnessMalleated,
    WitnessMalleatedP2sh,
    WitnessUnexpected,
    WitnessPubkeyType,
    SchnorrSigSize,
    SchnorrSigHashtype,
    SchnorrSig,
    TaprootWrongControlSize,
    TapscriptValidationWeight,
    TapscriptCheckmultisig,
    TapscriptMinimalIf,
    TapscriptEmptyPubkey,
    OpCodeSeparator,
    SigFindAndDelete,
    ScriptNum,
};

/// Core's sentence for `error` ("Signature must be zero for failed CHECK(MULTI)SIG operation").
std::string_view script_error_text(ScriptError error);

/// Core's identifier for `error` as the test vectors spell it ("SIG_HIGH_S", "NULLFAIL").
std::string_view script_error_name(ScriptError error);

} // namespace cairn::consensus
