// SPDX-License-Identifier: MIT
// The first conversation: who are you, what do you speak. Nothing else is said before it is over.
#pragma once

#include "node/context.h"

#include <deque>

namespace cairn::node {

/// version, feature, wtxidrelay, sendaddrv2, verack.
///
/// Invariant: an inbound peer hears nothing before its version came, and no message of a later
///   protocol than its own.
class Handshake {
public:
    explicit Handshake(Context& context) : context_(context) {}

    void connected(Peer& peer);
    void version(Peer& peer, const VersionMessage& message);
    /// Source: BIP-0434.
    void feature(Peer& peer, const Bytes& payload);
    /// Source: BIP-0339.
    void wtxid_relay(Peer& peer);
    /// Source: BIP-0155.
    void send_addrv2(Peer& peer);
    /// Requires: it is the first.
    void verack(Peer& peer);
    void tick(Peer& peer); ///< Time-out.

    /// Seconds that the clocks of peers are ahead: the median of those we called last, since who
    /// calls us may want to mislead us; 0 while they are too few. Core: TimeOffsets::Median.
    int64_t time_offset() const { return time_offset_; }

private:
    void send_version(Peer& peer);
    uint64_t needed_services(const Peer& peer, uint64_t offered) const;
    bool is_ourselves(uint64_t nonce) const;
    void note_time_offset(int64_t offset);

    static constexpr int64_t NEAR_TIP_BLOCKS =
        144; ///< Core: NODE_NETWORK_LIMITED_ALLOW_CONN_BLOCKS.

    static constexpr size_t MAX_TIME_OFFSETS = 50;
    static constexpr size_t MIN_TIME_OFFSETS = 5;

    Context& context_;
    std::deque<int64_t> time_offsets_; ///< Of peers we called, the newest last.
    int64_t time_offset_ = 0;
};

} // namespace cairn::node
