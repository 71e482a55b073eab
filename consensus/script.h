// SPDX-License-Identifier: MIT
// A script as bytes: its opcodes, how to walk it and how to build it. What a script means is in
// interpreter.h, which standard form it has in standard.h, how people read it in script_text.h.
#pragma once

#include "consensus/bytes.h"
#include "consensus/small_bytes.h"

#include <concepts>
#include <optional>

namespace cairn::consensus {

/// Any script; those of the usual outputs (up to 40 bytes) need no allocation. Core: CScript.
using Script = SmallBytes<40>;

/// Opcodes, by Core's names. Values below OP_PUSHDATA1 push that many bytes.
enum Opcode : uint8_t {
    OP_0 = 0x00,
    OP_PUSHDATA1 = 0x4c,
    OP_PUSHDATA2 = 0x4d,
    OP_PUSHDATA4 = 0x4e,
    OP_1NEGATE = 0x4f,
    OP_RESERVED = 0x50,
    OP_1 = 0x51,
    OP_2,
    OP_3,
    OP_4,
    OP_5,
    OP_6,
    OP_7,
    OP_8,
    OP_9,
    OP_10,
    OP_11,
    OP_12,
    OP_13,
    OP_14,
    OP_15,
    OP_16,
    OP_NOP = 0x61,
    OP_VER,
    OP_IF,
    OP_NOTIF,
    OP_VERIF,
    OP_VERNOTIF,
    OP_ELSE,
    OP_ENDIF,
    OP_VERIFY,
    OP_RETURN,
    OP_TOALTSTACK,
    OP_FROMALTSTACK,
    OP_2DROP,
    OP_2DUP,
    OP_3DUP,
    OP_2OVER,
    OP_2ROT,
    OP_2SWAP,
    OP_IFDUP,
    OP_DEPTH,
    OP_DROP,
    OP_DUP,
    OP_NIP,
    OP_OVER,
    OP_PICK,
    OP_ROLL,
    OP_ROT,
    OP_SWAP,
    OP_TUCK,
    OP_CAT,
    OP_SUBSTR,
    OP_LEFT,
    OP_RIGHT,
    OP_SIZE,
    OP_INVERT,
    OP_AND,
    OP_OR,
    OP_XOR,
    OP_EQUAL,
    OP_EQUALVERIFY,
    OP_RESERVED1,
    OP_RESERVED2,
    OP_1ADD,
    OP_1SUB,
    OP_2MUL,
    OP_2DIV,
    OP_NEGATE,
    OP_ABS,
    OP_NOT,
    OP_0NOTEQUAL,
    OP_ADD,
    OP_SUB,
    OP_MUL,
    OP_DIV,
    OP_MOD,
    OP_LSHIFT,
    OP_RSHIFT,
    OP_BOOLAND,
    OP_BOOLOR,
    OP_NUMEQUAL,
    OP_NUMEQUALVERIFY,
    OP_NUMNOTEQUAL,
    OP_LESSTHAN,
    OP_GREATERTHAN,
    OP_LESSTHANOREQUAL,
    OP_GREATERTHANOREQUAL,
    OP_MIN,
    OP_MAX,
    OP_WITHIN,
    OP_RIPEMD160,
    OP_SHA1,
    OP_SHA256,
    OP_HASH160,
    OP_HASH256,
    OP_CODESEPARATOR,
    OP_CHECKSIG,
    OP_CHECKSIGVERIFY,
    OP_CHECKMULTISIG,
    OP_CHECKMULTISIGVERIFY,
    OP_NOP1,
    OP_CHECKLOCKTIMEVERIFY, ///< BIP-0065, was OP_NOP2.
    OP_CHECKSEQUENCEVERIFY, ///< BIP-0112, was OP_NOP3.
    OP_NOP4,
    OP_NOP5,
    OP_NOP6,
    OP_NOP7,
    OP_NOP8,
    OP_NOP9,
    OP_NOP10,
    OP_CHECKSIGADD, ///< BIP-0342.
    OP_INVALIDOPCODE = 0xff,
};

constexpr size_t MAX_SCRIPT_SIZE = 10'000;
constexpr size_t MAX_SCRIPT_ELEMENT_SIZE = 520;
constexpr int MAX_PUBKEYS_PER_MULTISIG = 20;

/// One step of a script: an opcode, and what it pushes if it is a push.
struct Instruction {
    Opcode opcode = OP_INVALIDOPCODE;
    ByteView data;
};

/// Walks a script from its start.
class ScriptReader {
public:
    explicit ScriptReader(ByteView script) : script_(script) {}

