// SPDX-License-Identifier: MIT
// What the chain holds: blocks, headers, coins, filters.
#include "consensus/pow.h"
#include "node/clock.h"
#include "rpc/describe.h"
#include "rpc/methods.h"
#include "rpc/node_context.h"

namespace cairn::rpc {

using namespace consensus;
using namespace server;

namespace {

constexpr std::string_view GROUP = "Blockchain";
constexpr std::string_view BASIC_FILTER = "basic";

const Field WARNINGS{
    "warnings", Type::Array, "What an operator should know", {{"", Type::Text, "A warning"}}};
const Failure BLOCK_NOT_FOUND{Code::InvalidAddressOrKey, "Block not found"};

/// How far the chain is validated, of what is known to exist.
double verification_progress(const chain::Chain& chain, const chain::View& view) {
    const int32_t known = std::max(chain.best_header().height, view.height()).value;
    return known == 0 ? 1.0 : static_cast<double>(view.height().value) / known;
}

Reply getblockchaininfo(const Call& call) {
    const chain::Chain& chain = chain_of(call);
    const chain::View view = chain.view();
    const chain::BlockNode& tip = view.tip();
    JsonWriter writer;
    writer.begin_object().field("chain", chain.params().name);
    writer.field("blocks", view.height().value);
    writer.field("headers", chain.best_header().height.value);
    writer.field("bestblockhash", tip.hash.to_string());
    writer.field("bits", bits_text(tip.header.bits)).field("target", target_text(tip.header.bits));
    writer.field("difficulty", difficulty_of(tip.header.bits)).field("time", tip.header.time);
    writer.field("mediantime", tip.median_time_past());
    writer.field("verificationprogress", verification_progress(chain, view));
    writer.field("initialblockdownload", chain.initial_download());
    writer.field("chainwork", to_hex(tip.work));
    writer.field("size_on_disk", chain.statistics().disk_bytes).field("pruned", false);
    if (chain.params().signed_blocks())
        writer.field("signet_challenge", to_hex(chain.params().challenge));
    writer.key("warnings").begin_array().end_array().end_object();
    return writer.take();
}

const Method GETBLOCKCHAININFO{
    .name = "getblockchaininfo",
    .group = GROUP,
    .summary = "The state of the chain and of its validation.",
    .returns =
        {{"",
          {"",
           Type::Object,
           "",
           {{"chain", Type::Text, "The chain's name"},
            {"blocks", Type::Int32, "Height of the tip"},
            {"headers", Type::Int32, "Height of the best header"},
            {"bestblockhash", Type::Hash, "The tip"},
            {"bits", Type::Hex, "The tip's target in compact form"},
            {"target", Type::Hash, "The tip's target"},
            {"difficulty", Type::Real, "The tip's difficulty"},
            {"time", Type::Time, "The tip's time"},
            {"mediantime", Type::Time, "Median of the last eleven blocks' times"},
            {"verificationprogress", Type::Real, "Validated part of the headers, 0 to 1"},
            {"initialblockdownload", Type::Bool, "Whether the node is still catching up"},
            {"chainwork", Type::Hash, "Expected hashes of the chain"},
            {"size_on_disk", Type::Integer, "Bytes of blocks, undo data and coins"},
            {"pruned", Type::Bool, "Whether old blocks are deleted"},
            optional({"signet_challenge", Type::Hex, "Script that signs the chain's blocks"}),
            WARNINGS}}}},
    .example = "getblockchaininfo",
    .run = getblockchaininfo,
};

Reply getblockcount(const Call& call) {
    return JsonWriter().integer(chain_of(call).view().height().value).take();
}

const Method GETBLOCKCOUNT{
    .name = "getblockcount",
    .group = GROUP,
    .summary = "Height of the tip; genesis is 0.",
    .returns = {{"", {"", Type::Int32, "The height"}}},
    .example = "getblockcount",
    .run = getblockcount,
};

Reply getbestblockhash(const Call& call) {
    return JsonWriter().string(chain_of(call).view().tip().hash.to_string()).take();
}

const Method GETBESTBLOCKHASH{
    .name = "getbestblockhash",
    .group = GROUP,
    .summary = "Hash of the tip of the active chain.",
    .returns = {{"", {"", Type::Hash, "The hash"}}},
    .example = "getbestblockhash",
    .run = getbestblockhash,
};

Reply getblockhash(const Call& call) {
    const int64_t height = call.integer(0);
    const chain::View view = chain_of(call).view();
    if (height < 0 || height > view.height().value)
        return Error{Code::InvalidParameter, "Block height out of range"};
    const chain::BlockNode* node = view.at(static_cast<int32_t>(height));
    return JsonWriter().string(node->hash.to_string()).take();
}

const Method GETBLOCKHASH{
    .name = "getblockhash",
    .group = GROUP,
    .summary = "Hash of the block at a height of the active chain.",
    .params = {{"height", Type::Int32, REQUIRED, "Blocks above genesis; 0 is genesis"}},
    .returns = {{"", {"", Type::Hash, "The hash"}}},
    .fails = {{Code::InvalidParameter, "Block height out of range"}},
    .example = "getblockhash 0",
    .run = getblockhash,
};

Reply getblock(const Call& call) {
    const chain::Chain& chain = chain_of(call);
    const Outcome<const chain::BlockNode*> node = block_argument(call, 0);
    if (!node) return node.error();
    const int64_t verbosity = call.integer(1);
    if (verbosity <= 0) {
        const Bytes bytes = chain.read_block_bytes(**node);
        if (!bytes.empty()) return JsonWriter().string(to_hex(bytes)).take();
    } else if (const BlockRef block = chain.read_block(**node)) {
        JsonWriter writer;
        write_block(writer, *block, **node, chain, verbosity);
        return writer.take();
    }
    return Error{Code::Misc, "Block not available (not fully downloaded)"};
}

const Method GETBLOCK{
    .name = "getblock",
    .group = GROUP,
    .summary = "A block: its bytes, or what is in it.",
    .params =
        {{"blockhash", Type::Hash, REQUIRED, "The block"},
         {"verbosity|verbose", Type::Level, "1",
          "0: bytes, 1: ids of transactions, 2: transactions, 3: and what they spend"}},
    .returns =
        {{"verbosity = 0", {"", Type::Hex, "The block as on the wire"}},
         {"verbosity = 1", {"", Type::Object, "", block_fields(1)}},
         {"verbosity = 2", {"", Type::Object, "", block_fields(2)}},
         {"verbosity = 3", {"", Type::Object, "", block_fields(3)}}},
    .fails = {BLOCK_NOT_FOUND, {Code::Misc, "Block not available (not fully downloaded)"}},
    .example = "getblock $BLOCKHASH 2",
    .run = getblock,
};

Reply getblockheader(const Call& call) {
    const Outcome<const chain::BlockNode*> node = block_argument(call, 0);
    if (!node) return node.error();
    if (!call.flag(1)) return JsonWriter().string(to_hex(encode((*node)->header))).take();
    JsonWriter writer;
    writer.begin_object();
    write_header(writer, **node, chain_of(call).view());
    return writer.end_object().take();
}

const Method GETBLOCKHEADER{
    .name = "getblockheader",
    .group = GROUP,
    .summary = "A block's header.",
    .params =
        {{"blockhash", Type::Hash, REQUIRED, "The block"},
         {"verbose", Type::Bool, "true", "false: its bytes"}},
    .returns =
        {{"verbose = true", {"", Type::Object, "", header_fields()}},
         {"verbose = false", {"", Type::Hex, "The 80 bytes"}}},
    .fails = {BLOCK_NOT_FOUND},
    .example = "getblockheader $BLOCKHASH",
    .run = getblockheader,
};

Reply getchaintips(const Call& call) {
    JsonWriter writer;
    writer.begin_array();
    for (const chain::ChainTip& tip : chain_of(call).tips()) {
        writer.begin_object().field("height", tip.node->height.value);
        writer.field("hash", tip.node->hash.to_string());
        writer.field("branchlen", tip.branch_length).field("status", tip.status).end_object();
    }
    return writer.end_array().take();
}

const Method GETCHAINTIPS{
    .name = "getchaintips",
    .group = GROUP,
    .summary = "The ends of all branches of the header tree, highest first.",
    .returns =
        {{"",
          {"",
           Type::Array,
           "",
           {{"",
             Type::Object,
             "A branch",
             {{"height", Type::Int32, "Its height"},
              {"hash", Type::Hash, "Its last block"},
              {"branchlen", Type::Int32, "Blocks since it left the active chain"},
              {"status", Type::Text,
               "active, valid-fork, valid-headers, headers-only or invalid"}}}}}}},
    .example = "getchaintips",
    .run = getchaintips,
};

Reply getdifficulty(const Call& call) {
    return JsonWriter().real(difficulty_of(chain_of(call).view().tip().header.bits)).take();
}

const Method GETDIFFICULTY{
    .name = "getdifficulty",
    .group = GROUP,
    .summary = "Difficulty of the tip.",
    .returns = {{"", {"", Type::Real, "How many times harder than bits 1d00ffff"}}},
    .example = "getdifficulty",
    .run = getdifficulty,
};

Reply gettxout(const Call& call) {
    const int64_t index = call.integer(1);
    if (index < 0 || index > UINT32_MAX) return std::string("null");
    const OutPoint point{Txid(hash_argument(call, 0)), static_cast<uint32_t>(index)};
    const chain::BlockNode* tip = nullptr;
    const std::optional<Coin> coin = chain_of(call).find_coin(point, call.flag(2), &tip);
    if (!coin) return std::string("null");
    const bool waits = coin->height == chain::Chain::MEMPOOL_HEIGHT;
    JsonWriter writer;
    writer.begin_object().field("bestblock", tip->hash.to_string());
    writer.field("confirmations", waits ? 0 : (tip->height - coin->height).value + 1);
    writer.key("value").amount(coin->out.value.value).key("scriptPubKey");
    write_script(writer, coin->out.script_pubkey, params_of(call));
    return writer.field("coinbase", coin->coinbase).end_object().take();
}

const Method GETTXOUT{
    .name = "gettxout",
    .group = GROUP,
    .summary = "An unspent output; null if it is spent or never was.",
    .params =
        {{"txid", Type::Hash, REQUIRED, "The transaction"},
         {"n", Type::Integer, REQUIRED, "Number of its output"},
         {"include_mempool", Type::Bool, "true", "As after all waiting transactions"}},
    .returns =
        {{"", optional(
                  {"",
                   Type::Object,
                   "",
                   {{"bestblock", Type::Hash, "The tip it belongs to"},
                    {"confirmations", Type::Int32, "0 if it is waiting"},
                    {"value", Type::Amount, "Its amount"},
                    {"scriptPubKey", Type::Object, "Its script", script_fields()},
                    {"coinbase", Type::Bool, "Whether a coinbase made it"}}})}},
    .example = "gettxout $TXID 0",
    .run = gettxout,
};

Reply getblockfilter(const Call& call) {
    if (call.text(1) != BASIC_FILTER) return Error{Code::InvalidAddressOrKey, "Unknown filtertype"};
    const chain::Chain& chain = chain_of(call);
    if (!chain.options().block_filters)
        return Error{Code::Misc, "Index is not enabled for filtertype basic"};
    const Outcome<const chain::BlockNode*> node = block_argument(call, 0);
    if (!node) return node.error();
    const std::optional<chain::FilterEntry> entry = chain.read_filter(**node);
    if (!entry)
        return Error{
            Code::InvalidAddressOrKey,
            "Filter not found. Block was not connected to active chain."};
    JsonWriter writer;
    writer.begin_object().field("filter", to_hex(entry->filter));
    return writer.field("header", entry->header.to_string()).end_object().take();
}

const Method GETBLOCKFILTER{
    .name = "getblockfilter",
    .group = GROUP,
    .summary = "The compact filter of a block (BIP-0157).",
    .params =
        {{"blockhash", Type::Hash, REQUIRED, "The block"},
         {"filtertype", Type::Text, "\"basic\"", "Its type"}},
    .returns =
        {{"",
          {"",
           Type::Object,
           "",
           {{"filter", Type::Hex, "The filter"}, {"header", Type::Hash, "The filter's header"}}}}},
    .fails =
        {BLOCK_NOT_FOUND,
         {Code::InvalidAddressOrKey, "Unknown filtertype"},
         {Code::Misc, "Index is not enabled for filtertype basic"}},
    .example = "getblockfilter $BLOCKHASH",
    .run = getblockfilter,
};

} // namespace

Methods blockchain_methods() {
    return {&GETBLOCKCHAININFO, &GETBLOCKCOUNT, &GETBESTBLOCKHASH, &GETBLOCKHASH, &GETBLOCK,
            &GETBLOCKHEADER,    &GETCHAINTIPS,  &GETDIFFICULTY,    &GETTXOUT,     &GETBLOCKFILTER};
}

} // namespace cairn::rpc
