// SPDX-License-Identifier: MIT
#include "wallet/rpc_client.h"

#include "wallet/json_text.h"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <fstream>
#include <optional>
#include <sodium.h>

namespace cairn::wallet {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace json = boost::json;
using boost::system::error_code;

namespace {

constexpr std::chrono::seconds CONNECT_TIMEOUT{10};
constexpr uint64_t MAX_REPLY_BYTES = 512U << 20; // a batch of blocks, with room
constexpr size_t MAX_COOKIE_BYTES = 4096;

std::string base64(std::string_view text) {
    constexpr int VARIANT = sodium_base64_VARIANT_ORIGINAL;
    std::string out(sodium_base64_encoded_len(text.size(), VARIANT), '\0');
    sodium_bin2base64(
        out.data(), out.size(), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
        VARIANT);
    out.pop_back(); // the terminator
    return out;
}

json::object request_of(std::string_view method, json::array params, size_t id) {
    return {
        {"jsonrpc", "1.0"},
        {"id", id},
        {"method", json::string(method)},
        {"params", std::move(params)}};
}

/// Throws what the reply's error says; a reply without one passes.
void throw_if_error(const json::object& reply) {
    const json::value* error = reply.if_contains("error");
    if (error == nullptr || error->is_null()) return;
    const json::object* object = error->if_object();
    const json::value* code = object != nullptr ? object->if_contains("code") : nullptr;
    const json::value* message = object != nullptr ? object->if_contains("message") : nullptr;
    if (code == nullptr || !code->is_int64() || message == nullptr || !message->is_string())
        throw RpcError(0, "the node's error reply can't be understood: " + json::serialize(*error));
    throw RpcError(static_cast<int>(code->as_int64()), std::string(message->as_string()));
}

} // namespace

/// The socket and what a request needs around its body.
class RpcClient::Connection {
public:
    explicit Connection(RpcEndpoint endpoint) : endpoint_(std::move(endpoint)) {}

    const RpcEndpoint& endpoint() const { return endpoint_; }

    /// The body of the reply to `body`. Throws RpcError with code 0, or the HTTP status for a
    /// reply without JSON.
    std::string post(const std::string& body) {
        const bool reused = stream_.has_value();
        if (!reused) connect();
        error_code error = exchange(body);
        // A node that was restarted, or tired of waiting, has closed a kept connection.
        const bool closed = error == http::error::end_of_stream ||
                            error == asio::error::connection_reset ||
                            error == asio::error::broken_pipe;
        if (reused && closed) {
            connect();
            error = exchange(body);
        }
        if (error) {
            stream_.reset();
            if (error == beast::error::timeout)
                throw RpcError(
                    0, "no answer from " + address() + " within " +
                           std::to_string(endpoint_.timeout.count()) + " seconds");
            throw RpcError(0, "lost the connection to " + address() + ": " + error.message());
        }
        if (!reply_.keep_alive()) stream_.reset();
        check_status();
        return std::move(reply_.body());
    }

private:
    std::string address() const {
        const bool v6 = endpoint_.host.find(':') != std::string::npos;
        return (v6 ? "[" + endpoint_.host + "]" : endpoint_.host) + ":" +
               std::to_string(endpoint_.port);
    }

    /// Run what was started on the stream until it is done or its time is over.
    void wait() {
        context_.restart();
        context_.run();
    }

    void connect() {
        stream_.reset();
        error_code error;
        asio::ip::tcp::resolver resolver(context_);
        const auto places = resolver.resolve(endpoint_.host, std::to_string(endpoint_.port), error);
        if (error)
            throw RpcError(0, "no address for host " + endpoint_.host + ": " + error.message());
        stream_.emplace(context_);
        stream_->expires_after(CONNECT_TIMEOUT);
        stream_->async_connect(
            places, [&](const error_code& result, const auto&) { error = result; });
        wait();
        if (error) {
            stream_.reset();
            throw RpcError(
                0, "could not connect to " + address() + " (" + error.message() +
                       "): is cairnd running for this chain?");
        }
        buffer_.clear();
        try {
            authorization_ = "Basic " + base64(credentials());
        } catch (...) {
            stream_.reset();
            throw;
        }
    }

    std::string credentials() const {
        if (!endpoint_.user.empty()) return endpoint_.user + ":" + endpoint_.password;
        std::ifstream file(endpoint_.cookie_file);
        std::string line;
        if (!file || !std::getline(file, line) || line.empty() || line.size() > MAX_COOKIE_BYTES)
            throw RpcError(
                0, "can't read the cookie file " + endpoint_.cookie_file.string() +
                       ": give the node's -datadir, or -rpcuser and -rpcpassword");
        return line;
    }

