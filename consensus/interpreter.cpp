// SPDX-License-Identifier: MIT
#include "consensus/interpreter.h"

#include "consensus/hash_writer.h"
#include "consensus/script_machine.h"
#include "consensus/standard.h"
#include "consensus/taproot.h"

namespace cairn::consensus {

namespace {

constexpr size_t USUAL_STACK_ITEMS = 8;
constexpr int64_t WITNESS_WEIGHT_ALLOWANCE = 50; ///< BIP-0342

ByteView last_item(const Witness& witness) {
    return witness[witness.size() - 1];
}

/// The first `count` items of a witness become the stack of a script; nullopt if one is too long
/// for that. They are only pointed to.
///
/// Millions of empty items are as many bytes, and would be a stack forty times as large. But what
/// is above the limit by more than any opcode takes off fails after the first, so the rest may be
/// left out. (If that one is OP_PICK or OP_ROLL and reaches for it, it fails by another name.)
std::optional<ScriptStack> stack_of(const Witness& witness, size_t count) {
    constexpr size_t TAKEN_AT_ONCE = 2 * MAX_PUBKEYS_PER_MULTISIG + 3;
    constexpr size_t ENOUGH = MAX_STACK_ITEMS + TAKEN_AT_ONCE + 1;
    const size_t left_out = count > ENOUGH ? count - ENOUGH : 0;
    ScriptStack stack;
    stack.reserve(count - left_out + USUAL_STACK_ITEMS);
    Witness::Iterator item = witness.begin();
    for (size_t i = 0; i < count; ++i, ++item) {
        const ByteView bytes = *item;
        if (bytes.size() > MAX_SCRIPT_ELEMENT_SIZE) return std::nullopt;
        if (i >= left_out) stack.push_back(StackItem::refer(bytes));
    }
    return stack;
}

ScriptError check_top(const ScriptStack& stack) {
    return !stack.empty() && stack.back().is_true() ? ScriptError::Ok : ScriptError::EvalFalse;
}

/// Opcodes that make any tapscript succeed, so that soft forks can give them a meaning.
/// Source: BIP-0342.
constexpr bool is_op_success(Opcode opcode) {
    return opcode == 80 || opcode == 98 || (opcode >= 126 && opcode <= 129) ||
           (opcode >= 131 && opcode <= 134) || opcode == 137 || opcode == 138 || opcode == 141 ||
           opcode == 142 || (opcode >= 149 && opcode <= 153) || (opcode >= 187 && opcode <= 254);
}

/// The scripts of one input, from the outermost in.
class InputVerifier {
public:
    InputVerifier(const Witness& witness, const ScriptRules& rules)
        : witness_(witness),
          rules_(rules) {}

    ScriptError verify(ByteView script_sig, ByteView script_pubkey) {
        if (rules_.has(VERIFY_SIGPUSHONLY) && !is_push_only(script_sig))
            return ScriptError::SigPushOnly;
        ScriptStack stack;
        stack.reserve(USUAL_STACK_ITEMS);
        if (const ScriptError error = run(stack, script_sig); error != ScriptError::Ok)
            return error;
        const bool p2sh = rules_.has(VERIFY_P2SH) && is_pay_to_script_hash(script_pubkey);
        ScriptStack after_script_sig;
        if (p2sh) after_script_sig = stack;
        ScriptError error = run(stack, script_pubkey);
        if (error == ScriptError::Ok) error = check_top(stack);
        if (error != ScriptError::Ok) return error;

        // A witness program leaves no stack of its own to judge: its script demanded a clean one.
        const std::optional<WitnessProgram> program = witness_program(script_pubkey);
        if (program && rules_.has(VERIFY_WITNESS)) {
            if (!script_sig.empty()) return ScriptError::WitnessMalleated;
            error = verify_program(*program, false);
            stack.resize(1);
        }
        if (error == ScriptError::Ok && p2sh) {
            stack = std::move(after_script_sig);
            error = verify_p2sh(stack, script_sig);
        }
        if (error != ScriptError::Ok) return error;
        if (rules_.has(VERIFY_CLEANSTACK) && stack.size() != 1) return ScriptError::CleanStack;
        if (rules_.has(VERIFY_WITNESS) && !witness_used_ && !witness_.empty())
            return ScriptError::WitnessUnexpected;
        return ScriptError::Ok;
    }

private:
    ScriptError run(ScriptStack& stack, ByteView script) {
        return ScriptMachine{rules_, SigVersion::Base, script, stack}.run();
    }

