// SPDX-License-Identifier: MIT
#include "node/connector.h"

#include "node/connection.h"
#include "node/socks5.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <spdlog/spdlog.h>
#include <thread>

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

/// Looks names up, on a thread that nobody waits for: the system may take as long as it likes, and
/// who destroys the io_context waits for that.
struct Connector::Names {
    asio::io_context io{1};
    asio::executor_work_guard<asio::io_context::executor_type> work = asio::make_work_guard(io);
};

/// The thread's, until stop() has left it.
Connector::Names& Connector::names() {
    if (names_) return *names_;
    auto names = std::make_unique<Names>();
    names_ = names.get();
    std::thread([names = std::move(names), left = left_names_.get_future()] {
        names->io.run();
        left.wait();
    }).detach();
    return *names_;
}

void Connector::stop() {
    stopped_ = true;
    mailbox_->close();
    if (!names_) return;
    std::exchange(names_, nullptr)->io.stop();
    left_names_.set_value();
}

void Connector::call(const std::string& target, ConnectionType type) {
    if (!stopped_) asio::co_spawn(io_, dial_one(target, type), rethrow);
}

void Connector::ask_seed(const std::string& host) {
    if (!stopped_) asio::co_spawn(io_, look_up(host), rethrow);
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
    spdlog::debug("trying v1 connection to {}", target);
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
    called(target);
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
    if (error) { // a name
        auto found = co_await resolve(place);
        if (!found) co_return found.error();
        endpoints = std::move(*found);
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

namespace {

/// `found` is called by the thread of `io`, to which all else of this belongs.
void start_look_up(asio::io_context& io, const HostPort& place, auto found) {
    const auto resolver = std::make_shared<tcp::resolver>(io);
    resolver->async_resolve(
        place.host, std::to_string(place.port), tcp::resolver::numeric_service,
        [resolver, found](const boost::system::error_code& error, const auto& results) {
            found(error, results);
        });
}

} // namespace

/// Where `place` is by its name. Look-ups wait for one another and for the system: one that is late
/// goes on without us.
asio::awaitable<Outcome<std::vector<tcp::endpoint>>> Connector::resolve(HostPort place) {
    struct LookUp {
        asio::steady_timer deadline;
        boost::system::error_code error = asio::error::timed_out;
        std::vector<tcp::endpoint> found{};
    };

    const auto look_up = std::make_shared<LookUp>(LookUp{asio::steady_timer(io_, NAME_TIMEOUT)});
    // Weak: of this thread's nothing may end on the other one, nor the other way round.
    const auto found = [mailbox = mailbox_, weak = std::weak_ptr(look_up)](
                           const boost::system::error_code& error, const auto& results) {
        std::vector<tcp::endpoint> endpoints(results.begin(), results.end());
        mailbox->post([weak, error, endpoints = std::move(endpoints)] {
            const auto mine = weak.lock();
            if (!mine) return;
            mine->error = error;
            mine->found = endpoints;
            mine->deadline.cancel();
        });
    };
    start_look_up(names().io, place, found);
    co_await look_up->deadline.async_wait(AS_TUPLE);
    if (look_up->error) co_return Disconnect{look_up->error.message()};
    co_return std::move(look_up->found);
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
asio::awaitable<void> Connector::look_up(std::string host) {
    HostPort place{host, params_.p2p_port};
    const auto endpoints = co_await resolve(std::move(place));
    if (!endpoints) {
        spdlog::warn("DNS seed failed host={} error={}", host, endpoints.error().reason);
        co_return;
    }
    size_t found = 0;
    for (const tcp::endpoint& endpoint : *endpoints) {
        if (++found > 256) break;
        // Three to seven days old, so that what peers tell is thought fresher.
        constexpr uint64_t DAY = uint64_t{24} * 3600;
        const uint64_t age = 3 * DAY + random_.below(4 * DAY);
        const int64_t date = protocol_.date(now());
        const auto time = static_cast<uint32_t>(date - static_cast<int64_t>(age));
        book_.add(
            {time, NODE_NETWORK | NODE_WITNESS,
             NetAddress::of(endpoint.address(), params_.p2p_port)},
            "seed " + host, date);
    }
    spdlog::info("DNS seed answered host={} addresses={}", host, found);
}

} // namespace cairn::node
