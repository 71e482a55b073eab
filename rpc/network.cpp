// SPDX-License-Identifier: MIT
// Peers: who they are, and with whom to connect.
#include "node/network.h"

#include "node/messages.h"
#include "rpc/describe.h"
#include "rpc/methods.h"
#include "rpc/node_context.h"
#include "rpc/server/help.h"

#include <algorithm>
#include <array>
#include <spdlog/fmt/fmt.h>

namespace cairn::rpc {

using namespace consensus;
using namespace server;

namespace {

constexpr std::string_view GROUP = "Network";
constexpr int32_t REFERENCE_VERSION = 310000; ///< Tools choose what they ask for by it.

constexpr int64_t UPLOAD_TIMEFRAME_SECONDS = 24 * 3600;

const Failure P2P_DISABLED{
    Code::P2pDisabled, "Error: Peer-to-peer functionality missing or disabled"};

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

void write_services(
    JsonWriter& writer, std::string_view key, std::string_view names_key, uint64_t services) {
    writer.field(key, fmt::format("{:016x}", services)).key(names_key).begin_array();
    for (int bit = 0; bit < 64; ++bit)
        if ((services >> bit & 1) != 0) writer.string(service_name(bit));
    writer.end_array();
}

// getnetworkinfo /////////////////////////////////////////////////////////////////////////////

Reply getnetworkinfo(const Call& call) {
    const Outcome<node::Network*> network = network_of(call);
    if (!network) return network.error();
    const std::vector<node::PeerInfo> peers = (*network)->peers();
    const auto inbound = std::count_if(
        peers.begin(), peers.end(), [](const node::PeerInfo& peer) { return peer.inbound; });
    const chain::ChainOptions& options = chain_of(call).options();
    JsonWriter writer;
    writer.begin_object().field("version", REFERENCE_VERSION);
    writer.field("subversion", (*network)->user_agent());
    writer.field("protocolversion", node::PROTOCOL_VERSION);
    write_services(writer, "localservices", "localservicesnames", (*network)->local_services());
    writer.field("localrelay", !(*network)->options().blocks_only).field("timeoffset", 0);
    writer.field("networkactive", (*network)->active());
    writer.field("connections", static_cast<uint64_t>(peers.size()));
    writer.field("connections_in", static_cast<int64_t>(inbound));
    writer.field("connections_out", static_cast<int64_t>(peers.size()) - inbound);
    writer.key("networks").begin_array();
    for (const std::string_view name : {"ipv4", "ipv6", "onion", "i2p", "cjdns"}) {
        const bool reachable = name == "ipv4" || name == "ipv6";
        writer.begin_object().field("name", name).field("limited", !reachable);
        writer.field("reachable", reachable).field("proxy", "");
        writer.field("proxy_randomize_credentials", false).end_object();
    }
    writer.end_array().key("relayfee").amount(options.min_relay_feerate.per_kvb.value);
    writer.key("incrementalfee").amount(options.incremental_feerate.per_kvb.value);
    writer.key("localaddresses").begin_array().end_array();
    return writer.key("warnings").begin_array().end_array().end_object().take();
}

const Method GETNETWORKINFO{
    .name = "getnetworkinfo",
    .group = GROUP,
    .summary = "The node as a member of the network.",
    .returns =
        {{"",
          {"",
           Type::Object,
           "",
           {{"version", Type::Int32, "Version of the reference whose behaviour this is"},
            {"subversion", Type::Text, "As the node presents itself to peers"},
            {"protocolversion", Type::Int32, "Newest version of the protocol it speaks"},
            {"localservices", Type::Hex, "Services it offers"},
            {"localservicesnames", Type::Array, "Their names", {{"", Type::Text, "A service"}}},
            {"localrelay", Type::Bool, "Whether it asks peers for transactions"},
            {"timeoffset", Type::Integer, "0: the clock is the machine's own"},
            {"networkactive", Type::Bool, "Whether it has connections at all"},
            {"connections", Type::Integer, "Peers"},
            {"connections_in", Type::Integer, "Those that came to us"},
            {"connections_out", Type::Integer, "Those we went to"},
            {"networks",
             Type::Array,
             "Kinds of networks",
             {{"",
               Type::Object,
               "A network",
               {{"name", Type::Text, "ipv4, ipv6, onion, i2p or cjdns"},
                {"limited", Type::Bool, "Whether it is not used"},
                {"reachable", Type::Bool, "Whether it can be used"},
                {"proxy", Type::Text, "host:port of the proxy, or empty"},
                {"proxy_randomize_credentials", Type::Bool, "Whether each goes its own way"}}}}},
            {"relayfee", Type::Amount, "Least price of 1,000 virtual bytes for relay"},
            {"incrementalfee", Type::Amount, "Least rise of the price for a replacement"},
            {"localaddresses",
             Type::Array,
             "Own addresses that peers are told",
             {{"",
               Type::Object,
               "An address",
               {{"address", Type::Text, "Host"},
                {"port", Type::Int32, "Port"},
                {"score", Type::Int32, "How many peers have confirmed it"}}}}},
            {"warnings",
             Type::Array,
             "What an operator should know",
             {{"", Type::Text, "A warning"}}}}}}},
    .fails = {P2P_DISABLED},
    .example = "getnetworkinfo",
    .run = getnetworkinfo,
};

// getpeerinfo ////////////////////////////////////////////////////////////////////////////////

void write_counters(
    JsonWriter& writer, std::string_view name, const std::map<std::string, uint64_t>& counters) {
    writer.key(name).begin_object();
    for (const auto& [message, bytes] : counters) writer.field(message, bytes);
    writer.end_object();
}

void write_peer_traffic(JsonWriter& writer, const node::PeerInfo& peer) {
    writer.field("lastsend", peer.last_send).field("lastrecv", peer.last_receive);
    writer.field("last_transaction", peer.last_transaction).field("last_block", peer.last_block);
    writer.field("bytessent", peer.bytes_sent).field("bytesrecv", peer.bytes_received);
    writer.field("conntime", peer.connected_at).field("timeoffset", peer.time_offset);
    if (peer.ping_seconds) writer.field("pingtime", *peer.ping_seconds);
    if (peer.min_ping_seconds) writer.field("minping", *peer.min_ping_seconds);
    if (peer.ping_wait_seconds) writer.field("pingwait", *peer.ping_wait_seconds);
}

void write_peer(JsonWriter& writer, const node::PeerInfo& peer) {
    writer.begin_object().field("id", peer.id).field("addr", peer.address);
    if (!peer.bound_address.empty()) writer.field("addrbind", peer.bound_address);
    writer.field("network", peer.network);
    write_services(writer, "services", "servicesnames", peer.services);
    writer.field("relaytxes", peer.relays_transactions);
    writer.field("last_inv_sequence", peer.last_inv_sequence);
    writer.field("inv_to_send", peer.inventory_to_send);
    write_peer_traffic(writer, peer);
    writer.field("version", peer.version).field("subver", peer.user_agent);
    writer.field("inbound", peer.inbound).field("bip152_hb_to", peer.high_bandwidth_to);
    writer.field("bip152_hb_from", peer.high_bandwidth_from).field("presynced_headers", -1);
    writer.field("synced_headers", peer.synced_headers);
    writer.field("synced_blocks", peer.synced_blocks).key("inflight").begin_array();
    for (const int32_t height : peer.blocks_in_flight) writer.integer(height);
    writer.end_array().field("addr_relay_enabled", peer.relays_addresses);
    writer.field("addr_processed", peer.addresses_processed);
    writer.field("addr_rate_limited", peer.addresses_rate_limited);
    writer.key("permissions").begin_array();
    for (const std::string& permission : peer.permissions) writer.string(permission);
    writer.end_array().key("minfeefilter").amount(peer.min_feerate_per_kvb);
    write_counters(writer, "bytessent_per_msg", peer.bytes_sent_by_message);
    write_counters(writer, "bytesrecv_per_msg", peer.bytes_received_by_message);
    writer.field("connection_type", peer.connection_type);
    writer.field("transport_protocol_type", "v1").field("session_id", "").end_object();
}

Reply getpeerinfo(const Call& call) {
    const Outcome<node::Network*> network = network_of(call);
    if (!network) return network.error();
    JsonWriter writer;
    writer.begin_array();
    for (const node::PeerInfo& peer : (*network)->peers()) write_peer(writer, peer);
    return writer.end_array().take();
}

std::vector<Field> peer_fields() {
    const std::vector<Field> who = {
        {"id", Type::Integer, "Names it for as long as the process runs"},
        {"addr", Type::Text, "Its host:port"},
        optional({"addrbind", Type::Text, "Our host:port"}),
        {"network", Type::Text, "ipv4, ipv6, not_publicly_routable, ..."},
        {"services", Type::Hex, "Services it offers"},
        {"servicesnames", Type::Array, "Their names", {{"", Type::Text, "A service"}}},
        {"relaytxes", Type::Bool, "Whether it wants transactions"},
        {"last_inv_sequence", Type::Integer, "Mempool changes it was told of"},
        {"inv_to_send", Type::Integer, "Transactions waiting to be announced to it"}};
    const std::vector<Field> traffic = {
        {"lastsend", Type::Time, "When something was sent"},
        {"lastrecv", Type::Time, "When something came"},
        {"last_transaction", Type::Time, "When a transaction we took came"},
        {"last_block", Type::Time, "When a block we took came"},
        {"bytessent", Type::Integer, "Bytes sent"},
        {"bytesrecv", Type::Integer, "Bytes received"},
        {"conntime", Type::Time, "When it was connected"},
        {"timeoffset", Type::Integer, "Seconds its clock was ahead then"},
        optional({"pingtime", Type::Real, "Seconds the last ping took"}),
        optional({"minping", Type::Real, "Seconds the fastest ping took"}),
        optional({"pingwait", Type::Real, "Seconds since a ping that isn't answered yet"})};
    const std::vector<Field> state = {
        {"version", Type::Int32, "Version of the protocol it speaks"},
        {"subver", Type::Text, "As it presents itself"},
        {"inbound", Type::Bool, "Whether it came to us"},
        {"bip152_hb_to", Type::Bool, "Whether we asked it for unasked compact blocks"},
        {"bip152_hb_from", Type::Bool, "Whether it asked us for them"},
        {"presynced_headers", Type::Int32, "Height of headers not kept yet; -1: none"},
        {"synced_headers", Type::Int32, "Last header in common; -1: not known"},
        {"synced_blocks", Type::Int32, "Last block in common; -1: not known"},
        {"inflight", Type::Array, "Blocks asked of it", {{"", Type::Int32, "A height"}}},
        {"addr_relay_enabled", Type::Bool, "Whether addresses are exchanged with it"},
        {"addr_processed", Type::Integer, "Addresses taken from it"},
        {"addr_rate_limited", Type::Integer, "Addresses dropped, being too many"},
        {"permissions", Type::Array, "What it may do", {{"", Type::Text, "A permission"}}},
        {"minfeefilter", Type::Amount, "Least price of 1,000 virtual bytes it wants to hear of"}};
    const std::vector<Field> transport = {
        {"bytessent_per_msg", Type::Map, "Bytes sent", {{"message", Type::Integer, "Bytes"}}},
        {"bytesrecv_per_msg", Type::Map, "Bytes received", {{"message", Type::Integer, "Bytes"}}},
        {"connection_type", Type::Text, "inbound, outbound-full-relay, manual, ..."},
        {"transport_protocol_type", Type::Text, "v1"},
        {"session_id", Type::Text, "Empty with v1"}};
    return join(join(who, traffic), join(state, transport));
}

const Method GETPEERINFO{
    .name = "getpeerinfo",
    .group = GROUP,
    .summary = "All peers, in the order in which they were connected.",
    .returns = {{"", {"", Type::Array, "", {{"", Type::Object, "A peer", peer_fields()}}}}},
    .fails = {P2P_DISABLED},
    .example = "getpeerinfo",
    .run = getpeerinfo,
};

// The smaller ones ///////////////////////////////////////////////////////////////////////////

Reply getconnectioncount(const Call& call) {
    const Outcome<node::Network*> network = network_of(call);
    if (!network) return network.error();
    return JsonWriter().unsigned_integer((*network)->peers().size()).take();
}

const Method GETCONNECTIONCOUNT{
    .name = "getconnectioncount",
    .group = GROUP,
    .summary = "How many peers there are.",
    .returns = {{"", {"", Type::Integer, "Peers"}}},
    .fails = {P2P_DISABLED},
    .example = "getconnectioncount",
    .run = getconnectioncount,
};

Reply getnettotals(const Call& call) {
    const Outcome<node::Network*> network = network_of(call);
    if (!network) return network.error();
    const node::NetworkTotals totals = (*network)->totals();
    const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
        context_of(call).node.clock.now().time_since_epoch());
    JsonWriter writer;
    writer.begin_object().field("totalbytesrecv", totals.bytes_received);
    writer.field("totalbytessent", totals.bytes_sent);
    writer.field("timemillis", static_cast<int64_t>(now.count()));
    // No limit is set on uploads: then the reference reports these.
    writer.key("uploadtarget").begin_object().field("timeframe", UPLOAD_TIMEFRAME_SECONDS);
    writer.field("target", 0).field("target_reached", false);
    writer.field("serve_historical_blocks", true).field("bytes_left_in_cycle", 0);
    return writer.field("time_left_in_cycle", 0).end_object().end_object().take();
}

const Method GETNETTOTALS{
    .name = "getnettotals",
    .group = GROUP,
    .summary = "Traffic with all peers since the start.",
    .returns =
        {{"",
          {"",
           Type::Object,
           "",
           {{"totalbytesrecv", Type::Integer, "Bytes received"},
            {"totalbytessent", Type::Integer, "Bytes sent"},
            {"timemillis", Type::Integer, "Now, in milliseconds since 1970"},
            {"uploadtarget",
             Type::Object,
             "A limit of uploads; there is none",
             {{"timeframe", Type::Integer, "Seconds it is for"},
              {"target", Type::Integer, "Bytes; 0: no limit"},
              {"target_reached", Type::Bool, "Whether it is reached"},
              {"serve_historical_blocks", Type::Bool, "Whether old blocks are served"},
              {"bytes_left_in_cycle", Type::Integer, "Bytes left"},
              {"time_left_in_cycle", Type::Integer, "Seconds left"}}}}}}},
    .fails = {P2P_DISABLED},
    .example = "getnettotals",
    .run = getnettotals,
};

Reply ping(const Call& call) {
    const Outcome<node::Network*> network = network_of(call);
    if (!network) return network.error();
    (*network)->ping_all();
    return std::string("null");
}

const Method PING{
    .name = "ping",
    .group = GROUP,
    .summary = "Ping all peers; getpeerinfo shows how long they took.",
    .returns = {{"", {"", Type::Null, ""}}},
    .fails = {P2P_DISABLED},
    .example = "ping",
    .run = ping,
};

Reply setnetworkactive(const Call& call) {
    const Outcome<node::Network*> network = network_of(call);
    if (!network) return network.error();
    (*network)->set_active(call.flag(0));
    return JsonWriter().boolean((*network)->active()).take();
}

const Method SETNETWORKACTIVE{
    .name = "setnetworkactive",
    .group = GROUP,
    .summary = "Drop all peers and look for none, or look for them again.",
    .params = {{"state", Type::Bool, REQUIRED, "false: be alone"}},
    .returns = {{"", {"", Type::Bool, "The state now"}}},
    .fails = {P2P_DISABLED},
    .example = "setnetworkactive true",
    .run = setnetworkactive,
};

Reply addnode(const Call& call) {
    const Outcome<node::Network*> network = network_of(call);
    if (!network) return network.error();
    const std::string& command = call.text(1);
    if (command == "onetry") {
        (*network)->add_node(call.text(0), node::AddNodeCommand::OneTry);
    } else if (command == "add") {
        if (!(*network)->add_node(call.text(0), node::AddNodeCommand::Add))
            return Error{Code::NodeAlreadyAdded, "Error: Node already added"};
    } else if (command == "remove") {
        if (!(*network)->add_node(call.text(0), node::AddNodeCommand::Remove))
            return Error{
                Code::NodeNotAdded,
                "Error: Node could not be removed. It has not been added previously."};
    } else {
        return Error{Code::Misc, help_text(call.method())};
    }
    return std::string("null");
}

const Method ADDNODE{
    .name = "addnode",
    .group = GROUP,
    .summary = "Connect with a node, once or for good.",
    .params =
        {{"node", Type::Text, REQUIRED, "Its address, or address:port"},
         {"command", Type::Text, REQUIRED, "add: stay connected, remove: no longer, onetry: once"},
         {"v2transport", Type::Bool, ABSENT, "Accepted; the transport is v1"}},
    .returns = {{"", {"", Type::Null, ""}}},
    .fails =
        {{Code::NodeAlreadyAdded, "Error: Node already added"},
         {Code::NodeNotAdded,
          "Error: Node could not be removed. It has not been added previously."},
         P2P_DISABLED},
    .example = "addnode 127.0.0.1:1 onetry",
    .run = addnode,
};

Reply disconnectnode(const Call& call) {
    const Outcome<node::Network*> network = network_of(call);
    if (!network) return network.error();
    const bool by_address = call.has(0) && !call.text(0).empty();
    if (by_address == call.has(1))
        return Error{Code::InvalidParams, "Only one of address and nodeid should be provided."};
    const bool found = by_address ? (*network)->disconnect(call.text(0))
                                  : (*network)->disconnect(node::PeerId{call.integer(1)});
    if (!found) return Error{Code::NodeNotConnected, "Node not found in connected nodes"};
    return std::string("null");
}

const Method DISCONNECTNODE{
    .name = "disconnectnode",
    .group = GROUP,
    .summary = "Close the connection with a peer.",
    .params =
        {{"address", Type::Text, ABSENT, "Its host:port; empty if the id is given"},
         {"nodeid", Type::Integer, ABSENT, "Its id in getpeerinfo"}},
    .returns = {{"", {"", Type::Null, ""}}},
    .fails =
        {{Code::NodeNotConnected, "Node not found in connected nodes"},
         {Code::InvalidParams, "Only one of address and nodeid should be provided."},
         P2P_DISABLED},
    .example = "disconnectnode $PEER",
    .run = disconnectnode,
};

void write_added_node(JsonWriter& writer, const node::AddedNode& added) {
    writer.begin_object().field("addednode", added.address);
    writer.field("connected", added.connected).key("addresses").begin_array();
    if (added.connected) {
        writer.begin_object().field("address", added.connected_address);
        writer.field("connected", added.inbound ? "inbound" : "outbound").end_object();
    }
    writer.end_array().end_object();
}

Reply getaddednodeinfo(const Call& call) {
    const Outcome<node::Network*> network = network_of(call);
    if (!network) return network.error();
    bool found = false;
    JsonWriter writer;
    writer.begin_array();
    for (const node::AddedNode& added : (*network)->added_nodes()) {
        if (call.has(0) && added.address != call.text(0)) continue;
        found = true;
        write_added_node(writer, added);
    }
    if (call.has(0) && !found) return Error{Code::NodeNotAdded, "Error: Node has not been added."};
    return writer.end_array().take();
}

const Method GETADDEDNODEINFO{
    .name = "getaddednodeinfo",
    .group = GROUP,
    .summary = "Nodes that addnode holds on to.",
    .params = {{"node", Type::Text, ABSENT, "Only this one"}},
    .returns =
        {{"",
          {"",
           Type::Array,
           "",
           {{"",
             Type::Object,
             "A node",
             {{"addednode", Type::Text, "As it was given"},
              {"connected", Type::Bool, "Whether it is a peer now"},
              {"addresses",
               Type::Array,
               "Connections with it",
               {{"",
                 Type::Object,
                 "A connection",
                 {{"address", Type::Text, "Its host:port"},
                  {"connected", Type::Text, "inbound or outbound"}}}}}}}}}}},
    .fails = {{Code::NodeNotAdded, "Error: Node has not been added."}, P2P_DISABLED},
    .example = "getaddednodeinfo",
    .run = getaddednodeinfo,
};

std::string_view network_of_host(std::string_view host) {
    return host.find(':') == std::string_view::npos ? "ipv4" : "ipv6";
}

Reply getnodeaddresses(const Call& call) {
    const Outcome<node::Network*> network = network_of(call);
    if (!network) return network.error();
    const int64_t count = call.integer(0);
    if (count < 0) return Error{Code::InvalidParameter, "Address count out of range"};
    const std::string& wanted = call.text(1);
    const bool known_network = wanted == "ipv4" || wanted == "ipv6" || wanted == "onion" ||
                               wanted == "i2p" || wanted == "cjdns";
    if (call.has(1) && !known_network)
        return Error{Code::InvalidParameter, "Network not recognized: " + wanted};
    size_t left = count == 0 ? SIZE_MAX : static_cast<size_t>(count);
    JsonWriter writer;
    writer.begin_array();
    for (const auto& known : (*network)->known_addresses(call.has(1) ? SIZE_MAX : left)) {
        const std::string_view name = network_of_host(known.address);
        if ((call.has(1) && name != wanted) || left == 0) continue;
        --left;
        writer.begin_object().field("time", known.time).field("services", known.services);
        writer.field("address", known.address).field("port", uint32_t{known.port});
        writer.field("network", name).end_object();
    }
    return writer.end_array().take();
}

const Method GETNODEADDRESSES{
    .name = "getnodeaddresses",
    .group = GROUP,
    .summary = "Addresses of nodes that are known, in random order.",
    .params =
        {{"count", Type::Int32, "1", "At most so many; 0: all"},
         {"network", Type::Text, ABSENT, "Only of this network"}},
    .returns =
        {{"",
          {"",
           Type::Array,
           "",
           {{"",
             Type::Object,
             "A node",
             {{"time", Type::Time, "When it was last heard of"},
              {"services", Type::Integer, "Services it is said to offer"},
              {"address", Type::Text, "Its host"},
              {"port", Type::Int32, "Its port"},
              {"network", Type::Text, "ipv4 or ipv6"}}}}}}},
    .fails = {{Code::InvalidParameter, "Address count out of range"}, P2P_DISABLED},
    .example = "getnodeaddresses 8",
    .run = getnodeaddresses,
};

} // namespace

Methods network_methods() {
    return {
        &GETNETWORKINFO,   &GETPEERINFO, &GETCONNECTIONCOUNT, &GETNETTOTALS,     &PING,
        &SETNETWORKACTIVE, &ADDNODE,     &DISCONNECTNODE,     &GETADDEDNODEINFO, &GETNODEADDRESSES};
}

} // namespace cairn::rpc
