// SPDX-License-Identifier: MIT
// What output descriptors stand for, and which coins belong to them.
#include "rpc/descriptors.h"

#include "consensus/address.h"
#include "consensus/block_filter.h"
#include "consensus/standard.h"
#include "rpc/describe.h"
#include "rpc/methods.h"
#include "rpc/named_block.h"

#include <unordered_map>

namespace cairn::rpc {

using namespace consensus;
using namespace server;
using wallet::keys::DescribedScript;
using wallet::keys::Descriptor;
using wallet::keys::descriptor_of;
using wallet::keys::read_descriptors;
using wallet::keys::with_checksum;

namespace {

constexpr int64_t MAX_RANGE = 1'000'000;
constexpr size_t MAX_SCRIPTS = size_t{4} * MAX_RANGE; ///< Of one scan: one range of combo().
constexpr uint32_t QUICK_STEPS = 32; ///< Addresses that keep no other call waiting for long.
constexpr uint32_t BUSY_STEPS = 4096;
constexpr uint32_t DEFAULT_RANGE_END = 1000;
constexpr int64_t COINS_BETWEEN_LOOKS = 8192; ///< Of a scan, at whether it shall end.

const Error RANGE_MISSING{
    Code::InvalidParameter, "Range must be specified for a ranged descriptor"};
const Error RANGE_USELESS{
    Code::InvalidParameter, "Range should not be specified for an un-ranged descriptor"};
const Error WITHOUT_ADDRESS{
    Code::InvalidAddressOrKey, "Descriptor does not have a corresponding address"};
const Error NO_SCAN_OBJECTS{Code::Misc, "scanobjects argument is required for the start action"};
const Error BAD_ACTION{Code::InvalidParameter, "Invalid action '...'"};
const Error BAD_START_HEIGHT{Code::Misc, "Invalid start_height"};
const Error BAD_STOP_HEIGHT{Code::Misc, "Invalid stop_height"};
const Error SCAN_RUNNING{
    Code::InvalidParameter, R"(Scan already in progress, use action "abort" or "status")"};

/// Child numbers, first and last.
struct Range {
    uint32_t first = 0;
    uint32_t last = 0;
};

/// "end" or "[begin,end]".
Outcome<Range> range_of(const Json& json) {
    const auto is_number = [](const Json& one) { return one.is(Json::Kind::Number); };
    const bool pair = json.is(Json::Kind::Array) && json.items.size() == 2 &&
                      std::ranges::all_of(json.items, is_number);
    if (!pair && !is_number(json)) return BAD_RANGE;
    const std::optional<int64_t> first = pair ? integer_of(json.items[0].text) : 0;
    const std::optional<int64_t> last = integer_of(pair ? json.items[1].text : json.text);
    if (!first || !last) return BAD_RANGE;
    if (pair && *first > *last) return RANGE_BACKWARDS;
    if (*first < 0) return RANGE_NEGATIVE;
    if (*last < 0 || *last > INT32_MAX) return RANGE_TOO_HIGH;
    if (*last >= *first + MAX_RANGE) return RANGE_TOO_LARGE;
    return Range{static_cast<uint32_t>(*first), static_cast<uint32_t>(*last)};
}

using Descriptors = std::vector<Descriptor>;

Outcome<Descriptors> descriptors_of(const Call& call, const std::string& text, bool need_checksum) {
    auto read = read_descriptors(text, params_of(call).address, need_checksum);
    if (!read) return Error{Code::InvalidAddressOrKey, read.error().why};
    return std::move(*read);
}

// getdescriptorinfo, deriveaddresses /////////////////////////////////////////////////////////

/// A descriptor, or the several that it stands for, and their checksum as they were given.
struct DescriptorView {
    Descriptors all;
    std::string checksum;

