// SPDX-License-Identifier: MIT
// Blocks on request, for tests and young chains.
#include "consensus/address.h"
#include "consensus/pow.h"
#include "node/miner.h"
#include "rpc/describe.h"
#include "rpc/methods.h"
#include "rpc/node_context.h"

namespace cairn::rpc {

using namespace consensus;
using namespace server;

namespace {

constexpr std::string_view GROUP = "hidden";
constexpr uint64_t DEFAULT_TRIES = 1'000'000;

const Param MAX_TRIES{"maxtries", Type::Int32, "1000000", "Give up after so many hashes"};

std::vector<server::Result> hashes_result() {
    return {{"", {"", Type::Array, "", {{"", Type::Hash, "A block made"}}}}};
}

Outcome<chain::BlockTemplate> make_template(const Call& call, const Script& payout) {
    return wait_for<chain::BlockTemplate>(
        [&](auto done) { chain_of(call).make_template(payout, std::move(done)); });
}

/// The script that "addr(…)" or "raw(…)", with or without checksum, stands for.
Outcome<Script> script_of_descriptor(const Call& call, std::string_view text) {
    const Error error{Code::InvalidAddressOrKey, "Invalid descriptor"};
    const size_t hash_sign = text.find('#');
    const std::string_view body = text.substr(0, hash_sign);
    if (hash_sign != std::string_view::npos &&
        descriptor_checksum(body) != text.substr(hash_sign + 1))
        return error;
    const size_t open = body.find('(');
    if (open == std::string_view::npos || !body.ends_with(')')) return error;
    const std::string_view function = body.substr(0, open);
    const std::string argument(body.substr(open + 1, body.size() - open - 2));
    if (function == "addr") return rpc::script_of_address(call, argument);
    const std::optional<Bytes> bytes = from_hex(argument);
    if (function != "raw" || !bytes) return error;
    return Script(*bytes);
}

Outcome<Script> script_of_output(const Call& call, const std::string& text) {
    Outcome<Script> script = script_of_descriptor(call, text);
    if (!script) script = rpc::script_of_address(call, text);
    if (!script) return Error{Code::InvalidAddressOrKey, "Error: Invalid address or descriptor"};
    return script;
}

/// Mine `block` and hand it in; false if `tries` hashes were not enough, or the node stops.
Outcome<bool> finish_block(const Call& call, Block& block, uint64_t& tries) {
    if (!node::mine(block, tries, context_of(call).stopping)) return false;
    const auto shared = std::make_shared<const Block>(block);
    const auto outcome = wait_for<chain::BlockOutcome>(
        [&](auto done) { chain_of(call).accept_block(shared, true, std::move(done)); });
    if (!outcome) return outcome.error();
    if (!outcome->verdict) return Error{Code::InternalError, "ProcessNewBlock, block not accepted"};
    return true;
}

Reply generate(const Call& call, int64_t count, const Script& payout, int64_t max_tries) {
    uint64_t tries = max_tries < 0 ? 0 : static_cast<uint64_t>(max_tries);
    JsonWriter writer;
    writer.begin_array();
    for (int64_t i = 0; i < count; ++i) {
        const Outcome<chain::BlockTemplate> made = make_template(call, payout);
        if (!made) return made.error();
        const Outcome<bool> finished = finish_block(call, *made->block, tries);
        if (!finished) return finished.error();
        if (!*finished) break;
        writer.string(made->block->header.hash().to_string());
    }
    return writer.end_array().take();
}

Reply generatetoaddress(const Call& call) {
    const Outcome<Script> payout = rpc::script_of_address(call, call.text(1), "Error: ");
    if (!payout) return payout.error();
    return generate(call, call.integer(0), *payout, call.integer(2));
}

const Method GENERATETOADDRESS{
    .name = "generatetoaddress",
    .group = GROUP,
    .summary = "Mine blocks that pay to an address.",
    .params =
        {{"nblocks", Type::Int32, REQUIRED, "How many"},
         {"address", Type::Text, REQUIRED, "Whom their coinbases pay"},
         MAX_TRIES},
    .returns = hashes_result(),
    .fails = {{Code::InvalidAddressOrKey, "Error: Invalid address"}},
    .example = "generatetoaddress 1 $ADDRESS",
    .run = generatetoaddress,
};

Reply generatetodescriptor(const Call& call) {
    const Outcome<Script> payout = script_of_descriptor(call, call.text(1));
    if (!payout) return payout.error();
    return generate(call, call.integer(0), *payout, call.integer(2));
}

const Method GENERATETODESCRIPTOR{
    .name = "generatetodescriptor",
    .group = GROUP,
    .summary = "Mine blocks that pay to a descriptor.",
    .params =
        {{"num_blocks", Type::Int32, REQUIRED, "How many"},
         {"descriptor", Type::Text, REQUIRED, "Whom their coinbases pay: addr(…) or raw(…)"},
         MAX_TRIES},
    .returns = hashes_result(),
    .fails = {{Code::InvalidAddressOrKey, "Invalid descriptor"}},
    .example = "generatetodescriptor 1 raw(51)",
    .run = generatetodescriptor,
};

/// A transaction given by its id in the mempool, or in hexadecimal.
Outcome<TransactionRef> transaction_of_text(const Call& call, const std::string& text) {
    if (const std::optional<Txid> txid = Txid::from_string(text)) {
        const chain::MempoolReader pool = chain_of(call).mempool();
        const chain::MempoolEntry* entry = pool->find(*txid);
        if (entry == nullptr)
            return Error{Code::InvalidAddressOrKey, "Transaction " + text + " not in mempool."};
        return entry->tx;
    }
    return transaction_of_hex(
        text,
        "Transaction decode failed for " + text + ". Make sure the tx has at least one input.");
}

/// Replace the transactions of a template by those of argument 1; their fees go to nobody.
std::optional<Error> replace_transactions(const Call& call, chain::BlockTemplate& made) {
    Block& block = *made.block;
    Transaction coinbase = block.transactions[0];
    coinbase.outputs[0].value = block_subsidy(made.height, params_of(call));
    block.transactions.clear();
    block.transactions.emplace_back(std::move(coinbase));
    for (const Json& text : call.json(1).items) {
        const Outcome<TransactionRef> tx =
            transaction_of_text(call, text.is(Json::Kind::String) ? text.text : "");
        if (!tx) return tx.error();
        block.transactions.push_back(**tx);
    }
    chain::regenerate_commitments(block);
    return std::nullopt;
}

Reply generateblock(const Call& call) {
    const Outcome<Script> payout = script_of_output(call, call.text(0));
    if (!payout) return payout.error();
    Outcome<chain::BlockTemplate> made = make_template(call, *payout);
    if (!made) return made.error();
    if (std::optional<Error> error = replace_transactions(call, *made)) return std::move(*error);
    const auto verdict = wait_for<consensus::Result<>>(
        [&](auto done) { chain_of(call).test_block(made->block, std::move(done)); });
    if (!verdict) return verdict.error();
    if (!*verdict)
        return Error{Code::Verify, "TestBlockValidity failed: " + reject_text(verdict->error())};
    // The chain may still hold the block that was tested: what is mined is another.
    Block block = *made->block;
    uint64_t tries = DEFAULT_TRIES;
    const bool submit = call.flag(2);
    const Outcome<bool> finished =
        submit ? finish_block(call, block, tries)
               : Outcome<bool>(node::mine(block, tries, context_of(call).stopping));
    if (!finished) return finished.error();
    if (!*finished) return Error{Code::Misc, "Failed to make block."};
    JsonWriter writer;
    writer.begin_object().field("hash", block.header.hash().to_string());
    if (!submit) writer.field("hex", to_hex(encode(block)));
    return writer.end_object().take();
}

const Method GENERATEBLOCK{
    .name = "generateblock",
    .group = GROUP,
    .summary = "Mine one block of given transactions.",
    .params =
        {{"output", Type::Text, REQUIRED, "Whom the coinbase pays: an address, addr(…) or raw(…)"},
         {"transactions",
          Type::Array,
          REQUIRED,
          "In this order",
          {{"", Type::Hex, "A transaction as on the wire, or the id of one that waits"}}},
         {"submit", Type::Bool, "true", "false: return the block instead"}},
    .returns =
        {{"",
          {"",
           Type::Object,
           "",
           {{"hash", Type::Hash, "The block"},
            optional({"hex", Type::Hex, "Its bytes, if it was not submitted"})}}}},
    .fails =
        {{Code::InvalidAddressOrKey, "Error: Invalid address or descriptor"},
         {Code::InvalidAddressOrKey, "Transaction … not in mempool."},
         {Code::Deserialization, "Transaction decode failed"},
         {Code::Verify, "TestBlockValidity failed: and the reason"}},
    .example = "generateblock $ADDRESS []",
    .run = generateblock,
};

} // namespace

Methods generating_methods() {
    return {&GENERATETOADDRESS, &GENERATETODESCRIPTOR, &GENERATEBLOCK};
}

} // namespace cairn::rpc