    /// BIP-0016: `stack` is what `script_sig` left; its top is the script that is paid to.
    ScriptError verify_p2sh(ScriptStack& stack, ByteView script_sig) {
        if (!is_push_only(script_sig)) return ScriptError::SigPushOnly;
        // Its hash was matched, so there is a top. The copy outlives all that may point into it.
        const StackItem redeem_item = stack.back();
        const ByteView redeem_script = redeem_item.view();
        stack.pop_back();
        ScriptError error = run(stack, redeem_script);
        if (error == ScriptError::Ok) error = check_top(stack);
        if (error != ScriptError::Ok) return error;
        const std::optional<WitnessProgram> program = witness_program(redeem_script);
        if (!program || !rules_.has(VERIFY_WITNESS)) return ScriptError::Ok;

        Script only_push;
        push_data(only_push, redeem_script);
        if (!std::ranges::equal(script_sig, only_push)) return ScriptError::WitnessMalleatedP2sh;
        error = verify_program(*program, true);
        stack.resize(1);
        return error;
    }

    ScriptError verify_program(const WitnessProgram& program, bool in_p2sh) {
        witness_used_ = true;
        const ByteView bytes = program.program;
        if (program.version == 0) {
            if (bytes.size() == 32) return verify_script_hash(bytes);
            if (bytes.size() == 20) return verify_key_hash(bytes);
            return ScriptError::WitnessProgramWrongLength;
        }
        if (program.version == 1 && bytes.size() == 32 && !in_p2sh)
            return rules_.has(VERIFY_TAPROOT) ? verify_taproot(bytes) : ScriptError::Ok;
        if (is_anchor(program) && !in_p2sh) return ScriptError::Ok;
        return rules_.has(VERIFY_DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM)
                   ? ScriptError::DiscourageUpgradableWitnessProgram
                   : ScriptError::Ok;
    }

    /// P2WPKH: the witness is a signature and a key, the script is the one of P2PKH. BIP-0141.
    ScriptError verify_key_hash(ByteView hash) {
        if (witness_.size() != 2) return ScriptError::WitnessProgramMismatch;
        return run_witness_script(pay_to_pubkey_hash(hash), 2, SigVersion::WitnessV0);
    }

    /// P2WSH: the witness's last item is the script.
    ScriptError verify_script_hash(ByteView hash) {
        if (witness_.empty()) return ScriptError::WitnessProgramWitnessEmpty;
        const ByteView script = last_item(witness_);
        if (!std::ranges::equal(sha256(script).bytes, hash))
            return ScriptError::WitnessProgramMismatch;
        return run_witness_script(script, witness_.size() - 1, SigVersion::WitnessV0);
    }

    /// BIP-0341: one item is a signature by the output key, more are a path to a script.
    ScriptError verify_taproot(ByteView output_key) {
        if (witness_.empty()) return ScriptError::WitnessProgramWitnessEmpty;
        TapscriptContext context;
        size_t items = witness_.size();
        if (const ByteView last = last_item(witness_);
            items >= 2 && !last.empty() && last[0] == ANNEX_TAG) {
            HashWriter annex;
            annex.sized(last);
            context.annex_hash = annex.single_hash();
            --items;
        }
        if (items == 1)
            return rules_.checker.check_schnorr(
                witness_[0], output_key, SigVersion::Taproot, context);
        return verify_leaf(output_key, items, context);
    }

