// SPDX-License-Identifier: MIT
// Transactions in the making: put together, as such or as PSBTs, signed, and merged.
#include "rpc/raw_transactions.h"

#include "consensus/address.h"
#include "consensus/interpreter.h"
#include "consensus/script_text.h"
#include "consensus/standard.h"
#include "rpc/describe.h"
#include "rpc/methods.h"
#include "wallet/keys/psbt.h"

#include <algorithm>
#include <map>
#include <set>

namespace cairn::rpc {

using namespace consensus;
using namespace server;
using wallet::keys::Known;
using wallet::keys::Psbt;

namespace {

constexpr int64_t MAX_VERSION = 3;           ///< That is relayed.
constexpr uint32_t REPLACEABLE = 0xfffffffd; ///< BIP-0125: so or lower.
constexpr uint32_t LOCKABLE = 0xfffffffe;    ///< Lower than final: the lock time counts.

const Error MISSING_VOUT{Code::InvalidParameter, "Invalid parameter, missing vout key"};
const Error NEGATIVE_VOUT{Code::InvalidParameter, "Invalid parameter, vout cannot be negative"};
const Error BAD_SEQUENCE{
    Code::InvalidParameter, "Invalid parameter, sequence number is out of range"};
const Error BAD_LOCK_TIME{Code::InvalidParameter, "Invalid parameter, locktime out of range"};
const Error BAD_VERSION{Code::InvalidParameter, "Invalid parameter, version out of range(1~3)"};
const Error NO_OUTPUTS{
    Code::InvalidParameter, "Invalid parameter, output argument must be non-null"};
const Error NOT_A_PAIR{
    Code::InvalidParameter, "Invalid parameter, key-value pair not an object as expected"};
const Error NOT_ONE_KEY{
    Code::InvalidParameter, "Invalid parameter, key-value pair must contain exactly one key"};
const Error TWICE_DATA{Code::InvalidParameter, "Invalid parameter, duplicate key: data"};
const Error NOT_REPLACEABLE{
    Code::InvalidParameter,
    "Invalid parameter combination: Sequence number(s) contradict replaceable option"};

// createrawtransaction ///////////////////////////////////////////////////////////////////////

/// A hash in an object of an argument.
Outcome<Txid> txid_member(const Json& object) {
    const Json* txid = object.find("txid");
    if (txid == nullptr || !txid->is(Json::Kind::String))
        return type_error(txid != nullptr ? txid->kind : Json::Kind::Null, Json::Kind::String);
    if (std::optional<Error> error = check_hash("txid", txid->text)) return std::move(*error);
    return *Txid::from_string(txid->text);
}

Outcome<TxIn> input_of(const Json& json, uint32_t usual_sequence) {
    const Outcome<Txid> txid = txid_member(json);
    if (!txid) return txid.error();
    const Json* vout = json.find("vout");
    if (vout == nullptr || !vout->is(Json::Kind::Number)) return MISSING_VOUT;
    const Outcome<int32_t> index = int32_of(*vout);
    if (!index) return index.error();
    if (*index < 0) return NEGATIVE_VOUT;
    TxIn input{.prevout = {*txid, static_cast<uint32_t>(*index)}, .sequence = usual_sequence};
    if (const Json* sequence = json.find("sequence"); sequence && !sequence->is_null()) {
        const std::optional<int64_t> number = integer_of(sequence->text);
        if (!number || *number < 0 || *number > TxIn::SEQUENCE_FINAL) return BAD_SEQUENCE;
        input.sequence = static_cast<uint32_t>(*number);
    }
    return input;
}

/// An output by its key and value: data, or an address and an amount.
Outcome<TxOut> output_of(const Call& call, const std::string& key, const Json& value) {
    if (key == "data") {
        if (!value.is(Json::Kind::String)) return type_error(value.kind, Json::Kind::String);
        if (std::optional<Error> error = check_hex("Data", value.text)) return std::move(*error);
        return TxOut{0, make_script(OP_RETURN, *from_hex(value.text))};
    }
    const std::optional<Script> script = script_of_address(key, params_of(call).address);
    if (!script) return Error{Code::InvalidAddressOrKey, "Invalid Bitcoin address: " + key};
    if (std::optional<Error> error = check_amount(value)) return std::move(*error);
    return TxOut{*satoshis_of(value.text), *script};
}

/// The outputs of `json`: an object, or in an array one of each.
Outcome<std::vector<TxOut>> outputs_of(const Call& call, const Json& json) {
    if (json.is_null()) return NO_OUTPUTS;
    if (!json.is(Json::Kind::Object) && !json.is(Json::Kind::Array))
        return type_error(json.kind, Json::Kind::Array);
    const std::vector<Json> objects = json.is(Json::Kind::Object) ? std::vector{json} : json.items;
    std::vector<TxOut> outputs;
    std::set<Script> scripts;
    bool data = false;
    for (const Json& object : objects) {
        if (!object.is(Json::Kind::Object)) return NOT_A_PAIR;
        if (json.is(Json::Kind::Array) && object.items.size() != 1) return NOT_ONE_KEY;
        for (size_t i = 0; i < object.items.size(); ++i) {
            const std::string& key = object.names[i];
            if (key == "data" && std::exchange(data, true)) return TWICE_DATA;
            Outcome<TxOut> output = output_of(call, key, object.items[i]);
            if (!output) return output.error();
            if (key != "data" && !scripts.insert(output->script_pubkey).second)
                return Error{
                    Code::InvalidParameter, "Invalid parameter, duplicated address: " + key};
            outputs.push_back(std::move(*output));
        }
    }
    return outputs;
}

/// The transaction that the arguments of NEW_TRANSACTION describe.
Outcome<Transaction> new_transaction(const Call& call) {
    Transaction tx;
    const int64_t lock_time = call.integer(2);
    if (lock_time < 0 || lock_time > UINT32_MAX) return BAD_LOCK_TIME;
    tx.lock_time = static_cast<uint32_t>(lock_time);
    const bool replaceable = !call.has(3) || call.flag(3);
    if (call.integer(4) < 1 || call.integer(4) > MAX_VERSION) return BAD_VERSION;
    tx.version = static_cast<int32_t>(call.integer(4));
    const uint32_t usual_sequence = replaceable      ? REPLACEABLE
                                    : lock_time != 0 ? LOCKABLE
                                                     : TxIn::SEQUENCE_FINAL;
    for (const Json& json : call.arguments[0].items) {
        Outcome<TxIn> input = input_of(json, usual_sequence);
        if (!input) return input.error();
        tx.inputs.push_back(std::move(*input));
    }
    Outcome<std::vector<TxOut>> outputs = outputs_of(call, call.arguments[1]);
    if (!outputs) return outputs.error();
    tx.outputs = std::move(*outputs);
    const bool signals = tx.inputs.empty() || std::ranges::any_of(tx.inputs, [](const TxIn& in) {
                             return in.sequence <= REPLACEABLE;
                         });
    if (call.has(3) && replaceable && !signals) return NOT_REPLACEABLE;
    return tx;
}

const Field OUTPUTS{
    "", Type::Map, "By address", {{"", Type::Amount, "What it pays; under \"data\" the data"}}};

const std::vector<Param> NEW_TRANSACTION{
    {"inputs",
     Type::Array,
     REQUIRED,
     "What it spends",
     {{"",
       Type::Object,
       "An output of an earlier transaction",
       {{"txid", Type::Any, "That transaction", {{"", Type::Hash}}},
        {"vout", Type::Any, "The output's number", {{"", Type::Integer}}},
        {"sequence",
         Type::Integer,
         "The input's sequence; else as replaceable, locktime say",
         {},
         true}}}}},
    {"outputs",
     Type::Any,
     REQUIRED,
     "{address: amount, ...}, {\"data\": hex} for an output that holds data; or an array of "
     "such, of one each",
     {{"", Type::Array, "One each", {OUTPUTS}}, OUTPUTS}},
    {"locktime", Type::Integer, "0", "Height or time before which no block may hold it"},
    {"replaceable", Type::Bool, ABSENT,
     "Whether it says that it may be replaced; true if left out"},
    {"version", Type::Int32, "2", "Its version, 1 to 3"}};

const std::vector<Error> NEW_TRANSACTION_FAILS{
    MISSING_VOUT,
    NEGATIVE_VOUT,
    BAD_SEQUENCE,
    NO_OUTPUTS,
    NOT_A_PAIR,
    NOT_ONE_KEY,
    TWICE_DATA,
    {Code::InvalidParameter, "Invalid parameter, duplicated address: ..."},
    {Code::InvalidAddressOrKey, "Invalid Bitcoin address: ..."},
    BAD_LOCK_TIME,
    BAD_VERSION,
    NOT_REPLACEABLE};

Outcome<Bytes> createrawtransaction(const Call& call) {
    const Outcome<Transaction> tx = new_transaction(call);
    if (!tx) return tx.error();
    return encode(*tx);
}

const Method CREATERAWTRANSACTION{
    .name = "createrawtransaction",
    .summary = "A transaction that spends given outputs, not signed yet; nothing is kept or sent.",
    .params = NEW_TRANSACTION,
    .fails = NEW_TRANSACTION_FAILS,
    .example = R"([{"txid":"$TXID","vout":0}] [{"$ADDRESS":0.01}])",
    .run = {createrawtransaction, "The transaction as on the wire"},
};

// createpsbt, converttopsbt //////////////////////////////////////////////////////////////////

Outcome<std::string> createpsbt(const Call& call) {
    Outcome<Transaction> tx = new_transaction(call);
    if (!tx) return tx.error();
    return to_base64(encode_psbt(Psbt(std::move(*tx))));
}

const Method CREATEPSBT{
    .name = "createpsbt",
    .summary = "A PSBT of a transaction that spends given outputs.",
    .params = NEW_TRANSACTION,
    .fails = NEW_TRANSACTION_FAILS,
    .example = R"([{"txid":"$TXID","vout":0}] [{"$ADDRESS":0.01}])",
    .run = {createpsbt, "The PSBT in base64"},
};

const Error HAS_SIGNATURES{
    Code::Deserialization, "Inputs must not have scriptSigs and scriptWitnesses"};

Outcome<std::string> converttopsbt(const Call& call) {
    const Outcome<TransactionRef> read =
        transaction_of_hex(call.text(0), DECODE_FAILED, hex_form(call, 2));
    if (!read) return read.error();
    Transaction tx = **read;
    for (TxIn& input : tx.inputs) {
        if (!call.flag(1) && (!input.script_sig.empty() || !input.witness.empty()))
            return HAS_SIGNATURES;
        input.script_sig.clear();
        input.witness.clear();
    }
    return to_base64(encode_psbt(Psbt(std::move(tx))));
}

const Method CONVERTTOPSBT{
    .name = "converttopsbt",
    .summary = "A PSBT of a transaction.",
    .params =
        {{"hexstring", Type::Hex, REQUIRED, "The transaction as on the wire"},
         {"permitsigdata", Type::Bool, "false", "Drop what satisfies its inputs"},
         IS_WITNESS},
    .fails = {DECODE_FAILED, HAS_SIGNATURES},
    .example = "$TRANSACTION true",
    .run = {converttopsbt, "The PSBT in base64"},
};

// signrawtransactionwithkey, combinerawtransaction ///////////////////////////////////////////

/// What the inputs of a transaction spend, as far as it is known; an amount that isn't is -1.
using Coins = std::map<OutPoint, TxOut>;

Coins coins_of(const chain::Chain& chain, const Transaction& tx) {
    Coins coins;
    for (const TxIn& input : tx.inputs)
        if (const auto coin = chain.find_coin(input.prevout, true))
            coins.emplace(input.prevout, coin->out);
    return coins;
}

/// Of all that `tx` spends, if all is known: taproot signs nothing less.
SighashMidstates midstates_of(const Transaction& tx, const Coins& coins) {
    std::vector<TxOut> spent;
    for (const TxIn& input : tx.inputs)
        if (const auto coin = coins.find(input.prevout); coin != coins.end())
            spent.push_back(coin->second);
    if (spent.size() != tx.inputs.size()) spent.clear();
    return {tx, std::move(spent)};
}

constexpr Amount UNKNOWN_AMOUNT = -1;

ScriptError
verify(const Transaction& tx, size_t i, const TxOut& spent, const SighashMidstates& midstates) {
    const bool taproot = match_template(spent.script_pubkey).type == OutputType::WitnessV1Taproot;
    if (taproot && !midstates.for_taproot) return ScriptError::WitnessProgramWitnessEmpty;
    return verify_input(tx, i, spent, STANDARD_FLAGS, midstates);
}

/// Put into input `i` of `tx` what is known to satisfy it, unless it is satisfied or nothing is.
void satisfy(
    Transaction& tx,
    size_t i,
    const TxOut& spent,
    const SighashMidstates& midstates,
    Known known,
    const wallet::keys::SolveOptions& options) {
    TxIn& input = tx.inputs[i];
    if (verify(tx, i, spent, midstates) == ScriptError::Ok) return;
    known.add(input);
    wallet::keys::Solution solution = solve(tx, i, spent, midstates, known, options);
    if (solution.script_sig.empty() && solution.witness.empty()) return;
    input.script_sig = std::move(solution.script_sig);
    input.witness = std::move(solution.witness);
}

/// Why an input is not satisfied.
struct InputError {
    TxIn input;
    std::string message;
};

const Object<InputError> INPUT_ERROR{
    {"txid", "The transaction it spends from", [](auto& e) { return e.input.prevout.txid; }},
    {"vout", "The number of its output", [](auto& e) { return e.input.prevout.index; }},
    {"witness", "The items of its witness",
     [](auto& e) {
         std::vector<Bytes> items;
         for (const ByteView item : e.input.witness) items.emplace_back(item.begin(), item.end());
         return items;
     }},
    {"scriptSig", "Its script", [](auto& e) { return e.input.script_sig; }},
    {"sequence", "Its sequence", [](auto& e) { return e.input.sequence; }},
    {"error", "What is wrong", &InputError::message}};

struct Signed {
    Transaction tx;
    std::vector<InputError> errors;
};

const Object<Signed> SIGNED{
    {"hex", "The transaction, with the signatures", [](auto& s) { return encode(s.tx); }},
    {"complete", "Whether all inputs are satisfied", [](auto& s) { return s.errors.empty(); }},
    {"errors", "Of those that are not",
     [](auto& s) { return s.errors.empty() ? nullptr : &s.errors; }, INPUT_ERROR}};

std::string signing_error(ScriptError error) {
    if (error == ScriptError::InvalidStackOperation)
        return "Unable to sign input, invalid stack size (possibly missing key)";
    if (error == ScriptError::SigNullFail)
        return "CHECK(MULTI)SIG failing with non-zero signature (possibly need more signatures)";
    return std::string(script_error_text(error));
}

Outcome<Signed>
sign(const Call& call, Transaction tx, const Coins& coins, const Known& known, uint8_t hash_type) {
    Signed result{std::move(tx), {}};
    const SighashMidstates midstates = midstates_of(result.tx, coins);
    const bool single = (hash_type & ~SIGHASH_ANYONECANPAY) == SIGHASH_SINGLE;
    for (size_t i = 0; i < result.tx.inputs.size(); ++i) {
        if (given_up(call)) return GIVEN_UP;
        const TxIn& input = result.tx.inputs[i];
        const auto coin = coins.find(input.prevout);
        if (coin == coins.end()) {
            result.errors.push_back({input, INPUT_GONE.message});
            continue;
        }
        const TxOut& spent = coin->second;
        // Signing an output that isn't there would sign away all that the key owns.
        if (!single || i < result.tx.outputs.size())
            satisfy(result.tx, i, spent, midstates, known, {.hash_type = hash_type});
        if (spent.value == UNKNOWN_AMOUNT && !input.witness.empty())
            result.errors.push_back({input, "Missing amount"});
        else if (const ScriptError error = verify(result.tx, i, spent, midstates);
                 error != ScriptError::Ok)
            result.errors.push_back({input, signing_error(error)});
    }
    return result;
}

const Error NO_SCRIPTS{Code::InvalidParameter, "Missing redeemScript/witnessScript"};
const Error SCRIPTS_DIFFER{
    Code::InvalidParameter, "redeemScript does not correspond to witnessScript"};
const Error SCRIPTS_UNFIT{
    Code::InvalidParameter, "redeemScript/witnessScript does not match scriptPubKey"};
const Error COIN_WITHOUT_INDEX{Code::Deserialization, "vout cannot be negative"};
const Error BAD_KEY{Code::InvalidAddressOrKey, "Invalid private key"};

/// The script in member `name`; empty if it isn't there.
Outcome<Bytes> script_member(const Json& object, std::string_view name) {
    if (object.find(name) == nullptr) return Bytes();
    const Outcome<const Json*> text = member(object, name, Json::Kind::String);
    if (!text) return text.error();
    if (std::optional<Error> error = check_hex(name, (*text)->text)) return std::move(*error);
    return *from_hex((*text)->text);
}

/// The scripts that a caller gives for an output by a hash.
std::optional<Error> add_scripts(const Json& json, const Script& script_pubkey, Known& known) {
    const OutputType type = match_template(script_pubkey).type;
    const bool hashed = type == OutputType::ScriptHash;
    if (!hashed && type != OutputType::WitnessV0ScriptHash) return std::nullopt;
    const Outcome<Bytes> redeem = script_member(json, "redeemScript");
    const Outcome<Bytes> witness = script_member(json, "witnessScript");
    if (!redeem) return redeem.error();
    if (!witness) return witness.error();
    if (redeem->empty() && witness->empty()) return NO_SCRIPTS;
    const Bytes& script = witness->empty() ? *redeem : *witness;
    const Script program = pay_to_witness(0, sha256(script).view());
    if (!redeem->empty() && *redeem != script && !std::ranges::equal(*redeem, program))
        return SCRIPTS_DIFFER;
    const bool fits = hashed ? script_pubkey == pay_to_script_hash(hash160(script)) ||
                                   script_pubkey == pay_to_script_hash(hash160(program))
                             : script_pubkey == program;
    if (!fits) return SCRIPTS_UNFIT;
    known.add_script(script);
    known.add_script(program);
    return std::nullopt;
}

const Error NOT_A_COIN{
    Code::Deserialization, R"(expected object with {"txid','vout","scriptPubKey"})"};

/// What a caller tells of an output that is spent.
std::optional<Error> add_coin(const Json& json, Coins& coins, Known& known) {
    if (!json.is(Json::Kind::Object)) return NOT_A_COIN;
    for (const auto& [name, kind] :
         {std::pair("txid", Json::Kind::String), std::pair("vout", Json::Kind::Number),
          std::pair("scriptPubKey", Json::Kind::String)})
        if (const auto found = member(json, name, kind); !found) return found.error();
    const Outcome<Txid> txid = txid_member(json);
    if (!txid) return txid.error();
    const std::optional<int64_t> index = integer_of(json.find("vout")->text);
    if (!index || *index < 0 || *index > INT32_MAX) return COIN_WITHOUT_INDEX;
    const Outcome<Bytes> script = script_member(json, "scriptPubKey");
    if (!script) return script.error();
    TxOut out{UNKNOWN_AMOUNT, Script(*script)};
    const OutPoint point{*txid, static_cast<uint32_t>(*index)};
    if (const auto known_coin = coins.find(point);
        known_coin != coins.end() && known_coin->second.script_pubkey != out.script_pubkey)
        return Error{
            Code::Deserialization, "Previous output scriptPubKey mismatch:\n" +
                                       script_to_text(known_coin->second.script_pubkey) +
                                       "\nvs:\n" + script_to_text(*script)};
    if (const Json* amount = json.find("amount")) {
        if (std::optional<Error> error = check_amount(*amount)) return error;
        out.value = *satoshis_of(amount->text);
    }
    std::optional<Error> error = add_scripts(json, out.script_pubkey, known);
    coins.insert_or_assign(point, std::move(out));
    return error;
}

Outcome<Signed> signrawtransactionwithkey(const Call& call) {
    const Outcome<TransactionRef> tx = transaction_of_hex(call.text(0), NOT_A_TRANSACTION);
    if (!tx) return tx.error();
    Known known;
    for (const Json& text : call.arguments[1].items) {
        const auto key = wallet::keys::read_key_pair(text.text, params_of(call).address);
        if (!key) return BAD_KEY;
        known.add(*key);
    }
    Coins coins = coins_of(chain_of(call), **tx);
    if (call.has(2))
        for (const Json& json : call.arguments[2].items)
            if (std::optional<Error> error = add_coin(json, coins, known)) return std::move(*error);
    const std::optional<uint8_t> hash_type = hash_type_of(call.text(3));
    if (!hash_type)
        return Error{
            Code::InvalidParameter, "'" + call.text(3) + "' is not a valid sighash parameter."};
    return sign(call, **tx, coins, known, *hash_type);
}

const Field SPENT_OUTPUT{
    "",
    Type::Object,
    "",
    {{"txid", Type::Hash, "The transaction"},
     {"vout", Type::Integer, "Its number"},
     {"scriptPubKey", Type::Hex, "Its script"},
     {"redeemScript", Type::Hex, "Of P2SH the script that the hash is of", {}, true},
     {"witnessScript", Type::Hex, "Of P2WSH the same", {}, true},
     {"amount", Type::Amount, "Its amount, for inputs with a witness", {}, true}}};

const Method SIGNRAWTRANSACTIONWITHKEY{
    .name = "signrawtransactionwithkey",
    .summary = "Sign the inputs of a transaction with given keys, which the node forgets at once.",
    .params =
        {{"hexstring", Type::Hex, REQUIRED, "The transaction as on the wire"},
         {"privkeys",
          Type::Array,
          REQUIRED,
          "The keys to sign with",
          {{"", Type::Text, "A secret key in wallet import format"}}},
         {"prevtxs",
          Type::Array,
          ABSENT,
          "What it spends and the node can't know, or can't know enough of",
          {{"", Type::Any, "An output", {SPENT_OUTPUT}}}},
         {"sighashtype", Type::Text, "\"DEFAULT\"",
          "What the signatures sign: ALL, NONE, SINGLE, with |ANYONECANPAY perhaps; DEFAULT is "
          "ALL, of taproot in its short form"}},
    .fails =
        {NOT_A_TRANSACTION,
         BAD_KEY,
         NOT_A_COIN,
         NO_SCRIPTS,
         SCRIPTS_DIFFER,
         SCRIPTS_UNFIT,
         COIN_WITHOUT_INDEX,
         {Code::Deserialization, "Previous output scriptPubKey mismatch:\n..."},
         {Code::InvalidParameter, "'...' is not a valid sighash parameter."},
         GIVEN_UP},
    .example = "$TRANSACTION [\"$SECRET\"]",
    .run = {signrawtransactionwithkey, SIGNED},
};

const Error TOO_FEW{
    Code::Deserialization, "Missing transactions. At least two transactions required."};

/// The same without what satisfies its inputs.
Transaction stripped(Transaction tx) {
    for (TxIn& input : tx.inputs) input = {input.prevout, {}, input.sequence, {}};
    return tx;
}

Outcome<Bytes> combinerawtransaction(const Call& call) {
    std::vector<TransactionRef> variants;
    for (const Json& json : call.arguments[0].items) {
        Outcome<TransactionRef> tx = transaction_of_hex(
            json.text,
            {Code::Deserialization, "TX decode failed for tx " + std::to_string(variants.size()) +
                                        ". Make sure the tx has at least one input."});
        if (!tx) return tx.error();
        variants.push_back(std::move(*tx));
    }
    if (variants.size() < 2) return TOO_FEW;
    for (size_t i = 1; i < variants.size(); ++i)
        if (stripped(*variants[i]) != stripped(*variants[0]))
            return Error{
                Code::InvalidParameter, "Transaction number " + std::to_string(i + 1) +
                                            " not compatible with first transaction"};
    Transaction merged = *variants[0];
    const Coins coins = coins_of(chain_of(call), merged);
    const SighashMidstates midstates = midstates_of(merged, coins);
    for (size_t i = 0; i < merged.inputs.size(); ++i) {
        const auto coin = coins.find(merged.inputs[i].prevout);
        if (coin == coins.end()) return INPUT_GONE;
        if (given_up(call)) return GIVEN_UP;
        Known known;
        for (const TransactionRef& variant : variants) {
            if (verify(*variant, i, coin->second, midstates) == ScriptError::Ok)
                merged.inputs[i] = variant->inputs[i];
            known.add(variant->inputs[i]);
        }
        satisfy(merged, i, coin->second, midstates, std::move(known), {});
    }
    return encode(merged);
}

const Method COMBINERAWTRANSACTION{
    .name = "combinerawtransaction",
    .summary = "One transaction with all signatures that several copies of it hold.",
    .params =
        {{"txs",
          Type::Array,
          REQUIRED,
          "The copies",
          {{"", Type::Hex, "The transaction as on the wire"}}}},
    .fails =
        {{Code::Deserialization, "TX decode failed for tx ..."},
         TOO_FEW,
         {Code::InvalidParameter, "Transaction number ... not compatible with first transaction"},
         INPUT_GONE,
         GIVEN_UP},
    .example = R"(["$TRANSACTION","$TRANSACTION"])",
    .run = {combinerawtransaction, "The transaction as on the wire"},
};

} // namespace

Groups raw_transaction_methods() {
    return {
        {"Rawtransactions",
         {&CREATERAWTRANSACTION, &CREATEPSBT, &CONVERTTOPSBT, &SIGNRAWTRANSACTIONWITHKEY,
          &COMBINERAWTRANSACTION}}};
}

} // namespace cairn::rpc
