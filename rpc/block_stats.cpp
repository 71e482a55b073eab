// SPDX-License-Identifier: MIT
// getblockstats: a block in figures.
#include "consensus/pow.h"
#include "rpc/describe.h"
#include "rpc/methods.h"
#include "rpc/named_block.h"

#include <algorithm>
#include <array>
#include <span>

namespace cairn::rpc {

using namespace consensus;
using namespace server;

namespace {

/// What a coin takes besides its output, by Core's measure: where it is, and in one number its
/// height and whether it is a coinbase's. Core: PER_UTXO_OVERHEAD.
constexpr int64_t COIN_OVERHEAD = 36 + 4;

/// Numbers of one kind, of all transactions but the coinbase.
struct Series {
    std::vector<int64_t> numbers;

    void add(int64_t number) { numbers.push_back(number); }

    int64_t sum() const {
        int64_t total = 0;
        for (const int64_t number : numbers) total += number;
        return total;
    }

    int64_t least() const { return numbers.empty() ? 0 : *std::ranges::min_element(numbers); }

    int64_t most() const { return numbers.empty() ? 0 : *std::ranges::max_element(numbers); }

    int64_t average() const {
        return numbers.empty() ? 0 : sum() / static_cast<int64_t>(numbers.size());
    }

    /// Of an even count the middle of the two, without a fraction.
    int64_t median() const {
        if (numbers.empty()) return 0;
        std::vector<int64_t> sorted = numbers;
        std::ranges::sort(sorted);
        const size_t middle = sorted.size() / 2;
        return sorted.size() % 2 != 0 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
};

struct BlockStats {
    const chain::BlockNode& node;
    Amount subsidy;
    int64_t transactions = 0;
    int64_t inputs = 0;
    int64_t outputs = 0;
    int64_t coins = 0; ///< Outputs that can be spent.
    int64_t coin_bytes = 0;
    int64_t spendable_bytes = 0;
    Amount total_out;
    int64_t witness_transactions = 0;
    int64_t witness_size = 0;
    int64_t witness_weight = 0;
    Series sizes;
    Series weights;
    Series fees;
    Series feerates; ///< Satoshis for a virtual byte.

