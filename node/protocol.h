// SPDX-License-Identifier: MIT
// What peers may say and when, and what we say to them: Bitcoin's protocol as state machines
// without I/O. The network drives them with sockets and a clock, tests and the simulator without.
#pragma once

#include "node/address_relay.h"
#include "node/block_announcer.h"
#include "node/block_download.h"
#include "node/compact_relay.h"
#include "node/context.h"
#include "node/eviction.h"
#include "node/handshake.h"
#include "node/header_sync.h"
#include "node/keepalive.h"
#include "node/server.h"
#include "node/transaction_announcer.h"
#include "node/transaction_download.h"

#include <span>

namespace cairn::node {

/// All peers. Every function takes what happened and when, and returns what is to be done, in
/// order; each action that asks for something is answered by the function its comment names.
///
/// Invariants: a peer's messages are handled in the order they came; one that stands for "all
///   before is done" (ping, and what asks for data) waits until that is so.
/// Thread: network. No I/O, no clock, no randomness but from the seed.
class Protocol {
public:
    struct Admission {
        std::string_view refusal;      ///< Why it may not be a peer; empty if it may.
        std::optional<PeerId> evicted; ///< Who has to go first.
    };

    /// `chain` and `book` outlive this.
    Protocol(const ChainReader& chain, AddressBook& book, ProtocolOptions options, Random random);

    /// Of a message of this name. `max_block_bytes`: by the rules of the chain.
    static uint32_t max_payload_bytes(std::string_view command, uint32_t max_block_bytes);

    // Connections.
    Actions connected(const NewPeer& peer, Time now);
    Actions disconnected(PeerId id, Time now);
    /// Requires: takes_messages(id).
    Actions received(PeerId id, Message message, Time now);
    /// False while a message waits for earlier ones to be judged: read no more from it.
    bool takes_messages(PeerId id) const;
    /// So many bytes of Send actions were handed to the system.
    Actions sent(PeerId id, size_t bytes, Time now);
    /// Time-outs, pings, announcements that are due. Called every 100 ms.
    Actions tick(Time now);

    // Answers to actions.
    Actions headers_done(PeerId id, const chain::HeadersOutcome& outcome, Time now);
    Actions block_done(
        PeerId id, const consensus::BlockHash& hash, const chain::BlockOutcome& outcome, Time now);
    Actions transaction_done(
        const AcceptTransaction& asked,
        const consensus::Result<chain::Accepted>& outcome,
        Time now);
    Actions read_done(PeerId id, std::optional<Message> answer, Time now);

    // News of the chain, from whatever source.
    /// All but its coins and scripts is found good; announce_tip() follows if these are, too.
    Actions block_checked(const chain::BlockNode& node, const consensus::BlockRef& block, Time now);
    /// First of all, so that peers hear of it before all that takes a while; tip_changed() follows.
    Actions announce_tip(const chain::TipChange& change, Time now);
    Actions tip_changed(const chain::TipChange& change, Time now);
    /// `saved`: it comes from a mempool.dat, so that peers have heard of it.
    Actions transaction_added(const consensus::TransactionRef& tx, Time now, bool saved = false);
    /// Comes before transaction_added(): announced again and again until a peer asks for it.
    void transaction_unsent(const consensus::TransactionRef& tx, Time now);
    /// Not into a block: tip_changed() tells of those.
    Actions transaction_removed(const consensus::TransactionRef& tx);

    // Operators.
    Actions broadcast(const consensus::TransactionRef& tx, Time now);
    Actions ping_all(Time now);

    /// Ask a peer for a block. `why_not`: set to Core's words where that can't be.
    Actions fetch_block(
        PeerId id, const chain::BlockNode& node, std::optional<std::string>& why_not, Time now);

    /// The wall clock is so far ahead of the time that calls bring: dates are that much later.
    void set_wall_ahead(std::chrono::seconds ahead) { context_.wall_ahead = ahead; }

    /// Seconds since the epoch by the wall clock, at `time`.
    int64_t date(Time time) const { return context_.date(time); }

    /// What is due once in a long while is due so much earlier. Core: mockscheduler.
    void advance_schedule(std::chrono::seconds by) { transaction_announcer_.advance_retry(by); }

    const Peers& peers() const { return context_.peers; }

    const ChainReader& chain() const { return context_.chain; }

    /// Whether a peer at `address` broke the rules: it is not called, and not let in where room is
    /// short.
    bool discourages(const NetAddress& address) const {
        return context_.discouraged.contains(address.host_hash());
    }

    bool shuns(const NetAddress& address) const { return context_.shuns(address); }

    /// Whether `fresh` may be a peer, where `max_inbound` may call us: a second connection to one
    /// place may not, nor one that broke the rules have the last slot; for who calls us, room is
    /// made.
    Admission admit(const NewPeer& fresh, size_t max_inbound) const;

    const ProtocolOptions& options() const { return context_.options; }

    uint64_t services() const { return context_.services(); }

    const UploadLimit& uploads() const { return context_.uploads; }

    int64_t time_offset() const { return handshake_.time_offset(); }

    std::vector<consensus::Txid> unbroadcast() const {
        return transaction_announcer_.unbroadcast();
    }

    const TransactionDownload& transactions() const { return transaction_download_; }

private:
    struct Handler;
    static std::span<const Handler> handlers();
    static const Handler* find_handler(std::string_view command);

    void handle(Peer& peer, Message message);
    bool must_wait(const Peer& peer, const Message& message) const;
    void resume(Peer& peer);
    void run_due(Peer& peer);
    void run_all_due();
    void inv(Peer& peer, const InventoryMessage& message);
    void version(Peer& peer, const VersionMessage& message);
    void verack(Peer& peer);
    Actions take_actions();

    Context context_;
    Handshake handshake_;
    Keepalive keepalive_;
    HeaderSync header_sync_;
    BlockDownload block_download_;
    CompactRelay compact_relay_;
    BlockAnnouncer block_announcer_;
    TransactionDownload transaction_download_;
    TransactionAnnouncer transaction_announcer_;
    AddressRelay address_relay_;
    Server server_;
};

} // namespace cairn::node
