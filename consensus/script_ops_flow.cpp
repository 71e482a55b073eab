// SPDX-License-Identifier: MIT
// Opcodes that steer: constants, branches, time-locks, and what ends a script.
#include "consensus/script_machine.h"

namespace cairn::consensus {

namespace {

constexpr size_t LOCK_NUMBER_BYTES = 5; ///< Lock times are unsigned 32 bits, script numbers signed.
constexpr int64_t SEQUENCE_NO_LOCK = int64_t{1} << 31; ///< BIP-0112: the opcode is a NOP.

/// Open the branch of an OP_IF or OP_NOTIF by the condition on the stack.
ScriptError open_branch(ScriptMachine& machine, Opcode opcode) {
    if (!machine.branches.all_taken()) {
        machine.branches.open(false);
        return ScriptError::Ok;
    }
    if (!machine.holds(1)) return ScriptError::InvalidStackOperation;
    const StackItem condition = machine.top();
    const ByteView bytes = condition.view();
    const bool minimal = bytes.empty() || (bytes.size() == 1 && bytes[0] == 1);
    if (!minimal && machine.version == SigVersion::Tapscript)
        return ScriptError::TapscriptMinimalIf;
    if (!minimal && machine.version == SigVersion::WitnessV0 && machine.rules.has(VERIFY_MINIMALIF))
        return ScriptError::MinimalIf;
    machine.pop();
    machine.branches.open(condition.is_true() == (opcode == OP_IF));
    return ScriptError::Ok;
}

} // namespace

ScriptError op_constant(ScriptMachine& machine, Opcode opcode) {
    machine.push(StackItem::number(opcode == OP_1NEGATE ? -1 : small_number(opcode)));
    return ScriptError::Ok;
}

ScriptError op_nop(ScriptMachine& machine, Opcode opcode) {
    if (opcode != OP_NOP && machine.rules.has(VERIFY_DISCOURAGE_UPGRADABLE_NOPS))
        return ScriptError::DiscourageUpgradableNops;
    return ScriptError::Ok;
}

ScriptError op_branch(ScriptMachine& machine, Opcode opcode) {
    if (opcode == OP_IF || opcode == OP_NOTIF) return open_branch(machine, opcode);
    if (machine.branches.none()) return ScriptError::UnbalancedConditional;
    if (opcode == OP_ELSE)
        machine.branches.toggle_last();
    else
        machine.branches.close();
    return ScriptError::Ok;
}

ScriptError op_verify(ScriptMachine& machine, Opcode) {
    if (!machine.top().is_true()) return ScriptError::Verify;
    machine.pop();
    return ScriptError::Ok;
}

ScriptError op_return(ScriptMachine&, Opcode) {
    return ScriptError::OpReturn;
}

ScriptError op_lock_time(ScriptMachine& machine, Opcode) {
    if (!machine.rules.has(VERIFY_CHECKLOCKTIMEVERIFY)) return ScriptError::Ok;
    if (!machine.holds(1)) return ScriptError::InvalidStackOperation;
    const std::optional<int64_t> lock_time = machine.number(1, LOCK_NUMBER_BYTES);
    if (!lock_time) return ScriptError::ScriptNum;
    if (*lock_time < 0) return ScriptError::NegativeLocktime;
    return machine.rules.checker.check_lock_time(*lock_time) ? ScriptError::Ok
                                                             : ScriptError::UnsatisfiedLocktime;
}

ScriptError op_sequence(ScriptMachine& machine, Opcode) {
    if (!machine.rules.has(VERIFY_CHECKSEQUENCEVERIFY)) return ScriptError::Ok;
    if (!machine.holds(1)) return ScriptError::InvalidStackOperation;
    const std::optional<int64_t> sequence = machine.number(1, LOCK_NUMBER_BYTES);
    if (!sequence) return ScriptError::ScriptNum;
    if (*sequence < 0) return ScriptError::NegativeLocktime;
    if ((*sequence & SEQUENCE_NO_LOCK) != 0) return ScriptError::Ok;
    return machine.rules.checker.check_sequence(*sequence) ? ScriptError::Ok
                                                           : ScriptError::UnsatisfiedLocktime;
}

ScriptError op_bad(ScriptMachine&, Opcode) {
    return ScriptError::BadOpcode;
}

ScriptError op_disabled(ScriptMachine&, Opcode) {
    return ScriptError::DisabledOpcode; // CVE-2010-5137
}

} // namespace cairn::consensus
