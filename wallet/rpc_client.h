// SPDX-License-Identifier: MIT
// How the wallet and the command line speak to a node: JSON-RPC over HTTP, one call at a time, as
// any other client would. Nothing else of a node is reachable from here.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace cairn::wallet {

/// Where a node answers, and how to prove the right to ask.
struct RpcEndpoint {
    std::string host = "127.0.0.1";
    uint16_t port = 0;
    std::string user;                  ///< Empty: use the cookie.
    std::string password;              ///< Goes with `user`.
    std::filesystem::path cookie_file; ///< Read at each connect, as a restarted node has a new one.
    std::string wallet;                ///< Calls go to /wallet/NAME if set.
    std::chrono::seconds timeout{900}; ///< For an answer; some calls mine or scan.
};

/// The node's error reply (its JSON-RPC code, or for a reply that isn't JSON-RPC the HTTP status),
/// or with code 0 a failure to get any reply. The text is for people and names the next step.
struct RpcError : std::runtime_error {
    RpcError(int error_code, const std::string& message)
        : std::runtime_error(message),
          code(error_code) {}

    int code = 0;
};

/// One call of a batch.
struct RpcCall {
    std::string method;
    boost::json::array params;
};

/// What the wallet asks of a node; tests put their own node here.
class NodeRpc {
public:
    virtual ~NodeRpc() = default;

    /// The result of `method`. Throws RpcError.
    virtual boost::json::value call(std::string_view method, boost::json::array params = {}) = 0;

    /// The results of `calls`, in order, in one round trip. Throws RpcError for the first that
    /// failed.
    virtual std::vector<boost::json::value> batch(const std::vector<RpcCall>& calls) = 0;
};

/// A connection to one node, kept open between calls and opened anew once if the node closed it.
///
/// Thread: one at a time; calls block.
class RpcClient final : public NodeRpc {
public:
    /// Connects at the first call.
    explicit RpcClient(RpcEndpoint endpoint);
    ~RpcClient() override;
    RpcClient(RpcClient&&) noexcept;
    RpcClient& operator=(RpcClient&&) noexcept;

    boost::json::value call(std::string_view method, boost::json::array params = {}) override;
    std::vector<boost::json::value> batch(const std::vector<RpcCall>& calls) override;

    /// The same with parameters and result as JSON text, so that no digit of an amount changes on
    /// the way. `params`: a JSON array or object.
    std::string call_text(std::string_view method, std::string_view params);

    const RpcEndpoint& endpoint() const;

private:
    class Connection;
    std::unique_ptr<Connection> connection_;
};

} // namespace cairn::wallet
