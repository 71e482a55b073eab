// SPDX-License-Identifier: MIT
#include "rpc/server/push_connection.h"

#include "rpc/server/http_server.h"

#include <boost/asio/post.hpp>

#include <spdlog/spdlog.h>
#include <utility>

namespace cairn::rpc::server {

namespace asio = boost::asio;

namespace {

/// What an item takes besides its bytes, about.
constexpr size_t ITEM_BYTES = 64;

} // namespace

PushConnection::PushConnection(HttpServer& server, asio::any_io_executor strand)
    : server_(server),
      strand_(std::move(strand)) {}

PushConnection::~PushConnection() {
    server_.remove(this);
}

void PushConnection::push(const std::shared_ptr<const PushMessage>& message) {
    if (dropped_) return;
    const std::string& bytes = form_of(*message);
    const size_t size = bytes.size() + ITEM_BYTES;
    // What waits already is what counts: a message that is larger than that must get through, too.
    const size_t limit = PushMessage::all_bytes() > MAX_ALL_BYTES ? 0 : MAX_WAITING_BYTES;
    if (waiting_bytes_.fetch_add(size) > limit) return drop("too slow");
    asio::post(
        strand_, [self = shared_from_this(),
                  shared = std::shared_ptr<const std::string>(message, &bytes)]() mutable {
            self->enqueue({std::move(shared), true});
        });
}

void PushConnection::when_sent(std::function<void()> task) {
    asio::post(strand_, [self = shared_from_this(), task = std::move(task)]() mutable {
        if (self->closed_) return;
        self->when_sent_.push_back(std::move(task));
        self->go_on();
    });
}

void PushConnection::drop(std::string_view why) {
    if (dropped_.exchange(true)) return;
    spdlog::warn("rpc_client_dropped reason=\"{}\"", why);
    asio::post(strand_, [self = shared_from_this()] { self->close(); });
}

void PushConnection::close_soon() {
    asio::post(strand_, [self = shared_from_this()] {
        self->closing_ = true;
        self->go_on();
    });
}

void PushConnection::send(std::string reply) {
    unsent_reply_bytes_ += reply.size();
    enqueue({std::make_shared<const std::string>(std::move(reply))});
}

void PushConnection::enqueue(Item item) {
    if (closed_) return;
    queue_.push_back(std::move(item));
    go_on();
}

void PushConnection::go_on() {
    if (writing_ || closed_) return;
    if (!queue_.empty()) {
        writing_ = true;
        return write(*queue_.front().bytes);
    }
    for (const std::function<void()>& task : std::exchange(when_sent_, {})) task();
    if (closing_ && !closed_ && !executing()) say_goodbye();
}

void PushConnection::written(boost::system::error_code error) {
    writing_ = false;
    if (closed_) return;
    if (error) return close();
    const Item& item = queue_.front();
    if (item.is_push)
        waiting_bytes_ -= item.bytes->size() + ITEM_BYTES;
    else
        unsent_reply_bytes_ -= item.bytes->size();
    queue_.pop_front();
    progressed();
    go_on();
}

/// The item that is being written stays until its operation has come to an end.
void PushConnection::close() {
    if (closed_) return;
    closed_ = true;
    dropped_ = true;
    when_sent_.clear();
    queue_.resize(writing_ ? 1 : 0);
    close_socket();
    // What it has asked for, and keeps it, ends too; its place is free at once.
    left_.request_stop();
    server_.queue().forget(this);
    server_.remove(this);
}

} // namespace cairn::rpc::server
