// SPDX-License-Identifier: MIT
#include "node/permissions.h"

#include <algorithm>
#include <stdexcept>

namespace cairn::node {

namespace {

struct Name {
    std::string_view name;
    uint32_t own = 0;     ///< The bit it stands for.
    uint32_t implied = 0; ///< What it brings with it.
};

constexpr uint32_t ALL = PERMIT_NOBAN | PERMIT_RELAY | PERMIT_FORCE_RELAY | PERMIT_MEMPOOL |
                         PERMIT_DOWNLOAD | PERMIT_ADDR | PERMIT_BLOOM_FILTER;

constexpr Name NAMES[] = {
    {"noban", PERMIT_NOBAN, PERMIT_DOWNLOAD},
    {"forcerelay", PERMIT_FORCE_RELAY, PERMIT_RELAY},
    {"relay", PERMIT_RELAY},
    {"mempool", PERMIT_MEMPOOL},
    {"download", PERMIT_DOWNLOAD},
    {"addr", PERMIT_ADDR},
    {"bloomfilter", PERMIT_BLOOM_FILTER},
    {"all", 0, ALL},
};

} // namespace

Grant::Grant(std::string_view entry, uint32_t implied)
    : permissions(implied),
      inbound(true),
      place(entry) {
    const size_t at = entry.find('@');
    if (at == std::string_view::npos) return;
    permissions = 0;
    inbound = false;
    place = entry.substr(at + 1);
    for (std::string_view names = entry.substr(0, at); !names.empty();) {
        const std::string_view name = names.substr(0, names.find(','));
        names.remove_prefix(std::min(names.size(), name.size() + 1));
        const auto* known = std::ranges::find(NAMES, name, &Name::name);
        if (name == "in")
            inbound = true;
        else if (name == "out")
            outbound = true;
        else if (known != std::end(NAMES))
            permissions |= known->own | known->implied;
        else
            throw std::runtime_error("Invalid P2P permission: '" + std::string(name) + "'");
    }
    if (permissions == 0 && (inbound || outbound))
        throw std::runtime_error(
            "Only direction was set, no permissions: '" + std::string(entry) + "'");
    if (!outbound) inbound = true;
}

Whitelist::Whitelist(const std::vector<std::string>& entries, uint32_t implied) {
    for (const std::string& entry : entries) {
        const Grant grant(entry, implied);
        const std::optional<Subnet> net = Subnet::from_string(grant.place);
        if (!net)
            throw std::runtime_error("Invalid netmask specified in -whitelist: '" + entry + "'");
        entries_.emplace_back(*net, grant);
    }
}

uint32_t Whitelist::permissions_of(const NetAddress& address, bool inbound) const {
    uint32_t permissions = 0;
    for (const auto& [net, grant] : entries_)
        if ((inbound ? grant.inbound : grant.outbound) && net.contains(address))
            permissions |= grant.permissions;
    return permissions;
}

std::vector<std::string> permission_names(uint32_t permissions) {
    std::vector<std::string> names;
    for (const Name& name : NAMES)
        if ((permissions & name.own) != 0) names.emplace_back(name.name);
    return names;
}

} // namespace cairn::node
