// SPDX-License-Identifier: MIT
// What the server knows of each of its connections, whatever is spoken there.
#pragma once

#include <cstdint>
#include <optional>

namespace cairn::rpc::server {

/// Connections that are counted, and limited, together.
enum class Kind : uint8_t {
    Rpc,     ///< Requests come and are answered; at the addresses of JSON-RPC ...
    Routes,  ///< ... or at those of Route::bind, where strangers may come.
    Waiting, ///< It has asked for what takes its time. Such calls are limited by the dispatcher.
    Staying, ///< A WebSocket, or an event stream.
};

/// Thread: any.
class Connection {
public:
    virtual ~Connection() = default;

    /// Close now if nothing is being executed, else after its reply.
    virtual void close_soon() = 0;

    /// Ticks of the steady clock when it was made, or its last request came; nullopt if it isn't
    /// one that makes room for others, or was told to close.
    virtual std::optional<int64_t> last_used() const { return std::nullopt; }
};

} // namespace cairn::rpc::server
