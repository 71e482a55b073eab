// SPDX-License-Identifier: MIT
// Nets that nobody may be a peer from.
#include "node/ban_list.h"
#include "node/network.h"
#include "rpc/describe.h"
#include "rpc/methods.h"
#include "rpc/node_context.h"
#include "rpc/server/help.h"

namespace cairn::rpc {

using namespace server;
using node::Ban;
using node::BanList;
using node::Network;

namespace {

const Error BAD_NET{Code::InvalidIpOrSubnet, "Error: Invalid IP/Subnet"};
const Error ALREADY_BANNED{Code::NodeAlreadyAdded, "Error: IP/Subnet already banned"};
const Error NOT_BANNED{
    Code::InvalidIpOrSubnet,
    "Error: Unban failed. Requested address/subnet was not previously manually banned."};
const Error PAST{Code::InvalidParameter, "Error: Absolute timestamp is in the past"};

int64_t seconds_now(const Call& call) {
    return context_of(call).node.clock.wall_seconds();
}

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
    const int64_t given = call.integer(2);
    const bool absolute = call.flag(3) && given != 0;
    const int64_t until =
        absolute ? given : now + (given > 0 ? given : network.options().ban_seconds);
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
    .summary = "Take back all bans.",
    .fails = {P2P_DISABLED},
    .run = with_network<clearbanned>,
};

} // namespace

Groups ban_methods() {
    return {{"Network", {&SETBAN, &LISTBANNED, &CLEARBANNED}}};
}

} // namespace cairn::rpc
