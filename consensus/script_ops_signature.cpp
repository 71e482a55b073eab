// SPDX-License-Identifier: MIT
// Opcodes that check signatures, with the rules on how signatures and keys are encoded.
#include "consensus/script_machine.h"
#include "consensus/signature.h"

namespace cairn::consensus {

namespace {

constexpr int64_t WEIGHT_PER_SIGNATURE = 50; ///< BIP-0342

ScriptError check_signature_encoding(const ScriptMachine& machine, ByteView signature) {
    constexpr uint32_t NEEDS_DER = VERIFY_DERSIG | VERIFY_LOW_S | VERIFY_STRICTENC;
    // An empty signature is the way to fail a check on purpose.
    if (signature.empty()) return ScriptError::Ok;
    const ScriptRules& rules = machine.rules;
    if ((rules.flags & NEEDS_DER) != 0 && !is_strict_der(signature)) return ScriptError::SigDer;
    if (rules.has(VERIFY_LOW_S) && !is_low_s(signature.first(signature.size() - 1)))
        return ScriptError::SigHighS;
    if (rules.has(VERIFY_STRICTENC) && !is_defined_hash_type(signature.back()))
        return ScriptError::SigHashtype;
    return ScriptError::Ok;
}

ScriptError check_pubkey_encoding(const ScriptMachine& machine, ByteView pubkey) {
    const ScriptRules& rules = machine.rules;
    const bool compressed = is_compressed_pubkey(pubkey);
    if (rules.has(VERIFY_STRICTENC) && !compressed && !is_uncompressed_pubkey(pubkey))
        return ScriptError::PubkeyType;
    if (rules.has(VERIFY_WITNESS_PUBKEYTYPE) && machine.version == SigVersion::WitnessV0 &&
        !compressed)
        return ScriptError::WitnessPubkeyType;
    return ScriptError::Ok;
}

/// What a legacy or v0 signature signs of the script: all from the last OP_CODESEPARATOR on, in a
/// legacy script without the signatures themselves (Core: FindAndDelete).
class ScriptCode {
public:
    explicit ScriptCode(const ScriptMachine& machine)
        : machine_(machine),
          code_(machine.script.subspan(machine.code_begin)) {}

    /// Delete each push of `signature`, if its push has the usual form.
    ScriptError remove(ByteView signature) {
        if (machine_.version != SigVersion::Base) return ScriptError::Ok;
        Script kept;
        size_t from = 0; // of what is not copied yet
        ScriptReader reader(code_);
        for (size_t at = 0; const std::optional<Instruction> instruction = reader.next();
             at = reader.position()) {
            if (instruction->opcode != push_opcode_for(signature.size()) ||
                !std::ranges::equal(instruction->data, signature))
                continue;
            kept.append(code_.subspan(from, at - from));
            from = reader.position();
        }
        if (from == 0) return ScriptError::Ok;
        if (machine_.rules.has(VERIFY_CONST_SCRIPTCODE)) return ScriptError::SigFindAndDelete;
        kept.append(code_.subspan(from));
        owned_ = std::move(kept);
        code_ = owned_;
        return ScriptError::Ok;
    }

    ByteView view() const { return code_; }

private:
    const ScriptMachine& machine_;
    ByteView code_;
    Script owned_; ///< Only once something was removed.
};

/// A verdict on one signature: an error ends the script, a plain false doesn't.
using Checked = boost::system::result<bool, ScriptError>;

Checked check_ecdsa_signature(
    const ScriptMachine& machine, ByteView signature, ByteView pubkey, ByteView code) {
    ScriptError error = check_signature_encoding(machine, signature);
    if (error == ScriptError::Ok) error = check_pubkey_encoding(machine, pubkey);
    if (error != ScriptError::Ok) return error;
    return machine.rules.checker.check_ecdsa(signature, pubkey, code, machine.version);
}

Checked check_legacy_or_v0(const ScriptMachine& machine, ByteView signature, ByteView pubkey) {
    ScriptCode code(machine);
    if (const ScriptError error = code.remove(signature); error != ScriptError::Ok) return error;
    const Checked checked = check_ecdsa_signature(machine, signature, pubkey, code.view());
    const bool must_be_empty = checked && !*checked && machine.rules.has(VERIFY_NULLFAIL);
    if (must_be_empty && !signature.empty()) return ScriptError::SigNullFail;
    return checked;
}

/// BIP-0342's rules for signature opcodes, in its order.
Checked check_tapscript(const ScriptMachine& machine, ByteView signature, ByteView pubkey) {
    const bool success = !signature.empty();
    if (success) {
        machine.tapscript->validation_weight_left -= WEIGHT_PER_SIGNATURE;
        if (machine.tapscript->validation_weight_left < 0)
            return ScriptError::TapscriptValidationWeight;
    }
    if (pubkey.empty()) return ScriptError::TapscriptEmptyPubkey;
    if (pubkey.size() == 32) {
        if (!success) return false;
        const ScriptError error = machine.rules.checker.check_schnorr(
            signature, pubkey, SigVersion::Tapscript, *machine.tapscript);
        return error == ScriptError::Ok ? Checked(true) : error;
    }
    // Other sizes are left for later soft forks, and until then any signature passes.
    if (machine.rules.has(VERIFY_DISCOURAGE_UPGRADABLE_PUBKEYTYPE))
        return ScriptError::DiscourageUpgradablePubkeyType;
    return success;
}

Checked check_signature(const ScriptMachine& machine, ByteView signature, ByteView pubkey) {
    return machine.version == SigVersion::Tapscript
               ? check_tapscript(machine, signature, pubkey)
               : check_legacy_or_v0(machine, signature, pubkey);
}

/// The operands of OP_CHECKMULTISIG, as depths in the stack: from the top the number of keys, the
/// keys, the number of signatures, the signatures, and one element that a bug of 2009 takes too.
struct MultisigOperands {
    size_t keys = 0;
    size_t signatures = 0;

