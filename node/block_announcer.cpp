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

void BlockAnnouncer::tip_changed(const chain::TipChange& change) {
    if (change.initial_download || change.connected.empty()) return;
    std::optional<Message> compact; // the same for all
    for (auto& [id, peer] : context_.peers)
        if (peer.established && !peer.dropped && !knows(peer, change.new_tip))
            announce(peer, change, compact);
}

void BlockAnnouncer::announce(
    Peer& peer, const chain::TipChange& change, std::optional<Message>& compact) {
    HeadersMessage message;
    const chain::BlockNode* first = nullptr;
    for (const chain::BlockChange& connected : change.connected) {
        if (first == nullptr && knows(peer, connected.node)) continue;
        if (first == nullptr) first = connected.node;
        message.headers.push_back(connected.node->header);
    }
    const bool connects = knows(peer, first->parent_node());
    const consensus::BlockRef& newest = change.connected.back().block;
    if (peer.compact.wants_announcements && message.headers.size() == 1 && connects && newest) {
        if (!compact)
            compact =
                message_of("cmpctblock", CompactBlockMessage::of(*newest, context_.random.next()));
        context_.send(peer, *compact);
    } else if (peer.wants_headers && message.headers.size() <= MAX_HEADERS_ANNOUNCED && connects) {
        context_.send(peer, "headers", message);
    } else {
        const Inventory item{InventoryType::Block, change.new_tip->hash};
        context_.send(peer, "inv", InventoryMessage{{item}});
    }
    peer.headers.best_sent = change.new_tip;
}

} // namespace cairn::node
