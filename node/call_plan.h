// SPDX-License-Identifier: MIT
// Whom to call, and when again: those the operator named, over and over; and, unless told not to,
// others from the address book, the chain file's bootstrap peers and DNS seeds.
#pragma once

#include "node/address_book.h"
#include "node/network.h"
#include "node/protocol.h"

#include <map>
#include <set>
#include <string>

namespace cairn::node {

/// The decisions alone; who makes the calls derives from it (the Connector, the simulator's nodes).
/// Thread: network. No I/O, no clock, no randomness but from the seed.
class CallPlan {
public:
    /// What is given by reference outlives this.
    CallPlan(
        const NetworkOptions& options,
        const consensus::Params& params,
        const Protocol& protocol,
        AddressBook& book,
        Random random)
        : options_(options),
          params_(params),
          protocol_(protocol),
          book_(book),
          random_(random),
          added_(options.add_nodes) {}

    virtual ~CallPlan() = default;
    CallPlan(const CallPlan&) = delete;
    CallPlan& operator=(const CallPlan&) = delete;

    /// Call whoever is due. Called several times a second.
    void tick(Time now);

    /// Whether anybody is called at all.
    void set_active(bool active) { active_ = active; }

    bool add(const std::string& target);
    bool remove(const std::string& target);
    /// Once, unless it is being called already.
    void dial(const std::string& target, ConnectionType type);

    /// Before all others: block-relay-only peers of the last run. Who would have us among his own
    /// after a restart must have been there before. Core: anchors.
    void call_anchors(std::vector<TimedAddress> anchors);
    /// For the next run: these peers, and those that there was no time to reach.
    std::vector<TimedAddress> anchors() const;

    /// Null if it isn't connected.
    const Peer* find_peer(const std::string& target) const;

    /// Whether there is room for another peer of that kind, those that are being called counted.
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
    static constexpr std::chrono::seconds SEED_PATIENCE{10};   ///< With those whom the book knows.
    static constexpr std::chrono::minutes FIRST_SEED_PAUSE{1}; ///< Between questions to seeds.
    static constexpr std::chrono::hours LAST_SEED_PAUSE{1};
    static constexpr std::chrono::minutes FEELER_MEAN{2};

    // With all slots taken, one more is called now and then, so that we hear of a chain that none
    // of ours tells us of; if it was of more use than another, that one goes in its place.
    static constexpr std::chrono::minutes EXTRA_MEAN{5};   ///< For blocks only.
    static constexpr int STALE_SPACINGS = 3;               ///< Without a block: time to look
    static constexpr std::chrono::minutes STALE_PAUSE{10}; ///< for another, and again after this.
    static constexpr std::chrono::seconds EXTRA_STAY{60};  ///< To show its use.

protected:
    /// Call `target`, and say called() once it is known what came of it. That is later than now.
    virtual void call(const std::string& target, ConnectionType type) = 0;
    /// Let the book have the addresses that the DNS seed `host` gives.
    virtual void ask_seed(const std::string& host) = 0;
    /// End the connection with `peer`.
    virtual void hang_up(PeerId peer, const std::string& reason) = 0;

    void called(const std::string& target) { calling_.erase(target); }

    Time now() const { return now_; }

    const NetworkOptions& options_;
    const consensus::Params& params_;
    const Protocol& protocol_;
    AddressBook& book_;
    Random random_;

private:
    struct Pause {
        std::chrono::microseconds length = FIRST_PAUSE;
        Time until;

        /// Then the next one begins, twice as long if it may be.
        bool is_over(Time now, std::chrono::microseconds longest);
    };

    void keep(const std::string& target, ConnectionType type, Time now);
    size_t slots(ConnectionType type) const;
    std::optional<ConnectionType> due(Time now);
    std::optional<ConnectionType> extra_due(Time now);
    std::optional<NetAddress> choose(ConnectionType type, int64_t now);
    void end_extra(ConnectionType type, Time now);
    size_t count(ConnectionType type) const;
    std::set<std::string> outbound_groups() const;
    void fill_slots(Time now);
    void call_bootstrap_peers(Time now);
    void ask_seeds();

    bool active_ = true;
    std::vector<std::string> added_;
    std::map<std::string, Pause> pauses_;
    std::map<std::string, ConnectionType> calling_;
    Time now_;
    Pause seeds_{FIRST_SEED_PAUSE, {}};
    Time alone_since_; ///< Nobody whom we called is there.
    Time next_feeler_;
    Time next_extra_;
    Time next_stale_;
    const chain::BlockNode* tip_ = nullptr;
    Time tip_since_;
};

} // namespace cairn::node
