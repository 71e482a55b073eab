// SPDX-License-Identifier: MIT
// How the wallet and the command line speak to a node: JSON-RPC over HTTP, one call at a time, as
// any other client would. Nothing else of a node is reachable from here.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
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
    std::filesystem::path cookie_file; ///< Read at each call, as a restarted node has a new one;
                                       ///< empty: none.
    std::string path = "/";            ///< Of the URL.
    std::chrono::seconds timeout{900}; ///< For an answer; some calls mine or scan.
};

/// The node's error reply with its JSON-RPC code, or with code 0 a failure to get one. The text is
/// for people and names the next step.
struct RpcError : std::runtime_error {
    RpcError(int error_code, const std::string& message)
        : std::runtime_error(message),
          code(error_code) {}

    int code = 0;
};

/// Nobody answers there, yet or any more.
struct NoConnection : RpcError {
    explicit NoConnection(const std::string& message) : RpcError(0, message) {}
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

/// One node. Each call has a connection of its own: so a node that was restarted is found again,
/// and no call is ever sent twice.
///
/// Thread: one at a time; calls block.
class RpcClient final : public NodeRpc {
public:
    explicit RpcClient(RpcEndpoint endpoint) : endpoint_(std::move(endpoint)) {}

    boost::json::value call(std::string_view method, boost::json::array params = {}) override;
    std::vector<boost::json::value> batch(const std::vector<RpcCall>& calls) override;

    /// The same with parameters and result as JSON text, so that no digit of an amount changes on
    /// the way. `params`: a JSON array or object.
    std::string call_text(std::string_view method, std::string_view params);

    const RpcEndpoint& endpoint() const { return endpoint_; }

private:
    /// The reply to `body`. Throws RpcError with code 0.
    std::string post(const std::string& body) const;

    RpcEndpoint endpoint_;
};

} // namespace cairn::wallet
