// SPDX-License-Identifier: MIT
#include "node/keepalive.h"

namespace cairn::node {

void Keepalive::ping(Peer& peer, const NonceMessage& message) {
    context_.send(peer, "pong", message);
}

void Keepalive::pong(Peer& peer, const Bytes& payload) {
    const auto message = parse<NonceMessage>(payload);
    if (!message) {
        peer.ping.nonce = 0;
        return Context::malformed(peer, "pong");
    }
    if (peer.ping.nonce == 0 || message->nonce != peer.ping.nonce) return;
    peer.ping.nonce = 0;
    const auto taken = std::max(context_.now - peer.ping.sent_at, std::chrono::microseconds(0));
    peer.ping.last = taken;
    peer.ping.least = std::min(peer.ping.least.value_or(taken), taken);
}

void Keepalive::tick(Peer& peer) {
    Peer::Ping& ping = peer.ping;
    if (ping.nonce != 0) {
        if (context_.now - ping.sent_at > TIMEOUT) context_.drop(peer, "ping timeout");
        return;
    }
    if (!ping.requested && context_.now - ping.sent_at < INTERVAL) return;
    ping.requested = false;
    ping.nonce = context_.random.next() | 1; // never 0, which means none
    ping.sent_at = context_.now;
    context_.send(peer, "ping", NonceMessage{ping.nonce});
}

} // namespace cairn::node
