// SPDX-License-Identifier: MIT
#include "consensus/version_bits.h"

#include <algorithm>
#include <array>
#include <bit>

namespace cairn::consensus {

namespace {

constexpr uint32_t TOP_BITS = 0x20000000;
constexpr uint32_t TOP_MASK = 0xe0000000;
constexpr int VERSION_BITS = 29;
constexpr uint32_t GENERAL_PURPOSE = 0x1fffffe0; ///< Bits 5 to 28 are for miners. BIP-0323.

/// The bits that `header` signals; none if its version isn't of that kind.
uint32_t signals_of(const BlockHeader& header) {
    const auto version = static_cast<uint32_t>(header.version);
    return (version & TOP_MASK) == TOP_BITS ? version & ~TOP_MASK : 0;
}

bool signals(const Deployment& deployment, const BlockHeader& header) {
    return (signals_of(header) >> deployment.bit & 1) != 0;
}

int signals_in_period(const Deployment& deployment, const HeaderNode* last) {
    int count = 0;
    for (int i = 0; i < deployment.period; ++i, last = last->parent)
        count += signals(deployment, last->header) ? 1 : 0;
    return count;
}

/// The state of the period after the one that ends with `last`.
DeploymentState
next_state(DeploymentState state, const Deployment& deployment, const HeaderNode& last) {
    switch (state) {
    case DeploymentState::Defined:
        if (last.median_time_past() >= deployment.start_time) return DeploymentState::Started;
        return state;
    case DeploymentState::Started:
        if (signals_in_period(deployment, &last) >= deployment.threshold)
            return DeploymentState::LockedIn;
        if (last.median_time_past() >= deployment.timeout) return DeploymentState::Failed;
        return state;
    case DeploymentState::LockedIn:
        if (last.height + Height(1) >= deployment.min_activation_height)
            return DeploymentState::Active;
        return state;
    case DeploymentState::Active:
    case DeploymentState::Failed:
        return state; // for ever
    }
    return state;
}

struct StateAndSince {
    DeploymentState state = DeploymentState::Defined;
    Height since;
};

StateAndSince state_and_since(const Deployment& deployment, const HeaderNode* parent) {
    if (deployment.start_time == Deployment::ALWAYS_ACTIVE) return {DeploymentState::Active, 0};
    if (deployment.start_time == Deployment::NEVER_ACTIVE) return {DeploymentState::Failed, 0};
    // Last blocks of whole periods, back to the first whose time is before the start: until there
    // the state can only be Defined.
    std::vector<const HeaderNode*> ends;
    if (parent != nullptr) {
        const int32_t over = (parent->height.value + 1) % deployment.period;
        const HeaderNode* end = parent->ancestor(parent->height - Height(over));
        while (end != nullptr && end->median_time_past() >= deployment.start_time) {
            ends.push_back(end);
            end = end->ancestor(end->height - Height(deployment.period));
        }
    }
    StateAndSince now;
    std::for_each(ends.rbegin(), ends.rend(), [&](const HeaderNode* end) {
        const DeploymentState next = next_state(now.state, deployment, *end);
        if (next != now.state) now = {next, end->height + Height(1)};
    });
    return now;
}

} // namespace

std::string_view deployment_state_name(DeploymentState state) {
    constexpr std::string_view NAMES[] = {"defined", "started", "locked_in", "active", "failed"};
    return NAMES[static_cast<uint8_t>(state)];
}

DeploymentState deployment_state(const Deployment& deployment, const HeaderNode* parent) {
    return state_and_since(deployment, parent).state;
}

Height deployment_since(const Deployment& deployment, const HeaderNode* parent) {
    return state_and_since(deployment, parent).since;
}

int32_t block_version(const HeaderNode* parent, const Params& params) {
    uint32_t version = TOP_BITS;
    for (const Deployment& deployment : params.deployments) {
        const DeploymentState state = deployment_state(deployment, parent);
        if (state == DeploymentState::Started || state == DeploymentState::LockedIn)
            version |= 1U << deployment.bit;
    }
    return static_cast<int32_t>(version);
}

UnknownRules::UnknownRules(const Params& params)
    : params_(params),
      rule_(params.deployments.empty() ? Deployment() : params.deployments.front()) {}

std::vector<int> UnknownRules::active(const HeaderNode& tip) {
    while (!periods_.empty() && !tip.descends_from(*periods_.back().end)) periods_.pop_back();
    for (;;) {
        const auto complete = static_cast<int32_t>(periods_.size() + 1) * rule_.period;
        if (complete > tip.height.value + 1) break;
        const HeaderNode* end = tip.ancestor(Height(complete - 1));
        const uint32_t before = periods_.empty() ? 0 : periods_.back().locked_in;
        periods_.push_back({end, before | locked_in_by(*end)});
    }
    std::vector<int> bits;
    if (periods_.size() < 2) return bits;
    // What the last one locked in holds one period later.
    const uint32_t active = periods_[periods_.size() - 2].locked_in;
    for (int bit = 0; bit < VERSION_BITS; ++bit)
        if ((active >> bit & 1) != 0) bits.push_back(bit);
    return bits;
}

/// What was signalled before the last of the known rules held was meant for those.
uint32_t UnknownRules::locked_in_by(const HeaderNode& end) const {
    Height first = std::max(params_.activation.csv, params_.activation.segwit);
    for (const Deployment& known : params_.deployments)
        first = std::max(first, known.min_activation_height);
    const HeaderNode* before = end.ancestor(end.height - Height(rule_.period));
    if (before == nullptr || before->height < first) return 0;
    const auto known = static_cast<uint32_t>(block_version(before, params_));
    std::array<int, VERSION_BITS> counts{};
    for (const HeaderNode* node = &end; node != before; node = node->parent)
        for (uint32_t bits = signals_of(node->header) & ~known & ~GENERAL_PURPOSE; bits != 0;
             bits &= bits - 1)
            ++counts[static_cast<size_t>(std::countr_zero(bits))];
    uint32_t locked_in = 0;
    for (size_t bit = 0; bit < counts.size(); ++bit)
        if (counts[bit] >= rule_.threshold) locked_in |= 1U << bit;
    return locked_in;
}

SignalCount count_signals(const Deployment& deployment, const HeaderNode& tip) {
    SignalCount result;
    result.elapsed = tip.height.value % deployment.period + 1;
    const HeaderNode* node = &tip;
    for (int i = 0; i < result.elapsed; ++i, node = node->parent) {
        const bool yes = signals(deployment, node->header);
        result.count += yes ? 1 : 0;
        result.signalling += yes ? '#' : '-';
    }
    std::ranges::reverse(result.signalling);
    const int silent = result.elapsed - result.count;
    result.possible = deployment.period - deployment.threshold >= silent;
    return result;
}

} // namespace cairn::consensus
