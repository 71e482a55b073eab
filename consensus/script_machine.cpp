// SPDX-License-Identifier: MIT
#include "consensus/script_machine.h"

namespace cairn::consensus {

namespace {

/// How an opcode is executed.
struct OpcodeRule {
    OpcodeFunction run = op_bad;
    uint8_t needs = 0;            ///< Elements that must be on the stack.
    bool even_if_skipped = false; ///< Also in a branch that isn't taken.
};

using OpcodeTable = std::array<OpcodeRule, 256>;

constexpr void set(OpcodeTable& table, OpcodeRule rule, std::initializer_list<Opcode> opcodes) {
    for (const Opcode opcode : opcodes) table[opcode] = rule;
}

constexpr void set_range(OpcodeTable& table, Opcode first, Opcode last, OpcodeRule rule) {
    for (int opcode = first; opcode <= last; ++opcode) table[static_cast<size_t>(opcode)] = rule;
}

constexpr OpcodeTable make_table() {
    OpcodeTable table{};
    set_range(table, OP_1, OP_16, {op_constant});
    table[OP_1NEGATE] = {op_constant};

    set_range(table, OP_NOP1, OP_NOP10, {op_nop});
    table[OP_NOP] = {op_nop};
    table[OP_CHECKLOCKTIMEVERIFY] = {op_lock_time};
    table[OP_CHECKSEQUENCEVERIFY] = {op_sequence};
    set(table, {op_branch, 0, true}, {OP_IF, OP_NOTIF, OP_ELSE, OP_ENDIF});
    table[OP_VERIFY] = {op_verify, 1};
    table[OP_RETURN] = {op_return};
    set(table, {op_bad, 0, true}, {OP_VERIF, OP_VERNOTIF});
    set(table, {op_disabled, 0, true}, {OP_CAT, OP_SUBSTR, OP_LEFT, OP_RIGHT, OP_INVERT});
    set(table, {op_disabled, 0, true}, {OP_AND, OP_OR, OP_XOR, OP_2MUL, OP_2DIV, OP_MUL, OP_DIV});
    set(table, {op_disabled, 0, true}, {OP_MOD, OP_LSHIFT, OP_RSHIFT});

    table[OP_TOALTSTACK] = {op_alt_stack, 1};
    table[OP_FROMALTSTACK] = {op_alt_stack};
    table[OP_DROP] = {op_drop, 1};
    set(table, {op_drop, 2}, {OP_2DROP, OP_NIP});
    set(table, {op_copy, 1}, {OP_DUP, OP_IFDUP});
    set(table, {op_copy, 2}, {OP_2DUP, OP_OVER, OP_TUCK});
    table[OP_3DUP] = {op_copy, 3};
    table[OP_2OVER] = {op_copy, 4};
    table[OP_SWAP] = {op_move, 2};
    table[OP_ROT] = {op_move, 3};
    table[OP_2SWAP] = {op_move, 4};
    table[OP_2ROT] = {op_move, 6};
    set(table, {op_pick, 2}, {OP_PICK, OP_ROLL});
    table[OP_DEPTH] = {op_measure};
    table[OP_SIZE] = {op_measure, 1};

    set(table, {op_equal, 2}, {OP_EQUAL, OP_EQUALVERIFY});
    set(table, {op_unary, 1}, {OP_1ADD, OP_1SUB, OP_NEGATE, OP_ABS, OP_NOT, OP_0NOTEQUAL});
    set(table, {op_binary, 2}, {OP_ADD, OP_SUB});
    set_range(table, OP_BOOLAND, OP_MAX, {op_binary, 2});
    table[OP_WITHIN] = {op_within, 3};
    set_range(table, OP_RIPEMD160, OP_HASH256, {op_hash, 1});

    table[OP_CODESEPARATOR] = {op_code_separator, 0, true};
    set(table, {op_check_sig, 2}, {OP_CHECKSIG, OP_CHECKSIGVERIFY});
    set(table, {op_check_multisig}, {OP_CHECKMULTISIG, OP_CHECKMULTISIGVERIFY});
    table[OP_CHECKSIGADD] = {op_check_sig_add};
    return table;
}

constexpr OpcodeTable OPCODE_TABLE = make_table();

ScriptError run_opcode(ScriptMachine& machine, Opcode opcode) {
    const OpcodeRule& rule = OPCODE_TABLE[opcode];
    if (!rule.even_if_skipped && !machine.branches.all_taken()) return ScriptError::Ok;
    if (!machine.holds(rule.needs)) return ScriptError::InvalidStackOperation;
    return rule.run(machine, opcode);
}

ScriptError run_push(ScriptMachine& machine, const Instruction& push) {
    if (!machine.branches.all_taken()) return ScriptError::Ok;
    if (machine.rules.has(VERIFY_MINIMALDATA) && !is_minimal_push(push))
        return ScriptError::MinimalData;
    machine.push(StackItem::refer(push.data));
    return ScriptError::Ok;
}

} // namespace

bool StackItem::is_true() const {
    const ByteView bytes = view();
    for (size_t i = 0; i < bytes.size(); ++i)
        if (bytes[i] != 0) return i + 1 != bytes.size() || bytes[i] != 0x80;
    return false;
}

ScriptError ScriptMachine::run() {
    // BIP-0342 lifts both limits: a tapscript's weight bounds it.
    const bool limited = version != SigVersion::Tapscript;
    if (limited && script.size() > MAX_SCRIPT_SIZE) return ScriptError::ScriptSize;
    ScriptReader reader(script);
    for (; !reader.at_end(); ++index) {
        const std::optional<Instruction> instruction = reader.next();
        if (!instruction) return ScriptError::BadOpcode;
        if (instruction->data.size() > MAX_SCRIPT_ELEMENT_SIZE) return ScriptError::PushSize;
        const Opcode opcode = instruction->opcode;
        if (limited && opcode > OP_16 && ++op_count > MAX_OPS_PER_SCRIPT)
            return ScriptError::OpCount;
        next = reader.position();
        const ScriptError error =
            opcode <= OP_PUSHDATA4 ? run_push(*this, *instruction) : run_opcode(*this, opcode);
        if (error != ScriptError::Ok) return error;
        if (stack.size() + alt_stack.size() > MAX_STACK_ITEMS) return ScriptError::StackSize;
    }
    return branches.none() ? ScriptError::Ok : ScriptError::UnbalancedConditional;
}

} // namespace cairn::consensus
