// SPDX-License-Identifier: MIT
#include "rpc/describe_psbt.h"

#include "consensus/base58.h"
#include "consensus/script_text.h"
#include "consensus/standard.h"

#include <algorithm>

namespace cairn::rpc {

using namespace consensus;
using namespace server;
using wallet::keys::KeyOrigin;
using wallet::keys::Psbt;
using wallet::keys::PsbtGlobal;
using wallet::keys::PsbtIn;
using wallet::keys::PsbtMap;
using wallet::keys::PsbtOut;
using wallet::keys::value_of;

namespace {

/// A map of a PSBT, of keys with such types.
template <class Type>
struct MapView {
    const PsbtMap* map;
    const Params* params;
};

using InputMap = MapView<PsbtIn>;
using OutputMap = MapView<PsbtOut>;

/// A key without its type, and its value.
struct Entry {
    Bytes key;
    Bytes value;

    ByteView key_part(size_t from, size_t size = std::dynamic_extent) const {
        return ByteView(key).subspan(from, size);
    }
};

template <class Type>
std::vector<Entry> entries_of(const PsbtMap& map, Type type) {
    std::vector<Entry> entries;
    for_each(map, type, [&](ByteView key, const Bytes& value) {
        entries.push_back({Bytes(key.begin(), key.end()), value});
    });
    return entries;
}

/// The entries of one type, if there are any.
template <auto TYPE>
constexpr auto ENTRIES = [](const auto& view) { return unless_empty(entries_of(*view.map, TYPE)); };

/// The value of a type that is there once.
template <auto TYPE>
constexpr auto VALUE = [](const auto& view) { return value_of(*view.map, TYPE); };

using HexByHex = std::vector<std::pair<std::string, Bytes>>;

/// The values of one type by their keys.
template <auto TYPE>
constexpr auto VALUES_BY_KEY = [](const auto& view) {
    HexByHex all;
    for_each(*view.map, TYPE, [&](ByteView key, const Bytes& value) {
        all.emplace_back(to_hex(key), value);
    });
    return unless_empty(std::move(all));
};

template <class Type>
HexByHex unknown(const PsbtMap& map) {
    HexByHex all;
    for (const auto& [key, value] : map)
        if (!wallet::keys::is_known(static_cast<Type>(key[0])))
            all.emplace_back(to_hex(key), value);
    return all;
}

/// What some program keeps in a PSBT for itself.
struct Proprietary {
    Bytes identifier;
    uint64_t subtype = 0;
    Bytes key;
    Bytes value;
};

template <class Type>
std::vector<Proprietary> proprietary(const PsbtMap& map) {
    std::vector<Proprietary> all;
    for (const Entry& entry : entries_of(map, Type::Proprietary)) {
        Reader reader(entry.key);
        Proprietary& one = all.emplace_back();
        reader(one.identifier);
        one.subtype = reader.compact_size();
        one.key = {static_cast<uint8_t>(Type::Proprietary)};
        one.key.insert(one.key.end(), entry.key.begin(), entry.key.end());
        one.value = entry.value;
    }
    return all;
}

const Object<Proprietary> PROPRIETARY{
    {"identifier", "Of the program", &Proprietary::identifier},
    {"subtype", "A number of its own", &Proprietary::subtype},
    {"key", "The whole key", &Proprietary::key},
    {"value", "The value", &Proprietary::value}};

constexpr std::string_view UNKNOWN_TEXT = "Values of types that are not known here, by their keys";
constexpr std::string_view PROPRIETARY_TEXT = "What programs keep here for themselves";

/// The fields that inputs and outputs share.
template <class Type>
Object<MapView<Type>> unknown_fields() {
    using View = MapView<Type>;
    return {
        {"unknown", UNKNOWN_TEXT,
         [](const View& view) { return unless_empty(unknown<Type>(*view.map)); }},
        {"proprietary", PROPRIETARY_TEXT,
         [](const View& view) { return unless_empty(proprietary<Type>(*view.map)); }, PROPRIETARY}};
}

KeyOrigin origin_of(ByteView bytes) {
    KeyOrigin origin;
    Reader reader(bytes);
    reader(origin.master);
    while (reader.remaining() > 0) origin.path.push_back(reader.read<uint32_t>());
    return origin;
}

std::string path_text(ByteView bytes) {
    const wallet::keys::KeyPath path = origin_of(bytes).path;
    return path.empty() ? "m" : "m/" + wallet::keys::to_text(path);
}

/// What comes after the leaf hashes in the value of a taproot derivation.
ByteView after_leaves(const Entry& entry, std::vector<Hash256>* leaves = nullptr) {
    Reader reader(entry.value);
    auto hashes = reader.read<std::vector<Hash256>>();
    if (leaves != nullptr) *leaves = std::move(hashes);
    return reader.raw(reader.remaining());
}

constexpr std::string_view POINT_TEXT = "The public key";
constexpr std::string_view MASTER_TEXT = "Fingerprint of the master key it comes from";
constexpr std::string_view PATH_TEXT = "The path from there";

HexText fingerprint_text(ByteView bytes) {
    return {to_hex(bytes.first(4))};
}

const Object<Entry> DERIVATION{
    {"pubkey", POINT_TEXT, &Entry::key},
    {"master_fingerprint", MASTER_TEXT, [](auto& e) { return fingerprint_text(e.value); }},
    {"path", PATH_TEXT, [](auto& e) { return path_text(e.value); }}};

const Object<Entry> TAP_DERIVATION{
    {"pubkey", "The x-only public key", &Entry::key},
    {"master_fingerprint", MASTER_TEXT, [](auto& e) { return fingerprint_text(after_leaves(e)); }},
    {"path", PATH_TEXT, [](auto& e) { return path_text(after_leaves(e)); }},
    {"leaf_hashes", "Of the scripts that it is in", [](auto& e) {
         std::vector<Hash256> hashes;
         after_leaves(e, &hashes);
         std::vector<Bytes> all; // in the order of their bytes, not reversed
         all.reserve(hashes.size());
         for (const Hash256& hash : hashes) all.emplace_back(hash.bytes.begin(), hash.bytes.end());
         return all;
     }}};

const Object<Entry> MUSIG_PARTICIPANTS{
    {"aggregate_pubkey", "The key of all", &Entry::key},
    {"participant_pubkeys", "Those that it is made of", [](auto& e) {
         std::vector<Bytes> all;
         for (size_t at = 0; at < e.value.size(); at += 33)
             all.emplace_back(e.value.begin() + at, e.value.begin() + at + 33);
         return all;
     }}};

const Object<Entry> MUSIG_SIGNER{
    {"participant_pubkey", "Whose it is", [](auto& e) { return e.key_part(0, 33); }},
    {"aggregate_pubkey", "The key of all", [](auto& e) { return e.key_part(33, 33); }},
    {"leaf_hash", "Of the script that it is for, if it is for one", [](auto& e) {
         return only_if(e.key.size() > 66, e.key_part(std::min<size_t>(66, e.key.size())));
     }}};

const Object<Entry> MUSIG_NONCE{MUSIG_SIGNER, {"pubnonce", "The nonce", &Entry::value}};
const Object<Entry> MUSIG_SIGNATURE{MUSIG_SIGNER, {"partial_sig", "The signature", &Entry::value}};

struct ScriptText {
    ByteView bytes;
};

const Object<ScriptText> SCRIPT_TEXT{
    {"asm", "Its opcodes by name", [](auto& s) { return script_to_text(s.bytes); }},
    {"hex", "The script", &ScriptText::bytes},
    {"type", "Its form, multisig and the like",
     [](auto& s) { return output_type_name(match_template(s.bytes).type); }}};

template <auto TYPE>
constexpr auto SCRIPT_VALUE = [](const auto& view) -> std::optional<ScriptText> {
    const Bytes* bytes = value_of(*view.map, TYPE);
    return bytes != nullptr ? std::optional(ScriptText{*bytes}) : std::nullopt;
};

struct Spent {
    TxOut out;
    const Params* params;
};

const Object<Spent> SPENT{
    {"amount", "Its amount", [](auto& s) { return s.out.value; }},
    {"scriptPubKey", "Its script",
     [](auto& s) {
         return ScriptView{s.out.script_pubkey, s.params};
     },
     SCRIPT}};

std::optional<TransactionView> whole_spent(const InputMap& input) {
    const Bytes* bytes = value_of(*input.map, PsbtIn::NonWitnessUtxo);
    if (bytes == nullptr) return std::nullopt;
    return TransactionView{
        .tx = make_transaction(*decode<SealedTransaction>(*bytes)),
        .params = input.params,
        .hex = false};
}

std::optional<Spent> witness_spent(const InputMap& input) {
    const Bytes* bytes = value_of(*input.map, PsbtIn::WitnessUtxo);
    if (bytes == nullptr) return std::nullopt;
    return Spent{*decode<TxOut>(*bytes), input.params};
}

std::optional<std::string> hash_type_text(const InputMap& input) {
    const Bytes* bytes = value_of(*input.map, PsbtIn::SighashType);
    if (bytes == nullptr) return std::nullopt;
    const auto type = *decode<uint32_t>(*bytes);
    return type <= UINT8_MAX ? hash_type_name(static_cast<uint8_t>(type)) : "";
}

const Object<Bytes> FINAL_SCRIPT{
    {"asm", "Its opcodes by name", [](auto& script) { return script_to_text(script, true); }},
    {"hex", "The script", std::identity()}};

std::optional<std::vector<Bytes>> final_witness(const InputMap& input) {
    const Bytes* bytes = value_of(*input.map, PsbtIn::FinalScriptWitness);
    if (bytes == nullptr) return std::nullopt;
    const Witness witness = *decode<Witness>(*bytes);
    std::vector<Bytes> items;
    for (const ByteView item : witness) items.emplace_back(item.begin(), item.end());
    return items;
}

const Object<Entry> TAP_SIGNATURE{
    {"pubkey", "The x-only public key", [](auto& e) { return e.key_part(0, 32); }},
    {"leaf_hash", "Of the script that it is for", [](auto& e) { return e.key_part(32); }},
    {"sig", "The signature", &Entry::value}};

/// A script of a taproot output, with all that prove it.
struct TapScript {
    Bytes script;
    uint8_t version = 0;
    std::vector<Bytes> controls;
};

const Object<TapScript> TAP_SCRIPT{
    {"script", "The script", &TapScript::script},
    {"leaf_ver", "Version of the leaf", &TapScript::version},
    {"control_blocks", "What proves that the output commits to it", &TapScript::controls}};

std::optional<std::vector<TapScript>> tap_scripts(const InputMap& input) {
    std::map<Bytes, std::vector<Bytes>, wallet::keys::BytesLess> controls; // by script and version
    for (Entry& entry : entries_of(*input.map, PsbtIn::TapLeafScript))
        controls[entry.value].push_back(std::move(entry.key));
    std::vector<TapScript> all;
    all.reserve(controls.size());
    for (auto& [leaf, blocks] : controls)
        all.push_back({Bytes(leaf.begin(), leaf.end() - 1), leaf.back(), std::move(blocks)});
    return unless_empty(std::move(all));
}

const Object<InputMap> UNKNOWN_INPUT_FIELDS = unknown_fields<PsbtIn>();
const Object<OutputMap> UNKNOWN_OUTPUT_FIELDS = unknown_fields<PsbtOut>();

const Object<InputMap> PSBT_INPUT{
    {"non_witness_utxo", "The transaction that it spends from", whole_spent, TRANSACTION},
    {"witness_utxo", "The output that it spends", witness_spent, SPENT},
    {"partial_signatures", "Signatures, by their public keys", VALUES_BY_KEY<PsbtIn::PartialSig>},
    {"sighash", "What signatures shall sign", hash_type_text},
    {"redeem_script", "Of P2SH", SCRIPT_VALUE<PsbtIn::RedeemScript>, SCRIPT_TEXT},
    {"witness_script", "Of P2WSH", SCRIPT_VALUE<PsbtIn::WitnessScript>, SCRIPT_TEXT},
    {"bip32_derivs", "Where its keys come from", ENTRIES<PsbtIn::Bip32Derivation>, DERIVATION},
    {"final_scriptSig", "The script that satisfies it", VALUE<PsbtIn::FinalScriptSig>,
     FINAL_SCRIPT},
    {"final_scriptwitness", "The witness that does", final_witness},
    {"ripemd160_preimages", "By their hashes", VALUES_BY_KEY<PsbtIn::Ripemd160>},
    {"sha256_preimages", "By their hashes", VALUES_BY_KEY<PsbtIn::Sha256>},
    {"hash160_preimages", "By their hashes", VALUES_BY_KEY<PsbtIn::Hash160>},
    {"hash256_preimages", "By their hashes", VALUES_BY_KEY<PsbtIn::Hash256>},
    {"taproot_key_path_sig", "The signature by the output key", VALUE<PsbtIn::TapKeySig>},
    {"taproot_script_path_sigs", "Those of scripts", ENTRIES<PsbtIn::TapScriptSig>, TAP_SIGNATURE},
    {"taproot_scripts", "The scripts", tap_scripts, TAP_SCRIPT},
    {"taproot_bip32_derivs", "Where its keys come from", ENTRIES<PsbtIn::TapBip32Derivation>,
     TAP_DERIVATION},
    {"taproot_internal_key", "The key that the output's is made of", VALUE<PsbtIn::TapInternalKey>},
    {"taproot_merkle_root", "Over the scripts", VALUE<PsbtIn::TapMerkleRoot>},
    {"musig2_participant_pubkeys", "Keys made of several", ENTRIES<PsbtIn::MusigParticipants>,
     MUSIG_PARTICIPANTS},
    {"musig2_pubnonces", "Their nonces", ENTRIES<PsbtIn::MusigNonce>, MUSIG_NONCE},
    {"musig2_partial_sigs", "Their signatures", ENTRIES<PsbtIn::MusigPartialSig>, MUSIG_SIGNATURE},
    {UNKNOWN_INPUT_FIELDS}};

struct TapLeaf {
    uint8_t depth = 0;
    uint8_t version = 0;
    Bytes script;
};

const Object<TapLeaf> TAP_LEAF{
    {"depth", "Its depth in the tree", &TapLeaf::depth},
    {"leaf_ver", "Its version", &TapLeaf::version},
    {"script", "The script", &TapLeaf::script}};

std::optional<std::vector<TapLeaf>> tap_tree(const OutputMap& output) {
    const Bytes* bytes = value_of(*output.map, PsbtOut::TapTree);
    if (bytes == nullptr) return std::nullopt;
    std::vector<TapLeaf> leaves;
    Reader reader(*bytes);
    while (reader.remaining() > 0) {
        TapLeaf& leaf = leaves.emplace_back();
        reader(leaf.depth, leaf.version, leaf.script);
    }
    return leaves;
}

const Object<OutputMap> PSBT_OUTPUT{
    {"redeem_script", "Of P2SH", SCRIPT_VALUE<PsbtOut::RedeemScript>, SCRIPT_TEXT},
    {"witness_script", "Of P2WSH", SCRIPT_VALUE<PsbtOut::WitnessScript>, SCRIPT_TEXT},
    {"bip32_derivs", "Where its keys come from", ENTRIES<PsbtOut::Bip32Derivation>, DERIVATION},
    {"taproot_internal_key", "The key that the output's is made of",
     VALUE<PsbtOut::TapInternalKey>},
    {"taproot_tree", "Its scripts", tap_tree, TAP_LEAF},
    {"taproot_bip32_derivs", "Where its keys come from", ENTRIES<PsbtOut::TapBip32Derivation>,
     TAP_DERIVATION},
    {"musig2_participant_pubkeys", "Keys made of several", ENTRIES<PsbtOut::MusigParticipants>,
     MUSIG_PARTICIPANTS},
    {UNKNOWN_OUTPUT_FIELDS}};

const Object<Entry> EXTENDED_KEY{
    {"xpub", "The extended public key", [](auto& e) { return base58check_encode(e.key); }},
    {"master_fingerprint", MASTER_TEXT, [](auto& e) { return fingerprint_text(e.value); }},
    {"path", PATH_TEXT, [](auto& e) { return path_text(e.value); }}};

template <class Type>
std::vector<MapView<Type>> maps_of(const PsbtView& view, const std::vector<PsbtMap>& maps) {
    std::vector<MapView<Type>> all;
    all.reserve(maps.size());
    for (const PsbtMap& map : maps) all.push_back({&map, view.params});
    return all;
}

/// What it pays; nullopt if not all amounts are told, or they are impossible.
std::optional<Amount> fee_of(const Psbt& psbt) {
    Amount fee = 0;
    for (size_t i = 0; i < psbt.inputs.size(); ++i) {
        const std::optional<TxOut> spent = psbt.spent(i);
        if (!spent || !money_range(spent->value) || !money_range(fee + spent->value))
            return std::nullopt;
        fee += spent->value;
    }
    Amount paid = 0;
    for (const TxOut& out : psbt.tx.outputs) {
        if (!money_range(out.value) || !money_range(paid + out.value)) return std::nullopt;
        paid += out.value;
    }
    return fee - paid;
}

} // namespace

const Object<PsbtView> PSBT{
    {"tx", "The transaction, not signed",
     [](auto& view) {
         return TransactionView{
             .tx = make_transaction(view.psbt.tx), .params = view.params, .hex = false};
     },
     TRANSACTION},
    {"global_xpubs", "Extended keys that keys below come from",
     [](auto& view) { return entries_of(view.psbt.global, PsbtGlobal::Xpub); }, EXTENDED_KEY},
    {"psbt_version", "Version of the PSBT", [](auto&) { return 0; }},
    {"proprietary", PROPRIETARY_TEXT,
     [](auto& view) { return proprietary<PsbtGlobal>(view.psbt.global); }, PROPRIETARY},
    {"unknown", UNKNOWN_TEXT, [](auto& view) { return unknown<PsbtGlobal>(view.psbt.global); }},
    {"inputs", "What is known of each input",
     [](auto& view) { return maps_of<PsbtIn>(view, view.psbt.inputs); }, PSBT_INPUT},
    {"outputs", "What is known of each output",
     [](auto& view) { return maps_of<PsbtOut>(view, view.psbt.outputs); }, PSBT_OUTPUT},
    {"fee", "What it pays, if all outputs that it spends are told",
     [](auto& view) { return fee_of(view.psbt); }}};

} // namespace cairn::rpc
