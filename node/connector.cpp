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

/// Whether `time` lies ahead, by no more than it can: else a mock clock was set back.
bool is_soon(Time time, Time now, Time::duration most) {
    return now < time && time - now <= most;
}

} // namespace

bool Connector::Pause::is_over(Time now, std::chrono::microseconds longest) {
    if (is_soon(until, now, longest)) return false;
    until = now + length;
    length = std::min(length * 2, longest);
    return true;
}

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

/// How many outbound peers of that kind there may be.
size_t Connector::slots(ConnectionType type) const {
    constexpr int CHOSEN = FULL_RELAY_SLOTS + BLOCK_RELAY_SLOTS;
    const auto [before, most] =
        type == ConnectionType::OutboundFullRelay ? std::pair(0, FULL_RELAY_SLOTS)
        : type == ConnectionType::BlockRelayOnly  ? std::pair(FULL_RELAY_SLOTS, BLOCK_RELAY_SLOTS)
                                                  : std::pair(CHOSEN, FEELER_SLOTS);
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
    if (const Peer* peer = find_peer(target)) {
        if (peer->established) pauses_.erase(target);
        return;
    }
    if (!dialling_.contains(target) && pauses_[target].is_over(now, LAST_PAUSE)) dial(target, type);
}

const Peer* Connector::find_peer(const std::string& target) const {
    const auto found = std::ranges::find_if(
        protocol_.peers(), [&](const auto& entry) { return entry.second.target == target; });
    return found == protocol_.peers().end() ? nullptr : &found->second;
}

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
    if (is_soon(next_feeler_, now, 10 * FEELER_MEAN) || !wants(ConnectionType::Feeler))
        return std::nullopt;
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
    const auto answering = std::ranges::count_if(protocol_.peers(), [](const auto& entry) {
        return !entry.second.inbound() && entry.second.established;
    });
    if (!address) {
        if (type == ConnectionType::OutboundFullRelay) ask_others(answering > 0, now);
        return;
    }
    for (const auto& [id, peer] : protocol_.peers())
        if (peer.address == *address && peer.established)
            return void(book_.succeeded(*address, peer.services, seconds));
    book_.tried(*address, answering >= ONLINE_PEERS, seconds);
    if (may_call_(*address)) dial(address->to_string(), *type);
}

/// Of those we called, or are about to reach.
std::set<std::string> Connector::outbound_groups() const {
    std::set<std::string> groups;
    for (const auto& [id, peer] : protocol_.peers())
        if (!peer.inbound()) groups.insert(peer.address.group());
    for (const auto& [target, type] : dialling_)
        if (const auto address = NetAddress::from_string(target, params_.p2p_port))
            groups.insert(address->group());
    return groups;
}

/// The book has nobody for us: others may, or know some. The seeds are left alone while somebody
/// is `answering`, who knows some, too.
void Connector::ask_others(bool answering, Time now) {
    for (const std::string& target : params_.bootstrap_peers)
        if (wants(ConnectionType::OutboundFullRelay))
            keep(target, ConnectionType::OutboundFullRelay, now);
    if (answering || !seeds_.is_over(now, LAST_SEED_PAUSE)) return;
    const auto fetch_from = [&](const std::string& target) {
        if (find_peer(target) == nullptr) dial(target, ConnectionType::AddrFetch);
    };
    std::ranges::for_each(options_.seed_nodes, fetch_from);
    if (!options_.dns_seed) return;
    for (const std::string& host : params_.dns_seeds) {
        if (options_.proxy.empty())
            asio::co_spawn(io_, ask_seed(host), asio::detached);
        else
            fetch_from(host); // whom the proxy finds of that name
    }
}

void Connector::dial(const std::string& target, ConnectionType type) {
    if (stopped_ || !dialling_.emplace(target, type).second) return;
    asio::co_spawn(io_, dial_one(target, type), asio::detached);
}

/// The proxy that leads to `address`, or to a name if there is none; empty: we go ourselves.
/// Nothing of this machine's nets is beyond a proxy, and no proxy here leads into I2P.
const std::string& Connector::proxy_to(const std::optional<NetAddress>& address) const {
    static const std::string NONE;
    if (address && address->network == NetworkId::TorV3) return options_.onion_proxy;
    const bool outside = !address || (address->is_routable() && address->network != NetworkId::I2p);
    return outside ? options_.proxy : NONE;
}

asio::awaitable<void> Connector::dial_one(std::string target, ConnectionType type) {
    spdlog::debug("trying connection to {}", target);
    const std::optional<HostPort> place = split_host_port(target, params_.p2p_port);
    const auto known = NetAddress::from_string(target, params_.p2p_port);
    const std::string proxy = proxy_to(known);
    Outcome<tcp::socket> outcome = Disconnect{"no way there"};
    if (place && (known ? known->is_ip() || !proxy.empty() : !is_special_name(place->host))) {
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
    boost::system::error_code error;
    std::vector<tcp::endpoint> endpoints{{asio::ip::make_address(place.host, error), place.port}};
    if (error) { // a name. All of them wait for one another, so nothing else may.
        tcp::resolver resolver(io_);
        const auto [unknown, found] = co_await resolver.async_resolve(
            place.host, std::to_string(place.port), tcp::resolver::numeric_service, AS_TUPLE);
        endpoints.assign(found.begin(), found.end());
        error = unknown;
    }
    for (const tcp::endpoint& endpoint : endpoints) {
        tcp::socket socket(io_);
        const Deadline deadline(socket, DIAL_TIMEOUT);
        std::tie(error) = co_await socket.async_connect(endpoint, AS_TUPLE);
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
