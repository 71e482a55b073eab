// SPDX-License-Identifier: MIT
// Script errors as the test vectors spell them.
#pragma once

#include "consensus/script_error.h"

namespace cairn::tests {

/// "SIG_HIGH_S", "NULLFAIL": Core's identifiers, SCRIPT_ERR_ left out.
inline std::string_view script_error_name(consensus::ScriptError error) {
    constexpr std::string_view NAMES[] = {
        "OK",
        "EVAL_FALSE",
        "OP_RETURN",
        "SCRIPT_SIZE",
        "PUSH_SIZE",
        "OP_COUNT",
        "STACK_SIZE",
        "SIG_COUNT",
        "PUBKEY_COUNT",
        "VERIFY",
        "EQUALVERIFY",
        "CHECKMULTISIGVERIFY",
        "CHECKSIGVERIFY",
        "NUMEQUALVERIFY",
        "BAD_OPCODE",
        "DISABLED_OPCODE",
        "INVALID_STACK_OPERATION",
        "INVALID_ALTSTACK_OPERATION",
        "UNBALANCED_CONDITIONAL",
        "NEGATIVE_LOCKTIME",
        "UNSATISFIED_LOCKTIME",
        "SIG_HASHTYPE",
        "SIG_DER",
        "MINIMALDATA",
        "SIG_PUSHONLY",
        "SIG_HIGH_S",
        "SIG_NULLDUMMY",
        "PUBKEYTYPE",
        "CLEANSTACK",
        "MINIMALIF",
        "NULLFAIL",
        "DISCOURAGE_UPGRADABLE_NOPS",
        "DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM",
        "DISCOURAGE_UPGRADABLE_TAPROOT_VERSION",
        "DISCOURAGE_OP_SUCCESS",
        "DISCOURAGE_UPGRADABLE_PUBKEYTYPE",
        "WITNESS_PROGRAM_WRONG_LENGTH",
        "WITNESS_PROGRAM_WITNESS_EMPTY",
        "WITNESS_PROGRAM_MISMATCH",
        "WITNESS_MALLEATED",
        "WITNESS_MALLEATED_P2SH",
        "WITNESS_UNEXPECTED",
        "WITNESS_PUBKEYTYPE",
        "SCHNORR_SIG_SIZE",
        "SCHNORR_SIG_HASHTYPE",
        "SCHNORR_SIG",
        "TAPROOT_WRONG_CONTROL_SIZE",
        "TAPSCRIPT_VALIDATION_WEIGHT",
        "TAPSCRIPT_CHECKMULTISIG",
        "TAPSCRIPT_MINIMALIF",
        "TAPSCRIPT_EMPTY_PUBKEY",
        "OP_CODESEPARATOR",
        "SIG_FINDANDDELETE",
        "SCRIPTNUM"};
    return NAMES[static_cast<size_t>(error)];
}

} // namespace cairn::tests
