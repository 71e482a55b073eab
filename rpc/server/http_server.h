// SPDX-License-Identifier: MIT
// HTTP/1.1 for JSON-RPC: connections, limits and credentials. What a request means is the
// dispatcher's business (dispatch.h).
#pragma once

#include "rpc/server/auth.h"
#include "rpc/server/call_queue.h"
#include "rpc/server/connection.h"
#include "rpc/server/dispatch.h"
#include "rpc/server/push.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <variant>
#include <vector>

namespace cairn::rpc::server {

/// What is to become of a GET that asks for a stream of events: the answer that refuses it, or what
/// begins to tell the client.
using Streaming = std::variant<Answer, std::function<void(const std::shared_ptr<PushClient>&)>>;

/// What is answered besides JSON-RPC, to a GET or POST of a path.
struct Route {
    using Places = std::vector<boost::asio::ip::tcp::endpoint>;

    std::string path; ///< "/metrics"; one that ends in '/' has all below it.
    /// Who may ask, with a password; nullopt: anyone who may connect. To a user's list of methods
    /// the path counts as one.
    std::optional<Role> role;
    /// Called on an RPC thread, or one of the queue. `target`: path and query.
    std::function<Answer(std::string_view target, std::string_view body)> answer{};
    /// Answered at these addresses alone, to whoever reaches them; empty: where JSON-RPC is.
    Places bind{};
    /// Instead of `answer`, where events are streamed. `last_event_id`: as the header of that name.
    std::function<Streaming(std::string_view target, std::string_view last_event_id)> stream{};
    bool busy = false; ///< To answer may take as long as Pace::Busy.
};

/// How the server listens and what it puts up with; from the option table.
struct HttpOptions {
    std::vector<boost::asio::ip::tcp::endpoint> bind; ///< -rpcbind; empty: loopback, at `port`.
    uint16_t port = 0; ///< -rpcport; 0: any free one, see HttpServer::port().
    AuthOptions auth;
    /// Whose connections are taken.
    std::function<bool(const boost::asio::ip::address&)> allows =
        [](const boost::asio::ip::address& client) { return client.is_loopback(); };
    std::vector<Route> routes;
    /// -rpccorsorigin: of pages whose scripts may call, "https://example.org:8443".
    std::vector<std::string> cors_origins;
    int threads = 4; ///< -rpcthreads: as many again are for calls that block theirs.
    /// -rpcservertimeout: for a request to come in whole, and for each piece of a reply to be
    /// taken.
    std::chrono::seconds client_timeout{30};
    size_t max_connections = 256; ///< Of a Kind; beyond it the one that is idle longest goes.
    size_t max_staying = 4096;    ///< WebSockets and event streams; no more are taken.
    size_t max_body_bytes = size_t{32} << 20; ///< A block in hexadecimal fits several times.
};

/// Carries requests to a dispatcher and its replies back.
///
/// Nothing of a body is read before its sender's address and credentials were accepted.
/// Thread: its own, as many as asked for. Each runs a request from parsing to the reply, and is
/// never blocked: calls that would block it are run by queue(), those that wait for an event hold
/// no thread at all.
class HttpServer {
public:
    /// Binds and writes the cookie. `dispatcher` outlives this. Throws std::runtime_error (an
    /// address can't be bound, or an origin isn't one: named in the message), AuthError.
    HttpServer(HttpOptions options, Dispatcher& dispatcher);
    ~HttpServer(); ///< Calls stop(). NOLINT(bugprone-exception-escape)
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    void start();
    /// Accept no more, let replies under way go out, end.
    void stop();

    /// Of the first address bound.
    uint16_t port() const { return acceptors_.front().local_endpoint().port(); }

    /// For what is to run on the server's threads, until it stops.
    boost::asio::io_context& io() { return io_; }

    /// For what blocks its thread.
    CallQueue& queue() { return queue_; }

    // For its connections ////////////////////////////////////////////////////////////////////

    const HttpOptions& options() const { return options_; }

    const Authenticator& authenticator() const { return authenticator_; }

    const Dispatcher& dispatcher() const { return dispatcher_; }

    void add(const std::shared_ptr<Connection>& connection, Kind kind);
    /// From now on it is of that kind.
    void count_as(Kind kind, Connection* connection);
    /// It has ended; more than once is as good.
    void remove(Connection* connection);
    /// Whether another one may stay.
    bool has_room() const;

private:
    using Endpoint = boost::asio::ip::tcp::endpoint;

    /// Where connections come in.
    struct Acceptor : boost::asio::ip::tcp::acceptor {
        using boost::asio::ip::tcp::acceptor::acceptor;
        /// Of Route::bind; nullopt: JSON-RPC's.
        std::optional<Endpoint> of_routes;
    };

    void bind_all();
    void bind_rpc();
    Acceptor& bind(const Endpoint& endpoint);
    void accept(Acceptor& acceptor);
    void admit(boost::asio::ip::tcp::socket socket, const Acceptor& acceptor);
    void make_room(Kind kind);
    void run();
    /// Those of a kind; nullopt: all.
    std::vector<std::shared_ptr<Connection>> connections(std::optional<Kind> kind = {}) const;

    size_t& count_of(Kind kind) { return counts_[static_cast<size_t>(kind)]; }

    const HttpOptions options_;
    const Authenticator authenticator_;
    const Dispatcher& dispatcher_;

    struct Known {
        std::weak_ptr<Connection> connection;
        Kind kind;
    };

    mutable std::mutex mutex_; ///< For the four below, held for moments only.
    std::unordered_map<Connection*, Known> connections_;
    std::array<size_t, 4> counts_{}; ///< By kind.
    bool stopping_ = false;
    std::condition_variable connection_ended_;
    CallQueue queue_;
    boost::asio::io_context io_;
    /// Keeps the threads while all there is to do is to wait for a handler's event.
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
        io_.get_executor()};
    boost::asio::strand<boost::asio::io_context::executor_type> accept_strand_{io_.get_executor()};
    std::list<Acceptor> acceptors_;
    std::vector<std::thread> threads_;
    bool stopped_ = false;
};

} // namespace cairn::rpc::server
