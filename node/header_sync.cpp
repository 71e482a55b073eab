// SPDX-License-Identifier: MIT
#include "node/header_sync.h"

#include "chain/header_tree.h"
#include "consensus/pow.h"

#include <algorithm>
#include <spdlog/spdlog.h>

namespace cairn::node {

namespace {

/// What is wrong with `headers` whatever they follow on, which an honest peer never sends; empty if
/// nothing is.
std::string_view
fault_of(const std::vector<consensus::BlockHeader>& headers, const consensus::Params& params) {
    consensus::BlockHash before = headers.front().prev_hash;
    for (const consensus::BlockHeader& header : headers) {
        if (header.prev_hash != before) return "non-continuous headers sequence";
        before = header.hash();
        if (!consensus::meets_target(before, header.bits, params.pow_limit))
            return "header with invalid proof of work";
    }
    return {};
}

/// Whether a chain that `peer` has is worth as much as the one to `node`.
bool has_work_of(const Peer& peer, const chain::BlockNode& node) {
    return peer.headers.best_known != nullptr && peer.headers.best_known->work >= node.work;
}

/// Whether one whom we called is there to be asked: those who call us may all be one liar's.
bool has_unasked_outbound(const Context& context) {
    return std::ranges::any_of(context.peers, [](const auto& entry) {
        const Peer& peer = entry.second;
        return !peer.inbound() && peer.established && !peer.dropped && !peer.headers.started &&
               peer.type != ConnectionType::AddrFetch && peer.type != ConnectionType::Feeler;
    });
}

consensus::Uint256 least_work(const Context& context) {
    return chain::least_header_work(context.chain.view().tip(), context.chain.minimum_chain_work());
}

} // namespace

bool is_low_work(
    const Context& context,
    const Peer& peer,
    const chain::BlockNode& parent,
    const std::vector<consensus::BlockHeader>& headers) {
    if (peer.permits(PERMIT_NOBAN) || context.chain.find_block(headers.back().hash()) != nullptr)
        return false;
    consensus::Uint256 work = parent.work;
    for (const consensus::BlockHeader& header : headers) work += consensus::work_of(header.bits);
    return work < least_work(context);
}

std::vector<consensus::BlockHash> locator_of(const consensus::HeaderNode* tip) {
    constexpr size_t CLOSE = 10;
    std::vector<consensus::BlockHash> hashes;
    int32_t step = 1;
    for (const consensus::HeaderNode* node = tip; node != nullptr;) {
        hashes.push_back(node->hash);
        if (node->parent == nullptr) break;
        if (hashes.size() > CLOSE) step *= 2;
        node = node->ancestor(std::max(node->height.value - step, 0));
    }
    return hashes;
}

void HeaderSync::ask(Peer& peer, const chain::BlockNode& from) {
    if (peer.headers.asked_at && context_.now - *peer.headers.asked_at < ANSWER_TIMEOUT) return;
    ask_after(peer, locator_of(&from));
}

void HeaderSync::ask_after(Peer& peer, std::vector<consensus::BlockHash> locator) {
    peer.headers.asked_at = context_.now;
    const LocatorMessage message{static_cast<uint32_t>(PROTOCOL_VERSION), std::move(locator), {}};
    context_.send(peer, "getheaders", message);
}

/// What all headers that there may be take to hear twice, a millisecond each.
Time::duration HeaderSync::time_to_hear() const {
    const int64_t age = context_.now_seconds() - context_.chain.best_header().header.time;
    const int64_t missing = std::max<int64_t>(age, 0) / context_.chain.params().spacing();
    constexpr Time::duration MOST = std::chrono::hours(1);
    return std::min<Time::duration>(2 * missing * std::chrono::milliseconds(1), MOST);
}

/// Whether the first peer is too slow for others to wait for it, or does nothing any more.
bool HeaderSync::holds_up(const Peer& peer) const {
    const std::optional<Time>& asked = peer.headers.asked_at;
    if (!asked && peer.headers_processing == 0) return true;
    return context_.now > first_until_ || (asked && context_.now - *asked > FIRST_TIMEOUT);
}

void HeaderSync::tick(Peer& peer) {
    if (first_ == peer.id && !caught_up_ && holds_up(peer)) {
        spdlog::debug("others are asked for headers, too, than peer={}", peer.id);
        caught_up_ = true; // all are, lest liars be the first by turns
    }
    if (!peer.headers.last_unknown.is_null()) {
        if (const auto* node = context_.chain.find_block(peer.headers.last_unknown)) {
            note_known(peer, *node);
            peer.headers.last_unknown = {};
        }
    }
    if (peer.type == ConnectionType::AddrFetch) return;
    give_up_behind(peer);
    if (peer.headers.started || (!caught_up_ && first_ != NO_PEER)) return;
    if (!caught_up_ && peer.inbound() && has_unasked_outbound(context_)) return;
    peer.headers.started = true;
    if (!caught_up_) {
        first_ = peer.id;
        first_until_ = context_.now + FIRST_LIMIT + time_to_hear();
    }
    // From the parent, so that a peer with the same tip answers with it, and we learn that it has.
    const chain::BlockNode& best = context_.chain.best_header();
    ask(peer, best.parent != nullptr ? *best.parent_node() : best);
}

/// A few of those that had our chain keep their place whatever follows, lest a chain that only we
/// know cuts us off from all others.
void HeaderSync::trust(Peer& peer) {
    if (peer.type != ConnectionType::OutboundFullRelay || peer.headers.trusted ||
        !has_work_of(peer, context_.chain.view().tip()))
        return;
    const auto trusted = std::ranges::count_if(
        context_.peers, [](const auto& entry) { return entry.second.headers.trusted; });
    peer.headers.trusted = static_cast<size_t>(trusted) < MAX_TRUSTED;
}

/// An outbound peer that stays behind takes the place of one that would tell us more. What it has
/// to reach is our tip of when that was noticed; it is asked once more before it goes.
void HeaderSync::give_up_behind(Peer& peer) {
    Peer::Headers& state = peer.headers;
    const bool chosen = peer.type == ConnectionType::OutboundFullRelay ||
                        peer.type == ConnectionType::BlockRelayOnly;
    if (!chosen || state.trusted || !state.started) return;
    const chain::BlockNode& tip = context_.chain.view().tip();
    if (has_work_of(peer, tip) || tip.parent == nullptr) { // all have genesis, and don't say so
        state.expected_by.reset();
    } else if (!state.expected_by || has_work_of(peer, *state.expected)) {
        state.expected = &tip;
        state.expected_by = context_.now + CATCH_UP_TIMEOUT + time_to_hear();
        state.warned = false;
    } else if (context_.now > *state.expected_by) {
        if (state.warned) return context_.drop(peer, "outbound peer has old chain");
        state.warned = true;
        state.expected_by = context_.now + ANSWER_TIMEOUT;
        const auto* parent = state.expected->parent_node();
        ask(peer, parent != nullptr ? *parent : *state.expected);
    }
}

void HeaderSync::disconnected(PeerId peer) {
    if (first_ == peer) first_ = NO_PEER;
}

void HeaderSync::headers(Peer& peer, HeadersMessage message) {
    std::vector<consensus::BlockHeader>& headers = message.headers;
    if (headers.size() > MAX_HEADERS)
        return context_.misbehaving(peer, fmt::format("headers message size = {}", headers.size()));
    peer.headers.asked_at.reset();
    if (headers.empty()) {
        peer.headers.presync.reset();
        caught_up_ = true;
        return;
    }
    if (const std::string_view fault = fault_of(headers, context_.chain.params()); !fault.empty())
        return context_.misbehaving(peer, std::string(fault));
    std::optional<HeaderPresync>& presync = peer.headers.presync;
    if (presync && headers.front().prev_hash == presync->awaited())
        return this->presync(peer, headers);
    const chain::BlockNode* parent = context_.chain.find_block(headers.front().prev_hash);
    if (parent == nullptr) {
        peer.headers.last_unknown = headers.back().hash();
        if (!presync) ask(peer, context_.chain.best_header()); // else its answer is on the way
        return;
    }
    const bool all = headers.size() < MAX_HEADERS;
    if (!is_low_work(context_, peer, *parent, headers))
        return accept(peer, std::move(headers), all);
    if (all) {
        caught_up_ = true;
        return spdlog::debug(
            "[net] Ignoring low-work chain (height={}) from peer={}",
            parent->height.value + static_cast<int64_t>(headers.size()), peer.id);
    }
    presync.emplace( // anew, if the chain of before is gone
        *parent, least_work(context_), context_.chain.params(), context_.now_seconds(),
        context_.random);
    this->presync(peer, headers);
}

void HeaderSync::presync(Peer& peer, const std::vector<consensus::BlockHeader>& headers) {
    std::optional<HeaderPresync>& state = peer.headers.presync;
    const bool all = headers.size() < MAX_HEADERS;
    HeaderPresync::Step step = state->take(headers, all);
    if (step.good.empty() && step.goes_on) return ask_after(peer, state->locator());
    if (!step.goes_on) state.reset();
    if (!step.good.empty()) return accept(peer, std::move(step.good), all);
    spdlog::debug("a chain of low work ends peer={}", peer.id);
    caught_up_ = true;
}

/// `all`: the peer has none after these.
void HeaderSync::accept(Peer& peer, std::vector<consensus::BlockHeader> headers, bool all) {
    peer.headers.told_all = all;
    ++peer.headers_processing;
    context_.out.emplace_back(AcceptHeaders{peer.id, std::move(headers)});
}

void HeaderSync::headers_done(Peer& peer, const chain::HeadersOutcome& outcome) {
    if (outcome.last != nullptr) {
        note_known(peer, *outcome.last);
        if (context_.chain.initial_download())
            spdlog::info("Synchronizing blockheaders, height: {}", outcome.last->height.value);
    }
    trust(peer);
    if (!outcome.verdict) {
        peer.headers.presync.reset();
        const consensus::Reject& reject = outcome.verdict.error();
        if (reject.kind == consensus::Reject::Kind::Busy)
            return ask(peer, context_.chain.best_header());
        spdlog::debug("invalid header received reason={} peer={}", reject.reason, peer.id);
        // An inbound peer may follow a block that we alone were told to refuse.
        const bool forgiven = reject.reason == "duplicate-invalid" && peer.inbound();
        if (reject.kind == consensus::Reject::Kind::Invalid && !forgiven)
            context_.misbehaving(peer, "invalid header received: " + std::string(reject.reason));
        return;
    }
    if (peer.headers.presync) {
        ask_after(peer, peer.headers.presync->locator());
    } else if (!peer.headers.told_all && outcome.last != nullptr) {
        ask(peer, *outcome.last);
    } else {
        caught_up_ = true;
    }
}

void HeaderSync::announced(Peer& peer, const consensus::BlockHash& hash) {
    if (const chain::BlockNode* node = context_.chain.find_block(hash)) {
        note_known(peer, *node);
        return;
    }
    peer.headers.last_unknown = hash;
    ask(peer, context_.chain.best_header());
}

void HeaderSync::note_known(Peer& peer, const chain::BlockNode& node) {
    // Of two of the same work the later one: what it told last is what it wants us to have.
    if (peer.headers.best_known == nullptr || node.work >= peer.headers.best_known->work)
        peer.headers.best_known = &node;
}

} // namespace cairn::node
