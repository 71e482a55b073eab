// SPDX-License-Identifier: MIT
// Addresses of nodes: those that are known, and those that nobody may be a peer from.
#include "node/address_book.h"
#include "node/ban_list.h"
#include "node/network.h"
#include "rpc/describe.h"
#include "rpc/methods.h"
#include "rpc/node_context.h"
#include "rpc/server/help.h"

#include <algorithm>

namespace cairn::rpc {

using namespace server;
using node::Ban;
using node::BanList;
using node::Network;
using node::TimedAddress;

namespace {

int64_t seconds_now(const Call& call) {
    return context_of(call).node.clock.wall_seconds();
}

const Error BAD_COUNT{Code::InvalidParameter, "Address count out of range"};
const Error BAD_ADDRESS{Code::InvalidIpOrSubnet, "Invalid IP address"};
const Error BAD_PORT{Code::Misc, "JSON integer out of range"};

const Object<TimedAddress> KNOWN_ADDRESS{
    {"time", "When it was last heard of", [](auto& known) { return Seconds{known.time}; }},
    {"services", "Services it is said to offer", &TimedAddress::services},
    {"address", "Its host", [](auto& known) { return known.address.host(); }},
    {"port", "Its port", [](auto& known) { return known.address.port; }},
    {"network", "ipv4, ipv6, onion, i2p or cjdns",
     [](auto& known) { return known.address.network_name(); }}};

Outcome<std::vector<TimedAddress>> getnodeaddresses(const Call& call, Network& network) {
    const int64_t count = call.integer(0);
    if (count < 0) return BAD_COUNT;
    const std::string wanted = call.has(1) ? call.text(1) : "";
    if (call.has(1) && std::ranges::find(node::NETWORK_NAMES, wanted) == node::NETWORK_NAMES.end())
        return Error{Code::InvalidParameter, "Network not recognized: " + wanted};
    std::vector<TimedAddress> known;
    network.with_addresses(
        [&](node::AddressBook& book) { known = book.sample(SIZE_MAX, seconds_now(call)); });
    std::erase_if(known, [&](const TimedAddress& one) {
        return call.has(1) && one.address.network_name() != wanted;
    });
    if (count != 0) known.resize(std::min(known.size(), static_cast<size_t>(count)));
    return known;
}

const Method GETNODEADDRESSES{
    .name = "getnodeaddresses",
    .summary = "Addresses of nodes that are known, in random order.",
    .params =
        {{"count", Type::Int32, "1", "At most so many; 0: all"},
         {"network", Type::Text, ABSENT, "Only of this network"}},
    .fails = {BAD_COUNT, {Code::InvalidParameter, "Network not recognized: ..."}, P2P_DISABLED},
    .example = "8",
    .run = {with_network<getnodeaddresses>, KNOWN_ADDRESS},
};

struct Added {
    bool success = false;
    std::optional<std::string_view> error;
};

const Object<Added> ADDED{
    {"success", "Whether it has a place now", &Added::success},
    {"error", "Which table had none for it", &Added::error}};

Outcome<Added> addpeeraddress(const Call& call, Network& network) {
    const int64_t port = call.integer(1);
    if (port < 0 || port > UINT16_MAX) return BAD_PORT;
    const auto address = node::NetAddress::from_string(call.text(0), static_cast<uint16_t>(port));
    if (!address) return BAD_ADDRESS;
    const auto now = static_cast<uint32_t>(seconds_now(call));
    const TimedAddress place{now, node::NODE_NETWORK | node::NODE_WITNESS, *address};
    Added added;
    network.with_addresses([&](node::AddressBook& book) {
        if (!book.add(place, address->group(), now))
            added.error = "failed-adding-to-new";
        else if (call.flag(2) && !book.succeeded(*address, place.services, now))
            added.error = "failed-adding-to-tried";
    });
    added.success = !added.error;
    return added;
}

const Method ADDPEERADDRESS{
    .name = "addpeeraddress",
    .role = Role::Admin,
    .summary = "Add a node to the known ones; for tests.",
    .params =
        {{"address", Type::Text, REQUIRED, "Its IP address, or name in Tor or I2P"},
         {"port", Type::Integer, REQUIRED, "Its port"},
         {"tried", Type::Bool, "false", "Whether it is taken as having answered"}},
    .fails = {BAD_ADDRESS, BAD_PORT, P2P_DISABLED},
    .example = "1.2.3.4 8333",
    .run = {with_network<addpeeraddress>, ADDED},
};

/// Addresses of one network, or of all.
struct AddressCounts {
    int64_t told = 0;
    int64_t answered = 0;
};

const Object<AddressCounts> ADDRESS_COUNTS{
    {"new", "Those that others told of", &AddressCounts::told},
    {"tried", "Those that answered", &AddressCounts::answered},
    {"total", "Both", [](auto& c) { return c.told + c.answered; }}};

using CountsByNetwork = std::map<std::string_view, AddressCounts>;

Outcome<CountsByNetwork> getaddrmaninfo(const Call& /*call*/, Network& network) {
    CountsByNetwork counts{{"all_networks", {}}};
    for (const std::string_view name : node::NETWORK_NAMES) counts[name] = {};
    network.with_addresses([&](const node::AddressBook& book) {
        book.each([&](const node::AddressBook::Entry& entry) {
            const auto number = entry.answered ? &AddressCounts::answered : &AddressCounts::told;
            ++(counts[entry.place.address.network_name()].*number);
            ++(counts["all_networks"].*number);
        });
    });
    return counts;
}

const Method GETADDRMANINFO{
    .name = "getaddrmaninfo",
    .summary = "How many addresses of nodes are known.",
    .fails = {P2P_DISABLED},
    .run = {with_network<getaddrmaninfo>, "By network", ADDRESS_COUNTS},
};

// Bans ///////////////////////////////////////////////////////////////////////////////////////

const Error BAD_NET{Code::InvalidIpOrSubnet, "Error: Invalid IP/Subnet"};
const Error ALREADY_BANNED{Code::NodeAlreadyAdded, "Error: IP/Subnet already banned"};
const Error NOT_BANNED{
    Code::InvalidIpOrSubnet,
    "Error: Unban failed. Requested address/subnet was not previously manually banned."};
const Error PAST{Code::InvalidParameter, "Error: Absolute timestamp is in the past"};

Outcome<> setban(const Call& call, Network& network) {
    const std::string& text = call.text(0);
    const std::string& command = call.text(1);
    const auto net = node::Subnet::from_string(text);
    const int64_t now = seconds_now(call);
    if (command != "add" && command != "remove") return Error{Code::Misc, help_text(call.method)};
    if (!net) return BAD_NET;
    bool changed = false;
    if (command == "remove") {
        network.with_bans([&](BanList& bans) { changed = bans.remove(*net); });
        if (!changed) return NOT_BANNED;
        return Null{};
    }
    constexpr int64_t LONGEST = int64_t{1} << 40;
    const int64_t given = call.integer(2);
    const bool absolute = call.flag(3) && given > 0;
    const int64_t seconds = given > 0 ? given : network.options().ban_seconds;
    const int64_t until = (absolute ? 0 : now) + std::clamp<int64_t>(seconds, 0, LONGEST);
    if (until <= now) return PAST;
    network.with_bans([&](BanList& bans) {
        (void)bans.all(now); // one that is over may be set anew
        const bool single = text.find('/') == std::string::npos;
        if (!single || !bans.bans(net->base, now)) changed = bans.add({*net, now, until});
    });
    if (!changed) return ALREADY_BANNED;
    return Null{};
}

const Method SETBAN{
    .name = "setban",
    .role = Role::Admin,
    .summary = "Have no peers from an address or net, or have them again; who is one is dropped.",
    .params =
        {{"subnet", Type::Text, REQUIRED, "Address, or net as in 10.0.0.0/8"},
         {"command", Type::Text, REQUIRED, "add or remove"},
         {"bantime", Type::Time, "0", "For so many seconds (0: as -bantime says)"},
         {"absolute", Type::Bool, "false", "Whether bantime is the end, in seconds since 1970"}},
    .fails = {BAD_NET, ALREADY_BANNED, NOT_BANNED, PAST, P2P_DISABLED},
    .example = "192.168.0.6 add 86400",
    .run = with_network<setban>,
};

struct ListedBan : Ban {
    int64_t now = 0;
};

const Object<ListedBan> BAN{
    {"address", "Address or net", [](auto& b) { return b.net.to_string(); }},
    {"ban_created", "Since when", [](auto& b) { return Seconds{b.created}; }},
    {"banned_until", "Until when", [](auto& b) { return Seconds{b.until}; }},
    {"ban_duration", "Seconds from the one to the other",
     [](auto& b) { return b.until - b.created; }},
    {"time_remaining", "Seconds from now on", [](auto& b) { return b.until - b.now; }}};

Outcome<std::vector<ListedBan>> listbanned(const Call& call, Network& network) {
    const int64_t now = seconds_now(call);
    std::vector<ListedBan> listed;
    network.with_bans([&](BanList& bans) {
        for (const Ban& ban : bans.all(now)) listed.push_back({ban, now});
    });
    return listed;
}

const Method LISTBANNED{
    .name = "listbanned",
    .summary = "Addresses and nets that are banned.",
    .fails = {P2P_DISABLED},
    .run = {with_network<listbanned>, BAN},
};

Outcome<> clearbanned(const Call& /*call*/, Network& network) {
    network.with_bans([](BanList& bans) { bans.clear(); });
    return Null{};
}

const Method CLEARBANNED{
    .name = "clearbanned",
    .role = Role::Admin,
    .summary = "Take back all bans.",
    .fails = {P2P_DISABLED},
    .run = with_network<clearbanned>,
};

} // namespace

Groups node_address_methods() {
    return {
        {"Network", {&GETNODEADDRESSES, &GETADDRMANINFO, &SETBAN, &LISTBANNED, &CLEARBANNED}},
        {"hidden", {&ADDPEERADDRESS}}};
}

} // namespace cairn::rpc
