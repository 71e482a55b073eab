// SPDX-License-Identifier: MIT
#include "rpc/server/web_socket.h"

#include "rpc/server/http_server.h"

#include <boost/asio/post.hpp>
#include <boost/beast/http/field.hpp>

#include <memory>
#include <utility>

namespace cairn::rpc::server {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;
using boost::system::error_code;

namespace {

constexpr std::chrono::seconds GOODBYE_PATIENCE{3};
/// A client that has so many calls waiting, or leaves so much of its replies unread, isn't asked
/// for more; one that nothing can be read from for long is taken to have left.
constexpr size_t MAX_WAITING_CALLS = 256;
constexpr size_t MAX_UNSENT_REPLY_BYTES = size_t{1} << 20;
constexpr size_t MAX_KEPT_BUFFER_BYTES = size_t{64} << 10;

} // namespace

WebSocket::WebSocket(beast::tcp_stream stream, HttpServer& server, const User& user)
    : PushConnection(server, stream.get_executor()),
      socket_(std::move(stream)),
      user_(user) {}

void WebSocket::start(beast::http::request<beast::http::string_body> request) {
    beast::get_lowest_layer(socket_).expires_never(); // The WebSocket has its own timer.
    const auto patience = server().options().client_timeout;
    socket_.set_option(websocket::stream_base::timeout{GOODBYE_PATIENCE, 2 * patience, true});
    socket_.set_option(websocket::stream_base::decorator(
        [](websocket::response_type& response) { response.erase(beast::http::field::server); }));
    socket_.read_message_max(server().options().max_body_bytes);
    socket_.auto_fragment(false);
    server().add(self());
    const auto kept = std::make_shared<decltype(request)>(std::move(request));
    socket_.async_accept(*kept, [self = self(), kept](error_code error) {
        if (error) return self->close();
        self->accepted_ = true;
        self->go_on(); // The server may be stopping.
        self->read();
    });
}

void WebSocket::read() {
    if (reading_ || closed() || closing() || calls_ >= MAX_WAITING_CALLS ||
        unsent_reply_bytes() > MAX_UNSENT_REPLY_BYTES)
        return;
    reading_ = true;
    socket_.async_read(buffer_, [self = self()](error_code error, size_t) {
        if (error) return self->close(); // Beast has told the client why, where it can be told.
        self->execute();
    });
}

void WebSocket::execute() {
    auto resume = [self = self()](std::function<void()> task) {
        asio::post(self->socket_.get_executor(), std::move(task));
    };
    auto done = [self = self()](Answer answer) { self->finish(std::move(answer)); };
    const auto bytes = buffer_.cdata();
    const std::string_view text(static_cast<const char*>(bytes.data()), bytes.size());
    ++calls_;
    server().dispatcher().handle(
        text, {user_, shared_from_this()}, std::move(resume), std::move(done));
    reading_ = false; // Not earlier: a reply that is sent at once must not have the next one read.
    buffer_.clear();
    if (buffer_.capacity() > MAX_KEPT_BUFFER_BYTES) buffer_.shrink_to_fit();
    read();
}

void WebSocket::finish(Answer answer) {
    --calls_;
    if (closed()) return;
    if (!answer.body.empty()) return send(std::move(answer.body));
    go_on(); // Notifications have no reply.
    read();
}

void WebSocket::write(const std::string& bytes) {
    socket_.async_write(
        asio::buffer(bytes), [self = self()](error_code error, size_t) { self->written(error); });
}

void WebSocket::say_goodbye() {
    if (std::exchange(said_goodbye_, true)) return;
    socket_.async_close(
        websocket::close_code::going_away, [self = self()](error_code) { self->close(); });
}

void WebSocket::close_socket() {
    beast::get_lowest_layer(socket_).close();
}

} // namespace cairn::rpc::server
