// SPDX-License-Identifier: MIT
// One peer's socket: bytes in, messages out, and the reverse. No protocol in here.
#pragma once

#include "node/frame.h"
#include "node/network.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <array>
#include <memory>
#include <string>
#include <vector>

namespace cairn::node {

/// For a coroutine that nobody waits for: without it a part of the node would stand still, unseen.
/// What it throws ends the process.
inline void rethrow(const std::exception_ptr& error) {
    if (error) std::rethrow_exception(error);
}

/// For `co_await`: an error is a value.
constexpr auto AS_TUPLE = boost::asio::as_tuple(boost::asio::use_awaitable);

/// Whom a connection tells what happens to it.
class ConnectionOwner {
public:
    virtual ~ConnectionOwner() = default;
    /// Whether the next message may be delivered; if not, Connection::resume() follows some day.
    virtual bool takes_messages(PeerId id) const = 0;
    virtual void message_received(PeerId id, Message message) = 0;
    virtual void bytes_sent(PeerId id, size_t count) = 0;
    /// The last call for `id`, unless the owner itself closed the connection.
    virtual void connection_lost(PeerId id, const std::string& reason) = 0;
    virtual int64_t wall_seconds() const = 0;
};

/// A connected socket with its queue of bytes to send.
///
/// Invariants: nothing is read while the owner takes no message; an idle connection holds no
///   buffer. The queue is bounded by the protocol, which counts unsent bytes.
/// Thread: network. Lives in a shared_ptr, which its coroutines hold too.
class Connection : public std::enable_shared_from_this<Connection> {
public:
    using Socket = boost::asio::ip::tcp::socket;
    /// Shared by all connections of a thread: filled and emptied without a wait between.
    using ReadBuffer = std::array<uint8_t, 1 << 18>;

    /// `owner`, `buffer` outlive the connection's last coroutine.
    Connection(
        PeerId id, Socket socket, FrameReader reader, ConnectionOwner& owner, ReadBuffer& buffer);

    void start();
    void send(const Magic& magic, const Message& message);

    void resume() { gate_.cancel(); }

    /// No call to the owner follows.
    void close();

    const Traffic& traffic() const { return traffic_; }

    // Of one peer; then others have a turn. A message that costs much ends it.
    static constexpr int MAX_AT_ONCE = 256;
    static constexpr std::chrono::milliseconds MAX_TURN{5};
    static constexpr size_t MAX_COMMANDS = 40; ///< Counted by name; Bitcoin has fewer.
    static constexpr const char* OTHER = "*other*";
    static constexpr size_t CHUNK_BYTES = 1 << 14;

private:
    boost::asio::awaitable<void> read();
    boost::asio::awaitable<void> write();
    Outcome<> consume(ByteView in);
    void count_received(const Message& message);
    void lose(const std::string& reason);

    PeerId id_;
    Socket socket_;
    FrameReader reader_;
    ConnectionOwner& owner_;
    ReadBuffer& buffer_;
    boost::asio::steady_timer gate_; ///< Cancelled when messages are taken again.
    Bytes pending_;                  ///< Read, but not taken yet.
    std::vector<Bytes> queue_;
    size_t begun_bytes_ = 0; ///< Of the first in it, given to the system already.
    bool writing_ = false;
    bool closed_ = false;
    Traffic traffic_;
};

} // namespace cairn::node
