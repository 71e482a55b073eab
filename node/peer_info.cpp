// SPDX-License-Identifier: MIT
// A peer as getpeerinfo tells it.
#include "node/network_impl.h"

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

std::string_view network_name(const NetAddress& address) {
    if (!address.is_routable()) return "not_publicly_routable";
    switch (address.network) {
    case NetworkId::Ipv4:
        return "ipv4";
    case NetworkId::Ipv6:
        return "ipv6";
    case NetworkId::TorV2:
    case NetworkId::TorV3:
        return "onion";
    case NetworkId::I2p:
        return "i2p";
    case NetworkId::Cjdns:
        return "cjdns";
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

PeerInfo Network::Impl::info_of(const Peer& peer, const Peering& peering) const {
    const Traffic& traffic = peering.connection->traffic();
    PeerInfo info;
    info.id = peer.id;
    info.address = peer.address.to_string();
    info.bound_address = peering.bound_address;
    info.inbound = peer.inbound();
    info.connection_type = type_name(peer.type);
    info.network = network_name(peer.address);
    info.services = peer.services;
    info.relays_transactions = peer.relays_transactions;
    info.version = peer.version;
    info.user_agent = peer.user_agent;
    info.starting_height = peer.starting_height;
    info.connected_at = seconds_of(peer.connected_at);
    info.last_send = traffic.last_send;
    info.last_receive = traffic.last_receive;
    info.last_transaction = peer.transactions.last_at;
    info.last_block = peer.blocks.last_at;
    info.bytes_sent = traffic.bytes_sent;
    info.bytes_received = traffic.bytes_received;
    info.bytes_sent_by_message = traffic.sent_by_message;
    info.bytes_received_by_message = traffic.received_by_message;
    info.time_offset = peer.time_offset;
    info.ping_seconds = in_seconds(peer.ping.last);
    info.min_ping_seconds = in_seconds(peer.ping.least);
    if (peer.ping.nonce != 0) info.ping_wait_seconds = in_seconds(clock_.now() - peer.ping.sent_at);
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

std::vector<PeerInfo> Network::Impl::peers() const {
    std::vector<PeerInfo> infos;
    for (const auto& [id, peer] : protocol_.peers()) {
        const auto peering = peerings_.find(id);
        if (peering != peerings_.end()) infos.push_back(info_of(peer, peering->second));
    }
    return infos;
}

} // namespace cairn::node
