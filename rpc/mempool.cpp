// SPDX-License-Identifier: MIT
// Transactions that wait for a block, and what they should pay.
#include "node/network.h"
#include "rpc/describe.h"
#include "rpc/methods.h"
#include "rpc/node_context.h"

#include <functional>

namespace cairn::rpc {

using namespace consensus;
using namespace server;

namespace {

const Error NOT_IN_MEMPOOL{Code::InvalidAddressOrKey, "Transaction not in mempool"};
const Error NO_OUTPUTS{Code::InvalidParameter, "Invalid parameter, outputs are missing"};
const Error NEGATIVE_VOUT{Code::InvalidParameter, "Invalid parameter, vout cannot be negative"};
const Error SEQUENCE_OF_VERBOSE{
    Code::InvalidParameter, "Verbose results cannot contain mempool sequence values."};
const Error NOT_LOADED{Code::Misc, "The mempool was not loaded yet"};
const Error NOT_SAVED{Code::Misc, "Unable to dump mempool to disk"};
const Error NOT_READ{Code::Misc, "Unable to import mempool file, see debug.log for details."};
const Error NOT_SYNCED{
    Code::InInitialDownload,
    "Can only import the mempool after the block download and sync is done."};

const Param TXID{"txid", Type::Hash, REQUIRED, "Its id"};
const Param VERBOSE{"verbose", Type::Bool, "false", "With what getmempoolentry tells of each"};

// Entries ////////////////////////////////////////////////////////////////////////////////////

using Entries = chain::Mempool::Entries;

/// What a transaction and those around it weigh and pay together.
struct Sums {
    Sums(const chain::MempoolEntry& entry, const Entries& around)
        : vsize(entry.vsize()),
          fee(entry.modified_fee) {
        for (const chain::MempoolEntry* other : around) {
            ++count;
            vsize += other->vsize();
            fee += other->modified_fee;
        }
    }

    int64_t count = 1;
    int64_t vsize;
    Amount fee;
};

std::vector<Txid> ids_of(const Entries& entries) {
    std::vector<Txid> ids;
    for (const chain::MempoolEntry* entry : entries) ids.push_back(entry->tx->txid);
    return ids;
}

/// A waiting transaction, as of when the mempool was looked at.
struct EntryView {
    EntryView(
        const chain::Mempool& pool,
        const chain::MempoolEntry& of,
        const std::set<Txid>& all_unbroadcast)
        : entry(of),
          above(of, pool.ancestors(of)),
          below(of, pool.descendants(of)),
          depends(ids_of(pool.parents(of))),
          spent_by(ids_of(pool.children(of))),
          unbroadcast(all_unbroadcast.contains(of.tx->txid)) {}

