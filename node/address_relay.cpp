// SPDX-License-Identifier: MIT
#include "node/address_relay.h"

#include "node/handshake_messages.h"

#include <algorithm>
#include <spdlog/spdlog.h>

namespace cairn::node {

namespace {

bool knows(const Peer& peer, const NetAddress& address) {
    const auto& known = peer.addresses.known;
    return std::find(known.begin(), known.end(), address) != known.end();
}

void remember(Peer& peer, const NetAddress& address) {
    auto& known = peer.addresses.known;
    if (knows(peer, address)) return;
    if (known.size() >= AddressRelay::MAX_KNOWN)
        known.erase(known.begin(), known.begin() + AddressRelay::MAX_KNOWN / 2);
    known.push_back(address);
}

} // namespace

AddressRelay::AddressRelay(Context& context, AddressBook& book)
    : context_(context),
      book_(book),
      salt0_(context.random.next()),
      salt1_(context.random.next()) {}

void AddressRelay::established(Peer& peer, Time now) {
    peer.addresses.tokens_at = now;
    peer.addresses.next = now + context_.random.poisson(SEND_MEAN);
    peer.addresses.next_own = now;
    if (peer.inbound()) return;
    book_.succeeded(peer.address, peer.services, seconds_of(now));
    peer.addresses.we_asked = true;
    peer.addresses.tokens += MAX_TOKENS;
    context_.send(peer, "getaddr");
}

Outcome<> AddressRelay::addr(Peer& peer, ByteView payload, Time now) {
    std::optional<AddrMessage> message = parse<AddrMessage>(payload);
    if (!message) return malformed(peer, AddrMessage::COMMAND);
    const size_t count = message->addresses.size();
    return learn(peer, std::move(message->addresses), count, now);
}

Outcome<> AddressRelay::addrv2(Peer& peer, ByteView payload, Time now) {
    std::optional<AddrV2Message> message = parse<AddrV2Message>(payload);
    if (!message) return malformed(peer, AddrV2Message::COMMAND);
    return learn(peer, std::move(message->addresses), message->count, now);
}

Outcome<>
AddressRelay::learn(Peer& peer, std::vector<TimedAddress> addresses, size_t count, Time now) {
    if (count > MAX_ADDRESSES) return Disconnect{fmt::format("addr message size = {}", count)};
    Peer::Addresses& state = peer.addresses;
    const double elapsed =
        std::max(std::chrono::duration<double>(now - state.tokens_at).count(), 0.0);
    state.tokens_at = now;
    if (state.tokens < MAX_TOKENS)
        state.tokens = std::min(MAX_TOKENS, state.tokens + elapsed * TOKENS_PER_SECOND);
    const int64_t seconds = seconds_of(now);
    for (TimedAddress& place : addresses) {
        if (state.tokens < 1 && !peer.permits(PERMIT_ADDR)) {
            ++state.rate_limited;
            continue;
        }
        state.tokens -= 1;
        ++state.processed;
        remember(peer, place.address);
        // A time that can't be is taken as five days ago.
        if (place.time <= 100'000'000 || place.time > seconds + 600)
            place.time = static_cast<uint32_t>(seconds - 5 * 24 * 3600);
        if (!place.address.is_routable()) continue;
        const bool fresh = place.time > seconds - FRESH_SECONDS;
        if (fresh && count <= MAX_RELAYED && !state.we_asked) relay(place, peer.id, now);
        TimedAddress aged = place;
        aged.time -= 2 * 3600; // second-hand: the teller may be wrong
        book_.add(aged, context_.random);
    }
    if (count < MAX_ADDRESSES) state.we_asked = false;
    return done();
}

/// Pass `place` on to two peers, the same ones for a day, so that repeating it spreads no further.
void AddressRelay::relay(const TimedAddress& place, PeerId source, Time now) {
    const Bytes key = consensus::encode(place.address.to_string());
    const uint64_t day = static_cast<uint64_t>(seconds_of(now)) / 86400;
    const uint64_t salt = consensus::siphash(salt0_, salt1_ ^ day, key);
    std::vector<std::pair<uint64_t, Peer*>> ranked;
    for (auto& [id, peer] : context_.peers) {
        if (id == source || !peer.established || peer.dropped) continue;
        ranked.emplace_back(Random(salt, static_cast<uint64_t>(id)).next(), &peer);
    }
    std::sort(ranked.begin(), ranked.end());
    for (size_t i = 0; i < std::min(RELAY_TO, ranked.size()); ++i) {
        Peer& peer = *ranked[i].second;
        if (!knows(peer, place.address) && peer.addresses.queue.size() < MAX_QUEUED)
            peer.addresses.queue.push_back(place);
    }
}

Outcome<> AddressRelay::get_addr(Peer& peer, Time now) {
    // Only from those who called us: else our answer would tell one of our addresses from another.
    if (!peer.inbound() || peer.addresses.asked_us) return done();
    peer.addresses.asked_us = true;
    const size_t count = std::min(MAX_ADDRESSES, book_.size() * SHARED_PERCENT / 100);
    std::vector<TimedAddress> addresses = book_.sample(count, context_.random, seconds_of(now));
    if (!addresses.empty()) send(peer, std::move(addresses));
    return done();
}

void AddressRelay::send(Peer& peer, std::vector<TimedAddress> addresses) {
    for (const TimedAddress& place : addresses) remember(peer, place.address);
    if (peer.wants_addrv2)
        context_.send(peer, message_of(AddrV2Message{std::move(addresses), 0}));
    else
        context_.send(peer, message_of(AddrMessage{std::move(addresses)}));
}

void AddressRelay::tick(Peer& peer, Time now) {
    Peer::Addresses& state = peer.addresses;
    if (now >= state.next_own) {
        state.next_own = now + context_.random.poisson(OWN_MEAN);
        if (context_.options.listening_port != 0 && peer.our_address.is_routable()) {
            TimedAddress own{
                static_cast<uint32_t>(seconds_of(now)), context_.options.services,
                peer.our_address};
            own.address.port = context_.options.listening_port;
            state.queue.push_back(std::move(own));
        }
    }
    if (now < state.next) return;
    state.next = now + context_.random.poisson(SEND_MEAN);
    std::erase_if(
        state.queue, [&](const TimedAddress& place) { return knows(peer, place.address); });
    if (!state.queue.empty()) send(peer, std::exchange(state.queue, {}));
}

} // namespace cairn::node
