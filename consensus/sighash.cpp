// SPDX-License-Identifier: MIT
#include "consensus/sighash.h"

#include "consensus/script.h"

#include <algorithm>
#include <cassert>

namespace cairn::consensus {

namespace {

constexpr uint32_t BASE_TYPE_MASK = 0x1f; ///< Legacy and BIP-0143 look at these bits only.
constexpr uint8_t TAPROOT_BASE_MASK = 3;

/// Hashes values as they are on the wire, without a buffer of its own.
class HashWriter {
public:
    HashWriter() = default;

    explicit HashWriter(const Sha256& begun) : sha_(begun) {}

    HashWriter& raw(ByteView bytes) {
        sha_.write(bytes);
        return *this;
    }

    template <class Integer>
    HashWriter& number(Integer n) {
        static_assert(std::integral<Integer>);
        return raw({reinterpret_cast<const uint8_t*>(&n), sizeof n});
    }

    HashWriter& compact_size(uint64_t n) {
        if (n < 0xfd) return number(static_cast<uint8_t>(n));
        if (n <= 0xffff) return number(uint8_t{0xfd}).number(static_cast<uint16_t>(n));
        return number(uint8_t{0xfe}).number(static_cast<uint32_t>(n)); // nothing here is longer
    }

    HashWriter& sized(ByteView bytes) { return compact_size(bytes.size()).raw(bytes); }

    HashWriter& out_point(const OutPoint& point) {
        return raw(point.txid.bytes).number(point.index);
    }

    HashWriter& output(const TxOut& out) {
        return number(out.value.value).sized(out.script_pubkey);
    }

    Hash256 single_hash() { return sha_.finish(); }