    chain::MempoolEntry entry;
    Sums above;
    Sums below;
    std::vector<Txid> depends;
    std::vector<Txid> spent_by;
    bool unbroadcast;
};

const Object<EntryView> FEES{
    {"base", "By it", [](auto& e) { return e.entry.fee; }},
    {"modified", "By it, as prioritisetransaction makes it count",
     [](auto& e) { return e.entry.modified_fee; }},
    {"ancestor", "By it and what it depends on", [](auto& e) { return e.above.fee; }},
    {"descendant", "By it and what depends on it", [](auto& e) { return e.below.fee; }},
    {"chunk", "By what would be mined together with it",
     [](auto& e) { return Amount(e.entry.place.cost.fee); }}};

const Object<EntryView> ENTRY{
    {"vsize", "Virtual bytes; many signature checks count as more",
     [](auto& e) { return e.entry.vsize(); }},
    {"weight", "Weight units", [](auto& e) { return e.entry.tx->weight(); }},
    {"time", "When it came in", [](auto& e) { return Seconds{e.entry.time}; }},
    {"height", "The tip's height then", [](auto& e) { return e.entry.height; }},
    {"descendantcount", "Transactions that depend on it, itself included",
     [](auto& e) { return e.below.count; }},
    {"descendantsize", "Their virtual bytes", [](auto& e) { return e.below.vsize; }},
    {"ancestorcount", "Transactions it depends on, itself included",
     [](auto& e) { return e.above.count; }},
    {"ancestorsize", "Their virtual bytes", [](auto& e) { return e.above.vsize; }},
    {"wtxid", "The hash with the witness", [](auto& e) { return e.entry.tx->wtxid; }},
    {"chunkweight", "Weight of what would be mined together with it",
     [](auto& e) { return e.entry.place.cost.size; }},
    {"fees", "What is paid", FEES},
    {"depends", "Ids of waiting transactions it spends from", &EntryView::depends},
    {"spentby", "Ids of waiting transactions that spend from it", &EntryView::spent_by},
    {"unbroadcast", "Whether no peer has asked for it yet", &EntryView::unbroadcast}};

Outcome<EntryView> getmempoolentry(const Call& call) {
    const std::set<Txid> not_broadcast = unbroadcast(call);
    const chain::MempoolReader pool = chain_of(call).mempool();
    const chain::MempoolEntry* entry = pool->find(Txid(hash_argument(call, 0)));
    if (entry == nullptr) return NOT_IN_MEMPOOL;
    return EntryView(*pool, *entry, not_broadcast);
}

const Method GETMEMPOOLENTRY{
    .name = "getmempoolentry",
    .summary = "A transaction that waits.",
    .params = {TXID},
    .fails = {NOT_IN_MEMPOOL},
    .example = "$WAITING_TXID",
    .run = {getmempoolentry, ENTRY},
};

using EntriesById = std::vector<std::pair<std::string, EntryView>>;

/// All that waits and all that is to tell of it: a few at a time, since the chain's commits wait
/// while they are looked at. So each is as of its own moment; who came after the first is left out.
std::string all_entries(const Call& call) {
    constexpr size_t SLICE = 50;
    const std::set<Txid> not_broadcast = unbroadcast(call);
    const uint64_t last_sequence = chain_of(call).mempool()->sequence();
    JsonWriter writer;
    writer.begin_object();
    std::vector<EntryView> last;
    do {
        std::vector<EntryView> views;
        {
            const chain::MempoolReader pool = chain_of(call).mempool();
            const chain::MempoolEntry* const after = last.empty() ? nullptr : &last.back().entry;
            for (const chain::MempoolEntry* entry : pool->younger_than(after, SLICE))
                views.emplace_back(*pool, *entry, not_broadcast);
        }
        for (const EntryView& view : views)
            if (view.entry.sequence <= last_sequence)
                ENTRY.write(writer.key(view.entry.tx->txid.to_string()), view);
        last = std::move(views);
    } while (!last.empty());
    return writer.end_object().take();
}

/// What `choose` takes from the mempool: the ids or, `verbose`, all that is to tell.
Reply entries_reply(
    const Call& call,
    bool verbose,
    const std::function<std::optional<Entries>(const chain::Mempool&)>& choose) {
    const std::set<Txid> not_broadcast = verbose ? unbroadcast(call) : std::set<Txid>();
    EntriesById by_id;
    std::vector<Txid> ids;
    {
        const chain::MempoolReader pool = chain_of(call).mempool();
        const std::optional<Entries> chosen = choose(*pool);
        if (!chosen) return NOT_IN_MEMPOOL;
        if (!verbose) ids = ids_of(*chosen);
        for (const chain::MempoolEntry* entry : verbose ? *chosen : Entries())
            by_id.emplace_back(
                entry->tx->txid.to_string(), EntryView(*pool, *entry, not_broadcast));
    }
    return verbose ? to_json(by_id, ENTRY) : to_json(ids);
}

/// getmempoolancestors and getmempooldescendants.
template <auto family>
Reply relatives(const Call& call) {
    return entries_reply(call, call.flag(1), [&](const chain::Mempool& pool) {
        const chain::MempoolEntry* entry = pool.find(Txid(hash_argument(call, 0)));
        return entry ? std::optional((pool.*family)(*entry)) : std::nullopt;
    });
}

const std::vector<Returned> IDS_OR_ENTRIES{
    returned<std::vector<Txid>>("verbose = false", "Their ids"),
    returned<EntriesById>("verbose = true", "By id", ENTRY)};

const Method GETMEMPOOLANCESTORS{
    .name = "getmempoolancestors",
    .summary = "All waiting transactions that one depends on.",
    .params = {TXID, VERBOSE},
    .fails = {NOT_IN_MEMPOOL},
    .example = "$WAITING_TXID",
    .run = {relatives<&chain::Mempool::ancestors>, IDS_OR_ENTRIES},
};

const Method GETMEMPOOLDESCENDANTS{
    .name = "getmempooldescendants",
    .summary = "All waiting transactions that depend on one.",
    .params = {TXID, VERBOSE},
    .fails = {NOT_IN_MEMPOOL},
    .example = "$WAITING_TXID true",
    .run = {relatives<&chain::Mempool::descendants>, IDS_OR_ENTRIES},
};

/// Of calls that tell a little of all that waits.
Pace pace_of_all(const Call& call) {
    constexpr size_t QUICK = 5'000;
    return chain_of(call).mempool()->size() <= QUICK ? Pace::Quick : Pace::Busy;
}

struct Snapshot {
    std::vector<Txid> txids;
    uint64_t sequence = 0;
};

const Object<Snapshot> SNAPSHOT{
    {"txids", "The transactions", &Snapshot::txids},
    {"mempool_sequence", "Changes so far", &Snapshot::sequence}};

Reply getrawmempool(const Call& call) {
    const bool verbose = call.flag(0);
    const bool with_sequence = call.flag(1);
    if (verbose) return with_sequence ? Reply(SEQUENCE_OF_VERBOSE) : all_entries(call);
    Snapshot snapshot;
    {
        const chain::MempoolReader pool = chain_of(call).mempool();
        snapshot = {ids_of(pool->in_mining_order()), pool->sequence()};
    }
    return with_sequence ? to_json(snapshot, SNAPSHOT) : to_json(snapshot.txids);
}

const Method GETRAWMEMPOOL{
    .name = "getrawmempool",
    .summary =
        "All transactions that wait, in mining order; verbose, in that of their coming, each as it "
        "is when its turn comes: the mempool changes meanwhile.",
    .params =
        {VERBOSE, {"mempool_sequence", Type::Bool, "false", "With the number of changes so far"}},
    .fails = {SEQUENCE_OF_VERBOSE},
    .example = "true",
    .run =
        {getrawmempool,
         {returned<std::vector<Txid>>("verbose = false", "Their ids"),
          returned<EntriesById>("verbose = true", "By id", ENTRY),
          returned<Snapshot>("mempool_sequence = true", "", SNAPSHOT)}},
    .pace = [](const Call& call) { return call.flag(0) ? Pace::Busy : pace_of_all(call); },
};

// Clusters ///////////////////////////////////////////////////////////////////////////////////

struct ChunkView {
    explicit ChunkView(const Entries& chunk)
        : cost(chunk.front()->place.cost),
          txids(ids_of(chunk)) {}

