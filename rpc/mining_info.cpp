// SPDX-License-Identifier: MIT
#include "chain/policy.h"
#include "consensus/pow.h"
#include "node/clock.h"
#include "rpc/describe.h"
#include "rpc/methods.h"
#include "rpc/node_context.h"

#include <algorithm>
#include <map>

namespace cairn::rpc {

using namespace consensus;
using namespace server;

namespace {

const Error BAD_COUNT{Code::InvalidParameter, "Invalid nblocks. Must be a positive number or -1."};
const Error PRIORITY_UNSUPPORTED{
    Code::InvalidParameter,
    "Priority is no longer supported, dummy argument to prioritisetransaction must be 0."};
const Error DUST_HAS_NO_PRIORITY{
    Code::InvalidParameter, "Priority is not supported for transactions with dust outputs."};
const Error BAD_HEIGHT{Code::InvalidParameter, "Block does not exist at specified height"};

// getmininginfo, getnetworkhashps ////////////////////////////////////////////////////////////

constexpr int64_t HASH_RATE_BLOCKS = 120;
constexpr int64_t DAY = 86'400; ///< Seconds.

/// Hashes a second that the last `count` blocks up to `tip` took. Core: GetNetworkHashPS.
double hashes_per_second(const HeaderNode& tip, int64_t count) {
    count = std::min<int64_t>(count, tip.height.value);
    if (count <= 0) return 0;
    uint32_t first_time = tip.header.time;
    uint32_t last_time = tip.header.time;
    const HeaderNode* first = &tip;
    for (int64_t i = 0; i < count; ++i) {
        first = first->parent;
        first_time = std::min(first_time, first->header.time);
        last_time = std::max(last_time, first->header.time);
    }
    if (first_time == last_time) return 0;
    return Uint256(tip.work - first->work).convert_to<double>() / (last_time - first_time);
}

/// Where the target follows each block, or none, the last day's count.
int64_t blocks_since_retarget(const HeaderNode& tip, const Params& params) {
    const auto* rule = std::get_if<BitcoinRule>(&params.pow);
    const int64_t interval = rule != nullptr ? rule->interval() : DAY / params.spacing();
    return tip.height.value % interval + 1;
}

Outcome<double> getnetworkhashps(const Call& call) {
    const int64_t count = call.integer(0);
    const int64_t height = call.integer(1);
    const chain::View view = chain_of(call).view();
    if (count < -1 || count == 0) return BAD_COUNT;
    if (height < -1 || height > view.height().value) return BAD_HEIGHT;
    const chain::BlockNode& tip = height < 0 ? view.tip() : *view.at(static_cast<int32_t>(height));
    return hashes_per_second(
        tip, count == -1 ? blocks_since_retarget(tip, params_of(call)) : count);
}

const Method GETNETWORKHASHPS{
    .name = "getnetworkhashps",
    .summary = "Hashes a second of all miners, as the last blocks' times and difficulty say.",
    .params =
        {{"nblocks", Type::Int32, "120", "Blocks to look at; -1: since the last retargeting"},
         {"height", Type::Int32, "-1", "As of the block at this height; -1: the tip"}},
    .fails = {BAD_COUNT, BAD_HEIGHT},
    .run = {getnetworkhashps, "Hashes a second"},
};

struct MiningState {
    const NodeContext& context;
    const Node& node = context.node;
    const Params& params = node.chain.params();
    const HeaderNode& tip = node.chain.view().tip();
    const chain::TemplateSize last = node.chain.last_template();

    std::optional<uint32_t> weight() const { return only_if(last.weight > 0, last.weight); }

    std::optional<uint32_t> transactions() const {
        return only_if(last.weight > 0, last.transactions);
    }

