// SPDX-License-Identifier: MIT
// All that is remembered of one peer. Each conversation owns the part that bears its name; the
// rest is common knowledge, set where the comment says.
#pragma once

#include "chain/block_node.h"
#include "node/actions.h"
#include "node/clock.h"
#include "node/compact_block.h"
#include "node/header_presync.h"
#include "node/messages.h"
#include "node/peer_id.h"
#include "node/rolling_set.h"

#include <boost/unordered/unordered_flat_set.hpp>

#include <array>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace cairn::node {

/// Why there is a connection.
enum class ConnectionType : uint8_t {
    Inbound,
    OutboundFullRelay, ///< Chosen by us, from the address book or seeds.
    Manual,            ///< -connect, -addnode, addnode
    BlockRelayOnly,    ///< Neither transactions nor addresses, so that nobody sees whom we know.
    AddrFetch,         ///< Asked for addresses, then left.
    Feeler,            ///< Called only to see whether it is there.
};

/// In the order of the enumeration, Core's names.
constexpr std::array<std::string_view, 6> CONNECTION_TYPE_NAMES{
    "inbound", "outbound-full-relay", "manual", "block-relay-only", "addr-fetch", "feeler"};

/// What -whitelist and -whitebind grant: bits of Peer::permissions. Core: NetPermissionFlags.
enum Permission : uint32_t {
    PERMIT_NOBAN = 1,       ///< Announced to without delay; never dropped for misbehaviour.
    PERMIT_RELAY = 2,       ///< Its transactions are taken even with -blocksonly.
    PERMIT_FORCE_RELAY = 4, ///< What it sends again is announced again.
    PERMIT_MEMPOOL = 8,     ///< May ask for the mempool (BIP-0035).
    PERMIT_DOWNLOAD = 16,
    PERMIT_ADDR = 32,         ///< Its addresses are taken without a rate limit.
    PERMIT_BLOOM_FILTER = 64, ///< Of no effect: BIP-0037 isn't served to anyone.
};

/// A connection that has just been made.
struct NewPeer {
    PeerId id = NO_PEER;
    ConnectionType type = ConnectionType::Inbound;
    NetAddress address;
    uint32_t permissions = 0; ///< Bits of Permission.
    std::string target;       ///< What was dialled; empty for inbound ones.
    NetAddress bound_address; ///< Our end of it.

    /// Its host:port; what was dialled, where only the proxy knows the address.
    std::string name() const { return address == NetAddress() ? target : address.to_string(); }
};

/// One peer. Owned by Protocol.
struct Peer : NewPeer {
    Peer(const NewPeer& fresh, Time now, consensus::SaltedHasher salt)
        : NewPeer(fresh),
          connected_at(now),
          compact{.tried = {MAX_COMPACT_TRIED, salt}},
          transactions{.announced = HashSet(0, salt)},
          known_transactions(MAX_KNOWN_TRANSACTIONS, salt),
          known_addresses(MAX_KNOWN_ADDRESSES, salt) {}

    bool inbound() const { return type == ConnectionType::Inbound; }

    /// Whether transactions go over this connection, as far as its kind says.
    bool carries_transactions() const {
        return type != ConnectionType::BlockRelayOnly && type != ConnectionType::Feeler;
    }

    bool permits(Permission permission) const { return (permissions & permission) != 0; }

    /// A transaction by the id that is used with this peer.
    Inventory named(const consensus::Txid& txid, const consensus::Wtxid& wtxid) const {
        if (wtxid_relay) return {InventoryType::WtxidTransaction, wtxid};
        return {InventoryType::Transaction, txid};
    }

    /// Whether anything it sent is still being worked on: an answer that stands for "all before
    /// this is done" waits for that.
    bool busy() const {
        return headers_processing + blocks_processing + transactions_processing > 0 ||
               !server.wanted.empty() || !server.reads.empty() || server.reading;
    }

    const Time connected_at;

    // Protocol: the flow of messages.
    bool dropped = false;           ///< A Drop is under way: nothing is taken or sent any more.
    std::optional<Message> waiting; ///< Came in too early; nothing more is read meanwhile.
    size_t unsent_bytes = 0;        ///< Given to the connection, not yet to the system.
    size_t headers_processing = 0;  ///< Runs of headers that the chain has not judged yet.
    size_t blocks_processing = 0;
    size_t transactions_processing = 0;
    size_t transaction_bytes = 0; ///< Of these, on the wire.

    // Handshake.
    bool spoke = false; ///< Said anything at all.
    bool version_received = false;
    bool established = false; ///< verack came: everything else may be said.
    uint64_t local_nonce = 0; ///< Of our version message.
    int32_t version = 0;
    uint64_t services = 0;
    std::string user_agent;
    int32_t starting_height = -1;
    int64_t time_offset = 0; ///< Seconds its clock is ahead.
    bool relays_transactions = false;
    bool wtxid_relay = false;
    bool wants_addrv2 = false;
    bool wants_headers = false; ///< New blocks are announced by their headers (BIP-0130).
    NetAddress our_address;     ///< As it sees us.

