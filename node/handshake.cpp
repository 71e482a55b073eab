// SPDX-License-Identifier: MIT
#include "node/handshake.h"

#include <algorithm>
#include <spdlog/spdlog.h>

namespace cairn::node {

namespace {

/// For the log: what a stranger calls itself may hold anything.
std::string printable(std::string text) {
    std::replace_if(
        text.begin(), text.end(), [](char c) { return c < 0x20 || c > 0x7e; }, '?');
    return text;
}

} // namespace

void Handshake::connected(Peer& peer) {
    peer.local_nonce = context_.random.next();
    if (!peer.inbound()) send_version(peer);
}

void Handshake::send_version(Peer& peer) {
    VersionMessage message;
    message.services = context_.services();
    message.time = context_.now_seconds();
    if (peer.address.is_routable()) message.receiver.address = peer.address;
    message.sender.services = context_.services();
    message.nonce = peer.local_nonce;
    message.user_agent = context_.options.user_agent;
    message.start_height = context_.chain.view().height().value;
    const bool takes_any = !context_.options.blocks_only || peer.permits(PERMIT_RELAY);
    message.relay = takes_any && peer.carries_transactions();
    context_.send(peer, "version", message);
}

/// Whether `nonce` is that of one of our own outbound connections.
bool Handshake::is_ourselves(uint64_t nonce) const {
    return std::any_of(context_.peers.begin(), context_.peers.end(), [&](const auto& entry) {
        const Peer& other = entry.second;
        return !other.inbound() && !other.established && other.local_nonce == nonce;
    });
}

/// What a peer that we chose must offer, so that it is of use: all blocks or, near the tip, the
/// last ones.
uint64_t Handshake::needed_services(const Peer& peer, uint64_t offered) const {
    const bool chosen = peer.type == ConnectionType::OutboundFullRelay ||
                        peer.type == ConnectionType::BlockRelayOnly ||
                        peer.type == ConnectionType::AddrFetch;
    if (!chosen) return 0;
    const int64_t age = context_.now_seconds() - context_.chain.view().tip().header.time;
    const bool near_tip = age < NEAR_TIP_BLOCKS * context_.chain.params().spacing();
    const bool limited = near_tip && (offered & NODE_NETWORK_LIMITED) != 0;
    return (limited ? NODE_NETWORK_LIMITED : NODE_NETWORK) | NODE_WITNESS;
}

void Handshake::version(Peer& peer, const VersionMessage& message) {
    if (peer.version_received) {
        spdlog::debug("redundant version message from peer={}", peer.id);
        return;
    }
    if (message.version < MIN_PEER_VERSION)
        return context_.drop(peer, fmt::format("using obsolete version {}", message.version));
    if (peer.inbound() && message.nonce != 0 && is_ourselves(message.nonce))
        return context_.drop(peer, "connected to self");
    const uint64_t needed = needed_services(peer, message.services);
    if ((message.services & needed) != needed)
        return context_.drop(
            peer, fmt::format(
                      "does not offer the expected services ({:08x} offered, {:08x} expected)",
                      message.services, needed));
    peer.version_received = true;
    peer.version = message.version;
    peer.services = message.services;
    peer.user_agent = printable(message.user_agent);
    peer.starting_height = message.start_height;
    peer.time_offset = std::clamp<int64_t>(message.time, 0, UINT32_MAX) - context_.now_seconds();
    if (!peer.inbound()) note_time_offset(peer.time_offset);
    peer.relays_transactions = message.relay;
    peer.our_address = message.receiver.address;
    if (peer.inbound()) send_version(peer);
    if (peer.version >= WTXID_RELAY_VERSION) {
        context_.send(peer, "wtxidrelay");
        context_.send(peer, "sendaddrv2");
    }
    context_.send(peer, "verack");
    spdlog::debug(
        "version received peer={} version={} services={:08x} agent={} height={}", peer.id,
        peer.version, peer.services, peer.user_agent, peer.starting_height);
}

void Handshake::note_time_offset(int64_t offset) {
    time_offsets_.push_back(offset);
    if (time_offsets_.size() < MIN_TIME_OFFSETS) return;
    if (time_offsets_.size() > MAX_TIME_OFFSETS) time_offsets_.pop_front();
    std::vector<int64_t> sorted(time_offsets_.begin(), time_offsets_.end());
    std::ranges::sort(sorted);
    time_offset_ = sorted[sorted.size() / 2];
}

void Handshake::feature(Peer& peer, const Bytes& payload) {
    if (peer.established) return context_.misbehaving(peer, "feature received after verack");
    if (peer.version < FEATURE_VERSION)
        return context_.misbehaving(peer, "feature received with incompatible version");
    const auto message = consensus::decode<FeatureMessage>(payload);
    if (!message || !message->is_valid())
        return context_.misbehaving(peer, "invalid feature payload");
    spdlog::debug("unknown feature advertised id={} peer={}", printable(message->id), peer.id);
}

void Handshake::wtxid_relay(Peer& peer) {
    if (peer.established) return context_.drop(peer, "wtxidrelay received after verack");
    if (peer.version >= WTXID_RELAY_VERSION) peer.wtxid_relay = true;
}

void Handshake::send_addrv2(Peer& peer) {
    if (peer.established) return context_.drop(peer, "sendaddrv2 received after verack");
    peer.wants_addrv2 = true;
}

void Handshake::verack(Peer& peer) {
    peer.established = true;
    spdlog::info(
        "peer connected id={} address={} agent={} version={} height={} {}", peer.id, peer.name(),
        peer.user_agent, peer.version, peer.starting_height,
        peer.inbound() ? "inbound" : "outbound");
    if (peer.version >= SENDHEADERS_VERSION) context_.send(peer, "sendheaders");
}

void Handshake::tick(Peer& peer) {
    if (context_.now - peer.connected_at < context_.options.peer_timeout) return;
    if (peer.version_received) return context_.drop(peer, "version handshake timeout");
    context_.drop(
        peer,
        fmt::format(
            "socket no message in first {} seconds{}{}", context_.options.peer_timeout.count(),
            peer.spoke ? "" : ", never received from peer",
            peer.inbound() ? ", never sent to peer" : ""));
}

} // namespace cairn::node
