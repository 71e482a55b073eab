// SPDX-License-Identifier: MIT
#include "node/connector.h"

#include "node/connection.h"
#include "node/socks5.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <spdlog/spdlog.h>

namespace cairn::node {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

namespace {

/// Cancels what `socket` waits for when `limit` is over, unless it goes before that.
class Deadline {
public:
    Deadline(tcp::socket& socket, std::chrono::seconds limit)
        : timer_(socket.get_executor(), limit) {
        timer_.async_wait([&socket, gone = gone_](const boost::system::error_code& cancelled) {
            boost::system::error_code ignored;
            if (!cancelled && !*gone) socket.cancel(ignored);
        });
    }

    ~Deadline() { *gone_ = true; } // the handler may be on its way

    Deadline(const Deadline&) = delete;
    Deadline& operator=(const Deadline&) = delete;

private:
    asio::steady_timer timer_;
    std::shared_ptr<bool> gone_ = std::make_shared<bool>(false);
};

} // namespace

bool Connector::add(const std::string& target) {
    const bool known = std::find(added_.begin(), added_.end(), target) != added_.end();
    if (known || added_.size() >= MAX_ADDED) return false;
    added_.push_back(target);
    return true;
}

bool Connector::remove(const std::string& target) {
    return std::erase(added_, target) > 0;
}

void Connector::call_anchors(std::vector<TimedAddress> anchors) {
    anchors.resize(std::min(anchors.size(), slots(ConnectionType::BlockRelayOnly)));
    spdlog::info("{} block-relay-only anchors will be tried for connections.", anchors.size());
    for (const TimedAddress& anchor : anchors) {
        const std::string target = anchor.address.to_string();
        spdlog::debug("Trying to make an anchor connection to {}", target);
        dial(target, ConnectionType::BlockRelayOnly);
    }
}

std::vector<TimedAddress> Connector::anchors() const {
    std::vector<TimedAddress> anchors;
    const auto now = static_cast<uint32_t>(seconds_of(now_));
    for (const auto& [id, peer] : protocol_.peers())
        if (peer.type == ConnectionType::BlockRelayOnly)
            anchors.push_back({now, peer.services, peer.address});
    for (const auto& [target, type] : dialling_) {
        const auto address = NetAddress::from_string(target, params_.p2p_port);
        if (address && type == ConnectionType::BlockRelayOnly)
            anchors.push_back({now, 0, *address});
    }
    return anchors;
}

size_t Connector::slots(ConnectionType type) const {
    const bool full_relay = type == ConnectionType::OutboundFullRelay;
    const bool block_relay = type == ConnectionType::BlockRelayOnly;
    const int before = full_relay    ? 0
                       : block_relay ? FULL_RELAY_SLOTS
                                     : FULL_RELAY_SLOTS + BLOCK_RELAY_SLOTS;
    const int most = full_relay ? FULL_RELAY_SLOTS : block_relay ? BLOCK_RELAY_SLOTS : FEELER_SLOTS;
    return static_cast<size_t>(std::clamp(options_.max_connections - before, 0, most));
}

void Connector::tick(Time now) {
    now_ = now;
    if (stopped_) return;
    for (const std::string& target : options_.connect) keep(target, ConnectionType::Manual, now);
    for (const std::string& target : added_) keep(target, ConnectionType::Manual, now);
    if (!options_.connect_only) fill_slots(now);
}

/// Dial `target` unless it is connected, being dialled, or failed a moment ago.
void Connector::keep(const std::string& target, ConnectionType type, Time now) {
    for (const auto& [id, peer] : protocol_.peers()) {
        if (peer.target != target) continue;
        if (peer.established) pauses_.erase(target);
        return;
    }
    Pause& pause = pauses_[target];
    // A mock clock may have been set back: then nothing holds.
    if (dialling_.contains(target) || (now < pause.until && pause.until - now <= LAST_PAUSE))
        return;
    pause.until = now + pause.length;
    pause.length = std::min<std::chrono::microseconds>(pause.length * 2, LAST_PAUSE);
    dial(target, type);
}

/// Whether there is room for another outbound peer of that kind.
bool Connector::wants(ConnectionType type) const {
    const auto has_type = [type](const auto& entry) { return entry.second == type; };
    const auto is_peer = [type](const auto& entry) { return entry.second.type == type; };
    const auto taken = std::ranges::count_if(dialling_, has_type) +
                       std::ranges::count_if(protocol_.peers(), is_peer);
    return static_cast<size_t>(taken) < slots(type);
}

/// The kind of peer to look for now. Once all others are there, it is seen now and then whether
/// somebody we were told of is.
std::optional<ConnectionType> Connector::due(Time now) {
    for (const auto type : {ConnectionType::OutboundFullRelay, ConnectionType::BlockRelayOnly})
        if (wants(type)) return type;
    const bool early = now < next_feeler_ && next_feeler_ - now <= 10 * FEELER_MEAN;
    if (early || !wants(ConnectionType::Feeler)) return std::nullopt;
    next_feeler_ = now + random_.poisson(FEELER_MEAN);
    return ConnectionType::Feeler;
}

/// Keep the outbound slots filled: from the address book, else from those who know others.
void Connector::fill_slots(Time now) {
    const std::optional<ConnectionType> type = due(now);
    if (!type) return;
    const int64_t seconds = seconds_of(now);
    const std::optional<NetAddress> address = type == ConnectionType::Feeler
                                                  ? book_.pick_feeler(seconds)
                                                  : book_.pick(outbound_groups(), seconds);
    if (!address) {
        if (type == ConnectionType::OutboundFullRelay) ask_others(now);
        return;
    }
    for (const auto& [id, peer] : protocol_.peers())
        if (peer.address == *address && peer.established)
            return void(book_.succeeded(*address, peer.services, seconds));
    const auto answers = std::ranges::count_if(protocol_.peers(), [](const auto& entry) {
        return !entry.second.inbound() && entry.second.established;
    });
    book_.tried(*address, answers >= ONLINE_PEERS, seconds);
    if (!protocol_.discourages(*address)) dial(address->to_string(), *type);
}

std::set<std::string> Connector::outbound_groups() const {
    std::set<std::string> groups;
    for (const auto& [id, peer] : protocol_.peers())
        if (!peer.inbound()) groups.insert(peer.address.group());
    return groups;
}

/// The book has nobody for us: others may, or know some.
void Connector::ask_others(Time now) {
    std::vector<std::string> others = options_.seed_nodes;
    others.insert(others.end(), params_.bootstrap_peers.begin(), params_.bootstrap_peers.end());
    for (const std::string& target : others)
        if (wants(ConnectionType::OutboundFullRelay))
            keep(target, ConnectionType::OutboundFullRelay, now);
    if (!wants(ConnectionType::OutboundFullRelay) || !options_.dns_seed ||
        (now < next_seeds_ && next_seeds_ - now <= SEED_PAUSE))
        return;
    next_seeds_ = now + SEED_PAUSE;
    for (const std::string& host : params_.dns_seeds) {
        if (options_.proxy.empty())
            asio::co_spawn(io_, ask_seed(host), asio::detached);
        else // whom the proxy finds of that name
            dial(host, ConnectionType::AddrFetch);
    }
}

void Connector::dial(const std::string& target, ConnectionType type) {
    if (stopped_ || !dialling_.emplace(target, type).second) return;
    asio::co_spawn(io_, dial_one(target, type), asio::detached);
}

/// The proxy that leads to `address`, or to a name if there is none; empty: we go ourselves.
/// Nothing of this machine's nets is beyond a proxy.
const std::string& Connector::proxy_to(const std::optional<NetAddress>& address) const {
    static const std::string NONE;
    if (address && address->network == NetworkId::TorV3) return options_.onion_proxy;
    return !address || address->is_routable() ? options_.proxy : NONE;
}

asio::awaitable<void> Connector::dial_one(std::string target, ConnectionType type) {
    spdlog::debug("trying connection to {}", target);
    const std::optional<HostPort> place = split_host_port(target, params_.p2p_port);
    const auto known = NetAddress::from_string(target, params_.p2p_port);
    const std::string proxy = proxy_to(known);
    Outcome<tcp::socket> outcome = Disconnect{"no way there"};
    if (place && (!proxy.empty() || !known || known->is_ip())) {
        const auto first = proxy.empty() ? place : split_host_port(proxy, PROXY_PORT);
        outcome = co_await reach(*first);
    }
    if (outcome && !proxy.empty()) {
        const Outcome<> through = co_await ask_proxy(*outcome, *place);
        if (!through) outcome = through.error();
    }
    dialling_.erase(target);
    if (stopped_) co_return;
    if (!outcome) {
        spdlog::debug("cannot connect to {}: {}", target, outcome.error().reason);
        co_return;
    }
    boost::system::error_code error;
    const auto remote = outcome->remote_endpoint(error);
    const auto reached = NetAddress::of(remote.address(), remote.port());
    const NetAddress address = proxy.empty() ? reached : known.value_or(NetAddress());
    if (!error) connected_(std::move(*outcome), address, target, type);
}

/// A connection with one of the addresses that `place` has.
asio::awaitable<Outcome<tcp::socket>> Connector::reach(HostPort place) {
    tcp::resolver resolver(io_);
    auto [error, endpoints] = co_await resolver.async_resolve(
        place.host, std::to_string(place.port), tcp::resolver::numeric_service, AS_TUPLE);
    for (const auto& entry : endpoints) {
        tcp::socket socket(io_);
        const Deadline deadline(socket, DIAL_TIMEOUT);
        std::tie(error) = co_await socket.async_connect(entry.endpoint(), AS_TUPLE);
        if (!error) co_return std::move(socket);
        if (stopped_) break;
    }
    co_return Disconnect{error.message()};
}

/// Let the proxy at the other end of `socket` go on to `target`.
asio::awaitable<Outcome<>> Connector::ask_proxy(tcp::socket& socket, HostPort target) {
    const std::string login =
        options_.proxy_randomize ? fmt::format("{:016x}", random_.next()) : "";
    Socks5 socks(std::move(target), login);
    const Deadline deadline(socket, PROXY_TIMEOUT);
    Outcome<Bytes> out = socks.greeting();
    Bytes in;
    for (;;) {
        const auto [lost, sent] = co_await asio::async_write(socket, asio::buffer(*out), AS_TUPLE);
        if (lost) co_return Disconnect{"the proxy is gone: " + lost.message()};
        if (socks.wants() == 0) co_return boost::system::in_place_value;
        in.resize(socks.wants());
        const auto [left, got] = co_await asio::async_read(socket, asio::buffer(in), AS_TUPLE);
        if (left) co_return Disconnect{"the proxy hung up: " + left.message()};
        out = socks.received(in);
        if (!out) co_return out.error();
    }
}

/// Learn addresses from a DNS seed.
asio::awaitable<void> Connector::ask_seed(std::string host) {
    tcp::resolver resolver(io_);
    const auto [error, endpoints] = co_await resolver.async_resolve(
        host, std::to_string(params_.p2p_port), tcp::resolver::numeric_service, AS_TUPLE);
    size_t found = 0;
    for (const auto& entry : endpoints) {
        if (++found > 256) break;
        // Three to seven days old, so that what peers tell is thought fresher.
        constexpr uint64_t DAY = uint64_t{24} * 3600;
        const uint64_t age = 3 * DAY + random_.below(4 * DAY);
        const auto time = static_cast<uint32_t>(seconds_of(now_) - static_cast<int64_t>(age));
        book_.add(
            {time, NODE_NETWORK | NODE_WITNESS,
             NetAddress::of(entry.endpoint().address(), params_.p2p_port)},
            "seed " + host, seconds_of(now_));
    }
    if (error)
        spdlog::warn("DNS seed failed host={} error={}", host, error.message());
    else
        spdlog::info("DNS seed answered host={} addresses={}", host, found);
}

} // namespace cairn::node
