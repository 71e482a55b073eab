// SPDX-License-Identifier: MIT
#include "rpc/publisher.h"

#include "consensus/address.h"
#include "rpc/describe.h"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <chrono>
#include <spdlog/spdlog.h>
#include <utility>

namespace cairn::rpc {

using namespace consensus;
using chain::Event;
using chain::RemovalReason;
using server::PushMessage;

namespace {

/// How long a thread reads the log for one client before it looks after others.
constexpr std::chrono::milliseconds CATCH_UP_TURN{5};
/// Events that come at once, as after a snapshot was loaded: more are read by each client at its
/// own pace, since who is slower than the disk isn't too slow for the chain.
constexpr uint64_t MAX_BURST = 1000;
constexpr size_t MAX_BATCH = 1000; ///< Changes of the mempool in one message.

std::string_view name_of(RemovalReason reason) {
    static constexpr std::string_view NAMES[] = {"block",  "conflict",  "replaced",
                                                 "expiry", "sizelimit", "reorg"};
    return NAMES[static_cast<size_t>(reason)];
}

std::string_view name_of(Event::Kind kind) {
    return kind == Event::Kind::Connected ? "connected" : "disconnected";
}

const Object<Reorganisation> REORGANISATION{
    {"depth", "Blocks that left", &Reorganisation::depth},
    {"old_tip", "The tip they led to", &Reorganisation::old_tip}};

/// What one client is told of a block.
struct BlockTold {
    const BlockNews& news;
    std::optional<std::vector<Touch>> touches{}; ///< If any are of its scripts.
    bool wants_touches = false;
};

const Object<Touch> TOUCH{
    {"txid", "The transaction", &Touch::txid},
    {"script", "The script that it pays to or spends from", &Touch::script}};

const Object<BlockTold> BLOCK_NEWS{
    {"sequence", "Number of the event", [](auto& b) { return b.news.sequence; }},
    {"kind", "connected or disconnected", [](auto& b) { return name_of(b.news.event.kind); }},
    {"height", "Height of the block", [](auto& b) { return b.news.event.height; }},
    {"hash", "Its hash", [](auto& b) { return b.news.event.hash; }},
    {"previous", "The block before it", [](auto& b) { return b.news.event.previous; }},
    {"work", "Work of the chain up to it", [](auto& b) { return b.news.event.work; }},
    {"reorganisation", "What it takes the place of", [](auto& b) { return b.news.reorganisation; },
     REORGANISATION},
    {"transactions", "Those in it that touch the scripts asked for",
     [](auto& b) { return b.touches; }, TOUCH},
    {"pruned", "Its transactions are not known here",
     [](auto& b) { return only_if(b.wants_touches && !b.news.touches, true); }}};

/// What one client is told of a change of the mempool.
struct ChangeTold {
    const chain::MempoolEvent* event;
    std::vector<Script> scripts; ///< Of its own.
};

const Object<ChangeTold> CHANGE{
    {"kind", "added or removed",
     [](auto& c) { return std::string_view(c.event->removed ? "removed" : "added"); }},
    {"txid", "The transaction", [](auto& c) { return c.event->tx->txid; }},
    {"wtxid", "With its witness", [](auto& c) { return c.event->tx->wtxid; }},
    {"vsize", "Virtual bytes", [](auto& c) { return c.event->tx->vsize(); }},
    {"feerate", "Coins per 1,000 virtual bytes",
     [](auto& c) { return only_if(!c.event->removed, c.event->feerate); }},
    {"reason", "Why it was removed",
     [](auto& c) -> std::optional<std::string_view> {
         if (!c.event->removed) return std::nullopt;
         return name_of(*c.event->removed);
     }},
    {"scripts", "Which it touches of the scripts asked for",
     [](auto& c) { return only_if(!c.scripts.empty(), c.scripts); }}};

/// From now on a subscription is told what changes from the mempool as of `sequence`.
std::shared_ptr<const PushMessage> live_message(uint64_t subscription, uint64_t sequence) {
    return std::make_shared<const PushMessage>(
        "mempool",
        fmt::format(R"({{"live":true,"subscription":{},"sequence":{}}})", subscription, sequence));
}

bool wants_mempool(const Topics& topics) {
    return topics.mempool || !topics.scripts.empty();
}

/// What the scripts of a subscription take, here and among those that are watched.
size_t bytes_of(const std::set<Script>& scripts) {
    constexpr size_t TWO_NODES = 2 * (32 + 16 + sizeof(Script)); // with what the allocator takes
    size_t bytes = 0;
    for (const Script& script : scripts) bytes += TWO_NODES + 2 * script.heap_bytes();
    return bytes;
}

std::shared_ptr<const PushMessage> mempool_message(const std::vector<ChangeTold>& changes) {
    const std::string params = R"({"changes":)" + server::to_json(changes, CHANGE) + "}";
    return std::make_shared<const PushMessage>("mempool", params);
}

std::shared_ptr<const PushMessage> block_message(const BlockTold& view) {
    return std::make_shared<const PushMessage>(
        "block", server::to_json(view, BLOCK_NEWS), view.news.sequence);
}

} // namespace

Publisher::Publisher(chain::Chain& chain, boost::asio::io_context& server, size_t max_notes)
    : chain_(chain),
      server_(server),
      max_notes_(max_notes) {}

// Subscriptions //////////////////////////////////////////////////////////////////////////////

std::optional<uint64_t> Publisher::subscribe(const Client& client, Topics topics, uint64_t since) {
    const std::lock_guard lock(mutex_);
    size_t count = 0;
    for (auto at = subscriptions_.begin(); at != subscriptions_.end();) {
        const Client owner = (*at)->client.lock();
        if (owner == client) ++count;
        at = owner ? std::next(at) : forget(at);
    }
    const size_t bytes = watched_bytes_ + bytes_of(topics.scripts);
    if (count >= MAX_SUBSCRIPTIONS || bytes > MAX_WATCHED_BYTES) return std::nullopt;
    watched_bytes_ = bytes;
    {
        // Before the log is read: what is found of a later event has looked for these.
        const std::lock_guard watched_lock(watched_mutex_);
        for (const Script& script : topics.scripts) ++watched_[script];
    }
    const auto subscription = std::make_shared<Subscription>();
    *subscription = {++last_id_, client, std::move(topics), since};
    subscriptions_.push_back(subscription);
    client->when_sent([this, subscription] { catch_up(subscription); });
    return subscription->id;
}

bool Publisher::unsubscribe(const Client& client, std::optional<uint64_t> id) {
    const std::lock_guard lock(mutex_);
    bool found = false;
    for (auto at = subscriptions_.begin(); at != subscriptions_.end();) {
        const bool meant = (*at)->client.lock() == client && id.value_or((*at)->id) == (*at)->id;
        found |= meant;
        at = meant ? forget(at) : std::next(at);
    }
    return found;
}

Publisher::Subscriptions::iterator Publisher::forget(Subscriptions::iterator at) {
    Subscription& subscription = **at;
    set_live(subscription, false);
    subscription.ended = true;
    watched_bytes_ -= bytes_of(subscription.topics.scripts);
    const std::lock_guard lock(watched_mutex_);
    for (const Script& script : subscription.topics.scripts)
        if (const auto found = watched_.find(script); --found->second == 0) watched_.erase(found);
    return subscriptions_.erase(at);
}

void Publisher::set_live(Subscription& subscription, bool live) {
    if (subscription.live == live) return;
    subscription.live = live;
    const bool mempool = wants_mempool(subscription.topics);
    if (live) {
        ++live_;
        if (mempool) ++live_mempool_;
    } else {
        --live_;
        if (mempool) --live_mempool_;
    }
}

template <class Tell>
void Publisher::for_each_live(Tell tell) {
    for (auto at = subscriptions_.begin(); at != subscriptions_.end();) {
        const Client client = (*at)->client.lock();
        if (client && (*at)->live) tell(*at, client);
        at = client ? std::next(at) : forget(at);
    }
}

// Catching up ////////////////////////////////////////////////////////////////////////////////

/// Tell one client what is in the log, a few events at a time: the next once it has taken those.
/// Only here, and so by one thread at a time, is a subscription used that is not live.
void Publisher::catch_up(const std::shared_ptr<Subscription>& subscription) {
    const Client client = subscription->client.lock();
    if (!client) return;
    {
        const std::lock_guard lock(mutex_);
        if (subscription->ended) return;
    }
    const auto until = std::chrono::steady_clock::now() + CATCH_UP_TURN;
    try {
        do {
            const std::optional<Event> event = chain_.read_event(subscription->next);
            if (!event && go_live(subscription, client)) return;
            if (!event) continue;
            BlockNews news = news_of(subscription->next, *event);
            if (const auto message = message_for(*subscription, news)) client->push(message);
            ++subscription->next;
        } while (std::chrono::steady_clock::now() < until);
    } catch (const std::exception& failure) {
        return client->drop(failure.what());
    }
    client->when_sent([this, subscription] { catch_up(subscription); });
}

/// True if there is no more to make up for, or nobody to tell. Those that are live may have been
/// told of an event that the log didn't have when it was read: then there is.
bool Publisher::go_live(const std::shared_ptr<Subscription>& subscription, const Client& client) {
    {
        const std::lock_guard lock(mutex_);
        if (subscription->ended) return true;
        if (live_ > 0 && subscription->next < next_) return false;
        if (live_ == 0) next_ = subscription->next;
        set_live(*subscription, true);
        // As of after that: what changed before may be told as well, but nothing is lost between.
        if (wants_mempool(subscription->topics))
            client->push(live_message(subscription->id, chain_.mempool()->sequence()));
    }
    leave({.events = chain_.event_count()}); // in case that one came before we were live
    return true;
}

void Publisher::all_catch_up() {
    const std::lock_guard lock(mutex_);
    for_each_live([this](const std::shared_ptr<Subscription>& subscription, const Client& client) {
        set_live(*subscription, false);
        client->when_sent([this, subscription] { catch_up(subscription); });
    });
}

// News ///////////////////////////////////////////////////////////////////////////////////////

void Publisher::tip_changed(const chain::TipChange&) {
    if (live_ > 0) leave({.events = chain_.event_count()});
}

void Publisher::transaction_added(const chain::MempoolEvent& event) {
    if (live_mempool_ > 0) leave({.news = {event}});
}

void Publisher::transaction_removed(const chain::MempoolEvent& event) {
    if (live_mempool_ > 0) leave({.news = {event}});
}

void Publisher::leave(Note note) {
    const std::lock_guard lock(notes_mutex_);
    if (notes_.size() >= max_notes_ && note.news.event.tx) {
        overflown_ = true;
        return;
    }
    notes_.push_back(std::move(note));
    if (!std::exchange(telling_, true)) boost::asio::post(server_, [this] { tell_notes(); });
}

void Publisher::tell_notes() {
    std::vector<Note> notes;
    bool overflown = false;
    {
        const std::lock_guard lock(notes_mutex_);
        notes.swap(notes_);
        overflown = std::exchange(overflown_, false);
    }
    try {
        std::vector<MempoolNews> mempool;
        for (Note& note : notes) {
            if (note.news.event.tx) mempool.push_back(std::move(note.news));
            if (note.events > 0 || mempool.size() >= MAX_BATCH) tell_mempool(mempool);
            if (note.events > 0) tell_events(note.events);
        }
        tell_mempool(mempool);
    } catch (const std::exception& failure) { // The disk: the node stops for that.
        spdlog::error("push_failed error={}", failure.what());
    }
    if (overflown) drop_followers_of_mempool();
    const std::lock_guard lock(notes_mutex_);
    telling_ = !notes_.empty();
    if (telling_) boost::asio::post(server_, [this] { tell_notes(); });
}

/// Of the log up to `end`.
void Publisher::tell_events(uint64_t end) {
    for (;;) {
        uint64_t number = 0;
        {
            const std::lock_guard lock(mutex_);
            number = next_;
        }
        if (live_ == 0 || number >= end) return;
        if (end - number > MAX_BURST) return all_catch_up();
        if (!tell_event(number)) return;
    }
}

bool Publisher::tell_event(uint64_t number) {
    const std::optional<Event> event = chain_.read_event(number);
    if (!event) return false;
    BlockNews news = news_of(number, *event);
    const std::lock_guard lock(mutex_);
    if (next_ != number) return true; // All left, and others came, while the disk was read.
    for_each_live([&](const std::shared_ptr<Subscription>& subscription, const Client& client) {
        if (subscription->next > number) return; // It has read so far itself.
        if (const auto message = message_for(*subscription, news)) client->push(message);
        subscription->next = number + 1;
    });
    next_ = number + 1;
    return true;
}

void Publisher::tell_mempool(std::vector<MempoolNews>& news) {
    if (news.empty()) return;
    for (MempoolNews& change : news) {
        // That it is in a block the block's own event tells those who ask for scripts.
        if (change.event.removed != RemovalReason::Block) change.touched = watched_of(change.event);
    }
    std::vector<ChangeTold> all;
    all.reserve(news.size());
    for (const MempoolNews& change : news) all.push_back({&change.event, {}});
    std::shared_ptr<const PushMessage> to_all;

    const std::lock_guard lock(mutex_);
    for_each_live([&](const std::shared_ptr<Subscription>& subscription, const Client& client) {
        const Topics& topics = subscription->topics;
        std::vector<ChangeTold> own;
        for (const MempoolNews& change : news) {
            ChangeTold view{&change.event, {}};
            for (const Script& script : change.touched)
                if (topics.scripts.contains(script)) view.scripts.push_back(script);
            if (!view.scripts.empty()) own.push_back(std::move(view));
        }
        if (topics.mempool && !to_all) to_all = mempool_message(all);
        if (topics.mempool)
            client->push(to_all);
        else if (!own.empty())
            client->push(mempool_message(own));
    });
    news.clear();
}

void Publisher::drop_followers_of_mempool() {
    const std::lock_guard lock(mutex_);
    for_each_live([](const std::shared_ptr<Subscription>& subscription, const Client& client) {
        if (wants_mempool(subscription->topics)) client->drop("the mempool changes too fast");
    });
}

BlockNews Publisher::news_of(uint64_t number, const Event& event) const {
    BlockNews news{number, event};
    // The first block that joins after others left: those are the events just before it.
    uint64_t first = number;
    std::optional<Event> before;
    while (event.kind == Event::Kind::Connected && first > 0) {
        std::optional<Event> earlier = chain_.read_event(first - 1);
        if (!earlier || earlier->kind != Event::Kind::Disconnected) break;
        before = earlier;
        --first;
    }
    if (before) news.reorganisation = {static_cast<int64_t>(number - first), before->hash};
    news.touches = touches_of(event);
    return news;
}

/// Nobody asks: then the block isn't read, and nothing touches.
std::optional<std::vector<Touch>> Publisher::touches_of(const Event& event) const {
    {
        const std::lock_guard lock(watched_mutex_);
        if (watched_.empty()) return std::vector<Touch>();
    }
    const chain::BlockNode* node = chain_.find_block(event.hash);
    const BlockRef block = node != nullptr ? chain_.read_block(*node) : nullptr;
    const auto undo = block ? chain_.read_undo(*node, *block) : std::nullopt;
    if (!undo) return std::nullopt;
    std::vector<Touch> touches;
    const std::lock_guard lock(watched_mutex_);
    for (size_t i = 0; i < block->transactions.size(); ++i) {
        const SealedTransaction& tx = block->transactions[i];
        const auto look_at = [&, first = touches.size()](const TxOut& out) {
            if (!watched_.contains(out.script_pubkey)) return;
            const Touch touch{tx.txid, out.script_pubkey};
            const auto from = touches.begin() + static_cast<ptrdiff_t>(first);
            if (std::find(from, touches.end(), touch) == touches.end()) touches.push_back(touch);
        };
        for (const TxOut& out : tx.outputs) look_at(out);
        for (const chain::Coin& coin : undo->spent(i)) look_at(coin.out);
    }
    return touches;
}

/// What a transaction pays to and spends from, as far as somebody wants to know of it, each once.
std::vector<Script> Publisher::watched_of(const chain::MempoolEvent& event) const {
    const std::lock_guard lock(watched_mutex_);
    if (watched_.empty()) return {};
    std::set<Script> scripts;
    for (const TxOut& out : event.tx->outputs)
        if (watched_.contains(out.script_pubkey)) scripts.insert(out.script_pubkey);
    for (const Script& script : chain::unpack_scripts(event.spent_scripts))
        if (watched_.contains(script)) scripts.insert(script);
    return {scripts.begin(), scripts.end()};
}

/// Null if the subscription has no interest in it.
std::shared_ptr<const PushMessage>
Publisher::message_for(const Subscription& subscription, BlockNews& news) const {
    const Topics& topics = subscription.topics;
    const bool wanted = topics.blocks || (topics.reorganisations && news.reorganisation);
    if (!topics.scripts.empty()) {
        BlockTold view{news, std::nullopt, true};
        std::vector<Touch> own;
        if (news.touches)
            for (const Touch& touch : *news.touches)
                if (topics.scripts.contains(touch.script)) own.push_back(touch);
        if (!own.empty()) view.touches = std::move(own);
        if (view.touches || !news.touches) return block_message(view);
    }
    if (!wanted) return nullptr;
    if (!news.message) news.message = block_message({news});
    return news.message;
}

} // namespace cairn::rpc
