// SPDX-License-Identifier: MIT
// Runs scripts. It asks for signature checks through SignatureChecker, so that what checks them
// can be exchanged (a cache, a batch) without touching the rules here.
#pragma once

#include "consensus/script.h"
#include "consensus/sighash.h"
#include "consensus/transaction.h"

#include <string_view>
#include <vector>

namespace cairn::consensus {

/// Which rules hold. By Core's names, SCRIPT_VERIFY_ left out; values as in Core.
enum ScriptFlags : uint32_t {
    VERIFY_NONE = 0,
    VERIFY_P2SH = 1U << 0, ///< BIP-0016
    VERIFY_STRICTENC = 1U << 1,
    VERIFY_DERSIG = 1U << 2,    ///< BIP-0066
    VERIFY_LOW_S = 1U << 3,     ///< BIP-0146
    VERIFY_NULLDUMMY = 1U << 4, ///< BIP-0147
    VERIFY_SIGPUSHONLY = 1U << 5,
    VERIFY_MINIMALDATA = 1U << 6,
    VERIFY_DISCOURAGE_UPGRADABLE_NOPS = 1U << 7,
    VERIFY_CLEANSTACK = 1U << 8,
    VERIFY_CHECKLOCKTIMEVERIFY = 1U << 9,  ///< BIP-0065
    VERIFY_CHECKSEQUENCEVERIFY = 1U << 10, ///< BIP-0112
    VERIFY_WITNESS = 1U << 11,             ///< BIP-0141
    VERIFY_DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM = 1U << 12,
    VERIFY_MINIMALIF = 1U << 13,
    VERIFY_NULLFAIL = 1U << 14, ///< BIP-0146
    VERIFY_WITNESS_PUBKEYTYPE = 1U << 15,
    VERIFY_CONST_SCRIPTCODE = 1U << 16,
    VERIFY_TAPROOT = 1U << 17, ///< BIP-0341, BIP-0342
    VERIFY_DISCOURAGE_UPGRADABLE_TAPROOT_VERSION = 1U << 18,
    VERIFY_DISCOURAGE_OP_SUCCESS = 1U << 19,
    VERIFY_DISCOURAGE_UPGRADABLE_PUBKEYTYPE = 1U << 20,
};

/// Those that every valid block obeys today. Core: MANDATORY_SCRIPT_VERIFY_FLAGS.
constexpr uint32_t MANDATORY_FLAGS = VERIFY_P2SH | VERIFY_DERSIG | VERIFY_NULLDUMMY |
                                     VERIFY_CHECKLOCKTIMEVERIFY | VERIFY_CHECKSEQUENCEVERIFY |
                                     VERIFY_WITNESS | VERIFY_TAPROOT;

/// Those that a transaction must obey to be relayed. Core: STANDARD_SCRIPT_VERIFY_FLAGS.
constexpr uint32_t STANDARD_FLAGS =
    MANDATORY_FLAGS | VERIFY_STRICTENC | VERIFY_MINIMALDATA | VERIFY_DISCOURAGE_UPGRADABLE_NOPS |
    VERIFY_CLEANSTACK | VERIFY_MINIMALIF | VERIFY_NULLFAIL | VERIFY_LOW_S |
    VERIFY_DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM | VERIFY_WITNESS_PUBKEYTYPE |
    VERIFY_CONST_SCRIPTCODE | VERIFY_DISCOURAGE_UPGRADABLE_TAPROOT_VERSION |
    VERIFY_DISCOURAGE_OP_SUCCESS | VERIFY_DISCOURAGE_UPGRADABLE_PUBKEYTYPE;

/// Why a script failed, by Core's names (SCRIPT_ERR_ left out).
enum class ScriptError : uint8_t {
    Ok,
    UnknownError,
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

/// Core's identifier for `error` as the test vectors spell it ("SIG_NULLFAIL").
std::string_view script_error_name(ScriptError error);

/// Answers for signatures and time-locks of one input. Implementations: TransactionChecker, and
/// what wraps it to remember or to collect.
class SignatureChecker {
public:
    virtual ~SignatureChecker() = default;

    /// Whether `signature` (DER, hash type at its end) by `pubkey` signs this input under
    /// `script_code`. Encodings were checked as far as the flags ask.
    virtual bool check_ecdsa(
        ByteView signature, ByteView pubkey, ByteView script_code, SigVersion version) const = 0;

    /// Whether a BIP-0340 signature of 64 or 65 bytes by the x-only `pubkey` signs this input.
    virtual ScriptError check_schnorr(
        ByteView signature,
        ByteView pubkey,
        SigVersion version,
        const TapscriptContext& context) const = 0;

    virtual bool check_lock_time(int64_t lock_time) const = 0; ///< BIP-0065
    virtual bool check_sequence(int64_t sequence) const = 0;   ///< BIP-0112
};

/// Checks against a real transaction with libsecp256k1, at once, on the calling thread.
class TransactionChecker : public SignatureChecker {
public:
    /// `tx` and `midstates` outlive this. `amount`: of the coin that `input` spends.
    TransactionChecker(
        const Transaction& tx, size_t input, Amount amount, const SighashMidstates& midstates);

    bool check_ecdsa(ByteView signature, ByteView pubkey, ByteView script_code, SigVersion version)
        const override;
    ScriptError check_schnorr(
        ByteView signature,
        ByteView pubkey,
        SigVersion version,
        const TapscriptContext& context) const override;
    bool check_lock_time(int64_t lock_time) const override;
    bool check_sequence(int64_t sequence) const override;

private:
    const Transaction& tx_;
    size_t input_;
    Amount amount_;
    const SighashMidstates& midstates_;
};

/// Run `script_sig`, then `script_pubkey`, then what these commit to (P2SH, witness, taproot).
/// Core: VerifyScript.
ScriptError verify_script(
    ByteView script_sig,
    ByteView script_pubkey,
    const Witness& witness,
    uint32_t flags,
    const SignatureChecker& checker);

/// Check input `input` of `tx`, which spends `spent`: a TransactionChecker and verify_script.
ScriptError verify_input(
    const Transaction& tx,
    size_t input,
    const TxOut& spent,
    uint32_t flags,
    const SighashMidstates& midstates);

/// Run one script on `stack`; what a test of an opcode needs. Core: EvalScript.
ScriptError run_script(
    std::vector<Bytes>& stack,
    ByteView script,
    uint32_t flags,
    const SignatureChecker& checker,
    SigVersion version,
    TapscriptContext* context = nullptr);

/// Signature operations that an input's witness adds, by flags. Core: CountWitnessSigOps.
int count_witness_sigops(
    ByteView script_sig, ByteView script_pubkey, const Witness& witness, uint32_t flags);

/// If `script` is a witness program: its version and program. Core: IsWitnessProgram.
struct WitnessProgram {
    int version = 0;
    ByteView program;
};

std::optional<WitnessProgram> witness_program(ByteView script);

bool is_pay_to_script_hash(ByteView script);
bool is_push_only(ByteView script);

/// Signature operations of the script a P2SH input reveals. Core: GetSigOpCount(scriptSig).
int count_p2sh_sigops(ByteView script_sig, ByteView script_pubkey);

} // namespace cairn::consensus
