// SPDX-License-Identifier: MIT
// The first conversation: who are you, what do you speak. Nothing else is said before it is over.
#pragma once

#include "node/context.h"

namespace cairn::node {

/// version, feature, wtxidrelay, sendaddrv2, verack.
///
/// Invariant: an inbound peer hears nothing before its version came, and no message of a later
///   protocol than its own.
class Handshake {
public:
    explicit Handshake(Context& context) : context_(context) {}

    void connected(Peer& peer, Time now);
    Outcome<> version(Peer& peer, ByteView payload, Time now);
    /// Source: BIP-0434.
    Outcome<> feature(Peer& peer, ByteView payload);
    /// Source: BIP-0339.
    Outcome<> wtxid_relay(Peer& peer);
    /// Source: BIP-0155.
    Outcome<> send_addrv2(Peer& peer);
    Outcome<> verack(Peer& peer);
    void tick(Peer& peer, Time now); ///< Time-out.

private:
    void send_version(Peer& peer, Time now);
    bool is_ourselves(uint64_t nonce) const;

    Context& context_;
};

} // namespace cairn::node
