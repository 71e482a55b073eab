// SPDX-License-Identifier: MIT
// One HTTP connection: request, reply, request, until one side leaves or is too slow, or it becomes
// a WebSocket or an event stream.
#pragma once

#include "rpc/server/dispatch.h"
#include "rpc/server/http_server.h"

#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <stop_token>

namespace cairn::rpc::server {

/// Thread: its strand; close_soon() and last_used() any. Keeps itself alive while an operation is
/// under way.
class Session : public Connection, public std::enable_shared_from_this<Session> {
public:
    using Endpoint = boost::asio::ip::tcp::endpoint;

    /// The server outlives it. `allowed`: else all it asks for is refused. `of_routes`: the address
    /// by which it came if that is for routes (Route::bind).
    Session(
        boost::beast::tcp_stream stream,
        HttpServer& server,
        bool allowed,
        std::optional<Endpoint> of_routes);
    ~Session() override;

    void start();
    void close_soon() override;
    std::optional<int64_t> last_used() const override;

private:
    using Response = boost::beast::http::response<boost::beast::http::string_body>;
    using Status = boost::beast::http::status;

    void read_header();
    void header_read(boost::system::error_code error);
    const Route* find_route() const;
    std::string credentials() const;
    bool authorized();
    void read_question();
    std::string listed_origin() const;
    bool is_foreign() const;
    void answer_preflight();
    void upgrade();
    void stream();
    void read_body();
    void execute();
    void call();
    Answer answer_of_route() const;
    void watch();
    void answered(Answer answer);
    void reply(Answer answer);
    /// Answer with a text and, if more of the request would follow, close.
    void refuse(Status status, std::string text);
    void refuse_method(std::string text);
    void refuse_credentials();
    void write();
    void write_some();
    void close();

    boost::beast::tcp_stream stream_;
    HttpServer& server_;
    const bool allowed_;
    const std::optional<Endpoint> of_routes_;
    boost::beast::flat_buffer buffer_;
    std::optional<boost::beast::http::request_parser<boost::beast::http::string_body>> parser_;
    Response response_;
    std::optional<boost::beast::http::response_serializer<boost::beast::http::string_body>>
        serializer_;                  ///< Of it, while it is sent.
    boost::asio::steady_timer delay_; ///< Before a wrong password is answered.
    const Route* route_ = nullptr;    ///< Of the request; null if it is JSON-RPC.
    std::string accepted_;            ///< The credentials that were accepted here.
    const User* user_ = nullptr;      ///< Whose they are.
    std::string origin_; ///< Of the page that asks, if its scripts may read the answer; else empty.
    std::atomic<int64_t> last_used_{0};
    std::atomic<bool> leaving_{false}; ///< close_soon() was called.
    std::stop_source left_;            ///< Stopped by close().
    std::optional<Answer> answer_;     ///< Of a call that took its time.
    bool executing_ = false;           ///< A request came in, and its reply has not gone out.
    bool calling_ = false;             ///< A call is being executed.
    bool watching_ = false;            ///< Reads meanwhile.
    bool closing_ = false;
};

} // namespace cairn::rpc::server
