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

} // namespace

HttpServer::HttpServer(HttpOptions options, Dispatcher& dispatcher)
    : options_(std::move(options)),
      authenticator_(options_.auth),
      dispatcher_(dispatcher) {
    bind_all();
}

// What could be thrown here is a failed join of our own threads: that may end the process.
HttpServer::~HttpServer() { // NOLINT(bugprone-exception-escape)
    stop();
}

void HttpServer::start() {
    for (Acceptor& acceptor : acceptors_) accept(acceptor);
    const int count = std::max(1, options_.threads);
    for (int i = 0; i < count; ++i) threads_.emplace_back([this] { io_.run(); });
    spdlog::info("rpc_listening port={} threads={}", port(), count);
}

void HttpServer::stop() {
    if (stopped_) return;
    stopped_ = true;
    asio::post(accept_strand_, [this] {
        for (Acceptor& acceptor : acceptors_) acceptor.close();
    });
    for (const std::shared_ptr<Session>& session : sessions()) session->close_soon();
    if (!threads_.empty()) {
        std::unique_lock lock(mutex_);
        session_ended_.wait_for(lock, STOP_PATIENCE, [this] { return sessions_.empty(); });
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
    const bool full = sessions().size() >= options_.max_connections;
    if (full && !allowed) return; // Strangers push out nobody.
    if (full) make_room();
    std::make_shared<Session>(
        boost::beast::tcp_stream(std::move(socket)), *this, allowed, acceptor.of_routes)
        ->start();
}

/// Close the connection that waits longest for its next request. Those that execute one stay,
/// so there may be a few above the limit for a while: no more than there are callers.
void HttpServer::make_room() {
    std::pair<int64_t, std::shared_ptr<Session>> oldest{INT64_MAX, nullptr};
    for (const std::shared_ptr<Session>& session : sessions()) {
        const std::optional<int64_t> since = session->idle_since();
        if (since && *since < oldest.first) oldest = {*since, session};
    }
    if (oldest.second) oldest.second->close_soon();
}

void HttpServer::add(const std::shared_ptr<Session>& session) {
    const std::lock_guard lock(mutex_);
    sessions_.emplace(session.get(), session);
}

void HttpServer::remove(Session* session) {
    const std::lock_guard lock(mutex_);
    sessions_.erase(session);
    session_ended_.notify_all();
}

std::vector<std::shared_ptr<Session>> HttpServer::sessions() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::shared_ptr<Session>> alive;
    for (const auto& [pointer, weak] : sessions_)
        if (std::shared_ptr<Session> session = weak.lock()) alive.push_back(std::move(session));
    return alive;
}

} // namespace cairn::rpc::server
