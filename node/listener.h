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

    void start(std::function<void(Socket)> accepted);
    void stop();
    uint16_t port() const;        ///< Of the first socket; 0 if there is none.
    uint16_t public_port() const; ///< Of the first that more than this machine can reach; 0: none.

private:
    using Acceptor = boost::asio::ip::tcp::acceptor;
    void bind(const boost::asio::ip::tcp::endpoint& endpoint, bool optional);
    boost::asio::awaitable<void> accept(Acceptor& acceptor);

    boost::asio::io_context& io_;
    std::list<Acceptor> acceptors_;
    std::function<void(Socket)> accepted_;
    bool stopped_ = false;
};

} // namespace cairn::node