    struct Ping {
        uint64_t nonce = 0; ///< 0: none on its way.
        Time sent_at;
        bool requested = false; ///< By an operator.
        std::optional<std::chrono::microseconds> last;
        std::optional<std::chrono::microseconds> least;
    } ping;

    struct Headers {
        bool started = false; ///< It was asked at least once.
        std::optional<Time> asked_at;
        bool told_all = false; ///< It has none after the run that is being judged.
        const chain::BlockNode* best_known = nullptr; ///< Most work we know it to have.
        consensus::BlockHash last_unknown;            ///< Announced, but not in our tree yet.
        std::optional<HeaderPresync> presync;         ///< A chain of it that must prove its worth.
        const chain::BlockNode* best_sent = nullptr;  ///< We announced it last.
        bool trusted = false; ///< It had as much work as we when it told; may fall behind then.
        const chain::BlockNode* expected = nullptr; ///< It is behind, and should get here.
        std::optional<Time> expected_by;
        bool warned = false; ///< It was asked once more.
    } headers;

    struct Blocks {
        std::vector<const chain::BlockNode*> in_flight;
        /// Asked of it, and then of others, since it held them up. It sends them all the same,
        /// before those in flight; with these up to BlockDownload::MAX_IN_FLIGHT.
        std::vector<const chain::BlockNode*> owed;
        Time progress_at; ///< Last of them, or first request after none.
        Time unread_at;   ///< When something of it last waited: what is behind that isn't missing.
        double bytes_a_second = 0;      ///< As it sent them while it owed us any; 0: not known yet.
        size_t measured_bytes = 0;      ///< In
        Time::duration measured_time{}; ///< this time, up to
        Time measured_at;
        const chain::BlockNode* last_common = nullptr; ///< We have it and all before it.
        bool slow = false;   ///< It held up others; asked only for what nobody else has.
        int64_t last_at = 0; ///< Seconds: when its last block came that joined the chain.
    } blocks;

    static constexpr size_t MAX_COMPACT_TRIED = 10;

    /// Compact blocks (BIP-0152).
    struct Compact {
        bool offered = false;                ///< It gives them.
        bool wants_announcements = false;    ///< It is told of new blocks by them.
        bool announces = false;              ///< We asked it to do so.
        consensus::BlockHash announced;      ///< Of the one that waits for its header's verdict.
        std::optional<PartialBlock> partial; ///< The rest was asked for.
        RollingSet tried; ///< Blocks it sent so since they were asked of it; once each.
    } compact;

    using HashSet = boost::unordered_flat_set<consensus::Hash256, consensus::SaltedHasher>;

    struct Transactions {
        size_t in_flight = 0;
        /// By either id; up to TransactionRequests::MAX_ANNOUNCED.
        HashSet announced;
        int64_t last_at = 0; ///< Seconds: when its last good transaction came.
        bool silent = false; ///< It let a request time out, and has answered none since.
    } transactions;

    struct Announcements {
        /// To be announced to it, by the id that is used with it; up to
        /// TransactionAnnouncer::MAX_QUEUED.
        std::deque<consensus::Hash256> queue;
        Time next;
        /// Mempool changes up to this may be asked for. Of a new peer none: who calls again and
        /// again would learn when each came in.
        uint64_t shown_sequence = 0;
        int64_t fee_filter = 0; ///< Its own: satoshis for 1,000 vbytes.
        int64_t fee_filter_sent = -1;
        Time next_fee_filter;
    } announcements;

    static constexpr size_t MAX_KNOWN_TRANSACTIONS = 25'000;
    RollingSet known_transactions; ///< By the id that is used with this peer.

    static constexpr size_t MAX_KNOWN_ADDRESSES = 1000;
    RollingSet known_addresses; ///< Hashes of the last ones that it told or was told.

    struct Addresses {
        bool relays = false; ///< A caller: once it spoke of addresses. Never over block-relay-only.
        double tokens = 1;   ///< Addresses that will be taken now.
        Time tokens_at;
        uint64_t processed = 0;
        uint64_t rate_limited = 0;
        bool asked_us = false; ///< Its one getaddr was answered.
        bool we_asked = false;
        std::vector<TimedAddress> queue; ///< To be told next; up to 100.
        Time next;
        Time next_own; ///< When it is told again where we are; Time(): at once.
    } addresses;

    /// What it asked for and is still to get; one request message at a time.
    struct Serving {
        std::deque<Inventory> wanted; ///< Up to MAX_INVENTORY, with those in not_found.
        std::deque<DiskRead> reads;   ///< Up to MAX_FILTERS.
        std::vector<Inventory> not_found;
        bool reading = false;
        consensus::BlockHash continue_at; ///< Ends an answer to getblocks; asked for, more follows.
    } server;
};

/// Ordered, so that every run visits peers in the same order.
using Peers = std::map<PeerId, Peer>;

} // namespace cairn::node
