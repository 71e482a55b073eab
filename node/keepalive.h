// SPDX-License-Identifier: MIT
// Is the peer still there, and how far away is it?
#pragma once

#include "node/context.h"

namespace cairn::node {

/// ping and pong (BIP-0031).
class Keepalive {
public:
    explicit Keepalive(Context& context) : context_(context) {}

    /// Called once the handshake is over, and by operators for all peers.
    static void request(Peer& peer) { peer.ping.requested = true; }

    /// Requires: all that came before from `peer` was processed.
    void ping(Peer& peer, const NonceMessage& message);
    void pong(Peer& peer, const Bytes& payload);
    void tick(Peer& peer);

    /// Peers before know no pong, and no nonce.
    static constexpr int32_t PONG_VERSION = 60001;
    static constexpr std::chrono::minutes INTERVAL{2};
    static constexpr std::chrono::minutes TIMEOUT{20};

private:
    Context& context_;
};

} // namespace cairn::node