    Target next() const {
        const int64_t earliest = tip.median_time_past() + 1;
        const int64_t time = std::max(context.node.clock.wall_seconds(), earliest);
        return {next_bits(tip, static_cast<uint32_t>(time), params)};
    }
};

const Object<MiningState> NEXT_BLOCK{
    {"height", "Its height", [](auto& s) { return s.tip.height + 1; }},
    {TARGET, &MiningState::next}};

const Object<MiningState> MINING_STATE{
    {"blocks", "Height of the tip", [](auto& s) { return s.tip.height; }},
    {"currentblockweight", "Weight of the last template", &MiningState::weight},
    {"currentblocktx", "Its transactions, without the coinbase", &MiningState::transactions},
    {TARGET, [](auto& s) { return Target{s.tip.header.bits}; }},
    {"networkhashps", "Hashes a second of all miners",
     [](auto& s) { return hashes_per_second(s.tip, HASH_RATE_BLOCKS); }},
    {"pooledtx", "Transactions that wait", [](auto& s) { return s.node.chain.mempool()->size(); }},
    {"blockmintxfee", "Least price of 1,000 virtual bytes in templates",
     [](auto& s) { return s.node.chain.options().block_min_feerate; }},
    {"chain", "The chain's name", [](auto& s) { return s.params.name; }},
    {"signet_challenge", "Script that signs the chain's blocks",
     [](auto& s) { return signet_challenge(s.params); }},
    {"next", "The next block", NEXT_BLOCK},
    {"warnings", "What an operator should know", WARNINGS}};

const Method GETMININGINFO{
    .name = "getmininginfo",
    .summary = "What a miner wants to know of the chain.",
    .run = {[](const Call& call) { return MiningState{context_of(call)}; }, MINING_STATE},
};

Outcome<bool> prioritisetransaction(const Call& call) {
    if (call.has(1) && std::strtod(call.text(1).c_str(), nullptr) != 0) return PRIORITY_UNSUPPORTED;
    const Txid txid(hash_argument(call, 0));
    {
        const chain::MempoolReader pool = chain_of(call).mempool();
        const chain::MempoolEntry* entry = pool->find(txid);
        if (entry && chain::count_dust(*entry->tx, chain_of(call).options().dust_feerate) > 0)
            return DUST_HAS_NO_PRIORITY;
    }
    wait_for<Null>(call, &chain::Chain::prioritise, txid, Amount(call.integer(2)));
    return true;
}

const Method PRIORITISETRANSACTION{
    .name = "prioritisetransaction",
    .role = Role::Mine,
    .summary = "Count a transaction in mining as if it paid more, or less. It still pays the same.",
    .params =
        {{"txid", Type::Hash, REQUIRED, "The transaction"},
         {"dummy", Type::Real, ABSENT, "0 or null; kept for old callers"},
         {"fee_delta", Type::Integer, REQUIRED, "Satoshis, added to what was given before"}},
    .fails = {PRIORITY_UNSUPPORTED, DUST_HAS_NO_PRIORITY},
    .example = "$WAITING_TXID 0 1000",
    .run = {prioritisetransaction, "true"},
    .pace = waits,
};

struct Priority {
    Amount delta;
    std::optional<Amount> modified_fee; ///< Of one that waits.
};

const Object<Priority> PRIORITY{
    {"fee_delta", "Satoshis that its fee counts more", [](auto& p) { return p.delta.value; }},
    {"in_mempool", "Whether it waits", [](auto& p) { return p.modified_fee.has_value(); }},
    {"modified_fee", "Satoshis that it counts as paying, if it waits", [](auto& p) {
         return only_if(p.modified_fee.has_value(), p.modified_fee.value_or(0).value);
     }}};

std::map<std::string, Priority> getprioritisedtransactions(const Call& call) {
    const chain::MempoolReader pool = chain_of(call).mempool();
    std::map<std::string, Priority> all;
    for (const auto& [txid, delta] : pool->priorities()) {
        const chain::MempoolEntry* entry = pool->find(txid);
        const Amount fee = entry == nullptr ? Amount(0) : entry->modified_fee;
        all[txid.to_string()] = {delta, only_if(entry != nullptr, fee)};
    }
    return all;
}

const Method GETPRIORITISEDTRANSACTIONS{
    .name = "getprioritisedtransactions",
    .summary = "What prioritisetransaction has changed.",
    .run = {getprioritisedtransactions, "By id", PRIORITY},
};

} // namespace

Groups mining_info_methods() {
    return {
        {"Mining",
         {&GETNETWORKHASHPS, &GETMININGINFO, &PRIORITISETRANSACTION, &GETPRIORITISEDTRANSACTIONS}}};
}

} // namespace cairn::rpc