    /// The script path; of the first `items` of the witness the last is the control block and the
    /// one before it the script.
    ScriptError verify_leaf(ByteView output_key, size_t items, TapscriptContext& context) {
        const ByteView control = witness_[items - 1];
        const ByteView script = witness_[items - 2];
        if (!is_control_block_size(control.size())) return ScriptError::TaprootWrongControlSize;
        const uint8_t leaf_version = control[0] & TAPROOT_LEAF_MASK;
        context.leaf_hash = tapleaf_hash(leaf_version, script);
        if (!proves_leaf(control, output_key, context.leaf_hash))
            return ScriptError::WitnessProgramMismatch;
        if (leaf_version == TAPSCRIPT_LEAF_VERSION)
            return verify_tapscript(script, items - 2, context);
        return rules_.has(VERIFY_DISCOURAGE_UPGRADABLE_TAPROOT_VERSION)
                   ? ScriptError::DiscourageUpgradableTaprootVersion
                   : ScriptError::Ok;
    }

    ScriptError verify_tapscript(ByteView script, size_t items, TapscriptContext& context) {
        const std::optional<bool> op_success = has_op_success(script);
        if (!op_success) return ScriptError::BadOpcode;
        if (*op_success)
            return rules_.has(VERIFY_DISCOURAGE_OP_SUCCESS) ? ScriptError::DiscourageOpSuccess
                                                            : ScriptError::Ok;
        if (items > MAX_STACK_ITEMS) return ScriptError::StackSize;
        context.validation_weight_left =
            static_cast<int64_t>(witness_.wire_bytes()) + WITNESS_WEIGHT_ALLOWANCE;
        return run_witness_script(script, items, SigVersion::Tapscript, &context);
    }

    /// Run `script` on the first `items` of the witness. It must leave one element, and that true.
    ScriptError run_witness_script(
        ByteView script, size_t items, SigVersion version, TapscriptContext* context = nullptr) {
        std::optional<ScriptStack> stack = stack_of(witness_, items);
        if (!stack) return ScriptError::PushSize;
        const ScriptError error = ScriptMachine{rules_, version, script, *stack, context}.run();
        if (error != ScriptError::Ok) return error;
        if (stack->size() != 1) return ScriptError::CleanStack;
        return check_top(*stack);
    }

    const Witness& witness_;
    const ScriptRules& rules_;
    bool witness_used_ = false;
};

int witness_program_sigops(const WitnessProgram& program, const Witness& witness) {
    if (program.version != 0) return 0;
    if (program.program.size() == 20) return 1;
    if (program.program.size() == 32 && !witness.empty())
        return count_sigops(last_item(witness), true);
    return 0;
}

} // namespace

std::optional<bool> has_op_success(ByteView script) {
    ScriptReader reader(script);
    while (const std::optional<Instruction> instruction = reader.next())
        if (is_op_success(instruction->opcode)) return true;
    if (!reader.at_end()) return std::nullopt;
    return false;
}

ScriptError verify_script(
    ByteView script_sig,
    ByteView script_pubkey,
    const Witness& witness,
    uint32_t flags,
    const SignatureChecker& checker) {
    // What these two ask can't be told without the rules that they build on.
    assert((flags & VERIFY_CLEANSTACK) == 0 || (flags & VERIFY_WITNESS) != 0);
    assert((flags & VERIFY_WITNESS) == 0 || (flags & VERIFY_P2SH) != 0);
    const ScriptRules rules{flags, checker};
    return InputVerifier(witness, rules).verify(script_sig, script_pubkey);
}

ScriptError verify_input(
    const Transaction& tx,
    size_t input,
    const TxOut& spent,
    uint32_t flags,
    const SighashMidstates& midstates,
    const PubkeyPoints* points) {
    const TransactionChecker checker(tx, input, spent.value, midstates, points);
    const TxIn& in = tx.inputs[input];
    return verify_script(in.script_sig, spent.script_pubkey, in.witness, flags, checker);
}

int count_witness_sigops(
    ByteView script_sig, ByteView script_pubkey, const Witness& witness, uint32_t flags) {
    if ((flags & VERIFY_WITNESS) == 0) return 0;
    if (const auto program = witness_program(script_pubkey))
        return witness_program_sigops(*program, witness);
    if (!is_pay_to_script_hash(script_pubkey)) return 0;
    const std::optional<WitnessProgram> program =
        witness_program(last_push(script_sig).value_or(ByteView()));
    return program ? witness_program_sigops(*program, witness) : 0;
}

} // namespace cairn::consensus
