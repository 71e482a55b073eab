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
const Error BAD_COUNT{Code::InvalidParameter, "Negative count or skip"};
const Error COUNT_TOO_HIGH{Code::InvalidParameter, "Count is more than 10000"};

constexpr size_t MAX_COUNT = 10'000;
constexpr size_t QUICK_COUNT = 100; ///< So many entries take less than a millisecond.

const Param ADDRESS{
    "address", Type::Text, REQUIRED, "An address, or a script in hexadecimal digits"};
const std::vector<Error> ADDRESS_ERRORS{
    NO_ADDRESS_INDEX,
    BAD_ADDRESS,
    {Code::InternalError, "Unable to get data because addressindex is still syncing."}};

const std::vector<Error> ADDRESS_PAGE_ERRORS = joined({BAD_COUNT, COUNT_TOO_HIGH}, ADDRESS_ERRORS);

Param count_param(std::string_view usual) {
    return {"count", Type::Integer, usual, "At most so many, 10000 at most"};
}

/// What is asked for of many, by arguments 1 and 2.
struct Page {
    size_t count;
    size_t skip;
};

Outcome<Page> page_of(const Call& call) {
    const int64_t count = call.integer(1);
    const int64_t skip = call.integer(2);
    if (count < 0 || skip < 0) return BAD_COUNT;
    if (static_cast<size_t>(count) > MAX_COUNT) return COUNT_TOO_HIGH;
    return Page{static_cast<size_t>(count), static_cast<size_t>(skip)};
}

/// What is left out is walked through, too.
Pace pace_of_page(const Call& call) {
    const Outcome<Page> page = page_of(call);
    const bool long_page = page && (page->skip > QUICK_COUNT || page->count > QUICK_COUNT);
    return long_page ? Pace::Busy : pace_of_index<IndexId::Addresses>(call);
}

/// The script that the first argument names, once the index can tell of it.
Outcome<Script> indexed_script(const Call& call) {
    const chain::Indexer& indexes = chain_of(call).indexes();
    if (!indexes.enabled(IndexId::Addresses)) return NO_ADDRESS_INDEX;
    std::optional<Script> script = script_of_text(call.text(0), params_of(call));
    if (!script) return BAD_ADDRESS;
    if (!indexes.catch_up(IndexId::Addresses))
        return still_syncing(indexes.status(IndexId::Addresses));
    return std::move(*script);
}

/// A coin of a script.
struct AddressCoin {
    OutPoint point;
    chain::Indexer::AddressCoins::Made made;
    const chain::BlockNode* tip;
};

const Object<AddressCoin> ADDRESS_COIN{
    {"txid", "The transaction", [](auto& c) { return c.point.txid; }},
    {"vout", "Number of its output", [](auto& c) { return c.point.index; }},
    {"amount", "Its amount", [](auto& c) { return c.made.value; }},
    {"coinbase", "Whether a coinbase made it", [](auto& c) { return c.made.coinbase; }},
    {"height", "Height of the block that made it", [](auto& c) { return c.made.height; }},
    {"confirmations", "Blocks from that one to the tip",
     [](auto& c) { return (c.tip->height - c.made.height).value + 1; }}};

Outcome<std::vector<AddressCoin>> getaddressutxos(const Call& call) {
    const Outcome<Page> page = page_of(call);
    if (!page) return page.error();
    const Outcome<Script> script = indexed_script(call);
    if (!script) return script.error();
    const auto all = chain_of(call).indexes().address_coins(*script);
    std::vector<AddressCoin> coins;
    for (const auto& [point, made] : all.unspent) coins.push_back({point, made, all.tip});
    std::ranges::stable_sort(coins, [](auto& a, auto& b) { return a.made.height < b.made.height; });
    const auto begin = coins.begin() + static_cast<ptrdiff_t>(std::min(page->skip, coins.size()));
    coins.erase(coins.begin(), begin);
    if (coins.size() > page->count)
        coins.erase(coins.begin() + static_cast<ptrdiff_t>(page->count), coins.end());
    return coins;
}

