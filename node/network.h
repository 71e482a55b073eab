// SPDX-License-Identifier: MIT
// The node's peers: a thin shell of sockets and timers around the protocol's state machines
// (protocol.h), on one thread of its own.
#pragma once

#include "chain/chain.h"
#include "node/clock.h"
#include "node/net_address.h"
#include "node/orphanage.h"
#include "node/peer_id.h"
#include "node/upload_limit.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace cairn::node {

class AddressBook;
class BanList;
struct Message;
struct Peer;
struct ProtocolOptions;
enum class ConnectionType : uint8_t;

/// How a node meets others; from the option table.
struct NetworkOptions {
    bool listen = true;
    std::vector<std::string> bind;      ///< addr[:port]; empty: all interfaces at the chain's port.
    uint16_t port = 0;                  ///< 0: the chain file's.
    std::vector<NetAddress> external;   ///< -externalip; empty: where peers see us.
    std::vector<std::string> connect;   ///< -connect: these only, no others looked for.
    bool connect_only = false;          ///< -connect was given, -connect=0 included.
    std::vector<std::string> add_nodes; ///< -addnode
    std::vector<std::string> seed_nodes; ///< -seednode
    std::set<NetworkId> only_networks;   ///< -onlynet; empty: all.
    bool dns_seed = true;
    std::string proxy;       ///< -proxy, host:port; empty: none.
    std::string onion_proxy; ///< -onion, for Tor's addresses; empty: they aren't reached.
    bool proxy_randomize = true;
    int max_connections = 125;
    std::vector<std::string> user_agent_comments; ///< -uacomment
    std::chrono::seconds peer_timeout{60};        ///< -peertimeout, for the handshake
    bool serve_filters = true;                    ///< -peerblockfilters
    bool blocks_only = false;                     ///< -blocksonly
    std::vector<std::string> whitelist;           ///< -whitelist=permissions@net
    std::vector<std::string> white_bind;          ///< -whitebind=permissions@addr[:port]
    uint32_t implied_permissions = 0;             ///< Of an entry of these two that names none.
    std::filesystem::path directory;              ///< Of peers.dat and others; empty: none.
    int64_t ban_seconds = int64_t{24} * 3600;     ///< -bantime
    uint64_t max_upload_bytes = 0;                ///< -maxuploadtarget, a day; 0: no limit

    /// Whether peers there are called that no option names.
    bool reaches(NetworkId network) const {
        const bool has_way = network == NetworkId::TorV3
                                 ? !onion_proxy.empty()
                                 : network == NetworkId::Ipv4 || network == NetworkId::Ipv6;
        return has_way && (only_networks.empty() || only_networks.contains(network));
    }
};

/// What went over one connection. Times in seconds, 0 for never.
struct Traffic {
    uint64_t bytes_sent = 0;
    uint64_t bytes_received = 0;
    std::map<std::string, uint64_t> bytes_sent_by_message;
    std::map<std::string, uint64_t> bytes_received_by_message; ///< Unknown ones under "*other*".
    int64_t last_send = 0;
    int64_t last_receive = 0;
};

/// One peer, as getpeerinfo tells of it.
struct PeerView {
    const Peer& peer;
    const Traffic& traffic;
    Time now;
    int64_t connected = 0; ///< A date, by the wall clock.
};

struct PeerCounts {
    size_t inbound = 0;
    size_t outbound = 0;
};

/// What -addnode and addnode hold on to.
struct AddedNode {
    std::string address;
    std::string connected_address; ///< Empty: it isn't connected.
};

enum class AddNodeCommand : uint8_t { Add, Remove, OneTry };

/// All peers. Thread: owns the network thread; every function may be called from any other thread
/// and answers once the network thread has acted, but for those that say "at once".
class Network {
public:
    /// `chain`, `clock` outlive it. Throws std::runtime_error if an address can't be bound (named
    /// in the message).
    static std::unique_ptr<Network>
    make(chain::Chain& chain, const Clock& clock, NetworkOptions options);
    virtual ~Network() = default; ///< As stop().

    virtual void start() = 0;
    virtual void stop() = 0;

    /// Show all peers by id to `visit`, on the network thread: it returns at once.
    virtual void each_peer(const std::function<void(const PeerView&)>& visit) const = 0;
    // The next three answer at once.
    virtual PeerCounts counts() const = 0;
    /// Seconds that the clocks of peers we called are ahead, as Handshake has it.
    virtual int64_t time_offset() const = 0;
    /// Have the network thread call `done`, if it still turns.
    virtual void heartbeat(std::function<void()> done) = 0;
    virtual Traffic totals() const = 0; ///< Bytes over all peers since the start.
    virtual UploadLimit uploads() const = 0;
    virtual bool active() const = 0;          ///< At once.
    virtual void set_active(bool active) = 0; ///< false: drop all, accept and look for none.
    virtual const NetworkOptions& options() const = 0;           ///< At once.
    virtual const ProtocolOptions& protocol_options() const = 0; ///< At once.
    virtual uint64_t services() const = 0; ///< What we offer at present; at once.

    /// False if `address` is (Add) or isn't (Remove) on the list.
    virtual bool add_node(const std::string& address, AddNodeCommand command) = 0;
    virtual std::vector<AddedNode> added_nodes() const = 0;
    /// Call `address` as if we had chosen it. False if we have as many of that kind as we want.
    virtual bool call(const std::string& address, ConnectionType type) = 0;
    /// False if there is no such peer.
    virtual bool disconnect(const std::string& address) = 0;
    virtual bool disconnect(PeerId id) = 0;
    /// Send a message as it is, for tests. False if there is no such peer.
    virtual bool send(PeerId id, const Message& message) = 0;
    /// Ask a peer for the block of `node`, wherever that is. Why not, in Core's words, if it can't.
    virtual std::optional<std::string> fetch_block(PeerId id, const chain::BlockNode& node) = 0;
    /// Let `visit` see or change the bans; who is banned now is dropped.
    virtual void with_bans(const std::function<void(BanList&)>& visit) = 0;
    virtual void ping_all() = 0;
    /// The clock was moved, or the next retries and the next saving come nearer by so much (see
    /// Protocol): what is due now is done before this returns.
    virtual void advance_schedule(std::chrono::seconds by) = 0;
    /// Announce `tx`, which waits already, once more. At once.
    virtual void broadcast(const consensus::TransactionRef& tx) = 0;
    virtual std::vector<consensus::Txid> unbroadcast() const = 0; ///< What no peer has asked for.
    virtual std::vector<Orphanage::Orphan> orphans() const = 0;   ///< Whose parents are missing.
    /// Let `visit` see or change what addresses are known.
    virtual void with_addresses(const std::function<void(AddressBook&)>& visit) = 0;
};

} // namespace cairn::node
