// SPDX-License-Identifier: MIT
// Which headers exist: asked of one peer first, and of all others once that one has told all it
// knows. A peer that doesn't answer is passed over, so that it can't hold anything up.
#pragma once

#include "node/context.h"

namespace cairn::node {

/// A locator: hashes from `tip` back to genesis, ten in a row, then at doubling distances.
std::vector<consensus::BlockHash> locator_of(const consensus::HeaderNode* tip);

/// Whether headers of `peer` after `parent` are new, and lead to less work than is worth having, as
/// they claim. What a peer sends that the operator trusts is worth it.
bool is_low_work(
    const Context& context,
    const Peer& peer,
    const chain::BlockNode& parent,
    const std::vector<consensus::BlockHeader>& headers);

/// headers and getheaders, our asking side. Headers of little work are left out, or heard twice
/// (header_presync.h).
///
/// Invariant: one run of headers of a peer is judged at a time; the next is asked for after it.
class HeaderSync {
public:
    explicit HeaderSync(Context& context) : context_(context) {}

    void headers(Peer& peer, HeadersMessage message);
    void headers_done(Peer& peer, const chain::HeadersOutcome& outcome);
    /// `peer` has the block `hash`, which may be unknown to us.
    void announced(Peer& peer, const consensus::BlockHash& hash);
    /// `peer` has the block of `node`.
    static void note_known(Peer& peer, const chain::BlockNode& node);
    void disconnected(PeerId peer);
    void tick(Peer& peer);

    /// For an answer of the first peer, and for all of them, time_to_hear() apart; then the next
    /// one is asked too.
    static constexpr std::chrono::seconds FIRST_TIMEOUT{5};
    static constexpr std::chrono::minutes FIRST_LIMIT{1};
    /// A question that wasn't answered for so long may be asked again.
    static constexpr std::chrono::minutes ANSWER_TIMEOUT{2};
    /// For an outbound peer to have a chain with as much work as ours had, time_to_hear() apart.
    static constexpr std::chrono::minutes CATCH_UP_TIMEOUT{20};
    static constexpr size_t MAX_TRUSTED = 4;

private:
    void ask(Peer& peer, const chain::BlockNode& from);
    void ask_after(Peer& peer, std::vector<consensus::BlockHash> locator);
    void presync(Peer& peer, const std::vector<consensus::BlockHeader>& headers);
    void accept(Peer& peer, std::vector<consensus::BlockHeader> headers, bool all);
    void trust(Peer& peer);
    void give_up_behind(Peer& peer);
    bool holds_up(const Peer& peer) const;
    Time::duration time_to_hear() const;

    Context& context_;
    PeerId first_ = NO_PEER; ///< The one we are getting the first headers from.
    Time first_until_;       ///< Alone.
    bool caught_up_ = false; ///< Some peer has told all it knows; or the first is slow.
};

} // namespace cairn::node
