// SPDX-License-Identifier: MIT
#include "node/protocol.h"

#include <algorithm>
#include <cassert>
#include <concepts>
#include <spdlog/spdlog.h>

namespace cairn::node {

namespace {

/// Why a message can't be read, by what was read of it, in the reference's words.
std::string fault_of(const auto& content) {
    if constexpr (std::same_as<decltype(content), const AddrV2Message&>)
        for (const TimedAddress& entry : content.addresses)
            if (const size_t size = entry.address.bytes.size();
                size > AddrV2Message::MAX_ADDRESS_BYTES)
                return fmt::format(
                    "Address too long: {} > {}", size, AddrV2Message::MAX_ADDRESS_BYTES);
    return std::string(Context::CUT_SHORT);
}

/// Call `function`, which takes no content.
template <class T>
void deliver(T& conversation, void (T::*function)(Peer&), Peer& peer, Message& /*message*/) {
    (conversation.*function)(peer);
}

/// Call `function` with the message's content, or with its bytes if that is what it takes.
template <class T, class Argument>
void deliver(T& conversation, void (T::*function)(Peer&, Argument), Peer& peer, Message& message) {
    using Content = std::remove_cvref_t<Argument>;
    if constexpr (std::same_as<Content, Bytes>)
        (conversation.*function)(peer, std::move(message.payload));
    else {
        consensus::Reader reader(message.payload);
        Content content{};
        reader(content);
        if (!reader.failed()) return (conversation.*function)(peer, std::move(content));
        Context::malformed(peer, message.command, message.payload.size(), fault_of(content));
    }
}

Context make_context(const ChainReader& chain, ProtocolOptions options, Random random) {
    const consensus::SaltedHasher salt{random.next(), random.next()};
    const RollingSet discouraged(Context::MAX_DISCOURAGED, salt);
    return {chain, std::move(options), random, {}, {}, {}, discouraged, salt};
}

} // namespace

/// A command and what is done with it.
struct Protocol::Handler {
    /// What bounds the memory that those of one peer take, or how many of them count. The sum is
    /// MAX_PEER_BYTES (peer_limits.h).
    enum class Limit : uint8_t {
        // These are done at once.
        Value,     ///< It sets a value of the peer, or does nothing: any number takes no more.
        Once,      ///< The first counts, or is the last.
        Tokens,    ///< AddressRelay::TOKENS_PER_SECOND; addresses beyond are passed over.
        Announced, ///< TransactionRequests::MAX_ANNOUNCED; what is beyond is passed over.
        // One that would be above these waits, and nothing more of this peer is read.
        Headers,      ///< One run of headers at the chain; HeaderPresync::WAITING.
        Blocks,       ///< BlockDownload::MAX_PROCESSING_BYTES
        Compact,      ///< Both of these.
        Transactions, ///< TransactionDownload::MAX_PROCESSING_BYTES
        Answers,      ///< All before is done, and less than MAX_UNSENT_BYTES wait for the peer.
    };
    enum class Phase : uint8_t {
        Handshake, ///< Taken at any time; the handler looks itself.
        After,     ///< Once the handshake is over.
    };
    static constexpr uint32_t BLOCK = UINT32_MAX;
    static constexpr uint32_t HALF_BLOCK = UINT32_MAX - 1;
    std::string_view command;
    Phase phase = Phase::After;
    uint32_t max_bytes = 0; ///< BLOCK: as many as a block may have; HALF_BLOCK: half of that.
    Limit limit = Limit::Value;
    void (*run)(Protocol& self, Peer& peer, Message& message) = nullptr;

    /// By a function of one of the conversations.
    template <auto CONVERSATION, auto FUNCTION>
    static void by(Protocol& self, Peer& peer, Message& message) {
        deliver(self.*CONVERSATION, FUNCTION, peer, message);
    }

    /// By a function that joins several of them.
    template <auto FUNCTION>
    static void by_all(Protocol& self, Peer& peer, Message& message) {
        deliver(self, FUNCTION, peer, message);
    }

