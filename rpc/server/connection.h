// SPDX-License-Identifier: MIT
// What the server knows of each of its connections, whatever is spoken there.
#pragma once

#include <cstdint>
#include <optional>

namespace cairn::rpc::server {

/// Thread: any.
class Connection {
public:
    virtual ~Connection() = default;

    /// Close now if nothing is being executed, else after its reply.
    virtual void close_soon() = 0;
    /// Ticks of the steady clock since when it waits for a request; nullopt if it executes one,
    /// stays without any, or was told to close.
    virtual std::optional<int64_t> idle_since() const = 0;
    /// Whether it is meant to stay open (WebSocket, event stream).
    virtual bool stays() const = 0;
};

} // namespace cairn::rpc::server
