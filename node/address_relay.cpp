// SPDX-License-Identifier: MIT
#include "node/address_relay.h"

#include <algorithm>
#include <spdlog/spdlog.h>

namespace cairn::node {

namespace {

consensus::Hash256 hash_of(const NetAddress& address) {
    Bytes key = consensus::encode(address.port);
    key.push_back(static_cast<uint8_t>(address.network));
    key.insert(key.end(), address.bytes.begin(), address.bytes.end());
    return consensus::sha256(key);
}

bool knows(const Peer& peer, const NetAddress& address) {
    return peer.known_addresses.contains(hash_of(address));
}

void remember(Peer& peer, const NetAddress& address) {
    peer.known_addresses.insert(hash_of(address));
}

} // namespace

AddressRelay::AddressRelay(Context& context, AddressBook& book)
    : context_(context),
      book_(book),
      salt0_(context.random.next()),
      salt1_(context.random.next()) {}

void AddressRelay::version(Peer& peer) {
    if (peer.inbound() || peer.dropped) return;
    book_.succeeded(peer.address, peer.services, context_.now_seconds());
    if (peer.type == ConnectionType::Feeler) context_.drop(peer, "feeler connection completed");
}

void AddressRelay::established(Peer& peer) {
    peer.addresses.tokens_at = context_.now;
    peer.addresses.next = context_.now + context_.random.poisson(SEND_MEAN);
    if (peer.inbound() || !speaks(peer)) return;
    peer.addresses.we_asked = true;
    peer.addresses.tokens += MAX_TOKENS;
    context_.send(peer, "getaddr");
}

/// Addresses go over this connection from now on, if its kind allows it. Who calls us may want
/// only blocks: we wait for him to begin.
bool AddressRelay::speaks(Peer& peer) {
    peer.addresses.relays = peer.type != ConnectionType::BlockRelayOnly;
    return peer.addresses.relays;
}

void AddressRelay::addr(Peer& peer, AddrMessage message) {
    const size_t count = message.addresses.size();
    learn(peer, "addr", std::move(message.addresses), count);
}

void AddressRelay::addrv2(Peer& peer, AddrV2Message message) {
    learn(peer, "addrv2", std::move(message.addresses), message.count);
}

void AddressRelay::learn(
    Peer& peer, std::string_view name, std::vector<TimedAddress> addresses, size_t count) {
    if (count > MAX_ADDRESSES)
        return context_.misbehaving(peer, fmt::format("{} message size = {}", name, count));
    if (!speaks(peer)) return;
    Peer::Addresses& state = peer.addresses;
    const double elapsed =
        std::max(std::chrono::duration<double>(context_.now - state.tokens_at).count(), 0.0);
    state.tokens_at = context_.now;
    if (state.tokens < MAX_TOKENS)
        state.tokens = std::min(MAX_TOKENS, state.tokens + elapsed * TOKENS_PER_SECOND);
    const int64_t seconds = context_.now_seconds();
    size_t added = 0;
    for (TimedAddress& place : addresses) {
        if (state.tokens < 1 && !peer.permits(PERMIT_ADDR)) {
            ++state.rate_limited;
            continue;
        }
        state.tokens -= 1;
        if ((place.services & (NODE_NETWORK | NODE_NETWORK_LIMITED)) == 0) continue;
        ++state.processed;
        remember(peer, place.address);
        // A time that can't be is taken as five days ago.
        if (place.time <= 100'000'000 || place.time > seconds + 600)
            place.time = static_cast<uint32_t>(seconds - int64_t{5} * 24 * 3600);
        if (!place.address.is_routable() || context_.shuns(place.address)) continue;
        const bool fresh = place.time > seconds - FRESH_SECONDS;
        if (fresh && count <= MAX_RELAYED && !state.we_asked) relay(place, peer.id);
        TimedAddress aged = place;
        aged.time -= 2 * 3600; // second-hand: the teller may be wrong
        if (!book_.add(aged, peer.address.group(), seconds)) continue;
        spdlog::debug("address_new address={} peer={}", place.address.to_string(), peer.id);
        ++added;
    }
    if (added > 0) spdlog::debug("Added {} addresses from peer={}", added, peer.id);
    if (count < MAX_ADDRESSES) state.we_asked = false;
    // A single one is likely the peer's own, told to all.
    if (peer.type == ConnectionType::AddrFetch && count > 1)
        context_.drop(peer, "addrfetch connection completed");
}

/// Pass `place` on to two peers, the same ones for a day, so that repeating it spreads no further.
void AddressRelay::relay(const TimedAddress& place, PeerId source) {
    const uint64_t day = static_cast<uint64_t>(context_.now_seconds()) / 86400;
    const uint64_t salt = consensus::siphash(salt0_, salt1_ ^ day, hash_of(place.address).bytes);
    std::vector<std::pair<uint64_t, Peer*>> ranked;
    for (auto& [id, peer] : context_.peers) {
        const bool understands = peer.wants_addrv2 || place.address.is_ip();
        if (id == source || !peer.addresses.relays || peer.dropped || !understands) continue;
        ranked.emplace_back(Random(salt, static_cast<uint64_t>(id)).next(), &peer);
    }
    std::sort(ranked.begin(), ranked.end());
    for (size_t i = 0; i < std::min(RELAY_TO, ranked.size()); ++i) {
        Peer& peer = *ranked[i].second;
        std::vector<TimedAddress>& queue = peer.addresses.queue;
        const bool waits =
            std::ranges::find(queue, place.address, &TimedAddress::address) != queue.end();
        if (!waits && !knows(peer, place.address) && queue.size() < MAX_QUEUED)
            queue.push_back(place);
    }
}

void AddressRelay::get_addr(Peer& peer) {
    // Only from those who called us: else our answer would tell one of our addresses from another.
    if (!peer.inbound()) return;
    (void)speaks(peer);
    if (peer.addresses.asked_us) {
        spdlog::debug("Ignoring repeated \"getaddr\". peer={}", peer.id);
        return;
    }
    peer.addresses.asked_us = true;
    tell_own(peer); // before all others
    const auto fresh = [&] {
        const size_t count = std::min(MAX_ADDRESSES, book_.size() * SHARED_PERCENT / 100);
        std::vector<TimedAddress> places = book_.sample(count, context_.now_seconds());
        std::erase_if(
            places, [&](const TimedAddress& place) { return context_.shuns(place.address); });
        return places;
    };
    if (peer.permits(PERMIT_ADDR)) return send(peer, fresh());
    // The same for a day: who asks again and again must not learn all of the book, nor what
    // becomes of it.
    Answer& answer = answers_[{peer.address.network, peer.bound_address}];
    if (answer.addresses.empty() || context_.now >= answer.until) {
        const auto spread = std::chrono::seconds(context_.random.below(ANSWER_SPREAD.count()));
        answer = {fresh(), context_.now + ANSWER_LEAST + spread};
    }
    send(peer, answer.addresses);
}

void AddressRelay::send(Peer& peer, std::vector<TimedAddress> addresses) {
    if (!peer.wants_addrv2)
        std::erase_if(addresses, [](const TimedAddress& place) { return !place.address.is_ip(); });
    if (addresses.empty()) return;
    for (const TimedAddress& place : addresses) remember(peer, place.address);
    if (peer.wants_addrv2)
        return context_.send(peer, "addrv2", AddrV2Message{std::move(addresses), 0});
    context_.send(peer, "addr", AddrMessage{std::move(addresses)});
}

/// Where `peer` is told that we are. Nobody learns that an address of Tor or I2P and another one
/// are of the same node, be it who comes from this machine: a Tor service calls from there.
std::optional<NetAddress> AddressRelay::own_address(const Peer& peer) const {
    const ProtocolOptions& options = context_.options;
    const auto& ours = options.external;
    const bool hidden =
        !peer.address.is_routable() && !std::ranges::all_of(ours, &NetAddress::is_ip);
    if (hidden) return std::nullopt;
    auto found = std::ranges::find(ours, peer.address.network, &NetAddress::network);
    if (found == ours.end() && peer.address.is_ip())
        found = std::ranges::find_if(ours, &NetAddress::is_ip);
    if (found != ours.end()) return *found;
    if (!ours.empty() || options.announced_port == 0 || !peer.our_address.is_routable())
        return std::nullopt;
    NetAddress seen = peer.our_address;
    seen.port = options.announced_port;
    return seen;
}

/// Once a day.
void AddressRelay::tell_own(Peer& peer) {
    Peer::Addresses& state = peer.addresses;
    if (context_.now < state.next_own || context_.chain.initial_download()) return;
    const bool first = state.next_own == Time();
    state.next_own = context_.now + context_.random.poisson(OWN_MEAN);
    if (!first) peer.known_addresses.clear(); // what it heard a day ago has another date now
    const std::optional<NetAddress> own = own_address(peer);
    if (!own) return;
    spdlog::debug("Advertising address {} to peer={}", own->to_string(), peer.id);
    const TimedAddress place{
        static_cast<uint32_t>(context_.now_seconds()), context_.services(), *own};
    if (first)
        send(peer, {place}); // alone: of more it might take only one so early
    else
        state.queue.push_back(place);
}

void AddressRelay::tick(Peer& peer) {
    if (!peer.addresses.relays) return;
    if (peer.type == ConnectionType::AddrFetch && context_.now - peer.connected_at > FETCH_TIMEOUT)
        return context_.drop(peer, "addrfetch connection timeout");
    Peer::Addresses& state = peer.addresses;
    tell_own(peer);
    if (context_.now < state.next) return;
    state.next = context_.now + context_.random.poisson(SEND_MEAN);
    std::erase_if(
        state.queue, [&](const TimedAddress& place) { return knows(peer, place.address); });
    send(peer, std::exchange(state.queue, {}));
}

} // namespace cairn::node
