// SPDX-License-Identifier: MIT
// Soft forks that miners switch on by bits of the version. Source: BIP-0009.
#pragma once

#include "consensus/header_node.h"
#include "consensus/params.h"

namespace cairn::consensus {

enum class DeploymentState : uint8_t { Defined, Started, LockedIn, Active, Failed };

/// Core's name: "defined", "started", "locked_in", "active", "failed".
std::string_view deployment_state_name(DeploymentState state);

/// State for the block after `parent` (null: for genesis). Walks back by periods, O(height/period).
DeploymentState deployment_state(const Deployment& deployment, const HeaderNode* parent);

/// Height at which the present state began.
Height deployment_since(const Deployment& deployment, const HeaderNode* parent);

/// Version for a new block after `parent`: 0x20000000 and the bits of what is started or locked
/// in. Core: ComputeBlockVersion.
int32_t block_version(const HeaderNode* parent, const Params& params);

/// How a period goes so far. Core: BIP9Stats.
struct SignalCount {
    int elapsed = 0; ///< Blocks of the period up to now.
    int count = 0;   ///< Those of them that signal.
    bool possible = false;
    std::string signalling; ///< One letter a block: '#' signals, '-' does not.
};

/// Signals in the period that `tip` belongs to, up to it.
SignalCount count_signals(const Deployment& deployment, const HeaderNode& tip);

/// Looks for rules that miners have switched on and nobody here knows: bits that a whole period
/// signalled, and no deployment of the chain is there for. Core: WarningBitsConditionChecker.
///
/// Keeps what it has counted: along one chain it looks at each block once.
class UnknownRules {
public:
    explicit UnknownRules(const Params& params);

    /// Bits whose rules hold for the block after `tip`, in ascending order.
    std::vector<int> active(const HeaderNode& tip);

private:
    struct Period {
        const HeaderNode* end = nullptr;
        uint32_t locked_in = 0; ///< By it, or one before.
    };

    uint32_t locked_in_by(const HeaderNode& end) const;

    const Params& params_;
    const Deployment rule_;       ///< What these would have in common with the known ones.
    std::vector<Period> periods_; ///< All that are complete, in order.
};

} // namespace cairn::consensus
