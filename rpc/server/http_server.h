// SPDX-License-Identifier: MIT
// HTTP/1.1 for JSON-RPC: connections, limits and credentials. What a request means is the
// dispatcher's business (dispatch.h).
#pragma once

#include "rpc/server/auth.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace cairn::rpc::server {

class Dispatcher;

/// How the server listens and what it puts up with; from the option table.
struct HttpOptions {
    std::vector<std::string> bind; ///< -rpcbind, addr[:port]; empty: loopback.
    uint16_t port = 0;             ///< -rpcport; 0: any free one, see HttpServer::port().
    AuthOptions auth;
    std::vector<std::string> allow_ip; ///< -rpcallowip, besides loopback: addr[/bits or /mask]
    int threads = 4;                   ///< -rpcthreads
    std::chrono::seconds client_timeout{30}; ///< -rpcservertimeout: for a request to come in whole.
    size_t max_connections = 256;            ///< Beyond it the one that is idle longest goes.
    size_t max_body_bytes = size_t{32} << 20; ///< A block in hexadecimal fits several times.
};

/// Carries requests to a dispatcher and its replies back.
///
/// Nothing of a body is read before its sender's address and credentials were accepted.
/// Thread: its own, as many as asked for. Each runs a request from parsing to the reply; a handler
/// may block the one it runs on, one that waits for an event holds none.
class HttpServer {
public:
    /// Binds and writes the cookie. `dispatcher` outlives this. Throws std::runtime_error (an
    /// address can't be bound: named in the message), AuthError.
    HttpServer(HttpOptions options, Dispatcher& dispatcher);
    ~HttpServer(); ///< Calls stop().
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    void start();
    /// Accept no more, let replies under way go out, end.
    void stop();

    uint16_t port() const; ///< Of the first address bound.

    /// Run `task` on one of the server's threads after `delay`, unless the server stops before.
    void run_after(std::chrono::milliseconds delay, std::function<void()> task);

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace cairn::rpc::server
