// SPDX-License-Identifier: MIT
// Opcodes that compute: comparison, arithmetic, hashes.
#include "consensus/hash.h"
#include "consensus/script_machine.h"

namespace cairn::consensus {

namespace {

int64_t unary_result(Opcode opcode, int64_t n) {
    switch (opcode) {
    case OP_1ADD:
        return n + 1;
    case OP_1SUB:
        return n - 1;
    case OP_NEGATE:
        return -n;
    case OP_ABS:
        return n < 0 ? -n : n;
    case OP_NOT:
        return n == 0 ? 1 : 0;
    default:
        return n != 0 ? 1 : 0; // OP_0NOTEQUAL
    }
}

int64_t binary_result(Opcode opcode, int64_t a, int64_t b) {
    switch (opcode) {
    case OP_ADD:
        return a + b;
    case OP_SUB:
        return a - b;
    case OP_BOOLAND:
        return a != 0 && b != 0 ? 1 : 0;
    case OP_BOOLOR:
        return a != 0 || b != 0 ? 1 : 0;
    case OP_NUMEQUAL:
    case OP_NUMEQUALVERIFY:
        return a == b ? 1 : 0;
    case OP_NUMNOTEQUAL:
        return a != b ? 1 : 0;
    case OP_LESSTHAN:
        return a < b ? 1 : 0;
    case OP_GREATERTHAN:
        return a > b ? 1 : 0;
    case OP_LESSTHANOREQUAL:
        return a <= b ? 1 : 0;
    case OP_GREATERTHANOREQUAL:
        return a >= b ? 1 : 0;
    case OP_MIN:
        return std::min(a, b);
    default:
        return std::max(a, b); // OP_MAX
    }
}

} // namespace

ScriptError op_equal(ScriptMachine& machine, Opcode opcode) {
    const bool equal = std::ranges::equal(machine.top(2).view(), machine.top(1).view());
    machine.pop(2);
    return machine.conclude(equal, opcode == OP_EQUALVERIFY, ScriptError::EqualVerify);
}

ScriptError op_unary(ScriptMachine& machine, Opcode opcode) {
    const std::optional<int64_t> n = machine.number(1);
    if (!n) return ScriptError::ScriptNum;
    machine.top() = StackItem::number(unary_result(opcode, *n));
    return ScriptError::Ok;
}

ScriptError op_binary(ScriptMachine& machine, Opcode opcode) {
    const std::optional<int64_t> a = machine.number(2);
    const std::optional<int64_t> b = machine.number(1);
    if (!a || !b) return ScriptError::ScriptNum;
    const int64_t result = binary_result(opcode, *a, *b);
    machine.pop(2);
    if (opcode == OP_NUMEQUALVERIFY)
        return machine.conclude(result != 0, true, ScriptError::NumEqualVerify);
    machine.push(StackItem::number(result));
    return ScriptError::Ok;
}

ScriptError op_within(ScriptMachine& machine, Opcode) {
    const std::optional<int64_t> n = machine.number(3);
    const std::optional<int64_t> least = machine.number(2);
    const std::optional<int64_t> bound = machine.number(1);
    if (!n || !least || !bound) return ScriptError::ScriptNum;
    machine.pop(3);
    machine.push(StackItem::boolean(*least <= *n && *n < *bound));
    return ScriptError::Ok;
}

ScriptError op_hash(ScriptMachine& machine, Opcode opcode) {
    StackItem& item = machine.top();
    const ByteView bytes = item.view();
    switch (opcode) {
    case OP_RIPEMD160:
        item = StackItem::hold(ripemd160(bytes));
        break;
    case OP_SHA1:
        item = StackItem::hold(sha1(bytes));
        break;
    case OP_SHA256:
        item = StackItem::hold(sha256(bytes).bytes);
        break;
    case OP_HASH160:
        item = StackItem::hold(hash160(bytes));
        break;
    default:
        item = StackItem::hold(sha256d(bytes).bytes); // OP_HASH256
    }
    return ScriptError::Ok;
}

} // namespace cairn::consensus
