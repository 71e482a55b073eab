// SPDX-License-Identifier: MIT
#pragma once

#include "node/network.h"
#include "node/peer.h"

namespace cairn::node {

/// A peer as getpeerinfo tells it.
PeerInfo info_of(const Peer& peer, const Traffic& traffic, Time now);

} // namespace cairn::node
