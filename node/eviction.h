// SPDX-License-Identifier: MIT
// Who has to go when one more calls and there is no room.
#pragma once

#include "node/peer.h"

#include <optional>

namespace cairn::node {

/// Of those who called us, the one to give up for another; nullopt if all are protected.
///
/// Protected is who has what an attacker can't have at will: an address in many groups (`secret`
/// says which ones count), a short way to us, transactions and blocks that were news, time. Of the
/// others the youngest of the largest group goes; one of `discouraged` before all.
///
/// Source: Core's SelectNodeToEvict, as its functional tests and documents tell of it.
std::optional<PeerId> choose_to_evict(
    const Peers& peers, const RollingSet& discouraged, const consensus::SaltedHasher& secret);

// How many of each kind are protected.
constexpr size_t PROTECTED_GROUPS = 4;
constexpr size_t PROTECTED_PINGS = 8;
constexpr size_t PROTECTED_TRANSACTIONS = 4;
constexpr size_t PROTECTED_BLOCKS_ONLY = 8;
constexpr size_t PROTECTED_BLOCKS = 4;

} // namespace cairn::node
