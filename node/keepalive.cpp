// SPDX-License-Identifier: MIT
#include "node/keepalive.h"

#include <spdlog/spdlog.h>

namespace cairn::node {

void Keepalive::ping(Peer& peer, const NonceMessage& message) {
    context_.send(peer, "pong", message);
}

void Keepalive::pong(Peer& peer, const Bytes& payload) {
    const auto message = parse<NonceMessage>(payload);
    const uint64_t expected = peer.ping.nonce;
    const uint64_t nonce = message ? message->nonce : 0;
    const std::string_view problem = !message            ? "Short payload"
                                     : expected == 0     ? "Unsolicited pong without ping"
                                     : nonce == 0        ? "Nonce zero"
                                     : nonce != expected ? "Nonce mismatch"
                                                         : "";
    // An old program may answer without the nonce: then at least it is there.
    if (nonce == 0 || nonce == expected) peer.ping.nonce = 0;
    if (!problem.empty()) {
        spdlog::debug(
            "pong peer={}: {}, {:x} expected, {:x} received, {} bytes", peer.id, problem, expected,
            nonce, payload.size());
        return;
    }
    const auto taken = std::max(context_.now - peer.ping.sent_at, std::chrono::microseconds(0));
    peer.ping.last = taken;
    peer.ping.least = std::min(peer.ping.least.value_or(taken), taken);
}

void Keepalive::tick(Peer& peer) {
    Peer::Ping& ping = peer.ping;
    if (ping.nonce != 0) {
        const std::chrono::duration<double> waited = context_.now - ping.sent_at;
        const bool new_here = context_.now - peer.connected_at < context_.options.peer_timeout;
        if (waited > TIMEOUT && !new_here)
            context_.drop(peer, fmt::format("ping timeout: {:f}s", waited.count()));
        return;
    }
    if (!ping.requested && context_.now - ping.sent_at < INTERVAL) return;
    ping.requested = false;
    ping.sent_at = context_.now;
    if (peer.version < PONG_VERSION) return context_.send(peer, "ping"); // it will say nothing
    ping.nonce = context_.random.next() | 1; // never 0, which means none
    context_.send(peer, "ping", NonceMessage{ping.nonce});
}

} // namespace cairn::node