    std::optional<std::vector<std::string>> expansion() const {
        if (all.size() == 1) return std::nullopt;
        std::vector<std::string> texts;
        for (const Descriptor& one : all) texts.push_back(with_checksum(one.text()));
        return texts;
    }
};

const Object<DescriptorView> DESCRIPTOR{
    {"descriptor", "It in its usual form, without secret keys; the first of several",
     [](auto& d) { return with_checksum(d.all[0].text()); }},
    {"multipath_expansion", "All that it stands for, if they are several",
     &DescriptorView::expansion},
    {"checksum", "Of the descriptor as it was given", &DescriptorView::checksum},
    {"isrange", "Whether it stands for a range of scripts",
     [](auto& d) { return d.all[0].is_range(); }},
    {"issolvable", "Whether it says how its scripts are satisfied",
     [](auto& d) { return d.all[0].is_solvable(); }},
    {"hasprivatekeys", "Whether a secret key was in it",
     [](auto& d) { return d.all[0].has_secrets(); }}};

Outcome<DescriptorView> getdescriptorinfo(const Call& call) {
    const std::string& text = call.text(0);
    Outcome<Descriptors> all = descriptors_of(call, text, false);
    if (!all) return all.error();
    const std::string_view payload = std::string_view(text).substr(0, text.find('#'));
    return DescriptorView{std::move(*all), wallet::keys::descriptor_checksum(payload).value()};
}

const Method GETDESCRIPTORINFO{
    .name = "getdescriptorinfo",
    .summary = "What an output descriptor is.",
    .params = {{"descriptor", Type::Text, REQUIRED, "The descriptor"}},
    .fails = {{Code::InvalidAddressOrKey, "what is wrong with it"}},
    .example = "wpkh(0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798)",
    .run = {getdescriptorinfo, DESCRIPTOR},
};

using Addresses = std::vector<std::string>;

Outcome<Addresses> addresses_of(const Call& call, const Descriptor& descriptor, Range range) {
    Addresses addresses;
    for (int64_t i = range.first; i <= range.last; ++i) {
        if (given_up(call)) return GIVEN_UP;
        const auto scripts = descriptor.scripts(static_cast<uint32_t>(i));
        if (!scripts) return NO_PRIVATE_KEYS;
        for (const DescribedScript& one : *scripts) {
            // That combo() also pays to the bare key is no reason to fail.
            const bool key = match_template(one.script).type == OutputType::PubKey;
            if (key && scripts->size() > 1) continue;
            const auto address = address_of_script(one.script, params_of(call).address);
            if (key || !address) return WITHOUT_ADDRESS;
            addresses.push_back(*address);
        }
    }
    return addresses;
}

Reply deriveaddresses(const Call& call) {
    const Outcome<Descriptors> descriptors = descriptors_of(call, call.text(0), true);
    if (!descriptors) return descriptors.error();
    const Outcome<Range> range = call.has(1) ? range_of(call.arguments[1]) : Range{};
    if (!range) return range.error();
    const bool ranged = descriptors->front().is_range();
    if (ranged && !call.has(1)) return RANGE_MISSING;
    if (!ranged && call.has(1)) return RANGE_USELESS;
    std::vector<Addresses> all;
    for (const Descriptor& one : *descriptors) {
        Outcome<Addresses> addresses = addresses_of(call, one, *range);
        if (!addresses) return addresses.error();
        all.push_back(std::move(*addresses));
    }
    return all.size() == 1 ? to_json(all[0]) : to_json(all);
}

/// Each takes some operations with points.
Pace pace_of_range(const Call& call) {
    const Outcome<Range> range = call.has(1) ? range_of(call.arguments[1]) : Range{};
    const uint32_t steps = range ? range->last - range->first : 0;
    return steps < QUICK_STEPS ? Pace::Quick : steps < BUSY_STEPS ? Pace::Busy : Pace::Slow;
}

const Method DERIVEADDRESSES{
    .name = "deriveaddresses",
    .summary = "The addresses that a descriptor stands for.",
    .params =
        {{"descriptor", Type::Text, REQUIRED, "With its checksum"},
         {"range", Type::Any, ABSENT, "Child numbers, for one with a range", RANGE_FORMS}},
    .fails = joined({WITHOUT_ADDRESS, RANGE_MISSING, RANGE_USELESS, GIVEN_UP}, DESCRIPTOR_FAILS),
    .example = "addr($ADDRESS)#$ADDRESS_CHECKSUM",
    .run =
        {deriveaddresses,
         {returned<Addresses>("one descriptor", "In order"),
          returned<std::vector<Addresses>>("with \"<0;1>\"", "Those of each descriptor")}},
    .pace = pace_of_range,
};

// scantxoutset ///////////////////////////////////////////////////////////////////////////////

} // namespace

std::optional<Error>
for_each_script(const Call& call, const Json& object, const VisitScript& visit) {
    const Json* text = &object;
    Range range{0, DEFAULT_RANGE_END};
    if (object.is(Json::Kind::Object)) {
        text = object.find("desc");
        if (text == nullptr || text->is_null()) return NO_DESCRIPTOR;
        if (!text->is(Json::Kind::String)) return type_error(text->kind, Json::Kind::String);
        if (const Json* given = object.find("range")) {
            const Outcome<Range> read = range_of(*given);
            if (!read) return read.error();
            range = *read;
        }
    }
    if (!text->is(Json::Kind::String)) return BAD_SCAN_OBJECT;
    const Outcome<Descriptors> descriptors = descriptors_of(call, text->text, false);
    if (!descriptors) return descriptors.error();
    if (!descriptors->front().is_range()) range = {}; // nor is another of the same text
    if (descriptors->size() * (size_t{range.last} - range.first) > MAX_SCRIPTS)
        return TOO_MANY_SCRIPTS;
    for (const Descriptor& descriptor : *descriptors) {
        for (uint32_t i = range.first; i <= range.last; ++i) {
            if (given_up(call)) return GIVEN_UP;
            const auto scripts = descriptor.scripts(i);
            if (!scripts)
                return Error{
                    NO_PRIVATE_KEYS.code, NO_PRIVATE_KEYS.message + ": '" + text->text + "'"};
            for (const DescribedScript& one : *scripts)
                if (!visit(descriptor, i, one)) return std::nullopt;
        }
    }
    return std::nullopt;
}

namespace {

/// Hashes both strings and views of them, so that a look-up copies nothing.
struct TextHash : std::hash<std::string_view> {
    using is_transparent = void;
};

std::string_view text_of(const Script& script) {
    return {reinterpret_cast<const char*>(script.data()), script.size()};
}

/// The scripts that are looked for, as bytes, and the descriptors of them.
using Wanted = std::unordered_map<std::string, std::string, TextHash, std::equal_to<>>;

/// A coin that was found.
struct FoundCoin {
    OutPoint point;
    Coin coin;
    std::string descriptor;
    const chain::BlockNode* tip;
};

const Object<FoundCoin> FOUND_COIN{
    {"txid", "The transaction", [](auto& f) { return f.point.txid; }},
    {"vout", "Number of its output", [](auto& f) { return f.point.index; }},
    {"scriptPubKey", "Its script", [](auto& f) { return f.coin.out.script_pubkey; }},
    {"desc", "A descriptor of it", &FoundCoin::descriptor},
    {"amount", "Its amount", [](auto& f) { return f.coin.out.value; }},
    {"coinbase", "Whether a coinbase made it", [](auto& f) { return f.coin.coinbase; }},
    {"height", "Height of the block that made it", [](auto& f) { return f.coin.height; }},
    {"blockhash", "That block", [](auto& f) { return f.tip->ancestor_node(f.coin.height)->hash; }},
    {"confirmations", "Blocks from that one to the tip",
     [](auto& f) { return (f.tip->height - f.coin.height).value + 1; }}};

struct ScanResult {
    bool complete = true;
    int64_t coins = 0;
    const chain::BlockNode* tip = nullptr;
    std::vector<FoundCoin> found;

