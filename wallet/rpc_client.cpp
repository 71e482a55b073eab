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
constexpr size_t READ_BYTES = size_t{64} << 10;

std::string address_of(const RpcEndpoint& endpoint) {
    const bool v6 = endpoint.host.find(':') != std::string::npos;
    return (v6 ? "[" + endpoint.host + "]" : endpoint.host) + ":" + std::to_string(endpoint.port);
}

std::string base64(std::string_view text) {
    constexpr int VARIANT = sodium_base64_VARIANT_ORIGINAL;
    std::string out(sodium_base64_encoded_len(text.size(), VARIANT), '\0');
    sodium_bin2base64(
        out.data(), out.size(), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
        VARIANT);
    out.pop_back(); // the terminator
    return out;
}

std::string credentials(const RpcEndpoint& endpoint) {
    // As the node does: without a password there is the cookie.
    if (!endpoint.password.empty()) return endpoint.user + ":" + endpoint.password;
    if (endpoint.cookie_file.empty())
        throw RpcError(
            0, "Cookie file was disabled via -norpccookiefile and no rpcpassword was "
               "specified.");
    std::ifstream file(endpoint.cookie_file);
    std::string line;
    if (!std::getline(file, line) || line.empty())
        throw RpcError(
            0, "Failed to read cookie file and no rpcpassword was specified. There is nothing in " +
                   endpoint.cookie_file.string() +
                   ": give the node's -datadir, or -rpcuser and -rpcpassword");
    return line;
}

http::request<http::string_body>
http_request(const RpcEndpoint& endpoint, const std::string& body) {
    http::request<http::string_body> request(http::verb::post, endpoint.path, 11);
    request.set(http::field::host, address_of(endpoint));
    request.set(http::field::user_agent, "cairn/" CAIRN_VERSION);
    request.set(http::field::content_type, "application/json");
    request.set(http::field::authorization, "Basic " + base64(credentials(endpoint)));
    request.keep_alive(false);
    request.body() = body;
    request.prepare_payload();
    return request;
}

/// An RPC error comes with a status of its own and a JSON body: only what has none is judged by its
/// status.
void check_status(const http::response<http::string_body>& reply, const RpcEndpoint& endpoint) {
    const std::string node = "the node at " + address_of(endpoint);
    if (reply.result() == http::status::unauthorized)
        throw RpcError(
            0,
            "Authorization failed: " +
                (endpoint.password.empty()
                     ? "Cookie file credentials were invalid and no rpcpassword was specified. " +
                           node + " refused the cookie " + endpoint.cookie_file.string()
                     : "Incorrect rpcuser or rpcpassword were specified. " + node +
                           " refused user '" + endpoint.user + "'"));
    if (reply.body().starts_with('{') || reply.body().starts_with('[')) return;
    const bool forbidden = reply.result() == http::status::forbidden;
    throw RpcError(
        0, "server returned HTTP error " + std::to_string(reply.result_int()) + ": " + node +
               (forbidden ? " doesn't allow this client"
                          : " says '" + reply.body().substr(0, 200) + "'"));
}

json::object request_of(std::string_view method, json::array params, size_t id) {
    return {
        {"jsonrpc", "1.0"},
        {"id", id},
        {"method", json::string(method)},
        {"params", std::move(params)}};
}

json::value parsed(const std::string& reply) {
    error_code error;
    json::value value = json::parse(reply, error);
    if (error) throw RpcError(0, "the node's reply is no JSON");
    return value;
}

/// What `reply` holds. Throws RpcError, with what its error says if it has one.
json::value result_of(json::value& reply) {
    const auto member = [](const json::value* value, const char* name) {
        return value != nullptr && value->is_object() ? value->as_object().if_contains(name)
                                                      : nullptr;
    };
    if (const json::value* error = member(&reply, "error"); error != nullptr && !error->is_null()) {
        const json::value* code = member(error, "code");
        const json::value* message = member(error, "message");
        if (code == nullptr || !code->is_int64() || message == nullptr || !message->is_string())
            throw RpcError(
                0, "the node's error reply can't be understood: " + json::serialize(*error));
        throw RpcError(static_cast<int>(code->as_int64()), message->as_string().c_str());
    }
    if (member(&reply, "result") == nullptr) throw RpcError(0, "the node's reply holds no result");
    return std::move(reply.as_object()["result"]);
}

} // namespace

