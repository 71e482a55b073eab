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
                         PERMIT_DOWNLOAD | PERMIT_ADDR;

constexpr Name NAMES[] = {
    {"noban", PERMIT_NOBAN, PERMIT_DOWNLOAD},
    {"forcerelay", PERMIT_FORCE_RELAY, PERMIT_RELAY},
    {"relay", PERMIT_RELAY},
    {"mempool", PERMIT_MEMPOOL},
    {"download", PERMIT_DOWNLOAD},
    {"addr", PERMIT_ADDR},
    {"all", 0, ALL},
    {"bloomfilter"}, // BIP-0037 isn't served to anyone
};

[[noreturn]] void fail(std::string_view entry, const std::string& why) {
    throw std::runtime_error("Invalid -whitelist entry '" + std::string(entry) + "': " + why);
}

} // namespace

Whitelist::Whitelist(const std::vector<std::string>& entries) {
    for (const std::string& entry : entries) entries_.push_back(parse_entry(entry));
}

Whitelist::Entry Whitelist::parse_entry(std::string_view text) {
    Entry entry;
    const size_t at = text.find('@');
    const bool bare = at == std::string_view::npos;
    std::string_view names = bare ? "noban,relay,mempool" : text.substr(0, at);
    const std::string_view net = bare ? text : text.substr(at + 1);
    while (!names.empty()) {
        const std::string_view name = names.substr(0, names.find(','));
        names.remove_prefix(std::min(names.size(), name.size() + 1));
        const auto* known = std::ranges::find(NAMES, name, &Name::name);
        if (name == "in")
            entry.inbound = true;
        else if (name == "out")
            entry.outbound = true;
        else if (known != std::end(NAMES))
            entry.permissions |= known->own | known->implied;
        else
            fail(text, "unknown permission '" + std::string(name) + "'");
    }
    if (!entry.outbound) entry.inbound = true;
    const std::optional<Subnet> subnet = Subnet::from_string(net);
    if (!subnet) fail(text, "not an address or net");
    entry.net = *subnet;
    return entry;
}

uint32_t Whitelist::permissions_of(const NetAddress& address, bool inbound) const {
    uint32_t permissions = 0;
    for (const Entry& entry : entries_)
        if ((inbound ? entry.inbound : entry.outbound) && entry.net.contains(address))
            permissions |= entry.permissions;
    return permissions;
}

std::vector<std::string> permission_names(uint32_t permissions) {
    std::vector<std::string> names;
    for (const Name& name : NAMES)
        if ((permissions & name.own) != 0) names.emplace_back(name.name);
    return names;
}

} // namespace cairn::node
