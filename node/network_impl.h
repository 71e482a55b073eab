// SPDX-License-Identifier: MIT
// The network's inside: joins protocol, connections, connector and chain on one thread.
#pragma once

#include "node/connection.h"
#include "node/connector.h"
#include "node/listener.h"
#include "node/live_chain.h"
#include "node/network.h"
#include "node/permissions.h"
#include "node/protocol.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include <future>
#include <mutex>
#include <thread>

namespace cairn::node {

/// A way to the network thread that may outlast it: what is posted after close() is lost.
class Mailbox {
public:
    explicit Mailbox(boost::asio::io_context& io) : io_(&io) {}

    void post(std::function<void()> task);
    void close();

private:
    std::mutex mutex_;
    boost::asio::io_context* io_;
};

/// Chain events, brought to the network thread. Lives as long as the chain may call it.
class ChainEvents final : public chain::ChainObserver {
public:
    struct Target {
        std::function<void(const chain::TipChange&)> tip_changed;
        std::function<void(const chain::TransactionRef&, chain::FeeRate)> transaction_added;
        std::function<void(const chain::TransactionRef&)> transaction_removed;
    };

    ChainEvents(std::shared_ptr<Mailbox> mailbox, Target target)
        : mailbox_(std::move(mailbox)),
          target_(std::make_shared<Target>(std::move(target))) {}

    void tip_changed(const chain::TipChange& change) override;
    void transaction_added(const chain::TransactionRef& tx, chain::FeeRate feerate) override;
    void transaction_removed(const chain::TransactionRef& tx, chain::RemovalReason reason) override;

private:
    std::shared_ptr<Mailbox> mailbox_;
    std::shared_ptr<Target> target_; ///< Used on the network thread only.
};

/// Thread: network for everything but the constructor, start(), stop() and ask().
class Network::Impl final : public ConnectionOwner {
public:
    Impl(chain::Chain& chain, const Clock& clock, NetworkOptions options);
    ~Impl() override;

    void start();
    void stop();

    /// Run `question` on the network thread, or here while there is none, and give its answer.
    template <class F>
    auto ask(F question) -> decltype(question()) {
        const std::lock_guard lock(lifecycle_);
        if (!running_) return question();
        std::packaged_task<decltype(question())()> task(std::move(question));
        auto answer = task.get_future();
        boost::asio::post(io_, [&task] { task(); });
        return answer.get();
    }

    std::vector<PeerInfo> peers() const;
    NetworkTotals totals() const;
    std::vector<AddedNode> added_nodes() const;
    bool add_node(const std::string& address, AddNodeCommand command);
    bool disconnect(const std::function<bool(const Peer&)>& chosen);
    void set_active(bool active);
    void ping_all();
    void broadcast(const consensus::TransactionRef& tx);

    const NetworkOptions& options() const { return options_; }

    const Protocol& protocol() const { return protocol_; }

    uint16_t listening_port() const { return listening_port_; }

    bool active() const { return active_; }

    std::vector<TimedAddress> known_addresses(size_t count);

private:
    struct Peering {
        std::shared_ptr<Connection> connection;
        std::string target; ///< What was dialled; empty for inbound ones.
        std::string bound_address;
    };

    // ConnectionOwner
    bool takes_messages(PeerId id) const override { return protocol_.takes_messages(id); }

    void message_received(PeerId id, Message message) override;
    void bytes_sent(PeerId id, size_t count) override;
    void connection_lost(PeerId id, const std::string& reason) override;

    int64_t wall_seconds() const override { return clock_.wall_seconds(); }

    void adopt(Connection::Socket socket, const std::string& target, ConnectionType type);
    bool has_room(const NetAddress& address) const;
    void drop(PeerId id, const std::string& reason);
    void resume(PeerId id);
    std::vector<Link> links() const;
    PeerInfo info_of(const Peer& peer, const Peering& peering) const;
    boost::asio::awaitable<void> run_ticks();
    void shut_down();
    void load_book();
    void save_book();

    void perform(Actions actions);
    void act(Send action);

    void act(const Drop& action) { drop(action.peer, action.reason); }

    void act(AcceptHeaders action);
    void act(AcceptBlock action);
    void act(const AcceptTransaction& action);
    void act(const DiskRead& action);

    chain::Chain& chain_;
    const Clock& clock_;
    const NetworkOptions options_;
    boost::asio::io_context io_{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    boost::asio::thread_pool readers_;
    std::shared_ptr<Mailbox> mailbox_;
    std::unique_ptr<ChainEvents> events_;
    LiveChain live_chain_;
    Whitelist whitelist_;
    Random random_;
    AddressBook book_;
    Listener listener_;
    const uint16_t listening_port_;
    Protocol protocol_;
    Connector connector_;
    std::map<PeerId, Peering> peerings_;
    Connection::ReadBuffer buffer_{};
    PeerId next_id_ = 0;
    bool active_ = true;
    NetworkTotals closed_totals_; ///< Of connections that are gone.
    boost::asio::steady_timer timer_;
    int ticks_ = 0;
    Time next_save_;

    std::mutex lifecycle_; ///< Held for a question, and for start and stop.
    bool running_ = false;
    std::thread thread_;
};

} // namespace cairn::node