    Amount total() const {
        Amount sum;
        for (const FoundCoin& one : found) sum += one.coin.out.value;
        return sum;
    }
};

const Object<ScanResult> SCAN_RESULT{
    {"success", "Whether all coins were looked at", &ScanResult::complete},
    {"txouts", "Coins looked at", &ScanResult::coins},
    {"height", "Height of the tip they belong to", [](auto& s) { return s.tip->height; }},
    {"bestblock", "That tip", [](auto& s) { return s.tip->hash; }},
    {"unspents", "Those found", &ScanResult::found, FOUND_COIN},
    {"total_amount", "Their sum", &ScanResult::total}};

using ScanState = NodeContext::Scan::State;

ScanResult scan_coins(const Call& call, const Wanted& wanted) {
    NodeContext& context = context_of(call);
    const auto scan = wait_for<chain::CoinScan>(call, &chain::Chain::scan_coins);
    ScanResult result{.tip = scan.tip};
    const auto goes_on = [&] {
        return context.coin_scan.state == ScanState::Running && !given_up(call);
    };
    while (auto next = scan.coins->next()) {
        auto& [point, coin] = *next;
        if (result.coins % COINS_BETWEEN_LOOKS == 0) {
            // Coins lie in the order of the ids' bytes, and these are spread evenly.
            context.coin_scan.percent = point.txid.bytes[0] * 100 / 256;
            if (!goes_on()) break;
        }
        ++result.coins;
        const Script& script = coin.out.script_pubkey;
        const auto found = wanted.find(text_of(script));
        if (found == wanted.end()) continue;
        std::string descriptor = found->second.empty()
                                     ? descriptor_of(script, params_of(call).address)
                                     : with_checksum(found->second);
        result.found.push_back({point, std::move(coin), std::move(descriptor), scan.tip});
    }
    result.complete = goes_on(); // also who was told at the last moment that it ends sees it end
    return result;
}

/// The actions of a scan: `run` does it, given what is looked for, and `progress` tells of it.
template <class Run, class Progress>
Reply act_on_scan(const Call& call, NodeContext::Scan& scan, Run run, Progress progress) {
    const std::string& action = call.text(0);
    if (action == "abort") {
        ScanState running = ScanState::Running;
        scan.state.compare_exchange_strong(running, ScanState::Aborted);
        return to_json(running != ScanState::Idle);
    }
    if (action == "status")
        return scan.state == ScanState::Idle ? to_json(std::optional<bool>()) : progress();
    if (action != "start") return Error{Code::InvalidParameter, "Invalid action '" + action + "'"};
    if (!call.has(1)) return NO_SCAN_OBJECTS;
    ScanState idle = ScanState::Idle;
    if (!scan.state.compare_exchange_strong(idle, ScanState::Running)) return SCAN_RUNNING;

    struct Running {
        NodeContext::Scan& scan;

        ~Running() { scan.state = ScanState::Idle; }
    } running{scan};

    scan.percent = 0;
    scan.height = 0;
    Wanted wanted;
    const VisitScript add = [&](const Descriptor& of, uint32_t, const DescribedScript& one) {
        wanted.emplace(text_of(one.script), of.is_solvable() ? one.text : "");
        return scan.state == ScanState::Running; // else `run` will tell
    };
    for (const Json& object : call.arguments[1].items)
        if (auto error = for_each_script(call, object, add))
            return std::move(*error);
        else if (wanted.size() > MAX_SCRIPTS)
            return TOO_MANY_SCRIPTS;
    return run(wanted);
}

/// A scan that is under way can be looked after, however many others wait for their turn.
Pace pace_of_scan(const Call& call) {
    return call.text(0) == "start" ? Pace::Slow : Pace::Quick;
}

const Object<NodeContext::Scan> COIN_SCAN{
    {"progress", "Part of the coins looked at, in percent",
     [](auto& s) { return s.percent.load(); }}};

Reply scantxoutset(const Call& call) {
    NodeContext::Scan& scan = context_of(call).coin_scan;
    return act_on_scan(
        call, scan,
        [&](const Wanted& wanted) { return to_json(scan_coins(call, wanted), SCAN_RESULT); },
        [&] { return to_json(scan, COIN_SCAN); });
}

const Param ACTION{"action", Type::Text, REQUIRED, "start, or of a scan under way: abort, status"};
const Param SCAN_OBJECTS{"scanobjects", Type::Array, ABSENT, "What to look for", {SCAN_OBJECT}};
const Returned ABORTED = returned<bool>("action = abort", "Whether there was one to abort");

const Method SCANTXOUTSET{
    .name = "scantxoutset",
    .summary = "Look through all unspent outputs for those of descriptors.",
    .params = {ACTION, SCAN_OBJECTS},
    .fails = joined({NO_SCAN_OBJECTS, SCAN_RUNNING, BAD_ACTION}, SCAN_OBJECT_FAILS),
    .example = "start [\"addr($ADDRESS)\"]",
    .run =
        {scantxoutset,
         {returned<ScanResult>("action = start", "", SCAN_RESULT), ABORTED,
          returned<std::optional<NodeContext::Scan>>(
              "action = status", "Null if there is none", COIN_SCAN)}},
    .pace = pace_of_scan,
};

// scanblocks /////////////////////////////////////////////////////////////////////////////////

struct BlockScan {
    Height first;
    Height last;
    std::vector<BlockHash> relevant;
    bool complete = true;
};

const Object<BlockScan> BLOCK_SCAN{
    {"from_height", "Height of the first block looked at", &BlockScan::first},
    {"to_height", "Height of the last one", &BlockScan::last},
    {"relevant_blocks", "Those that may pay to the scripts, or spend from them",
     &BlockScan::relevant},
    {"completed", "Whether the scan came to its end", &BlockScan::complete}};

const Object<NodeContext::Scan> BLOCK_SCAN_PROGRESS{
    {"progress", "Part of the blocks looked at, in percent",
     [](auto& s) { return s.percent.load(); }},
    {"current_height", "Height of the block that is looked at",
     [](auto& s) { return s.height.load(); }}};

/// Whether the block does what its filter says it may do; nullopt if it isn't here.
std::optional<bool> touches(const Call& call, const chain::BlockNode& node, const Wanted& wanted) {
    const BlockRef block = chain_of(call).read_block(node);
    if (!block) return std::nullopt;
    for (const SealedTransaction& tx : block->transactions)
        for (const TxOut& output : tx.outputs)
            if (wanted.contains(text_of(output.script_pubkey))) return true;
    const std::optional<chain::BlockUndo> undo = chain_of(call).read_undo(node, *block);
    if (undo)
        for (const Coin& coin : undo->coins)
            if (wanted.contains(text_of(coin.out.script_pubkey))) return true;
    return false;
}

Outcome<BlockScan> scan_blocks(const Call& call, const Wanted& wanted, bool exactly) {
    NodeContext& context = context_of(call);
    const chain::View view = chain_of(call).view();
    const int64_t first = call.integer(2);
    const int64_t last = call.has(3) ? call.integer(3) : view.height().value;
    if (first < 0 || first > view.height().value) return BAD_START_HEIGHT;
    if (last < first || last > view.height().value) return BAD_STOP_HEIGHT;
    std::vector<Script> scripts;
    for (const auto& [script, descriptor] : wanted) scripts.emplace_back(as_bytes(script));
    BlockScan result{static_cast<int32_t>(first), static_cast<int32_t>(last), {}};
    for (Height at = result.first; at <= result.last; ++at) {
        context.block_scan.height = at.value;
        context.block_scan.percent =
            static_cast<int>((at.value - first) * 100 / (last - first + 1));
        if (context.block_scan.state == ScanState::Aborted || given_up(call)) {
            result.complete = false;
            result.last = at;
            break;
        }
        const chain::BlockNode& node = *view.at(at);
        const std::optional<chain::FilterEntry> entry = chain_of(call).indexes().filter(node);
        if (!entry) return still_syncing(chain_of(call).indexes().status(chain::IndexId::Filters));
        const Result<bool> matches = filter_matches(entry->filter, node.hash, scripts);
        if (!matches) chain::damaged("a compact filter");
        const std::optional<bool> relevant =
            *matches && exactly ? touches(call, node, wanted) : *matches;
        if (!relevant) return PRUNED;
        if (*relevant) result.relevant.push_back(node.hash);
    }
    return result;
}

Reply scanblocks(const Call& call) {
    NodeContext::Scan& scan = context_of(call).block_scan;
    const auto run = [&](const Wanted& wanted) -> Reply {
        if (call.text(4) != "basic") return UNKNOWN_FILTER;
        if (!chain_of(call).indexes().enabled(chain::IndexId::Filters)) return NO_FILTERS;
        const Json* option =
            call.has(5) ? call.arguments[5].find("filter_false_positives") : nullptr;
        const Outcome<BlockScan> result =
            scan_blocks(call, wanted, option != nullptr && option->truth);
        if (!result) return result.error();
        return to_json(*result, BLOCK_SCAN);
    };
    return act_on_scan(call, scan, run, [&] { return to_json(scan, BLOCK_SCAN_PROGRESS); });
}

const Method SCANBLOCKS{
    .name = "scanblocks",
    .summary = "Look through the compact filters of blocks for the scripts of descriptors.",
    .params =
        {ACTION,
         SCAN_OBJECTS,
         {"start_height", Type::Int32, "0", "Begin with this block"},
         {"stop_height", Type::Int32, ABSENT, "End with this one; the tip if it is left out"},
         {"filtertype", Type::Text, "\"basic\"", "Which filters"},
         {"options",
          Type::Object,
          ABSENT,
          "How to scan",
          {{"filter_false_positives",
            Type::Bool,
            "Leave out blocks that only seem to be relevant: reads each block (default: false)",
            {},
            true}}}},
    .fails = joined(
        {NO_SCAN_OBJECTS,
         SCAN_RUNNING,
         UNKNOWN_FILTER,
         NO_FILTERS,
         BAD_START_HEIGHT,
         BAD_STOP_HEIGHT,
         PRUNED,
         {Code::InternalError, "Unable to get data because basic block filter index is still "
                               "syncing."},
         BAD_ACTION},
        SCAN_OBJECT_FAILS),
    .example = "start [\"addr($ADDRESS)\"] 0",
    .run =
        {scanblocks,
         {returned<BlockScan>("action = start", "", BLOCK_SCAN), ABORTED,
          returned<std::optional<NodeContext::Scan>>(
              "action = status", "Null if there is none", BLOCK_SCAN_PROGRESS)}},
    .pace = pace_of_scan,
};

} // namespace

Groups descriptor_methods() {
    return {
        {"Blockchain", {&SCANTXOUTSET, &SCANBLOCKS}},
        {"Util", {&GETDESCRIPTORINFO, &DERIVEADDRESSES}}};
}

} // namespace cairn::rpc
