// SPDX-License-Identifier: MIT
// Blocks on request, for tests and young chains.
#include "consensus/address.h"
#include "consensus/pow.h"
#include "node/miner.h"
#include "rpc/describe.h"
#include "rpc/methods.h"
#include "rpc/node_context.h"
#include "wallet/keys/descriptor.h"

namespace cairn::rpc {

using namespace consensus;
using namespace server;
using wallet::keys::Descriptor;
using wallet::keys::read_descriptors;

namespace {

constexpr uint64_t DEFAULT_TRIES = 1'000'000;

const Param MAX_TRIES{"maxtries", Type::Int32, "1000000", "Give up after so many hashes"};

const Error MULTIPATH{Code::InvalidParameter, "Multipath descriptor not accepted"};
const Error RANGED{
    Code::InvalidParameter,
    "Ranged descriptor not accepted. Maybe pass through deriveaddresses first?"};
const Error BAD_ADDRESS{Code::InvalidAddressOrKey, "Error: Invalid address"};
const Error BAD_OUTPUT{Code::InvalidAddressOrKey, "Error: Invalid address or descriptor"};
const Error NOT_ACCEPTED{Code::InternalError, "ProcessNewBlock, block not accepted"};
const Error NOT_MADE{Code::Misc, "Failed to make block."};

std::optional<Script> script_of_address(const Call& call, std::string_view address) {
    return consensus::script_of_address(address, params_of(call).address);
}

/// What a block pays to by a descriptor: of combo() the P2WPKH script or, without one, the P2PKH.
Outcome<Script> payout_of(const std::vector<Descriptor>& descriptors) {
    if (descriptors.size() > 1) return MULTIPATH;
    if (descriptors[0].is_range()) return RANGED;
    const auto scripts = descriptors[0].scripts(0);
    if (!scripts) return NO_PRIVATE_KEYS;
    return (*scripts)[scripts->size() / 2].script;
}

/// Mine `block` and hand it in; false if `tries` hashes were not enough, or the node stops.
Outcome<bool> finish_block(const Call& call, Block& block, uint64_t& tries) {
    if (!node::mine(block, tries, context_of(call).stopping)) return false;
    const auto outcome = wait_for<chain::BlockOutcome>(
        call, &chain::Chain::accept_block, std::make_shared<const Block>(block), true);
    if (!outcome.verdict) return NOT_ACCEPTED;
    return true;
}

/// Mine as many blocks as argument 0 says, with as many hashes as argument 2 says.
Outcome<std::vector<BlockHash>> generate(const Call& call, const Outcome<Script>& payout) {
    if (!payout) return payout.error();
    auto tries = static_cast<uint64_t>(std::max<int64_t>(call.integer(2), 0));
    std::vector<BlockHash> hashes;
    for (int64_t i = 0; i < call.integer(0) && !given_up(call); ++i) {
        const auto made =
            wait_for<chain::BlockTemplate>(call, &chain::Chain::make_template, *payout);
        const Outcome<bool> finished = finish_block(call, *made.block, tries);
        if (!finished) return finished.error();
        if (!*finished) break;
        hashes.push_back(made.block->header.hash());
    }
    return hashes;
}

Outcome<std::vector<BlockHash>> generatetoaddress(const Call& call) {
    const std::optional<Script> payout = rpc::script_of_address(call, call.text(1));
    if (!payout) return BAD_ADDRESS;
    return generate(call, *payout);
}

const Method GENERATETOADDRESS{
    .name = "generatetoaddress",
    .role = Role::Mine,
    .summary = "Mine blocks that pay to an address.",
    .params =
        {{"nblocks", Type::Int32, REQUIRED, "How many"},
         {"address", Type::Text, REQUIRED, "Whom their coinbases pay"},
         MAX_TRIES},
    .fails = {BAD_ADDRESS, NOT_ACCEPTED},
    .example = "1 $ADDRESS",
    .run = {generatetoaddress, "The blocks made"},
    .pace = slow,
};

Outcome<std::vector<BlockHash>> generatetodescriptor(const Call& call) {
    const auto descriptors = read_descriptors(call.text(1), params_of(call).address);
    if (!descriptors) return Error{Code::InvalidAddressOrKey, descriptors.error().why};
    return generate(call, payout_of(*descriptors));
}

const Method GENERATETODESCRIPTOR{
    .name = "generatetodescriptor",
    .role = Role::Mine,
    .summary = "Mine blocks that pay to a descriptor.",
    .params =
        {{"num_blocks", Type::Int32, REQUIRED, "How many"},
         {"descriptor", Type::Text, REQUIRED, "Whom their coinbases pay"},
         MAX_TRIES},
    .fails =
        {{Code::InvalidAddressOrKey, "what is wrong with the descriptor"},
         MULTIPATH,
         RANGED,
         NO_PRIVATE_KEYS,
         NOT_ACCEPTED},
    .example = "1 raw(51)",
    .run = {generatetodescriptor, "The blocks made"},
    .pace = slow,
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
        text, {Code::Deserialization, "Transaction decode failed for " + text +
                                          ". Make sure the tx has at least one input."});
}

/// Replace the transactions of a template by those of argument 1; their fees go to nobody.
std::optional<Error> replace_transactions(const Call& call, chain::BlockTemplate& made) {
    Block& block = *made.block;
    Transaction coinbase = block.transactions[0];
    coinbase.outputs[0].value = block_subsidy(made.height, params_of(call));
    block.transactions.clear();
    block.transactions.emplace_back(std::move(coinbase));
    for (const Json& text : call.arguments[1].items) {
        const Outcome<TransactionRef> tx = transaction_of_text(call, text.text);
        if (!tx) return tx.error();
        block.transactions.push_back(**tx);
    }
    chain::regenerate_commitments(block);
    return std::nullopt;
}

struct Generated {
    BlockHash hash;
    std::optional<Bytes> bytes;
};

const Object<Generated> GENERATED{
    {"hash", "The block", &Generated::hash},
    {"hex", "Its bytes, if it was not submitted", &Generated::bytes}};

Outcome<Script> payout_of_output(const Call& call, const std::string& output) {
    if (const auto descriptors = read_descriptors(output, params_of(call).address))
        return payout_of(*descriptors);
    const std::optional<Script> script = rpc::script_of_address(call, output);
    if (!script) return BAD_OUTPUT;
    return *script;
}

Outcome<Generated> generateblock(const Call& call) {
    const Outcome<Script> payout = payout_of_output(call, call.text(0));
    if (!payout) return payout.error();
    auto made = wait_for<chain::BlockTemplate>(call, &chain::Chain::make_template, *payout);
    if (std::optional<Error> error = replace_transactions(call, made)) return std::move(*error);
    const auto verdict = wait_for<consensus::Result<>>(call, &chain::Chain::test_block, made.block);
    if (!verdict)
        return Error{Code::Verify, "TestBlockValidity failed: " + reject_text(verdict.error())};
    // The chain may still hold the block that was tested: what is mined is another.
    Block block = *made.block;
    uint64_t tries = DEFAULT_TRIES;
    const bool submit = call.flag(2);
    const Outcome<bool> finished =
        submit ? finish_block(call, block, tries)
               : Outcome<bool>(node::mine(block, tries, context_of(call).stopping));
    if (!finished) return finished.error();
    if (!*finished) return NOT_MADE;
    return Generated{block.header.hash(), only_if(!submit, encode(block))};
}

const Method GENERATEBLOCK{
    .name = "generateblock",
    .role = Role::Mine,
    .summary = "Mine one block of given transactions.",
    .params =
        {{"output", Type::Text, REQUIRED, "Whom the coinbase pays: an address or a descriptor"},
         {"transactions",
          Type::Array,
          REQUIRED,
          "In this order",
          {{"", Type::Hex, "A transaction as on the wire, or the id of one that waits"}}},
         {"submit", Type::Bool, "true", "false: return the block instead"}},
    .fails =
        {BAD_OUTPUT,
         MULTIPATH,
         RANGED,
         NO_PRIVATE_KEYS,
         {Code::InvalidAddressOrKey, "Transaction ... not in mempool."},
         {Code::Deserialization, "Transaction decode failed"},
         {Code::Verify, "TestBlockValidity failed: ..."},
         NOT_ACCEPTED,
         NOT_MADE},
    .example = "$ADDRESS []",
    .run = {generateblock, GENERATED},
    .pace = slow,
};

} // namespace

Groups generating_methods() {
    return {{"hidden", {&GENERATETOADDRESS, &GENERATETODESCRIPTOR, &GENERATEBLOCK}}};
}

} // namespace cairn::rpc
