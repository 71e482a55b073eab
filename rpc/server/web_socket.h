// SPDX-License-Identifier: MIT
// JSON-RPC over a WebSocket: each message is a request, as the body of one over HTTP is; the
// replies come as they are ready, and between them what the client has asked to be told.
#pragma once

#include "rpc/server/dispatch.h"
#include "rpc/server/push_connection.h"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/websocket/stream.hpp>

#include <deque>
#include <string>

namespace cairn::rpc::server {

/// Source: RFC 6455. Pings, and closes where nothing comes back; limits as over HTTP.
class WebSocket : public PushConnection {
public:
    WebSocket(boost::beast::tcp_stream stream, HttpServer& server, const User& user);

    /// Accept what `request` asks for, and read on.
    void start(boost::beast::http::request<boost::beast::http::string_body> request);

private:
    const std::string& form_of(const PushMessage& message) const override {
        return message.web_socket;
    }

    void write(const std::string& bytes) override;

    void progressed() override { execute_held(); }

    void close_socket() override;
    void say_goodbye() override;

    bool executing() const override { return requests_ > 0 || !accepted_; }

    std::shared_ptr<WebSocket> self() {
        return std::static_pointer_cast<WebSocket>(shared_from_this());
    }

    void read();
    bool is_busy() const;
    void execute_held();
    void execute(const std::string& request);
    void finish(Answer answer, size_t request_bytes);

    boost::beast::websocket::stream<boost::beast::tcp_stream> socket_;
    const User& user_;
    boost::beast::flat_buffer buffer_;
    size_t requests_ = 0;          ///< That are being executed, or wait.
    size_t request_bytes_ = 0;     ///< Of these.
    std::deque<std::string> held_; ///< Requests that came and are not begun.
    size_t held_bytes_ = 0;
    bool beginning_ = false;
    bool accepted_ = false;
    bool said_goodbye_ = false;
};

} // namespace cairn::rpc::server
