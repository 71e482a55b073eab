// SPDX-License-Identifier: MIT
#include "consensus/standard.h"

#include "consensus/params.h"
#include "consensus/signature.h"

#include <algorithm>
#include <array>
#include <cassert>

namespace cairn::consensus {

namespace {

Bytes copy(ByteView bytes) {
    return {bytes.begin(), bytes.end()};
}

OutputTemplate match_witness(const WitnessProgram& program) {
    const size_t size = program.program.size();
    auto type = OutputType::WitnessUnknown;
    if (program.version == 0) {
        if (size != 20 && size != 32) return {};
        type = size == 20 ? OutputType::WitnessV0KeyHash : OutputType::WitnessV0ScriptHash;
    } else if (program.version == 1 && size == 32) {
        type = OutputType::WitnessV1Taproot;
    } else if (is_anchor(program)) {
        type = OutputType::Anchor;
    }
    return {type, {copy(program.program)}, 0, program.version};
}

/// A push of one public key, then OP_CHECKSIG.
bool is_pay_to_pubkey(ByteView script) {
    return script.size() >= 2 && script[0] == script.size() - 2 && script.back() == OP_CHECKSIG &&
           is_pubkey_size(script.subspan(1, script.size() - 2));
}

bool is_pay_to_pubkey_hash(ByteView script) {
    return script.size() == 25 && script[0] == OP_DUP && script[1] == OP_HASH160 &&
           script[2] == 20 && script[23] == OP_EQUALVERIFY && script[24] == OP_CHECKSIG;
}

/// A count of keys or signatures: OP_1 to OP_16, or a shortest push of up to 20.
std::optional<int> key_count(const Instruction& instruction) {
    if (instruction.opcode >= OP_1 && instruction.opcode <= OP_16)
        return small_number(instruction.opcode);
    if (instruction.data.empty() || !is_minimal_push(instruction)) return std::nullopt;
    const std::optional<int64_t> n = read_script_number(instruction.data, true);
    if (!n || *n < 1 || *n > MAX_PUBKEYS_PER_MULTISIG) return std::nullopt;
    return static_cast<int>(*n);
}

OutputTemplate match_multisig(ByteView script) {
    if (script.empty() || script.back() != OP_CHECKMULTISIG) return {};
    ScriptReader reader(script);
    std::optional<Instruction> instruction = reader.next();
    if (!instruction) return {};
    const std::optional<int> required = key_count(*instruction);
    if (!required) return {};
    OutputTemplate match{OutputType::Multisig, {}, *required, 0};
    while ((instruction = reader.next()) && is_pubkey_size(instruction->data))
        match.parts.push_back(copy(instruction->data));
    if (!instruction) return {};
    const std::optional<int> keys = key_count(*instruction);
    const bool complete = keys && static_cast<size_t>(*keys) == match.parts.size() &&
                          *required <= *keys && reader.position() + 1 == script.size();
    return complete ? match : OutputTemplate{};
}

} // namespace

std::string_view output_type_name(OutputType type) {
    constexpr std::array<std::string_view, 11> NAMES{
        "nonstandard",
        "pubkey",
        "pubkeyhash",
        "scripthash",
        "multisig",
        "nulldata",
        "witness_v0_keyhash",
        "witness_v0_scripthash",
        "witness_v1_taproot",
        "witness_unknown",
        "anchor"};
    return NAMES[static_cast<size_t>(type)];
}

OutputTemplate match_template(ByteView script) {
    if (is_pay_to_script_hash(script))
        return {OutputType::ScriptHash, {copy(script.subspan(2, 20))}};
    if (const auto program = witness_program(script)) return match_witness(*program);
    // Anyone may put data beside a payment, in an output that can't be spent.
    if (!script.empty() && script[0] == OP_RETURN && is_push_only(script.subspan(1)))
        return {OutputType::NullData};
    if (is_pay_to_pubkey(script))
        return {OutputType::PubKey, {copy(script.subspan(1, script.size() - 2))}};
    if (is_pay_to_pubkey_hash(script))
        return {OutputType::PubKeyHash, {copy(script.subspan(3, 20))}};
    return match_multisig(script);
}

int64_t reserved_weight(const Params& params) {
    return std::min(RESERVED_WEIGHT, params.max_block_weight / 2);
}

int64_t max_standard_weight(const Params& params) {
    return std::min(MAX_STANDARD_TX_WEIGHT, params.max_block_weight - reserved_weight(params));
}

Script pay_to_pubkey_hash(ByteView hash160) {
    assert(hash160.size() == 20);
    return make_script(OP_DUP, OP_HASH160, hash160, OP_EQUALVERIFY, OP_CHECKSIG);
}

Script pay_to_script_hash(ByteView hash160) {
    assert(hash160.size() == 20);
    return make_script(OP_HASH160, hash160, OP_EQUAL);
}

Script pay_to_witness(int version, ByteView program) {
    assert(version >= 0 && version <= 16 && program.size() >= 2 && program.size() <= 40);
    return make_script(version, program);
}

} // namespace cairn::consensus
