// SPDX-License-Identifier: MIT
// What the indexes know that are kept beside the chain: how far they are, and scripts' coins.
#include "consensus/address.h"
#include "rpc/describe.h"
#include "rpc/methods.h"
#include "rpc/node_context.h"

#include <algorithm>

namespace cairn::rpc {

using namespace consensus;
using namespace server;

namespace {

using chain::IndexId;

const Object<chain::Indexer::Status> INDEX{
    {"synced", "Whether it follows the tip", &chain::Indexer::Status::synced},
    {"best_block_height", "Height up to which it is built", &chain::Indexer::Status::height}};

using Indexes = std::vector<std::pair<std::string, chain::Indexer::Status>>;

Indexes getindexinfo(const Call& call) {
    Indexes indexes;
    for (const chain::Indexer::Status& index : chain_of(call).indexes().status())
        if (!call.has(0) || index.name == call.text(0)) indexes.emplace_back(index.name, index);
    return indexes;
}

const Method GETINDEXINFO{
    .name = "getindexinfo",
    .summary = "How far the indexes are that the node keeps.",
    .params = {{"index_name", Type::Text, ABSENT, "Of this one only"}},
    .run = {getindexinfo, "By name", INDEX},
};

// Scripts ////////////////////////////////////////////////////////////////////////////////////

const Error NO_ADDRESS_INDEX{Code::Misc, "Address index is not enabled (-addressindex)"};
const Error BAD_ADDRESS{Code::InvalidAddressOrKey, "Invalid address or script"};
const Error BAD_COUNT{Code::InvalidParameter, "Negative count or skip"};

const Param ADDRESS{
    "address", Type::Text, REQUIRED, "An address, or a script in hexadecimal digits"};
const std::vector<Error> ADDRESS_ERRORS{
    NO_ADDRESS_INDEX,
    BAD_ADDRESS,
    {Code::InternalError, "Unable to get data because addressindex is still syncing."}};

/// All that happened to a script's coins up to a tip.
struct AddressHistory {
    const chain::BlockNode* tip = nullptr;
    std::vector<chain::Indexer::AddressEntry> entries;
};

Outcome<AddressHistory> history_of(const Call& call) {
    const chain::Indexer& indexes = chain_of(call).indexes();
    if (!indexes.enabled(IndexId::Addresses)) return NO_ADDRESS_INDEX;
    std::optional<Script> script = script_of_address(call.text(0), params_of(call).address);
    if (!script)
        if (const std::optional<Bytes> bytes = from_hex(call.text(0)))
            script = Script(ByteView(*bytes));
    if (!script) return BAD_ADDRESS;
    if (!indexes.catch_up(IndexId::Addresses))
        return still_syncing(indexes.status(IndexId::Addresses));
    AddressHistory history;
    history.entries = indexes.address_history(*script, history.tip);
    return history;
}

/// A coin of a script.
struct AddressCoin {
    OutPoint point;
    Coin coin;
    const chain::BlockNode* tip;
};

const Object<AddressCoin> ADDRESS_COIN{
    {"txid", "The transaction", [](auto& c) { return c.point.txid; }},
    {"vout", "Number of its output", [](auto& c) { return c.point.index; }},
    {"amount", "Its amount", [](auto& c) { return c.coin.out.value; }},
    {"coinbase", "Whether a coinbase made it", [](auto& c) { return c.coin.coinbase; }},
    {"height", "Height of the block that made it", [](auto& c) { return c.coin.height; }},
    {"confirmations", "Blocks from that one to the tip",
     [](auto& c) { return (c.tip->height - c.coin.height).value + 1; }}};

/// The coins of a script, and what it ever received, as of one tip.
struct AddressCoins {
    const chain::BlockNode* tip = nullptr;
    std::vector<AddressCoin> coins;
    Amount received;
    size_t transactions = 0;

