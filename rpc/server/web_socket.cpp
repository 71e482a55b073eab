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
/// Of a client who has so many requests waiting, calls that would wait, too, are refused.
constexpr size_t MAX_WAITING_REQUESTS = 256;
/// A client who leaves so much of his replies unread, or has so large requests under way, isn't
/// served on until that is less. What he sends meanwhile is held, as much as one request may have.
constexpr size_t MAX_UNSENT_REPLY_BYTES = size_t{1} << 20;
constexpr size_t MAX_REQUEST_BYTES = size_t{1} << 20;
constexpr size_t HELD_BYTES = 64; ///< What one takes besides its text, about.
constexpr size_t MAX_KEPT_BUFFER_BYTES = size_t{64} << 10;
/// Larger messages are sent in frames of this: between them pings go out, which tell whether the
/// client lives.
constexpr size_t FRAME_BYTES = size_t{256} << 10;

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
    socket_.auto_fragment(true);
    socket_.write_buffer_bytes(FRAME_BYTES);
    server().add(self(), Kind::Staying);
    const auto kept = std::make_shared<decltype(request)>(std::move(request));
    socket_.async_accept(*kept, [self = self(), kept](error_code error) {
        if (error) return self->close();
        self->accepted_ = true;
        self->go_on(); // The server may be stopping.
        self->read();
    });
}

/// Goes on whatever the client has waiting: nothing else takes in his pongs.
void WebSocket::read() {
    if (closed() || closing()) return;
    socket_.async_read(buffer_, [self = self()](error_code error, size_t) {
        if (error) return self->close(); // Beast has told the client why, where it can be told.
        const auto bytes = self->buffer_.cdata();
        self->held_.emplace_back(static_cast<const char*>(bytes.data()), bytes.size());
        self->held_bytes_ += bytes.size() + HELD_BYTES;
        self->buffer_.clear();
        if (self->buffer_.capacity() > MAX_KEPT_BUFFER_BYTES) self->buffer_.shrink_to_fit();
        self->execute_held();
        if (self->held_bytes_ > self->server().options().max_body_bytes)
            return self->drop("too many requests at once");
        self->read();
    });
}

bool WebSocket::is_busy() const {
    return unsent_reply_bytes() > MAX_UNSENT_REPLY_BYTES || request_bytes_ > MAX_REQUEST_BYTES;
}

/// Not within itself: a reply that is sent at once must not have the next request begun.
void WebSocket::execute_held() {
    if (std::exchange(beginning_, true)) return;
    while (!held_.empty() && !is_busy() && !closed() && !closing()) {
        const std::string request = std::move(held_.front());
        held_.pop_front();
        held_bytes_ -= request.size() + HELD_BYTES;
        execute(request);
    }
    beginning_ = false;
}

void WebSocket::execute(const std::string& request) {
    auto resume = [self = self()](std::function<void()> task) {
        asio::post(self->socket_.get_executor(), std::move(task));
    };
    auto done = [self = self(), size = request.size()](Answer answer) {
        self->finish(std::move(answer), size);
    };
    const bool may_wait = requests_ < MAX_WAITING_REQUESTS;
    ++requests_;
    request_bytes_ += request.size();
    server().dispatcher().handle(
        request,
        {.user = user_,
         .client = shared_from_this(),
         .left = left(),
         .queue = &server().queue(),
         .connection = this,
         .may_wait = may_wait},
        std::move(resume), std::move(done));
}

void WebSocket::finish(Answer answer, size_t request_bytes) {
    --requests_;
    request_bytes_ -= request_bytes;
    if (closed()) return;
    if (!answer.body.empty())
        send(std::move(answer.body));
    else
        go_on(); // Notifications have no reply.
    execute_held();
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
