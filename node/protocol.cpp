// SPDX-License-Identifier: MIT
#include "node/protocol.h"

#include "node/handshake_messages.h"

#include <algorithm>
#include <cassert>
#include <spdlog/spdlog.h>

namespace cairn::node {

/// A message on its way to its handler.
struct Protocol::Call {
    Protocol& self;
    Peer& peer;
    Message& message;
    Time now;
    Bytes& payload = message.payload;
};

/// A command and what is done with it.
struct Protocol::Handler {
    enum class Phase : uint8_t {
        Handshake, ///< Taken at any time; the handler looks itself.
        Any,       ///< Once the handshake is over, while earlier ones are still being judged.
        InOrder,   ///< Once all that came before from this peer is done.
    };
    std::string_view command;
    Phase phase = Phase::Any;
    Outcome<> (*run)(const Call& call) = nullptr;
};

/// BIP-0111: who asks for what our services don't offer is dropped.
Outcome<> Protocol::no_bloom(const Call& call) {
    call.self.context_.drop(
        call.peer, call.message.command + " received despite not offering bloom services");
    return done();
}

std::span<const Protocol::Handler> Protocol::handlers() {
    static constexpr auto H = Handler::Phase::Handshake;
    static constexpr auto A = Handler::Phase::Any;
    static constexpr auto O = Handler::Phase::InOrder;
    using C = const Call&;
    // clang-format off
    static const Handler TABLE[] = {
        {"version", H, [](C c) { return c.self.handshake_.version(c.peer, c.payload, c.now); }},
        {"feature", H, [](C c) { return c.self.handshake_.feature(c.peer, c.payload); }},
        {"wtxidrelay", H, [](C c) { return c.self.handshake_.wtxid_relay(c.peer); }},
        {"sendaddrv2", H, [](C c) { return c.self.handshake_.send_addrv2(c.peer); }},
        {"verack", H, [](C c) { return c.self.verack(c.peer, c.now); }},

        {"ping", O, [](C c) { return c.self.keepalive_.ping(c.peer, c.payload); }},
        {"pong", A, [](C c) { return c.self.keepalive_.pong(c.peer, c.payload, c.now); }},

        {"addr", A, [](C c) { return c.self.address_relay_.addr(c.peer, c.payload, c.now); }},
        {"addrv2", A, [](C c) { return c.self.address_relay_.addrv2(c.peer, c.payload, c.now); }},
        {"getaddr", A, [](C c) { return c.self.address_relay_.get_addr(c.peer, c.now); }},

        {"sendheaders", A, [](C c) { c.peer.wants_headers = true; return done(); }},
        // Compact blocks are an offer that a node need not take up.
        {"sendcmpct", A, [](C) { return done(); }},
        {"headers", A, [](C c) { return c.self.header_sync_.headers(c.peer, c.payload, c.now); }},
        {"block", A, [](C c) {
             return c.self.block_download_.block(c.peer, std::move(c.payload), c.now); }},
        {"inv", A, [](C c) { return c.self.inv(c.peer, c.payload, c.now); }},
        {"tx", A, [](C c) {
             return c.self.transaction_download_.transaction(c.peer, c.payload, c.now); }},
        {"notfound", A, [](C c) {
             return c.self.transaction_download_.not_found(c.peer, c.payload); }},
        {"feefilter", A, [](C c) {
             return c.self.transaction_announcer_.fee_filter(c.peer, c.payload); }},

        {"getheaders", O, [](C c) { return c.self.server_.get_headers(c.peer, c.payload); }},
        {"getblocks", O, [](C c) { return c.self.server_.get_blocks(c.peer, c.payload); }},
        {"getdata", O, [](C c) { return c.self.server_.get_data(c.peer, c.payload); }},
        {"mempool", O, [](C c) { return c.self.server_.mempool(c.peer); }},
        {"getcfilters", O, [](C c) { return c.self.server_.get_filters(c.peer, c.payload); }},
        {"getcfheaders", O, [](C c) {
             return c.self.server_.get_filter_headers(c.peer, c.payload); }},
        {"getcfcheckpt", O, [](C c) {
             return c.self.server_.get_filter_checkpoints(c.peer, c.payload); }},

        {"filterload", A, no_bloom},
        {"filteradd", A, no_bloom},
        {"filterclear", A, no_bloom},
    };
    // clang-format on
    return TABLE;
}

const Protocol::Handler* Protocol::find_handler(std::string_view command) {
    for (const Handler& handler : handlers()) {
        if (handler.command == command) return &handler;
    }
    return nullptr;
}

Protocol::Protocol(
    const ChainReader& chain, AddressBook& book, ProtocolOptions options, Random random)
    : context_{chain, std::move(options), random, {}, {}},
      handshake_(context_),
      keepalive_(context_),
      header_sync_(context_),
      block_download_(context_),
      block_announcer_(context_),
      transaction_download_(context_),
      transaction_announcer_(context_),
      address_relay_(context_, book),
      server_(
          context_, [this](const consensus::Txid& txid) { transaction_announcer_.served(txid); }) {}

Actions Protocol::take_actions() {
    return std::exchange(context_.out, Actions());
}

Actions Protocol::connected(const NewPeer& fresh, Time now) {
    const consensus::SaltedHasher salt{context_.random.next(), context_.random.next()};
    const auto [entry, is_new] = context_.peers.try_emplace(fresh.id, fresh.id, fresh.type, salt);
    assert(is_new);
    Peer& peer = entry->second;
    peer.address = fresh.address;
    peer.permissions = fresh.permissions;
    peer.connected_at = now;
    handshake_.connected(peer, now);
    return take_actions();
}

Actions Protocol::disconnected(PeerId id, Time now) {
    const auto found = context_.peers.find(id);
    if (found == context_.peers.end()) return {};
    Peer& peer = found->second;
    peer.dropped = true;
    header_sync_.disconnected(id);
    block_download_.disconnected(peer);
    transaction_download_.disconnected(peer);
    context_.peers.erase(found);
    for (auto& [other_id, other] : context_.peers) run_due(other, now); // what it owed us
    return take_actions();
}

bool Protocol::takes_messages(PeerId id) const {
    const auto found = context_.peers.find(id);
    return found != context_.peers.end() && !found->second.waiting;
}

/// Whether `message` has to wait for what came before it, or for memory.
bool Protocol::must_wait(const Peer& peer, const Message& message) const {
    const Handler* handler = find_handler(message.command);
    if (handler == nullptr || !peer.established) return false;
    if (message.command == "block") return !block_download_.can_take(peer);
    if (message.command == "tx") return !transaction_download_.can_take(peer);
    if (message.command == "headers") return peer.headers_processing > 0;
    return handler->phase == Handler::Phase::InOrder && peer.busy();
}

Actions Protocol::received(PeerId id, Message message, Time now) {
    Peer* peer = context_.find(id);
    if (peer == nullptr) return {};
    assert(!peer->waiting);
    if (must_wait(*peer, message))
        peer->waiting = std::move(message);
    else
        handle(*peer, std::move(message), now);
    return take_actions();
}

void Protocol::handle(Peer& peer, Message message, Time now) {
    spdlog::debug(
        "received command={} bytes={} peer={}", message.command, message.payload.size(), peer.id);
    const Handler* handler = find_handler(message.command);
    if (handler == nullptr) {
        spdlog::debug("unknown command={} peer={}", message.command, peer.id);
        return;
    }
    const bool is_handshake = handler->phase == Handler::Phase::Handshake;
    const bool is_version = message.command == VersionMessage::COMMAND;
    if ((!is_handshake && !peer.established) || (!is_version && !peer.version_received)) {
        spdlog::debug(
            "unsupported message \"{}\" prior to verack from peer={}", message.command, peer.id);
        return;
    }
    if (const Outcome<> outcome = handler->run({*this, peer, message, now}); !outcome)
        context_.misbehaving(peer, outcome.error().reason);
    run_due(peer, now);
}

/// Handle what waited, if it need not any longer, and what has become due.
void Protocol::resume(PeerId id, Time now) {
    Peer* peer = context_.find(id);
    if (peer == nullptr) return;
    if (peer->waiting && !must_wait(*peer, *peer->waiting)) {
        Message message = std::move(*peer->waiting);
        peer->waiting.reset();
        handle(*peer, std::move(message), now);
    } else {
        run_due(*peer, now);
    }
}

/// One peer's turn of everything that goes by time or by chance of room.
void Protocol::run_due(Peer& peer, Time now) {
    if (!peer.dropped && !peer.established) handshake_.tick(peer, now);
    if (peer.dropped || !peer.established) return;
    keepalive_.tick(peer, now);
    header_sync_.tick(peer, now);
    block_download_.tick(peer, now);
    transaction_announcer_.tick(peer, now);
    address_relay_.tick(peer, now);
}

Actions Protocol::tick(Time now) {
    transaction_announcer_.tick(now);
    transaction_download_.tick(now);
    for (const auto& [id, peer] : context_.peers) resume(id, now);
    return take_actions();
}

Outcome<> Protocol::verack(Peer& peer, Time now) {
    const bool was_established = peer.established;
    Outcome<> outcome = handshake_.verack(peer);
    if (was_established || !peer.established) return outcome;
    Keepalive::request(peer);
    transaction_announcer_.established(peer, now);
    address_relay_.established(peer, now);
    return outcome;
}

Outcome<> Protocol::inv(Peer& peer, ByteView payload, Time now) {
    const auto message = parse<InventoryMessage>(payload);
    if (!message) return malformed(peer, "inv");
    if (message->items.size() > MAX_INVENTORY)
        return Disconnect{fmt::format("inv message size = {}", message->items.size())};
    const Inventory* last_block = nullptr;
    for (const Inventory& item : message->items) {
        if (peer.dropped) break;
        if (item.type == InventoryType::Block)
            last_block = &item;
        else if (item.is_transaction())
            transaction_download_.announced(peer, item, now);
    }
    // The headers up to the last one tell of all the others.
    if (last_block != nullptr)
        header_sync_.announced(peer, consensus::BlockHash(last_block->hash), now);
    transaction_download_.tick(now);
    return done();
}

Actions Protocol::sent(PeerId id, size_t bytes, Time now) {
    Peer* peer = context_.find(id);
    if (peer == nullptr) return {};
    peer->unsent_bytes -= std::min(bytes, peer->unsent_bytes);
    server_.advance(*peer);
    resume(id, now);
    return take_actions();
}

Actions Protocol::headers_done(PeerId id, const chain::HeadersOutcome& outcome, Time now) {
    Peer* peer = context_.find(id);
    if (peer == nullptr) return {};
    --peer->headers_processing;
    header_sync_.headers_done(*peer, outcome, now);
    resume(id, now);
    return take_actions();
}

Actions Protocol::block_done(
    PeerId id, const consensus::BlockHash& hash, const chain::BlockOutcome& outcome, Time now) {
    block_download_.block_done(id, hash, outcome, now);
    resume(id, now);
    return take_actions();
}

Actions Protocol::transaction_done(
    PeerId id,
    const consensus::TransactionRef& tx,
    const consensus::Result<chain::Accepted>& outcome,
    Time now) {
    transaction_download_.transaction_done(id, tx, outcome, now);
    transaction_download_.tick(now); // parents of orphans are asked for at once
    resume(id, now);
    return take_actions();
}

Actions Protocol::read_done(PeerId id, std::optional<Message> answer, Time now) {
    Peer* peer = context_.find(id);
    if (peer == nullptr) return {};
    server_.read_done(*peer, std::move(answer));
    resume(id, now);
    return take_actions();
}

Actions Protocol::tip_changed(const chain::TipChange& change, Time now) {
    server_.tip_changed(change);
    transaction_download_.tip_changed(change);
    block_download_.tip_moved();
    block_announcer_.tip_changed(change);
    for (auto& [id, peer] : context_.peers) run_due(peer, now);
    return take_actions();
}

Actions
Protocol::transaction_added(const consensus::TransactionRef& tx, chain::FeeRate feerate, Time now) {
    transaction_download_.transaction_added(tx);
    transaction_announcer_.transaction_added(tx, feerate);
    for (auto& [id, peer] : context_.peers) {
        if (peer.permits(PERMIT_NOBAN)) run_due(peer, now); // to them, without delay
    }
    return take_actions();
}

Actions Protocol::transaction_removed(const consensus::TransactionRef& tx) {
    transaction_announcer_.transaction_removed(tx);
    return take_actions();
}

Actions Protocol::broadcast(const consensus::TransactionRef& tx, Time now) {
    transaction_announcer_.broadcast(tx, now);
    for (auto& [id, peer] : context_.peers) run_due(peer, now);
    return take_actions();
}

Actions Protocol::ping_all(Time now) {
    for (auto& [id, peer] : context_.peers) {
        if (!peer.established) continue;
        Keepalive::request(peer);
        run_due(peer, now);
    }
    return take_actions();
}

} // namespace cairn::node
