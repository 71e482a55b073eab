// SPDX-License-Identifier: MIT
#include "consensus/sighash.h"

#include "consensus/hash_writer.h"
#include "consensus/script.h"
#include "consensus/sha256_lanes.h"

#include <algorithm>
#include <cassert>
#include <functional>
#include <utility>

namespace cairn::consensus {

namespace {

constexpr uint32_t BASE_TYPE_MASK = 0x1f; ///< Legacy and BIP-0143 look at these bits only.
constexpr uint8_t TAPROOT_BASE_MASK = 3;

/// The hash of something of each of `items`.
template <class Item, class What = std::identity>
Hash256 hash_each(const std::vector<Item>& items, What what = {}) {
    HashWriter writer;
    for (const Item& item : items) writer(std::invoke(what, item));
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

/// The script code with its length, every OP_CODESEPARATOR left out. If its last push breaks off,
/// the length counts all of it, but what it pushes is not hashed: the reference writes what its
/// parser has passed. (Such a script fails in any case; this may decide by which error.)
void write_without_separators(HashWriter& writer, ByteView code) {
    size_t separators = 0;
    ScriptReader counter(code);
    while (const std::optional<Instruction> instruction = counter.next())
        separators += instruction->opcode == OP_CODESEPARATOR ? 1 : 0;
    writer.compact_size(code.size() - separators);
    size_t from = 0;
    for (ScriptReader reader(code); separators > 0;) {
        if (reader.next()->opcode != OP_CODESEPARATOR) continue;
        writer.raw(code.subspan(from, reader.position() - 1 - from));
        from = reader.position();
        --separators;
    }
    writer.raw(code.subspan(from, counter.position() - from));
}

void write_legacy_inputs(
    HashWriter& writer, const Transaction& tx, size_t input, ByteView script_code, uint32_t type) {
    const size_t first = any_can_pay(type) ? input : 0;
    const size_t end = any_can_pay(type) ? input + 1 : tx.inputs.size();
    writer.compact_size(end - first);
    for (size_t i = first; i < end; ++i) {
        const TxIn& in = tx.inputs[i];
        writer(in.prevout);
        write_without_separators(writer, i == input ? script_code : ByteView());
        const bool free = i != input && (is_single(type) || is_none(type));
        writer(free ? 0 : in.sequence);
    }
}

void write_legacy_outputs(HashWriter& writer, const Transaction& tx, size_t input, uint32_t type) {
    if (is_none(type)) return writer.compact_size(0);
    if (!is_single(type)) return void(writer(tx.outputs));
    // The outputs before the signed one are there, but blank: value -1, no script.
    writer.compact_size(input + 1);
    for (size_t i = 0; i < input; ++i) writer(TxOut{.value = -1});
    writer(tx.outputs[input]);
}

} // namespace

SighashMidstates::SighashMidstates(const Transaction& tx, std::vector<TxOut> spent_outputs)
    : spent(std::move(spent_outputs)) {
    assert(spent.empty() || spent.size() == tx.inputs.size());
    for_witness_v0 = spent.empty() || std::ranges::any_of(spent, may_be_witness_v0);
    for_taproot = std::ranges::any_of(spent, is_taproot_output);
    if (!for_witness_v0 && !for_taproot) return;
    prevouts_single = hash_each(tx.inputs, &TxIn::prevout);
    sequences_single = hash_each(tx.inputs, &TxIn::sequence);
    outputs_single = hash_each(tx.outputs);
    if (for_witness_v0) {
        prevouts_double = sha256_of_hash(prevouts_single);
        sequences_double = sha256_of_hash(sequences_single);
        outputs_double = sha256_of_hash(outputs_single);
    }
    if (for_taproot) {
        amounts_single = hash_each(spent, &TxOut::value);
        scripts_single = hash_each(spent, &TxOut::script_pubkey);
    }
}

/// All but the type.
static HashWriter
begin_legacy(const Transaction& tx, size_t input, ByteView script_code, uint32_t type) {
    HashWriter writer;
    writer(tx.version);
    write_legacy_inputs(writer, tx, input, script_code, type);
    write_legacy_outputs(writer, tx, input, type);
    writer(tx.lock_time);
    return writer;
}

Hash256 legacy_sighash(const Transaction& tx, size_t input, ByteView script_code, uint32_t type) {
    assert(input < tx.inputs.size());
    if (is_single(type) && input >= tx.outputs.size()) {
        // Signing an output that isn't there signs the number 1, for ever.
        return {{1}};
    }
    return begin_legacy(tx, input, script_code, type)(type).double_hash();
}

struct LegacySighashes::Begun {
    Script code;
    HashWriter writer;
};

LegacySighashes::LegacySighashes(const Transaction& tx, size_t input) : tx_(tx), input_(input) {}

LegacySighashes::~LegacySighashes() = default;

Hash256 LegacySighashes::hash(ByteView script_code, uint32_t type) {
    const size_t base = is_none(type) ? 1 : is_single(type) ? 2 : 0;
    Kind& kind = kinds_.at(base + (any_can_pay(type) ? 3 : 0));
    const bool no_output = is_single(type) && input_ >= tx_.outputs.size();
    if (no_output || !std::exchange(kind.asked, true))
        return legacy_sighash(tx_, input_, script_code, type);
    if (!kind.last || !std::ranges::equal(kind.last->code, script_code))
        kind.last = std::make_unique<const Begun>(
            Begun{Script(script_code), begin_legacy(tx_, input_, script_code, type)});
    HashWriter writer = kind.last->writer;
    return writer(type).double_hash();
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
    const bool sequences = !any_can_pay(type) && all_outputs;
    const Hash256 zeros;
    Hash256 outputs;
    if (all_outputs)
        outputs = midstates.outputs_double;
    else if (is_single(type) && input < tx.outputs.size())
        outputs = HashWriter()(tx.outputs[input]).double_hash();
    const TxIn& in = tx.inputs[input];
    HashWriter writer;
    writer(tx.version);
    writer(any_can_pay(type) ? zeros : midstates.prevouts_double);
    writer(sequences ? midstates.sequences_double : zeros);
    writer(in.prevout).sized(script_code);
    return writer(amount, in.sequence, outputs, tx.lock_time, type).double_hash();
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
    writer(EPOCH, type, tx.version, tx.lock_time);
    if (!any_can_pay(type)) {
        writer(midstates.prevouts_single, midstates.amounts_single);
        writer(midstates.scripts_single, midstates.sequences_single);
    }
    if (base == SIGHASH_ALL) writer(midstates.outputs_single);

    const bool tapscript = version == SigVersion::Tapscript;
    writer(static_cast<uint8_t>((tapscript ? 2 : 0) + (context.annex_hash ? 1 : 0)));
    const TxIn& in = tx.inputs[input];
    if (any_can_pay(type))
        writer(in.prevout, midstates.spent[input], in.sequence);
    else
        writer(static_cast<uint32_t>(input));
    if (context.annex_hash) writer(*context.annex_hash);
    if (base == SIGHASH_SINGLE) writer(HashWriter()(tx.outputs[input]).single_hash());
    if (tapscript) writer(context.leaf_hash, KEY_VERSION, context.codeseparator_position);
    return writer.single_hash();
}

} // namespace cairn::consensus
