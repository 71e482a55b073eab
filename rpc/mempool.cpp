// SPDX-License-Identifier: MIT
// Transactions that wait for a block, and what they should pay.
#include "chain/policy.h"
#include "rpc/describe.h"
#include "rpc/methods.h"
#include "rpc/node_context.h"

namespace cairn::rpc {

using namespace consensus;
using namespace server;

namespace {

constexpr std::string_view GROUP = "Mempool";
constexpr int64_t MAX_CONFIRMATION_TARGET = 1008;

/// The waiting transactions `entries` as ids.
void write_ids(
    JsonWriter& writer,
    std::string_view name,
    const std::vector<const chain::MempoolEntry*>& entries) {
    writer.key(name).begin_array();
    for (const chain::MempoolEntry* entry : entries) writer.string(entry->tx->txid.to_string());
    writer.end_array();
}

/// What a transaction and those around it weigh and pay together.
struct Sums {
    int64_t count = 1;
    int64_t vsize = 0;
    Amount fee;
};

Sums sum_of(
    const chain::MempoolEntry& entry, const std::vector<const chain::MempoolEntry*>& around) {
    Sums sums{1, entry.vsize, entry.modified_fee};
    for (const chain::MempoolEntry* other : around) {
        ++sums.count;
        sums.vsize += other->vsize;
        sums.fee += other->modified_fee;
    }
    return sums;
}

void write_entry(
    JsonWriter& writer,
    const chain::Mempool& pool,
    const chain::MempoolEntry& entry,
    const std::set<Txid>& unbroadcast) {
    const Sums above = sum_of(entry, pool.ancestors(entry));
    const Sums below = sum_of(entry, pool.descendants(entry));
    writer.begin_object().field("vsize", entry.vsize).field("weight", entry.tx->weight());
    writer.field("time", entry.time).field("height", entry.height.value);
    writer.field("descendantcount", below.count).field("descendantsize", below.vsize);
    writer.field("ancestorcount", above.count).field("ancestorsize", above.vsize);
    writer.field("wtxid", entry.tx->wtxid.to_string());
    // Mining order is by single transactions: each is a chunk of its own.
    writer.field("chunkweight", entry.tx->weight()).key("fees").begin_object();
    writer.key("base").amount(entry.fee.value).key("modified").amount(entry.modified_fee.value);
    writer.key("ancestor").amount(above.fee.value).key("descendant").amount(below.fee.value);
    writer.key("chunk").amount(entry.modified_fee.value).end_object();
    write_ids(writer, "depends", pool.parents(entry));
    write_ids(writer, "spentby", pool.children(entry));
    writer.field("unbroadcast", unbroadcast.count(entry.tx->txid) > 0).end_object();
}

std::vector<Field> entry_fields() {
    return {
        {"vsize", Type::Integer, "Virtual bytes; many signature checks count as more"},
        {"weight", Type::Integer, "Weight units"},
        {"time", Type::Time, "When it came in"},
        {"height", Type::Int32, "The tip's height then"},
        {"descendantcount", Type::Integer, "Transactions that depend on it, itself included"},
        {"descendantsize", Type::Integer, "Their virtual bytes"},
        {"ancestorcount", Type::Integer, "Transactions it depends on, itself included"},
        {"ancestorsize", Type::Integer, "Their virtual bytes"},
        {"wtxid", Type::Hash, "The hash with the witness"},
        {"chunkweight", Type::Integer, "Weight of what would be mined together with it"},
        {"fees",
         Type::Object,
         "What is paid",
         {{"base", Type::Amount, "By it"},
          {"modified", Type::Amount, "By it, as prioritisetransaction makes it count"},
          {"ancestor", Type::Amount, "By it and what it depends on"},
          {"descendant", Type::Amount, "By it and what depends on it"},
          {"chunk", Type::Amount, "By what would be mined together with it"}}},
        {"depends",
         Type::Array,
         "Waiting transactions it spends from",
         {{"", Type::Hash, "An id"}}},
        {"spentby",
         Type::Array,
         "Waiting transactions that spend from it",
         {{"", Type::Hash, "An id"}}},
        {"unbroadcast", Type::Bool, "Whether no peer has asked for it yet"}};
}

Reply getmempoolinfo(const Call& call) {
    const chain::Chain& chain = chain_of(call);
    const chain::ChainOptions& options = chain.options();
    const size_t unbroadcast_count = unbroadcast(call).size();
    JsonWriter writer;
    writer.begin_object().field("loaded", chain.mempool_loaded());
    {
        const chain::MempoolReader pool = chain.mempool();
        writer.field("size", static_cast<uint64_t>(pool->size()));
        writer.field("bytes", pool->total_vsize());
        writer.field("usage", static_cast<uint64_t>(pool->memory_bytes()));
        writer.key("total_fee").amount(pool->total_fee().value);
    }
    const chain::FeeRate least = std::max(chain.mempool_min_feerate(), options.min_relay_feerate);
    writer.field("maxmempool", static_cast<uint64_t>(options.max_mempool_bytes));
    writer.key("mempoolminfee").amount(least.per_kvb.value);
    writer.key("minrelaytxfee").amount(options.min_relay_feerate.per_kvb.value);
    writer.key("incrementalrelayfee").amount(options.incremental_feerate.per_kvb.value);
    writer.field("unbroadcastcount", static_cast<uint64_t>(unbroadcast_count));
    writer.field("permitbaremultisig", options.permit_bare_multisig);
    writer.field("maxdatacarriersize", static_cast<uint64_t>(options.max_datacarrier_bytes));
    writer.field("limitclustercount", static_cast<uint64_t>(chain::MAX_CLUSTER_COUNT));
    writer.field("limitclustersize", chain::MAX_CLUSTER_VSIZE).field("optimal", true);
    return writer.end_object().take();
}

const Method GETMEMPOOLINFO{
    .name = "getmempoolinfo",
    .group = GROUP,
    .summary = "Size, limits and prices of the mempool.",
    .returns =
        {{"",
          {"",
           Type::Object,
           "",
           {{"loaded", Type::Bool, "Whether what was saved at the last stop is back"},
            {"size", Type::Integer, "Transactions"},
            {"bytes", Type::Integer, "Their virtual bytes"},
            {"usage", Type::Integer, "Bytes of memory"},
            {"total_fee", Type::Amount, "What they pay"},
            {"maxmempool", Type::Integer, "Limit of the memory"},
            {"mempoolminfee", Type::Amount, "Least price of 1,000 virtual bytes at present"},
            {"minrelaytxfee", Type::Amount, "Least price by the options"},
            {"incrementalrelayfee", Type::Amount, "Least rise of the price for a replacement"},
            {"unbroadcastcount", Type::Integer, "Transactions that no peer has asked for yet"},
            {"permitbaremultisig", Type::Bool, "Whether bare multisig outputs are relayed"},
            {"maxdatacarriersize", Type::Integer, "Bytes of OP_RETURN outputs that are relayed"},
            {"limitclustercount", Type::Integer, "Transactions that may hang together"},
            {"limitclustersize", Type::Integer, "Their virtual bytes"},
            {"optimal", Type::Bool, "Whether the mining order is known to be the best"}}}}},
    .example = "getmempoolinfo",
    .run = getmempoolinfo,
};

Reply getrawmempool(const Call& call) {
    const bool verbose = call.flag(0);
    const bool with_sequence = call.flag(1);
    if (verbose && with_sequence)
        return Error{
            Code::InvalidParameter, "Verbose results cannot contain mempool sequence values."};
    const std::set<Txid> not_broadcast = verbose ? unbroadcast(call) : std::set<Txid>();
    const chain::MempoolReader pool = chain_of(call).mempool();
    const std::vector<const chain::MempoolEntry*> entries = pool->in_mining_order();
    JsonWriter writer;
    if (verbose) {
        writer.begin_object();
        for (const chain::MempoolEntry* entry : entries) {
            writer.key(entry->tx->txid.to_string());
            write_entry(writer, *pool, *entry, not_broadcast);
        }
        return writer.end_object().take();
    }
    if (with_sequence) writer.begin_object().key("txids");
    writer.begin_array();
    for (const chain::MempoolEntry* entry : entries) writer.string(entry->tx->txid.to_string());
    writer.end_array();
    if (with_sequence) writer.field("mempool_sequence", pool->sequence()).end_object();
    return writer.take();
}

const Method GETRAWMEMPOOL{
    .name = "getrawmempool",
    .group = GROUP,
    .summary = "All transactions that wait, in mining order.",
    .params =
        {{"verbose", Type::Bool, "false", "With what getmempoolentry tells of each"},
         {"mempool_sequence", Type::Bool, "false", "With the number of changes so far"}},
    .returns =
        {{"verbose = false", {"", Type::Array, "", {{"", Type::Hash, "An id"}}}},
         {"verbose = true",
          {"", Type::Map, "By id", {{"txid", Type::Object, "An entry", entry_fields()}}}},
         {"mempool_sequence = true",
          {"",
           Type::Object,
           "",
           {{"txids", Type::Array, "The transactions", {{"", Type::Hash, "An id"}}},
            {"mempool_sequence", Type::Integer, "Changes so far"}}}}},
    .fails = {{Code::InvalidParameter, "Verbose results cannot contain mempool sequence values."}},
    .example = "getrawmempool true",
    .run = getrawmempool,
};

Reply getmempoolentry(const Call& call) {
    const std::set<Txid> not_broadcast = unbroadcast(call);
    const chain::MempoolReader pool = chain_of(call).mempool();
    const chain::MempoolEntry* entry = pool->find(Txid(hash_argument(call, 0)));
    if (entry == nullptr) return Error{Code::InvalidAddressOrKey, "Transaction not in mempool"};
    JsonWriter writer;
    write_entry(writer, *pool, *entry, not_broadcast);
    return writer.take();
}

const Method GETMEMPOOLENTRY{
    .name = "getmempoolentry",
    .group = GROUP,
    .summary = "A transaction that waits.",
    .params = {{"txid", Type::Hash, REQUIRED, "Its id"}},
    .returns = {{"", {"", Type::Object, "", entry_fields()}}},
    .fails = {{Code::InvalidAddressOrKey, "Transaction not in mempool"}},
    .example = "getmempoolentry $WAITING_TXID",
    .run = getmempoolentry,
};

Reply prioritisetransaction(const Call& call) {
    if (call.has(1) && call.satoshis(1) != 0)
        return Error{
            Code::InvalidParameter,
            "Priority is no longer supported, dummy argument to prioritisetransaction must be 0."};
    const Txid txid(hash_argument(call, 0));
    const Amount delta(call.integer(2));
    const auto answered = wait_for<bool>([&](auto done) {
        chain_of(call).prioritise(txid, delta, [done = std::move(done)] { done(true); });
    });
    if (!answered) return answered.error();
    return std::string("true");
}

const Method PRIORITISETRANSACTION{
    .name = "prioritisetransaction",
    .group = "Mining",
    .summary = "Count a transaction in mining as if it paid more, or less. It still pays the same.",
    .params =
        {{"txid", Type::Hash, REQUIRED, "The transaction"},
         {"dummy", Type::Amount, ABSENT, "0 or null; kept for old callers"},
         {"fee_delta", Type::Integer, REQUIRED, "Satoshis, added to what was given before"}},
    .returns = {{"", {"", Type::Bool, "true"}}},
    .fails =
        {{Code::InvalidParameter,
          "Priority is no longer supported, dummy argument to prioritisetransaction must be 0."}},
    .example = "prioritisetransaction $WAITING_TXID 0 1000",
    .run = prioritisetransaction,
};

Reply estimatesmartfee(const Call& call) {
    const int64_t target = call.integer(0);
    if (target < 1 || target > MAX_CONFIRMATION_TARGET)
        return Error{Code::InvalidParameter, "Invalid conf_target, must be between 1 and 1008"};
    const std::string& mode = call.text(1);
    if (mode != "unset" && mode != "economical" && mode != "conservative")
        return Error{
            Code::InvalidParameter,
            "Invalid estimate_mode parameter, must be one of: \"unset\", \"economical\", "
            "\"conservative\""};
    const chain::Chain& chain = chain_of(call);
    const chain::FeeRate price =
        std::max(chain.mempool_min_feerate(), chain.options().min_relay_feerate);
    JsonWriter writer;
    writer.begin_object().key("feerate").amount(price.per_kvb.value);
    return writer.field("blocks", target).end_object().take();
}

const Method ESTIMATESMARTFEE{
    .name = "estimatesmartfee",
    .group = "Util",
    .summary = "A price at which a transaction should be mined within some blocks: what the "
               "mempool asks at present.",
    .params =
        {{"conf_target", Type::Int32, REQUIRED, "Blocks, 1 to 1008"},
         {"estimate_mode", Type::Text, "\"economical\"", "unset, economical or conservative"}},
    .returns =
        {{"",
          {"",
           Type::Object,
           "",
           {{"feerate", Type::Amount, "Coins for 1,000 virtual bytes"},
            {"blocks", Type::Integer, "Blocks it is for"}}}}},
    .fails = {{Code::InvalidParameter, "Invalid conf_target, must be between 1 and 1008"}},
    .example = "estimatesmartfee 6",
    .run = estimatesmartfee,
};

} // namespace

Methods mempool_methods() {
    return {
        &GETMEMPOOLINFO, &GETRAWMEMPOOL, &GETMEMPOOLENTRY, &PRIORITISETRANSACTION,
        &ESTIMATESMARTFEE};
}

} // namespace cairn::rpc
