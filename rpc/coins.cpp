// SPDX-License-Identifier: MIT
// The unspent outputs, one by one and all together.
#include "chain/coin_statistics.h"
#include "rpc/describe.h"
#include "rpc/methods.h"
#include "rpc/node_context.h"

namespace cairn::rpc {

using namespace consensus;
using namespace server;

namespace {

const Error NO_COIN_INDEX{
    Code::InvalidParameter, "Querying specific block heights requires coinstatsindex"};
const Error HASH_OF_TIP_ONLY{
    Code::InvalidParameter, "hash_serialized_3 hash type cannot be queried for a specific block"};

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

struct CoinSet {
    const chain::BlockNode* tip;
    chain::CoinStatistics sum;
    std::string_view hash_name;
    std::optional<Hash256> hash;
    uint64_t disk_bytes;

    std::optional<Hash256> hash_if(std::string_view name) const {
        return name == hash_name ? hash : std::nullopt;
    }
};

constexpr std::string_view SERIALIZED = "hash_serialized_3";
constexpr std::string_view MUHASH = "muhash";

const Object<CoinSet> COIN_SET{
    {"height", "Height of the tip", [](auto& set) { return set.tip->height; }},
    {"bestblock", "That tip", [](auto& set) { return set.tip->hash; }},
    {"txouts", "Coins", [](auto& set) { return set.sum.coins; }},
    {"bogosize", "Their size, by a measure that no node's way to store them changes",
     [](auto& set) { return set.sum.bogo_size; }},
    {SERIALIZED, "Hash over all in order, with that hash_type",
     [](auto& set) { return set.hash_if(SERIALIZED); }},
    {MUHASH, "Hash over all in any order, with that hash_type",
     [](auto& set) { return set.hash_if(MUHASH); }},
    {"total_amount", "Their sum", [](auto& set) { return set.sum.total; }},
    {"transactions", "Transactions that they are of",
     [](auto& set) { return set.sum.transactions; }},
    {"disk_size", "Bytes they take on disk, about", &CoinSet::disk_bytes}};

std::optional<chain::CoinHash> hash_type(std::string_view name) {
    if (name == SERIALIZED) return chain::CoinHash::Serialized;
    if (name == MUHASH) return chain::CoinHash::MuHash;
    return name == "none" ? std::optional(chain::CoinHash::None) : std::nullopt;
}

Outcome<CoinSet> gettxoutsetinfo(const Call& call) {
    const std::optional<chain::CoinHash> kind = hash_type(call.text(0));
    if (!kind)
        return Error{Code::InvalidParameter, "'" + call.text(0) + "' is not a valid hash_type"};
    if (call.has(1)) return kind == chain::CoinHash::Serialized ? HASH_OF_TIP_ONLY : NO_COIN_INDEX;
    const auto scan = wait_for<chain::CoinScan>(call, &chain::Chain::scan_coins);
    chain::CoinStatistics sum(*kind);
    while (const auto next = scan.coins->next()) {
        sum.add(next->first, next->second);
        if (context_of(call).stopping) throw std::runtime_error("The node is stopping");
    }
    const std::optional<Hash256> hash = sum.hash();
    return CoinSet{
        scan.tip, std::move(sum), call.text(0), hash, chain_of(call).statistics().coin_bytes};
}

const Method GETTXOUTSETINFO{
    .name = "gettxoutsetinfo",
    .summary = "All unspent outputs, summed up: takes a while.",
    .params =
        {{"hash_type", Type::Text, "\"hash_serialized_3\"", "hash_serialized_3, muhash or none"},
         {"hash_or_height", Type::Any, ABSENT, "A block before the tip: needs an index"},
         {"use_index", Type::Bool, "true", "Whether an index may answer, if there is one"}},
    .fails =
        {{Code::InvalidParameter, "'...' is not a valid hash_type"},
         NO_COIN_INDEX,
         HASH_OF_TIP_ONLY},
    .example = "muhash",
    .run = {gettxoutsetinfo, COIN_SET},
};

} // namespace

Groups coin_methods() {
    return {{"Blockchain", {&GETTXOUT, &GETTXOUTSETINFO}}};
}

} // namespace cairn::rpc
