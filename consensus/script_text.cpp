// SPDX-License-Identifier: MIT
#include "consensus/script_text.h"

#include "consensus/sighash.h"
#include "consensus/signature.h"

#include <array>

namespace cairn::consensus {

namespace {

/// How the enum spells OPCODE, out of the compiler's own text for this function.
template <Opcode OPCODE>
constexpr std::string_view spelled() {
    constexpr std::string_view TEXT = __PRETTY_FUNCTION__;
    const size_t begin = TEXT.find("OP_");
    if (begin == std::string_view::npos) return "OP_UNKNOWN";
    return TEXT.substr(begin, TEXT.find_first_of(";]", begin) - begin);
}

constexpr auto OPCODE_NAMES = []<size_t... VALUE>(std::index_sequence<VALUE...>) {
    return std::array{spelled<static_cast<Opcode>(VALUE)>()...};
}
(std::make_index_sequence<256>());

static_assert(OPCODE_NAMES[OP_DUP] == "OP_DUP" && OPCODE_NAMES[1] == "OP_UNKNOWN");

std::string data_to_text(ByteView data, bool sighash_names) {
    if (data.size() <= 4) return std::to_string(*read_script_number(data, false));
    if (sighash_names && is_strict_der(data) && is_defined_hash_type(data.back()))
        return to_hex(data.first(data.size() - 1)) + "[" + hash_type_name(data.back()) + "]";
    return to_hex(data);
}

} // namespace

std::string opcode_name(Opcode opcode) {
    if (opcode == OP_1NEGATE) return "-1";
    if (opcode == OP_0 || (opcode >= OP_1 && opcode <= OP_16))
        return std::to_string(small_number(opcode));
    return std::string(OPCODE_NAMES[opcode]);
}

std::string hash_type_name(uint8_t type) {
    constexpr std::array<std::string_view, 4> BASES{"DEFAULT", "ALL", "NONE", "SINGLE"};
    const size_t base = type & ~SIGHASH_ANYONECANPAY;
    if (base >= BASES.size() || type == SIGHASH_ANYONECANPAY) return {};
    return std::string(BASES[base]) + (base != type ? "|ANYONECANPAY" : ""); // NOLINT(*-index)
}

std::optional<uint8_t> hash_type_of(std::string_view name) {
    for (const uint8_t any : {0, int{SIGHASH_ANYONECANPAY}})
        for (uint8_t base = SIGHASH_DEFAULT; base <= SIGHASH_SINGLE; ++base)
            if (const uint8_t type = base | any; !name.empty() && hash_type_name(type) == name)
                return type;
    return std::nullopt;
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
