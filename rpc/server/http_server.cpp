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
    for (int i = 0; i < count; ++i)
        threads_.emplace_back([this] {
            ::pthread_setname_np(::pthread_self(), "rpc");
            io_.run();
        });
    spdlog::info("rpc_listening port={} threads={}", port(), count);
}

void HttpServer::stop() {
    if (stopped_) return;
    stopped_ = true;
    asio::post(accept_strand_, [this] {
        for (Acceptor& acceptor : acceptors_) acceptor.close();
    });
    for (const std::shared_ptr<Connection>& one : connections()) one->close_soon();
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
    const bool full = [this] {
        const std::lock_guard lock(mutex_);
        return connections_.size() - staying_ >= options_.max_connections;
    }();
    if (full && !allowed) return; // Strangers push out nobody.
    if (full) make_room();
    std::make_shared<Session>(
        boost::beast::tcp_stream(std::move(socket)), *this, allowed, acceptor.of_routes)
        ->start();
}

/// Close the connection that waits longest for its next request. Those that execute one stay,
/// so there may be a few above the limit for a while: no more than there are callers.
void HttpServer::make_room() {
    std::pair<int64_t, std::shared_ptr<Connection>> oldest{INT64_MAX, nullptr};
    for (const std::shared_ptr<Connection>& one : connections()) {
        const std::optional<int64_t> since = one->idle_since();
        if (since && *since < oldest.first) oldest = {*since, one};
    }
    if (oldest.second) oldest.second->close_soon();
}

void HttpServer::add(const std::shared_ptr<Connection>& connection) {
    const std::lock_guard lock(mutex_);
    connections_.emplace(connection.get(), connection);
    if (connection->stays()) ++staying_;
}

void HttpServer::remove(Connection* connection) {
    const std::lock_guard lock(mutex_);
    if (connections_.erase(connection) > 0 && connection->stays()) --staying_;
    connection_ended_.notify_all();
}

bool HttpServer::has_room() const {
    const std::lock_guard lock(mutex_);
    return staying_ < options_.max_staying;
}

std::vector<std::shared_ptr<Connection>> HttpServer::connections() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::shared_ptr<Connection>> alive;
    for (const auto& [pointer, weak] : connections_)
        if (std::shared_ptr<Connection> one = weak.lock()) alive.push_back(std::move(one));
    return alive;
}

} // namespace cairn::rpc::server
