// SPDX-License-Identifier: MIT
#include "rpc/describe.h"

#include "consensus/address.h"
#include "consensus/pow.h"
#include "consensus/script_text.h"
#include "consensus/signature.h"
#include "consensus/standard.h"

#include <spdlog/fmt/fmt.h>

namespace cairn::rpc {

using namespace consensus;
using server::Type;

namespace {

std::string hex_of(const auto& value) {
    return to_hex(encode(value));
}

void write_coinbase(JsonWriter& writer, const SealedTransaction& coinbase) {
    const TxIn& input = coinbase.inputs[0];
    writer.key("coinbase_tx").begin_object();
    writer.field("version", static_cast<uint32_t>(coinbase.version));
    writer.field("locktime", coinbase.lock_time).field("sequence", input.sequence);
    writer.field("coinbase", to_hex(input.script_sig));
    if (!input.witness.empty()) writer.field("witness", to_hex(input.witness[0]));
    writer.end_object();
}

void write_prevout(JsonWriter& writer, const chain::Coin& coin, const Params& params) {
    writer.key("prevout").begin_object();
    writer.field("generated", coin.coinbase).field("height", coin.height.value);
    writer.key("value").amount(coin.out.value.value).key("scriptPubKey");
    write_script(writer, coin.out.script_pubkey, params);
    writer.end_object();
}

void write_input(
    JsonWriter& writer,
    const SealedTransaction& tx,
    size_t i,
    const Params& params,
    const TransactionDetail& detail) {
    const TxIn& input = tx.inputs[i];
    writer.begin_object();
    if (tx.is_coinbase()) {
        writer.field("coinbase", to_hex(input.script_sig));
    } else {
        writer.field("txid", input.prevout.txid.to_string()).field("vout", input.prevout.index);
        writer.key("scriptSig").begin_object();
        writer.field("asm", script_to_text(input.script_sig, true));
        writer.field("hex", to_hex(input.script_sig)).end_object();
    }
    if (!input.witness.empty()) {
        writer.key("txinwitness").begin_array();
        for (const ByteView item : input.witness) writer.string(to_hex(item));
        writer.end_array();
    }
    if (detail.prevouts && detail.spent != nullptr && !tx.is_coinbase())
        write_prevout(writer, (*detail.spent)[i], params);
    writer.field("sequence", input.sequence).end_object();
}

Amount fee_of(const SealedTransaction& tx, const std::vector<chain::Coin>& spent) {
    Amount fee = Amount(0) - output_sum(tx);
    for (const chain::Coin& coin : spent) fee += coin.out.value;
    return fee;
}

Field prevout_field() {
    return server::optional(
        {"prevout",
         Type::Object,
         "The output that is spent",
         {{"generated", Type::Bool, "Whether a coinbase made it"},
          {"height", Type::Int32, "Height of the block that made it"},
          {"value", Type::Amount, "Its amount"},
          {"scriptPubKey", Type::Object, "Its script", script_fields()}}});
}

} // namespace

std::string bits_text(uint32_t bits) {
    return fmt::format("{:08x}", bits);
}

std::string target_text(uint32_t bits) {
    return to_hex(target_of(bits).value_or(Uint256(0)));
}

void write_script(JsonWriter& writer, ByteView script, const Params& params) {
    writer.begin_object();
    write_script_members(writer, script, params, true);
    writer.end_object();
}

void write_script_members(JsonWriter& writer, ByteView script, const Params& params, bool hex) {
    writer.field("asm", script_to_text(script)).field("desc", descriptor_of(script, params));
    if (hex) writer.field("hex", to_hex(script));
    const OutputType type = match_template(script).type;
    const std::optional<std::string> address = address_of_script(script, params.address);
    // A bare public key has an address by old custom only; what is paid is the key.
    if (address && type != OutputType::PubKey) writer.field("address", *address);
    writer.field("type", output_type_name(type));
}

void write_transaction(
    JsonWriter& writer,
    const SealedTransaction& tx,
    const Params& params,
    const TransactionDetail& detail) {
    writer.field("txid", tx.txid.to_string()).field("hash", tx.wtxid.to_string());
    writer.field("version", static_cast<uint32_t>(tx.version)).field("size", tx.size_bytes);
    writer.field("vsize", tx.vsize()).field("weight", tx.weight());
    writer.field("locktime", tx.lock_time).key("vin").begin_array();
    for (size_t i = 0; i < tx.inputs.size(); ++i) write_input(writer, tx, i, params, detail);
    writer.end_array().key("vout").begin_array();
    for (size_t i = 0; i < tx.outputs.size(); ++i) {
        writer.begin_object().key("value").amount(tx.outputs[i].value.value);
        writer.field("n", static_cast<uint64_t>(i)).key("scriptPubKey");
        write_script(writer, tx.outputs[i].script_pubkey, params);
        writer.end_object();
    }
    writer.end_array();
    if (detail.spent != nullptr && !tx.is_coinbase())
        writer.key("fee").amount(fee_of(tx, *detail.spent).value);
    if (detail.hex) writer.field("hex", hex_of(tx));
}

void write_header(JsonWriter& writer, const chain::BlockNode& node, const chain::View& view) {
    const bool active = view.contains(node);
    const BlockHeader& header = node.header;
    writer.field("hash", node.hash.to_string());
    writer.field("confirmations", active ? (view.height() - node.height).value + 1 : -1);
    writer.field("height", node.height.value).field("version", header.version);
    writer.field("versionHex", bits_text(static_cast<uint32_t>(header.version)));
    writer.field("merkleroot", header.merkle_root.to_string()).field("time", header.time);
    writer.field("mediantime", node.median_time_past()).field("nonce", header.nonce);
    writer.field("bits", bits_text(header.bits)).field("target", target_text(header.bits));
    writer.field("difficulty", difficulty_of(header.bits));
    writer.field("chainwork", to_hex(node.work)).field("nTx", node.tx_count.load());
    if (node.parent != nullptr) writer.field("previousblockhash", node.parent->hash.to_string());
    const chain::BlockNode* next = active ? view.at(node.height + 1) : nullptr;
    if (next != nullptr) writer.field("nextblockhash", next->hash.to_string());
}

void write_block(
    JsonWriter& writer,
    const Block& block,
    const chain::BlockNode& node,
    const chain::Chain& chain,
    int64_t verbosity) {
    writer.begin_object();
    write_header(writer, node, chain.view());
    writer.field("strippedsize", block.stripped_bytes()).field("size", block.size_bytes());
    writer.field("weight", block.weight());
    write_coinbase(writer, block.transactions[0]);
    writer.key("tx").begin_array();
    const std::optional<chain::BlockUndo> undo =
        verbosity >= 2 ? chain.read_undo(node) : std::nullopt;
    for (size_t i = 0; i < block.transactions.size(); ++i) {
        const SealedTransaction& tx = block.transactions[i];
        if (verbosity < 2) {
            writer.string(tx.txid.to_string());
            continue;
        }
        const bool has_spent = undo && i > 0;
        writer.begin_object();
        write_transaction(
            writer, tx, chain.params(),
            {.spent = has_spent ? &undo->spent[i - 1] : nullptr, .prevouts = verbosity >= 3});
        writer.end_object();
    }
    writer.end_array().end_object();
}

std::vector<Field> script_fields() {
    return {
        {"asm", Type::Text, "The script's opcodes by name"},
        {"desc", Type::Text, "A descriptor of the script"},
        {"hex", Type::Hex, "The script"},
        server::optional({"address", Type::Text, "Its address, if it has one"}),
        {"type", Type::Text, "Its form, pubkeyhash and the like"}};
}

std::vector<Field> transaction_fields(bool prevouts) {
    std::vector<Field> input = {
        server::optional({"coinbase", Type::Hex, "The script of a coinbase"}),
        server::optional({"txid", Type::Hash, "The transaction that is spent from"}),
        server::optional({"vout", Type::Integer, "The number of its output"}),
        server::optional(
            {"scriptSig",
             Type::Object,
             "The script",
             {{"asm", Type::Text, "Its opcodes by name"}, {"hex", Type::Hex, "The script"}}}),
        server::optional(
            {"txinwitness", Type::Array, "The witness", {{"", Type::Hex, "An item"}}})};
    if (prevouts) input.push_back(prevout_field());
    input.push_back({"sequence", Type::Integer, "Core: nSequence"});
    return {
        {"txid", Type::Hash, "Its id"},
        {"hash", Type::Hash, "The hash with the witness"},
        {"version", Type::Integer, "Its version"},
        {"size", Type::Integer, "Bytes"},
        {"vsize", Type::Integer, "Virtual bytes"},
        {"weight", Type::Integer, "Weight units"},
        {"locktime", Type::Integer, "Height or time before which no block may hold it"},
        {"vin", Type::Array, "Inputs", {{"", Type::Object, "An input", std::move(input)}}},
        {"vout",
         Type::Array,
         "Outputs",
         {{"",
           Type::Object,
           "An output",
           {{"value", Type::Amount, "The amount"},
            {"n", Type::Integer, "Its number"},
            {"scriptPubKey", Type::Object, "Its script", script_fields()}}}}},
        server::optional({"fee", Type::Amount, "What it pays, if the coins it spends are known"}),
        server::optional({"hex", Type::Hex, "The transaction"})};
}

std::vector<Field> header_fields() {
    return {
        {"hash", Type::Hash, "Its hash"},
        {"confirmations", Type::Integer, "Blocks from it to the tip; -1 off the active chain"},
        {"height", Type::Int32, "Its height"},
        {"version", Type::Integer, "Its version"},
        {"versionHex", Type::Hex, "The same in hexadecimal"},
        {"merkleroot", Type::Hash, "The root over its transactions"},
        {"time", Type::Time, "As the miner claims"},
        {"mediantime", Type::Time, "Median of it and the ten before"},
        {"nonce", Type::Integer, "Its nonce"},
        {"bits", Type::Hex, "Its target in compact form"},
        {"target", Type::Hash, "Its target"},
        {"difficulty", Type::Real, "How many times harder than bits 1d00ffff"},
        {"chainwork", Type::Hash, "Expected hashes of the chain up to it"},
        {"nTx", Type::Integer, "Transactions in it; 0 if not known yet"},
        server::optional({"previousblockhash", Type::Hash, "The block before it"}),
        server::optional({"nextblockhash", Type::Hash, "The block after it, if it is active"})};
}

std::vector<Field> block_fields(int64_t verbosity) {
    Field tx = verbosity < 2
                   ? Field{"", Type::Hash, "A transaction's id"}
                   : Field{"", Type::Object, "A transaction", transaction_fields(verbosity >= 3)};
    return join(
        header_fields(), {{"strippedsize", Type::Integer, "Bytes without witnesses"},
                          {"size", Type::Integer, "Bytes"},
                          {"weight", Type::Integer, "Weight units"},
                          {"coinbase_tx",
                           Type::Object,
                           "The coinbase",
                           {{"version", Type::Integer, "Its version"},
                            {"locktime", Type::Integer, "Its lock time"},
                            {"sequence", Type::Integer, "Its input's sequence"},
                            {"coinbase", Type::Hex, "Its input's script"},
                            server::optional({"witness", Type::Hex, "The witness's first item"})}},
                          {"tx", Type::Array, "Transactions", {std::move(tx)}}});
}

std::vector<Field> join(std::vector<Field> fields, std::vector<Field> more) {
    for (Field& field : more) fields.push_back(std::move(field));
    return fields;
}

} // namespace cairn::rpc