    size_t first_key() const { return 2; }

    size_t signature_count() const { return keys + 2; }

    size_t first_signature() const { return keys + 3; }

    size_t dummy() const { return keys + signatures + 3; }
};

ScriptError read_multisig_operands(ScriptMachine& machine, MultisigOperands& operands) {
    if (!machine.holds(1)) return ScriptError::InvalidStackOperation;
    const std::optional<int64_t> keys = machine.number(1);
    if (!keys) return ScriptError::ScriptNum;
    if (*keys < 0 || *keys > MAX_PUBKEYS_PER_MULTISIG) return ScriptError::PubkeyCount;
    operands.keys = static_cast<size_t>(*keys);
    machine.op_count += static_cast<int>(*keys);
    if (machine.op_count > MAX_OPS_PER_SCRIPT) return ScriptError::OpCount;

    if (!machine.holds(operands.signature_count())) return ScriptError::InvalidStackOperation;
    const std::optional<int64_t> signatures = machine.number(operands.signature_count());
    if (!signatures) return ScriptError::ScriptNum;
    if (*signatures < 0 || *signatures > *keys) return ScriptError::SigCount;
    operands.signatures = static_cast<size_t>(*signatures);
    return machine.holds(operands.dummy()) ? ScriptError::Ok : ScriptError::InvalidStackOperation;
}

/// Match signatures with keys, both in their order: a key that doesn't fit is passed over.
Checked match_signatures(ScriptMachine& machine, const MultisigOperands& operands) {
    ScriptCode code(machine);
    for (size_t i = 0; i < operands.signatures; ++i) {
        const ByteView signature = machine.top(operands.first_signature() + i).view();
        if (const ScriptError error = code.remove(signature); error != ScriptError::Ok)
            return error;
    }
    size_t key = 0;
    size_t matched = 0;
    while (matched < operands.signatures) {
        if (operands.signatures - matched > operands.keys - key) return false;
        const Checked checked = check_ecdsa_signature(
            machine, machine.top(operands.first_signature() + matched).view(),
            machine.top(operands.first_key() + key).view(), code.view());
        if (!checked) return checked;
        if (*checked) ++matched;
        ++key;
    }
    return true;
}

bool any_signature_given(ScriptMachine& machine, const MultisigOperands& operands) {
    for (size_t i = 0; i < operands.signatures; ++i)
        if (machine.top(operands.first_signature() + i).size() != 0) return true;
    return false;
}

} // namespace

ScriptError op_code_separator(ScriptMachine& machine, Opcode) {
    if (machine.version == SigVersion::Base && machine.rules.has(VERIFY_CONST_SCRIPTCODE))
        return ScriptError::OpCodeSeparator;
    if (!machine.branches.all_taken()) return ScriptError::Ok;
    machine.code_begin = machine.next;
    if (machine.tapscript != nullptr) machine.tapscript->codeseparator_position = machine.index;
    return ScriptError::Ok;
}

ScriptError op_check_sig(ScriptMachine& machine, Opcode opcode) {
    const Checked checked = check_signature(machine, machine.top(2).view(), machine.top(1).view());
    if (!checked) return checked.error();
    machine.pop(2);
    return machine.conclude(*checked, opcode == OP_CHECKSIGVERIFY, ScriptError::CheckSigVerify);
}

ScriptError op_check_sig_add(ScriptMachine& machine, Opcode) {
    if (machine.version != SigVersion::Tapscript) return ScriptError::BadOpcode;
    if (!machine.holds(3)) return ScriptError::InvalidStackOperation;
    const std::optional<int64_t> count = machine.number(2);
    if (!count) return ScriptError::ScriptNum;
    const Checked checked = check_signature(machine, machine.top(3).view(), machine.top(1).view());
    if (!checked) return checked.error();
    machine.pop(3);
    return machine.push(StackItem::number(*count + (*checked ? 1 : 0)));
}

ScriptError op_check_multisig(ScriptMachine& machine, Opcode opcode) {
    if (machine.version == SigVersion::Tapscript) return ScriptError::TapscriptCheckmultisig;
    MultisigOperands operands;
    if (const ScriptError error = read_multisig_operands(machine, operands);
        error != ScriptError::Ok)
        return error;
    const Checked checked = match_signatures(machine, operands);
    if (!checked) return checked.error();
    if (!*checked && machine.rules.has(VERIFY_NULLFAIL) && any_signature_given(machine, operands))
        return ScriptError::SigNullFail;
    // BIP-0147: the element that is taken for nothing could be anything, so anyone could change it.
    if (machine.rules.has(VERIFY_NULLDUMMY) && machine.top(operands.dummy()).size() != 0)
        return ScriptError::SigNullDummy;
    machine.pop(operands.dummy());
    return machine.conclude(
        *checked, opcode == OP_CHECKMULTISIGVERIFY, ScriptError::CheckMultisigVerify);
}

} // namespace cairn::consensus
