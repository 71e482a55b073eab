// SPDX-License-Identifier: MIT
#include "consensus/version_bits.h"

#include <algorithm>

namespace cairn::consensus {

namespace {

constexpr uint32_t TOP_BITS = 0x20000000;
constexpr uint32_t TOP_MASK = 0xe0000000;

bool signals(const Deployment& deployment, const BlockHeader& header) {
    const auto version = static_cast<uint32_t>(header.version);
    return (version & TOP_MASK) == TOP_BITS && (version >> deployment.bit & 1) != 0;
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