    bool at_end() const { return !broken_ && at_ == script_.size(); }

    /// Past what was read; of a push that breaks off, its opcode and its length as far as that is
    /// whole.
    size_t position() const { return at_; }

    /// The next instruction; nullopt at the end, or from where a push reaches past it (then
    /// at_end() is false).
    std::optional<Instruction> next();

private:
    ByteView script_;
    size_t at_ = 0;
    bool broken_ = false;
};

/// Append one opcode.
inline void push_opcode(Script& script, Opcode opcode) {
    script.push_back(opcode);
}

/// Append the push of `data` with the shortest opcode for its length (not OP_1 to OP_16).
void push_data(Script& script, ByteView data);

/// Append the shortest push of the number `n`: OP_0, OP_1NEGATE, OP_1 to OP_16, or its bytes.
void push_number(Script& script, int64_t n);

/// The script of `parts`: opcodes as they are, numbers and byte strings pushed.
template <class... Part>
Script make_script(const Part&... parts) {
    Script script;
    const auto add = [&]<class T>(const T& part) {
        if constexpr (std::same_as<T, Opcode>)
            script.push_back(part);
        else if constexpr (std::integral<T>)
            push_number(script, part);
        else
            push_data(script, part);
    };
    (add(parts), ...);
    return script;
}

/// The bytes of a script number: little-endian, sign in the top bit, as short as can be.
/// Core: CScriptNum::serialize.
SmallBytes<12> script_number(int64_t n);

/// The number that `bytes` stand for; nullopt if there are more than `max_bytes` of them, or if
/// `minimal` and fewer would do. Core: CScriptNum.
std::optional<int64_t> read_script_number(ByteView bytes, bool minimal, size_t max_bytes = 4);

/// The opcode that push_data() takes for `size` bytes.
Opcode push_opcode_for(size_t size);

/// Whether `push` is the shortest way to push its data, OP_1 and the like considered.
bool is_minimal_push(const Instruction& push);

/// The number that OP_0 or OP_1 to OP_16 pushes. Requires: `opcode` is one of these.
constexpr int small_number(Opcode opcode) {
    return opcode == OP_0 ? 0 : opcode - (OP_1 - 1);
}

/// Whether `script` does nothing but push (OP_RESERVED counts as a push).
bool is_push_only(ByteView script);

/// What `script` pushes last (of a script_sig what P2SH commits to); nullopt if nothing, or if it
/// does anything but push.
std::optional<ByteView> last_push(ByteView script);

/// Source: BIP-0016.
bool is_pay_to_script_hash(ByteView script);

/// What a witness must satisfy. Source: BIP-0141.
struct WitnessProgram {
    int version = 0;
    ByteView program;
};

/// The witness program that `script` is, if it is one. Core: IsWitnessProgram.
std::optional<WitnessProgram> witness_program(ByteView script);

/// Whether anyone may spend it, by intention: 1 and two bytes. Core: IsPayToAnchor.
bool is_anchor(const WitnessProgram& program);

/// Signature operations as counted before segregated witness. `accurate`: OP_n before a
/// OP_CHECKMULTISIG counts n, not 20. Core: CScript::GetSigOpCount.
int count_sigops(ByteView script, bool accurate);

/// Signature operations of the script that a P2SH input reveals; 0 if `script_pubkey` is not
/// P2SH. Core: GetSigOpCount(scriptSig).
int count_p2sh_sigops(ByteView script_sig, ByteView script_pubkey);

/// Whether no coin with this script can ever be spent. Core: CScript::IsUnspendable.
inline bool is_unspendable(ByteView script) {
    return (!script.empty() && script[0] == OP_RETURN) || script.size() > MAX_SCRIPT_SIZE;
}

} // namespace cairn::consensus
