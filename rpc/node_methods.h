// SPDX-License-Identifier: MIT
// The node's JSON-RPC as cairnd sees it: give it the node, start it, stop it.
#pragma once

#include "rpc/server/dispatch.h"
#include "rpc/server/http_server.h"

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace cairn::chain {
class Chain;
}

namespace cairn::node {
class Clock;
class FeeWatch;
class Miner;
class Network;
} // namespace cairn::node

namespace cairn::rpc {

struct NodeContext;

/// What the methods work on; all of it outlives the server.
struct Node {
    chain::Chain& chain;
    node::Clock& clock;
    const node::FeeWatch& fees;
    node::Network* network = nullptr;   ///< Null: no peers; the methods that need them say so.
    const node::Miner* miner = nullptr; ///< Null: none.
    std::filesystem::path log_file;     ///< For getrpcinfo.
    std::function<void()> request_stop; ///< Called by `stop`, on an RPC thread; returns at once.
};

/// What is served besides JSON-RPC.
struct WebOptions {
    bool rest = false;                  ///< -rest
    server::Route::Places rest_bind;    ///< -restbind; empty: with JSON-RPC.
    server::Route::Places metrics_bind; ///< -metricsbind, for /health and /ready too; likewise.
};

/// The node's methods over HTTP.
///
/// Life: constructed (bound, cookie written), start() (every call is refused with -28 and the
/// status text), attach() once the chain is open and before Chain::start(), ready(), stop().
/// Thread: main.
class NodeServer {
public:
    /// Throws std::runtime_error: an address can't be bound, or a credential can't be read.
    explicit NodeServer(server::HttpOptions options, const WebOptions& web = {});
    ~NodeServer(); ///< Calls stop(). It is destroyed after the chain, whose observer it is.
    NodeServer(const NodeServer&) = delete;
    NodeServer& operator=(const NodeServer&) = delete;

    void start() { http_.start(); }

    /// What the node is busy with while it isn't ready: "Loading block index…".
    void set_status(std::string status) { dispatcher_.set_status(std::move(status)); }

    void attach(Node node);
    void ready();
    /// Let replies under way go out (that of `stop` too), then end. Before the node's own end.
    void stop();

    /// Listened on, where HttpOptions::port was 0.
    uint16_t port() const { return http_.port(); }

private:
    std::vector<server::Route> routes(const WebOptions& web) const;

    server::Dispatcher dispatcher_;
    std::unique_ptr<NodeContext> context_;
    std::atomic<bool> is_ready_{false};
    server::HttpServer http_; ///< Last: its threads use the others.
};

} // namespace cairn::rpc
