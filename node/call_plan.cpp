// SPDX-License-Identifier: MIT
#include "node/call_plan.h"

#include <algorithm>
#include <spdlog/spdlog.h>

namespace cairn::node {

namespace {

/// Whether `time` lies ahead, by no more than it can: else a mock clock was set back.
bool is_soon(Time time, Time now, Time::duration most) {
    return now < time && time - now <= most;
}

} // namespace

bool CallPlan::Pause::is_over(Time now, std::chrono::microseconds longest) {
    if (is_soon(until, now, longest)) return false;
    until = now + length;
    length = std::min(length * 2, longest);
    return true;
}

bool CallPlan::add(const std::string& target) {
    const auto place = NetAddress::from_string(target, params_.p2p_port);
    const bool known = std::ranges::any_of(added_, [&](const std::string& other) {
        return other == target ||
               (place && NetAddress::from_string(other, params_.p2p_port) == place);
    });
    if (known || added_.size() >= MAX_ADDED) return false;
    added_.push_back(target);
    return true;
}

bool CallPlan::remove(const std::string& target) {
    return std::erase(added_, target) > 0;
}

void CallPlan::call_anchors(std::vector<TimedAddress> anchors) {
    anchors.resize(std::min(anchors.size(), slots(ConnectionType::BlockRelayOnly)));
    spdlog::info("{} block-relay-only anchors will be tried for connections.", anchors.size());
    for (const TimedAddress& anchor : anchors) {
        const std::string target = anchor.address.to_string();
        spdlog::debug("Trying to make an anchor connection to {}", target);
        dial(target, ConnectionType::BlockRelayOnly);
    }
}

std::vector<TimedAddress> CallPlan::anchors() const {
    std::vector<TimedAddress> anchors;
    const auto now = static_cast<uint32_t>(protocol_.date(now_));
    for (const auto& [id, peer] : protocol_.peers())
        if (peer.type == ConnectionType::BlockRelayOnly)
            anchors.push_back({now, peer.services, peer.address});
    for (const auto& [target, type] : calling_) {
        const auto address = NetAddress::from_string(target, params_.p2p_port);
        if (address && type == ConnectionType::BlockRelayOnly)
            anchors.push_back({now, 0, *address});
    }
    return anchors;
}

/// How many outbound peers of that kind there may be.
size_t CallPlan::slots(ConnectionType type) const {
    constexpr int CHOSEN = FULL_RELAY_SLOTS + BLOCK_RELAY_SLOTS;
    const auto [before, most] =
        type == ConnectionType::OutboundFullRelay ? std::pair(0, FULL_RELAY_SLOTS)
        : type == ConnectionType::BlockRelayOnly  ? std::pair(FULL_RELAY_SLOTS, BLOCK_RELAY_SLOTS)
                                                  : std::pair(CHOSEN, FEELER_SLOTS);
    return static_cast<size_t>(std::clamp(options_.max_connections - before, 0, most));
}

void CallPlan::tick(Time now) {
    now_ = now;
    if (!active_) return;
    for (const std::string& target : options_.connect) keep(target, ConnectionType::Manual, now);
    for (const std::string& target : added_) keep(target, ConnectionType::Manual, now);
    if (options_.connect_only) return;
    fill_slots(now);
    end_extra(ConnectionType::OutboundFullRelay, now);
    end_extra(ConnectionType::BlockRelayOnly, now);
}

/// Dial `target` unless it is connected, being dialled, or failed a moment ago.
void CallPlan::keep(const std::string& target, ConnectionType type, Time now) {
    if (const Peer* peer = find_peer(target)) {
        // Who hangs up on us soon after is called no more often than one who isn't there.
        if (peer->established && now - peer->connected_at >= LAST_PAUSE) pauses_.erase(target);
        return;
    }
    if (!calling_.contains(target) && pauses_[target].is_over(now, LAST_PAUSE)) dial(target, type);
}

/// One whom we called there, or would call if we did.
const Peer* CallPlan::find_peer(const std::string& target) const {
    const auto place = NetAddress::from_string(target, params_.p2p_port);
    const auto is_there = [&](const auto& entry) {
        const Peer& peer = entry.second;
        return !peer.inbound() && (peer.target == target || (place && peer.address == *place));
    };
    const auto found = std::ranges::find_if(protocol_.peers(), is_there);
    return found == protocol_.peers().end() ? nullptr : &found->second;
}

/// Those that are being called included.
size_t CallPlan::count(ConnectionType type) const {
    const auto has_type = [type](const auto& entry) { return entry.second == type; };
    const auto is_peer = [type](const auto& entry) { return entry.second.type == type; };
    const auto taken = std::ranges::count_if(calling_, has_type) +
                       std::ranges::count_if(protocol_.peers(), is_peer);
    return static_cast<size_t>(taken);
}

bool CallPlan::wants(ConnectionType type) const {
    return count(type) < slots(type);
}

/// The kind of peer to look for now. Once all others are there, it is seen now and then whether
/// somebody we were told of is.
std::optional<ConnectionType> CallPlan::due(Time now) {
    for (const auto type : {ConnectionType::OutboundFullRelay, ConnectionType::BlockRelayOnly})
        if (wants(type)) return type;
    if (const auto extra = extra_due(now)) return extra;
    if (is_soon(next_feeler_, now, 10 * FEELER_MEAN) || !wants(ConnectionType::Feeler))
        return std::nullopt;
    next_feeler_ = now + random_.poisson(FEELER_MEAN);
    return ConnectionType::Feeler;
}

/// Beyond the slots: for all, if there was no block for long; else for blocks only.
std::optional<ConnectionType> CallPlan::extra_due(Time now) {
    const chain::BlockNode& tip = protocol_.chain().view().tip();
    if (tip_ != &tip) {
        tip_ = &tip;
        tip_since_ = now;
    }
    const auto is_due = [&](ConnectionType type, Time next, Time::duration most) {
        const bool room = slots(type) > 0 && count(type) == slots(type);
        return room && !is_soon(next, now, most);
    };
    const auto stale = std::chrono::seconds(STALE_SPACINGS * params_.spacing());
    if (now - tip_since_ > stale &&
        is_due(ConnectionType::OutboundFullRelay, next_stale_, STALE_PAUSE)) {
        next_stale_ = now + STALE_PAUSE;
        spdlog::info("no new block for long: one more peer is looked for");
        return ConnectionType::OutboundFullRelay;
    }
    if (!is_due(ConnectionType::BlockRelayOnly, next_extra_, 10 * EXTRA_MEAN)) return std::nullopt;
    next_extra_ = now + random_.poisson(EXTRA_MEAN);
    return ConnectionType::BlockRelayOnly;
}

/// If there are more of a kind than slots: who gave a new block least lately goes; of several the
/// one that came last. Of those for blocks only the two newest contend: the others stay, or else a
/// stranger who is quick could take their places one after the other.
void CallPlan::end_extra(ConnectionType type, Time now) {
    std::vector<const Peer*> peers;
    for (const auto& [id, peer] : protocol_.peers())
        if (peer.type == type && peer.established) peers.push_back(&peer);
    const auto is_new = [&](const Peer* peer) { return now - peer->connected_at < EXTRA_STAY; };
    if (peers.size() <= slots(type) || std::ranges::any_of(peers, is_new)) return;
    if (type == ConnectionType::BlockRelayOnly) {
        std::ranges::sort(peers, std::greater(), &Peer::connected_at);
        peers.resize(std::min<size_t>(peers.size(), 2));
    }
    std::erase_if(peers, [](const Peer* peer) { return peer->headers.trusted; });
    const auto worst = std::ranges::min_element(peers, {}, [](const Peer* peer) {
        return std::pair(peer->blocks.last_at, -peer->connected_at.time_since_epoch().count());
    });
    // Not while it may be about to give one; nor does another go for it.
    if (worst != peers.end() && (*worst)->blocks.in_flight.empty())
        hang_up((*worst)->id, "more outbound peers than wanted");
}

/// Keep the outbound slots filled: from the address book, else from those who know others.
void CallPlan::fill_slots(Time now) {
    const auto answering = std::ranges::count_if(protocol_.peers(), [](const auto& entry) {
        return !entry.second.inbound() && entry.second.established;
    });
    if (answering > 0 || alone_since_ == Time() || now < alone_since_) alone_since_ = now;
    const bool alone = answering == 0 && slots(ConnectionType::OutboundFullRelay) > 0 &&
                       (book_.size() == 0 || now - alone_since_ >= SEED_PATIENCE);
    if (alone) call_bootstrap_peers(now);
    if (alone && seeds_.is_over(now, LAST_SEED_PAUSE)) ask_seeds();
    const std::optional<ConnectionType> type = due(now);
    if (!type) return;
    const int64_t seconds = protocol_.date(now);
    const std::optional<NetAddress> address = choose(*type, seconds);
    if (!address) {
        if (type == ConnectionType::OutboundFullRelay) call_bootstrap_peers(now);
        return;
    }
    for (const auto& [id, peer] : protocol_.peers())
        if (peer.address == *address && peer.established)
            return void(book_.succeeded(*address, peer.services, seconds));
    book_.tried(*address, answering >= ONLINE_PEERS, seconds);
    if (!protocol_.shuns(*address)) dial(address->to_string(), *type);
}

std::optional<NetAddress> CallPlan::choose(ConnectionType type, int64_t now) {
    if (type == ConnectionType::Feeler) return book_.pick_feeler(now);
    // Whoever wants us among his own may well fill the one table, but hardly the other, and didn't
    // come first: those for blocks only are for good, but for the extra one.
    const bool known = type == ConnectionType::BlockRelayOnly;
    return known && wants(type) ? book_.pick_oldest(outbound_groups(), now)
                                : book_.pick(outbound_groups(), now, known);
}

/// Of those we called, or are about to reach.
std::set<std::string> CallPlan::outbound_groups() const {
    std::set<std::string> groups;
    for (const auto& [id, peer] : protocol_.peers())
        if (!peer.inbound()) groups.insert(peer.address.group());
    for (const auto& [target, type] : calling_)
        if (const auto address = NetAddress::from_string(target, params_.p2p_port))
            groups.insert(address->group());
    return groups;
}

void CallPlan::call_bootstrap_peers(Time now) {
    for (const std::string& target : params_.bootstrap_peers) {
        const auto address = NetAddress::from_string(target, params_.p2p_port); // or a name, for IP
        const bool reached = options_.reaches(address ? address->network : NetworkId::Ipv4);
        if (reached && wants(ConnectionType::OutboundFullRelay))
            keep(target, ConnectionType::OutboundFullRelay, now);
    }
}

/// Of whom else there is. Not while anybody answers: each peer knows some, too.
void CallPlan::ask_seeds() {
    const auto fetch_from = [&](const std::string& target) {
        if (find_peer(target) == nullptr) dial(target, ConnectionType::AddrFetch);
    };
    const auto why = book_.size() == 0
                         ? std::string("Empty addrman, adding")
                         : fmt::format(
                               "Couldn't connect to peers from addrman after {} seconds. Adding",
                               SEED_PATIENCE.count());
    for (const std::string& target : options_.seed_nodes) {
        spdlog::info("{} seednode ({}) to addrfetch", why, target);
        fetch_from(target);
    }
    if (!options_.dns_seed) return;
    for (const std::string& host : params_.dns_seeds) {
        if (options_.proxy.empty())
            ask_seed(host);
        else
            fetch_from(host); // whom the proxy finds of that name
    }
}

void CallPlan::dial(const std::string& target, ConnectionType type) {
    if (active_ && calling_.emplace(target, type).second) call(target, type);
}

} // namespace cairn::node
