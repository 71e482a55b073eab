// SPDX-License-Identifier: MIT
// Keeps the tip on the valid chain with the most work, over any reorganisation, and lets an
// operator overrule which chains are valid.
#pragma once

#include "chain/admission.h"
#include "chain/chainstate.h"

namespace cairn::chain {

/// Moves the tip of a chain state, and the mempool with it.
///
/// Thread: chain.
class BestChain {
public:
    using Notify = std::function<void(const TipChange&)>;

    /// `stop`: once true, give up after the block in hand. `notify`: told of each move.
    BestChain(
        Chainstate& chainstate, Admission& admission, const std::atomic<bool>& stop, Notify notify);

    /// Go to the best valid chain. `fresh`: a block just stored as `node`, so that it need not be
    /// read again. Returns why `node` was refused, if that was tried.
    Result<> activate(const BlockNode* node = nullptr, const BlockRef& fresh = nullptr);

    /// Source, for the three: Core's functions of these names.
    Result<> invalidate(BlockNode& node);
    Result<> reconsider(BlockNode& node);
    Result<> precious(BlockNode& node);

private:
    void move_towards(BlockNode& target);
    bool connect(BlockNode& node);
    void disconnect();
    void settle();
    void emit();

    Chainstate& chainstate_;
    Admission& admission_;
    const std::atomic<bool>& stop_;
    Notify notify_;

    TipChange change_;                ///< Since observers were told.
    bool reorganised_ = false;        ///< Blocks were disconnected since settle().
    const BlockNode* rest_ = nullptr; ///< Tip at the last settle().
    const BlockNode* fresh_node_ = nullptr;
    BlockRef fresh_;
    Result<> fresh_verdict_;
};

} // namespace cairn::chain