    error_code exchange(const std::string& body) {
        http::request<http::string_body> request(
            http::verb::post, endpoint_.wallet.empty() ? "/" : "/wallet/" + endpoint_.wallet, 11);
        request.set(http::field::host, address());
        request.set(http::field::user_agent, "cairn/" CAIRN_VERSION);
        request.set(http::field::content_type, "application/json");
        request.set(http::field::authorization, authorization_);
        request.keep_alive(true);
        request.body() = body;
        request.prepare_payload();

        error_code error;
        const auto done = [&](const error_code& result, size_t) { error = result; };
        if (endpoint_.timeout.count() > 0)
            stream_->expires_after(endpoint_.timeout);
        else
            stream_->expires_never();
        http::async_write(*stream_, request, done);
        wait();
        if (error) return error;
        http::response_parser<http::string_body> parser;
        parser.body_limit(MAX_REPLY_BYTES);
        http::async_read(*stream_, buffer_, parser, done);
        wait();
        if (!error) reply_ = parser.release();
        return error;
    }

    /// Core answers an RPC error with 404 or 500 and a JSON body: only what has none is judged by
    /// its status.
    void check_status() const {
        if (reply_.result() == http::status::unauthorized)
            throw RpcError(
                0, "the node at " + address() + " refused " +
                       (endpoint_.user.empty() ? "the cookie " + endpoint_.cookie_file.string()
                                               : "user '" + endpoint_.user + "' and its password"));
        if (reply_.result() == http::status::forbidden)
            throw RpcError(0, "the node at " + address() + " doesn't allow this client");
        if (reply_.body().empty() || (reply_.body()[0] != '{' && reply_.body()[0] != '['))
            throw RpcError(
                static_cast<int>(reply_.result_int()), "the node at " + address() + " answered " +
                                                           std::to_string(reply_.result_int()) +
                                                           " " + reply_.body().substr(0, 200));
    }

    RpcEndpoint endpoint_;
    asio::io_context context_{1};
    std::optional<beast::tcp_stream> stream_;
    beast::flat_buffer buffer_;
    std::string authorization_;
    http::response<http::string_body> reply_;
};

RpcClient::RpcClient(RpcEndpoint endpoint)
    : connection_(std::make_unique<Connection>(std::move(endpoint))) {}

RpcClient::~RpcClient() = default;
RpcClient::RpcClient(RpcClient&&) noexcept = default;
RpcClient& RpcClient::operator=(RpcClient&&) noexcept = default;

const RpcEndpoint& RpcClient::endpoint() const {
    return connection_->endpoint();
}

json::value RpcClient::call(std::string_view method, json::array params) {
    const std::string reply =
        connection_->post(json::serialize(request_of(method, std::move(params), 1)));
    error_code error;
    json::value parsed = json::parse(reply, error);
    json::object* object = error ? nullptr : parsed.if_object();
    if (object == nullptr) throw RpcError(0, "the node's reply is no JSON object");
    throw_if_error(*object);
    json::value* result = object->if_contains("result");
    if (result == nullptr) throw RpcError(0, "the node's reply holds no result");
    return std::move(*result);
}

std::vector<json::value> RpcClient::batch(const std::vector<RpcCall>& calls) {
    if (calls.empty()) return {};
    json::array requests;
    for (const RpcCall& one : calls)
        requests.push_back(request_of(one.method, one.params, requests.size()));
    error_code error;
    json::value parsed = json::parse(connection_->post(json::serialize(requests)), error);
    if (!error && parsed.is_object()) throw_if_error(parsed.as_object());
    json::array* replies = error ? nullptr : parsed.if_array();
    if (replies == nullptr || replies->size() != calls.size())
        throw RpcError(0, "the node's reply to a batch is incomplete");
    std::vector<json::value> results(calls.size());
    std::vector<bool> seen(calls.size());
    for (json::value& reply : *replies) {
        json::object* object = reply.if_object();
        if (object == nullptr) throw RpcError(0, "the node's reply is no JSON object");
        throw_if_error(*object);
        const json::value* id = object->if_contains("id");
        json::value* result = object->if_contains("result");
        const auto at = id != nullptr && id->is_int64() ? static_cast<uint64_t>(id->as_int64())
                                                        : uint64_t{calls.size()};
        if (at >= calls.size() || seen[at] || result == nullptr)
            throw RpcError(0, "the node's reply to a batch is mixed up");
        seen[at] = true;
        results[at] = std::move(*result);
    }
    return results;
}

std::string RpcClient::call_text(std::string_view method, std::string_view params) {
    const std::string body = R"({"jsonrpc":"1.0","id":1,"method":)" +
                             json::serialize(json::string(method)) + R"(,"params":)" +
                             std::string(params) + "}";
    const std::string reply = connection_->post(body);
    error_code error;
    const json::value parsed = json::parse(reply, error);
    if (error || !parsed.is_object()) throw RpcError(0, "the node's reply is no JSON object");
    throw_if_error(parsed.as_object());
    const std::optional<std::string_view> result = json_member(reply, "result");
    if (!result) throw RpcError(0, "the node's reply holds no result");
    return std::string(*result);
}

} // namespace cairn::wallet
