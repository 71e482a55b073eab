// SPDX-License-Identifier: MIT
// The ports at which others reach us.
#pragma once

#include "node/net_address.h"
#include "node/network.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <functional>
#include <list>

namespace cairn::node {

/// Listening sockets. Thread: network, but for the constructor.
class Listener {
public:
    using Socket = boost::asio::ip::tcp::socket;

    /// Bind what `options` say. Throws std::runtime_error that names address and port.
    Listener(boost::asio::io_context& io, const NetworkOptions& options, uint16_t chain_port);

    /// `accepted` is told what -whitebind grants to who comes in there.
    void start(std::function<void(Socket, uint32_t permissions)> accepted);
    void stop();
    uint16_t public_port() const; ///< Of the first that more than this machine can reach; 0: none.

private:
    using Acceptor = boost::asio::ip::tcp::acceptor;

    struct Door {
        Acceptor acceptor;
        uint32_t permissions = 0;
    };

    void bind(
        const boost::asio::ip::tcp::endpoint& endpoint,
        bool optional = false,
        uint32_t permissions = 0);
    boost::asio::awaitable<void> accept(Door& door);

    boost::asio::io_context& io_;
    std::list<Door> doors_;
    std::function<void(Socket, uint32_t)> accepted_;
    bool stopped_ = false;
};

} // namespace cairn::node
