// SPDX-License-Identifier: MIT
#include "node/peer_info.h"

#include "node/permissions.h"

namespace cairn::node {

namespace {

std::string_view type_name(ConnectionType type) {
    switch (type) {
    case ConnectionType::Inbound:
        return "inbound";
    case ConnectionType::OutboundFullRelay:
        return "outbound-full-relay";
    case ConnectionType::Manual:
        return "manual";
    }
    return {};
}

std::optional<double> in_seconds(const std::optional<std::chrono::microseconds>& time) {
    if (!time) return std::nullopt;
    return std::chrono::duration<double>(*time).count();
}

int32_t height_of(const chain::BlockNode* node) {
    return node == nullptr ? -1 : node->height.value;
}

} // namespace

PeerInfo info_of(const Peer& peer, const Traffic& traffic, Time now) {
    PeerInfo info{traffic};
    info.id = peer.id;
    info.address = peer.address.to_string();
    info.bound_address = peer.bound_address.to_string();
    info.inbound = peer.inbound();
    info.connection_type = type_name(peer.type);
    info.network = peer.address.network_name();
    info.services = peer.services;
    info.relays_transactions = peer.relays_transactions;
    info.version = peer.version;
    info.user_agent = peer.user_agent;
    info.starting_height = peer.starting_height;
    info.connected_at = seconds_of(peer.connected_at);
    info.last_transaction = peer.transactions.last_at;
    info.last_block = peer.blocks.last_at;
    info.time_offset = peer.time_offset;
    info.ping_seconds = in_seconds(peer.ping.last);
    info.min_ping_seconds = in_seconds(peer.ping.least);
    if (peer.ping.nonce != 0) info.ping_wait_seconds = in_seconds(now - peer.ping.sent_at);
    info.synced_headers = height_of(peer.headers.best_known);
    info.synced_blocks = height_of(peer.blocks.last_common);
    for (const chain::BlockNode* node : peer.blocks.in_flight)
        info.blocks_in_flight.push_back(node->height.value);
    info.min_feerate_per_kvb = peer.announcements.fee_filter;
    info.relays_addresses = peer.established;
    info.last_inv_sequence = peer.announcements.shown_sequence;
    info.inventory_to_send = peer.announcements.queue.size();
    info.addresses_processed = peer.addresses.processed;
    info.addresses_rate_limited = peer.addresses.rate_limited;
    info.permissions = permission_names(peer.permissions);
    return info;
}

} // namespace cairn::node