    static void no_bloom(Protocol& self, Peer& peer, Message& message);
    static void ping(Protocol& self, Peer& peer, Message& message);
    static void send_headers(Protocol& self, Peer& peer, Message& message);
    static void send_compact(Protocol& self, Peer& peer, Message& message);
};

/// BIP-0111: who asks for what our services don't offer is dropped.
void Protocol::Handler::no_bloom(Protocol& self, Peer& peer, Message& message) {
    self.context_.drop(peer, message.command + " received despite not offering bloom services");
}

/// Who gets the answer knows that what was due by then was said before.
void Protocol::Handler::ping(Protocol& self, Peer& peer, Message& message) {
    self.transaction_download_.tick();
    if (peer.version < Keepalive::PONG_VERSION) return; // it wants no answer
    by<&Protocol::keepalive_, &Keepalive::ping>(self, peer, message);
}

void Protocol::Handler::send_headers(Protocol& /*self*/, Peer& peer, Message& /*message*/) {
    peer.wants_headers = true;
}

/// BIP-0152: the first byte "MUST have a value of either 1 or 0".
void Protocol::Handler::send_compact(Protocol& self, Peer& peer, Message& message) {
    if (!message.payload.empty() && message.payload[0] > 1)
        return self.context_.misbehaving(peer, "invalid sendcmpct announce field");
    by<&Protocol::compact_relay_, &CompactRelay::send_compact>(self, peer, message);
}

std::span<const Protocol::Handler> Protocol::handlers() {
    using P = Protocol;
    using H = Handler;
    static constexpr auto FIRST = H::Phase::Handshake;
    static constexpr auto LATER = H::Phase::After;
    using enum H::Limit;
    // Sizes are somewhat above what the largest proper message takes, so that a count that is too
    // high is still seen as such, and logged as such.
    static constexpr uint32_t SMALL = 64;            // up to 37; the reference logs longer pongs
    static constexpr uint32_t LOCATOR = 4'000;       // 101 hashes
    static constexpr uint32_t INVENTORY = 2'000'000; // 50,000 of 36
    static constexpr Handler TABLE[] = {
        {"version", FIRST, 1'024, Once, H::by_all<&P::version>}, // 86, and what others may append
        {"feature", FIRST, 600, Value, H::by<&P::handshake_, &Handshake::feature>}, // 80 and 512
        {"wtxidrelay", FIRST, SMALL, Value, H::by<&P::handshake_, &Handshake::wtxid_relay>},
        {"sendaddrv2", FIRST, SMALL, Value, H::by<&P::handshake_, &Handshake::send_addrv2>},
        {"verack", FIRST, SMALL, Once, H::by_all<&P::verack>},

        {"ping", LATER, SMALL, Answers, H::ping},
        {"pong", LATER, SMALL, Value, H::by<&P::keepalive_, &Keepalive::pong>},

        // 1,000 addresses of 30 bytes, or of up to 533.
        {"addr", LATER, 40'000, Tokens, H::by<&P::address_relay_, &AddressRelay::addr>},
        {"addrv2", LATER, 550'000, Tokens, H::by<&P::address_relay_, &AddressRelay::addrv2>},
        {"getaddr", LATER, SMALL, Once, H::by<&P::address_relay_, &AddressRelay::get_addr>},

        {"sendheaders", LATER, SMALL, Value, H::send_headers},
        {"sendcmpct", LATER, SMALL, Value, H::send_compact},
        // 6 bytes a transaction; whole ones, of which the first may take a quarter of a block.
        {"cmpctblock", LATER, H::HALF_BLOCK, Compact,
         H::by<&P::compact_relay_, &CompactRelay::compact_block>},
        {"blocktxn", LATER, H::BLOCK, Blocks,
         H::by<&P::compact_relay_, &CompactRelay::block_transactions>},
        // 2,000 of 81.
        {"headers", LATER, 200'000, Headers, H::by<&P::header_sync_, &HeaderSync::headers>},
        {"block", LATER, H::BLOCK, Blocks, H::by<&P::block_download_, &BlockDownload::block>},
        {"inv", LATER, INVENTORY, Announced, H::by_all<&P::inv>},
        // Who sends one that is too large for us to relay is no liar: others may relay it.
        {"tx", LATER, H::BLOCK, Transactions,
         H::by<&P::transaction_download_, &TransactionDownload::transaction>},
        {"notfound", LATER, INVENTORY, Value,
         H::by<&P::transaction_download_, &TransactionDownload::not_found>},
        {"feefilter", LATER, SMALL, Value,
         H::by<&P::transaction_announcer_, &TransactionAnnouncer::fee_filter>},

        {"getheaders", LATER, LOCATOR, Answers, H::by<&P::server_, &Server::get_headers>},
        {"getblocks", LATER, LOCATOR, Answers, H::by<&P::server_, &Server::get_blocks>},
        // Up to 65,536 indexes of 1 to 3 bytes.
        {"getblocktxn", LATER, 200'000, Answers,
         H::by<&P::server_, &Server::get_block_transactions>},
        {"getdata", LATER, INVENTORY, Answers, H::by<&P::server_, &Server::get_data>},
        {"mempool", LATER, SMALL, Answers, H::by<&P::server_, &Server::mempool>},
        {"getcfilters", LATER, SMALL, Answers, H::by<&P::server_, &Server::get_filters>},
        {"getcfheaders", LATER, SMALL, Answers, H::by<&P::server_, &Server::get_filter_headers>},
        {"getcfcheckpt", LATER, SMALL, Answers,
         H::by<&P::server_, &Server::get_filter_checkpoints>},

        // Who says one of these is dropped.
        {"filterload", LATER, MAX_PAYLOAD_BYTES, Once, H::no_bloom},
        {"filteradd", LATER, MAX_PAYLOAD_BYTES, Once, H::no_bloom},
        {"filterclear", LATER, MAX_PAYLOAD_BYTES, Once, H::no_bloom},
    };
    return TABLE;
}

const Protocol::Handler* Protocol::find_handler(std::string_view command) {
    for (const Handler& handler : handlers())
        if (handler.command == command) return &handler;
    return nullptr;
}

uint32_t Protocol::max_payload_bytes(std::string_view command, uint32_t max_block_bytes) {
    const Handler* handler = find_handler(command);
    if (handler == nullptr) return MAX_PAYLOAD_BYTES;
    if (handler->max_bytes == Handler::HALF_BLOCK) return max_block_bytes / 2;
    return handler->max_bytes == Handler::BLOCK ? max_block_bytes : handler->max_bytes;
}

Protocol::Protocol(
    const ChainReader& chain, AddressBook& book, ProtocolOptions options, Random random)
    : context_(make_context(chain, std::move(options), random)),
      handshake_(context_),
      keepalive_(context_),
      header_sync_(context_),
      block_download_(context_),
      compact_relay_(context_, header_sync_, block_download_),
      block_announcer_(context_),
      transaction_download_(
          context_,
          [this](const consensus::TransactionRef& tx) { transaction_announcer_.queue(tx); }),
      transaction_announcer_(context_),
      address_relay_(context_, book),
      server_(
          context_, [this](const consensus::Txid& txid) { transaction_announcer_.served(txid); }) {}

Actions Protocol::take_actions() {
    return std::exchange(context_.out, Actions());
}

Protocol::Admission Protocol::admit(const NewPeer& fresh, size_t max_inbound) const {
    const auto count = [&](auto chosen) {
        const auto is_chosen = [&](const auto& entry) { return chosen(entry.second); };
        return static_cast<size_t>(std::ranges::count_if(context_.peers, is_chosen));
    };
    if (fresh.type != ConnectionType::Inbound) {
        const auto is_same = [&](const Peer& peer) {
            return !peer.inbound() && peer.address == fresh.address &&
                   fresh.address != NetAddress();
        };
        return {count(is_same) > 0 ? "connected already" : "", {}};
    }
    const size_t callers = count([](const Peer& peer) { return peer.inbound(); });
    const bool trusted = (fresh.permissions & PERMIT_NOBAN) != 0;
    if (callers + 1 >= max_inbound && !trusted && discourages(fresh.address))
        return {"discouraged", {}};
    if (callers < max_inbound) return {};
    const auto evicted = choose_to_evict(context_.peers, context_.discouraged, context_.secret);
    return {evicted ? "" : "full", evicted};
}

Actions Protocol::connected(const NewPeer& fresh, Time now) {
    context_.now = now;
    const consensus::SaltedHasher salt{context_.random.next(), context_.random.next()};
    const auto [entry, is_new] = context_.peers.try_emplace(fresh.id, fresh, now, salt);
    assert(is_new);
    handshake_.connected(entry->second);
    return take_actions();
}

Actions Protocol::disconnected(PeerId id, Time now) {
    context_.now = now;
    const auto found = context_.peers.find(id);
    if (found == context_.peers.end()) return {};
    Peer& peer = found->second;
    peer.dropped = true;
    header_sync_.disconnected(id);
    block_download_.give_back(peer);
    compact_relay_.disconnected(id);
    transaction_download_.disconnected(peer);
    context_.peers.erase(found);
    run_all_due(); // what it owed us
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
    switch (handler->limit) {
    case Handler::Limit::Headers:
        return peer.headers_processing > 0;
    case Handler::Limit::Blocks:
        return !block_download_.can_take(peer) ||
               (message.command == "block" && block_download_.awaits_parent(peer, message.payload));
    case Handler::Limit::Compact:
        return peer.headers_processing > 0 || !block_download_.can_take(peer);
    case Handler::Limit::Transactions:
        return !TransactionDownload::can_take(peer, message.payload.size());
    case Handler::Limit::Answers:
        return peer.busy() || peer.unsent_bytes >= MAX_UNSENT_BYTES;
    default:
        return false;
    }
}

Actions Protocol::received(PeerId id, Message message, Time now) {
    context_.now = now;
    Peer* peer = context_.find(id);
    if (peer == nullptr) return {};
    assert(!peer->waiting);
    if (must_wait(*peer, message))
        peer->waiting = std::move(message);
    else
        handle(*peer, std::move(message));
    return take_actions();
}

void Protocol::handle(Peer& peer, Message message) {
    spdlog::debug(
        "received: {} ({} bytes) peer={}", message.command, message.payload.size(), peer.id);
    peer.spoke = true;
    const Handler* handler = find_handler(message.command);
    if (handler == nullptr) {
        spdlog::debug("unknown command={} peer={}", message.command, peer.id);
        return;
    }
    const bool is_handshake = handler->phase == Handler::Phase::Handshake;
    const bool is_version = message.command == "version";
    if ((!is_handshake && !peer.established) || (!is_version && !peer.version_received)) {
        if (peer.version_received)
            spdlog::debug(
                "Unsupported message \"{}\" prior to verack from peer={}", message.command,
                peer.id);
        else
            spdlog::debug(
                "non-version message before version handshake. Message \"{}\" from peer={}",
                message.command, peer.id);
        return;
    }
    handler->run(*this, peer, message);
    run_due(peer);
}

/// Handle what waited, if it need not any longer, and what has become due.
void Protocol::resume(Peer& peer) {
    if (peer.waiting && !peer.dropped && !must_wait(peer, *peer.waiting)) {
        Message message = std::move(*peer.waiting);
        peer.waiting.reset();
        handle(peer, std::move(message));
    } else {
        run_due(peer);
    }
}

/// One peer's turn of everything that goes by time or by chance of room.
void Protocol::run_due(Peer& peer) {
    if (!peer.dropped && !peer.established) handshake_.tick(peer);
    if (peer.dropped || !peer.established) return;
    keepalive_.tick(peer);
    header_sync_.tick(peer);
    block_download_.tick(peer);
    transaction_announcer_.tick(peer);
    address_relay_.tick(peer);
}

void Protocol::run_all_due() {
    for (auto& [id, peer] : context_.peers) run_due(peer);
}

Actions Protocol::tick(Time now) {
    context_.now = now;
    transaction_announcer_.tick();
    transaction_download_.expire();
    transaction_download_.tick();
    for (auto& [id, peer] : context_.peers) resume(peer);
    return take_actions();
}

void Protocol::version(Peer& peer, const VersionMessage& message) {
    handshake_.version(peer, message);
    address_relay_.version(peer);
}

void Protocol::verack(Peer& peer) {
    if (peer.established) {
        spdlog::debug("ignoring redundant verack message from peer={}", peer.id);
        return;
    }
    handshake_.verack(peer);
    Keepalive::request(peer);
    compact_relay_.established(peer);
    transaction_announcer_.established(peer);
    address_relay_.established(peer);
}

void Protocol::inv(Peer& peer, const InventoryMessage& message) {
    if (message.items.size() > MAX_INVENTORY)
        return context_.misbehaving(
            peer, fmt::format("inv message size = {}", message.items.size()));
    const Inventory* last_block = nullptr;
    for (const Inventory& item : message.items) {
        if (peer.dropped) break;
        if (item.type == InventoryType::Block)
            last_block = &item;
        else if (item.is_transaction())
            transaction_download_.announced(peer, item);
    }
    // The headers up to the last one tell of all the others.
    if (last_block != nullptr) header_sync_.announced(peer, consensus::BlockHash(last_block->hash));
    transaction_download_.tick();
}

Actions Protocol::sent(PeerId id, size_t bytes, Time now) {
    context_.now = now;
    context_.uploads.sent(bytes, now);
    Peer* peer = context_.find(id);
    if (peer == nullptr) return {};
    peer->unsent_bytes -= std::min(bytes, peer->unsent_bytes);
    server_.advance(*peer);
    resume(*peer);
    return take_actions();
}

Actions Protocol::headers_done(PeerId id, const chain::HeadersOutcome& outcome, Time now) {
    context_.now = now;
    Peer* peer = context_.find(id);
    if (peer == nullptr) return {};
    --peer->headers_processing;
    header_sync_.headers_done(*peer, outcome);
    resume(*peer);
    return take_actions();
}

Actions Protocol::block_done(
    PeerId id, const consensus::BlockHash& hash, const chain::BlockOutcome& outcome, Time now) {
    context_.now = now;
    block_download_.block_done(id, hash, outcome);
    compact_relay_.block_done(id, outcome);
    if (Peer* peer = context_.find(id)) resume(*peer);
    return take_actions();
}

Actions Protocol::transaction_done(
    const AcceptTransaction& asked, const consensus::Result<chain::Accepted>& outcome, Time now) {
    context_.now = now;
    transaction_download_.transaction_done(asked, outcome);
    using Kind = consensus::Reject::Kind;
    // What waits already, or wasn't looked at, would only push out what a block may hold.
    if (!outcome && outcome.error().kind != Kind::Known && outcome.error().kind != Kind::Busy)
        compact_relay_.transaction_dropped(asked.tx);
    transaction_download_.tick(); // parents of orphans are asked for at once
    if (Peer* peer = context_.find(asked.peer)) resume(*peer);
    return take_actions();
}

Actions Protocol::read_done(PeerId id, std::optional<Message> answer, Time now) {
    context_.now = now;
    Peer* peer = context_.find(id);
    if (peer == nullptr) return {};
    server_.read_done(*peer, std::move(answer));
    resume(*peer);
    return take_actions();
}

Actions
Protocol::block_checked(const chain::BlockNode& node, const consensus::BlockRef& block, Time now) {
    context_.now = now;
    block_announcer_.block_checked(node, block);
    return take_actions();
}

Actions Protocol::announce_tip(const chain::TipChange& change, Time now) {
    context_.now = now;
    block_announcer_.tip_changed(change);
    return take_actions();
}

Actions Protocol::tip_changed(const chain::TipChange& change, Time now) {
    context_.now = now;
    server_.tip_changed(change);
    transaction_download_.tip_changed(change);
    transaction_announcer_.tip_changed();
    block_download_.tip_moved();
    run_all_due();
    return take_actions();
}

Actions Protocol::transaction_added(const consensus::TransactionRef& tx, Time now, bool saved) {
    context_.now = now;
    transaction_download_.transaction_added(tx);
    // What is new isn't to wait in the queues behind a whole mempool.
    if (!saved || transaction_announcer_.is_unsent(tx->txid)) transaction_announcer_.queue(tx);
    for (auto& [id, peer] : context_.peers) {
        if (peer.permits(PERMIT_NOBAN)) run_due(peer); // to them, without delay
    }
    return take_actions();
}

Actions Protocol::transaction_removed(const consensus::TransactionRef& tx) {
    transaction_announcer_.transaction_removed(tx);
    compact_relay_.transaction_dropped(tx);
    return take_actions();
}

void Protocol::transaction_unsent(const consensus::TransactionRef& tx, Time now) {
    context_.now = now;
    transaction_announcer_.transaction_unsent(tx);
}

Actions Protocol::broadcast(const consensus::TransactionRef& tx, Time now) {
    context_.now = now;
    transaction_announcer_.queue(tx);
    run_all_due();
    return take_actions();
}

Actions Protocol::fetch_block(
    PeerId id, const chain::BlockNode& node, std::optional<std::string>& why_not, Time now) {
    context_.now = now;
    Peer* peer = context_.find(id);
    if (peer == nullptr)
        why_not = "Peer does not exist";
    else if ((peer->services & NODE_WITNESS) == 0)
        why_not = "Pre-SegWit peer";
    else if (!block_download_.ask(*peer, node))
        why_not = "Already requested from this peer";
    return take_actions();
}

Actions Protocol::ping_all(Time now) {
    context_.now = now;
    for (auto& [id, peer] : context_.peers) Keepalive::request(peer);
    run_all_due();
    return take_actions();
}

} // namespace cairn::node
