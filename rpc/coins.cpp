// SPDX-License-Identifier: MIT
// The unspent outputs, one by one and all together.
#include "chain/coin_statistics.h"
#include "chain/snapshot.h"
#include "rpc/describe.h"
#include "rpc/methods.h"
#include "rpc/named_block.h"

namespace cairn::rpc {

using namespace consensus;
using namespace server;

namespace {

const Error NO_COIN_INDEX{
    Code::InvalidParameter, "Querying specific block heights requires coinstatsindex"};
const Error HASH_OF_TIP_ONLY{
    Code::InvalidParameter, "hash_serialized_3 hash type cannot be queried for a specific block"};
const Error INDEX_NEEDED{
    Code::InvalidParameter, "Cannot set use_index to false when querying for a specific block"};
const Error NEVER_CONNECTED{Code::InternalError, "Unable to read UTXO set"};

const Error NOT_ACTIVE{Code::InvalidAddressOrKey, "Block is not in the active chain"};
const Error ROLL_BACK_PRUNED{
    Code::Misc,
    "Could not roll back to requested height since necessary block data is already pruned."};

struct UnspentOutput {
    Coin coin;
    const chain::BlockNode* tip;
    const Params* params;
};

int32_t confirmations(const UnspentOutput& output) {
    if (output.coin.height == chain::Chain::MEMPOOL_HEIGHT) return 0;
    return (output.tip->height - output.coin.height).value + 1;
}

const Object<UnspentOutput> UNSPENT_OUTPUT{
    {"bestblock", "The tip it belongs to", [](auto& o) { return o.tip->hash; }},
    {"confirmations", "0 if it is waiting", confirmations},
    {"value", "Its amount", [](auto& o) { return o.coin.out.value; }},
    {"scriptPubKey", "Its script",
     [](auto& o) {
         return ScriptView{o.coin.out.script_pubkey, o.params};
     },
     SCRIPT},
    {"coinbase", "Whether a coinbase made it", [](auto& o) { return o.coin.coinbase; }}};

std::optional<UnspentOutput> gettxout(const Call& call) {
    const int64_t index = call.integer(1);
    if (index < 0 || index > UINT32_MAX) return std::nullopt;
    const OutPoint point{Txid(hash_argument(call, 0)), static_cast<uint32_t>(index)};
    const chain::BlockNode* tip = nullptr;
    std::optional<Coin> coin = chain_of(call).find_coin(point, call.flag(2), &tip);
    if (!coin) return std::nullopt;
    return UnspentOutput{std::move(*coin), tip, &params_of(call)};
}

const Method GETTXOUT{
    .name = "gettxout",
    .summary = "An unspent output; null if it is spent or never was.",
    .params =
        {{"txid", Type::Hash, REQUIRED, "The transaction"},
         {"n", Type::Integer, REQUIRED, "Number of its output"},
         {"include_mempool", Type::Bool, "true", "As after all waiting transactions"}},
    .example = "$TXID 0",
    .run = {gettxout, UNSPENT_OUTPUT},
};

constexpr std::string_view SERIALIZED = "hash_serialized_3";
constexpr std::string_view MUHASH = "muhash";

/// All coins as of a block; by the index with what that block did, else with what only a look at
/// each of them tells.
struct CoinSet {
    const chain::BlockNode* tip;
    uint64_t coins;
    uint64_t bogo_size;
    Amount total;
    std::optional<Hash256> serialized;
    std::optional<Hash256> muhash;
    std::optional<uint64_t> transactions;
    std::optional<uint64_t> disk_bytes;
    std::optional<chain::BlockCoins> block;
};

using chain::BlockCoins;

const Object<BlockCoins> UNSPENDABLES{
    {"genesis_block", "Of genesis", &BlockCoins::genesis},
    {"bip30", "Overwritten by a coinbase with the same id", &BlockCoins::overwritten},
    {"scripts", "Paid to scripts that nobody can satisfy", &BlockCoins::scripts},
    {"unclaimed_rewards", "Left by the coinbase", &BlockCoins::unclaimed}};

const Object<BlockCoins> BLOCK_INFO{
    {"prevout_spent", "Spent by its transactions", &BlockCoins::spent},
    {"coinbase", "Made by its coinbase", &BlockCoins::coinbase},
    {"new_outputs_ex_coinbase", "Made by its other transactions", &BlockCoins::made},
    {"unspendable", "Lost for ever",
     [](auto& b) { return b.genesis + b.overwritten + b.scripts + b.unclaimed; }},
    {"unspendables", "Of these", UNSPENDABLES}};

const Object<CoinSet> COIN_SET{
    {"height", "Height of the block", [](auto& set) { return set.tip->height; }},
    {"bestblock", "That block", [](auto& set) { return set.tip->hash; }},
    {"txouts", "Coins", &CoinSet::coins},
    {"bogosize", "Their size, by a measure that no node's way to store them changes",
     &CoinSet::bogo_size},
    {SERIALIZED, "Hash over all in order, with that hash_type", &CoinSet::serialized},
    {MUHASH, "Hash over all in any order, with that hash_type", &CoinSet::muhash},
    {"total_amount", "Their sum", &CoinSet::total},
    {"transactions", "Transactions that they are of; not by the index", &CoinSet::transactions},
    {"disk_size", "Bytes they take on disk, about; not by the index", &CoinSet::disk_bytes},
    {"total_unspendable_amount", "What was lost for ever up to the block; by the index only",
     [](auto& set) { return set.block ? &set.block->unspendable : nullptr; }},
    {"block_info", "What the block did; by the index only", &CoinSet::block, BLOCK_INFO}};

std::optional<chain::CoinHash> hash_type(std::string_view name) {
    if (name == SERIALIZED) return chain::CoinHash::Serialized;
    if (name == MUHASH) return chain::CoinHash::MuHash;
    return name == "none" ? std::optional(chain::CoinHash::None) : std::nullopt;
}

Outcome<CoinSet>
indexed_coins(const Call& call, const chain::BlockNode& node, chain::CoinHash kind) {
    const chain::Indexer& indexes = chain_of(call).indexes();
    const std::optional<BlockCoins> block = indexes.coins(node);
    if (!block && !chain_of(call).view().contains(node)) return NEVER_CONNECTED;
    if (!block) return still_syncing(indexes.status(chain::IndexId::CoinStatistics));
    CoinSet set{&node, block->coins, block->bogo_size, block->total, {}, {}, {}, {}, block};
    if (kind == chain::CoinHash::MuHash) set.muhash = MuHash(block->set).digest();
    return set;
}

/// Whether it takes no look at each coin.
bool index_answers(const Call& call) {
    return chain_of(call).indexes().enabled(chain::IndexId::CoinStatistics) && call.flag(2) &&
           hash_type(call.text(0)) != chain::CoinHash::Serialized;
}

Outcome<CoinSet> gettxoutsetinfo(const Call& call) {
    const std::optional<chain::CoinHash> kind = hash_type(call.text(0));
    if (!kind)
        return Error{Code::InvalidParameter, "'" + call.text(0) + "' is not a valid hash_type"};
    const bool serialized = kind == chain::CoinHash::Serialized;
    if (call.has(1)) {
        const bool index = chain_of(call).indexes().enabled(chain::IndexId::CoinStatistics);
        if (serialized) return HASH_OF_TIP_ONLY;
        if (!index) return NO_COIN_INDEX;
        if (!call.flag(2)) return INDEX_NEEDED;
        const Outcome<const chain::BlockNode*> node = block_named(call, call.arguments[1]);
        if (!node) return node.error();
        return indexed_coins(call, **node, *kind);
    }
    if (index_answers(call)) return indexed_coins(call, chain_of(call).view().tip(), *kind);
    const auto scan = wait_for<chain::CoinScan>(call, &chain::Chain::scan_coins);
    chain::CoinStatistics sum(*kind);
    while (const auto next = scan.coins->next()) {
        sum.add(next->first, next->second);
        if (given_up(call)) return GIVEN_UP;
    }
    const std::optional<Hash256> hash = sum.hash();
    return CoinSet{
        scan.tip,
        sum.coins,
        sum.bogo_size,
        sum.total,
        serialized ? hash : std::nullopt,
        serialized ? std::nullopt : hash,
        sum.transactions,
        chain_of(call).statistics().coin_bytes,
        {}};
}

const Method GETTXOUTSETINFO{
    .name = "gettxoutsetinfo",
    .summary = "All unspent outputs, summed up: takes a while, without -coinstatsindex.",
    .params =
        {{"hash_type", Type::Text, "\"hash_serialized_3\"", "hash_serialized_3, muhash or none"},
         {"hash_or_height", Type::Any, ABSENT, "A block; other than the tip needs -coinstatsindex",
          BLOCK_NAMES},
         {"use_index", Type::Bool, "true", "Whether an index may answer, if there is one"}},
    .fails = joined(
        {{Code::InvalidParameter, "'...' is not a valid hash_type"},
         NO_COIN_INDEX,
         HASH_OF_TIP_ONLY,
         INDEX_NEEDED,
         NEVER_CONNECTED,
         {Code::InternalError, "Unable to get data because coinstatsindex is still syncing."}},
        BLOCK_NAME_FAILS),
    .example = "muhash",
    .run = {gettxoutsetinfo, COIN_SET},
    .pace = [](const Call& call) { return index_answers(call) ? Pace::Waits : Pace::Slow; },
};

// Snapshots //////////////////////////////////////////////////////////////////////////////////

struct Dumped {
    chain::SnapshotSummary snapshot;
    std::string path;
};

const Object<Dumped> DUMPED{
    {"coins_written", "Coins in the file", [](auto& d) { return d.snapshot.coins; }},
    {"base_hash", "The block they are as of", [](auto& d) { return d.snapshot.base->hash; }},
    {"base_height", "Its height", [](auto& d) { return d.snapshot.base->height; }},
    {"path", "The file", &Dumped::path},
    {"txoutset_hash", "Their hash_serialized_3", [](auto& d) { return d.snapshot.hash; }},
    {"nchaintx", "Transactions of the chain up to the block",
     [](auto& d) { return d.snapshot.base->chain_tx_count.load(); }}};

const Error NO_SNAPSHOT_HEIGHT{
    Code::InvalidParameter, "The chain file has no snapshot height so far"};

/// The block to dump the coins of: `target` is its height or hash, or null for the highest that
/// the chain file has a snapshot of.
Outcome<const chain::BlockNode*> roll_back_target(const Call& call, const Json* target) {
    const chain::View view = chain_of(call).view();
    if (target != nullptr) {
        Outcome<const chain::BlockNode*> node = block_named(call, *target);
        if (node && !view.contains(**node)) return NOT_ACTIVE;
        return node;
    }
    Height height = -1;
    for (const Snapshot& known : params_of(call).snapshots)
        if (known.height <= view.height()) height = std::max(height, known.height);
    if (height < Height(0)) return NO_SNAPSHOT_HEIGHT;
    return view.at(height);
}

Outcome<Dumped> dumptxoutset(const Call& call) {
    const std::string& type = call.text(1);
    const Json* target = call.has(2) ? call.arguments[2].find("rollback") : nullptr;
    const bool rolls_back = type == "rollback" || (type.empty() && target != nullptr);
    if (type != "latest" && !rolls_back)
        return Error{
            Code::InvalidParameter, "Invalid snapshot type \"" + type +
                                        "\" specified. Please specify \"rollback\" or "
                                        "\"latest\""};
    const chain::BlockNode* base = nullptr;
    if (rolls_back) {
        const Outcome<const chain::BlockNode*> node = roll_back_target(call, target);
        if (!node) return node.error();
        base = *node;
    }
    const std::filesystem::path path = chain_of(call).options().directory / call.text(0);
    if (std::filesystem::exists(path))
        return Error{
            Code::InvalidParameter,
            path.string() + " already exists. If you are sure this is what you want, move it out "
                            "of the way first."};
    std::optional<chain::FileReplacement> file;
    try {
        file.emplace(path, ".incomplete");
    } catch (const chain::StorageError&) {
        return Error{
            Code::InvalidParameter,
            "Couldn't open file " + path.string() + ".incomplete for writing."};
    }
    const auto scan = wait_for<chain::CoinScan>(call, &chain::Chain::scan_coins);
    if (base == nullptr) base = scan.tip;
    if (!scan.tip->descends_from(*base)) return NOT_ACTIVE;
    const auto written =
        chain::write_snapshot(chain_of(call), scan, *base, *file, context_of(call).stopping);
    if (!written) return ROLL_BACK_PRUNED;
    file->commit();
    return Dumped{*written, path.string()};
}

const Method DUMPTXOUTSET{
    .name = "dumptxoutset",
    .role = Role::Admin,
    .summary = "Write all unspent outputs to a file, which loadtxoutset reads: takes a while.",
    .params =
        {{"path", Type::Text, REQUIRED, "A new file; relative to the chain's directory"},
         {"type", Type::Text, "\"\"", "latest, or rollback: as of a block before the tip"},
         {"options",
          Type::Object,
          ABSENT,
          "How to go back",
          {{"rollback", Type::Any, "To this block; else to the chain file's last one", BLOCK_NAMES,
            true},
           {"in_memory",
            Type::Bool,
            "Has no effect: what the blocks since did is kept in memory",
            {},
            true}}}},
    .fails = joined(
        {{Code::InvalidParameter, "Invalid snapshot type \"...\" specified"},
         {Code::InvalidParameter, "... already exists"},
         {Code::InvalidParameter, "Couldn't open file ... for writing"},
         NO_SNAPSHOT_HEIGHT,
         NOT_ACTIVE,
         ROLL_BACK_PRUNED},
        BLOCK_NAME_FAILS),
    .example = "utxo.dat latest",
    .run = {dumptxoutset, DUMPED},
    .pace = slow,
};

struct Loaded {
    chain::SnapshotSummary snapshot;
    std::string path;
};

const Object<Loaded> LOADED{
    {"coins_loaded", "Coins in the file", [](auto& l) { return l.snapshot.coins; }},
    {"tip_hash", "The block they are as of", [](auto& l) { return l.snapshot.base->hash; }},
    {"base_height", "Its height", [](auto& l) { return l.snapshot.base->height; }},
    {"path", "The file", &Loaded::path}};

Outcome<Loaded> loadtxoutset(const Call& call) {
    const std::filesystem::path path = chain_of(call).options().directory / call.text(0);
    const auto loaded = chain_of(call).load_snapshot(path, context_of(call).stopping);
    if (loaded) return Loaded{*loaded, path.string()};
    const Reject& reject = loaded.error();
    if (reject.reason == "snapshot-unreadable")
        return Error{
            Code::InvalidParameter, "Couldn't open file " + path.string() + " for reading."};
    if (reject.reason == "snapshot-metadata")
        return Error{Code::Deserialization, "Unable to parse metadata: " + reject.detail};
    return Error{Code::InternalError, "Unable to load UTXO snapshot: " + reject.detail};
}

const Method LOADTXOUTSET{
    .name = "loadtxoutset",
    .role = Role::Admin,
    .summary = "Go on from the unspent outputs of a file, if the chain file has their hash. The "
               "blocks before are validated afterwards, in the background.",
    .params = {{"path", Type::Text, REQUIRED, "The file; relative to the chain's directory"}},
    .fails =
        {{Code::InvalidParameter, "Couldn't open file ... for reading."},
         {Code::Deserialization, "Unable to parse metadata: ..."},
         {Code::InternalError, "Unable to load UTXO snapshot: ..."}},
    .example = "utxo.dat",
    .run = {loadtxoutset, LOADED},
    .pace = slow,
};

/// A chain of blocks whose coins are kept.
struct CoinChain {
    const chain::Chain& chain;
    const chain::BlockNode* tip;
    std::optional<BlockHash> snapshot; ///< That it began with and that is not validated yet.
};

const Object<CoinChain> COIN_CHAIN{
    {"blocks", "Height of its tip", [](auto& c) { return c.tip->height; }},
    {"bestblockhash", "That tip", [](auto& c) { return c.tip->hash; }},
    {TARGET, [](auto& c) { return Target{c.tip->header.bits}; }},
    {"verificationprogress", "Part of the headers, 0 to 1",
     [](auto& c) { return verification_progress(c.chain, *c.tip); }},
    {"snapshot_blockhash", "The snapshot it began with, until that is validated",
     &CoinChain::snapshot},
    {"coins_tip_cache_bytes", "Memory for its coins",
     [](auto& c) { return c.chain.statistics().cache_bytes; }},
    {"validated", "Whether all of it is", [](auto& c) { return !c.snapshot; }}};

struct CoinChains {
    Height headers;
    std::vector<CoinChain> chains;
};

const Object<CoinChains> COIN_CHAINS{
    {"headers", "Height of the best header", &CoinChains::headers},
    {"chainstates", "The one of the tip last, before it one that is validated behind it",
     &CoinChains::chains, COIN_CHAIN}};

CoinChains getchainstates(const Call& call) {
    const chain::Chain& chain = chain_of(call);
    const std::optional<chain::AssumedChain> assumed = chain.assumed();
    CoinChains all{chain.best_header().height, {}};
    if (assumed) all.chains.push_back({chain, assumed->validated, std::nullopt});
    all.chains.push_back(
        {chain, &chain.view().tip(), assumed ? std::optional(assumed->base->hash) : std::nullopt});
    return all;
}

const Method GETCHAINSTATES{
    .name = "getchainstates",
    .summary = "How far the chain is, and what was before a snapshot that was loaded.",
    .run = {getchainstates, COIN_CHAINS},
};

} // namespace

Groups coin_methods() {
    return {
        {"Blockchain",
         {&GETTXOUT, &GETTXOUTSETINFO, &DUMPTXOUTSET, &LOADTXOUTSET, &GETCHAINSTATES}}};
}

} // namespace cairn::rpc
