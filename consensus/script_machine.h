// SPDX-License-Identifier: MIT
// Runs one script on a stack, and nothing around it: what scripts commit to is interpreter.h's.
// One function per family of opcodes, found by a table.
#pragma once

#include "consensus/script.h"
#include "consensus/script_error.h"
#include "consensus/script_flags.h"
#include "consensus/signature_checker.h"

#include <array>
#include <cassert>
#include <type_traits>
#include <vector>

namespace cairn::consensus {

constexpr size_t MAX_STACK_ITEMS = 1000; ///< With the alternative stack.
constexpr int MAX_OPS_PER_SCRIPT = 201;  ///< Not in tapscript.

/// One element of the stack. Scripts can't build long strings: whatever exceeds a hash is a part of
/// a script or witness, and is only pointed to. So no opcode allocates.
///
/// Requires: the scripts and the witness outlive all items.
class StackItem {
public:
    StackItem() = default;

    /// A part of a script or witness.
    static StackItem refer(ByteView bytes) {
        StackItem item;
        item.size_ = static_cast<uint32_t>(bytes.size());
        item.referred_ = true;
        item.bytes_ = bytes.data();
        return item;
    }

    /// A result: a hash, a number.
    static StackItem hold(ByteView bytes) {
        assert(bytes.size() <= HELD_BYTES);
        StackItem item;
        item.size_ = static_cast<uint32_t>(bytes.size());
        std::copy(bytes.begin(), bytes.end(), item.held_);
        return item;
    }

    static StackItem hold(const Hash256& hash) { return hold(hash.bytes); }

    static StackItem number(int64_t n) { return hold(script_number(n)); }

    static StackItem boolean(bool value) { return number(value ? 1 : 0); }

    /// Valid while the item stays where it is.
    ByteView view() const { return {referred_ ? bytes_ : held_, size_}; }

    size_t size() const { return size_; }

    /// False for zero in any length, negative zero too.
    bool is_true() const;

private:
    static constexpr size_t HELD_BYTES = 32;

    uint32_t size_ = 0;
    bool referred_ = false;

    union {
        const uint8_t* bytes_;
        uint8_t held_[HELD_BYTES] = {};
    };
};

static_assert(std::is_trivially_copyable_v<StackItem>, "OP_ROLL moves a thousand of them at once");

using ScriptStack = std::vector<StackItem>;

/// The branches that are open, outermost first. Only the outermost one not taken matters: what is
/// inside it is skipped whatever it says. So a count and that place tell all, in constant time.
class OpenBranches {
public:
    bool none() const { return count_ == 0; }

    bool all_taken() const { return first_skipped_ == NONE; }

    void open(bool taken) {
        if (!taken && all_taken()) first_skipped_ = count_;
        ++count_;
    }

    void toggle_last() {
        if (all_taken())
            first_skipped_ = count_ - 1;
        else if (first_skipped_ == count_ - 1)
            first_skipped_ = NONE;
    }

    void close() {
        --count_;
        if (first_skipped_ == count_) first_skipped_ = NONE;
    }

private:
    static constexpr uint32_t NONE = UINT32_MAX;
    uint32_t count_ = 0;
    uint32_t first_skipped_ = NONE;
};

/// What all runs for one input have in common.
struct ScriptRules {
    uint32_t flags = 0;
    const SignatureChecker& checker;

    bool has(ScriptFlags flag) const { return (flags & flag) != 0; }
};

/// One run of one script.
///
/// Thread: any, one at a time. Lifetime: all that it is given outlives it.
struct ScriptMachine {
    const ScriptRules& rules;
    SigVersion version;
    ByteView script;
    ScriptStack& stack;
    TapscriptContext* tapscript = nullptr; ///< Set if `version` is Tapscript.

    ScriptStack alt_stack;
    OpenBranches branches;
    size_t next = 0;       ///< Position of the next instruction.
    size_t code_begin = 0; ///< Past the last OP_CODESEPARATOR executed.
    uint32_t index = 0;    ///< Instructions before this one.
    int op_count = 0;

    /// Run all of the script.
    ScriptError run();

    /// The element `depth` places from the top, which is 1.
    StackItem& top(size_t depth = 1) { return stack[stack.size() - depth]; }

    bool holds(size_t count) const { return stack.size() >= count; }

    // These give Ok, with which most opcodes end.

    ScriptError push(const StackItem& item) {
        stack.push_back(item);
        return ScriptError::Ok;
    }

    ScriptError pop(size_t count = 1) {
        stack.resize(stack.size() - count);
        return ScriptError::Ok;
    }

    /// The number that the element at `depth` stands for; nullopt if it isn't one.
    std::optional<int64_t> number(size_t depth, size_t max_bytes = 4) {
        return read_script_number(top(depth).view(), rules.has(VERIFY_MINIMALDATA), max_bytes);
    }

    /// Push `success`; or if `verify`, push nothing and fail with `error` where it's false.
    ScriptError conclude(bool success, bool verify, ScriptError error) {
        if (verify) return success ? ScriptError::Ok : error;
        return push(StackItem::boolean(success));
    }
};

/// Executes one opcode of its family. That the stack holds what the table says was checked.
using OpcodeFunction = ScriptError (*)(ScriptMachine&, Opcode);

// script_ops_signature.cpp
ScriptError op_code_separator(ScriptMachine& machine, Opcode opcode);
ScriptError op_check_sig(ScriptMachine& machine, Opcode opcode);
ScriptError op_check_sig_add(ScriptMachine& machine, Opcode opcode);
ScriptError op_check_multisig(ScriptMachine& machine, Opcode opcode);

} // namespace cairn::consensus
