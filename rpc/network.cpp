// SPDX-License-Identifier: MIT
// Peers: who they are, and with whom to connect.
#include "node/network.h"

#include "node/context.h"
#include "node/permissions.h"
#include "rpc/describe.h"
#include "rpc/methods.h"
#include "rpc/node_context.h"
#include "rpc/server/help.h"

#include <algorithm>
#include <array>
#include <spdlog/spdlog.h>

namespace cairn::rpc {

using namespace consensus;
using namespace server;
using node::AddedNode;
using node::Network;
using node::NetworkOptions;
using node::PeerCounts;
using node::PeerView;

namespace {

constexpr int32_t REFERENCE_VERSION = 310000; ///< Tools choose what they ask for by it.

const Error ALREADY_ADDED{Code::NodeAlreadyAdded, "Error: Node already added"};
const Error NOT_REMOVED{
    Code::NodeNotAdded, "Error: Node could not be removed. It has not been added previously."};
const Error NOT_ADDED{Code::NodeNotAdded, "Error: Node has not been added."};
const Error NOT_CONNECTED{Code::NodeNotConnected, "Node not found in connected nodes"};
const Error ADDRESS_OR_ID{
    Code::InvalidParams, "Only one of address and nodeid should be provided."};
const Error NO_V2{
    Code::InvalidParameter,
    "Error: Adding v2transport connections requires -v2transport init flag to be set."};
const Error NO_CAPACITY{
    Code::NodeCapacityReached, "Error: Already at capacity for specified connection type."};

/// Core's names of service bits.
constexpr std::array<std::pair<int, std::string_view>, 6> SERVICE_NAMES{{
    {0, "NETWORK"},
    {2, "BLOOM"},
    {3, "WITNESS"},
    {6, "COMPACT_FILTERS"},
    {10, "NETWORK_LIMITED"},
    {11, "P2P_V2"},
}};

std::string service_name(int bit) {
    for (const auto& [known, name] : SERVICE_NAMES)
        if (known == bit) return std::string(name);
    return "UNKNOWN[2^" + std::to_string(bit) + "]";
}

std::vector<std::string> service_names(uint64_t services) {
    std::vector<std::string> names;
    for (int bit = 0; bit < 64; ++bit)
        if ((services >> bit & 1) != 0) names.push_back(service_name(bit));
    return names;
}

HexText service_bits(uint64_t services) {
    return {fmt::format("{:016x}", services)};
}

// getnetworkinfo /////////////////////////////////////////////////////////////////////////////

struct NetworkKind {
    std::string_view name;
    std::string proxy;
    bool randomized = false;
    bool reachable = false;
};

std::vector<NetworkKind> network_kinds(const NetworkOptions& options) {
    std::vector<NetworkKind> kinds;
    for (size_t i = 0; i < node::NETWORK_IDS.size(); ++i) {
        const node::NetworkId id = node::NETWORK_IDS[i];
        const bool reachable = options.reaches(id);
        const bool onion = id == node::NetworkId::TorV3;
        const std::string& proxy = onion ? options.onion_proxy : options.proxy;
        const std::string shown = reachable ? proxy : "";
        kinds.push_back(
            {node::NETWORK_NAMES[i], shown, !shown.empty() && options.proxy_randomize, reachable});
    }
    return kinds;
}

const Object<NetworkKind> NETWORK_KIND{
    {"name", "Its name (ipv4, ipv6, onion, i2p, cjdns)", &NetworkKind::name},
    {"limited", "Whether it is not used", [](auto& kind) { return !kind.reachable; }},
    {"reachable", "Whether it can be used", &NetworkKind::reachable},
    {"proxy", "host:port of the proxy, or empty", &NetworkKind::proxy},
    {"proxy_randomize_credentials", "Whether each goes its own way", &NetworkKind::randomized}};

constexpr int BY_OPERATOR = 4; ///< Core: LOCAL_MANUAL.

const Object<node::NetAddress> OWN_ADDRESS{
    {"address", "Host", &node::NetAddress::host},
    {"port", "Port", &node::NetAddress::port},
    {"score", "How sure it is; 4: by -externalip", [](auto&) { return BY_OPERATOR; }}};

struct NetworkState {
    const Node& node;
    const Network& network = *node.network;
    const chain::Chain& chain = node.chain;
    const chain::ChainOptions& options = chain.options();
    PeerCounts peers = network.counts();
};

const Object<NetworkState> NETWORK_STATE{
    {"version", "Version of the reference whose behaviour this is",
     [](auto&) { return REFERENCE_VERSION; }},
    {"subversion", "As the node presents itself to peers",
     [](auto& s) { return s.network.protocol_options().user_agent; }},
    {"protocolversion", "Newest version of the protocol it speaks",
     [](auto&) { return node::PROTOCOL_VERSION; }},
    {"localservices", "Services it offers",
     [](auto& s) { return service_bits(s.network.services()); }},
    {"localservicesnames", "Their names",
     [](auto& s) { return service_names(s.network.services()); }},
    {"localrelay", "Whether it asks peers for transactions",
     [](auto& s) { return !s.network.options().blocks_only; }},
    {"timeoffset", "Seconds that peers' clocks are ahead: their median, which changes nothing",
     [](auto& s) { return s.network.time_offset(); }},
    {"networkactive", "Whether it has connections at all",
     [](auto& s) { return s.network.active(); }},
    {"connections", "Peers", [](auto& s) { return s.peers.inbound + s.peers.outbound; }},
    {"connections_in", "Those that came to us", [](auto& s) { return s.peers.inbound; }},
    {"connections_out", "Those we went to", [](auto& s) { return s.peers.outbound; }},
    {"networks", "Kinds of networks", [](auto& s) { return network_kinds(s.network.options()); },
     NETWORK_KIND},
    {"relayfee", "Least price of 1,000 virtual bytes for relay",
     [](auto& s) { return s.options.min_relay_feerate; }},
    {"incrementalfee", "Least rise of the price for a replacement",
     [](auto& s) { return s.options.incremental_feerate; }},
    {"localaddresses", "Own addresses that peers are told, besides where each sees the node",
     [](auto& s) { return s.network.protocol_options().external; }, OWN_ADDRESS},
    {"warnings", "What an operator should know", WARNINGS}};

Outcome<NetworkState> getnetworkinfo(const Call& call, Network& /*network*/) {
    return NetworkState{context_of(call).node};
}

const Method GETNETWORKINFO{
    .name = "getnetworkinfo",
    .summary = "The node as a member of the network.",
    .fails = {P2P_DISABLED},
    .run = {with_network<getnetworkinfo>, NETWORK_STATE},
};

// getpeerinfo ////////////////////////////////////////////////////////////////////////////////

std::optional<double> in_seconds(const std::optional<std::chrono::microseconds>& time) {
    if (!time) return std::nullopt;
    return std::chrono::duration<double>(*time).count();
}

std::optional<double> ping_wait(const PeerView& p) {
    if (p.peer.ping.nonce == 0) return std::nullopt;
    return in_seconds(p.now - p.peer.ping.sent_at);
}

int32_t height_of(const chain::BlockNode* node) {
    return node == nullptr ? -1 : node->height.value;
}

std::vector<Height> in_flight(const PeerView& p) {
    std::vector<Height> heights;
    for (const chain::BlockNode* node : p.peer.blocks.in_flight) heights.push_back(node->height);
    return heights;
}

std::string_view connection_type(const PeerView& p) {
    return node::CONNECTION_TYPE_NAMES.at(static_cast<size_t>(p.peer.type));
}

const Object<PeerView> PEER{
    {"id", "Names it for as long as the process runs", [](auto& p) { return p.peer.id; }},
    {"addr", "Its host:port", [](auto& p) { return p.peer.name(); }},
    {"addrbind", "Our host:port", [](auto& p) { return p.peer.bound_address.to_string(); }},
    {"network", "Its network (ipv4, ipv6, onion, i2p, cjdns, not_publicly_routable)",
     [](auto& p) { return p.peer.address.network_name(); }},
    {"services", "Services it offers", [](auto& p) { return service_bits(p.peer.services); }},
    {"servicesnames", "Their names", [](auto& p) { return service_names(p.peer.services); }},
    {"relaytxes", "Whether it wants transactions",
     [](auto& p) { return p.peer.relays_transactions && p.peer.carries_transactions(); }},
    {"last_inv_sequence", "Mempool changes it was told of",
     [](auto& p) { // of what no mempool is before: the reference begins with it
         return std::max<uint64_t>(p.peer.announcements.shown_sequence, 1);
     }},
    {"inv_to_send", "Transactions waiting to be announced to it",
     [](auto& p) { return p.peer.announcements.queue.size(); }},
    {"lastsend", "When something was sent", [](auto& p) { return Seconds{p.traffic.last_send}; }},
    {"lastrecv", "When something came", [](auto& p) { return Seconds{p.traffic.last_receive}; }},
    {"last_transaction", "When a transaction we took came",
     [](auto& p) { return Seconds{p.peer.transactions.last_at}; }},
    {"last_block", "When a block we took came",
     [](auto& p) { return Seconds{p.peer.blocks.last_at}; }},
    {"bytessent", "Bytes sent", [](auto& p) { return p.traffic.bytes_sent; }},
    {"bytesrecv", "Bytes received", [](auto& p) { return p.traffic.bytes_received; }},
    {"conntime", "When it was connected", [](auto& p) { return Seconds{p.connected}; }},
    {"timeoffset", "Seconds its clock was ahead then", [](auto& p) { return p.peer.time_offset; }},
    {"pingtime", "Seconds the last ping took",
     [](auto& p) { return in_seconds(p.peer.ping.last); }},
    {"minping", "Seconds the fastest ping took",
     [](auto& p) { return in_seconds(p.peer.ping.least); }},
    {"pingwait", "Seconds since a ping that isn't answered yet", ping_wait},
    {"version", "Version of the protocol it speaks", [](auto& p) { return p.peer.version; }},
    {"subver", "As it presents itself", [](auto& p) { return p.peer.user_agent; }},
    {"inbound", "Whether it came to us", [](auto& p) { return p.peer.inbound(); }},
    {"bip152_hb_to", "Whether we asked it for unasked compact blocks",
     [](auto& p) { return p.peer.compact.announces; }},
    {"bip152_hb_from", "Whether it asked us for them",
     [](auto& p) { return p.peer.compact.wants_announcements; }},
    {"presynced_headers", "Height of headers not kept yet; -1: none",
     [](auto& p) {
         const auto& presync = p.peer.headers.presync;
         return (presync ? presync->counted() : std::nullopt).value_or(Height(-1));
     }},
    {"synced_headers", "Last header in common; -1: not known",
     [](auto& p) { return height_of(p.peer.headers.best_known); }},
    {"synced_blocks", "Last block in common; -1: not known",
     [](auto& p) { return height_of(p.peer.blocks.last_common); }},
    {"inflight", "Heights of the blocks asked of it", in_flight},
    {"addr_relay_enabled", "Whether addresses are exchanged with it",
     [](auto& p) { return p.peer.addresses.relays; }},
    {"addr_processed", "Addresses taken from it",
     [](auto& p) { return p.peer.addresses.processed; }},
    {"addr_rate_limited", "Addresses dropped, being too many",
     [](auto& p) { return p.peer.addresses.rate_limited; }},
    {"permissions", "What it may do",
     [](auto& p) { return node::permission_names(p.peer.permissions); }},
    {"minfeefilter", "Least price of 1,000 virtual bytes it wants to hear of",
     [](auto& p) { return Amount(p.peer.announcements.fee_filter); }},
    {"bytessent_per_msg", "Bytes sent, by message",
     [](auto& p) { return p.traffic.bytes_sent_by_message; }},
    {"bytesrecv_per_msg", "Bytes received, by message",
     [](auto& p) { return p.traffic.bytes_received_by_message; }},
    {"connection_type", "inbound, outbound-full-relay, manual, ...", connection_type},
    {"transport_protocol_type", "v1", [](auto&) { return "v1"; }},
    {"session_id", "Empty with v1", [](auto&) { return ""; }}};

Reply getpeerinfo(const Call&, Network& network) {
    JsonWriter all;
    all.begin_array();
    network.each_peer([&](const PeerView& view) { PEER.write(all, view); });
    return all.end_array().take();
}

const Method GETPEERINFO{
    .name = "getpeerinfo",
    .summary = "All peers, in the order in which they were connected.",
    .fails = {P2P_DISABLED},
    .run = {with_network<getpeerinfo>, {returned<std::vector<PeerView>>("", "The peers", PEER)}},
};

// The smaller ones ///////////////////////////////////////////////////////////////////////////

Outcome<size_t> getconnectioncount(const Call&, Network& network) {
    const PeerCounts counts = network.counts();
    return counts.inbound + counts.outbound;
}

const Method GETCONNECTIONCOUNT{
    .name = "getconnectioncount",
    .summary = "How many peers there are.",
    .fails = {P2P_DISABLED},
    .run = {with_network<getconnectioncount>, "Peers"},
};

struct Totals {
    node::Traffic bytes;
    node::UploadLimit uploads;
    node::Time now;
    const Params& params;
};

const Object<Totals> UPLOAD_TARGET{
    {"timeframe", "Seconds it is for",
     [](auto&) { return std::chrono::seconds(node::UploadLimit::CYCLE).count(); }},
    {"target", "Bytes; 0: no limit", [](auto& t) { return t.uploads.target(); }},
    {"target_reached", "Whether it is reached",
     [](auto& t) { return t.uploads.is_reached(t.now); }},
    {"serve_historical_blocks", "Whether old blocks are served",
     [](auto& t) { return !t.uploads.refuses_old(t.now, t.params); }},
    {"bytes_left_in_cycle", "Bytes left", [](auto& t) { return t.uploads.bytes_left(t.now); }},
    {"time_left_in_cycle", "Seconds left; 0: no limit",
     [](auto& t) { return t.uploads.target() == 0 ? 0 : t.uploads.time_left(t.now).count(); }}};

const Object<Totals> TOTALS{
    {"totalbytesrecv", "Bytes received", [](auto& t) { return t.bytes.bytes_received; }},
    {"totalbytessent", "Bytes sent", [](auto& t) { return t.bytes.bytes_sent; }},
    {"timemillis", "Now, in milliseconds since 1970",
     [](auto& t) {
         return std::chrono::duration_cast<std::chrono::milliseconds>(t.now.time_since_epoch())
             .count();
     }},
    {"uploadtarget", "The limit of uploads: -maxuploadtarget", UPLOAD_TARGET}};

Outcome<Totals> getnettotals(const Call& call, Network& network) {
    return Totals{
        network.totals(), network.uploads(), context_of(call).node.clock.now(), params_of(call)};
}

const Method GETNETTOTALS{
    .name = "getnettotals",
    .summary = "Traffic with all peers since the start.",
    .fails = {P2P_DISABLED},
    .run = {with_network<getnettotals>, TOTALS},
};

Outcome<> ping(const Call&, Network& network) {
    network.ping_all();
    return Null{};
}

const Method PING{
    .name = "ping",
    .role = Role::Admin,
    .summary = "Ping all peers; getpeerinfo shows how long they took.",
    .fails = {P2P_DISABLED},
    .run = with_network<ping>,
};

Outcome<bool> setnetworkactive(const Call& call, Network& network) {
    spdlog::info("SetNetworkActive: {}", call.flag(0));
    network.set_active(call.flag(0));
    return network.active();
}

const Method SETNETWORKACTIVE{
    .name = "setnetworkactive",
    .role = Role::Admin,
    .summary = "Drop all peers and look for none, or look for them again.",
    .params = {{"state", Type::Bool, REQUIRED, "false: be alone"}},
    .fails = {P2P_DISABLED},
    .example = "true",
    .run = {with_network<setnetworkactive>, "The state now"},
};

Outcome<> addnode(const Call& call, Network& network) {
    const std::string& address = call.text(0);
    const std::string& command = call.text(1);
    using Command = node::AddNodeCommand;
    if (call.has(2) && call.flag(2)) return NO_V2;
    if (command == "onetry")
        network.add_node(address, Command::OneTry);
    else if (command == "add" && !network.add_node(address, Command::Add))
        return ALREADY_ADDED;
    else if (command == "remove" && !network.add_node(address, Command::Remove))
        return NOT_REMOVED;
    else if (command != "add" && command != "remove")
        return Error{Code::Misc, help_text(call.method)};
    return Null{};
}

const Method ADDNODE{
    .name = "addnode",
    .role = Role::Admin,
    .summary = "Connect with a node, once or for good.",
    .params =
        {{"node", Type::Text, REQUIRED, "Its address, or address:port"},
         {"command", Type::Text, REQUIRED, "add: stay connected, remove: no longer, onetry: once"},
         {"v2transport", Type::Bool, ABSENT, "Must be false: the transport is v1"}},
    .fails = {{Code::Misc, "addnode ..."}, ALREADY_ADDED, NOT_REMOVED, NO_V2, P2P_DISABLED},
    .example = "127.0.0.1:1 onetry",
    .run = with_network<addnode>,
};

/// The arguments, as they are shown.
struct CalledPeer {
    std::string address;
    std::string type;
};

const Object<CalledPeer> CALLED_PEER{
    {"address", "As it was given", &CalledPeer::address},
    {"connection_type", "As it was given", &CalledPeer::type}};

Outcome<CalledPeer> addconnection(const Call& call, Network& network) {
    if (!is_test_chain(call)) return not_a_test_chain(call);
    using node::ConnectionType;
    const auto& names = node::CONNECTION_TYPE_NAMES;
    const auto* found = std::find(names.begin(), names.end(), call.text(1));
    const auto type = static_cast<ConnectionType>(found - names.begin());
    if (found == names.end() || type == ConnectionType::Inbound || type == ConnectionType::Manual)
        return Error{Code::InvalidParameter, help_text(call.method)};
    if (call.flag(2)) return NO_V2;
    if (!network.call(call.text(0), type)) return NO_CAPACITY;
    return CalledPeer{call.text(0), call.text(1)};
}

const Method ADDCONNECTION{
    .name = "addconnection",
    .role = Role::Admin,
    .summary = "Call a peer as if the node had chosen it; for tests.",
    .params =
        {{"address", Type::Text, REQUIRED, "Its address:port"},
         {"connection_type", Type::Text, REQUIRED,
          "outbound-full-relay, block-relay-only, addr-fetch or feeler"},
         {"v2transport", Type::Bool, REQUIRED, "false: the transport is v1"}},
    .fails =
        {{Code::InvalidParameter, "addconnection ..."},
         NO_V2,
         NO_CAPACITY,
         {Code::Misc, "addconnection is for regression testing (-regtest mode) only"},
         P2P_DISABLED},
    .example = "127.0.0.1:1 outbound-full-relay false",
    .run = {with_network<addconnection>, CALLED_PEER},
};

Outcome<> disconnectnode(const Call& call, Network& network) {
    const bool by_address = call.has(0) && !call.text(0).empty();
    if (by_address == call.has(1)) return ADDRESS_OR_ID;
    const bool found = by_address ? network.disconnect(call.text(0))
                                  : network.disconnect(node::PeerId{call.integer(1)});
    if (!found) return NOT_CONNECTED;
    return Null{};
}

const Method DISCONNECTNODE{
    .name = "disconnectnode",
    .role = Role::Admin,
    .summary = "Close the connection with a peer.",
    .params =
        {{"address", Type::Text, ABSENT, "Its host:port; empty if the id is given"},
         {"nodeid", Type::Integer, ABSENT, "Its id in getpeerinfo"}},
    .fails = {NOT_CONNECTED, ADDRESS_OR_ID, P2P_DISABLED},
    .example = "$PEER",
    .run = with_network<disconnectnode>,
};

const Object<AddedNode> CONNECTION{
    {"address", "Its host:port", &AddedNode::connected_address},
    {"connected", "outbound", [](auto&) { return "outbound"; }}};

const Object<AddedNode> ADDED_NODE{
    {"addednode", "As it was given", &AddedNode::address},
    {"connected", "Whether it is a peer now", [](auto& n) { return !n.connected_address.empty(); }},
    {"addresses", "Connections with it",
     [](auto& n) { return std::vector<AddedNode>(n.connected_address.empty() ? 0 : 1, n); },
     CONNECTION}};

Outcome<std::vector<AddedNode>> getaddednodeinfo(const Call& call, Network& network) {
    std::vector<AddedNode> added = network.added_nodes();
    if (!call.has(0)) return added;
    std::erase_if(added, [&](const AddedNode& node) { return node.address != call.text(0); });
    if (added.empty()) return NOT_ADDED;
    return added;
}

const Method GETADDEDNODEINFO{
    .name = "getaddednodeinfo",
    .summary = "Nodes that addnode holds on to.",
    .params = {{"node", Type::Text, ABSENT, "Only this one"}},
    .fails = {NOT_ADDED, P2P_DISABLED},
    .run = {with_network<getaddednodeinfo>, ADDED_NODE},
};

// getorphantxs ///////////////////////////////////////////////////////////////////////////////

using node::Orphanage;

const Object<Orphanage::Orphan> ORPHAN{
    {"txid", "Its id", [](auto& o) { return o.tx->txid; }},
    {"wtxid", "The hash with the witness", [](auto& o) { return o.tx->wtxid; }},
    {"bytes", "Bytes on the wire", [](auto& o) { return o.tx->size_bytes; }},
    {"vsize", "Virtual bytes", [](auto& o) { return o.tx->vsize(); }},
    {"weight", "Weight units", [](auto& o) { return o.tx->weight(); }},
    {"from", "Ids of the peers that sent or announced it", [](auto& o) { return o.announcers; }}};

const Object<Orphanage::Orphan> ORPHAN_WITH_HEX{
    {ORPHAN}, {"hex", "As on the wire", [](auto& o) { return encode(*o.tx); }}};

const Error VERBOSITY_IS_BOOL{Code::TypeError, "Verbosity was boolean but only integer allowed"};

Reply getorphantxs(const Call& call, node::Network& network) {
    if (call.arguments[0].is(Json::Kind::Bool)) return VERBOSITY_IS_BOOL;
    const int64_t verbosity = call.integer(0);
    if (verbosity < 0 || verbosity > 2)
        return Error{
            Code::InvalidParameter, "Invalid verbosity value " + std::to_string(verbosity)};
    const std::vector<Orphanage::Orphan> orphans = network.orphans();
    if (verbosity == 2) return to_json(orphans, ORPHAN_WITH_HEX);
    if (verbosity == 1) return to_json(orphans, ORPHAN);
    std::vector<Txid> txids;
    txids.reserve(orphans.size());
    for (const Orphanage::Orphan& orphan : orphans) txids.push_back(orphan.tx->txid);
    return to_json(txids);
}

const Method GETORPHANTXS{
    .name = "getorphantxs",
    .summary = "Transactions whose parents are missing.",
    .params =
        {{"verbosity", Type::Level, "0", "0: their ids, 1: what they are, 2: their bytes, too"}},
    .fails =
        {VERBOSITY_IS_BOOL, {Code::InvalidParameter, "Invalid verbosity value ..."}, P2P_DISABLED},
    .example = "1",
    .run =
        {with_network<getorphantxs>,
         {returned<std::vector<Txid>>("verbosity = 0", "Their ids"),
          returned<std::vector<Orphanage::Orphan>>("verbosity = 1", "The transactions", ORPHAN),
          returned<std::vector<Orphanage::Orphan>>(
              "verbosity = 2", "The transactions", ORPHAN_WITH_HEX)}},
};

const Error NOT_SENT{Code::Misc, "Error: Could not send message to peer"};
const Error TYPE_TOO_LONG{Code::InvalidParameter, "Error: msg_type too long, max length is 12"};

Outcome<NoMembers> sendmsgtopeer(const Call& call, node::Network& network) {
    constexpr size_t MAX_TYPE_SIZE = 12;
    if (call.text(1).size() > MAX_TYPE_SIZE) return TYPE_TOO_LONG;
    if (std::optional<Error> error = check_hex("msg", call.text(2))) return std::move(*error);
    const node::Message message{call.text(1), *from_hex(call.text(2))};
    if (call.integer(0) < 0 || !network.send(static_cast<node::PeerId>(call.integer(0)), message))
        return NOT_SENT;
    return NoMembers();
}

const Method SENDMSGTOPEER{
    .name = "sendmsgtopeer",
    .role = Role::Admin,
    .summary = "Send a message to a peer, whatever it is; for tests.",
    .params =
        {{"peer_id", Type::Integer, REQUIRED, "The peer, as getpeerinfo numbers it"},
         {"msg_type", Type::Text, REQUIRED, "The message's type"},
         {"msg", Type::Hex, REQUIRED, "What it holds"}},
    .fails = {NOT_SENT, TYPE_TOO_LONG, P2P_DISABLED},
    .example = "0 addr ffffff",
    .run = {with_network<sendmsgtopeer>, "Nothing"},
};

/// Of publishers by ZeroMQ, which there are none of: tools ask before they subscribe.
struct Notifier {
    std::string type;
    std::string address;
    int64_t high_water_mark = 0;
};

const Object<Notifier> NOTIFIER{
    {"type", "What it tells of", &Notifier::type},
    {"address", "Where", &Notifier::address},
    {"hwm", "Messages that may wait", &Notifier::high_water_mark}};

const Method GETZMQNOTIFICATIONS{
    .name = "getzmqnotifications",
    .summary = "Publishers by ZeroMQ: always none.",
    .run = {[](const Call&) { return std::vector<Notifier>(); }, NOTIFIER},
};

} // namespace

Groups network_methods() {
    return {
        {"Network",
         {&GETNETWORKINFO, &GETPEERINFO, &GETCONNECTIONCOUNT, &GETNETTOTALS, &PING,
          &SETNETWORKACTIVE, &ADDNODE, &DISCONNECTNODE, &GETADDEDNODEINFO}},
        {"Zmq", {&GETZMQNOTIFICATIONS}},
        {"hidden", {&ADDCONNECTION, &GETORPHANTXS, &SENDMSGTOPEER}}};
}

} // namespace cairn::rpc
