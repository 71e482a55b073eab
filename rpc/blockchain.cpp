// SPDX-License-Identifier: MIT
// What the chain holds: blocks, headers, filters.
#include "consensus/pow.h"
#include "node/clock.h"
#include "rpc/describe.h"
#include "rpc/methods.h"
#include "rpc/named_block.h"

namespace cairn::rpc {

using namespace consensus;
using namespace server;

namespace {

constexpr std::string_view BASIC_FILTER = "basic";

const Error HEIGHT_OUT_OF_RANGE{Code::InvalidParameter, "Block height out of range"};
const Error NOT_CONNECTED{
    Code::InvalidAddressOrKey, "Filter not found. Block was not connected to active chain."};
const Error FILTERS_IN_PROGRESS{
    Code::Misc, "Filter not found. Block filters are still in the process of being indexed."};

// The chain and its tip //////////////////////////////////////////////////////////////////////

struct ChainState {
    const Node& node;
    const chain::Chain& chain = node.chain;
    chain::View view = chain.view();
    const chain::BlockNode& tip = view.tip();
};

bool prunes(const ChainState& s) {
    return s.chain.options().prune_bytes.has_value();
}

const Object<chain::AssumedChain> BACKGROUND{
    {"snapshotheight", "Height of the snapshot", [](auto& b) { return b.base->height; }},
    {"blocks", "Validated up to this height", [](auto& b) { return b.validated->height; }},
    {"bestblockhash", "That block", [](auto& b) { return b.validated->hash; }},
    {"mediantime", "Median of its and ten earlier blocks' times",
     [](auto& b) { return Seconds{b.validated->median_time_past()}; }},
    {"chainwork", "Expected hashes up to it", [](auto& b) { return b.validated->work; }},
    {"verificationprogress", "Part of the way, 0 to 1",
     [](auto& b) { return double(b.validated->chain_tx_count) / double(b.base->chain_tx_count); }}};

const Object<ChainState> CHAIN_STATE{
    {"chain", "The chain's name", [](auto& s) { return s.chain.params().name; }},
    {"blocks", "Height of the tip", [](auto& s) { return s.view.height(); }},
    {"headers", "Height of the best header", [](auto& s) { return s.chain.best_header().height; }},
    {"bestblockhash", "The tip", [](auto& s) { return s.tip.hash; }},
    {TARGET, [](auto& s) { return Target{s.tip.header.bits}; }},
    {"time", "The tip's time", [](auto& s) { return Seconds{s.tip.header.time}; }},
    {"mediantime", "Median of the last eleven blocks' times",
     [](auto& s) { return Seconds{s.tip.median_time_past()}; }},
    {"verificationprogress", "Validated part of the headers, 0 to 1",
     [](auto& s) { return verification_progress(s.chain, s.tip); }},
    {"initialblockdownload", "Whether the node is still catching up",
     [](auto& s) { return s.chain.initial_download(); }},
    {"chainwork", "Expected hashes of the chain", [](auto& s) { return s.tip.work; }},
    {"backgroundvalidation", "Of what is before a snapshot that was loaded",
     [](auto& s) { return s.chain.assumed(); }, BACKGROUND},
    {"size_on_disk", "Bytes of blocks and undo data",
     [](auto& s) { return s.chain.statistics().body_bytes; }},
    {"pruned", "Whether old blocks are deleted", prunes},
    {"pruneheight", "The first block that is kept, if pruned",
     [](auto& s) { return only_if(prunes(s), s.chain.first_body()); }},
    {"automatic_pruning", "Whether that needs no pruneblockchain, if pruned",
     [](auto& s) { return only_if(prunes(s), s.chain.options().prune_bytes > 0U); }},
    {"prune_target_size", "Bytes that blocks may take, if pruned automatically",
     [](auto& s) {
         const std::optional<uint64_t> bytes = s.chain.options().prune_bytes;
         return bytes > 0U ? bytes : std::nullopt;
     }},
    {"signet_challenge", "Script that signs the chain's blocks",
     [](auto& s) { return signet_challenge(s.chain.params()); }},
    {"warnings", "What an operator should know", WARNINGS}};

const Method GETBLOCKCHAININFO{
    .name = "getblockchaininfo",
    .summary = "The state of the chain and of its validation.",
    .run = {[](const Call& call) { return ChainState{context_of(call).node}; }, CHAIN_STATE},
};

const Method GETBLOCKCOUNT{
    .name = "getblockcount",
    .summary = "Height of the tip; genesis is 0.",
    .run = {[](const Call& call) { return chain_of(call).view().height(); }, "The height"},
};

const Method GETBESTBLOCKHASH{
    .name = "getbestblockhash",
    .summary = "Hash of the tip of the active chain.",
    .run = {[](const Call& call) { return chain_of(call).view().tip().hash; }, "The hash"},
};

double tip_difficulty(const Call& call) {
    return difficulty_of(chain_of(call).view().tip().header.bits);
}

const Method GETDIFFICULTY{
    .name = "getdifficulty",
    .summary = "Difficulty of the tip.",
    .run = {tip_difficulty, "How many times harder than bits 1d00ffff"},
};

const Object<chain::ChainTip> BRANCH{
    {"height", "Its height", [](auto& tip) { return tip.node->height; }},
    {"hash", "Its last block", [](auto& tip) { return tip.node->hash; }},
    {"branchlen", "Blocks since it left the active chain", &chain::ChainTip::branch_length},
    {"status", "active, valid-fork, valid-headers, headers-only or invalid",
     &chain::ChainTip::status}};

const Method GETCHAINTIPS{
    .name = "getchaintips",
    .summary = "The ends of all branches of the header tree, highest first.",
    .run = {[](const Call& call) { return chain_of(call).tips(); }, BRANCH},
};

// getchaintxstats ////////////////////////////////////////////////////////////////////////////

const Error NOT_MAIN{Code::InvalidParameter, "Block is not in main chain"};
const Error BAD_BLOCK_COUNT{
    Code::InvalidParameter, "Invalid block count: should be between 0 and the block's height - 1"};

/// Transactions in the last blocks of the chain to one.
struct TransactionRate {
    const chain::BlockNode& last;
    int32_t blocks;
    const chain::BlockNode& before = *last.ancestor_node(last.height - Height(blocks));
    int64_t seconds = last.median_time_past() - before.median_time_past();
    uint64_t total = last.chain_tx_count;
    uint64_t transactions = total - before.chain_tx_count;
    /// Before a snapshot nobody has counted them.
    bool counted = total != 0 && before.chain_tx_count != 0;
};

const Object<TransactionRate> TRANSACTION_RATE{
    {"time", "The last block's time", [](auto& r) { return Seconds{r.last.header.time}; }},
    {"txcount", "Transactions of the chain up to it",
     [](auto& r) { return only_if(r.total != 0, r.total); }},
    {"window_final_block_hash", "The last block", [](auto& r) { return r.last.hash; }},
    {"window_final_block_height", "Its height", [](auto& r) { return r.last.height; }},
    {"window_block_count", "Blocks that are looked at", &TransactionRate::blocks},
    {"window_interval", "Seconds that they took, by median times",
     [](auto& r) { return only_if(r.blocks > 0, r.seconds); }},
    {"window_tx_count", "Transactions in them",
     [](auto& r) { return only_if(r.blocks > 0 && r.counted, r.transactions); }},
    {"txrate", "Transactions per second", [](auto& r) {
         return only_if(
             r.blocks > 0 && r.counted && r.seconds > 0,
             double(r.transactions) / double(r.seconds));
     }}};

Outcome<TransactionRate> getchaintxstats(const Call& call) {
    constexpr int64_t MONTH = int64_t{30} * 24 * 3600;
    const chain::View view = chain_of(call).view();
    const chain::BlockNode* last = &view.tip();
    if (call.has(1)) {
        const Outcome<const chain::BlockNode*> node = block_argument(call, 1);
        if (!node) return node.error();
        if (!view.contains(**node)) return NOT_MAIN;
        last = *node;
    }
    const int32_t most = std::max(0, last->height.value - 1);
    int64_t blocks = std::min<int64_t>(most, MONTH / params_of(call).spacing());
    if (call.has(0)) {
        blocks = call.integer(0);
        if (blocks < 0 || (blocks > 0 && blocks >= last->height.value)) return BAD_BLOCK_COUNT;
    }
    return TransactionRate{*last, static_cast<int32_t>(blocks)};
}

const Method GETCHAINTXSTATS{
    .name = "getchaintxstats",
    .summary = "How many transactions there are, and how fast they come.",
    .params =
        {{"nblocks", Type::Int32, ABSENT, "Blocks to look at; those of a month if it is left out"},
         {"blockhash", Type::Hash, ABSENT, "The last of them; the tip if it is left out"}},
    .fails = {BLOCK_NOT_FOUND, NOT_MAIN, BAD_BLOCK_COUNT},
    .run = {getchaintxstats, TRANSACTION_RATE},
};

// Blocks /////////////////////////////////////////////////////////////////////////////////////

Outcome<BlockHash> getblockhash(const Call& call) {
    const int64_t height = call.integer(0);
    const chain::View view = chain_of(call).view();
    if (height < 0 || height > view.height().value) return HEIGHT_OUT_OF_RANGE;
    return view.at(static_cast<int32_t>(height))->hash;
}

const Method GETBLOCKHASH{
    .name = "getblockhash",
    .summary = "Hash of the block at a height of the active chain.",
    .params = {{"height", Type::Int32, REQUIRED, "Blocks above genesis; 0 is genesis"}},
    .fails = {HEIGHT_OUT_OF_RANGE},
    .example = "0",
    .run = {getblockhash, "The hash"},
};

Reply getblock(const Call& call) {
    const chain::Chain& chain = chain_of(call);
    const Outcome<const chain::BlockNode*> node = block_argument(call, 0);
    if (!node) return node.error();
    const int64_t verbosity = call.integer(1);
    if (verbosity <= 0) {
        const Bytes bytes = chain.read_block_bytes(**node);
        if (bytes.empty()) return body_missing(**node);
        return to_json(bytes);
    }
    if (verbosity == 1) {
        const OutlinedBlock view{{*node, chain.view()}, chain.read_outline(**node)};
        return view.block ? to_json(view, BLOCK) : Reply(body_missing(**node));
    }
    BlockView view{{*node, chain.view()}, chain.read_block(**node), &chain.params()};
    if (!view.block) return body_missing(**node);
    view.undo = chain.read_undo(**node, *view.block);
    view.prevouts = verbosity >= 3;
    return to_json(view, DETAILED_BLOCK);
}

const Method GETBLOCK{
    .name = "getblock",
    .summary = "A block: its bytes, or what is in it.",
    .params =
        {{"blockhash", Type::Hash, REQUIRED, "The block"},
         {"verbosity|verbose", Type::Level, "1",
          "0: bytes, 1: ids of transactions, 2: transactions, 3: and what they spend"}},
    .fails = {BLOCK_NOT_FOUND, NOT_AVAILABLE, PRUNED},
    .example = "$BLOCKHASH 2",
    .run =
        {getblock,
         {returned<Bytes>("verbosity = 0", "The block as on the wire"),
          returned<OutlinedBlock>("verbosity = 1", "", BLOCK),
          returned<BlockView>("verbosity = 2 or 3", "", DETAILED_BLOCK)}},
    .pace = [](const Call& call) { return call.integer(1) < 2 ? Pace::Quick : Pace::Busy; },
};

Reply getblockheader(const Call& call) {
    const Outcome<const chain::BlockNode*> node = block_argument(call, 0);
    if (!node) return node.error();
    if (!call.flag(1)) return to_json(encode((*node)->header));
    return to_json(HeaderView{*node, chain_of(call).view()}, HEADER);
}

const Method GETBLOCKHEADER{
    .name = "getblockheader",
    .summary = "A block's header.",
    .params =
        {{"blockhash", Type::Hash, REQUIRED, "The block"},
         {"verbose", Type::Bool, "true", "false: its bytes"}},
    .fails = {BLOCK_NOT_FOUND},
    .example = "$BLOCKHASH",
    .run =
        {getblockheader,
         {returned<HeaderView>("verbose = true", "", HEADER),
          returned<Bytes>("verbose = false", "The 80 bytes")}},
};

const Object<chain::FilterEntry> FILTER{
    {"filter", "The filter", &chain::FilterEntry::filter},
    {"header", "The filter's header", &chain::FilterEntry::header}};

Outcome<chain::FilterEntry> getblockfilter(const Call& call) {
    if (call.text(1) != BASIC_FILTER) return UNKNOWN_FILTER;
    const chain::Chain& chain = chain_of(call);
    if (!chain.indexes().enabled(chain::IndexId::Filters)) return NO_FILTERS;
    const Outcome<const chain::BlockNode*> node = block_argument(call, 0);
    if (!node) return node.error();
    std::optional<chain::FilterEntry> entry = chain.indexes().filter(**node);
    if (!entry)
        return (*node)->has(chain::BlockNode::VALID_SCRIPTS) ? FILTERS_IN_PROGRESS : NOT_CONNECTED;
    return std::move(*entry);
}

const Method GETBLOCKFILTER{
    .name = "getblockfilter",
    .summary = "The compact filter of a block (BIP-0157).",
    .params =
        {{"blockhash", Type::Hash, REQUIRED, "The block"},
         {"filtertype", Type::Text, "\"basic\"", "Its type"}},
    .fails = {BLOCK_NOT_FOUND, UNKNOWN_FILTER, NO_FILTERS, NOT_CONNECTED, FILTERS_IN_PROGRESS},
    .example = "$BLOCKHASH",
    .run = {getblockfilter, FILTER},
    .pace = pace_of_index<chain::IndexId::Filters>,
};

} // namespace

Groups blockchain_methods() {
    return {
        {"Blockchain",
         {&GETBLOCKCHAININFO, &GETBLOCKCOUNT, &GETBESTBLOCKHASH, &GETBLOCKHASH, &GETBLOCK,
          &GETBLOCKHEADER, &GETCHAINTIPS, &GETCHAINTXSTATS, &GETDIFFICULTY, &GETBLOCKFILTER}}};
}

} // namespace cairn::rpc
