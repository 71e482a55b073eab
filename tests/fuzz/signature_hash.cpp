// SPDX-License-Identifier: MIT
// Signature hashes against a second implementation, written as slowly and as close to the words of
// the first client, of BIP-0143 and of BIP-0341 as can be.
#include "consensus/sighash.h"
#include "consensus/standard.h"

#include <cstdlib>

using namespace cairn::consensus;

namespace {

/// What is signed, all in one place.
struct Request {
    Transaction tx;
    std::vector<TxOut> spent;
    uint32_t input = 0;
    uint32_t type = 0;
    Script code;
    bool tapscript = false;
    TapscriptContext context;
};

template <class... T>
Bytes bytes_of(const T&... values) {
    Bytes bytes;
    Writer writer(bytes);
    writer(values...);
    return bytes;
}

Bytes joined(std::initializer_list<Bytes> parts) {
    Bytes all;
    for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
    return all;
}

/// A copy of the transaction is changed until it says what is signed, and written.
Hash256 naive_legacy(const Request& r) {
    const uint32_t base = r.type & 0x1f;
    if (base == SIGHASH_SINGLE && r.input >= r.tx.outputs.size()) {
        Hash256 one;
        one.bytes[0] = 1;
        return one;
    }
    Transaction tx = r.tx;
    for (TxIn& in : tx.inputs) in.script_sig.clear();
    Script& code = tx.inputs[r.input].script_sig;
    ScriptReader reader(r.code);
    for (size_t at = 0; !reader.at_end(); at = reader.position()) {
        const std::optional<Instruction> step = reader.next();
        const size_t end = step ? reader.position() : r.code.size();
        if (!step || step->opcode != OP_CODESEPARATOR)
            code.append(ByteView(r.code).subspan(at, end - at));
        if (!step) break;
    }
    if (base == SIGHASH_NONE) tx.outputs.clear();
    if (base == SIGHASH_SINGLE) {
        tx.outputs.resize(r.input + 1);
        for (size_t i = 0; i < r.input; ++i) tx.outputs[i] = {.value = -1};
    }
    if (base == SIGHASH_NONE || base == SIGHASH_SINGLE)
        for (size_t i = 0; i < tx.inputs.size(); ++i)
            if (i != r.input) tx.inputs[i].sequence = 0;
    if ((r.type & SIGHASH_ANYONECANPAY) != 0) {
        const TxIn only = tx.inputs[r.input];
        tx.inputs = {only};
    }
    return sha256d(bytes_of(tx.version, tx.inputs, tx.outputs, tx.lock_time, r.type));
}

/// BIP-0143, item by item.
Hash256 naive_witness(const Request& r) {
    const uint32_t base = r.type & 0x1f;
    const bool any = (r.type & SIGHASH_ANYONECANPAY) != 0;
    const bool all = base != SIGHASH_SINGLE && base != SIGHASH_NONE;
    const TxIn& in = r.tx.inputs[r.input];
    Bytes prevouts;
    Bytes sequences;
    Bytes outputs;
    for (const TxIn& each : r.tx.inputs) {
        prevouts = joined({prevouts, bytes_of(each.prevout)});
        sequences = joined({sequences, bytes_of(each.sequence)});
    }
    for (const TxOut& each : r.tx.outputs) outputs = joined({outputs, bytes_of(each)});
    Hash256 hash_prevouts;
    Hash256 hash_sequence;
    Hash256 hash_outputs;
    if (!any) hash_prevouts = sha256d(prevouts);
    if (!any && all) hash_sequence = sha256d(sequences);
    if (all) hash_outputs = sha256d(outputs);
    if (base == SIGHASH_SINGLE && r.input < r.tx.outputs.size())
        hash_outputs = sha256d(bytes_of(r.tx.outputs[r.input]));
    return sha256d(bytes_of(
        r.tx.version, hash_prevouts, hash_sequence, in.prevout, r.code, r.spent[r.input].value,
        in.sequence, hash_outputs, r.tx.lock_time, r.type));
}

/// BIP-0341's SigMsg, in its order, and BIP-0342's extension.
std::optional<Hash256> naive_taproot(const Request& r) {
    const auto type = static_cast<uint8_t>(r.type);
    const int base = type & 3;
    const bool any = (type & 0x80) != 0;
    const bool known = type <= 3 || (type >= 0x81 && type <= 0x83);
    if (!known || (base == 3 && r.input >= r.tx.outputs.size())) return std::nullopt;
    const TxIn& in = r.tx.inputs[r.input];
    Bytes message = bytes_of(type, r.tx.version, r.tx.lock_time);
    if (!any) {
        Bytes prevouts;
        Bytes amounts;
        Bytes scripts;
        Bytes sequences;
        for (size_t i = 0; i < r.tx.inputs.size(); ++i) {
            prevouts = joined({prevouts, bytes_of(r.tx.inputs[i].prevout)});
            amounts = joined({amounts, bytes_of(r.spent[i].value)});
            scripts = joined({scripts, bytes_of(r.spent[i].script_pubkey)});
            sequences = joined({sequences, bytes_of(r.tx.inputs[i].sequence)});
        }
        message = joined(
            {message, bytes_of(sha256(prevouts)), bytes_of(sha256(amounts)),
             bytes_of(sha256(scripts)), bytes_of(sha256(sequences))});
    }
    if (base != 2 && base != 3) {
        Bytes outputs;
        for (const TxOut& each : r.tx.outputs) outputs = joined({outputs, bytes_of(each)});
        message = joined({message, bytes_of(sha256(outputs))});
    }
    const bool annex = r.context.annex_hash.has_value();
    message.push_back(static_cast<uint8_t>((r.tapscript ? 1 : 0) * 2 + (annex ? 1 : 0)));
    message = joined(
        {message, any ? bytes_of(in.prevout, r.spent[r.input], in.sequence) : bytes_of(r.input)});
    if (annex) message = joined({message, bytes_of(*r.context.annex_hash)});
    if (base == 3) message = joined({message, bytes_of(sha256(bytes_of(r.tx.outputs[r.input])))});
    if (r.tapscript)
        message = joined(
            {message, bytes_of(r.context.leaf_hash, uint8_t{0}, r.context.codeseparator_position)});
    const Hash256 tag = sha256(as_bytes("TapSighash"));
    return sha256(joined({bytes_of(tag, tag), {0}, message}));
}

std::optional<Request> read_request(Reader& reader) {
    Request r;
    uint8_t options = 0;
    Hash256 annex_hash;
    reader(r.input, r.type, r.context.codeseparator_position, options, r.context.leaf_hash);
    reader(annex_hash, r.code, r.tx);
    if (reader.failed() || r.tx.inputs.empty()) return std::nullopt;
    for (size_t i = 0; i < r.tx.inputs.size(); ++i) reader(r.spent.emplace_back());
    r.input %= static_cast<uint32_t>(r.tx.inputs.size());
    r.tapscript = (options & 1) != 0;
    if ((options & 2) != 0) r.context.annex_hash = annex_hash;
    return r;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    Reader reader({data, size});
    std::optional<Request> read = read_request(reader);
    if (!read) return 0;
    Request& r = *read;
    if (legacy_sighash(r.tx, r.input, r.code, r.type) != naive_legacy(r)) std::abort();

    // The midstates are made for what the spent outputs may ask.
    Script& spent_script = r.spent[r.input].script_pubkey;
    spent_script = pay_to_witness(0, r.context.leaf_hash.bytes);
    const SighashMidstates v0(r.tx, r.spent);
    if (witness_sighash(r.tx, r.input, r.code, r.spent[r.input].value, r.type, v0) !=
        naive_witness(r))
        std::abort();

    spent_script = pay_to_witness(1, r.context.leaf_hash.bytes);
    const SighashMidstates v1(r.tx, r.spent);
    const auto version = r.tapscript ? SigVersion::Tapscript : SigVersion::Taproot;
    const auto type = static_cast<uint8_t>(r.type);
    if (taproot_sighash(r.tx, r.input, type, version, v1, r.context) != naive_taproot(r))
        std::abort();
    return 0;
}