std::string RpcClient::post(const std::string& body) const {
    asio::io_context context(1);
    error_code error;
    const auto places = asio::ip::tcp::resolver(context).resolve(
        endpoint_.host, std::to_string(endpoint_.port), error);
    if (error) throw RpcError(0, "no address for host " + endpoint_.host + ": " + error.message());

    // Only what is asynchronous ends in time; so each step is started, and run to its end.
    beast::tcp_stream stream(context);
    const auto finished = [&](const error_code& result, const auto&) { error = result; };
    const auto run = [&] {
        context.restart();
        context.run();
    };
    stream.expires_after(CONNECT_TIMEOUT);
    stream.async_connect(places, finished);
    run();
    if (error)
        throw NoConnection(
            "Could not connect to the server " + address_of(endpoint_) + " (" + error.message() +
            "): is cairnd running for this chain?");
    const auto request = http_request(endpoint_, body); // a node that is down has no cookie
    if (endpoint_.timeout.count() > 0)
        stream.expires_after(endpoint_.timeout);
    else
        stream.expires_never();
    http::async_write(stream, request, finished);
    run();
    beast::flat_buffer buffer;
    buffer.reserve(READ_BYTES); // or it reads 512 bytes at a time
    http::response_parser<http::string_body> parser;
    parser.body_limit(MAX_REPLY_BYTES);
    if (!error) {
        http::async_read(stream, buffer, parser, finished);
        run();
    }
    if (error == beast::error::timeout)
        throw RpcError(
            0, "no answer from " + address_of(endpoint_) + " within " +
                   std::to_string(endpoint_.timeout.count()) + " seconds");
    if (error)
        throw RpcError(
            0, "lost the connection to " + address_of(endpoint_) + ": " + error.message());
    check_status(parser.get(), endpoint_);
    return std::move(parser.get().body());
}

json::value RpcClient::call(std::string_view method, json::array params) {
    json::value reply = parsed(post(json::serialize(request_of(method, std::move(params), 1))));
    return result_of(reply);
}

std::vector<json::value> RpcClient::batch(const std::vector<RpcCall>& calls) {
    if (calls.empty()) return {};
    json::array requests;
    for (const RpcCall& one : calls)
        requests.push_back(request_of(one.method, one.params, requests.size()));
    json::value reply = parsed(post(json::serialize(requests)));
    if (reply.is_object()) result_of(reply); // an error of all
    if (!reply.is_array() || reply.as_array().size() != calls.size())
        throw RpcError(0, "the node's reply to a batch is incomplete");
    std::vector<json::value> results(calls.size());
    std::vector<bool> seen(calls.size());
    for (json::value& one : reply.as_array()) {
        json::value result = result_of(one);
        const json::value* id = one.as_object().if_contains("id");
        const size_t at =
            id != nullptr && id->is_int64() ? static_cast<size_t>(id->as_int64()) : calls.size();
        if (at >= calls.size() || seen[at])
            throw RpcError(0, "the node's reply to a batch is mixed up");
        seen[at] = true;
        results[at] = std::move(result);
    }
    return results;
}

std::string RpcClient::call_text(std::string_view method, std::string_view params) {
    const std::string reply = post(
        R"({"jsonrpc":"1.0","id":1,"method":)" + json::serialize(json::string(method)) +
        R"(,"params":)" + std::string(params) + "}");
    json::value checked = parsed(reply);
    result_of(checked);
    return std::string(json_member(reply, "result"));
}

} // namespace cairn::wallet