const Method GETADDRESSUTXOS{
    .name = "getaddressutxos",
    .summary = "The unspent outputs of an address or script, oldest first; needs -addressindex.",
    .params =
        {ADDRESS,
         count_param("1000"),
         {"skip", Type::Integer, "0", "Leave out so many of the oldest"}},
    .fails = ADDRESS_PAGE_ERRORS,
    .example = "$ADDRESS",
    .run = {getaddressutxos, "What waits in the mempool is left out", ADDRESS_COIN},
    .pace = busy, // it walks through all that the script ever had
};

using AddressTotals = chain::Indexer::AddressTotals;

const Object<AddressTotals> BALANCE{
    {"balance", "Sum of the unspent outputs", &AddressTotals::balance},
    {"received", "Sum of all outputs there ever were", &AddressTotals::received},
    {"utxos", "Unspent outputs", &AddressTotals::unspent},
    {"transactions", "Transactions that paid to it or spent from it", &AddressTotals::transactions},
    {"height", "Height of the tip", [](auto& t) { return t.tip->height; }},
    {"bestblock", "That tip", [](auto& t) { return t.tip->hash; }}};

Outcome<AddressTotals> getaddressbalance(const Call& call) {
    const Outcome<Script> script = indexed_script(call);
    if (!script) return script.error();
    return chain_of(call).indexes().address_totals(*script);
}

const Method GETADDRESSBALANCE{
    .name = "getaddressbalance",
    .summary = "What an address or script has and had, mempool left out; needs -addressindex.",
    .params = {ADDRESS},
    .fails = ADDRESS_ERRORS,
    .example = "$ADDRESS",
    .run = {getaddressbalance, BALANCE},
    .pace = busy,
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

    Amount spent() const {
        Amount sum;
        for (const auto& input : entry.record.spent) sum += input.value;
        return sum;
    }
};

const Object<AddressEvent> ADDRESS_EVENT{
    {"txid", "The transaction", [](auto& e) { return e.entry.record.txid; }},
    {"received", "What it paid to the script", &AddressEvent::received},
    {"spent", "What it spent of the script's", &AddressEvent::spent},
    {"height", "Height of its block", [](auto& e) { return e.entry.node->height; }},
    {"blockhash", "Its block", [](auto& e) { return e.entry.node->hash; }},
    {"time", "The block's time", [](auto& e) { return Seconds{e.entry.node->header.time}; }},
    {"confirmations", "Blocks from that one to the tip",
     [](auto& e) { return (e.tip->height - e.entry.node->height).value + 1; }}};

Outcome<std::vector<AddressEvent>> getaddresshistory(const Call& call) {
    const Outcome<Page> page = page_of(call);
    if (!page) return page.error();
    const Outcome<Script> script = indexed_script(call);
    if (!script) return script.error();
    const chain::BlockNode* tip = nullptr;
    std::vector<AddressEvent> events;
    for (auto& entry :
         chain_of(call).indexes().address_history(*script, page->skip, page->count, tip))
        events.push_back({std::move(entry), tip});
    return events;
}

const Method GETADDRESSHISTORY{
    .name = "getaddresshistory",
    .summary = "The transactions that paid to an address or script or spent from it, latest first; "
               "needs -addressindex.",
    .params =
        {ADDRESS,
         count_param("100"),
         {"skip", Type::Integer, "0", "Leave out so many of the latest"}},
    .fails = ADDRESS_PAGE_ERRORS,
    .example = "$ADDRESS",
    .run = {getaddresshistory, "Mempool left out", ADDRESS_EVENT},
    .pace = pace_of_page,
};

} // namespace

Groups index_methods() {
    return {
        {"Blockchain", {&GETADDRESSBALANCE, &GETADDRESSHISTORY, &GETADDRESSUTXOS}},
        {"Util", {&GETINDEXINFO}}};
}

} // namespace cairn::rpc
