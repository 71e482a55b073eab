// SPDX-License-Identifier: MIT
// The network between nodes: who can call whom, and when what was sent gets there.
#pragma once

#include "node/frame.h"
#include "node/net_address.h"
#include "node/peer.h"
#include "timeline.h"

#include <deque>
#include <map>
#include <optional>

namespace cairn::sim {

using node::ConnectionType;
using node::Message;
using node::NetAddress;
using node::Random;

/// One end of a connection: its number in the Net.
using EndId = uint32_t;

/// Where somebody is, and how he is connected.
struct Host {
    double x = 0; ///< On a map of the world, from 0 to 1; also y.
    double y = 0;
    double up = 2'500'000;   ///< Bytes a second: 20 Mbit/s.
    double down = 6'250'000; ///< 50 Mbit/s.
    bool callable = true;    ///< Else behind a NAT: a call to him is never answered.
    bool online = true;
    int side = 0; ///< Of a partition.
    Time up_free;
    Time down_free;
    std::vector<EndId> ends; ///< Open ones.
};

/// Somebody with an address. Called back by the Net.
class Endpoint {
public:
    Endpoint() = default;
    virtual ~Endpoint() = default;
    Endpoint(const Endpoint&) = delete;
    Endpoint& operator=(const Endpoint&) = delete;

    /// `caller` calls `called`, of his addresses: whether he may.
    virtual bool admits(const NetAddress& caller, const NetAddress& called) = 0;
    virtual void
    connected(EndId end, const NetAddress& here, const NetAddress& there, ConnectionType type) = 0;
    /// Something may be taken by Net::take().
    virtual void readable(EndId end) = 0;
    /// So much has left for the other end.
    virtual void sent(EndId end, size_t bytes) = 0;
    virtual void closed(EndId end) = 0;
    /// A call that he made failed.
    virtual void call_failed(const NetAddress& address) = 0;

    Host host;
};

/// Connections: ordered and reliable, as those of TCP, and fair to each other: what is sent over
/// one doesn't wait for all that was sent over others. A message leaves once those before it have
/// left, takes the time of the way, and comes in once those before it have come in; one that is
/// lost on the way comes later. What crosses a partition is lost, and the connection with it.
class Net {
public:
    struct Weather {
        Duration fixed{10'000};   ///< Of any way, in one direction.
        Duration across{140'000}; ///< Of a way from one end of the map to the other, in addition.
        double loss = 0.001;      ///< Chance that a message has to be sent again.
        Duration resend{300'000}; ///< What that takes.
    };

    Net(Timeline& timeline, Trace& trace, Random random)
        : timeline_(timeline),
          trace_(trace),
          random_(random) {}

    /// `endpoint` can be called at `address`; it outlives this.
    void add(const NetAddress& address, Endpoint& endpoint) { places_[address] = &endpoint; }

    void call(Endpoint& caller, const NetAddress& from, const NetAddress& to, ConnectionType type);
    void send(EndId end, Message message);
    /// The next message that has come in, if there is one.
    std::optional<Message> take(EndId end);
    /// Both ends are told, unless there is a partition between them.
    void close(EndId end);

    /// Bytes that `end` sent and that were not taken yet.
    size_t backlog(EndId end) const { return ends_[end].backlog; }

    bool is_open(EndId end) const { return ends_[end].open; }

    /// Ends of open connections.
    std::vector<EndId> open_ends() const;

    Weather weather;
    /// Told of each message that is sent.
    std::function<void(const Endpoint& sender, const Message&)> watch;

    static constexpr Duration CALL_TIMEOUT{5'000'000};
    static constexpr size_t SOCKET_BUFFER = 256 << 10; ///< So much the system takes at once.
    /// So much may be on its way, or wait for a reader; what is sent beyond counts as unsent.
    static constexpr size_t WINDOW = 4 << 20;

private:
    struct End {
        Endpoint* owner = nullptr;
        bool open = true;
        EndId other = 0;
        std::deque<Message> inbox; ///< On its way here, or here.
        size_t arrived = 0;        ///< So many of them are through the wire,
        size_t ready = 0;          ///< and so many of these have come in.
        size_t backlog = 0;        ///< Bytes from here that the other end hasn't taken.
        size_t held = 0;           ///< Of them, past the window.
        Time up_free;              ///< When all that was sent from here has left.
        Time last_arrival;         ///< Of what was sent from here.
        bool broken = false;       ///< Something was lost: nothing comes through any more.
    };

    void answer(Endpoint& caller, NetAddress from, NetAddress to, ConnectionType type);
    Duration way(const Host& a, const Host& b) const;
    Time departure(End& end, size_t bytes) const;
    void left(EndId end, size_t bytes);
    void arrived(EndId end);
    void deliver(EndId end);
    EndId open(Endpoint& owner);
    void shut(EndId id);

    Timeline& timeline_;
    Trace& trace_;
    Random random_;
    std::map<NetAddress, Endpoint*> places_;
    std::deque<End> ends_; ///< Two a connection, side by side; never used again.
};

} // namespace cairn::sim
