// SPDX-License-Identifier: MIT
// Tells clients that have asked for it what happens to the chain and to the mempool. Blocks are
// told from the event log on disk (chain.h, read_event()), which numbers them: a client that comes
// again names the next number it wants, and gets all from there on, whatever happened in between.
#pragma once

#include "chain/chain.h"
#include "rpc/server/push.h"

#include <boost/asio/io_context.hpp>

#include <atomic>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

namespace cairn::rpc {

/// What a client wants to be told of.
struct Topics {
    bool blocks = false;                 ///< Each one that joins or leaves the active chain.
    bool reorganisations = false;        ///< The first block that joins after others left.
    bool mempool = false;                ///< Each transaction that begins or ceases to wait.
    std::set<consensus::Script> scripts; ///< What pays to one, or spends from it: in either.
};

/// Blocks that made way for others.
struct Reorganisation {
    int64_t depth = 0; ///< How many.
    consensus::BlockHash old_tip;
};

/// A transaction that touches a script.
struct Touch {
    consensus::Txid txid;
    consensus::Script script;

    bool operator==(const Touch&) const = default;
};

/// An event of the log, and what follows from those around it.
struct BlockNews {
    uint64_t sequence = 0; ///< Its number.
    chain::Event event;
    std::optional<Reorganisation> reorganisation{};
    /// What touches the scripts that somebody wants to know of; nullopt if the block isn't here.
    std::optional<std::vector<Touch>> touches{};
    std::shared_ptr<const server::PushMessage> message{}; ///< Once made: for all alike.
};

/// A change of the mempool.
struct MempoolNews {
    chain::MempoolEvent event;
    std::vector<consensus::Script> touched{}; ///< Of the scripts that somebody wants to know of.
};

/// Each subscription is either catching up, from the log at the pace of its client, or live: then
/// it is told what is new together with all others. What is told to all alike is serialised once.
///
/// Invariants: a subscription is told each event from its first on once, in order. Without any,
///   changes cost an atomic read each. No client waits for another, nor the chain for any.
/// Thread: any; observes on the chain thread; tells on the server's threads, one at a time.
class Publisher : public chain::ChainObserver {
public:
    /// `server`: whose threads do the work. `max_notes`: changes that may wait to be told; beyond
    /// them who follows the mempool is dropped, like one that is too slow.
    Publisher(chain::Chain& chain, boost::asio::io_context& server, size_t max_notes = MAX_NOTES);

    using Client = std::shared_ptr<server::PushClient>;

    /// Tell `client` of `topics`: of blocks from event `since` on, of the mempool once that is made
    /// up for, which it is told too. Returns a number for unsubscribe(); nullopt if the client has
    /// MAX_SUBSCRIPTIONS, or all together MAX_WATCHED_BYTES.
    std::optional<uint64_t> subscribe(const Client& client, Topics topics, uint64_t since);
    /// End one of the client's subscriptions, or all. False if there is none.
    bool unsubscribe(const Client& client, std::optional<uint64_t> id);

    void tip_changed(const chain::TipChange& change) override;
    void transaction_added(const chain::MempoolEvent& event) override;
    void transaction_removed(const chain::MempoolEvent& event) override;

    static constexpr size_t MAX_SUBSCRIPTIONS = 16; ///< Of one client.
    static constexpr size_t MAX_SCRIPTS = 1000;     ///< Of one subscription.
    /// What the scripts of all subscriptions may take: some 350,000 of addresses.
    static constexpr size_t MAX_WATCHED_BYTES = size_t{64} << 20;
    static constexpr size_t MAX_NOTES = 100'000;

private:
    struct Subscription {
        uint64_t id = 0;
        std::weak_ptr<server::PushClient> client;
        Topics topics;
        uint64_t next = 0; ///< The event that it is to be told of next.
        bool live = false;
        bool ended = false;
    };

    using Subscriptions = std::list<std::shared_ptr<Subscription>>;

    /// What the chain thread leaves to be told: a change of the mempool or, without one, that the
    /// log now has so many events.
    struct Note {
        MempoolNews news;
        uint64_t events = 0;
    };

    void leave(Note note);
    void tell_notes();
    void tell_mempool(std::vector<MempoolNews>& news);
    void tell_events(uint64_t end);
    bool tell_event(uint64_t number);
    void catch_up(const std::shared_ptr<Subscription>& subscription);
    bool go_live(const std::shared_ptr<Subscription>& subscription, const Client& client);
    void all_catch_up();
    void drop_followers_of_mempool();
    /// Call `tell(subscription, client)` for each live one, and forget those that left.
    template <class Tell>
    void for_each_live(Tell tell);

    void set_live(Subscription& subscription, bool live);
    Subscriptions::iterator forget(Subscriptions::iterator at);
    BlockNews news_of(uint64_t number, const chain::Event& event) const;
    std::optional<std::vector<Touch>> touches_of(const chain::Event& event) const;
    std::vector<consensus::Script> watched_of(const chain::MempoolEvent& event) const;
    std::shared_ptr<const server::PushMessage>
    message_for(const Subscription& subscription, BlockNews& news) const;

    chain::Chain& chain_;
    boost::asio::io_context& server_;
    const size_t max_notes_;

    std::mutex notes_mutex_; ///< The chain thread takes no other; held for moments.
    std::vector<Note> notes_;
    bool telling_ = false;   ///< A thread tells notes, or will: one at a time, in their order.
    bool overflown_ = false; ///< More was left than could be told: changes of the mempool are lost.

    std::mutex mutex_; ///< For the five below.
    Subscriptions subscriptions_;
    size_t watched_bytes_ = 0; ///< Of their scripts, as bytes_of() counts them.
    uint64_t last_id_ = 0;
    uint64_t next_ = 0; ///< The event that live ones are told of next, if there are any.
    std::atomic<size_t> live_{0};
    std::atomic<size_t> live_mempool_{0}; ///< Those that are told of the mempool.

    mutable std::mutex watched_mutex_;            ///< For the one below.
    std::map<consensus::Script, size_t> watched_; ///< How many subscriptions want to know of it.
};

} // namespace cairn::rpc