    Hash256 double_hash() { return sha_.finish_double(); }

private:
    Sha256 sha_;
};

Hash256 prevouts_hash(const Transaction& tx) {
    HashWriter writer;
    for (const TxIn& in : tx.inputs) writer.out_point(in.prevout);
    return writer.single_hash();
}

Hash256 sequences_hash(const Transaction& tx) {
    HashWriter writer;
    for (const TxIn& in : tx.inputs) writer.number(in.sequence);
    return writer.single_hash();
}

Hash256 outputs_hash(const Transaction& tx) {
    HashWriter writer;
    for (const TxOut& out : tx.outputs) writer.output(out);
    return writer.single_hash();
}

Hash256 amounts_hash(const std::vector<TxOut>& spent) {
    HashWriter writer;
    for (const TxOut& out : spent) writer.number(out.value.value);
    return writer.single_hash();
}

Hash256 scripts_hash(const std::vector<TxOut>& spent) {
    HashWriter writer;
    for (const TxOut& out : spent) writer.sized(out.script_pubkey);
    return writer.single_hash();
}

bool is_taproot_output(const TxOut& out) {
    const std::optional<WitnessProgram> program = witness_program(out.script_pubkey);
    return program && program->version == 1 && program->program.size() == 32;
}

/// Whether a BIP-0143 hash may be asked for: P2SH may hide a witness program.
bool may_be_witness_v0(const TxOut& out) {
    if (is_pay_to_script_hash(out.script_pubkey)) return true;
    const std::optional<WitnessProgram> program = witness_program(out.script_pubkey);
    return program && program->version == 0;
}

bool is_single(uint32_t type) {
    return (type & BASE_TYPE_MASK) == SIGHASH_SINGLE;
}

bool is_none(uint32_t type) {
    return (type & BASE_TYPE_MASK) == SIGHASH_NONE;
}

bool any_can_pay(uint32_t type) {
    return (type & SIGHASH_ANYONECANPAY) != 0;
}

/// The script code with its length, every OP_CODESEPARATOR left out.
void write_without_separators(HashWriter& writer, ByteView code) {
    size_t separators = 0;
    if (std::ranges::find(code, OP_CODESEPARATOR) != code.end()) {
        ScriptReader reader(code);
        while (const std::optional<Instruction> instruction = reader.next())
            separators += instruction->opcode == OP_CODESEPARATOR ? 1 : 0;
    }
    writer.compact_size(code.size() - separators);
    size_t from = 0;
    ScriptReader reader(code);
    while (separators > 0) {
        const size_t at = reader.position();
        if (reader.next()->opcode != OP_CODESEPARATOR) continue;
        writer.raw(code.subspan(from, at - from));
        from = reader.position();
        --separators;
    }
    writer.raw(code.subspan(from));
}

void write_legacy_inputs(
    HashWriter& writer, const Transaction& tx, size_t input, ByteView script_code, uint32_t type) {
    const auto write_signed = [&] {
        writer.out_point(tx.inputs[input].prevout);
        write_without_separators(writer, script_code);
        writer.number(tx.inputs[input].sequence);
    };
    if (any_can_pay(type)) {
        writer.compact_size(1);
        return write_signed();
    }
    writer.compact_size(tx.inputs.size());
    for (size_t i = 0; i < tx.inputs.size(); ++i) {
        if (i == input) {
            write_signed();
            continue;
        }
        const bool others_free = is_single(type) || is_none(type);
        writer.out_point(tx.inputs[i].prevout).compact_size(0);
        writer.number(others_free ? 0 : tx.inputs[i].sequence);
    }
}

void write_legacy_outputs(HashWriter& writer, const Transaction& tx, size_t input, uint32_t type) {
    if (is_none(type)) {
        writer.compact_size(0);
        return;
    }
    if (!is_single(type)) {
        writer.compact_size(tx.outputs.size());
        for (const TxOut& out : tx.outputs) writer.output(out);
        return;
    }
    // The outputs before the signed one are there, but blank: value -1, no script.
    writer.compact_size(input + 1);
    for (size_t i = 0; i < input; ++i) writer.number(int64_t{-1}).compact_size(0);
    writer.output(tx.outputs[input]);
}

} // namespace

SighashMidstates::SighashMidstates(const Transaction& tx, std::vector<TxOut> spent_outputs)
    : spent(std::move(spent_outputs)) {
    assert(spent.empty() || spent.size() == tx.inputs.size());
    for_witness_v0 = spent.empty() || std::ranges::any_of(spent, may_be_witness_v0);
    for_taproot = std::ranges::any_of(spent, is_taproot_output);
    if (!for_witness_v0 && !for_taproot) return;
    prevouts_single = prevouts_hash(tx);
    sequences_single = sequences_hash(tx);
    outputs_single = outputs_hash(tx);
    if (for_witness_v0) {
        prevouts_double = sha256(prevouts_single.bytes);
        sequences_double = sha256(sequences_single.bytes);
        outputs_double = sha256(outputs_single.bytes);
    }
    if (for_taproot) {
        amounts_single = amounts_hash(spent);
        scripts_single = scripts_hash(spent);
    }
}

Hash256 legacy_sighash(const Transaction& tx, size_t input, ByteView script_code, uint32_t type) {
    assert(input < tx.inputs.size());
    if (is_single(type) && input >= tx.outputs.size()) {
        // Signing an output that isn't there signs the number 1, for ever.
        Hash256 one;
        one.bytes[0] = 1;
        return one;
    }
    HashWriter writer;
    writer.number(tx.version);
    write_legacy_inputs(writer, tx, input, script_code, type);
    write_legacy_outputs(writer, tx, input, type);
    writer.number(tx.lock_time).number(type);
    return writer.double_hash();
}

Hash256 witness_sighash(
    const Transaction& tx,
    size_t input,
    ByteView script_code,
    Amount amount,
    uint32_t type,
    const SighashMidstates& midstates) {
    assert(input < tx.inputs.size() && midstates.for_witness_v0);
    const bool all_outputs = !is_single(type) && !is_none(type);
    const Hash256 zeros;
    Hash256 outputs;
    if (all_outputs)
        outputs = midstates.outputs_double;
    else if (is_single(type) && input < tx.outputs.size())
        outputs = HashWriter().output(tx.outputs[input]).double_hash();

    const bool sequences = !any_can_pay(type) && all_outputs;
    const TxIn& in = tx.inputs[input];
    HashWriter writer;
    writer.number(tx.version)
        .raw(any_can_pay(type) ? zeros.bytes : midstates.prevouts_double.bytes)
        .raw(sequences ? midstates.sequences_double.bytes : zeros.bytes)
        .out_point(in.prevout)
        .sized(script_code)
        .number(amount.value)
        .number(in.sequence)
        .raw(outputs.bytes)
        .number(tx.lock_time)
        .number(type);
    return writer.double_hash();
}

std::optional<Hash256> taproot_sighash(
    const Transaction& tx,
    size_t input,
    uint8_t type,
    SigVersion version,
    const SighashMidstates& midstates,
    const TapscriptContext& context) {
    static const Sha256 TAGGED = tagged_hash("TapSighash");
    constexpr uint8_t EPOCH = 0;
    constexpr uint8_t KEY_VERSION = 0;
    assert(input < tx.inputs.size() && midstates.for_taproot);
    const int base = type == SIGHASH_DEFAULT ? SIGHASH_ALL : type & TAPROOT_BASE_MASK;
    const bool defined = (type & ~(SIGHASH_ANYONECANPAY | TAPROOT_BASE_MASK)) == 0 && base != 0;
    if (!defined || (base == SIGHASH_SINGLE && input >= tx.outputs.size())) return std::nullopt;

    HashWriter writer(TAGGED);
    writer.number(EPOCH).number(type).number(tx.version).number(tx.lock_time);
    if (!any_can_pay(type)) {
        writer.raw(midstates.prevouts_single.bytes)
            .raw(midstates.amounts_single.bytes)
            .raw(midstates.scripts_single.bytes)
            .raw(midstates.sequences_single.bytes);
    }
    if (base == SIGHASH_ALL) writer.raw(midstates.outputs_single.bytes);

    const bool tapscript = version == SigVersion::Tapscript;
    const int spend_type = (tapscript ? 2 : 0) + (context.annex_hash ? 1 : 0);
    writer.number(static_cast<uint8_t>(spend_type));
    if (any_can_pay(type)) {
        const TxIn& in = tx.inputs[input];
        writer.out_point(in.prevout).output(midstates.spent[input]).number(in.sequence);
    } else {
        writer.number(static_cast<uint32_t>(input));
    }
    if (context.annex_hash) writer.raw(context.annex_hash->bytes);
    if (base == SIGHASH_SINGLE)
        writer.raw(HashWriter().output(tx.outputs[input]).single_hash().bytes);
    if (tapscript) {
        writer.raw(context.leaf_hash.bytes)
            .number(KEY_VERSION)
            .number(context.codeseparator_position);
    }
    return writer.single_hash();
}

} // namespace cairn::consensus
