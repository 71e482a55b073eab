// SPDX-License-Identifier: MIT
#include "node/block_announcer.h"

namespace cairn::node {

namespace {

/// Whether `peer` has the block of `node`, as far as we know.
bool knows(const Peer& peer, const chain::BlockNode* node) {
    if (node == nullptr) return false;
    const chain::BlockNode* best = peer.headers.best_known;
    const chain::BlockNode* sent = peer.headers.best_sent;
    return (best != nullptr && best->descends_from(*node)) ||
           (sent != nullptr && sent->descends_from(*node));
}

} // namespace

void BlockAnnouncer::block_checked(const chain::BlockNode& node, const consensus::BlockRef& block) {
    // One of each height: else whoever mines several at once has all of them passed on.
    const chain::BlockNode* before = context_.unvalidated;
    if (context_.chain.initial_download() || (before != nullptr && before->height >= node.height))
        return;
    context_.unvalidated = &node;
    for (auto& [id, peer] : context_.peers)
        if (peer.established && !peer.dropped && peer.compact.wants_announcements &&
            peer.version >= INVALID_COMPACT_VERSION && !knows(peer, &node) &&
            knows(peer, node.parent_node()))
            send_compact(peer, node, block);
}

void BlockAnnouncer::tip_changed(const chain::TipChange& change) {
    if (change.initial_download || change.connected.empty()) return;
    for (auto& [id, peer] : context_.peers)
        if (peer.established && !peer.dropped && !knows(peer, change.new_tip))
            announce(peer, change);
}

void BlockAnnouncer::send_compact(
    Peer& peer, const chain::BlockNode& node, const consensus::BlockRef& block) {
    if (compact_of_ != node.hash) {
        compact_ =
            message_of("cmpctblock", CompactBlockMessage::of(*block, context_.random.next()));
        compact_of_ = node.hash;
    }
    context_.send(peer, compact_);
    peer.headers.best_sent = &node;
}

void BlockAnnouncer::announce(Peer& peer, const chain::TipChange& change) {
    HeadersMessage message;
    const chain::BlockNode* first = nullptr;
    for (const chain::BlockChange& connected : change.connected) {
        if (first == nullptr && knows(peer, connected.node)) continue;
        if (first == nullptr) first = connected.node;
        message.headers.push_back(connected.node->header);
    }
    const bool connects = knows(peer, first->parent_node());
    const consensus::BlockRef& newest = change.connected.back().block;
    if (peer.compact.wants_announcements && message.headers.size() == 1 && connects && newest)
        return send_compact(peer, *change.new_tip, newest);
    if (peer.wants_headers && message.headers.size() <= MAX_HEADERS_ANNOUNCED && connects) {
        context_.send(peer, "headers", message);
    } else {
        const Inventory item{InventoryType::Block, change.new_tip->hash};
        context_.send(peer, "inv", InventoryMessage{{item}});
    }
    peer.headers.best_sent = change.new_tip;
}

} // namespace cairn::node
