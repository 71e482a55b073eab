// SPDX-License-Identifier: MIT
// Looks for peers: those the operator named, again and again; and, unless told not to, others from
// the address book, the chain file's bootstrap peers and DNS seeds.
#pragma once

#include "node/address_book.h"
#include "node/network.h"
#include "node/protocol.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <functional>
#include <map>
#include <set>
#include <string>

namespace cairn::node {

/// Dials. Thread: network. Requires: stop() and the end of the io_context's run before it goes.
class Connector {
public:
    using Socket = boost::asio::ip::tcp::socket;

    /// `address`: of the peer; NetAddress() if only a proxy knows what `target` names.
    using Connected = std::function<void(
        Socket, const NetAddress& address, const std::string& target, ConnectionType)>;

    /// What is given by reference outlives this. `may_call`: whether one may be among those we
    /// choose.
    Connector(
        boost::asio::io_context& io,
        const NetworkOptions& options,
        const consensus::Params& params,
        const Protocol& protocol,
        AddressBook& book,
        Random random,
        std::function<bool(const NetAddress&)> may_call,
        Connected connected)
        : io_(io),
          options_(options),
          params_(params),
          protocol_(protocol),
          book_(book),
          random_(random),
          may_call_(std::move(may_call)),
          connected_(std::move(connected)),
          added_(options.add_nodes) {}

    /// Dial what is due. Called several times a second.
    void tick(Time now);

    void stop() { stopped_ = true; }

    bool add(const std::string& target);
    bool remove(const std::string& target);
    /// Once, unless it is being dialled already.
    void dial(const std::string& target, ConnectionType type);

    /// Before all others: block-relay-only peers of the last run. Who would have us among his own
    /// after a restart must have been there before. Core: anchors.
    void call_anchors(std::vector<TimedAddress> anchors);
    /// For the next run: these peers, and those that there was no time to reach.
    std::vector<TimedAddress> anchors() const;

    /// Whether there is room for another peer of that kind, those that are being dialled counted.
    bool wants(ConnectionType type) const;

    const std::vector<std::string>& added() const { return added_; }

    // Of the most peers that there may be.
    static constexpr int FULL_RELAY_SLOTS = 8;
    static constexpr int BLOCK_RELAY_SLOTS = 2;
    static constexpr int FEELER_SLOTS = 1;
    static constexpr int ALL_SLOTS = FULL_RELAY_SLOTS + BLOCK_RELAY_SLOTS + FEELER_SLOTS;
    static constexpr int ONLINE_PEERS = 2; ///< We called them: our link is up.
    static constexpr size_t MAX_ADDED = 1000;
    static constexpr std::chrono::milliseconds FIRST_PAUSE{500};
    static constexpr std::chrono::seconds LAST_PAUSE{60};
    static constexpr std::chrono::seconds DIAL_TIMEOUT{5};
    static constexpr std::chrono::seconds PROXY_TIMEOUT{20};
    static constexpr uint16_t PROXY_PORT = 9050;               ///< Tor's.
    static constexpr std::chrono::minutes FIRST_SEED_PAUSE{1}; ///< Between questions to seeds.
    static constexpr std::chrono::hours LAST_SEED_PAUSE{1};
    static constexpr std::chrono::minutes FEELER_MEAN{2};

private:
    struct Pause {
        std::chrono::microseconds length = FIRST_PAUSE;
        Time until;

        /// Then the next one begins, twice as long if it may be.
        bool is_over(Time now, std::chrono::microseconds longest);
    };

    void keep(const std::string& target, ConnectionType type, Time now);
    const std::string& proxy_to(const std::optional<NetAddress>& address) const;
    size_t slots(ConnectionType type) const;
    const Peer* find_peer(const std::string& target) const;
    std::optional<ConnectionType> due(Time now);
    std::set<std::string> outbound_groups() const;
    void fill_slots(Time now);
    void ask_others(bool answering, Time now);
    boost::asio::awaitable<void> dial_one(std::string target, ConnectionType type);
    boost::asio::awaitable<Outcome<Socket>> reach(HostPort place);
    boost::asio::awaitable<Outcome<>> ask_proxy(Socket& socket, HostPort target);
    boost::asio::awaitable<void> ask_seed(std::string host);

    boost::asio::io_context& io_;
    const NetworkOptions& options_;
    const consensus::Params& params_;
    const Protocol& protocol_;
    AddressBook& book_;
    Random random_;
    std::function<bool(const NetAddress&)> may_call_;
    Connected connected_;
    std::vector<std::string> added_;
    std::map<std::string, Pause> pauses_;
    std::map<std::string, ConnectionType> dialling_;
    Time now_;
    Pause seeds_{FIRST_SEED_PAUSE, {}};
    Time next_feeler_;
    bool stopped_ = false;
};

} // namespace cairn::node
