// SPDX-License-Identifier: MIT
#include "wallet/keys/psbt.h"

#include "consensus/interpreter.h"
#include "consensus/signature.h"
#include "consensus/taproot.h"

#include <algorithm>
#include <array>
#include <span>

namespace cairn::wallet::keys {

using namespace consensus;

namespace {

constexpr std::array<uint8_t, 5> MAGIC{'p', 's', 'b', 't', 0xff};

// The forms of keys (without their type) and of values ///////////////////////////////////////

bool is_point(ByteView bytes) {
    return (is_compressed_pubkey(bytes) || is_uncompressed_pubkey(bytes)) &&
           uncompressed_pubkey(bytes);
}

bool anything(ByteView) {
    return true;
}

bool nothing(ByteView bytes) {
    return bytes.empty();
}

template <size_t SIZE>
bool sized(ByteView bytes) {
    return bytes.size() == SIZE;
}

bool extended_key(ByteView bytes) {
    return bytes.size() == 78;
}

/// A fingerprint and child numbers.
bool key_path(ByteView bytes) {
    return bytes.size() >= 4 && bytes.size() % 4 == 0;
}

/// Leaf hashes before a key's path.
bool leaves_and_path(ByteView bytes) {
    Reader reader(bytes);
    (void)reader.read<std::vector<Hash256>>();
    return !reader.failed() && key_path(reader.raw(reader.remaining()));
}

template <class T>
bool encoded(ByteView bytes) {
    return decode<T>(bytes).has_value();
}

bool ecdsa_signature(ByteView bytes) {
    return is_strict_der(bytes) && is_defined_hash_type(bytes.back());
}

bool schnorr_signature(ByteView bytes) {
    return bytes.size() == 64 || bytes.size() == 65;
}

bool control_block(ByteView bytes) {
    return is_control_block_size(bytes.size());
}

bool not_empty(ByteView bytes) {
    return !bytes.empty();
}

/// Compressed public keys, one or more in a row.
bool points(ByteView bytes) {
    if (bytes.size() % 33 != 0) return false;
    for (size_t at = 0; at < bytes.size(); at += 33)
        if (!is_point(bytes.subspan(at, 33))) return false;
    return true;
}

bool point_of_33(ByteView bytes) {
    return bytes.size() == 33 && points(bytes);
}

/// A signer's key, the key of all, and perhaps a leaf hash.
bool musig_key(ByteView bytes) {
    return (bytes.size() == 66 || bytes.size() == 98) && points(bytes.first(66));
}

/// Leaves in the order of a walk through the tree: each its depth, its version, its script.
bool tap_tree(ByteView bytes) {
    std::vector<uint8_t> open; ///< Depths of subtrees that wait for what is beside them.
    Reader reader(bytes);
    while (!reader.failed() && reader.remaining() > 0) {
        auto depth = reader.read<uint8_t>();
        const auto version = reader.read<uint8_t>();
        (void)reader.sized();
        if (depth > CONTROL_MAX_NODES || (version & ~TAPROOT_LEAF_MASK) != 0) return false;
        for (; !open.empty() && open.back() == depth && depth > 0; --depth) open.pop_back();
        open.push_back(depth);
    }
    return reader.at_end() && open == std::vector<uint8_t>{0};
}

bool proprietary(ByteView bytes) {
    Reader reader(bytes);
    (void)reader.sized();
    (void)reader.compact_size();
    return !reader.failed();
}

/// What a key of one type must look like, and its value.
struct Rule {
    uint8_t type;
    std::string_view name;
    bool (*key)(ByteView);
    bool (*value)(ByteView);
};

template <class Type>
constexpr Rule
rule(Type type, std::string_view name, bool (*key)(ByteView), bool (*value)(ByteView)) {
    return {static_cast<uint8_t>(type), name, key, value};
}

const std::array GLOBAL_RULES{
    rule(PsbtGlobal::Xpub, "Global XPUB", extended_key, key_path),
    rule(PsbtGlobal::Version, "Global version", nothing, sized<4>),
    rule(PsbtGlobal::Proprietary, "Global proprietary", proprietary, anything)};

const std::array INPUT_RULES{
    rule(PsbtIn::NonWitnessUtxo, "Input non-witness UTXO", nothing, encoded<SealedTransaction>),
    rule(PsbtIn::WitnessUtxo, "Input witness UTXO", nothing, encoded<TxOut>),
    rule(PsbtIn::PartialSig, "Input partial signature", is_point, ecdsa_signature),
    rule(PsbtIn::SighashType, "Input sighash type", nothing, sized<4>),
    rule(PsbtIn::RedeemScript, "Input redeemScript", nothing, anything),
    rule(PsbtIn::WitnessScript, "Input witnessScript", nothing, anything),
    rule(PsbtIn::Bip32Derivation, "Input BIP32 keypath", is_point, key_path),
    rule(PsbtIn::FinalScriptSig, "Input final scriptSig", nothing, anything),
    rule(PsbtIn::FinalScriptWitness, "Input final scriptWitness", nothing, encoded<Witness>),
    rule(PsbtIn::Ripemd160, "Input RIPEMD160 preimage", sized<20>, anything),
    rule(PsbtIn::Sha256, "Input SHA256 preimage", sized<32>, anything),
    rule(PsbtIn::Hash160, "Input HASH160 preimage", sized<20>, anything),
    rule(PsbtIn::Hash256, "Input HASH256 preimage", sized<32>, anything),
    rule(PsbtIn::TapKeySig, "Input Taproot key signature", nothing, schnorr_signature),
    rule(PsbtIn::TapScriptSig, "Input Taproot script signature", sized<64>, schnorr_signature),
    rule(PsbtIn::TapLeafScript, "Input Taproot leaf script", control_block, not_empty),
    rule(PsbtIn::TapBip32Derivation, "Input Taproot BIP32 keypath", sized<32>, leaves_and_path),
    rule(PsbtIn::TapInternalKey, "Input Taproot internal key", nothing, sized<32>),
    rule(PsbtIn::TapMerkleRoot, "Input Taproot merkle root", nothing, sized<32>),
    rule(PsbtIn::MusigParticipants, "Input MuSig2 participants", point_of_33, points),
    rule(PsbtIn::MusigNonce, "Input MuSig2 nonce", musig_key, sized<66>),
    rule(PsbtIn::MusigPartialSig, "Input MuSig2 partial signature", musig_key, sized<32>),
    rule(PsbtIn::Proprietary, "Input proprietary", proprietary, anything)};

const std::array OUTPUT_RULES{
    rule(PsbtOut::RedeemScript, "Output redeemScript", nothing, anything),
    rule(PsbtOut::WitnessScript, "Output witnessScript", nothing, anything),
    rule(PsbtOut::Bip32Derivation, "Output BIP32 keypath", is_point, key_path),
    rule(PsbtOut::TapInternalKey, "Output Taproot internal key", nothing, sized<32>),
    rule(PsbtOut::TapTree, "Output Taproot tree", nothing, tap_tree),
    rule(PsbtOut::TapBip32Derivation, "Output Taproot BIP32 keypath", sized<32>, leaves_and_path),
    rule(PsbtOut::MusigParticipants, "Output MuSig2 participants", point_of_33, points),
    rule(PsbtOut::Proprietary, "Output proprietary", proprietary, anything)};

// Reading ////////////////////////////////////////////////////////////////////////////////////

/// Why bytes are no PSBT.
struct Malformed {
    std::string why;
};

/// Take a map off `reader`. Throws Malformed.
PsbtMap read_map(Reader& reader) {
    PsbtMap map;
    for (;;) {
        const ByteView key = reader.sized();
        if (reader.failed()) throw Malformed{"PSBT map is not terminated"};
        if (key.empty()) return map;
        const ByteView value = reader.sized();
        if (reader.failed()) throw Malformed{"Size of value was not the stated size"};
        const bool is_new =
            map.emplace(Bytes(key.begin(), key.end()), Bytes(value.begin(), value.end())).second;
        if (!is_new) throw Malformed{"Duplicate Key, " + to_hex(key) + " already provided"};
    }
}

/// Types of BIP-0370, which version 0 must not have.
struct Forbidden {
    uint8_t first;
    uint8_t last;
};

constexpr Forbidden GLOBAL_FORBIDDEN{2, 6};
constexpr Forbidden INPUT_FORBIDDEN{0x0e, 0x12};
constexpr Forbidden OUTPUT_FORBIDDEN{3, 4};

void check(const PsbtMap& map, std::span<const Rule> rules, Forbidden forbidden) {
    for (const auto& [key, value] : map) {
        if (key[0] >= forbidden.first && key[0] <= forbidden.last)
            throw Malformed{"Type " + std::to_string(key[0]) + " is not allowed in PSBTv0"};
        const auto found = std::ranges::find(rules, key[0], &Rule::type);
        if (found == rules.end()) continue; // unknown: passed on
        if (!found->key(ByteView(key).subspan(1)))
            throw Malformed{std::string(found->name) + " key is invalid"};
        if (!found->value(value)) throw Malformed{std::string(found->name) + " is invalid"};
    }
}

Transaction take_transaction(PsbtMap& global) {
    const auto found = global.find({static_cast<uint8_t>(PsbtGlobal::UnsignedTx)});
    if (found == global.end()) throw Malformed{"No unsigned transaction was provided"};
    Transaction tx;
    Reader reader(found->second);
    tx.read_without_witness(reader);
    if (!reader.at_end()) throw Malformed{"Unsigned tx is invalid"};
    if (std::ranges::any_of(tx.inputs, [](auto& in) { return !in.script_sig.empty(); }))
        throw Malformed{"Unsigned tx does not have empty scriptSigs and scriptWitnesses."};
    global.erase(found);
    return tx;
}

/// What input `i` says of the transaction that it spends from must be of that one.
void check_spent(const Psbt& psbt, size_t i) {
    const Bytes* whole = value_of(psbt.inputs[i], PsbtIn::NonWitnessUtxo);
    if (whole == nullptr) return;
    const auto spent = decode<SealedTransaction>(*whole);
    const OutPoint& point = psbt.tx.inputs[i].prevout;
    if (spent->txid != point.txid) throw Malformed{"Non-witness UTXO does not match outpoint hash"};
    if (point.index >= spent->outputs.size())
        throw Malformed{"Input specifies output index that does not exist"};
}

Psbt read_all(ByteView bytes) {
    Reader reader(bytes);
    if (reader.read<std::array<uint8_t, MAGIC.size()>>() != MAGIC)
        throw Malformed{"Invalid PSBT magic bytes"};
    PsbtMap global = read_map(reader);
    if (const Bytes* version = value_of(global, PsbtGlobal::Version);
        version && *version != Bytes(4))
        throw Malformed{"Unsupported version number"};
    Psbt psbt(take_transaction(global));
    check(global, GLOBAL_RULES, GLOBAL_FORBIDDEN);
    psbt.global = std::move(global);
    for (size_t i = 0; i < psbt.inputs.size(); ++i) {
        if (reader.remaining() == 0)
            throw Malformed{"Inputs provided does not match the number of inputs in transaction."};
        psbt.inputs[i] = read_map(reader);
        check(psbt.inputs[i], INPUT_RULES, INPUT_FORBIDDEN);
        check_spent(psbt, i);
    }
    for (PsbtMap& output : psbt.outputs) {
        if (reader.remaining() == 0)
            throw Malformed{
                "Outputs provided does not match the number of outputs in transaction."};
        output = read_map(reader);
        check(output, OUTPUT_RULES, OUTPUT_FORBIDDEN);
    }
    if (!reader.at_end()) throw Malformed{"extra data after PSBT"};
    return psbt;
}

void write_map(Writer& writer, const PsbtMap& map) {
    for (const auto& [key, value] : map) writer(key, value);
    writer(uint8_t{0});
}

/// With its signatures in the order of their keys' hashes, as Core writes them: tools compare.
void write_input(Writer& writer, const PsbtMap& map) {
    std::map<Hash160, std::pair<ByteView, ByteView>> signatures;
    const auto is_signature = [](const auto& entry) {
        return entry.first[0] == static_cast<uint8_t>(PsbtIn::PartialSig);
    };
    for (const auto& entry : map)
        if (is_signature(entry))
            signatures[hash160(ByteView(entry.first).subspan(1))] = {entry.first, entry.second};
    const auto write_signatures = [&] {
        for (const auto& [hash, entry] : signatures) {
            writer.sized(entry.first);
            writer.sized(entry.second);
        }
        signatures.clear();
    };
    for (const auto& entry : map) {
        if (is_signature(entry))
            write_signatures(); // all, where the first stands
        else
            writer(entry.first, entry.second);
    }
    writer(uint8_t{0});
}

Known known_of(const PsbtMap& map) {
    Known known;
    const auto copy = [](ByteView bytes) { return Bytes(bytes.begin(), bytes.end()); };
    const auto add_signature = [&](ByteView key, const Bytes& value) {
        known.signatures[copy(key)] = value;
    };
    for (const PsbtIn script : {PsbtIn::RedeemScript, PsbtIn::WitnessScript})
        if (const Bytes* bytes = value_of(map, script)) known.add_script(*bytes);
    for (const PsbtIn keys : {PsbtIn::PartialSig, PsbtIn::Bip32Derivation})
        for_each(map, keys, [&](ByteView key, const Bytes&) { known.add_point(key); });
    for_each(map, PsbtIn::PartialSig, add_signature);
    for_each(map, PsbtIn::TapScriptSig, add_signature);
    for_each(map, PsbtIn::TapLeafScript, [&](ByteView key, const Bytes& value) {
        Bytes script(value.begin(), value.end() - 1);
        known.leaves.push_back({copy(key), std::move(script)});
    });
    if (const Bytes* bytes = value_of(map, PsbtIn::TapKeySig)) known.key_path_signature = *bytes;
    return known;
}

/// Whether the signatures of an input sign what it says that they shall.
bool keeps_hash_type(const PsbtMap& map) {
    const Bytes* field = value_of(map, PsbtIn::SighashType);
    if (field == nullptr) return true;
    const auto asked = decode<uint32_t>(*field).value();
    bool same = true;
    for_each(map, PsbtIn::PartialSig, [&](ByteView, const Bytes& signature) {
        same = same && signature.back() == asked;
    });
    for (const PsbtIn type : {PsbtIn::TapKeySig, PsbtIn::TapScriptSig})
        for_each(map, type, [&](ByteView, const Bytes& signature) {
            const uint8_t signed_type = signature.size() == 64 ? 0 : signature.back(); // DEFAULT
            same = same && signed_type == asked;
        });
    return same;
}

/// Put into `input` what its map has as final.
void fill_in(const PsbtMap& map, TxIn& input) {
    if (const Bytes* script = value_of(map, PsbtIn::FinalScriptSig))
        input.script_sig.assign(*script);
    if (const Bytes* witness = value_of(map, PsbtIn::FinalScriptWitness))
        input.witness = *decode<Witness>(*witness);
}

bool has_rule(std::span<const Rule> rules, auto type) {
    return std::ranges::find(rules, static_cast<uint8_t>(type), &Rule::type) != rules.end();
}

} // namespace

bool is_known(PsbtGlobal type) {
    return has_rule(GLOBAL_RULES, type);
}

bool is_known(PsbtIn type) {
    return has_rule(INPUT_RULES, type);
}

bool is_known(PsbtOut type) {
    return has_rule(OUTPUT_RULES, type);
}

Psbt::Psbt(Transaction unsigned_tx)
    : tx(std::move(unsigned_tx)),
      inputs(tx.inputs.size()),
      outputs(tx.outputs.size()) {}

std::optional<TxOut> Psbt::spent(size_t i) const {
    if (const Bytes* whole = value_of(inputs[i], PsbtIn::NonWitnessUtxo))
        return decode<SealedTransaction>(*whole)->outputs[tx.inputs[i].prevout.index];
    if (const Bytes* output = value_of(inputs[i], PsbtIn::WitnessUtxo))
        return *decode<TxOut>(*output);
    return std::nullopt;
}

bool Psbt::is_final(size_t i) const {
    return value_of(inputs[i], PsbtIn::FinalScriptSig) != nullptr ||
           value_of(inputs[i], PsbtIn::FinalScriptWitness) != nullptr;
}

std::optional<Psbt> read_psbt(ByteView bytes, std::string& why) {
    try {
        return read_all(bytes);
    } catch (Malformed& malformed) {
        why = std::move(malformed.why);
        return std::nullopt;
    }
}

Bytes encode_psbt(const Psbt& psbt) {
    Bytes bytes(MAGIC.begin(), MAGIC.end());
    Bytes tx;
    Writer tx_writer(tx);
    psbt.tx.write_without_witness(tx_writer);
    Writer writer(bytes);
    writer(Bytes{static_cast<uint8_t>(PsbtGlobal::UnsignedTx)}, tx);
    write_map(writer, psbt.global);
    for (const PsbtMap& input : psbt.inputs) write_input(writer, input);
    for (const PsbtMap& output : psbt.outputs) write_map(writer, output);
    return bytes;
}

void combine(Psbt& psbt, const Psbt& other) {
    const auto add = [](PsbtMap& map, const PsbtMap& more) {
        map.insert(more.begin(), more.end());
    };
    add(psbt.global, other.global);
    for (size_t i = 0; i < psbt.inputs.size(); ++i) add(psbt.inputs[i], other.inputs[i]);
    for (size_t i = 0; i < psbt.outputs.size(); ++i) add(psbt.outputs[i], other.outputs[i]);
}

SighashMidstates midstates_of(const Psbt& psbt) {
    std::vector<TxOut> all;
    for (size_t i = 0; i < psbt.inputs.size(); ++i)
        if (std::optional<TxOut> spent = psbt.spent(i)) all.push_back(std::move(*spent));
    if (all.size() != psbt.inputs.size()) all.clear();
    return {psbt.tx, std::move(all)};
}

Solution solve(
    const Psbt& psbt,
    size_t i,
    const TxOut& spent,
    const SighashMidstates& midstates,
    bool imagine) {
    return solve(psbt.tx, i, spent, midstates, known_of(psbt.inputs[i]), {.imagine = imagine});
}

bool finalize(Psbt& psbt, size_t i, const SighashMidstates& midstates) {
    const std::optional<TxOut> spent = psbt.spent(i);
    if (!spent) return false;
    const auto valid = [&](const PsbtMap& final_map) {
        const auto program = witness_program(spent->script_pubkey);
        if (program && program->version == 1 && !midstates.for_taproot) return false;
        TxIn& input = psbt.tx.inputs[i]; // for the moment: a copy for each input would be quadratic
        fill_in(final_map, input);
        const ScriptError error = verify_input(psbt.tx, i, *spent, STANDARD_FLAGS, midstates);
        input = {input.prevout, {}, input.sequence, {}};
        return error == ScriptError::Ok;
    };
    if (psbt.is_final(i)) return valid(psbt.inputs[i]);
    if (!keeps_hash_type(psbt.inputs[i])) return false;
    const Solution solution = solve(psbt, i, *spent, midstates);
    // No signature but one of a witness commits to the amount that `spent` tells.
    if (solution.witness.empty() && !value_of(psbt.inputs[i], PsbtIn::NonWitnessUtxo)) return false;
    PsbtMap map = psbt.inputs[i];
    // What is known of how to sign is of no use any more; what is unknown here may be.
    std::erase_if(map, [](const auto& entry) {
        const auto type = static_cast<PsbtIn>(entry.first[0]);
        return is_known(type) && type > PsbtIn::WitnessUtxo && type != PsbtIn::Proprietary;
    });
    const Script& script = solution.script_sig;
    if (!script.empty())
        set_value(map, PsbtIn::FinalScriptSig, Bytes(script.begin(), script.end()));
    if (!solution.witness.empty()) {
        set_value(map, PsbtIn::FinalScriptWitness, encode(solution.witness));
        set_value(map, PsbtIn::WitnessUtxo, encode(*spent));
    }
    if (!valid(map)) return false;
    psbt.inputs[i] = std::move(map);
    return true;
}

Transaction extract(const Psbt& psbt) {
    Transaction tx = psbt.tx;
    for (size_t i = 0; i < tx.inputs.size(); ++i) fill_in(psbt.inputs[i], tx.inputs[i]);
    return tx;
}

} // namespace cairn::wallet::keys
