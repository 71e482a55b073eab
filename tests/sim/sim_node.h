// SPDX-License-Identifier: MIT
// A node of the product without its sockets, disk and threads: its protocol, address book and call
// plan, over a modelled chain and network.
#pragma once

#include "net.h"
#include "node/call_plan.h"
#include "sim_chain.h"

#include <set>

namespace cairn::sim {

class SimNode;

/// What all nodes of a run share.
struct Shared {
    Timeline& timeline;
    Trace& trace;
    Net& net;
    const Ledger& ledger;
    /// Told of what a node got to know.
    std::function<void(SimNode&, const chain::TipChange&)> tip_changed;
    std::function<void(SimNode&, const TransactionRef&)> transaction_added;
};

/// Thread of its network and of its chain in one; the chain judges one thing at a time, and what
/// that takes passes on the timeline.
class SimNode final : public Endpoint {
public:
    using Message = node::Message;
    using PeerId = node::PeerId;

    SimNode(Shared& shared, size_t number, NetAddress address, uint64_t seed);

    /// With the chain, mempool and address book that it has.
    void start();
    /// As a process that ends: its peers see that. After a `crash` it has forgotten what it has
    /// learnt of addresses and anchors since it last saved them.
    void stop(bool crash = false);

    bool runs() const { return running_ != nullptr; }

    /// Those that it saved. Requires: it doesn't run.
    void lose_anchors() { anchors_.clear(); }

    /// A block or transaction that doesn't come from a peer.
    void submit(const Mined& mined);
    void submit(const TransactionRef& tx, bool paid_for = false);

    const node::Protocol& protocol() const { return running_->protocol; }

    /// On the wire, of blocks that wait to be judged.
    size_t bytes_at_chain() const;

    /// End this connection.
    void drop(PeerId peer) { shared_.net.close(static_cast<EndId>(peer)); }

    size_t outbound() const; ///< Established, for blocks.

    // Endpoint.
    bool admits(const NetAddress& caller, const NetAddress& called) override;
    void connected(
        EndId end, const NetAddress& here, const NetAddress& there, ConnectionType type) override;
    void readable(EndId end) override;
    void sent(EndId end, size_t bytes) override;
    void closed(EndId end) override;
    void call_failed(const NetAddress& address) override;

    const size_t number;
    const NetAddress address;
    SimChain chain;
    node::AddressBook book;
    node::NetworkOptions options;
    bool blocks_only = false;
    /// Called with what is about to be sent, which it may change; false: it is not sent.
    std::function<bool(PeerId, Message&)> lie;
    std::set<EndId> deaf_to;             ///< From these it reads nothing any more.
    std::map<std::string, size_t> drops; ///< How often it gave up a peer, by reason.

    static constexpr Duration TICK{100'000};        ///< As the product's.
    static constexpr Duration SLOW_TICK{500'000};   ///< While only transactions wait.
    static constexpr Duration IDLE_TICK{2'000'000}; ///< While only minutes make a difference.
    static constexpr Duration CALL_TICK{500'000};
    static constexpr Duration SAVE_INTERVAL{15min};

private:
    struct Plan;

    struct Running {
        explicit Running(SimNode& self);
        ~Running();

        node::Protocol protocol;
        std::unique_ptr<Plan> plan;
        std::deque<node::Action> judging;              ///< At the chain, in order.
        std::optional<SimChain::BlockVerdict> checked; ///< Of the first of them.
        std::deque<node::DiskRead> reading;
        Time chain_free;
        Time next_tick;
        uint32_t tick_number = 0; ///< Of the one that counts.
        std::set<EndId> unread;   ///< They have something that had to wait.
        Time next_call;
        Time next_save;
    };

    void perform(node::Actions actions);
    void act(node::Send& action);
    void act(node::Drop& action);
    void act(node::DiskRead& action);
    template <class Judged>
    void act(Judged& action);
    Duration cost_of(const node::Action& action) const;
    void check();
    void tell_checked(const SimChain::BlockVerdict& verdict);
    void judge();
    void judged(node::AcceptHeaders& action);
    void judged(node::AcceptBlock& action);
    void judged(node::AcceptTransaction& action);
    consensus::Result<chain::Accepted>
    accept(const TransactionRef& tx, bool paid_for = false, bool ours = false);
    void read();
    void tell(SimChain::BlockVerdict& verdict);
    void take_messages(EndId end);
    void save_addresses();
    void schedule_tick(Time at);
    void tick();
    Duration pace() const;
    /// Later, unless it was stopped meanwhile.
    void post(Time at, void (SimNode::*task)());

    Time now() const { return shared_.timeline.now(); }

    Shared& shared_;
    Random random_;
    std::unique_ptr<Running> running_;
    std::vector<node::TimedAddress> anchors_;
    std::string saved_; ///< Its address book, as last saved.
    uint32_t run_ = 0;  ///< Counts starts and stops: what was posted before them is void.
};

} // namespace cairn::sim
