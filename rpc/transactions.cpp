// SPDX-License-Identifier: MIT
// Single transactions: looking them up, sending them, taking them apart.
#include "consensus/address.h"
#include "consensus/signature.h"
#include "consensus/standard.h"
#include "node/network.h"
#include "rpc/describe.h"
#include "rpc/methods.h"
#include "rpc/node_context.h"

#include <algorithm>

namespace cairn::rpc {

using namespace consensus;
using namespace server;

namespace {

constexpr std::string_view GROUP = "Rawtransactions";
constexpr size_t MAX_TESTED_TRANSACTIONS = 25;
constexpr std::string_view DECODE_FAILED =
    "TX decode failed. Make sure the tx has at least one input.";
constexpr std::string_view FEERATE_TOO_HIGH =
    "Fee rates larger than or equal to 1BTC/kvB are not accepted";

const Param MAX_FEERATE{
    "maxfeerate", Type::Amount, "\"0.10\"",
    "Refuse a transaction that pays more coins for 1,000 virtual bytes; 0: no limit"};

// getrawtransaction //////////////////////////////////////////////////////////////////////////

/// A transaction, and the block it was found in.
struct Found {
    TransactionRef tx;
    const chain::BlockNode* node = nullptr; ///< Null if it waits.
    std::vector<chain::Coin> spent;         ///< What it spends, if asked for and known.
};

std::optional<Found> find_in_block(
    const chain::Chain& chain, const chain::BlockNode& node, const Txid& txid, bool with_spent) {
    const BlockRef block = chain.read_block(node);
    if (!block) return std::nullopt;
    for (size_t i = 0; i < block->transactions.size(); ++i) {
        if (block->transactions[i].txid != txid) continue;
        Found found{share_transaction(block, i), &node, {}};
        if (!with_spent || i == 0) return found;
        if (std::optional<chain::BlockUndo> undo = chain.read_undo(node))
            found.spent = std::move(undo->spent[i - 1]);
        return found;
    }
    return std::nullopt;
}

Outcome<Found> find_transaction(const Call& call, const Txid& txid, bool with_spent) {
    const chain::Chain& chain = chain_of(call);
    if (txid == chain.params().genesis.transactions[0].txid && !call.has(2))
        return Error{
            Code::InvalidAddressOrKey,
            "The genesis block coinbase is not considered an ordinary transaction and cannot be "
            "retrieved"};
    if (call.has(2)) {
        const BlockHash hash(hash_argument(call, 2));
        const chain::BlockNode* node = chain.find_block(hash);
        if (node == nullptr) return Error{Code::InvalidAddressOrKey, "Block hash not found"};
        if (!node->has(chain::BlockNode::HAVE_BODY))
            return Error{Code::Misc, "Block not available"};
        if (std::optional<Found> found = find_in_block(chain, *node, txid, with_spent))
            return std::move(*found);
        return Error{
            Code::InvalidAddressOrKey,
            "No such transaction found in the provided block. Use gettransaction for wallet "
            "transactions."};
    }
    const chain::MempoolReader pool = chain.mempool();
    if (const chain::MempoolEntry* entry = pool->find(txid)) return Found{entry->tx, nullptr, {}};
    return Error{
        Code::InvalidAddressOrKey,
        "No such mempool transaction. Use -txindex or provide a block hash to enable blockchain "
        "transaction queries. Use gettransaction for wallet transactions."};
}

Reply getrawtransaction(const Call& call) {
    const int64_t verbosity = call.integer(1);
    const Outcome<Found> found =
        find_transaction(call, Txid(hash_argument(call, 0)), verbosity >= 2);
    if (!found) return found.error();
    if (verbosity <= 0) return JsonWriter().string(to_hex(encode(*found->tx))).take();
    const chain::View view = chain_of(call).view();
    const bool active = found->node != nullptr && view.contains(*found->node);
    JsonWriter writer;
    writer.begin_object();
    if (call.has(2)) writer.field("in_active_chain", active);
    const bool has_spent = !found->spent.empty();
    write_transaction(
        writer, *found->tx, params_of(call),
        {.spent = has_spent ? &found->spent : nullptr, .prevouts = true});
    if (found->node != nullptr) {
        writer.field("blockhash", found->node->hash.to_string());
        const int32_t confirmations = active ? (view.height() - found->node->height).value + 1 : 0;
        writer.field("confirmations", confirmations);
        if (active)
            writer.field("time", found->node->header.time)
                .field("blocktime", found->node->header.time);
    }
    return writer.end_object().take();
}

std::vector<Field> found_fields(bool prevouts) {
    return join(
        join(
            {optional({"in_active_chain", Type::Bool, "Whether the block named is active"})},
            transaction_fields(prevouts)),
        {optional({"blockhash", Type::Hash, "The block it is in"}),
         optional({"confirmations", Type::Int32, "Blocks from that one to the tip"}),
         optional({"time", Type::Time, "The block's time"}),
         optional({"blocktime", Type::Time, "The same"})});
}

const Method GETRAWTRANSACTION{
    .name = "getrawtransaction",
    .group = GROUP,
    .summary = "A transaction that waits, or that is in a given block.",
    .params =
        {{"txid", Type::Hash, REQUIRED, "Its id"},
         {"verbosity|verbose", Type::Level, "0",
          "0: its bytes, 1: what is in it, 2: and what it spends"},
         {"blockhash", Type::Hash, ABSENT, "The block it is in"}},
    .returns =
        {{"verbosity = 0", {"", Type::Hex, "The transaction as on the wire"}},
         {"verbosity = 1", {"", Type::Object, "", found_fields(false)}},
         {"verbosity = 2", {"", Type::Object, "", found_fields(true)}}},
    .fails =
        {{Code::InvalidAddressOrKey, "No such mempool transaction."},
         {Code::InvalidAddressOrKey, "Block hash not found"},
         {Code::InvalidAddressOrKey, "No such transaction found in the provided block."}},
    .example = "getrawtransaction $TXID 2 $BLOCKHASH",
    .run = getrawtransaction,
};

// sendrawtransaction, testmempoolaccept //////////////////////////////////////////////////////

using Verdict = consensus::Result<chain::Accepted>;

Outcome<Verdict> accept(const Call& call, const TransactionRef& tx, bool test_only) {
    return wait_for<Verdict>([&](auto done) {
        chain_of(call).accept_transaction(tx, {.test_only = test_only}, std::move(done));
    });
}

/// Whether `accepted` pays more than `max_feerate` (0: no limit) allows.
bool pays_too_much(const chain::Accepted& accepted, Amount max_feerate) {
    return max_feerate > Amount(0) &&
           accepted.fee > chain::FeeRate{max_feerate}.fee(accepted.vsize);
}

bool burns_more_than(const Transaction& tx, Amount limit) {
    return std::any_of(tx.outputs.begin(), tx.outputs.end(), [&](const TxOut& out) {
        return is_unspendable(out.script_pubkey) && out.value > limit;
    });
}

bool has_unspent_output(const chain::Chain& chain, const SealedTransaction& tx) {
    for (uint32_t i = 0; i < tx.outputs.size(); ++i)
        if (chain.find_coin({tx.txid, i}, false)) return true;
    return false;
}

Error refusal(const Reject& reject) {
    const bool missing = reject.kind == Reject::Kind::MissingInputs;
    return {missing ? Code::Verify : Code::Rejected, reject_text(reject)};
}

/// Put `tx` into the mempool, if it isn't there already.
std::optional<Error> submit(const Call& call, const TransactionRef& tx, Amount max_feerate) {
    const chain::Chain& chain = chain_of(call);
    if (chain.mempool()->find(tx->txid) != nullptr) return std::nullopt;
    if (has_unspent_output(chain, *tx))
        return Error{Code::AlreadyInUtxoSet, "Transaction outputs already in utxo set"};
    if (max_feerate > Amount(0)) {
        const Outcome<Verdict> tested = accept(call, tx, true);
        if (!tested) return tested.error();
        if (tested->has_value() && pays_too_much(**tested, max_feerate))
            return Error{
                Code::Verify,
                "Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)"};
    }
    const Outcome<Verdict> accepted = accept(call, tx, false);
    if (!accepted) return accepted.error();
    if (accepted->has_error()) return refusal(accepted->error());
    return std::nullopt;
}

Reply sendrawtransaction(const Call& call) {
    const Outcome<TransactionRef> tx = transaction_of_hex(call.text(0), std::string(DECODE_FAILED));
    if (!tx) return tx.error();
    if (call.satoshis(1) >= COIN)
        return Error{Code::InvalidParameter, std::string(FEERATE_TOO_HIGH)};
    if (burns_more_than(**tx, call.satoshis(2)))
        return Error{
            Code::Verify, "Unspendable output exceeds maximum configured by user (maxburnamount)"};
    if (std::optional<Error> error = submit(call, *tx, call.satoshis(1))) return std::move(*error);
    if (node::Network* network = context_of(call).node.network; network != nullptr)
        network->broadcast(*tx);
    return JsonWriter().string((*tx)->txid.to_string()).take();
}

const Method SENDRAWTRANSACTION{
    .name = "sendrawtransaction",
    .group = GROUP,
    .summary = "Check a transaction, keep it in the mempool, and announce it to all peers.",
    .params =
        {{"hexstring", Type::Hex, REQUIRED, "The transaction as on the wire"},
         MAX_FEERATE,
         {"maxburnamount", Type::Amount, "\"0\"",
          "Refuse a transaction with more coins than these in an unspendable output"}},
    .returns = {{"", {"", Type::Hash, "Its id"}}},
    .fails =
        {{Code::Deserialization, DECODE_FAILED},
         {Code::Verify, "bad-txns-inputs-missingorspent"},
         {Code::Verify, "Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)"},
         {Code::Rejected, "the reason of the refusal"},
         {Code::AlreadyInUtxoSet, "Transaction outputs already in utxo set"}},
    .example = "sendrawtransaction $TRANSACTION",
    .run = sendrawtransaction,
};

void write_test(
    JsonWriter& writer, const SealedTransaction& tx, const Verdict& verdict, Amount max_feerate) {
    writer.begin_object().field("txid", tx.txid.to_string());
    writer.field("wtxid", tx.wtxid.to_string());
    const bool too_much = verdict.has_value() && pays_too_much(*verdict, max_feerate);
    writer.field("allowed", verdict.has_value() && !too_much);
    if (too_much) {
        writer.field("reject-reason", "max-fee-exceeded");
    } else if (verdict.has_value()) {
        writer.field("vsize", verdict->vsize).key("fees").begin_object();
        writer.key("base").amount(verdict->fee.value);
        writer.key("effective-feerate").amount(verdict->effective_feerate.per_kvb.value);
        writer.key("effective-includes").begin_array().string(tx.wtxid.to_string()).end_array();
        writer.end_object();
    } else {
        const Reject& reject = verdict.error();
        const bool missing = reject.kind == Reject::Kind::MissingInputs;
        writer.field("reject-reason", missing ? "missing-inputs" : std::string(reject.reason));
        writer.field("reject-details", reject_text(reject));
    }
    writer.end_object();
}

Reply testmempoolaccept(const Call& call) {
    const std::vector<Json>& texts = call.json(0).items;
    if (texts.empty() || texts.size() > MAX_TESTED_TRANSACTIONS)
        return Error{Code::InvalidParameter, "Array must contain between 1 and 25 transactions."};
    const Amount max_feerate = call.satoshis(1);
    if (max_feerate >= COIN) return Error{Code::InvalidParameter, std::string(FEERATE_TOO_HIGH)};
    JsonWriter writer;
    writer.begin_array();
    for (const Json& text : texts) {
        const Outcome<TransactionRef> tx = transaction_of_hex(
            text.is(Json::Kind::String) ? text.text : "",
            "TX decode failed: " + text.text + " Make sure the tx has at least one input.");
        if (!tx) return tx.error();
        const Outcome<Verdict> verdict = accept(call, *tx, true);
        if (!verdict) return verdict.error();
        write_test(writer, **tx, *verdict, max_feerate);
    }
    return writer.end_array().take();
}

const Method TESTMEMPOOLACCEPT{
    .name = "testmempoolaccept",
    .group = "Mempool",
    .summary = "Whether the mempool would take transactions, each for itself; nothing is kept.",
    .params =
        {{"rawtxs",
          Type::Array,
          REQUIRED,
          "Up to 25 transactions as on the wire",
          {{"", Type::Hex, "A transaction"}}},
         MAX_FEERATE},
    .returns =
        {{"",
          {"",
           Type::Array,
           "",
           {{"",
             Type::Object,
             "For each transaction",
             {{"txid", Type::Hash, "Its id"},
              {"wtxid", Type::Hash, "The hash with the witness"},
              {"allowed", Type::Bool, "Whether it would be taken"},
              optional({"vsize", Type::Integer, "Virtual bytes"}),
              optional(
                  {"fees",
                   Type::Object,
                   "What it pays",
                   {{"base", Type::Amount, "The fee"},
                    {"effective-feerate", Type::Amount, "Its price of 1,000 virtual bytes"},
                    {"effective-includes",
                     Type::Array,
                     "What that price is of",
                     {{"", Type::Hash, "A wtxid"}}}}}),
              optional({"reject-reason", Type::Text, "Why not"}),
              optional({"reject-details", Type::Text, "Why not, in more words"})}}}}}},
    .fails =
        {{Code::InvalidParameter, "Array must contain between 1 and 25 transactions."},
         {Code::Deserialization, "TX decode failed"}},
    .example = "testmempoolaccept [\"$TRANSACTION\"]",
    .run = testmempoolaccept,
};

// decoderawtransaction, decodescript /////////////////////////////////////////////////////////

Reply decoderawtransaction(const Call& call) {
    const Outcome<TransactionRef> tx = transaction_of_hex(call.text(0), "TX decode failed");
    if (!tx) return tx.error();
    JsonWriter writer;
    writer.begin_object();
    write_transaction(writer, **tx, params_of(call), {.hex = false});
    return writer.end_object().take();
}

const Method DECODERAWTRANSACTION{
    .name = "decoderawtransaction",
    .group = GROUP,
    .summary = "What is in a transaction.",
    .params =
        {{"hexstring", Type::Hex, REQUIRED, "The transaction as on the wire"},
         {"iswitness", Type::Bool, ABSENT, "Kept for old callers: both forms are tried"}},
    .returns = {{"", {"", Type::Object, "", transaction_fields(false)}}},
    .fails = {{Code::Deserialization, "TX decode failed"}},
    .example = "decoderawtransaction $TRANSACTION",
    .run = decoderawtransaction,
};

/// Whether a hash of `script` may stand for it: no opcode in it is unknown to old rules, and no
/// push is too long. Core: HasValidOps.
bool has_known_opcodes(ByteView script) {
    ScriptReader reader(script);
    while (const std::optional<Instruction> step = reader.next())
        if (step->opcode >= OP_CHECKSIGADD || step->data.size() > MAX_SCRIPT_ELEMENT_SIZE)
            return false;
    return reader.at_end();
}

bool can_be_hashed(ByteView script, OutputType type) {
    switch (type) {
    case OutputType::Multisig:
    case OutputType::Nonstandard:
    case OutputType::PubKey:
    case OutputType::PubKeyHash:
    case OutputType::WitnessV0KeyHash:
    case OutputType::WitnessV0ScriptHash:
        return has_known_opcodes(script) && !is_unspendable(script);
    default:
        return false;
    }
}

/// The witness program that stands for `script`; nullopt where there is none.
std::optional<Script> witness_script_of(ByteView script, const OutputTemplate& found) {
    const auto compressed = [](const Bytes& key) { return is_compressed_pubkey(key); };
    switch (found.type) {
    case OutputType::PubKey:
    case OutputType::Multisig:
        if (!std::all_of(found.parts.begin(), found.parts.end(), compressed)) return std::nullopt;
        if (found.type == OutputType::PubKey) return pay_to_witness(0, hash160(found.parts[0]));
        break;
    case OutputType::PubKeyHash:
        return pay_to_witness(0, found.parts[0]);
    case OutputType::Nonstandard:
        break;
    default:
        return std::nullopt;
    }
    return pay_to_witness(0, sha256(script).view());
}

Reply decodescript(const Call& call) {
    const std::optional<Bytes> bytes = from_hex(call.text(0));
    if (!bytes)
        return Error{
            Code::InvalidParameter,
            "argument must be hexadecimal string (not '" + call.text(0) + "')"};
    const Params& params = params_of(call);
    const OutputTemplate found = match_template(*bytes);
    JsonWriter writer;
    writer.begin_object();
    write_script_members(writer, *bytes, params, false);
    if (can_be_hashed(*bytes, found.type)) {
        const auto p2sh_address = [&](ByteView script) {
            return address_of_script(pay_to_script_hash(hash160(script)), params.address);
        };
        writer.field("p2sh", *p2sh_address(*bytes));
        if (const std::optional<Script> witness = witness_script_of(*bytes, found)) {
            writer.key("segwit").begin_object();
            write_script_members(writer, *witness, params, true);
            writer.field("p2sh-segwit", *p2sh_address(*witness)).end_object();
        }
    }
    return writer.end_object().take();
}

const Method DECODESCRIPT{
    .name = "decodescript",
    .group = GROUP,
    .summary = "What a script says, and the addresses that stand for it.",
    .params = {{"hexstring", Type::Hex, REQUIRED, "The script"}},
    .returns =
        {{"",
          {"",
           Type::Object,
           "",
           {{"asm", Type::Text, "Its opcodes by name"},
            {"desc", Type::Text, "A descriptor of it"},
            optional({"address", Type::Text, "Its address, if it has one"}),
            {"type", Type::Text, "Its form"},
            optional({"p2sh", Type::Text, "Address of its hash"}),
            optional(
                {"segwit", Type::Object, "The witness program that stands for it",
                 join(
                     script_fields(),
                     {{"p2sh-segwit", Type::Text, "Address of that program's hash"}})})}}}},
    .example = "decodescript 76a914000000000000000000000000000000000000000088ac",
    .run = decodescript,
};

} // namespace

Methods transaction_methods() {
    return {
        &GETRAWTRANSACTION, &SENDRAWTRANSACTION, &TESTMEMPOOLACCEPT, &DECODERAWTRANSACTION,
        &DECODESCRIPT};
}

} // namespace cairn::rpc
