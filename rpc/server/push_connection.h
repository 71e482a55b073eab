// SPDX-License-Identifier: MIT
// A connection that stays open and is told things: the queue of what it is to be sent, and the
// limit that keeps a slow client from costing the server more than its place.
#pragma once

#include "rpc/server/connection.h"
#include "rpc/server/push.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/error.hpp>

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

namespace cairn::rpc::server {

class HttpServer;

/// Invariants: all goes out in the order in which it was given, one write at a time.
/// Thread: the public functions any; the others on its strand. Keeps itself alive while an
///   operation is under way. The server outlives it.
class PushConnection : public Connection,
                       public PushClient,
                       public std::enable_shared_from_this<PushConnection> {
public:
    PushConnection(HttpServer& server, boost::asio::any_io_executor strand);
    ~PushConnection() override;
    PushConnection(const PushConnection&) = delete;
    PushConnection& operator=(const PushConnection&) = delete;

    void push(const std::shared_ptr<const PushMessage>& message) override;
    void when_sent(std::function<void()> task) override;
    void drop(std::string_view why) override;

    void close_soon() override;

    /// What may wait for a client that takes it too slowly. Most messages are shared by many, so a
    /// thousand of these cost little more than one.
    static constexpr size_t MAX_WAITING_BYTES = size_t{8} << 20;
    /// Where they are not: beyond this, of all messages, no client may leave one waiting.
    static constexpr size_t MAX_ALL_BYTES = size_t{256} << 20;

protected:
    /// The form in which this kind of client takes a message.
    virtual const std::string& form_of(const PushMessage& message) const = 0;
    /// Begin to write; written() follows. `bytes` stay as they are until then.
    virtual void write(const std::string& bytes) = 0;

    /// Called where something was sent, or came to its end.
    virtual void progressed() {}

    /// No operation of the connection goes on after this.
    virtual void close_socket() = 0;

    /// Take leave, when all is said and the server stops.
    virtual void say_goodbye() { close(); }

    /// Whether something is being executed whose reply is to go out.
    virtual bool executing() const { return false; }

    /// Send a reply. Not limited: who asks for more waits until it has gone out.
    void send(std::string reply);
    /// Write what is next; or, with all sent, do what waited for that.
    void go_on();
    void written(boost::system::error_code error);
    void close();

    HttpServer& server() { return server_; }

    bool closed() const { return closed_; }

    bool closing() const { return closing_; }

    bool writing() const { return writing_; }

    /// Stopped by close().
    std::stop_token left() const { return left_.get_token(); }

    size_t unsent_reply_bytes() const { return unsent_reply_bytes_; }

private:
    struct Item {
        std::shared_ptr<const std::string> bytes;
        bool is_push = false;
    };

    void enqueue(Item item);

    HttpServer& server_;
    const boost::asio::any_io_executor strand_;
    std::atomic<size_t> waiting_bytes_{0}; ///< Of pushed messages.
    std::atomic<bool> dropped_{false};
    std::deque<Item> queue_; ///< The first one is being written, if one is.
    std::vector<std::function<void()>> when_sent_;
    size_t unsent_reply_bytes_ = 0;
    std::stop_source left_;
    bool writing_ = false;
    bool closing_ = false;
    bool closed_ = false;
};

} // namespace cairn::rpc::server
