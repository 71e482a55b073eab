// SPDX-License-Identifier: MIT
// Server-sent events: the reply to a GET that doesn't end.
#pragma once

#include "rpc/server/push_connection.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>

namespace cairn::rpc::server {

/// Source: WHATWG HTML, section 9.2. A comment now and then tells both sides that the other is
/// there; who takes nothing for so long has left.
class EventStream : public PushConnection {
public:
    EventStream(boost::asio::ip::tcp::socket socket, HttpServer& server);

    /// Send the head of the reply, with the lines `fields` in it, and go on.
    void start(const std::string& fields);

private:
    const std::string& form_of(const PushMessage& message) const override {
        return message.event_stream;
    }

    void write(const std::string& bytes) override;

    void progressed() override { is_stuck_ = false; }

    void close_socket() override;

    std::shared_ptr<EventStream> self() {
        return std::static_pointer_cast<EventStream>(shared_from_this());
    }

    void watch();
    void tick();

    boost::asio::ip::tcp::socket socket_;
    boost::asio::steady_timer timer_;
    std::array<char, 64> ignored_{}; ///< What the client says all the same.
    bool is_stuck_ = false;          ///< Since the last tick nothing went out that should have.
};

} // namespace cairn::rpc::server
