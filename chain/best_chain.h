// SPDX-License-Identifier: MIT
// Keeps the tip on the valid chain with the most work, over any reorganisation, and lets an
// operator overrule which chains are valid.
#pragma once

#include "chain/admission.h"
#include "chain/chainstate.h"

namespace cairn::chain {

/// Moves the tip of a chain state, and the mempool with it.
///
/// Blocks that extend the tip are in flight, several at once: each was taken through the rules over
/// the coins of those before it, and its scripts run on the pool. They are committed in order; one
/// that fails takes all later ones with it. Everything else first waits until none is in flight.
/// Invariants: the blocks in flight are a chain on the tip. None of them is visible to anyone.
/// Thread: chain.
class BestChain {
public:
    using Notify = std::function<void(const TipChange&)>;
    using Done = std::function<void(const BlockOutcome&)>;

    /// `stop`: once true, give up after the block in hand. `notify`: told of each move. `wake`:
    /// called on any thread when advance() should be.
    BestChain(
        Chainstate& chainstate,
        Admission& admission,
        const std::atomic<bool>& stop,
        Notify notify,
        std::function<void()> wake);

    /// A block just came in, with this `outcome` so far. advance() connects it if it is on the best
    /// chain; answer() calls `done` once that is decided, also for blocks after it that were here
    /// before.
    void add(const BlockOutcome& outcome, std::shared_ptr<CheckedBlock> block, Done done);

    /// Commit what is through, and begin on as much of the best chain as fits; for a while only, if
    /// there is much of it, and then on from wake().
    void advance();

    /// Go to the best chain, however long that takes.
    void finish();

    /// On the best chain that there are bodies for.
    bool resting() const;

    /// Nothing more fits: a block that came now would only wait.
    bool full() const;

    /// Call what was given to add() for the blocks whose fate is decided.
    void answer();

    /// Leave the blocks in flight for the next start, and drop what was given to add(). For when
    /// the chain thread has ended.
    void abandon();

    /// Source, for the three: Core's functions of these names.
    Result<> invalidate(BlockNode& node);
    Result<> reconsider(BlockNode& node);
    Result<> precious(BlockNode& node);

    /// Commit all that is in flight, or find it invalid.
    void drain();

    /// Chainstate::adopt_snapshot(), and on from there. Requires: nothing is in flight.
    void adopt_snapshot(BlockNode& base, const consensus::Snapshot& entry);

private:
    struct InFlight {
        BlockNode* node = nullptr;
        std::shared_ptr<CheckedBlock> checked;       ///< Null if it was read from the disk.
        int64_t bytes = 0;                           ///< Of the block, on the wire.
        std::unique_ptr<ConnectingBlock> connecting; ///< Null if it failed already.
        Result<> verdict;                            ///< Of all but the scripts.

        bool finished() const { return !connecting || connecting->finished(); }
    };

    struct Answer {
        BlockOutcome outcome;
        const BlockNode* target = nullptr; ///< The best chain when it came: what it joined.
        std::shared_ptr<CheckedBlock> block;
        Done done;
    };

    const BlockNode& head() const;
    bool is_coming(const BlockNode& node) const;
    void launch(BlockNode& node);
    void finish_first();
    void fail(BlockNode& node, const Reject& reject);
    void disconnect();
    void settle();
    void note(std::vector<BlockChange>& side, const BlockNode& node, const BlockRef& block);
    void emit();
    void follow_marks();

    Chainstate& chainstate_;
    Admission& admission_;
    const std::atomic<bool>& stop_;
    Notify notify_;
    std::function<void()> wake_;

    std::deque<InFlight> in_flight_;
    std::vector<Answer> answers_;
    TipChange change_;                ///< Since observers were told.
    int64_t change_bytes_ = 0;        ///< Of its blocks, on the wire.
    bool reorganised_ = false;        ///< Blocks were disconnected since settle().
    const BlockNode* rest_ = nullptr; ///< Tip at the last settle().
};

} // namespace cairn::chain
