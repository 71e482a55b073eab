// SPDX-License-Identifier: MIT
#include "node/block_download.h"

#include "chain/work_queue.h"
#include "consensus/block_rules.h"
#include "consensus/pow.h"
#include "node/frame.h"
#include "node/header_sync.h"

#include <algorithm>
#include <cmath>
#include <spdlog/spdlog.h>

namespace cairn::node {

using chain::BlockNode;
using consensus::BlockHash;
using consensus::Height;

// With room for some that are above it: a peer may always have one.
static_assert(
    BlockDownload::MAX_PROCESSING_BYTES + size_t{3} * MAX_PAYLOAD_BYTES <
    chain::WorkQueue::MAX_BYTES[static_cast<size_t>(chain::Lane::Blocks)]);

void BlockDownload::block(Peer& peer, Bytes payload) {
    consensus::Reader reader(payload);
    const auto header = reader.read<consensus::BlockHeader>();
    if (reader.failed()) return Context::malformed(peer, "block", payload.size());
    const BlockHash hash = header.hash();
    const size_t bytes = payload.size();
    take(peer, header, {peer.id, hash, false, std::move(payload)}, bytes);
}

void BlockDownload::assembled(Peer& peer, consensus::BlockRef block) {
    const consensus::BlockHeader header = block->header;
    const auto bytes = static_cast<size_t>(block->size_bytes());
    take(peer, header, {peer.id, header.hash(), false, {}, std::move(block)}, bytes);
}

void BlockDownload::take(
    Peer& peer, const consensus::BlockHeader& header, AcceptBlock action, size_t bytes) {
    rest_.reset();
    const BlockHash hash = action.hash;
    action.requested = in_flight_.contains(hash);
    const bool asked = is_asked(peer, hash);
    note_progress(peer, hash, action.payload.size());
    if (!asked && !is_welcome(peer, header, hash)) return;
    peer.blocks.slow = false;
    // Another who was asked for it still owes it, until this one is found to be good.
    if (asked) remove(hash);
    // Each copy is judged, lest one who spoils it cost another his; but what was put together is
    // the body that the header commits to.
    const auto [first, last] = processing_.equal_range(hash);
    if (std::any_of(first, last, [&](const auto& entry) {
            return entry.second.assembled || entry.second.peer == peer.id;
        }))
        return;
    processing_.emplace(hash, Received{peer.id, bytes, action.block != nullptr, asked});
    processing_bytes_ += bytes;
    ++peer.blocks_processing;
    context_.out.emplace_back(std::move(action));
}

/// Whether what `peer` sends unasked is worth to be parsed and judged.
bool BlockDownload::is_welcome(
    Peer& peer, const consensus::BlockHeader& header, const BlockHash& hash) {
    const BlockNode* node = context_.chain.find_block(hash);
    const BlockNode* parent = context_.chain.find_block(header.prev_hash);
    if (parent != nullptr && is_low_work(context_, peer, *parent, {header})) {
        spdlog::debug(
            "AcceptBlockHeader: not adding new block header {}, missing anti-dos proof-of-work "
            "validation peer={}",
            hash.to_string(), peer.id);
        return false;
    }
    if (node != nullptr) {
        const bool is_here = node->has(BlockNode::HAVE_BODY) && !node->failed();
        if (is_here) HeaderSync::note_known(peer, *node);
        return !is_here;
    }
    // Nobody did the work: it would fill memory at no cost.
    const consensus::Params& params = context_.chain.params();
    consensus::Result<> verdict = consensus::check_header(header, hash, params);
    if (verdict && parent == nullptr)
        verdict = consensus::Reject{consensus::Reject::Kind::MissingParent, "prev-blk-not-found"};
    else if (verdict && header.bits != consensus::next_bits(*parent, header.time, params))
        verdict = consensus::invalid("bad-diffbits", "incorrect proof of work");
    if (!verdict) refused(peer, hash, verdict.error(), {});
    return verdict.has_value();
}

/// If `peer` was asked for the block of `hash`, be it that another was asked since: on its way the
/// block took the time of any other.
void BlockDownload::note_progress(Peer& peer, const BlockHash& hash, size_t bytes) {
    Peer::Blocks& blocks = peer.blocks;
    const auto owed = std::ranges::find(blocks.owed, hash, &BlockNode::hash);
    const bool asked = is_asked(peer, hash);
    if (!asked && owed == blocks.owed.end()) return;
    // What was to come before it doesn't: peers send in the order in which they were asked.
    blocks.owed.erase(blocks.owed.begin(), asked ? blocks.owed.end() : owed + 1);
    blocks.progress_at = context_.now;
    blocks.slow = false;
    if (bytes > 0) measure(peer, bytes);
}

void BlockDownload::measure(Peer& peer, size_t bytes) {
    constexpr std::chrono::milliseconds LEAST{250};
    constexpr double WEIGHT = 0.125; // of the newest block in the mean
    block_bytes_ += (static_cast<double>(bytes) - block_bytes_) * (block_bytes_ > 0 ? WEIGHT : 1);
    Peer::Blocks& blocks = peer.blocks;
    blocks.measured_bytes += bytes;
    blocks.measured_time += context_.now - std::exchange(blocks.measured_at, context_.now);
    if (blocks.measured_time < LEAST) return;
    const double seconds = std::chrono::duration<double>(blocks.measured_time).count();
    const double speed = static_cast<double>(blocks.measured_bytes) / seconds;
    const bool is_first = blocks.bytes_a_second == 0;
    blocks.bytes_a_second = is_first ? speed : (blocks.bytes_a_second + speed) / 2;
    blocks.measured_bytes = 0;
    blocks.measured_time = {};
}

/// How many blocks `peer` was asked for that didn't come yet.
size_t BlockDownload::to_send(const Peer& peer) {
    return peer.blocks.in_flight.size() + peer.blocks.owed.size();
}

size_t BlockDownload::most_in_flight(const Peer& peer) const {
    const double speed = peer.blocks.bytes_a_second;
    if (peer.blocks.slow) return 1;
    const BlockNode* best = peer.headers.best_known;
    if (speed == 0 && best != nullptr &&
        best->height <= context_.chain.view().height() + ANNOUNCED_BLOCKS)
        return ANNOUNCED_BLOCKS; // a short branch at the tip: all at once
    if (speed == 0) return START_IN_FLIGHT;
    const double count = speed * static_cast<double>(HORIZON.count()) / block_bytes_;
    return static_cast<size_t>(
        std::clamp<double>(count, double{MIN_IN_FLIGHT}, double{MAX_IN_FLIGHT}));
}

void BlockDownload::block_done(
    PeerId id, const BlockHash& hash, const chain::BlockOutcome& outcome) {
    rest_.reset();
    Received received;
    const auto [first, last] = processing_.equal_range(hash);
    const auto found =
        std::find_if(first, last, [&](const auto& entry) { return entry.second.peer == id; });
    if (found != last) {
        received = found->second;
        processing_bytes_ -= received.bytes;
        processing_.erase(found);
    }
    if (outcome.verdict) remove(hash);
    Peer* peer = context_.find(id);
    if (peer == nullptr) return;
    --peer->blocks_processing;
    if (outcome.verdict) {
        // One that leads nowhere isn't kept, so that it would be new again and again.
        if (!outcome.known && outcome.on_active_chain)
            peer->blocks.last_at = context_.now_seconds();
        if (outcome.node != nullptr) HeaderSync::note_known(*peer, *outcome.node);
    } else {
        refused(*peer, hash, outcome.verdict.error(), received);
    }
}

void BlockDownload::refused(
    Peer& peer, const BlockHash& hash, const consensus::Reject& reject, const Received& received) {
    using Kind = consensus::Reject::Kind;
    std::string fault(reject.reason);
    if (!reject.detail.empty()) fault += ", " + reject.detail;
    if (reject.kind == Kind::Mutated) spdlog::debug("Block mutated: {} peer={}", fault, peer.id);
    if (reject.kind == Kind::MissingParent) spdlog::debug("AcceptBlock FAILED ({})", fault);
    spdlog::debug("block refused peer={}: {}, {}", peer.id, hash.to_string(), fault);
    // Nobody can have asked for a block whose header is unknown.
    if (reject.reason == "block decode failed" && context_.chain.find_block(hash) == nullptr)
        return Context::malformed(peer, "block", received.bytes);
    // Compact blocks may be passed on before coins and scripts are validated (BIP-0152).
    const bool forgiven = (received.assembled && reject.kind == Kind::Invalid) ||
                          (reject.reason == "duplicate-invalid" && peer.inbound());
    const bool at_fault = reject.kind == Kind::Invalid || reject.kind == Kind::Mutated ||
                          reject.kind == Kind::MissingParent;
    if (!at_fault || forgiven) return;
    peer.headers.best_known = nullptr; // if it may stay: no source until it announces anew
    context_.misbehaving(peer, std::string(reject.reason));
}

bool BlockDownload::awaits_parent(const Peer& peer, ByteView payload) const {
    if (peer.blocks_processing + peer.headers_processing == 0) return false;
    consensus::Reader reader(payload);
    const auto header = reader.read<consensus::BlockHeader>();
    return !reader.failed() && context_.chain.find_block(header.prev_hash) == nullptr;
}

void BlockDownload::give_back(Peer& peer) {
    rest_.reset();
    for (const BlockNode* node : peer.blocks.in_flight) in_flight_.erase(node->hash);
    peer.blocks.in_flight.clear();
}

bool BlockDownload::is_asked(const Peer& peer, const BlockHash& hash) const {
    const auto found = in_flight_.find(hash);
    return found != in_flight_.end() && found->second.peer == peer.id;
}

bool BlockDownload::reserve(Peer& peer, const BlockNode& node) {
    if (in_flight_.contains(node.hash)) return is_asked(peer, node.hash);
    if (is_processing(node.hash) || to_send(peer) >= MAX_IN_FLIGHT) return false;
    note_asked(peer, node);
    return true;
}

bool BlockDownload::ask(Peer& peer, const BlockNode& node) {
    if (is_asked(peer, node.hash) || is_processing(node.hash)) return false;
    remove(node.hash);
    note_asked(peer, node);
    context_.send(peer, "getdata", InventoryMessage{{{InventoryType::WitnessBlock, node.hash}}});
    return true;
}

void BlockDownload::give_up(const Peer& peer, const BlockHash& hash) {
    if (is_asked(peer, hash)) remove(hash);
}

void BlockDownload::note_asked(Peer& peer, const BlockNode& node) {
    rest_.reset();
    if (to_send(peer) == 0) peer.blocks.progress_at = peer.blocks.measured_at = context_.now;
    in_flight_[node.hash] = {peer.id, &node};
    peer.blocks.in_flight.push_back(&node);
}

void BlockDownload::tip_moved() {
    rest_.reset();
    stall_ = std::max<std::chrono::microseconds>(MIN_STALL, stall_ * 85 / 100);
}

/// A block may take its spacing; on fast chains at least a minute.
Time::duration BlockDownload::timeout() const {
    return std::max(
        std::chrono::seconds(60), std::chrono::seconds(context_.chain.params().spacing()));
}

void BlockDownload::tick(Peer& peer) {
    Peer::Blocks& blocks = peer.blocks;
    if (peer.waiting) blocks.unread_at = context_.now;
    // We are what is slow. Where it waits for answers that it doesn't take, others are asked.
    if (peer.waiting && (peer.blocks_processing > 0 || !can_take(peer)))
        blocks.progress_at = context_.now;
    const Time since = std::max(blocks.progress_at, blocks.unread_at);
    if (to_send(peer) > 0 && context_.now - since > timeout()) {
        context_.drop(peer, "timeout downloading block");
        return;
    }
    request_more(peer);
}

/// Whether `peer` has a chain that is as good as ours, of which we may lack blocks.
bool BlockDownload::is_wanted(const Peer& peer) const {
    const BlockNode* best = peer.headers.best_known;
    if (best == nullptr || (peer.services & NODE_WITNESS) == 0) return false;
    if (best->work < context_.chain.view().tip().work ||
        best->work < context_.chain.minimum_chain_work())
        return false;
    return (peer.services & NODE_NETWORK) != 0 || !context_.chain.initial_download();
}

/// The lowest block that `peer` can be expected to have still. Source: BIP-0159.
Height BlockDownload::lowest_kept(const Peer& peer) {
    if ((peer.services & NODE_NETWORK) != 0) return {};
    const bool is_limited = (peer.services & NODE_NETWORK_LIMITED) != 0;
    const int32_t kept = is_limited ? LIMITED_BLOCKS : ANNOUNCED_BLOCKS;
    return peer.headers.best_known->height - Height(kept - 1);
}

/// Whether a peer that is not slow has what `peer` has, and still has our next block.
bool BlockDownload::has_faster_source(const Peer& peer) const {
    const Height next = context_.chain.view().height() + Height(1);
    return std::any_of(context_.peers.begin(), context_.peers.end(), [&](const auto& entry) {
        const Peer& other = entry.second;
        return !other.dropped && !other.blocks.slow && is_wanted(other) &&
               lowest_kept(other) <= next &&
               other.headers.best_known->work >= peer.headers.best_known->work;
    });
}

void BlockDownload::request_more(Peer& peer) {
    Peer::Blocks& blocks = peer.blocks;
    const size_t limit = most_in_flight(peer);
    if (to_send(peer) >= limit || processing_bytes_ >= MAX_PROCESSING_BYTES || !is_wanted(peer) ||
        (blocks.slow && has_faster_source(peer)))
        return;
    const std::vector<const BlockNode*> missing = find_missing(peer, limit - to_send(peer));
    if (missing.empty()) return;
    // The transactions of the very next block are mostly here.
    const BlockNode& first = *missing.front();
    const bool compact = peer.compact.offered && in_flight_.empty() &&
                         &first == &context_.chain.best_header() &&
                         first.parent == &context_.chain.view().tip() &&
                         !context_.chain.initial_download() && !context_.options.blocks_only;
    const auto type = compact ? InventoryType::CompactBlock : InventoryType::WitnessBlock;
    if (compact) peer.compact.tried.erase(first.hash);
    InventoryMessage message;
    for (const BlockNode* node : missing) {
        message.items.push_back({type, node->hash});
        note_asked(peer, *node);
    }
    spdlog::debug(
        "requesting blocks count={} first={} peer={}", missing.size(),
        missing.front()->height.value, peer.id);
    context_.send(peer, "getdata", message);
}

/// Up to `count` blocks of the peer's chain that nobody was asked for, lowest first.
std::vector<const BlockNode*> BlockDownload::find_missing(Peer& peer, size_t count) {
    const BlockNode* best = peer.headers.best_known;
    const Height lowest = lowest_kept(peer);
    const BlockNode* first = first_missing(peer);
    // The lowest missing block is what all wait for.
    if (first != nullptr && first->height >= lowest)
        if (const auto asked = in_flight_.find(first->hash); asked != in_flight_.end())
            relieve(asked->second.peer, peer.id);
    const BlockNode* common = peer.blocks.last_common;
    const bool near_end = context_.chain.best_header().height <= common->height + WINDOW;
    const size_t most = near_end ? std::min(count, fair_share(peer)) : count;
    std::vector<const BlockNode*> missing;
    std::vector<const BlockNode*> path;
    if (most > 0)
        for (const BlockNode* node =
                 best->ancestor_node(std::min(best->height, common->height + WINDOW));
             node != common; node = node->parent_node())
            path.push_back(node);
    for (auto it = path.rbegin(); it != path.rend() && missing.size() < most; ++it) {
        if ((*it)->failed()) break;
        const bool owed = std::ranges::count(peer.blocks.owed, *it) > 0; // it comes all the same
        if ((*it)->height >= lowest && !owed && is_unasked(**it)) missing.push_back(*it);
    }
    add_history(peer, count, missing);
    return missing;
}

/// The lowest block of the peer's chain that isn't here; null if all are. What is before it is
/// `last_common` then.
const BlockNode* BlockDownload::first_missing(Peer& peer) const {
    const BlockNode* best = peer.headers.best_known;
    const BlockNode*& common = peer.blocks.last_common;
    const chain::View view = context_.chain.view();
    if (common == nullptr) common = view.at(std::min(best->height, view.height()));
    common = static_cast<const BlockNode*>(consensus::last_common_ancestor(common, best));
    while (common != best) {
        const BlockNode* next = best->ancestor_node(common->height + Height(1));
        if (!next->has(BlockNode::HAVE_BODY) || next->failed()) return next;
        common = next;
    }
    return nullptr;
}

/// Whether a copy is being judged. One that nobody asked for may be anything.
bool BlockDownload::is_processing(const BlockHash& hash) const {
    const auto [first, last] = processing_.equal_range(hash);
    return std::any_of(first, last, [](const auto& entry) {
        return entry.second.assembled || entry.second.asked;
    });
}

/// Whether the block is neither here nor on its way.
bool BlockDownload::is_unasked(const BlockNode& node) const {
    return !node.has(BlockNode::HAVE_BODY) && !is_processing(node.hash) &&
           !in_flight_.contains(node.hash);
}

/// Of the blocks that are still to come: how many more `peer` sends while the others send the rest.
/// So the last ones come at once, not from a slow peer after all.
size_t BlockDownload::fair_share(const Peer& peer) {
    const double speed = peer.blocks.bytes_a_second;
    const Rest& rest = count_rest(*peer.blocks.last_common);
    if (speed == 0 && rest.bytes_a_second == 0) return MAX_IN_FLIGHT;
    // Who came last shows by one block how fast it is: all might wait for more.
    if (speed == 0) return to_send(peer) == 0 ? 1 : 0;
    const auto share = static_cast<size_t>(
        std::max(1.0, std::round(rest.blocks * speed / std::max(rest.bytes_a_second, speed))));
    return share - std::min(share, to_send(peer));
}

/// Those after `from`, before which all are here. Counted anew after each change only: many peers
/// ask when nothing is left for them.
const BlockDownload::Rest& BlockDownload::count_rest(const BlockNode& from) {
    const BlockNode* best = &context_.chain.best_header();
    if (rest_ && rest_->best == best) return *rest_;
    rest_ = {best, static_cast<double>(in_flight_.size()), 0};
    for (const BlockNode* node = best; node->height > from.height; node = node->parent_node())
        rest_->blocks += is_unasked(*node) ? 1 : 0;
    for (const auto& [id, other] : context_.peers)
        if (!other.dropped && !other.blocks.slow && is_wanted(other))
            rest_->bytes_a_second += other.blocks.bytes_a_second;
    return *rest_;
}

/// Behind all else, those before a snapshot.
void BlockDownload::add_history(
    const Peer& peer, size_t count, std::vector<const BlockNode*>& missing) const {
    const std::optional<chain::AssumedChain> assumed = context_.chain.assumed();
    if (!assumed || (peer.services & NODE_NETWORK) == 0 ||
        !peer.headers.best_known->descends_from(*assumed->base))
        return;
    Height at = consensus::last_common_ancestor(assumed->validated, assumed->base)->height;
    const Height end = std::min(assumed->base->height, at + WINDOW);
    while (missing.size() < count && ++at <= end) {
        const BlockNode* node = assumed->base->ancestor_node(at);
        if (is_unasked(*node)) missing.push_back(node);
    }
}

/// How long `holder` may take for a block: longer than others if it is slow, but steady.
Time::duration BlockDownload::patience(const Peer& holder) const {
    const double speed = holder.blocks.bytes_a_second;
    if (speed == 0) return stall_;
    const std::chrono::duration<double> twice(2 * block_bytes_ / speed);
    if (twice > MAX_SLOW_BLOCK) return std::max<Time::duration>(stall_, MAX_SLOW_BLOCK);
    return std::max<Time::duration>(stall_, std::chrono::duration_cast<Time::duration>(twice));
}

/// Take all requests from `holder` if it has made no progress for too long, and holds up `waiting`.
void BlockDownload::relieve(PeerId holder, PeerId waiting) {
    Peer& slow = context_.peers.at(holder);
    if (holder == waiting || context_.now - slow.blocks.progress_at < patience(slow)) return;
    spdlog::debug("peer={} is stalling block download", holder);
    stall_ = std::min<std::chrono::microseconds>(MAX_STALL, stall_ * 2);
    slow.blocks.slow = true;
    // The rest of a compact block is passed over if the block was had from another meanwhile.
    const std::optional<PartialBlock>& partial = slow.compact.partial;
    for (const BlockNode* node : slow.blocks.in_flight)
        if (!partial || partial->hash() != node->hash) slow.blocks.owed.push_back(node);
    give_back(slow);
}

void BlockDownload::remove(const BlockHash& hash) {
    const auto found = in_flight_.find(hash);
    if (found == in_flight_.end()) return;
    std::erase(context_.peers.at(found->second.peer).blocks.in_flight, found->second.node);
    in_flight_.erase(found);
}

} // namespace cairn::node
