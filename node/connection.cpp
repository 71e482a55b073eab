// SPDX-License-Identifier: MIT
#include "node/connection.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/write.hpp>

#include <utility>

namespace cairn::node {

namespace asio = boost::asio;

Connection::Connection(
    PeerId id, Socket socket, FrameReader reader, ConnectionOwner& owner, ReadBuffer& buffer)
    : id_(id),
      socket_(std::move(socket)),
      reader_(std::move(reader)),
      owner_(owner),
      buffer_(buffer),
      gate_(socket_.get_executor()) {
    boost::system::error_code ignored;
    socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
    socket_.non_blocking(true, ignored);
}

void Connection::start() {
    auto self = shared_from_this();
    asio::co_spawn(
        socket_.get_executor(), [self]() -> asio::awaitable<void> { return self->read(); },
        rethrow);
}

asio::awaitable<void> Connection::read() {
    const auto self = shared_from_this();
    while (!closed_) {
        if (!owner_.takes_messages(id_)) {
            gate_.expires_at(asio::steady_timer::time_point::max());
            co_await gate_.async_wait(AS_TUPLE);
            continue;
        }
        const Bytes rest = std::exchange(pending_, {});
        ByteView in = rest;
        if (!rest.empty()) co_await asio::post(asio::use_awaitable); // others first
        if (rest.empty()) {
            const auto [wait_error] = co_await socket_.async_wait(Socket::wait_read, AS_TUPLE);
            if (closed_) break;
            boost::system::error_code error = wait_error;
            size_t count = 0;
            if (!error) count = socket_.read_some(asio::buffer(buffer_), error);
            if (error == asio::error::would_block) continue;
            if (error) {
                lose(error == asio::error::eof ? "peer closed" : error.message());
                break;
            }
            traffic_.bytes_received += count;
            traffic_.last_receive = owner_.wall_seconds();
            in = ByteView(buffer_).first(count);
        }
        if (const Outcome<> consumed = consume(in); !consumed) lose(consumed.error().reason);
    }
}

/// Deliver the messages in `in`, as far as the owner takes them and others needn't wait for long;
/// the rest is kept.
Outcome<> Connection::consume(ByteView in) {
    const auto end = std::chrono::steady_clock::now() + MAX_TURN;
    const auto has_turn = [&](int count) {
        return count < MAX_AT_ONCE && (count == 0 || std::chrono::steady_clock::now() < end);
    };
    for (int count = 0; has_turn(count) && !closed_ && owner_.takes_messages(id_); ++count) {
        Outcome<std::optional<Message>> message = reader_.next(in);
        if (!message) return message.error();
        if (const size_t passed_over = reader_.take_passed_over_bytes(); passed_over > 0)
            traffic_.bytes_received_by_message[OTHER] += passed_over;
        if (!*message) return boost::system::in_place_value;
        count_received(**message);
        owner_.message_received(id_, std::move(**message));
    }
    pending_.assign(in.begin(), in.end());
    return boost::system::in_place_value;
}

void Connection::count_received(const Message& message) {
    const bool known = traffic_.bytes_received_by_message.contains(message.command) ||
                       traffic_.bytes_received_by_message.size() < MAX_COMMANDS;
    traffic_.bytes_received_by_message[known ? message.command : OTHER] +=
        FRAME_HEADER_BYTES + message.payload.size();
}

void Connection::send(const Magic& magic, const Message& message) {
    if (closed_) return;
    Bytes bytes = frame_bytes(magic, message);
    traffic_.bytes_sent_by_message[message.command] += bytes.size();
    // Small ones share a chunk, so that they take no more memory than their bytes.
    if (!queue_.empty() && queue_.back().size() + bytes.size() <= CHUNK_BYTES) {
        queue_.back().reserve(CHUNK_BYTES);
        queue_.back().insert(queue_.back().end(), bytes.begin(), bytes.end());
    } else {
        queue_.push_back(std::move(bytes));
    }
    if (writing_) return;
    writing_ = true;
    // At once: what this thread does next may take a while. An error is met again in write().
    boost::system::error_code ignored;
    begun_bytes_ = socket_.write_some(asio::buffer(queue_.front()), ignored);
    auto self = shared_from_this();
    asio::co_spawn(
        socket_.get_executor(), [self]() -> asio::awaitable<void> { return self->write(); },
        rethrow);
}

asio::awaitable<void> Connection::write() {
    const auto self = shared_from_this();
    while (!closed_ && !queue_.empty()) {
        const std::vector<Bytes> batch = std::exchange(queue_, {});
        const size_t begun = std::exchange(begun_bytes_, 0);
        std::vector<asio::const_buffer> buffers;
        buffers.reserve(batch.size());
        for (const Bytes& bytes : batch) buffers.emplace_back(asio::buffer(bytes));
        buffers.front() += begun;
        const auto [error, rest] = co_await asio::async_write(socket_, buffers, AS_TUPLE);
        if (closed_) break;
        if (error) {
            lose(error.message());
            break;
        }
        const size_t count = begun + rest;
        traffic_.bytes_sent += count;
        traffic_.last_send = owner_.wall_seconds();
        owner_.bytes_sent(id_, count);
    }
    writing_ = false;
}

void Connection::lose(const std::string& reason) {
    if (closed_) return;
    close();
    owner_.connection_lost(id_, reason);
}

void Connection::close() {
    closed_ = true;
    boost::system::error_code ignored;
    socket_.close(ignored);
    gate_.cancel();
}

} // namespace cairn::node
