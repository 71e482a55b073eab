// SPDX-License-Identifier: MIT
// Partially signed transactions (BIP-0174): told of, completed, merged.
#include "consensus/standard.h"
#include "rpc/describe_psbt.h"
#include "rpc/descriptors.h"
#include "rpc/methods.h"
#include "rpc/raw_transactions.h"
#include "wallet/keys/descriptor.h"

#include <algorithm>
#include <random>

namespace cairn::rpc {

using namespace consensus;
using namespace server;
using wallet::keys::Descriptor;
using wallet::keys::KeyOrigin;
using wallet::keys::Psbt;
using wallet::keys::PsbtIn;
using wallet::keys::PsbtMap;
using wallet::keys::PsbtOut;
using wallet::keys::Solution;
using wallet::keys::value_of;

namespace {

const Param PSBT_PARAM{"psbt", Type::Text, REQUIRED, "The PSBT in base64"};
const Param PSBTS_PARAM{"txs", Type::Array, REQUIRED, "The PSBTs", {{"", Type::Text, "In base64"}}};
const Error BAD_PSBT{Code::Deserialization, "TX decode failed ..."};

Outcome<Psbt> psbt_of(const std::string& text) {
    std::string why = "invalid base64";
    if (const std::optional<Bytes> bytes = from_base64(text))
        if (std::optional<Psbt> psbt = wallet::keys::read_psbt(*bytes, why)) return *psbt;
    return Error{Code::Deserialization, "TX decode failed " + why};
}

std::string text_of(const Psbt& psbt) {
    return to_base64(encode_psbt(psbt));
}

/// Argument 0, an array of PSBTs.
Outcome<std::vector<Psbt>> psbts_argument(const Call& call) {
    std::vector<Psbt> all;
    for (const Json& json : call.arguments[0].items) {
        Outcome<Psbt> psbt = psbt_of(json.text);
        if (!psbt) return psbt.error();
        all.push_back(std::move(*psbt));
    }
    return all;
}

// decodepsbt /////////////////////////////////////////////////////////////////////////////////

Outcome<PsbtView> decodepsbt(const Call& call) {
    Outcome<Psbt> psbt = psbt_of(call.text(0));
    if (!psbt) return psbt.error();
    return PsbtView{std::move(*psbt), &params_of(call)};
}

const Method DECODEPSBT{
    .name = "decodepsbt",
    .summary = "What is in a PSBT.",
    .params = {PSBT_PARAM},
    .fails = {BAD_PSBT},
    .example = "$PSBT",
    .run = {decodepsbt, PSBT},
};

// combinepsbt, joinpsbts /////////////////////////////////////////////////////////////////////

const Error NO_PSBTS{Code::InvalidParameter, "Parameter 'txs' cannot be empty"};
const Error DIFFERENT_PSBTS{
    Code::InvalidParameter, "PSBTs not compatible (different transactions)"};

Outcome<std::string> combinepsbt(const Call& call) {
    Outcome<std::vector<Psbt>> all = psbts_argument(call);
    if (!all) return all.error();
    if (all->empty()) return NO_PSBTS;
    Psbt& merged = all->front();
    for (const Psbt& psbt : *all) {
        if (psbt.tx != merged.tx) return DIFFERENT_PSBTS;
        combine(merged, psbt);
    }
    return text_of(merged);
}

const Method COMBINEPSBT{
    .name = "combinepsbt",
    .summary = "One PSBT with all that several of the same transaction know.",
    .params = {PSBTS_PARAM},
    .fails = {BAD_PSBT, NO_PSBTS, DIFFERENT_PSBTS},
    .example = R"(["$PSBT","$PSBT"])",
    .run = {combinepsbt, "The PSBT in base64"},
};

const Error ONE_PSBT{Code::InvalidParameter, "At least two PSBTs are required to join PSBTs."};

/// Add what `psbt` spends and pays to `joined`, which spends `spent`, without signatures: they are
/// for the other one.
std::optional<Error> join(Psbt& joined, std::set<OutPoint>& spent, Psbt& psbt) {
    for (size_t i = 0; i < psbt.inputs.size(); ++i) {
        const OutPoint& point = psbt.tx.inputs[i].prevout;
        if (!spent.insert(point).second)
            return Error{
                Code::InvalidParameter, "Input " + point.txid.to_string() + ":" +
                                            std::to_string(point.index) +
                                            " exists in multiple PSBTs"};
        std::erase_if(psbt.inputs[i], [](const auto& entry) {
            const auto type = static_cast<PsbtIn>(entry.first[0]);
            return type == PsbtIn::PartialSig || type == PsbtIn::FinalScriptSig ||
                   type == PsbtIn::FinalScriptWitness || type == PsbtIn::TapKeySig ||
                   type == PsbtIn::TapScriptSig;
        });
        joined.tx.inputs.push_back(psbt.tx.inputs[i]);
        joined.inputs.push_back(std::move(psbt.inputs[i]));
    }
    for (size_t i = 0; i < psbt.outputs.size(); ++i) {
        joined.tx.outputs.push_back(psbt.tx.outputs[i]);
        joined.outputs.push_back(std::move(psbt.outputs[i]));
    }
    joined.global.insert(psbt.global.begin(), psbt.global.end());
    joined.tx.version = std::max(joined.tx.version, psbt.tx.version);
    joined.tx.lock_time = std::min(joined.tx.lock_time, psbt.tx.lock_time);
    return std::nullopt;
}

/// Put two lists into the same random order.
void shuffle(auto& list, auto& beside, std::random_device& random) {
    for (size_t left = list.size(); left > 1; --left) {
        const size_t chosen = std::uniform_int_distribution<size_t>(0, left - 1)(random);
        std::swap(list[left - 1], list[chosen]);
        std::swap(beside[left - 1], beside[chosen]);
    }
}

Outcome<std::string> joinpsbts(const Call& call) {
    Outcome<std::vector<Psbt>> all = psbts_argument(call);
    if (!all) return all.error();
    if (all->size() < 2) return ONE_PSBT;
    Psbt joined;
    joined.tx.version = 1;
    joined.tx.lock_time = UINT32_MAX;
    std::set<OutPoint> spent;
    for (Psbt& psbt : *all)
        if (std::optional<Error> error = join(joined, spent, psbt)) return std::move(*error);
    // Nobody shall see which input and which output belong together.
    std::random_device random;
    shuffle(joined.tx.inputs, joined.inputs, random);
    shuffle(joined.tx.outputs, joined.outputs, random);
    return text_of(joined);
}

const Method JOINPSBTS{
    .name = "joinpsbts",
    .summary = "One PSBT that spends and pays what several different ones do, in random order.",
    .params = {PSBTS_PARAM},
    .fails = {BAD_PSBT, ONE_PSBT, {Code::InvalidParameter, "Input ... exists in multiple PSBTs"}},
    .example = R"(["$PSBT","$OTHER_PSBT"])",
    .run = {joinpsbts, "The PSBT in base64"},
};

// finalizepsbt ///////////////////////////////////////////////////////////////////////////////

struct Finalized {
    std::optional<std::string> psbt;
    std::optional<Bytes> tx;
    bool complete = true;
};

const Object<Finalized> FINALIZED{
    {"psbt", "The PSBT in base64, if no transaction was made of it", &Finalized::psbt},
    {"hex", "The transaction as on the wire, if it is complete and asked for", &Finalized::tx},
    {"complete", "Whether all inputs are satisfied", &Finalized::complete}};

Outcome<Finalized> finalizepsbt(const Call& call) {
    Outcome<Psbt> psbt = psbt_of(call.text(0));
    if (!psbt) return psbt.error();
    const SighashMidstates midstates = midstates_of(*psbt);
    Finalized result;
    for (size_t i = 0; i < psbt->inputs.size(); ++i) {
        if (given_up(call)) return GIVEN_UP;
        result.complete &= finalize(*psbt, i, midstates);
    }
    if (result.complete && call.flag(1))
        result.tx = encode(extract(*psbt));
    else
        result.psbt = text_of(*psbt);
    return result;
}

const Method FINALIZEPSBT{
    .name = "finalizepsbt",
    .summary = "Make of signatures what satisfies the inputs; if that is all, the transaction.",
    .params =
        {PSBT_PARAM,
         {"extract", Type::Bool, "true", "Whether to make the transaction, if it is complete"}},
    .fails = {BAD_PSBT, GIVEN_UP},
    .example = "$PSBT",
    .run = {finalizepsbt, FINALIZED},
};

// utxoupdatepsbt /////////////////////////////////////////////////////////////////////////////

TransactionRef find_transaction(const chain::Chain& chain, const Txid& txid) {
    {
        const chain::MempoolReader pool = chain.mempool();
        if (const chain::MempoolEntry* entry = pool->find(txid)) return entry->tx;
    }
    const chain::Indexer& indexes = chain.indexes();
    if (!indexes.enabled(chain::IndexId::Transactions)) return nullptr;
    indexes.catch_up(chain::IndexId::Transactions);
    const chain::BlockNode* node = indexes.find_transaction(txid);
    const chain::StoredBlockRef block = node != nullptr ? chain.recent_block(*node) : nullptr;
    return block ? block->find(txid) : nullptr;
}

bool is_witness_output(const PsbtMap& map, const Script& script) {
    if (witness_program(script)) return true;
    const Bytes* redeem = value_of(map, PsbtIn::RedeemScript);
    return redeem != nullptr && witness_program(*redeem) &&
           script == pay_to_script_hash(hash160(*redeem));
}

Bytes encode_origin(const KeyOrigin& origin) {
    Bytes bytes;
    Writer writer(bytes);
    writer(origin.master);
    for (const uint32_t step : origin.path) writer(step);
    return bytes;
}

/// Tell `map`, of what `Type` says, how to satisfy the script of `descriptor` at `index`.
template <class Type>
void tell(PsbtMap& map, const Descriptor& descriptor, uint32_t index) {
    using Function = Descriptor::Function;
    for (const Descriptor* outer = &descriptor; outer->inner() != nullptr; outer = outer->inner()) {
        const Script script = outer->inner()->scripts(index)->front().script;
        const bool witness = outer->function() == Function::Wsh;
        set_value(
            map, witness ? Type::WitnessScript : Type::RedeemScript,
            Bytes(script.begin(), script.end()));
    }
    const bool taproot = descriptor.function() == Function::Tr;
    const bool x_only = taproot || descriptor.function() == Function::RawTr;
    const auto keys = descriptor.keys_at(index);
    for (const auto& [point, key_origin] : *keys) {
        Bytes origin = encode_origin(key_origin);
        Bytes name{static_cast<uint8_t>(x_only ? Type::TapBip32Derivation : Type::Bip32Derivation)};
        name.insert(name.end(), point.begin() + (x_only ? 1 : 0), point.end());
        if (taproot) set_value(map, Type::TapInternalKey, Bytes(name.begin() + 1, name.end()));
        if (x_only) origin.insert(origin.begin(), 0); // It is in no leaf.
        map[std::move(name)] = std::move(origin);
    }
}

Outcome<std::string> utxoupdatepsbt(const Call& call) {
    Outcome<Psbt> psbt = psbt_of(call.text(0));
    if (!psbt) return psbt.error();
    const chain::Chain& chain = chain_of(call);
    std::vector<std::optional<TxOut>> spent;
    for (size_t i = 0; i < psbt->inputs.size(); ++i) {
        PsbtMap& map = psbt->inputs[i];
        const OutPoint& point = psbt->tx.inputs[i].prevout;
        if (value_of(map, PsbtIn::NonWitnessUtxo) == nullptr)
            if (const TransactionRef tx = find_transaction(chain, point.txid);
                tx && point.index < tx->outputs.size())
                set_value(map, PsbtIn::NonWitnessUtxo, encode(*tx));
        std::optional<TxOut>& out = spent.emplace_back(psbt->spent(i));
        if (!out)
            if (const auto coin = chain.find_coin(point, true)) out = coin->out;
    }
    const VisitScript tell_all = [&](const Descriptor& of, uint32_t index, const auto& one) {
        if (!of.is_solvable()) return true;
        for (size_t i = 0; i < spent.size(); ++i)
            if (spent[i] && spent[i]->script_pubkey == one.script && !psbt->is_final(i))
                tell<PsbtIn>(psbt->inputs[i], of, index);
        for (size_t i = 0; i < psbt->outputs.size(); ++i)
            if (psbt->tx.outputs[i].script_pubkey == one.script)
                tell<PsbtOut>(psbt->outputs[i], of, index);
        return true;
    };
    if (call.has(1))
        for (const Json& object : call.arguments[1].items)
            if (auto error = for_each_script(call, object, tell_all)) return std::move(*error);
    for (size_t i = 0; i < spent.size(); ++i)
        if (spent[i] && is_witness_output(psbt->inputs[i], spent[i]->script_pubkey))
            set_value(psbt->inputs[i], PsbtIn::WitnessUtxo, encode(*spent[i]));
    return text_of(*psbt);
}

const Method UTXOUPDATEPSBT{
    .name = "utxoupdatepsbt",
    .summary = "Add to a PSBT the outputs that it spends, and what descriptors tell of them.",
    .params =
        {PSBT_PARAM,
         {"descriptors", Type::Array, ABSENT, "Of outputs that it spends or makes", {SCAN_OBJECT}}},
    .fails = joined({BAD_PSBT}, SCAN_OBJECT_FAILS),
    .example = "$PSBT",
    .run = {utxoupdatepsbt, "The PSBT in base64"},
    .pace = [](const Call& call) { return call.has(1) ? Pace::Slow : Pace::Busy; },
};

// analyzepsbt ////////////////////////////////////////////////////////////////////////////////

/// Who has to work on it next, in order.
enum class PsbtRole : uint8_t { Creator, Updater, Signer, Finalizer, Extractor };

std::string_view psbt_role_name(PsbtRole role) {
    constexpr std::array<std::string_view, 5> NAMES{
        "creator", "updater", "signer", "finalizer", "extractor"};
    return NAMES[static_cast<size_t>(role)]; // NOLINT(*-constant-array-index)
}

using wallet::keys::Missing;

const Object<Missing> MISSING{
    {"pubkeys", "Public keys, by their hashes", [](auto& m) { return unless_empty(m.points); }},
    {"signatures", "Signatures, by the hashes of their keys",
     [](auto& m) { return unless_empty(m.signatures); }},
    {"redeemscript", "The script of P2SH, by its hash", &Missing::redeem_script},
    {"witnessscript", "That of P2WSH, by its hash", [](auto& m) {
         return m.witness_script ? std::optional(m.witness_script->bytes) : std::nullopt;
     }}};

struct InputAnalysis {
    bool has_utxo = false;
    bool is_final = false;
    std::optional<Missing> missing;
    PsbtRole next = PsbtRole::Updater;
};

const Object<InputAnalysis> INPUT_ANALYSIS{
    {"has_utxo", "Whether the output that it spends is told", &InputAnalysis::has_utxo},
    {"is_final", "Whether what satisfies it is told", &InputAnalysis::is_final},
    {"missing", "What is not told", &InputAnalysis::missing, MISSING},
    {"next", "Who works on it next", [](auto& i) { return psbt_role_name(i.next); }}};

struct Analysis {
    std::vector<InputAnalysis> inputs;
    std::optional<int64_t> vsize;
    std::optional<Amount> fee;
    PsbtRole next = PsbtRole::Extractor;
    std::optional<std::string> error;
};

const Object<Analysis> ANALYSIS{
    {"inputs", "Each input", [](auto& a) { return unless_empty(a.inputs); }, INPUT_ANALYSIS},
    {"estimated_vsize", "Virtual bytes of the transaction, once it is signed", &Analysis::vsize},
    {"estimated_feerate", "What it will pay for 1,000 of them",
     [](auto& a) -> std::optional<Amount> {
         if (!a.vsize) return std::nullopt;
         return Amount(a.fee->value * 1000 / *a.vsize);
     }},
    {"fee", "What it pays, if all outputs that it spends are told", &Analysis::fee},
    {"next", "Who works on it next", [](auto& a) { return psbt_role_name(a.next); }},
    {"error", "What is wrong with it", &Analysis::error}};

Analysis impossible(const std::string& why) {
    return {.next = PsbtRole::Creator, .error = "PSBT is not valid. " + why};
}

InputAnalysis analyze(Psbt& psbt, size_t i, const SighashMidstates& midstates) {
    const std::optional<TxOut> spent = psbt.spent(i);
    InputAnalysis input{spent.has_value(), psbt.is_final(i), {}, PsbtRole::Updater};
    if (input.is_final)
        input.next = PsbtRole::Extractor;
    else if (spent && finalize(psbt, i, midstates))
        input.next = PsbtRole::Finalizer;
    else if (spent) {
        const Missing missing = solve(psbt, i, *spent, midstates).missing;
        const bool only_signatures = !missing.signatures.empty() && missing.points.empty() &&
                                     !missing.redeem_script && !missing.witness_script;
        if (only_signatures) input.next = PsbtRole::Signer;
        if (only_signatures || !missing.points.empty() || missing.redeem_script ||
            missing.witness_script)
            input.missing = missing;
    }
    return input;
}

/// Virtual bytes of the transaction with signatures as large as usual; nullopt if not all is told.
std::optional<int64_t>
estimated_vsize(const Call& call, const Psbt& psbt, const SighashMidstates& midstates) {
    Transaction tx = extract(psbt);
    for (size_t i = 0; i < tx.inputs.size(); ++i) {
        const std::optional<TxOut> spent = psbt.spent(i);
        if (!spent || given_up(call)) return std::nullopt;
        if (psbt.is_final(i)) continue;
        Solution solution = solve(psbt, i, *spent, midstates, true);
        if (!solution.complete) return std::nullopt;
        tx.inputs[i].script_sig = std::move(solution.script_sig);
        tx.inputs[i].witness = std::move(solution.witness);
    }
    return SealedTransaction(std::move(tx)).vsize();
}

Outcome<Analysis> analyzepsbt(const Call& call) {
    Outcome<Psbt> psbt = psbt_of(call.text(0));
    if (!psbt) return psbt.error();
    Analysis analysis;
    const SighashMidstates midstates = midstates_of(*psbt);
    Amount total;
    for (size_t i = 0; i < psbt->inputs.size(); ++i) {
        const std::string input = "Input " + std::to_string(i);
        if (const std::optional<TxOut> spent = psbt->spent(i)) {
            if (!money_range(spent->value) || !money_range(total + spent->value))
                return impossible(input + " has invalid value");
            if (is_unspendable(spent->script_pubkey))
                return impossible(input + " spends unspendable output");
            total += spent->value;
        }
        if (given_up(call)) return GIVEN_UP;
        analysis.inputs.push_back(analyze(*psbt, i, midstates));
        analysis.next = std::min(analysis.next, analysis.inputs.back().next);
    }
    if (!std::ranges::all_of(analysis.inputs, &InputAnalysis::has_utxo)) return analysis;
    for (const TxOut& out : psbt->tx.outputs) {
        if (!money_range(out.value) || out.value > total)
            return impossible("Output amount invalid");
        total -= out.value;
    }
    analysis.fee = total;
    analysis.vsize = estimated_vsize(call, *psbt, midstates);
    return analysis;
}

const Method ANALYZEPSBT{
    .name = "analyzepsbt",
    .summary = "How far a PSBT is, and what it lacks.",
    .params = {PSBT_PARAM},
    .fails = {BAD_PSBT, GIVEN_UP},
    .example = "$PSBT",
    .run = {analyzepsbt, ANALYSIS},
};

} // namespace

Groups psbt_methods() {
    return {
        {"Rawtransactions",
         {&DECODEPSBT, &COMBINEPSBT, &JOINPSBTS, &FINALIZEPSBT, &UTXOUPDATEPSBT, &ANALYZEPSBT}}};
}

} // namespace cairn::rpc
