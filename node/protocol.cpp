// SPDX-License-Identifier: MIT
#include "node/protocol.h"

#include "node/handshake_messages.h"

#include <algorithm>
#include <cassert>
#include <spdlog/spdlog.h>

namespace cairn::node {

/// A command and what is done with it.
struct Protocol::Handler {
    enum class Phase : uint8_t {
        Handshake, ///< Taken at any time; the handler looks itself.
        Any,       ///< Once the handshake is over, while earlier ones are still being judged.
        InOrder,   ///< Once all that came before from this peer is done.
    };
    std::string_view command;
    Phase phase = Phase::Any;
    Outcome<> (*run)(Protocol& self, Peer& peer, Message& message, Time now) = nullptr;
};

namespace {

/// BIP-0111: who asks for what our services don't offer is dropped.
Outcome<> no_bloom(Context& context, Peer& peer, const Message& message) {
    context.drop(peer, message.command + " received despite not offering bloom services");
    return done();
}

} // namespace

std::span<const Protocol::Handler> Protocol::handlers() {
    using Phase = Handler::Phase;
    using P = Protocol&;
    using M = Message&;
    static constexpr auto H = Phase::Handshake;
    static constexpr auto A = Phase::Any;
    static constexpr auto O = Phase::InOrder;
    // clang-format off
    static const Handler TABLE[] = {
        {"version", H, [](P p, Peer& from, M m, Time now) { return p.handshake_.version(from, m.payload, now); }},
        {"feature", H, [](P p, Peer& from, M m, Time) { return p.handshake_.feature(from, m.payload); }},
        {"wtxidrelay", H, [](P p, Peer& from, M, Time) { return p.handshake_.wtxid_relay(from); }},
        {"sendaddrv2", H, [](P p, Peer& from, M, Time) { return p.handshake_.send_addrv2(from); }},
        {"verack", H, [](P p, Peer& from, M, Time now) { return p.verack(from, now); }},

        {"ping", O, [](P p, Peer& from, M m, Time) { return p.keepalive_.ping(from, m.payload); }},
        {"pong", A, [](P p, Peer& from, M m, Time now) { return p.keepalive_.pong(from, m.payload, now); }},

        {"addr", A, [](P p, Peer& from, M m, Time now) { return p.address_relay_.addr(from, m.payload, now); }},
        {"addrv2", A, [](P p, Peer& from, M m, Time now) { return p.address_relay_.addrv2(from, m.payload, now); }},
        {"getaddr", A, [](P p, Peer& from, M, Time now) { return p.address_relay_.get_addr(from, now); }},

        {"sendheaders", A, [](P, Peer& from, M, Time) { from.wants_headers = true; return done(); }},
        {"headers", A, [](P p, Peer& from, M m, Time now) { return p.header_sync_.headers(from, m.payload, now); }},
        {"block", A, [](P p, Peer& from, M m, Time now) { return p.block_download_.block(from, std::move(m.payload), now); }},
        {"inv", A, [](P p, Peer& from, M m, Time now) { return p.inv(from, m.payload, now); }},
        {"tx", A, [](P p, Peer& from, M m, Time now) { return p.transaction_download_.transaction(from, m.payload, now); }},
        {"notfound", A, [](P p, Peer& from, M m, Time) { return p.transaction_download_.not_found(from, m.payload); }},
        {"feefilter", A, [](P p, Peer& from, M m, Time) { return p.transaction_announcer_.fee_filter(from, m.payload); }},
        // Compact blocks are an offer that a node need not take up.
        {"sendcmpct", A, [](P, Peer&, M, Time) { return done(); }},

        {"getheaders", O, [](P p, Peer& from, M m, Time) { return p.server_.get_headers(from, m.payload); }},
        {"getblocks", O, [](P p, Peer& from, M m, Time) { return p.server_.get_blocks(from, m.payload); }},
        {"getdata", O, [](P p, Peer& from, M m, Time) { return p.server_.get_data(from, m.payload); }},
        {"mempool", O, [](P p, Peer& from, M, Time) { return p.server_.mempool(from); }},
        {"getcfilters", O, [](P p, Peer& from, M m, Time) { return p.server_.get_filters(from, m.payload); }},
        {"getcfheaders", O, [](P p, Peer& from, M m, Time) { return p.server_.get_filter_headers(from, m.payload); }},
        {"getcfcheckpt", O, [](P p, Peer& from, M m, Time) { return p.server_.get_filter_checkpoints(from, m.payload); }},

        {"filterload", A, [](P p, Peer& from, M m, Time) { return no_bloom(p.context_, from, m); }},
        {"filteradd", A, [](P p, Peer& from, M m, Time) { return no_bloom(p.context_, from, m); }},
        {"filterclear", A, [](P p, Peer& from, M m, Time) { return no_bloom(p.context_, from, m); }},
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
    if (const Outcome<> outcome = handler->run(*this, peer, message, now); !outcome)
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
    for (auto& [id, peer] : context_.peers) run_due(peer, now);
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
