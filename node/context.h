// SPDX-License-Identifier: MIT
// What every conversation is given: the peers, the look-ups, and the way out.
#pragma once

#include "node/chain_reader.h"
#include "node/peer.h"
#include "node/random.h"

#include <string>
#include <string_view>

namespace cairn::node {

/// How the protocol behaves; from the option table and the chain.
struct ProtocolOptions {
    std::string user_agent;
    uint64_t services = 0;
    uint16_t listening_port = 0; ///< 0: we can't be called.
    bool blocks_only = false;
    std::chrono::seconds peer_timeout{60}; ///< For the handshake.
};

/// Shared by the conversations of one Protocol, which owns it.
struct Context {
    const ChainReader& chain;
    ProtocolOptions options;
    Random random;
    Peers peers;
    Actions out; ///< What has to be done, in order.

    void send(Peer& peer, Message message);

    void send(Peer& peer, std::string_view command, Bytes payload = {}) {
        send(peer, Message{std::string(command), std::move(payload)});
    }

    /// End the connection; nothing more is taken from or sent to `peer`.
    void drop(Peer& peer, std::string reason);

    /// It broke the protocol's rules: it is dropped, unless the operator trusts it.
    void misbehaving(Peer& peer, std::string reason);

    Peer* find(PeerId id) {
        const auto found = peers.find(id);
        return found == peers.end() || found->second.dropped ? nullptr : &found->second;
    }
};

/// Seconds since the epoch.
inline int64_t seconds_of(Time time) {
    return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

/// A payload that can't be parsed is passed over, as the reference does.
Outcome<> malformed(const Peer& peer, std::string_view command);

inline Outcome<> done() {
    return boost::system::in_place_value;
}

} // namespace cairn::node
