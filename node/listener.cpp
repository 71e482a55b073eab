// SPDX-License-Identifier: MIT
#include "node/listener.h"

#include "node/connection.h"
#include "node/permissions.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/v6_only.hpp>

#include <spdlog/spdlog.h>
#include <stdexcept>

namespace cairn::node {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

Listener::Listener(asio::io_context& io, const NetworkOptions& options, uint16_t chain_port)
    : io_(io) {
    if (!options.listen) return;
    const uint16_t port = options.port != 0 ? options.port : chain_port;
    for (const std::string& text : options.bind) {
        const std::string place = text.substr(0, text.find('='));
        const auto endpoint = endpoint_from_string(place, port);
        if (!endpoint) throw std::runtime_error("Cannot resolve -bind address: '" + text + "'");
        bind(*endpoint);
    }
    for (const std::string& text : options.white_bind) {
        const Grant grant(text, options.implied_permissions);
        const auto endpoint = endpoint_from_string(grant.place, port);
        if (!endpoint)
            throw std::runtime_error("Cannot resolve -whitebind address: '" + text + "'");
        bind(*endpoint, false, grant.permissions);
    }
    if (!doors_.empty()) return;
    bind({tcp::v4(), port});
    bind({tcp::v6(), port}, true);
}

/// `optional`: a machine without IPv6 is none to complain about.
void Listener::bind(const tcp::endpoint& endpoint, bool optional, uint32_t permissions) {
    const NetAddress address = NetAddress::of(endpoint.address(), endpoint.port());
    Acceptor acceptor(io_);
    boost::system::error_code unknown_protocol;
    acceptor.open(endpoint.protocol(), unknown_protocol);
    if (unknown_protocol && optional) return;
    try {
        acceptor.set_option(Acceptor::reuse_address(true));
        if (endpoint.protocol() == tcp::v6()) acceptor.set_option(asio::ip::v6_only(true));
        acceptor.bind(endpoint);
        acceptor.listen();
    } catch (const boost::system::system_error& error) {
        throw std::runtime_error(
            "Unable to bind to " + address.to_string() +
            " on this computer: " + error.code().message());
    }
    const uint16_t port = acceptor.local_endpoint().port();
    doors_.push_back({std::move(acceptor), permissions});
    spdlog::info("Bound to {}:{}", address.host(), port);
}

void Listener::start(std::function<void(Socket, uint32_t)> accepted) {
    accepted_ = std::move(accepted);
    for (Door& door : doors_) asio::co_spawn(io_, accept(door), rethrow);
}

asio::awaitable<void> Listener::accept(Door& door) {
    while (!stopped_) {
        auto [error, socket] = co_await door.acceptor.async_accept(AS_TUPLE);
        if (stopped_) break;
        if (error) { // out of file descriptors: some will be closed
            spdlog::warn("accept failed error={}", error.message());
            asio::steady_timer pause(io_, std::chrono::milliseconds(100));
            co_await pause.async_wait(AS_TUPLE);
            continue;
        }
        accepted_(std::move(socket), door.permissions);
    }
}

void Listener::stop() {
    stopped_ = true;
    boost::system::error_code ignored;
    for (Door& door : doors_) door.acceptor.close(ignored);
}

uint16_t Listener::public_port() const {
    for (const Door& door : doors_) {
        const tcp::endpoint local = door.acceptor.local_endpoint();
        if (!local.address().is_loopback()) return local.port();
    }
    return 0;
}

} // namespace cairn::node
