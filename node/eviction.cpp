// SPDX-License-Identifier: MIT
#include "node/eviction.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace cairn::node {

namespace {

using Candidates = std::vector<const Peer*>;

/// Take out the `count` that come first by `key`.
template <class Key>
void protect(Candidates& candidates, size_t count, Key key) {
    std::ranges::stable_sort(candidates, {}, [&](const Peer* peer) { return key(*peer); });
    count = std::min(count, candidates.size());
    candidates.erase(candidates.begin(), candidates.begin() + static_cast<ptrdiff_t>(count));
}

/// Likewise, only of those for whom `chosen` is true. Returns how many there were.
template <class Chosen, class Key>
size_t protect_if(Candidates& candidates, size_t count, Chosen chosen, Key key) {
    const auto found = std::ranges::count_if(candidates, [&](const Peer* p) { return chosen(*p); });
    count = std::min(count, static_cast<size_t>(found));
    protect(candidates, count, [&](const Peer& p) { return std::pair(!chosen(p), key(p)); });
    return count;
}

} // namespace

std::optional<PeerId> choose_to_evict(
    const Peers& peers, const RollingSet& discouraged, const consensus::SaltedHasher& secret) {
    Candidates candidates;
    for (const auto& [id, peer] : peers)
        if (peer.inbound() && !peer.permits(PERMIT_NOBAN) && !peer.dropped)
            candidates.push_back(&peer);

    std::map<const Peer*, std::pair<std::string, size_t>> groups; // and what they are sorted by
    for (const Peer* peer : candidates) {
        const std::string group = peer->address.group();
        groups[peer] = {group, secret(consensus::sha256(consensus::as_bytes(group)))};
    }
    protect(
        candidates, PROTECTED_GROUPS, [&](const Peer& peer) { return groups.at(&peer).second; });
    protect(candidates, PROTECTED_PINGS, [](const Peer& peer) {
        return peer.ping.least.value_or(std::chrono::microseconds::max());
    });
    protect(candidates, PROTECTED_TRANSACTIONS, [](const Peer& peer) {
        return -peer.transactions.last_at;
    });
    const auto newest_block = [](const Peer& peer) { return -peer.blocks.last_at; };
    protect_if(
        candidates, PROTECTED_BLOCKS_ONLY,
        [](const Peer& peer) { return peer.established && !peer.relays_transactions; },
        newest_block);
    protect(candidates, PROTECTED_BLOCKS, newest_block);
    // Half of the rest, by time; up to half of these are for those who come through this machine
    // itself, as all do that Tor brings: they would be one group.
    const auto age = [](const Peer& peer) { return peer.connected_at; };
    const size_t half = candidates.size() / 2;
    const size_t local = protect_if(
        candidates, half / 2, [](const Peer& peer) { return !peer.address.is_routable(); }, age);
    protect(candidates, half - local, age);

    const auto is_bad = [&](const Peer* peer) {
        return discouraged.contains(peer->address.host_hash());
    };
    if (std::ranges::any_of(candidates, is_bad)) std::erase_if(candidates, std::not_fn(is_bad));
    std::map<std::string, size_t> group_sizes;
    for (const Peer* peer : candidates) ++group_sizes[groups.at(peer).first];
    const auto worst = std::ranges::max_element(candidates, {}, [&](const Peer* peer) {
        return std::tuple(group_sizes[groups.at(peer).first], peer->connected_at, peer->id);
    });
    if (worst == candidates.end()) return std::nullopt;
    return (*worst)->id;
}

} // namespace cairn::node
