// SPDX-License-Identifier: MIT
#include "consensus/script.h"

#include <algorithm>
#include <cassert>

namespace cairn::consensus {

namespace {

/// How many bytes after the opcode hold the length of its data.
size_t length_bytes(Opcode opcode) {
    return opcode < OP_PUSHDATA1 || opcode > OP_PUSHDATA4 ? 0 : 1 << (opcode - OP_PUSHDATA1);
}

} // namespace

std::optional<Instruction> ScriptReader::next() {
    if (broken_ || at_ == script_.size()) return std::nullopt;
    const auto opcode = static_cast<Opcode>(script_[at_++]);
    if (opcode > OP_PUSHDATA4) return Instruction{opcode, {}};
    const size_t width = length_bytes(opcode);
    broken_ = width > script_.size() - at_;
    if (broken_) return std::nullopt;
    size_t length = width == 0 ? opcode : 0;
    for (size_t i = 0; i < width; ++i) length |= size_t{script_[at_++]} << (8 * i);
    broken_ = length > script_.size() - at_;
    if (broken_) return std::nullopt;
    at_ += length;
    return Instruction{opcode, script_.subspan(at_ - length, length)};
}

Opcode push_opcode_for(size_t size) {
    if (size < OP_PUSHDATA1) return static_cast<Opcode>(size);
    if (size <= 0xff) return OP_PUSHDATA1;
    return size <= 0xffff ? OP_PUSHDATA2 : OP_PUSHDATA4;
}

void push_data(Script& script, ByteView data) {
    assert(data.size() <= UINT32_MAX);
    const Opcode opcode = push_opcode_for(data.size());
    script.push_back(opcode);
    for (size_t i = 0; i < length_bytes(opcode); ++i)
        script.push_back(static_cast<uint8_t>(data.size() >> (8 * i)));
    script.append(data);
}

void push_number(Script& script, int64_t n) {
    if (n == -1)
        push_opcode(script, OP_1NEGATE);
    else if (n >= 1 && n <= 16)
        push_opcode(script, static_cast<Opcode>(OP_1 - 1 + n));
    else
        push_data(script, script_number(n));
}

SmallBytes<12> script_number(int64_t n) {
    SmallBytes<12> bytes;
    const bool negative = n < 0;
    // Negated as unsigned, because -INT64_MIN is not a signed number.
    uint64_t rest = negative ? uint64_t{0} - static_cast<uint64_t>(n) : static_cast<uint64_t>(n);
    for (; rest != 0; rest >>= 8) bytes.push_back(static_cast<uint8_t>(rest));
    if (bytes.empty()) return bytes;
    if ((bytes.back() & 0x80) != 0) bytes.push_back(0);
    if (negative) bytes[bytes.size() - 1] |= 0x80;
    return bytes;
}

std::optional<int64_t> read_script_number(ByteView bytes, bool minimal, size_t max_bytes) {
    assert(max_bytes <= 8);
    if (bytes.size() > max_bytes) return std::nullopt;
    if (bytes.empty()) return 0;
    const uint8_t last = bytes.back();
    // The last byte is needed for its value, or because the one before has the sign's bit set.
    const bool last_needed =
        (last & 0x7f) != 0 || (bytes.size() > 1 && (bytes[bytes.size() - 2] & 0x80) != 0);
    if (minimal && !last_needed) return std::nullopt;
    int64_t n = last & 0x7f;
    for (size_t i = bytes.size() - 1; i-- > 0;) n = n << 8 | bytes[i];
    return (last & 0x80) != 0 ? -n : n;
}

bool is_minimal_push(const Instruction& push) {
    if (push.data.size() == 1) {
        const uint8_t byte = push.data[0];
        if ((byte >= 1 && byte <= 16) || byte == 0x81) return false; // OP_1 to OP_16, OP_1NEGATE
    }
    return push.opcode == push_opcode_for(push.data.size());
}

bool is_push_only(ByteView script) {
    ScriptReader reader(script);
    while (const std::optional<Instruction> instruction = reader.next())
        if (instruction->opcode > OP_16) return false;
    return reader.at_end();
}

std::optional<ByteView> last_push(ByteView script) {
    std::optional<ByteView> last;
    ScriptReader reader(script);
    while (const std::optional<Instruction> instruction = reader.next()) {
        if (instruction->opcode > OP_16) return std::nullopt;
        last = instruction->data;
    }
    return reader.at_end() ? last : std::nullopt;
}

bool is_pay_to_script_hash(ByteView script) {
    return script.size() == 23 && script[0] == OP_HASH160 && script[1] == 20 &&
           script[22] == OP_EQUAL;
}

std::optional<WitnessProgram> witness_program(ByteView script) {
    if (script.size() < 4 || script.size() > 42 || script[1] != script.size() - 2)
        return std::nullopt;
    const auto version = static_cast<Opcode>(script[0]);
    if (version != OP_0 && (version < OP_1 || version > OP_16)) return std::nullopt;
    return WitnessProgram{small_number(version), script.subspan(2)};
}

bool is_anchor(const WitnessProgram& program) {
    return program.version == 1 && program.program.size() == 2 && program.program[0] == 0x4e &&
           program.program[1] == 0x73;
}

int count_sigops(ByteView script, bool accurate) {
    if (witness_program(script)) return 0; // two pushes, and by far the most frequent of scripts
    int count = 0;
    Opcode previous = OP_INVALIDOPCODE;
    ScriptReader reader(script);
    while (const std::optional<Instruction> instruction = reader.next()) {
        const Opcode opcode = instruction->opcode;
        if (opcode == OP_CHECKSIG || opcode == OP_CHECKSIGVERIFY) {
            ++count;
        } else if (opcode == OP_CHECKMULTISIG || opcode == OP_CHECKMULTISIGVERIFY) {
            const bool known = accurate && previous >= OP_1 && previous <= OP_16;
            count += known ? small_number(previous) : MAX_PUBKEYS_PER_MULTISIG;
        }
        previous = opcode;
    }
    return count;
}

int count_p2sh_sigops(ByteView script_sig, ByteView script_pubkey) {
    if (!is_pay_to_script_hash(script_pubkey)) return 0;
    return count_sigops(last_push(script_sig).value_or(ByteView()), true);
}

} // namespace cairn::consensus
