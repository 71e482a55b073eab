// SPDX-License-Identifier: MIT
// All opcodes but those that check signatures (script_ops_signature.cpp), the table that finds
// them, and the run of a script.
#include "consensus/script_machine.h"

#include "consensus/hash.h"

#include <functional>

namespace cairn::consensus {

namespace {

// Opcodes that steer: constants, branches, time-locks, and what ends a script //////////////////

constexpr size_t LOCK_NUMBER_BYTES = 5; ///< Lock times are unsigned 32 bits, script numbers signed.

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

ScriptError op_constant(ScriptMachine& machine, Opcode opcode) {
    return machine.push(StackItem::number(opcode == OP_1NEGATE ? -1 : small_number(opcode)));
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
    return machine.pop();
}

ScriptError op_return(ScriptMachine&, Opcode) {
    return ScriptError::OpReturn;
}

/// OP_CHECKLOCKTIMEVERIFY and OP_CHECKSEQUENCEVERIFY, which leave their argument where it is.
ScriptError op_lock(ScriptMachine& machine, Opcode opcode) {
    const bool absolute = opcode == OP_CHECKLOCKTIMEVERIFY;
    const ScriptRules& rules = machine.rules;
    if (!rules.has(absolute ? VERIFY_CHECKLOCKTIMEVERIFY : VERIFY_CHECKSEQUENCEVERIFY))
        return ScriptError::Ok;
    if (!machine.holds(1)) return ScriptError::InvalidStackOperation;
    const std::optional<int64_t> lock = machine.number(1, LOCK_NUMBER_BYTES);
    if (!lock) return ScriptError::ScriptNum;
    if (*lock < 0) return ScriptError::NegativeLocktime;
    if (!absolute && (*lock & TxIn::SEQUENCE_NO_LOCK) != 0) return ScriptError::Ok; // BIP-0112
    const bool over =
        absolute ? rules.checker.check_lock_time(*lock) : rules.checker.check_sequence(*lock);
    return over ? ScriptError::Ok : ScriptError::UnsatisfiedLocktime;
}

ScriptError op_bad(ScriptMachine&, Opcode) {
    return ScriptError::BadOpcode;
}

ScriptError op_disabled(ScriptMachine&, Opcode) {
    return ScriptError::DisabledOpcode; // CVE-2010-5137
}

// Opcodes that arrange the stack and look at no value (but for a depth) ////////////////////////

/// Push copies of COUNT elements, the deepest of which is at DEPTH.
template <size_t DEPTH, size_t COUNT>
ScriptError op_copy(ScriptMachine& machine, Opcode) {
    // Each push makes the next element one deeper, so the depth stays.
    for (size_t i = 0; i < COUNT; ++i) machine.push(machine.top(DEPTH));
    return ScriptError::Ok;
}

ScriptError op_copy_if_true(ScriptMachine& machine, Opcode) {
    return machine.top().is_true() ? machine.push(machine.top()) : ScriptError::Ok;
}

ScriptError op_tuck(ScriptMachine& machine, Opcode) {
    machine.stack.insert(machine.stack.end() - 2, machine.top());
    return ScriptError::Ok;
}

/// Turn the COUNT elements on top until the lowest TURNED of them are on top.
template <int COUNT, int TURNED>
ScriptError op_rotate(ScriptMachine& machine, Opcode) {
    const auto end = machine.stack.end();
    std::rotate(end - COUNT, end - COUNT + TURNED, end);
    return ScriptError::Ok;
}

ScriptError op_alt_stack(ScriptMachine& machine, Opcode opcode) {
    if (opcode == OP_TOALTSTACK) {
        machine.alt_stack.push_back(machine.top());
        return machine.pop();
    }
    if (machine.alt_stack.empty()) return ScriptError::InvalidAltstackOperation;
    machine.push(machine.alt_stack.back());
    machine.alt_stack.pop_back();
    return ScriptError::Ok;
}

ScriptError op_drop(ScriptMachine& machine, Opcode opcode) {
    if (opcode == OP_NIP) machine.top(2) = machine.top();
    return machine.pop(opcode == OP_2DROP ? 2 : 1);
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
    return machine.push(picked);
}

ScriptError op_measure(ScriptMachine& machine, Opcode opcode) {
    const size_t size = opcode == OP_DEPTH ? machine.stack.size() : machine.top().size();
    return machine.push(StackItem::number(static_cast<int64_t>(size)));
}

// Opcodes that compute: comparison, arithmetic, hashes /////////////////////////////////////////

template <class Function>
ScriptError op_unary(ScriptMachine& machine, Opcode) {
    const std::optional<int64_t> n = machine.number(1);
    if (!n) return ScriptError::ScriptNum;
    machine.pop();
    return machine.push(StackItem::number(Function()(*n)));
}

template <class Function>
ScriptError op_binary(ScriptMachine& machine, Opcode opcode) {
    const std::optional<int64_t> a = machine.number(2);
    const std::optional<int64_t> b = machine.number(1);
    if (!a || !b) return ScriptError::ScriptNum;
    const int64_t result = Function()(*a, *b);
    machine.pop(2);
    if (opcode == OP_NUMEQUALVERIFY)
        return machine.conclude(result != 0, true, ScriptError::NumEqualVerify);
    return machine.push(StackItem::number(result));
}

// Functions that std has not.

template <int64_t N>
struct Add {
    int64_t operator()(int64_t n) const { return n + N; }
};

struct Absolute {
    int64_t operator()(int64_t n) const { return n < 0 ? -n : n; }
};

struct IsNotZero {
    int64_t operator()(int64_t n) const { return n != 0 ? 1 : 0; }
};

struct Least {
    int64_t operator()(int64_t a, int64_t b) const { return std::min(a, b); }
};

struct Greatest {
    int64_t operator()(int64_t a, int64_t b) const { return std::max(a, b); }
};

ScriptError op_equal(ScriptMachine& machine, Opcode opcode) {
    const bool equal = std::ranges::equal(machine.top(2).view(), machine.top(1).view());
    machine.pop(2);
    return machine.conclude(equal, opcode == OP_EQUALVERIFY, ScriptError::EqualVerify);
}

ScriptError op_within(ScriptMachine& machine, Opcode) {
    const std::optional<int64_t> n = machine.number(3);
    const std::optional<int64_t> least = machine.number(2);
    const std::optional<int64_t> bound = machine.number(1);
    if (!n || !least || !bound) return ScriptError::ScriptNum;
    machine.pop(3);
    return machine.push(StackItem::boolean(*least <= *n && *n < *bound));
}

template <auto HASH>
ScriptError op_hash(ScriptMachine& machine, Opcode) {
    machine.top() = StackItem::hold(HASH(machine.top().view()));
    return ScriptError::Ok;
}

// The table, and the run ///////////////////////////////////////////////////////////////////////

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
    set(table, {op_lock}, {OP_CHECKLOCKTIMEVERIFY, OP_CHECKSEQUENCEVERIFY});
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
    table[OP_DUP] = {op_copy<1, 1>, 1};
    table[OP_2DUP] = {op_copy<2, 2>, 2};
    table[OP_3DUP] = {op_copy<3, 3>, 3};
    table[OP_OVER] = {op_copy<2, 1>, 2};
    table[OP_2OVER] = {op_copy<4, 2>, 4};
    table[OP_IFDUP] = {op_copy_if_true, 1};
    table[OP_TUCK] = {op_tuck, 2};
    table[OP_SWAP] = {op_rotate<2, 1>, 2};
    table[OP_ROT] = {op_rotate<3, 1>, 3};
    table[OP_2SWAP] = {op_rotate<4, 2>, 4};
    table[OP_2ROT] = {op_rotate<6, 2>, 6};
    set(table, {op_pick, 2}, {OP_PICK, OP_ROLL});
    table[OP_DEPTH] = {op_measure};
    table[OP_SIZE] = {op_measure, 1};