    Amount balance() const {
        Amount sum;
        for (const AddressCoin& one : coins) sum += one.coin.out.value;
        return sum;
    }
};

/// The index says which outputs there were, and the coins which of them there are. nullopt if a
/// block came meanwhile.
std::optional<AddressCoins> coins_as_of(const Call& call, const AddressHistory& history) {
    AddressCoins all{history.tip, {}, {}, history.entries.size()};
    for (const auto& [node, record] : history.entries) {
        for (const chain::AddressRecord::Output& output : record.received) {
            const OutPoint point{record.txid, output.index};
            const chain::BlockNode* tip = nullptr;
            const std::optional<Coin> coin = chain_of(call).find_coin(point, false, &tip);
            if (tip != history.tip) return std::nullopt;
            if (coin) all.coins.push_back({point, *coin, tip});
            all.received += output.value;
        }
    }
    return all;
}

Outcome<AddressCoins> coins_of(const Call& call) {
    for (;;) {
        const Outcome<AddressHistory> history = history_of(call);
        if (!history) return history.error();
        if (std::optional<AddressCoins> all = coins_as_of(call, *history)) return std::move(*all);
    }
}

Outcome<std::vector<AddressCoin>> getaddressutxos(const Call& call) {
    Outcome<AddressCoins> all = coins_of(call);
    if (!all) return all.error();
    return std::move(all->coins);
}

const Method GETADDRESSUTXOS{
    .name = "getaddressutxos",
    .summary = "The unspent outputs of an address or script, oldest first; needs -addressindex.",
    .params = {ADDRESS},
    .fails = ADDRESS_ERRORS,
    .example = "$ADDRESS",
    .run = {getaddressutxos, "What waits in the mempool is left out", ADDRESS_COIN},
};

const Object<AddressCoins> BALANCE{
    {"balance", "Sum of the unspent outputs", &AddressCoins::balance},
    {"received", "Sum of all outputs there ever were", &AddressCoins::received},
    {"utxos", "Unspent outputs", [](auto& a) { return a.coins.size(); }},
    {"transactions", "Transactions that paid to it or spent from it", &AddressCoins::transactions},
    {"height", "Height of the tip", [](auto& a) { return a.tip->height; }},
    {"bestblock", "That tip", [](auto& a) { return a.tip->hash; }}};

const Method GETADDRESSBALANCE{
    .name = "getaddressbalance",
    .summary = "What an address or script has and had, mempool left out; needs -addressindex.",
    .params = {ADDRESS},
    .fails = ADDRESS_ERRORS,
    .example = "$ADDRESS",
    .run = {coins_of, BALANCE},
};

/// A transaction of a script's history.
struct AddressEvent {
    chain::Indexer::AddressEntry entry;
    const chain::BlockNode* tip;

    Amount received() const {
        Amount sum;
        for (const auto& output : entry.record.received) sum += output.value;
        return sum;
    }
};

const Object<AddressEvent> ADDRESS_EVENT{
    {"txid", "The transaction", [](auto& e) { return e.entry.record.txid; }},
    {"received", "What it paid to the script", &AddressEvent::received},
    {"spent", "What it spent of the script's", [](auto& e) { return e.entry.record.spent; }},
    {"height", "Height of its block", [](auto& e) { return e.entry.node->height; }},
    {"blockhash", "Its block", [](auto& e) { return e.entry.node->hash; }},
    {"time", "The block's time", [](auto& e) { return Seconds{e.entry.node->header.time}; }},
    {"confirmations", "Blocks from that one to the tip",
     [](auto& e) { return (e.tip->height - e.entry.node->height).value + 1; }}};

Outcome<std::vector<AddressEvent>> getaddresshistory(const Call& call) {
    const int64_t count = call.integer(1);
    const int64_t skip = call.integer(2);
    if (count < 0 || skip < 0) return BAD_COUNT;
    Outcome<AddressHistory> history = history_of(call);
    if (!history) return history.error();
    std::vector<AddressEvent> events;
    const auto& entries = history->entries;
    for (size_t i = static_cast<size_t>(skip);
         i < entries.size() && events.size() < static_cast<size_t>(count); ++i)
        events.push_back({entries[entries.size() - 1 - i], history->tip});
    return events;
}

const Method GETADDRESSHISTORY{
    .name = "getaddresshistory",
    .summary = "The transactions that paid to an address or script or spent from it, latest first; "
               "needs -addressindex.",
    .params =
        {ADDRESS,
         {"count", Type::Integer, "100", "At most so many"},
         {"skip", Type::Integer, "0", "Leave out so many of the latest"}},
    .fails =
        [] {
            std::vector<Error> errors = ADDRESS_ERRORS;
            errors.push_back(BAD_COUNT);
            return errors;
        }(),
    .example = "$ADDRESS",
    .run = {getaddresshistory, "Mempool left out", ADDRESS_EVENT},
};

} // namespace

Groups index_methods() {
    return {
        {"Blockchain", {&GETADDRESSBALANCE, &GETADDRESSHISTORY, &GETADDRESSUTXOS}},
        {"Util", {&GETINDEXINFO}}};
}

} // namespace cairn::rpc
