// SPDX-License-Identifier: MIT
// Signature hashes a second time, as slowly and as close to the words of the first client, of
// BIP-0143 and of BIP-0341 as can be: what ours are compared with.
#pragma once

#include "consensus/sighash.h"

namespace cairn::tests {

using namespace cairn::consensus; // NOLINT(google-build-using-namespace): all of it is under test

/// What is signed, all in one place.
struct SighashRequest {
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

inline Bytes joined(std::initializer_list<Bytes> parts) {
    Bytes all;
    for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
    return all;
}

/// The script code as the first client left OP_CODESEPARATOR out of it: its length counts the bytes
/// of all else, but of a last push that breaks off only the opcode and a whole length are there.
inline Bytes naive_script_code(ByteView code) {
    Bytes kept;
    size_t separators = 0;
    for (size_t at = 0; at < code.size();) {
        const uint8_t opcode = code[at];
        const size_t length_bytes = opcode == 0x4c   ? 1
                                    : opcode == 0x4d ? 2
                                    : opcode == 0x4e ? 4
                                                     : 0;
        size_t end = at + 1;
        size_t pushed = opcode < 0x4c ? opcode : 0;
        const bool has_length = code.size() - end >= length_bytes;
        for (size_t i = 0; has_length && i < length_bytes; ++i)
            pushed += size_t{code[end++]} << (8 * i);
        const bool whole = has_length && code.size() - end >= pushed;
        if (whole) end += pushed;
        if (opcode == 0xab)
            ++separators;
        else
            for (; at < end; ++at) kept.push_back(code[at]);
        if (!whole) break;
        at = end;
    }
    Bytes length;
    Writer(length).compact_size(code.size() - separators);
    return joined({length, kept});
}

/// The transaction is written as if its scripts were blank but for one, and whatever is not signed.
inline Hash256 naive_legacy(const SighashRequest& r) {
    const uint32_t base = r.type & 0x1f;
    const bool any = (r.type & SIGHASH_ANYONECANPAY) != 0;
    const bool some_outputs = base == SIGHASH_NONE || base == SIGHASH_SINGLE;
    if (base == SIGHASH_SINGLE && r.input >= r.tx.outputs.size()) {
        Hash256 one;
        one.bytes[0] = 1;
        return one;
    }
    Bytes inputs;
    Writer(inputs).compact_size(any ? 1 : r.tx.inputs.size());
    for (size_t i = 0; i < r.tx.inputs.size(); ++i) {
        const TxIn& in = r.tx.inputs[i];
        const uint32_t sequence = i != r.input && some_outputs ? 0 : in.sequence;
        const Bytes code = naive_script_code(i == r.input ? ByteView(r.code) : ByteView());
        if (i == r.input || !any)
            inputs = joined({inputs, bytes_of(in.prevout), code, bytes_of(sequence)});
    }
    std::vector<TxOut> outputs = r.tx.outputs;
    if (base == SIGHASH_NONE) outputs.clear();
    if (base == SIGHASH_SINGLE) {
        outputs.resize(r.input + 1);
        for (size_t i = 0; i < r.input; ++i) outputs[i] = {.value = -1};
    }
    return sha256d(
        joined({bytes_of(r.tx.version), inputs, bytes_of(outputs, r.tx.lock_time, r.type)}));
}

/// BIP-0143, item by item.
inline Hash256 naive_witness(const SighashRequest& r) {
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

/// BIP-0341's SigMsg after the byte of its epoch, in its order, and BIP-0342's extension.
inline std::optional<Bytes> naive_taproot_message(const SighashRequest& r) {
    const auto type = static_cast<uint8_t>(r.type);
    const int base = type & 3;
    const bool any = (type & 0x80) != 0;
    const bool known = type <= 3 || (type >= 0x81 && type <= 0x83);
    if (!known || (base == 3 && r.input >= r.tx.outputs.size())) return std::nullopt;
    const TxIn& in = r.tx.inputs[r.input];
    Bytes message = bytes_of(uint8_t{0}, type, r.tx.version, r.tx.lock_time);
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
    return message;
}

inline std::optional<Hash256> naive_taproot(const SighashRequest& r) {
    const std::optional<Bytes> message = naive_taproot_message(r);
    if (!message) return std::nullopt;
    const Hash256 tag = sha256(as_bytes("TapSighash"));
    return sha256(joined({bytes_of(tag, tag), *message}));
}

} // namespace cairn::tests