    std::array<int64_t, 5> percentiles() const;
};

/// The feerates below which so many percent of the weight are: 10, 25, 50, 75, 90.
std::array<int64_t, 5> BlockStats::percentiles() const {
    std::vector<std::pair<int64_t, int64_t>> sorted; // feerate, weight
    for (size_t i = 0; i < feerates.numbers.size(); ++i)
        sorted.emplace_back(feerates.numbers[i], weights.numbers[i]);
    std::ranges::sort(sorted);
    const int64_t total = weights.sum();
    constexpr std::array<int64_t, 5> PERCENT{10, 25, 50, 75, 90};
    std::array<int64_t, 5> result{};
    size_t next = 0;
    int64_t weight = 0;
    for (const auto& [feerate, own] : sorted) {
        weight += own;
        while (next < PERCENT.size() && weight * 100 >= total * PERCENT.at(next))
            result.at(next++) = feerate;
    }
    return result;
}

/// Bytes of an output among the coins, by Core's measure.
int64_t coin_size(const TxOut& out) {
    return static_cast<int64_t>(encode(out).size()) + COIN_OVERHEAD;
}

void add_outputs(BlockStats& stats, const SealedTransaction& tx, bool spendable) {
    stats.outputs += static_cast<int64_t>(tx.outputs.size());
    for (const TxOut& out : tx.outputs) {
        stats.coin_bytes += coin_size(out);
        if (!spendable || is_unspendable(out.script_pubkey)) continue;
        ++stats.coins;
        stats.spendable_bytes += coin_size(out);
    }
}

/// All but the outputs, of one that is no coinbase.
void add_transaction(BlockStats& stats, const SealedTransaction& tx, std::span<const Coin> spent) {
    stats.inputs += static_cast<int64_t>(tx.inputs.size());
    stats.sizes.add(tx.size_bytes);
    stats.weights.add(tx.weight());
    if (tx.has_witness()) {
        ++stats.witness_transactions;
        stats.witness_size += tx.size_bytes;
        stats.witness_weight += tx.weight();
    }
    const Amount out = output_sum(tx);
    stats.total_out += out;
    Amount fee = -out;
    for (const Coin& coin : spent) {
        fee += coin.out.value;
        stats.coin_bytes -= coin_size(coin.out);
        stats.spendable_bytes -= coin_size(coin.out);
    }
    stats.fees.add(fee.value);
    stats.feerates.add(fee.value * 4 / tx.weight());
}

const Object<BlockStats> BLOCK_STATS{
    {"avgfee", "Mean fee", [](auto& s) { return s.fees.average(); }},
    {"avgfeerate", "Satoshis for a virtual byte, over all",
     [](auto& s) { return s.weights.sum() == 0 ? 0 : s.fees.sum() * 4 / s.weights.sum(); }},
    {"avgtxsize", "Mean size", [](auto& s) { return s.sizes.average(); }},
    {"blockhash", "The block", [](auto& s) { return s.node.hash; }},
    {"feerate_percentiles", "Feerates below which 10, 25, 50, 75 and 90 percent of the weight are",
     &BlockStats::percentiles},
    {"height", "Its height", [](auto& s) { return s.node.height; }},
    {"ins", "Inputs but the coinbase's", &BlockStats::inputs},
    {"maxfee", "Highest fee", [](auto& s) { return s.fees.most(); }},
    {"maxfeerate", "Highest feerate", [](auto& s) { return s.feerates.most(); }},
    {"maxtxsize", "Largest size", [](auto& s) { return s.sizes.most(); }},
    {"medianfee", "Median fee", [](auto& s) { return s.fees.median(); }},
    {"mediantime", "Median time past", [](auto& s) { return Seconds{s.node.median_time_past()}; }},
    {"mediantxsize", "Median size", [](auto& s) { return s.sizes.median(); }},
    {"minfee", "Lowest fee", [](auto& s) { return s.fees.least(); }},
    {"minfeerate", "Lowest feerate", [](auto& s) { return s.feerates.least(); }},
    {"mintxsize", "Smallest size", [](auto& s) { return s.sizes.least(); }},
    {"outs", "Outputs", &BlockStats::outputs},
    {"subsidy", "What a block of this height may make", [](auto& s) { return s.subsidy.value; }},
    {"swtotal_size", "Size of those with a witness", &BlockStats::witness_size},
    {"swtotal_weight", "Their weight", &BlockStats::witness_weight},
    {"swtxs", "Their number", &BlockStats::witness_transactions},
    {"time", "Its time", [](auto& s) { return Seconds{s.node.header.time}; }},
    {"total_out", "All outputs but the coinbase's", [](auto& s) { return s.total_out.value; }},
    {"total_size", "Size of all but the coinbase", [](auto& s) { return s.sizes.sum(); }},
    {"total_weight", "Weight of all but the coinbase", [](auto& s) { return s.weights.sum(); }},
    {"totalfee", "All fees", [](auto& s) { return s.fees.sum(); }},
    {"txs", "Transactions", &BlockStats::transactions},
    {"utxo_increase", "Outputs made less those spent",
     [](auto& s) { return s.outputs - s.inputs; }},
    {"utxo_size_inc", "Their size", &BlockStats::coin_bytes},
    {"utxo_increase_actual", "The same without what nobody can spend",
     [](auto& s) { return s.coins - s.inputs; }},
    {"utxo_size_inc_actual", "Their size", &BlockStats::spendable_bytes}};

const Error NO_UNDO{Code::InternalError, "Can't read undo data from disk"};

Outcome<BlockStats> stats_of(const Call& call, const chain::BlockNode& node) {
    const BlockRef block = chain_of(call).read_block(node);
    if (!block) return body_missing(node);
    const auto undo = chain_of(call).read_undo(node, *block);
    const bool genesis = node.height == Height(0);
    if (!undo && !genesis) return NO_UNDO;
    const Params& params = params_of(call);
    BlockStats stats{node, block_subsidy(node.height, params)};
    stats.transactions = static_cast<int64_t>(block->transactions.size());
    for (size_t i = 0; i < block->transactions.size(); ++i) {
        const bool overwrites =
            i == 0 && std::ranges::count(
                          params.exceptions.bip30, node.hash, &Exceptions::Overwrite::block) != 0;
        add_outputs(
            stats, block->transactions[i], !overwrites && (!genesis || params.genesis_spendable));
        if (i > 0) add_transaction(stats, block->transactions[i], undo->spent(i));
    }
    return stats;
}

/// The same figures, of which callers chose some.
class ChosenStats : public Described {
    std::vector<Field> fields() const override {
        std::vector<Field> all = BLOCK_STATS.fields();
        for (Field& one : all) one.optional = true;
        return all;
    }
};

const ChosenStats CHOSEN_STATS;

Reply getblockstats(const Call& call) {
    const Outcome<const chain::BlockNode*> node = block_named(call, call.arguments[0]);
    if (!node) return node.error();
    const Outcome<BlockStats> stats = stats_of(call, **node);
    if (!stats) return stats.error();
    std::string all = to_json(*stats, BLOCK_STATS);
    if (!call.has(1) || call.arguments[1].items.empty()) return all;
    const Json figures = parse_json(all).value();
    Json chosen;
    chosen.kind = Json::Kind::Object;
    for (const Json& name : call.arguments[1].items) {
        const Json* figure = figures.find(name.text);
        if (figure == nullptr)
            return Error{Code::InvalidParameter, "Invalid selected statistic '" + name.text + "'"};
        if (chosen.find(name.text) != nullptr) continue;
        chosen.names.push_back(name.text);
        chosen.items.push_back(*figure);
    }
    return to_json(chosen);
}

const Method GETBLOCKSTATS{
    .name = "getblockstats",
    .summary = "A block in figures; amounts are in satoshis.",
    .params =
        {{"hash_or_height", Type::Any, REQUIRED, "The block", BLOCK_NAMES},
         {"stats",
          Type::Array,
          ABSENT,
          "The figures wanted; all if left out",
          {{"", Type::Text, "Its name"}}}},
    .fails = joined(
        {{Code::InvalidParameter, "Invalid selected statistic '...'"},
         NOT_AVAILABLE,
         PRUNED,
         NO_UNDO},
        BLOCK_NAME_FAILS),
    .example = "$BLOCKHASH",
    .run =
        {getblockstats,
         {returned<BlockStats>("stats left out", "", BLOCK_STATS),
          {"stats given", {"", Type::Object, "Those figures", {}, false, &CHOSEN_STATS}}}},
    .pace = busy,
};

} // namespace

Groups block_stats_methods() {
    return {{"Blockchain", {&GETBLOCKSTATS}}};
}

} // namespace cairn::rpc
