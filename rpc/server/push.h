// SPDX-License-Identifier: MIT
// Telling clients what they have asked to be told: what a connection that stays open offers to
// those who have news.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace cairn::rpc::server {

/// News for any number of clients, made once.
class PushMessage {
public:
    const std::string web_socket;   ///< A notification of JSON-RPC 2.0.
    const std::string event_stream; ///< An event of a stream of server-sent events.

    /// `params`: JSON, an object. `id`: what a stream's client names when it comes again.
    PushMessage(
        std::string_view method,
        std::string_view params,
        std::optional<uint64_t> id = std::nullopt);
    ~PushMessage();
    PushMessage(const PushMessage&) = delete;
    PushMessage& operator=(const PushMessage&) = delete;

    /// Of all messages that still wait for somebody. Thread: any.
    static size_t all_bytes();

private:
    size_t bytes() const { return web_socket.size() + event_stream.size(); }
};

/// A client that can be told things. Thread: any.
class PushClient {
public:
    virtual ~PushClient() = default;

    /// Send `message` after all that was given before. If too much waits already, the client is too
    /// slow, and dropped.
    virtual void push(const std::shared_ptr<const PushMessage>& message) = 0;

    /// Run `task` once all that was given has been sent: on the client's thread, never within this
    /// call; not at all if the client leaves.
    virtual void when_sent(std::function<void()> task) = 0;

    /// Close the connection: what the client asked for can't be done. `why` is for the log.
    virtual void drop(std::string_view why) = 0;
};

} // namespace cairn::rpc::server