    set(table, {op_equal, 2}, {OP_EQUAL, OP_EQUALVERIFY});
    table[OP_1ADD] = {op_unary<Add<1>>, 1};
    table[OP_1SUB] = {op_unary<Add<-1>>, 1};
    table[OP_NEGATE] = {op_unary<std::negate<>>, 1};
    table[OP_ABS] = {op_unary<Absolute>, 1};
    table[OP_NOT] = {op_unary<std::logical_not<>>, 1};
    table[OP_0NOTEQUAL] = {op_unary<IsNotZero>, 1};
    table[OP_ADD] = {op_binary<std::plus<>>, 2};
    table[OP_SUB] = {op_binary<std::minus<>>, 2};
    table[OP_BOOLAND] = {op_binary<std::logical_and<>>, 2};
    table[OP_BOOLOR] = {op_binary<std::logical_or<>>, 2};
    set(table, {op_binary<std::equal_to<>>, 2}, {OP_NUMEQUAL, OP_NUMEQUALVERIFY});
    table[OP_NUMNOTEQUAL] = {op_binary<std::not_equal_to<>>, 2};
    table[OP_LESSTHAN] = {op_binary<std::less<>>, 2};
    table[OP_GREATERTHAN] = {op_binary<std::greater<>>, 2};
    table[OP_LESSTHANOREQUAL] = {op_binary<std::less_equal<>>, 2};
    table[OP_GREATERTHANOREQUAL] = {op_binary<std::greater_equal<>>, 2};
    table[OP_MIN] = {op_binary<Least>, 2};
    table[OP_MAX] = {op_binary<Greatest>, 2};
    table[OP_WITHIN] = {op_within, 3};
    table[OP_RIPEMD160] = {op_hash<ripemd160>, 1};
    table[OP_SHA1] = {op_hash<sha1>, 1};
    table[OP_SHA256] = {op_hash<sha256>, 1};
    table[OP_HASH160] = {op_hash<hash160>, 1};
    table[OP_HASH256] = {op_hash<sha256d>, 1};

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
    return machine.push(StackItem::refer(push.data));
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
