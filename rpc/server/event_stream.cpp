// SPDX-License-Identifier: MIT
#include "rpc/server/event_stream.h"

#include "rpc/server/http_server.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

namespace cairn::rpc::server {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr const char* HEAD = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                             "Cache-Control: no-store\r\nConnection: close\r\n";
constexpr const char* COMMENT = ":\n\n";

} // namespace

EventStream::EventStream(asio::ip::tcp::socket socket, HttpServer& server)
    : PushConnection(server, socket.get_executor()),
      socket_(std::move(socket)),
      timer_(socket_.get_executor()) {}

void EventStream::start(const std::string& fields) {
    server().add(self(), Kind::Staying);
    send(HEAD + fields + "\r\n");
    watch();
    tick();
}

/// Notice that the client leaves, though nothing is to be sent.
void EventStream::watch() {
    socket_.async_read_some(asio::buffer(ignored_), [self = self()](error_code error, size_t) {
        if (error) return self->close();
        self->watch();
    });
}

void EventStream::tick() {
    is_stuck_ = writing();
    timer_.expires_after(server().options().client_timeout);
    timer_.async_wait([self = self()](error_code error) {
        if (error || self->closed()) return;
        if (self->is_stuck_) return self->close();
        if (!self->writing()) self->send(COMMENT);
        self->tick();
    });
}

void EventStream::write(const std::string& bytes) {
    asio::async_write(socket_, asio::buffer(bytes), [self = self()](error_code error, size_t) {
        self->written(error);
    });
}

void EventStream::close_socket() {
    error_code ignored; // The client may have left first.
    socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    socket_.close(ignored);
    timer_.cancel();
}

} // namespace cairn::rpc::server
