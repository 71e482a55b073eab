// SPDX-License-Identifier: MIT
// Opcodes that arrange the stack and look at no value (but for a depth).
#include "consensus/script_machine.h"

namespace cairn::consensus {

namespace {

/// Push copies of `count` elements, the deepest of which is at `depth`.
void copy_from(ScriptMachine& machine, size_t depth, size_t count) {
    // Each push makes the next element one deeper, so `depth` stays.
    for (size_t i = 0; i < count; ++i) machine.push(machine.top(depth));
}

} // namespace

ScriptError op_alt_stack(ScriptMachine& machine, Opcode opcode) {
    if (opcode == OP_TOALTSTACK) {
        machine.alt_stack.push_back(machine.top());
        machine.pop();
        return ScriptError::Ok;
    }
    if (machine.alt_stack.empty()) return ScriptError::InvalidAltstackOperation;
    machine.push(machine.alt_stack.back());
    machine.alt_stack.pop_back();
    return ScriptError::Ok;
}

ScriptError op_drop(ScriptMachine& machine, Opcode opcode) {
    if (opcode == OP_NIP) machine.top(2) = machine.top();
    machine.pop(opcode == OP_2DROP ? 2 : 1);
    return ScriptError::Ok;
}

ScriptError op_copy(ScriptMachine& machine, Opcode opcode) {
    switch (opcode) {
    case OP_IFDUP:
        if (machine.top().is_true()) copy_from(machine, 1, 1);
        break;
    case OP_DUP:
        copy_from(machine, 1, 1);
        break;
    case OP_2DUP:
        copy_from(machine, 2, 2);
        break;
    case OP_3DUP:
        copy_from(machine, 3, 3);
        break;
    case OP_OVER:
        copy_from(machine, 2, 1);
        break;
    case OP_2OVER:
        copy_from(machine, 4, 2);
        break;
    default: // OP_TUCK
        machine.stack.insert(machine.stack.end() - 2, machine.top());
    }
    return ScriptError::Ok;
}

ScriptError op_move(ScriptMachine& machine, Opcode opcode) {
    const auto end = machine.stack.end();
    switch (opcode) {
    case OP_SWAP:
        std::swap(machine.top(2), machine.top(1));
        break;
    case OP_ROT:
        std::rotate(end - 3, end - 2, end);
        break;
    case OP_2SWAP:
        std::rotate(end - 4, end - 2, end);
        break;
    default:
        std::rotate(end - 6, end - 4, end); // OP_2ROT
    }
    return ScriptError::Ok;
}

ScriptError op_pick(ScriptMachine& machine, Opcode opcode) {
    const std::optional<int64_t> depth = machine.number(1);
    if (!depth) return ScriptError::ScriptNum;
    machine.pop();
    if (*depth < 0 || *depth >= static_cast<int64_t>(machine.stack.size()))
        return ScriptError::InvalidStackOperation;
    const auto item = machine.stack.end() - 1 - *depth;
    const StackItem picked = *item;
    if (opcode == OP_ROLL) machine.stack.erase(item);
    machine.push(picked);
    return ScriptError::Ok;
}

ScriptError op_measure(ScriptMachine& machine, Opcode opcode) {
    const size_t size = opcode == OP_DEPTH ? machine.stack.size() : machine.top().size();
    machine.push(StackItem::number(static_cast<int64_t>(size)));
    return ScriptError::Ok;
}

} // namespace cairn::consensus
