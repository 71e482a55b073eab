// SPDX-License-Identifier: MIT
#include "tests/consensus/script_assembler.h"

#include "consensus/script_text.h"
#include "tests/vectors.h"

#include <array>
#include <charconv>
#include <stdexcept>

namespace cairn::tests {

using namespace consensus;

namespace {

constexpr std::pair<std::string_view, ScriptFlags> FLAGS[] = {
    {"P2SH", VERIFY_P2SH},
    {"STRICTENC", VERIFY_STRICTENC},
    {"DERSIG", VERIFY_DERSIG},
    {"LOW_S", VERIFY_LOW_S},
    {"NULLDUMMY", VERIFY_NULLDUMMY},
    {"SIGPUSHONLY", VERIFY_SIGPUSHONLY},
    {"MINIMALDATA", VERIFY_MINIMALDATA},
    {"DISCOURAGE_UPGRADABLE_NOPS", VERIFY_DISCOURAGE_UPGRADABLE_NOPS},
    {"CLEANSTACK", VERIFY_CLEANSTACK},
    {"CHECKLOCKTIMEVERIFY", VERIFY_CHECKLOCKTIMEVERIFY},
    {"CHECKSEQUENCEVERIFY", VERIFY_CHECKSEQUENCEVERIFY},
    {"WITNESS", VERIFY_WITNESS},
    {"DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM", VERIFY_DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM},
    {"MINIMALIF", VERIFY_MINIMALIF},
    {"NULLFAIL", VERIFY_NULLFAIL},
    {"WITNESS_PUBKEYTYPE", VERIFY_WITNESS_PUBKEYTYPE},
    {"CONST_SCRIPTCODE", VERIFY_CONST_SCRIPTCODE},
    {"TAPROOT", VERIFY_TAPROOT},
    {"DISCOURAGE_UPGRADABLE_TAPROOT_VERSION", VERIFY_DISCOURAGE_UPGRADABLE_TAPROOT_VERSION},
    {"DISCOURAGE_OP_SUCCESS", VERIFY_DISCOURAGE_OP_SUCCESS},
    {"DISCOURAGE_UPGRADABLE_PUBKEYTYPE", VERIFY_DISCOURAGE_UPGRADABLE_PUBKEYTYPE},
};

/// The opcode called `word`, "OP_" left out or not.
std::optional<Opcode> opcode_of(std::string_view word) {
    if (word.starts_with("OP_")) word.remove_prefix(3);
    for (int i = OP_RESERVED; i <= OP_CHECKSIGADD; ++i) {
        const auto opcode = static_cast<Opcode>(i);
        if (opcode_name(opcode).starts_with("OP_") && opcode_name(opcode).substr(3) == word)
            return opcode;
    }
    return std::nullopt;
}

void assemble_word(Script& script, std::string_view word) {
    int64_t number = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (error == std::errc{} && end == word.data() + word.size()) {
        push_number(script, number);
    } else if (word.starts_with("0x")) {
        script.append(from_hex(word.substr(2)).value());
    } else if (word.size() >= 2 && word.front() == '\'' && word.back() == '\'') {
        push_data(script, as_bytes(word.substr(1, word.size() - 2)));
    } else if (const std::optional<Opcode> opcode = opcode_of(word)) {
        push_opcode(script, *opcode);
    } else {
        throw std::invalid_argument("no script: " + std::string(word));
    }
}

/// The parts of `text` between any of `separators`, empty ones left out.
std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
    std::vector<std::string_view> parts;
    size_t at = 0;
    while ((at = text.find_first_not_of(separators, at)) != std::string_view::npos) {
        const size_t end = std::min(text.find_first_of(separators, at), text.size());
        parts.push_back(text.substr(at, end - at));
        at = end;
    }
    return parts;
}

} // namespace

Script assemble(std::string_view text) {
    Script script;
    for (const std::string_view word : split(text, " \t\n")) assemble_word(script, word);
    return script;
}

std::span<const std::pair<std::string_view, ScriptFlags>> named_flags() {
    return FLAGS;
}

uint32_t parse_flags(std::string_view names) {
    if (names == "NONE") return VERIFY_NONE;
    uint32_t flags = 0;
    for (const std::string_view name : split(names, ",")) {
        const auto* flag = std::ranges::find(FLAGS, name, [](const auto& f) { return f.first; });
        if (flag == std::end(FLAGS)) throw std::invalid_argument("no flag: " + std::string(name));
        flags |= flag->second;
    }
    return flags;
}

uint32_t trim_flags(uint32_t flags) {
    if ((flags & VERIFY_P2SH) == 0) flags &= ~VERIFY_WITNESS;
    if ((flags & VERIFY_WITNESS) == 0) flags &= ~VERIFY_CLEANSTACK;
    return flags;
}

uint32_t fill_flags(uint32_t flags) {
    if ((flags & VERIFY_CLEANSTACK) != 0) flags |= VERIFY_WITNESS;
    if ((flags & VERIFY_WITNESS) != 0) flags |= VERIFY_P2SH;
    return flags;
}

boost::json::array read_vectors(const std::filesystem::path& path) {
    return boost::json::parse(read_file(path)).as_array();
}

} // namespace cairn::tests
