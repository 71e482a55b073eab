// SPDX-License-Identifier: MIT
// What a transaction should pay.
#include "node/fee_watch.h"
#include "rpc/describe.h"
#include "rpc/methods.h"
#include "rpc/node_context.h"

#include <charconv>
#include <cmath>

namespace cairn::rpc {

using namespace consensus;
using namespace server;

namespace {

using chain::FeeEstimator;

const Error BAD_TARGET{Code::InvalidParameter, "Invalid conf_target, must be between 1 and 1008"};
const Error BAD_THRESHOLD{Code::InvalidParameter, "Invalid threshold"};
const Error BAD_MODE{
    Code::InvalidParameter, "Invalid estimate_mode parameter, must be one of: \"unset\", "
                            "\"economical\", \"conservative\""};

const Param TARGET_BLOCKS{"conf_target", Type::Int32, REQUIRED, "Blocks, 1 to 1008"};

/// nullopt outside of the range.
std::optional<int32_t> target_of(const Call& call) {
    const int64_t target = call.integer(0);
    if (target < 1 || target > FeeEstimator::MAX_TARGET) return std::nullopt;
    return static_cast<int32_t>(target);
}

const Object<FeeEstimator::Estimate> ESTIMATE{
    {"feerate", "Coins for 1,000 virtual bytes", [](auto& e) { return *e.feerate; }},
    {"blocks", "Blocks it is for: fewer than asked, as long as little was seen; else 2 at least",
     &FeeEstimator::Estimate::blocks}};

/// Where nothing was seen, blocks are not full: then what the mempool takes is mined.
Outcome<FeeEstimator::Estimate> estimatesmartfee(const Call& call) {
    const std::optional<int32_t> target = target_of(call);
    if (!target) return BAD_TARGET;
    std::string mode = call.text(1);
    std::ranges::transform(mode, mode.begin(), [](unsigned char c) { return std::tolower(c); });
    if (mode != "unset" && mode != "economical" && mode != "conservative") return BAD_MODE;
    const chain::Chain& chain = chain_of(call);
    // What is let in, is mined, and is not zero where anything is let in.
    const chain::FeeRate floor = std::max(
        {chain.mempool_min_feerate(), chain.options().min_relay_feerate,
         chain.options().block_min_feerate});
    FeeEstimator::Estimate estimate =
        context_of(call).node.fees.ask([&](const FeeEstimator& estimator) {
            return estimator.estimate(*target, mode == "conservative");
        });
    if (!estimate.feerate) estimate.blocks = std::max(*target, 2); // none is surer of the next
    estimate.feerate = std::max(estimate.feerate.value_or(floor), floor);
    return estimate;
}

const Method ESTIMATESMARTFEE{
    .name = "estimatesmartfee",
    .summary = "A price at which a transaction should be mined within some blocks, by how long "
               "others waited; at least what the mempool asks.",
    .params =
        {TARGET_BLOCKS,
         {"estimate_mode", Type::Text, "\"economical\"",
          "economical, or unset: follows falling prices soon; conservative: later"}},
    .fails = {BAD_TARGET, BAD_MODE},
    .example = "6",
    .run = {estimatesmartfee, ESTIMATE},
};

// estimaterawfee /////////////////////////////////////////////////////////////////////////////

double tidy(double number) {
    return std::round(number * 100) / 100;
}

const Object<FeeEstimator::Range> RANGE{
    {"startrange", "Satoshis for 1,000 virtual bytes, from this on",
     [](auto& r) { return std::round(r.first); }},
    {"endrange", "... up to this",
     [](auto& r) { return std::isinf(r.last) ? 1e99 : std::round(r.last); }},
    {"withintarget", "Transactions mined in time; all counts fade",
     [](auto& r) { return tidy(r.in_time); }},
    {"totalconfirmed", "Transactions mined at all", [](auto& r) { return tidy(r.confirmed); }},
    {"inmempool", "Those that have waited longer than that",
     [](auto& r) { return tidy(r.waiting); }},
    {"leftmempool", "Those that left after that, and not by a block",
     [](auto& r) { return tidy(r.gave_up); }}};

struct HorizonView {
    const FeeEstimator::Horizon* horizon;
    FeeEstimator::RawEstimate estimate;
};

const Object<HorizonView> HORIZON{
    {"feerate", "Coins for 1,000 virtual bytes, if enough was seen",
     [](auto& h) {
         return only_if(
             h.estimate.feerate.has_value(),
             chain::FeeRate{std::llround(h.estimate.feerate.value_or(0))});
     }},
    {"decay", "What is left of a count after each block", [](auto& h) { return h.horizon->decay; }},
    {"scale", "Blocks are counted in so many", [](auto& h) { return h.horizon->scale; }},
    {"pass", "The lowest prices that do", [](auto& h) { return h.estimate.pass; }, RANGE},
    {"fail", "Lower ones that don't", [](auto& h) { return h.estimate.fail; }, RANGE},
    {"errors", "Why there is no feerate", [](auto& h) {
         return only_if(
             !h.estimate.feerate,
             std::vector<std::string>{
                 "Insufficient data or no feerate found which meets threshold"});
     }}};

using Horizons = std::vector<std::pair<std::string, HorizonView>>;

Outcome<Horizons> estimaterawfee(const Call& call) {
    const std::optional<int32_t> target = target_of(call);
    if (!target) return BAD_TARGET;
    double threshold = .95;
    if (call.has(1)) {
        const std::string& text = call.arguments[1].text;
        const auto [end, error] =
            std::from_chars(text.data(), text.data() + text.size(), threshold);
        if (error != std::errc()) return BAD_THRESHOLD; // larger than a double may be
    }
    if (!(threshold >= 0 && threshold <= 1)) return BAD_THRESHOLD;
    return context_of(call).node.fees.ask([&](const FeeEstimator& estimator) {
        Horizons all;
        for (size_t i = 0; i < FeeEstimator::HORIZONS.size(); ++i)
            if (const auto& horizon = FeeEstimator::HORIZONS[i]; *target <= horizon.max_target())
                all.emplace_back(
                    horizon.name,
                    HorizonView{&horizon, estimator.raw_estimate(i, *target, threshold)});
        return all;
    });
}

const Method ESTIMATERAWFEE{
    .name = "estimaterawfee",
    .summary = "What the estimates of estimatesmartfee are made of.",
    .params =
        {TARGET_BLOCKS,
         {"threshold", Type::Real, "0.95",
          "Part of the transactions that must have been mined in time"}},
    .fails = {BAD_TARGET, BAD_THRESHOLD},
    .example = "6",
    .run = {estimaterawfee, "By horizon: short, medium and long", HORIZON},
};

} // namespace

Groups fee_methods() {
    return {{"Util", {&ESTIMATESMARTFEE}}, {"hidden", {&ESTIMATERAWFEE}}};
}

} // namespace cairn::rpc
