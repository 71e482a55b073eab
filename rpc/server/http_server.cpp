// SPDX-License-Identifier: MIT
#include "rpc/server/http_server.h"

#include "rpc/server/dispatch.h"
#include "rpc/server/http_session.h"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <spdlog/spdlog.h>

namespace cairn::rpc::server {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr std::chrono::milliseconds ACCEPT_RETRY{100}; ///< After an error, e.g. no descriptors.
constexpr std::chrono::seconds STOP_PATIENCE{10};      ///< For replies under way.

/// Source: RFC 6454, section 7: what browsers send as Origin, which is compared as it is.
void check_origin(const std::string& origin) {
    const size_t scheme = origin.find("://");
    const bool has_host = scheme != std::string::npos && scheme > 0 && scheme + 3 < origin.size();
    if (!has_host || origin.find_first_of("/?#* ,", scheme + 3) != std::string::npos)
        throw std::runtime_error(
            "-rpccorsorigin=" + origin + ": expected an origin, as https://example.org:8443");
}

} // namespace

HttpServer::HttpServer(HttpOptions options, Dispatcher& dispatcher)
    : options_(std::move(options)),
      authenticator_(options_.auth),
      dispatcher_(dispatcher) {
    for (const std::string& origin : options_.cors_origins) check_origin(origin);
    bind_all();
}

// What could be thrown here is a failed join of our own threads: that may end the process.
HttpServer::~HttpServer() { // NOLINT(bugprone-exception-escape)
    stop();
}

void HttpServer::start() {
    for (Acceptor& acceptor : acceptors_) accept(acceptor);
    const int count = std::max(1, options_.threads);
    queue_.start(static_cast<size_t>(count));
    for (int i = 0; i < count; ++i) threads_.emplace_back([this] { run(); });
    spdlog::info("rpc_listening port={} threads={}", port(), count);
}

/// Memory that there isn't for what one client asks is no reason to end: his connection does.
void HttpServer::run() {
    ::pthread_setname_np(::pthread_self(), "rpc");
    while (!io_.stopped()) {
        try {
            io_.run();
        } catch (const std::exception& failure) {
            spdlog::error("rpc_failed error={}", failure.what());
        }
    }
}

void HttpServer::stop() {
    if (stopped_) return;
    stopped_ = true;
    asio::post(accept_strand_, [this] {
        for (Acceptor& acceptor : acceptors_) acceptor.close();
    });
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true; // Who comes now is told by add().
    }
    for (const std::shared_ptr<Connection>& one : connections()) one->close_soon();
    queue_.stop();
    if (!threads_.empty()) {
        std::unique_lock lock(mutex_);
        connection_ended_.wait_for(lock, STOP_PATIENCE, [this] { return connections_.empty(); });
    }
    io_.stop();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
}

void HttpServer::bind_all() {
    bind_rpc();
    for (const Route& route : options_.routes)
        for (const tcp::endpoint& endpoint : route.bind) {
            const bool bound = std::ranges::any_of(
                acceptors_, [&](const Acceptor& other) { return other.of_routes == endpoint; });
            if (!bound) bind(endpoint).of_routes = endpoint;
        }
}

void HttpServer::bind_rpc() {
    for (const tcp::endpoint& endpoint : options_.bind) bind(endpoint);
    if (!options_.bind.empty()) return;
    bind({asio::ip::address_v4::loopback(), options_.port});
    try {
        bind({asio::ip::address_v6::loopback(), port()});
    } catch (const std::runtime_error& error) {
        // A machine without IPv6 is as good.
        spdlog::debug("rpc_no_ipv6 error={}", error.what());
    }
}

HttpServer::Acceptor& HttpServer::bind(const tcp::endpoint& endpoint) {
    try {
        return acceptors_.emplace_back(accept_strand_, endpoint, /*reuse_addr=*/true);
    } catch (const boost::system::system_error& error) {
        throw std::runtime_error(fmt::format(
            "Unable to bind the RPC server to {} port {}: {}", endpoint.address().to_string(),
            endpoint.port(), error.code().message()));
    }
}

void HttpServer::accept(Acceptor& acceptor) {
    acceptor.async_accept(
        asio::make_strand(io_),
        [this, &acceptor](boost::system::error_code error, tcp::socket socket) {
            if (error == asio::error::operation_aborted || !acceptor.is_open()) return;
            if (!error) {
                admit(std::move(socket), acceptor);
                return accept(acceptor);
            }
            spdlog::warn("rpc_accept_failed error={}", error.message());
            const auto retry = std::make_shared<asio::steady_timer>(accept_strand_, ACCEPT_RETRY);
            retry->async_wait([this, &acceptor, retry](boost::system::error_code stopped) {
                if (!stopped && acceptor.is_open()) accept(acceptor);
            });
        });
}

void HttpServer::admit(tcp::socket socket, const Acceptor& acceptor) {
    boost::system::error_code error;
    const tcp::endpoint peer = socket.remote_endpoint(error);
    if (error) return; // It has left already.
    const bool allowed = acceptor.of_routes || options_.allows(peer.address());
    if (!allowed) spdlog::warn("rpc_not_allowed peer={}", peer.address().to_string());
    socket.set_option(tcp::no_delay(true), error);
    const Kind kind = acceptor.of_routes ? Kind::Routes : Kind::Rpc;
    const bool full = [&] {
        const std::lock_guard lock(mutex_);
        return count_of(kind) >= options_.max_connections;
    }();
    if (full && !allowed) return; // Strangers push out nobody.
    if (full) make_room(kind);
    std::make_shared<Session>(
        boost::beast::tcp_stream(std::move(socket)), *this, allowed, acceptor.of_routes)
        ->start();
}

/// Close the connection whose last request is longest ago; after its reply, if that is under way.
void HttpServer::make_room(Kind kind) {
    std::pair<int64_t, std::shared_ptr<Connection>> oldest{INT64_MAX, nullptr};
    for (const std::shared_ptr<Connection>& one : connections(kind)) {
        const std::optional<int64_t> used = one->last_used();
        if (used && *used < oldest.first) oldest = {*used, one};
    }
    if (oldest.second) oldest.second->close_soon();
}

void HttpServer::add(const std::shared_ptr<Connection>& connection, Kind kind) {
    {
        const std::lock_guard lock(mutex_);
        connections_.emplace(connection.get(), Known{connection, kind});
        ++count_of(kind);
        if (!stopping_) return;
    }
    connection->close_soon();
}

void HttpServer::count_as(Kind kind, Connection* connection) {
    const std::lock_guard lock(mutex_);
    const auto known = connections_.find(connection);
    if (known == connections_.end()) return;
    --count_of(known->second.kind);
    ++count_of(known->second.kind = kind);
}

void HttpServer::remove(Connection* connection) {
    const std::lock_guard lock(mutex_);
    const auto known = connections_.find(connection);
    if (known == connections_.end()) return;
    --count_of(known->second.kind);
    connections_.erase(known);
    connection_ended_.notify_all();
}

bool HttpServer::has_room() const {
    const std::lock_guard lock(mutex_);
    return counts_[static_cast<size_t>(Kind::Staying)] < options_.max_staying;
}

std::vector<std::shared_ptr<Connection>> HttpServer::connections(std::optional<Kind> kind) const {
    const std::lock_guard lock(mutex_);
    std::vector<std::shared_ptr<Connection>> alive;
    for (const auto& [pointer, known] : connections_)
        if (!kind || known.kind == *kind)
            if (std::shared_ptr<Connection> one = known.connection.lock())
                alive.push_back(std::move(one));
    return alive;
}

} // namespace cairn::rpc::server
