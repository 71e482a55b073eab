// SPDX-License-Identifier: MIT
// Makes the calls of the plan (call_plan.h): through sockets, names looked up, proxies asked.
#pragma once

#include "node/call_plan.h"
#include "node/mailbox.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <future>

namespace cairn::node {

/// Dials. Thread: network. Requires: stop() and the end of the io_context's run before it goes.
class Connector final : public CallPlan {
public:
    using Socket = boost::asio::ip::tcp::socket;

    /// `address`: of the peer; NetAddress() if only a proxy knows what `target` names.
    using Connected = std::function<void(
        Socket, const NetAddress& address, const std::string& target, ConnectionType)>;

    using HangUp = std::function<void(PeerId, const std::string& reason)>;

    /// `io` outlives this; the rest as for CallPlan.
    Connector(
        boost::asio::io_context& io,
        const NetworkOptions& options,
        const consensus::Params& params,
        const Protocol& protocol,
        AddressBook& book,
        Random random,
        Connected connected,
        HangUp hang_up)
        : CallPlan(options, params, protocol, book, random),
          io_(io),
          connected_(std::move(connected)),
          hang_up_(std::move(hang_up)) {}

    void stop();

    static constexpr std::chrono::seconds DIAL_TIMEOUT{5};
    static constexpr std::chrono::seconds PROXY_TIMEOUT{20};
    static constexpr std::chrono::seconds NAME_TIMEOUT{20}; ///< For a look-up.
    static constexpr uint16_t PROXY_PORT = 9050;            ///< Tor's.

private:
    void call(const std::string& target, ConnectionType type) override;
    void ask_seed(const std::string& host) override;

    void hang_up(PeerId peer, const std::string& reason) override { hang_up_(peer, reason); }

    const std::string& proxy_to(const std::optional<NetAddress>& address) const;
    boost::asio::awaitable<void> dial_one(std::string target, ConnectionType type);
    boost::asio::awaitable<Outcome<Socket>> reach(HostPort place);
    boost::asio::awaitable<Outcome<>> ask_proxy(Socket& socket, HostPort target);
    boost::asio::awaitable<Outcome<std::vector<boost::asio::ip::tcp::endpoint>>>
    resolve(HostPort place);
    boost::asio::awaitable<void> look_up(std::string host);

    struct Names;
    Names& names();

    boost::asio::io_context& io_;
    Connected connected_;
    HangUp hang_up_;
    bool stopped_ = false;
    std::shared_ptr<Mailbox> mailbox_ = std::make_shared<Mailbox>(io_); ///< From that of Names.
    Names* names_ = nullptr;        ///< Null until something is looked up.
    std::promise<void> left_names_; ///< Their thread may end them.
};

} // namespace cairn::node
