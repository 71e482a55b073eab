// SPDX-License-Identifier: MIT
// JSON-RPC over HTTP in front of a chain that is measured, and a client.
#pragma once

#include "node/clock.h"
#include "node/fee_watch.h"
#include "rpc/node_methods.h"
#include "wallet/rpc_client.h"

namespace cairn::bench {

class Service {
public:
    /// Before the chain starts; destroyed after it.
    Service(chain::Chain& chain, const std::filesystem::path& directory)
        : fees_(chain, directory / "fees") {
        server_.start();
        server_.attach({.chain = chain, .clock = clock_, .fees = fees_});
        server_.ready();
    }

    void stop() { server_.stop(); }

    wallet::RpcClient& client() { return client_; }

private:
    node::Clock clock_;
    node::FeeWatch fees_;
    rpc::NodeServer server_{{.auth = {.user = "bench", .password = "bench"}}};
    wallet::RpcClient client_{{.port = server_.port(), .user = "bench", .password = "bench"}};
};

} // namespace cairn::bench
