// SPDX-License-Identifier: MIT
// Fetches the bodies of the best headers from all peers that have them, in a window that moves
// along the chain. Each is asked for as much as it sends in a short while; one that holds the
// others up loses its requests to them.
#pragma once

#include "node/context.h"

#include <unordered_map>

namespace cairn::node {

/// block, our asking side.
///
/// Invariants: a block is asked of one peer at a time; each entry of in_flight_ is in its peer's
///   list and the reverse.
class BlockDownload {
public:
    explicit BlockDownload(Context& context) : context_(context) {}

    /// Requires: can_take(peer).
    void block(Peer& peer, Bytes payload);
    /// One that was put together from what is here.
    void assembled(Peer& peer, consensus::BlockRef block);
    void
    block_done(PeerId peer, const consensus::BlockHash& hash, const chain::BlockOutcome& outcome);
    /// What `peer` was asked for is for others to send.
    void give_back(Peer& peer);
    void tip_moved();
    /// `peer` is about to send the block of `node` without being asked by getdata; false if another
    /// was asked for it.
    bool reserve(Peer& peer, const chain::BlockNode& node);
    bool is_asked(const Peer& peer, const consensus::BlockHash& hash) const;
    /// Ask `peer`, and nobody else any more, for the block of `node`. False if it was asked
    /// already.
    bool ask(Peer& peer, const chain::BlockNode& node);
    /// `peer` won't send this block any more.
    void give_up(const Peer& peer, const consensus::BlockHash& hash);
    void tick(Peer& peer);

    /// Whether there is memory for another block of `peer`. One that we called may always have one,
    /// lest callers fill it with rubbish.
    bool can_take(const Peer& peer) const {
        return processing_bytes_ < MAX_PROCESSING_BYTES ||
               (!peer.inbound() && peer.blocks_processing == 0);
    }

    /// Whether the parent of this block may be among what `peer` sent that is not judged yet: who
    /// tells of blocks by sending them does so in order.
    bool awaits_parent(const Peer& peer, ByteView payload) const;

    // Requests to one peer: what it sends in HORIZON, which is more than any way is long, so that
    // it never waits for us, and what it holds is here soon.
    static constexpr std::chrono::seconds HORIZON{2};
    static constexpr size_t MIN_IN_FLIGHT = 2;
    static constexpr size_t START_IN_FLIGHT = 4; ///< As long as its speed is not known.
    static constexpr size_t MAX_IN_FLIGHT = 256;
    static constexpr int32_t WINDOW = 1024;        ///< Blocks past the first missing one.
    static constexpr int32_t LIMITED_BLOCKS = 286; ///< What BIP-0159 peers have, less a margin.
    /// What any peer has of the chain that it tells of.
    static constexpr int32_t ANNOUNCED_BLOCKS = 16;
    /// Of all peers together. Below what may wait for the chain: what that refuses is fetched once
    /// more.
    static constexpr size_t MAX_PROCESSING_BYTES = 48 << 20;
    static constexpr std::chrono::seconds MIN_STALL{2};
    static constexpr std::chrono::seconds MAX_STALL{64};
    static constexpr std::chrono::seconds MAX_SLOW_BLOCK{8}; ///< Of one known to be slow.

private:
    struct Request {
        PeerId peer = NO_PEER;
        const chain::BlockNode* node = nullptr;
    };

    void take(Peer& peer, const consensus::BlockHeader& header, AcceptBlock action, size_t bytes);
    bool
    is_welcome(Peer& peer, const consensus::BlockHeader& header, const consensus::BlockHash& hash);
    struct Received;
    void refused(
        Peer& peer,
        const consensus::BlockHash& hash,
        const consensus::Reject& reject,
        const Received& received);
    void note_progress(Peer& peer, const consensus::BlockHash& hash, size_t bytes);
    void measure(Peer& peer, size_t bytes);
    static size_t to_send(const Peer& peer);
    size_t most_in_flight(const Peer& peer) const;
    void request_more(Peer& peer);
    void note_asked(Peer& peer, const chain::BlockNode& node);
    std::vector<const chain::BlockNode*> find_missing(Peer& peer, size_t count);
    const chain::BlockNode* first_missing(Peer& peer) const;
    bool is_processing(const consensus::BlockHash& hash) const;
    bool is_unasked(const chain::BlockNode& node) const;
    size_t fair_share(const Peer& peer);
    void add_history(
        const Peer& peer, size_t count, std::vector<const chain::BlockNode*>& missing) const;
    bool is_wanted(const Peer& peer) const;
    static consensus::Height lowest_kept(const Peer& peer);
    bool has_faster_source(const Peer& peer) const;
    Time::duration patience(const Peer& holder) const;
    void relieve(PeerId holder, PeerId waiting);
    void remove(const consensus::BlockHash& hash);
    Time::duration timeout() const;

    Context& context_;
    std::unordered_map<consensus::BlockHash, Request, consensus::BlockHasher> in_flight_;

    struct Received {
        PeerId peer = NO_PEER;
        size_t bytes = 0;
        bool assembled = false; ///< Then it is the body that its header commits to.
        bool asked = false;     ///< Of this peer.
    };

    /// Received, and not judged yet: one copy of each peer.
    std::unordered_multimap<consensus::BlockHash, Received, consensus::BlockHasher> processing_;
    size_t processing_bytes_ = 0;

    /// What is still to come up to the best header, and how fast.
    struct Rest {
        const chain::BlockNode* best = nullptr;
        double blocks = 0;
        double bytes_a_second = 0;
    };

    const Rest& count_rest(const chain::BlockNode& from);
    std::optional<Rest> rest_;                    ///< Until something is asked for, or comes.
    double block_bytes_ = 0;                      ///< What blocks take of late.
    std::chrono::microseconds stall_ = MIN_STALL; ///< Grows with each stall, in case we are slow.
};

} // namespace cairn::node
