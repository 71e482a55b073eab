// SPDX-License-Identifier: MIT
#include "net.h"

#include <algorithm>
#include <cmath>

namespace cairn::sim {

namespace {

Duration time_for(size_t bytes, double bytes_a_second) {
    return Duration(static_cast<int64_t>(static_cast<double>(bytes) * 1e6 / bytes_a_second));
}

/// Less than anybody would notice: what is that near is now.
constexpr Duration INSTANT{200};

} // namespace

Duration Net::way(const Host& a, const Host& b) const {
    const double distance = std::hypot(a.x - b.x, a.y - b.y) / std::sqrt(2.0);
    return weather.fixed +
           Duration(static_cast<int64_t>(distance * static_cast<double>(weather.across.count())));
}

void Net::call(
    Endpoint& caller, const NetAddress& from, const NetAddress& to, ConnectionType type) {
    const auto found = places_.find(to);
    const bool there = found != places_.end() && found->second->host.online &&
                       found->second->host.callable && found->second->host.side == caller.host.side;
    if (!there)
        return timeline_.after(CALL_TIMEOUT, [this, &caller, to] { caller.call_failed(to); });
    const Duration there_and_back = 2 * way(caller.host, found->second->host);
    timeline_.after(
        there_and_back, [this, &caller, from, to, type] { answer(caller, from, to, type); });
}

void Net::answer(Endpoint& caller, NetAddress from, NetAddress to, ConnectionType type) {
    Endpoint& called = *places_.at(to);
    if (!caller.host.online) return;
    if (!called.host.online || !called.admits(from, to)) return caller.call_failed(to);
    const EndId here = open(caller);
    const EndId there = open(called);
    ends_[here].other = there;
    ends_[there].other = here;
    trace_.add("connect", here, there, to.bytes);
    called.connected(there, to, from, ConnectionType::Inbound);
    if (is_open(here)) caller.connected(here, from, to, type);
}

EndId Net::open(Endpoint& owner) {
    const auto id = static_cast<EndId>(ends_.size());
    ends_.emplace_back().owner = &owner;
    owner.host.ends.push_back(id);
    return id;
}

/// When `bytes` more from `end` have left its host: after all that waits there, or sooner if it has
/// sent little, by its equal share of the way.
Time Net::departure(End& end, size_t bytes) const {
    Host& host = end.owner->host;
    const Time now = timeline_.now();
    const Duration alone = time_for(bytes, host.up);
    host.up_free = std::max(host.up_free, now) + alone;
    end.up_free = std::max(end.up_free, now) + alone;
    if (host.up_free - end.up_free < INSTANT) return end.up_free = host.up_free;
    const auto others = std::ranges::count_if(
        host.ends, [&](EndId id) { return &ends_[id] != &end && ends_[id].up_free > now; });
    return end.up_free = std::min(host.up_free, end.up_free + others * alone);
}

void Net::send(EndId id, Message message) {
    End& end = ends_[id];
    if (!end.open) return;
    End& other = ends_[end.other];
    if (watch) watch(*end.owner, message);
    const Host& from = end.owner->host;
    const Host& to = other.owner->host;
    const size_t bytes = node::FRAME_HEADER_BYTES + message.payload.size();
    const Time gone = departure(end, bytes);
    const Time taken = gone - time_for(SOCKET_BUFFER, from.up);
    if (from.side != to.side) end.broken = other.broken = true;
    if (!end.broken && other.open) {
        Duration taking = way(from, to);
        constexpr uint64_t FINE = 1 << 20;
        if (static_cast<double>(random_.below(FINE)) < weather.loss * FINE)
            taking += weather.resend;
        end.last_arrival = std::max(end.last_arrival, gone + taking);
        end.backlog += bytes;
        other.inbox.push_back(std::move(message));
        timeline_.at(end.last_arrival, [this, there = end.other] { arrived(there); });
    } else if (from.side == to.side) { // the other end has forgotten this connection, or will
        timeline_.after(way(from, to), [this, id] { close(id); });
    }
    if (taken <= timeline_.now()) return left(id, bytes);
    timeline_.at(taken, [this, id, size = static_cast<uint32_t>(bytes)] { left(id, size); });
}

/// The system has taken so much, unless the other end doesn't read.
void Net::left(EndId id, size_t bytes) {
    End& end = ends_[id];
    if (!end.open) return;
    if (end.backlog > WINDOW)
        end.held += bytes;
    else
        end.owner->sent(id, bytes);
}

/// A message has come as far as the host of `id`.
void Net::arrived(EndId id) {
    End& end = ends_[id];
    if (!end.open) return;
    Host& host = end.owner->host;
    const size_t bytes = node::FRAME_HEADER_BYTES + end.inbox[end.arrived++].payload.size();
    host.down_free = std::max(host.down_free, timeline_.now()) + time_for(bytes, host.down);
    if (host.down_free - timeline_.now() < INSTANT) return deliver(id);
    timeline_.at(host.down_free, [this, id] { deliver(id); });
}

void Net::deliver(EndId id) {
    End& end = ends_[id];
    if (!end.open) return;
    ++end.ready;
    end.owner->readable(id);
}

std::optional<Message> Net::take(EndId id) {
    End& end = ends_[id];
    if (end.ready == 0) return std::nullopt;
    Message message = std::move(end.inbox.front());
    end.inbox.pop_front();
    --end.arrived;
    --end.ready;
    End& sender = ends_[end.other];
    sender.backlog -= node::FRAME_HEADER_BYTES + message.payload.size();
    if (sender.held > 0 && sender.backlog <= WINDOW) {
        const auto held = static_cast<uint32_t>(std::exchange(sender.held, 0));
        timeline_.after(way(sender.owner->host, end.owner->host), [this, from = end.other, held] {
            left(from, held);
        });
    }
    trace_.add(message.command, id, end.other, message.payload);
    return message;
}

void Net::close(EndId id) {
    const EndId other = ends_[id].other;
    shut(id);
    if (ends_[id].owner->host.side == ends_[other].owner->host.side) shut(other);
}

void Net::shut(EndId id) {
    End& end = ends_[id];
    if (!end.open) return;
    end.open = false;
    std::erase(end.owner->host.ends, id);
    end.inbox = {};
    end.arrived = end.ready = 0;
    trace_.add("close", id, end.other, {});
    end.owner->closed(id);
}

std::vector<EndId> Net::open_ends() const {
    std::vector<EndId> open;
    for (size_t i = 0; i < ends_.size(); ++i)
        if (ends_[i].open) open.push_back(static_cast<EndId>(i));
    return open;
}

} // namespace cairn::sim
