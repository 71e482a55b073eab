// SPDX-License-Identifier: MIT
#include "consensus/script_text.h"

#include "consensus/sighash.h"
#include "consensus/signature.h"

#include <array>

namespace cairn::consensus {

namespace {

constexpr std::array<std::string_view, 16> CONSTANT_NAMES{
    "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16"};

/// From OP_NOP to OP_CHECKSIGADD.
constexpr std::array<std::string_view, OP_CHECKSIGADD - OP_NOP + 1> OPCODE_NAMES{
    "OP_NOP",
    "OP_VER",
    "OP_IF",
    "OP_NOTIF",
    "OP_VERIF",
    "OP_VERNOTIF",
    "OP_ELSE",
    "OP_ENDIF",
    "OP_VERIFY",
    "OP_RETURN",
    "OP_TOALTSTACK",
    "OP_FROMALTSTACK",
    "OP_2DROP",
    "OP_2DUP",
    "OP_3DUP",
    "OP_2OVER",
    "OP_2ROT",
    "OP_2SWAP",
    "OP_IFDUP",
    "OP_DEPTH",
    "OP_DROP",
    "OP_DUP",
    "OP_NIP",
    "OP_OVER",
    "OP_PICK",
    "OP_ROLL",
    "OP_ROT",
    "OP_SWAP",
    "OP_TUCK",
    "OP_CAT",
    "OP_SUBSTR",
    "OP_LEFT",
    "OP_RIGHT",
    "OP_SIZE",
    "OP_INVERT",
    "OP_AND",
    "OP_OR",
    "OP_XOR",
    "OP_EQUAL",
    "OP_EQUALVERIFY",
    "OP_RESERVED1",
    "OP_RESERVED2",
    "OP_1ADD",
    "OP_1SUB",
    "OP_2MUL",
    "OP_2DIV",
    "OP_NEGATE",
    "OP_ABS",
    "OP_NOT",
    "OP_0NOTEQUAL",
    "OP_ADD",
    "OP_SUB",
    "OP_MUL",
    "OP_DIV",
    "OP_MOD",
    "OP_LSHIFT",
    "OP_RSHIFT",
    "OP_BOOLAND",
    "OP_BOOLOR",
    "OP_NUMEQUAL",
    "OP_NUMEQUALVERIFY",
    "OP_NUMNOTEQUAL",
    "OP_LESSTHAN",
    "OP_GREATERTHAN",
    "OP_LESSTHANOREQUAL",
    "OP_GREATERTHANOREQUAL",
    "OP_MIN",
    "OP_MAX",
    "OP_WITHIN",
    "OP_RIPEMD160",
    "OP_SHA1",
    "OP_SHA256",
    "OP_HASH160",
    "OP_HASH256",
    "OP_CODESEPARATOR",
    "OP_CHECKSIG",
    "OP_CHECKSIGVERIFY",
    "OP_CHECKMULTISIG",
    "OP_CHECKMULTISIGVERIFY",
    "OP_NOP1",
    "OP_CHECKLOCKTIMEVERIFY",
    "OP_CHECKSEQUENCEVERIFY",
    "OP_NOP4",
    "OP_NOP5",
    "OP_NOP6",
    "OP_NOP7",
    "OP_NOP8",
    "OP_NOP9",
    "OP_NOP10",
    "OP_CHECKSIGADD",
};
static_assert(OPCODE_NAMES.back() == "OP_CHECKSIGADD");

/// "[ALL]" and the like.
std::string_view hash_type_suffix(uint8_t type) {
    switch (type) {
    case SIGHASH_ALL:
        return "[ALL]";
    case SIGHASH_NONE:
        return "[NONE]";
    case SIGHASH_SINGLE:
        return "[SINGLE]";
    case SIGHASH_ALL | SIGHASH_ANYONECANPAY:
        return "[ALL|ANYONECANPAY]";
    case SIGHASH_NONE | SIGHASH_ANYONECANPAY:
        return "[NONE|ANYONECANPAY]";
    case SIGHASH_SINGLE | SIGHASH_ANYONECANPAY:
        return "[SINGLE|ANYONECANPAY]";
    default:
        return {};
    }
}

std::string data_to_text(ByteView data, bool sighash_names) {
    if (data.size() <= 4) return std::to_string(*read_script_number(data, false));
    if (sighash_names && is_strict_der(data) && is_defined_hash_type(data.back())) {
        std::string text = to_hex(data.first(data.size() - 1));
        text += hash_type_suffix(data.back());
        return text;
    }
    return to_hex(data);
}

} // namespace

std::string_view opcode_name(Opcode opcode) {
    if (opcode >= OP_1 && opcode <= OP_16) return CONSTANT_NAMES[opcode - OP_1];
    if (opcode >= OP_NOP && opcode <= OP_CHECKSIGADD) return OPCODE_NAMES[opcode - OP_NOP];
    switch (opcode) {
    case OP_0:
        return "0";
    case OP_PUSHDATA1:
        return "OP_PUSHDATA1";
    case OP_PUSHDATA2:
        return "OP_PUSHDATA2";
    case OP_PUSHDATA4:
        return "OP_PUSHDATA4";
    case OP_1NEGATE:
        return "-1";
    case OP_RESERVED:
        return "OP_RESERVED";
    case OP_INVALIDOPCODE:
        return "OP_INVALIDOPCODE";
    default:
        return "OP_UNKNOWN";
    }
}

std::string script_to_text(ByteView script, bool sighash_names) {
    // An output that can't be spent holds data, which may look like a signature by chance.
    const bool look_for_signatures = sighash_names && !is_unspendable(script);
    std::string text;
    ScriptReader reader(script);
    while (!reader.at_end()) {
        if (!text.empty()) text += ' ';
        const std::optional<Instruction> instruction = reader.next();
        if (!instruction) return text + "[error]";
        if (instruction->opcode <= OP_PUSHDATA4)
            text += data_to_text(instruction->data, look_for_signatures);
        else
            text += opcode_name(instruction->opcode);
    }
    return text;
}

} // namespace cairn::consensus