    chain::FeeSize cost;
    std::vector<Txid> txids;
};

const Object<ChunkView> CHUNK{
    {"chunkfee", "What they pay, as prioritisetransaction makes it count",
     [](auto& c) { return Amount(c.cost.fee); }},
    {"chunkweight", "Weight units; many signature checks count as more",
     [](auto& c) { return c.cost.size; }},
    {"txs", "Their ids, in mining order", &ChunkView::txids}};

struct ClusterView {
    int64_t weight = 0;
    size_t count = 0;
    std::vector<ChunkView> chunks;
};

const Object<ClusterView> CLUSTER{
    {"clusterweight", "Weight units; many signature checks count as more", &ClusterView::weight},
    {"txcount", "Transactions", &ClusterView::count},
    {"chunks", "In mining order", &ClusterView::chunks, CHUNK}};

Outcome<ClusterView> getmempoolcluster(const Call& call) {
    const chain::MempoolReader pool = chain_of(call).mempool();
    const chain::MempoolEntry* found = pool->find(Txid(hash_argument(call, 0)));
    if (found == nullptr) return NOT_IN_MEMPOOL;
    ClusterView view;
    for (const chain::MempoolEntry* entry : chain::Mempool::cluster(*found)) {
        view.weight += entry->weight;
        ++view.count;
        if (entry->place.chunk == entry) view.chunks.emplace_back(chain::Mempool::chunk(*entry));
    }
    return view;
}

const Method GETMEMPOOLCLUSTER{
    .name = "getmempoolcluster",
    .summary = "All transactions that hang together with one, as they would be mined.",
    .params = {TXID},
    .fails = {NOT_IN_MEMPOOL},
    .example = "$WAITING_TXID",
    .run = {getmempoolcluster, CLUSTER},
};

const Object<chain::FeeSize> DIAGRAM_POINT{
    {"weight", "Weight units of the best so far", &chain::FeeSize::size},
    {"fee", "What they pay", [](auto& p) { return Amount(p.fee); }}};

std::vector<chain::FeeSize> getmempoolfeeratediagram(const Call& call) {
    std::vector<chain::FeeSize> points{{}};
    chain_of(call).mempool()->visit_chunks([&](const Entries& chunk) {
        chain::FeeSize sum = points.back();
        points.push_back(sum += chunk.front()->place.cost);
        return true;
    });
    return points;
}

const Method GETMEMPOOLFEERATEDIAGRAM{
    .name = "getmempoolfeeratediagram",
    .summary = "How the fees of the mempool add up in mining order, chunk by chunk.",
    .run = {getmempoolfeeratediagram, "", DIAGRAM_POINT},
    .pace = pace_of_all,
};

struct Prevout {
    OutPoint point;
    std::optional<Txid> spender;
    TransactionRef tx;                      ///< That, if the caller wants it.
    const chain::BlockNode* node = nullptr; ///< Where it is, if it waits no more.
};

const Object<Prevout> PREVOUT{
    {"txid", "The transaction that made it", [](auto& p) { return p.point.txid; }},
    {"vout", "The number of its output", [](auto& p) { return p.point.index; }},
    {"spendingtxid", "What spends it", &Prevout::spender},
    {"spendingtx", "That as on the wire, with return_spending_tx",
     [](auto& p) { return only_if(p.tx != nullptr, p.tx ? encode(*p.tx) : Bytes()); }},
    {"blockhash", "The block that is in, if it waits no more",
     [](auto& p) { return p.node ? &p.node->hash : nullptr; }}};

const Error NO_SPENDER_INDEX{
    Code::Misc, "Mempool lacks a relevant spend, and txospenderindex is unavailable."};

/// A flag in the options of argument 1.
std::optional<bool> option(const Call& call, std::string_view name) {
    const Json* value = call.arguments[1].find(name);
    return value == nullptr || value->is_null() ? std::nullopt : std::optional(value->truth);
}

/// Errors: TypeError, InvalidParameter.
Outcome<OutPoint> point_of(const Json& json) {
    const Outcome<const Json*> txid = member(json, "txid", Json::Kind::String);
    const Outcome<const Json*> vout = member(json, "vout", Json::Kind::Number);
    if (!txid) return txid.error();
    if (!vout) return vout.error();
    for (const std::string& name : json.names)
        if (name != "txid" && name != "vout")
            return Error{Code::TypeError, "Unexpected key " + name};
    if (std::optional<Error> error = check_hash("txid", (*txid)->text)) return std::move(*error);
    const Outcome<int32_t> index = int32_of(**vout);
    if (!index) return index.error();
    if (*index < 0) return NEGATIVE_VOUT;
    return OutPoint{*Txid::from_string((*txid)->text), static_cast<uint32_t>(*index)};
}

/// Look `prevout` up in the index.
void find_spender(const chain::Chain& chain, Prevout& prevout, bool with_transaction) {
    const auto spent = chain.indexes().find_spender(prevout.point);
    if (!spent) return;
    prevout.spender = spent->spender;
    prevout.node = spent->node;
    if (const auto block = with_transaction ? chain.recent_block(*spent->node) : nullptr)
        prevout.tx = block->find(spent->spender);
}

Outcome<std::vector<Prevout>> gettxspendingprevout(const Call& call) {
    const std::vector<Json>& outputs = call.arguments[0].items;
    if (outputs.empty()) return NO_OUTPUTS;
    std::vector<Prevout> prevouts;
    for (const Json& output : outputs) {
        const Outcome<OutPoint> point = point_of(output);
        if (!point) return point.error();
        prevouts.push_back({*point, std::nullopt});
    }
    const chain::Chain& chain = chain_of(call);
    const bool with_transactions = option(call, "return_spending_tx").value_or(false);
    bool all_in_pool = true;
    {
        const chain::MempoolReader pool = chain.mempool();
        for (Prevout& prevout : prevouts) {
            const chain::MempoolEntry* spender = pool->spender(prevout.point);
            all_in_pool &= spender != nullptr;
            if (spender == nullptr) continue;
            prevout.spender = spender->tx->txid;
            if (with_transactions) prevout.tx = spender->tx;
        }
    }
    const bool indexed = chain.indexes().enabled(chain::IndexId::Spenders);
    if (all_in_pool || option(call, "mempool_only").value_or(!indexed)) return prevouts;
    if (!indexed) return NO_SPENDER_INDEX;
    if (!chain.indexes().catch_up(chain::IndexId::Spenders))
        return still_syncing(chain.indexes().status(chain::IndexId::Spenders));
    for (Prevout& prevout : prevouts)
        if (!prevout.spender) find_spender(chain, prevout, with_transactions);
    return prevouts;
}

/// Their blocks may have to be read.
Pace pace_of_spenders(const Call& call) {
    return option(call, "return_spending_tx").value_or(false)
               ? Pace::Busy
               : pace_of_index<chain::IndexId::Spenders>(call);
}

const Method GETTXSPENDINGPREVOUT{
    .name = "gettxspendingprevout",
    .summary =
        "Which transactions spend some outputs: waiting ones, and with -txospenderindex any.",
    .params =
        {{"outputs",
          Type::Array,
          REQUIRED,
          "The outputs",
          {{"",
            Type::Object,
            "",
            {{"txid", Type::Hash, "The transaction that made it"},
             {"vout", Type::Int32, "The number of its output"}}}}},
         {"options",
          Type::Object,
          ABSENT,
          "Where to look, and what to tell",
          {{"mempool_only",
            Type::Bool,
            "Look at waiting ones only (default: without the index)",
            {},
            true},
           {"return_spending_tx",
            Type::Bool,
            "Tell the transactions, too (default: false)",
            {},
            true}}}},
    .fails =
        {NO_OUTPUTS,
         {Code::TypeError, "Unexpected key ..."},
         NEGATIVE_VOUT,
         NO_SPENDER_INDEX,
         {Code::InternalError, "Unable to get data because txospenderindex is still syncing."}},
    .example = R"([{"txid":"$TXID","vout":0}])",
    .run = {gettxspendingprevout, "Each, with what spends it", PREVOUT},
    .pace = pace_of_spenders,
};

// The whole //////////////////////////////////////////////////////////////////////////////////

/// The mempool as it was looked at.
struct PoolState {
    const chain::Chain& chain;
    size_t unbroadcast_count;
    size_t size = 0;
    int64_t vsize = 0;
    size_t memory_bytes = 0;
    Amount fee;
    bool optimal = true;
    const chain::ChainOptions& options = chain.options();
};

const Object<PoolState> POOL_STATE{
    {"loaded", "Whether what was saved at the last stop is back",
     [](auto& s) { return s.chain.mempool_loaded(); }},
    {"size", "Transactions", &PoolState::size},
    {"bytes", "Their virtual bytes", &PoolState::vsize},
    {"usage", "Bytes of memory", &PoolState::memory_bytes},
    {"total_fee", "What they pay", &PoolState::fee},
    {"maxmempool", "Limit of the memory", [](auto& s) { return s.options.max_mempool_bytes; }},
    {"mempoolminfee", "Least price of 1,000 virtual bytes at present",
     [](auto& s) { return s.chain.mempool_min_feerate(); }},
    {"minrelaytxfee", "Least price by the options",
     [](auto& s) { return s.options.min_relay_feerate; }},
    {"incrementalrelayfee", "Least rise of the price for a replacement",
     [](auto& s) { return s.options.incremental_feerate; }},
    {"unbroadcastcount", "Transactions that no peer has asked for yet",
     &PoolState::unbroadcast_count},
    {"permitbaremultisig", "Whether bare multisig outputs are relayed",
     [](auto& s) { return s.options.permit_bare_multisig; }},
    {"maxdatacarriersize", "Bytes of OP_RETURN outputs that are relayed",
     [](auto& s) { return s.options.max_datacarrier_bytes; }},
    {"limitclustercount", "Transactions that may hang together",
     [](auto& s) { return s.options.max_cluster_count; }},
    {"limitclustersize", "Their virtual bytes",
     [](auto& s) { return s.options.max_cluster_vsize; }},
    {"optimal", "Whether the mining order is known to be the best", &PoolState::optimal}};

PoolState getmempoolinfo(const Call& call) {
    PoolState state{chain_of(call), unbroadcast(call).size()};
    const chain::MempoolReader pool = state.chain.mempool();
    state.size = pool->size();
    state.vsize = pool->total_vsize();
    state.memory_bytes = pool->memory_bytes();
    state.fee = pool->total_fee();
    state.optimal = pool->optimal();
    return state;
}

const Method GETMEMPOOLINFO{
    .name = "getmempoolinfo",
    .summary = "Size, limits and prices of the mempool.",
    .run = {getmempoolinfo, POOL_STATE},
};

struct SavedFile {
    std::string path;
};

const Object<SavedFile> SAVED_FILE{{"filename", "Where it is", &SavedFile::path}};

Outcome<SavedFile> savemempool(const Call& call) {
    if (!chain_of(call).mempool_loaded()) return NOT_LOADED;
    const node::Network* network = context_of(call).node.network;
    const auto path = chain_of(call).save_mempool(
        network == nullptr ? std::vector<Txid>() : network->unbroadcast());
    if (!path) return NOT_SAVED;
    return SavedFile{path->string()};
}

const Method SAVEMEMPOOL{
    .name = "savemempool",
    .role = Role::Admin,
    .summary = "Write the mempool to mempool.dat, as at a stop.",
    .fails = {NOT_LOADED, NOT_SAVED},
    .run = {savemempool, SAVED_FILE},
    .pace = waits,
};

Outcome<NoMembers> importmempool(const Call& call) {
    if (chain_of(call).initial_download()) return NOT_SYNCED;
    const chain::MempoolImport what{
        .times = !option(call, "use_current_time").value_or(true),
        .priorities = option(call, "apply_fee_delta_priority").value_or(false),
        .unbroadcast = option(call, "apply_unbroadcast_set").value_or(false)};
    if (!wait_for<bool>(call, &chain::Chain::import_mempool, call.text(0), what)) return NOT_READ;
    return NoMembers();
}

const Method IMPORTMEMPOOL{
    .name = "importmempool",
    .role = Role::Admin,
    .summary = "Let the transactions of a mempool.dat in, as far as they are good.",
    .params =
        {{"filepath", Type::Text, REQUIRED, "The file, as the node's machine names it"},
         {"options",
          Type::Object,
          ABSENT,
          "What else is taken over",
          {{"use_current_time", Type::Bool, "They come in now, not when they did (true)", {}, true},
           {"apply_fee_delta_priority",
            Type::Bool,
            "What prioritisetransaction added (false)",
            {},
            true},
           {"apply_unbroadcast_set",
            Type::Bool,
            "Which no peer has asked for yet (false)",
            {},
            true}}}},
    .fails = {NOT_SYNCED, NOT_READ},
    .example = "mempool.dat",
    .run = {importmempool, "Nothing"},
    .pace = slow,
};

} // namespace

Groups mempool_methods() {
    return {
        {"Mempool",
         {&GETMEMPOOLINFO, &GETRAWMEMPOOL, &GETMEMPOOLENTRY, &GETMEMPOOLANCESTORS,
          &GETMEMPOOLDESCENDANTS, &GETMEMPOOLCLUSTER, &GETTXSPENDINGPREVOUT, &SAVEMEMPOOL,
          &IMPORTMEMPOOL}},
        {"hidden", {&GETMEMPOOLFEERATEDIAGRAM}}};
}

} // namespace cairn::rpc
