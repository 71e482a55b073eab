// SPDX-License-Identifier: MIT
// What every conversation is given: the peers, the look-ups, and the way out.
#pragma once

#include "chain/policy.h"
#include "consensus/standard.h"
#include "node/chain_reader.h"
#include "node/peer.h"
#include "node/random.h"
#include "node/upload_limit.h"

#include <functional>
#include <string>
#include <string_view>

namespace cairn::node {

/// How the protocol behaves; from the option table and the chain.
struct ProtocolOptions {
    std::string user_agent;
    uint64_t services = 0;
    /// Where we are, by the operator; empty: where a peer sees us, at the port below.
    std::vector<NetAddress> external{};
    uint16_t announced_port = 0; ///< 0: nobody is told.
    bool blocks_only = false;
    std::chrono::seconds peer_timeout{60}; ///< For the handshake.
    uint64_t max_upload_bytes = 0;         ///< In a day; 0: no limit.
    chain::FeeRate min_relay_feerate{100}; ///< What the mempool takes while it isn't full.
    /// What is larger isn't looked at; of a block's where the chain takes what is unusual.
    int64_t max_transaction_weight = consensus::MAX_STANDARD_TX_WEIGHT;
    /// By the operator; empty: nobody is.
    std::function<bool(const NetAddress&)> is_banned{};
};

/// Of a message that holds a block, by the rules of the chain.
inline uint32_t max_block_message_bytes(const consensus::Params& params) {
    return static_cast<uint32_t>(std::max<int64_t>(params.max_block_weight, MAX_PAYLOAD_BYTES));
}

/// What may wait to be sent to a peer before it is given answers again: the system has as much once
/// more, so that disk and line keep each other busy.
constexpr size_t MAX_UNSENT_BYTES = 1'000'000;

/// Shared by the conversations of one Protocol, which owns it.
struct Context {
    const ChainReader& chain;
    ProtocolOptions options;
    Random random;
    Time now; ///< Of the call that is being handled.
    Peers peers;
    Actions out; ///< What has to be done, in order.
    /// Hosts of peers that broke the rules: see Protocol::discourages().
    RollingSet discouraged;
    consensus::SaltedHasher secret; ///< Decides what nobody may foresee.
    UploadLimit uploads{options.max_upload_bytes};
    /// Announced before it was validated: peers may ask for what they lack of it.
    const chain::BlockNode* unvalidated = nullptr;
    std::chrono::seconds wall_ahead{}; ///< Of `now`.

    /// Drops one that doesn't read.
    void send(Peer& peer, Message message);

    /// A message without content.
    void send(Peer& peer, std::string_view command) {
        send(peer, Message{std::string(command), {}});
    }

    template <class T>
    void send(Peer& peer, std::string_view command, const T& content) {
        send(peer, message_of(command, content));
    }

    /// End the connection; nothing more is taken from or sent to `peer`.
    void drop(Peer& peer, std::string reason);

    /// It broke the protocol's rules: it is dropped and discouraged, unless the operator trusts it.
    void misbehaving(Peer& peer, std::string reason);

    /// It sent what can't be parsed, which is passed over, as the reference does.
    static void malformed(
        const Peer& peer, std::string_view command, size_t bytes, std::string_view why = CUT_SHORT);

    static constexpr std::string_view CUT_SHORT = "DataStream::read(): end of data";

    static constexpr size_t MAX_DISCOURAGED = 50'000;
    /// What may wait to be sent to a peer beyond MAX_UNSENT_BYTES and an answer: what it is
    /// told without having asked. Who leaves more unread is dropped.
    static constexpr size_t MAX_UNASKED_BYTES = 500'000;

    /// The date. Timers go by `now`, which nobody sets.
    int64_t now_seconds() const { return date(now); }

    int64_t date(Time time) const { return seconds_of(time + wall_ahead); }

    /// What we offer at present: not all blocks, as long as those before a snapshot are missing.
    uint64_t services() const {
        const uint64_t missing = chain.assumed() ? uint64_t{NODE_NETWORK} : 0;
        return options.services & ~missing;
    }

    /// Whether the node at `address` is neither called nor told of: it is discouraged or banned.
    bool shuns(const NetAddress& address) const {
        return discouraged.contains(address.host_hash()) ||
               (options.is_banned && options.is_banned(address));
    }

    Peer* find(PeerId id) {
        const auto found = peers.find(id);
        return found == peers.end() || found->second.dropped ? nullptr : &found->second;
    }
};

} // namespace cairn::node
