// SPDX-License-Identifier: MIT
#include "node/keepalive.h"

#include "node/handshake_messages.h"

namespace cairn::node {

namespace {

Bytes bytes_of(const NonceMessage& message) {
    Bytes bytes(sizeof message.nonce);
    std::memcpy(bytes.data(), &message.nonce, bytes.size());
    return bytes;
}

} // namespace

Outcome<> Keepalive::ping(Peer& peer, ByteView payload) {
    const auto message = parse<NonceMessage>(payload);
    if (!message) return malformed(peer, "ping");
    context_.send(peer, "pong", bytes_of(*message));
    return done();
}

Outcome<> Keepalive::pong(Peer& peer, ByteView payload, Time now) {
    const auto message = parse<NonceMessage>(payload);
    if (!message) {
        peer.ping.nonce = 0;
        return malformed(peer, "pong");
    }
    if (peer.ping.nonce == 0 || message->nonce != peer.ping.nonce) return done();
    peer.ping.nonce = 0;
    const auto taken = std::max(now - peer.ping.sent_at, std::chrono::microseconds(0));
    peer.ping.last = taken;
    peer.ping.least = std::min(peer.ping.least.value_or(taken), taken);
    return done();
}

void Keepalive::tick(Peer& peer, Time now) {
    Peer::Ping& ping = peer.ping;
    if (ping.nonce != 0) {
        if (now - ping.sent_at > TIMEOUT) context_.drop(peer, "ping timeout");
        return;
    }
    if (!ping.requested && now - ping.sent_at < INTERVAL) return;
    ping.requested = false;
    ping.nonce = context_.random.next() | 1; // never 0, which means none
    ping.sent_at = now;
    context_.send(peer, "ping", bytes_of({ping.nonce}));
}

} // namespace cairn::node
