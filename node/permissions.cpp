// SPDX-License-Identifier: MIT
#include "node/permissions.h"

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace cairn::node {

namespace {

struct Name {
    std::string_view name;
    uint32_t permissions = 0;
};

constexpr uint32_t ALL = PERMIT_NOBAN | PERMIT_RELAY | PERMIT_FORCE_RELAY | PERMIT_MEMPOOL |
                         PERMIT_DOWNLOAD | PERMIT_ADDR;
constexpr uint32_t IMPLICIT = PERMIT_NOBAN | PERMIT_RELAY | PERMIT_MEMPOOL | PERMIT_DOWNLOAD;

/// What some permissions bring with them: noban downloads, forcerelay relays.
constexpr std::array NAMES = {
    Name{"noban", PERMIT_NOBAN | PERMIT_DOWNLOAD},
    Name{"forcerelay", PERMIT_FORCE_RELAY | PERMIT_RELAY},
    Name{"relay", PERMIT_RELAY},
    Name{"mempool", PERMIT_MEMPOOL},
    Name{"download", PERMIT_DOWNLOAD},
    Name{"addr", PERMIT_ADDR},
    Name{"all", ALL},
    Name{"bloomfilter", 0}, // BIP-0037 isn't served to anyone
};

[[noreturn]] void fail(std::string_view entry, const std::string& why) {
    throw std::runtime_error("Invalid -whitelist entry '" + std::string(entry) + "': " + why);
}

bool same_prefix(const Bytes& a, const Bytes& b, size_t bits) {
    for (size_t i = 0; i < a.size() && bits > 0; ++i) {
        const size_t here = std::min<size_t>(bits, 8);
        if (((a[i] ^ b[i]) >> (8 - here)) != 0) return false;
        bits -= here;
    }
    return true;
}

} // namespace

Whitelist::Whitelist(const std::vector<std::string>& entries) {
    for (const std::string& entry : entries) entries_.push_back(parse_entry(entry));
}

Whitelist::Entry Whitelist::parse_entry(std::string_view text) {
    Entry entry;
    std::string_view net = text;
    if (const size_t at = text.find('@'); at != std::string_view::npos) {
        std::string_view names = text.substr(0, at);
        net = text.substr(at + 1);
        entry.inbound = false;
        while (!names.empty()) {
            const std::string_view name = names.substr(0, names.find(','));
            names.remove_prefix(std::min(names.size(), name.size() + 1));
            const auto* known = std::find_if(
                NAMES.begin(), NAMES.end(), [&](const Name& one) { return one.name == name; });
            if (name == "in")
                entry.inbound = true;
            else if (name == "out")
                entry.outbound = true;
            else if (known != NAMES.end())
                entry.permissions |= known->permissions;
            else
                fail(text, "unknown permission '" + std::string(name) + "'");
        }
        if (!entry.inbound && !entry.outbound) entry.inbound = true;
    } else {
        entry.permissions = IMPLICIT;
    }
    const size_t slash = net.find('/');
    const auto address = NetAddress::from_string(net.substr(0, slash), 1);
    if (!address) fail(text, "not an address");
    entry.net = *address;
    entry.prefix_bits = address->bytes.size() * 8;
    if (slash != std::string_view::npos) {
        const std::string_view digits = net.substr(slash + 1);
        size_t bits = 0;
        const auto [end, error] =
            std::from_chars(digits.data(), digits.data() + digits.size(), bits);
        if (error != std::errc() || end != digits.data() + digits.size() ||
            bits > entry.prefix_bits)
            fail(text, "not a net");
        entry.prefix_bits = bits;
    }
    return entry;
}

uint32_t Whitelist::permissions_of(const NetAddress& address, bool inbound) const {
    uint32_t permissions = 0;
    for (const Entry& entry : entries_) {
        if (inbound ? !entry.inbound : !entry.outbound) continue;
        if (entry.net.network == address.network &&
            same_prefix(entry.net.bytes, address.bytes, entry.prefix_bits))
            permissions |= entry.permissions;
    }
    return permissions;
}

std::vector<std::string> permission_names(uint32_t permissions) {
    static constexpr std::array SINGLE = {
        Name{"noban", PERMIT_NOBAN},
        Name{"relay", PERMIT_RELAY},
        Name{"forcerelay", PERMIT_FORCE_RELAY},
        Name{"mempool", PERMIT_MEMPOOL},
        Name{"download", PERMIT_DOWNLOAD},
        Name{"addr", PERMIT_ADDR},
    };
    std::vector<std::string> names;
    for (const Name& one : SINGLE) {
        if ((permissions & one.permissions) != 0) names.emplace_back(one.name);
    }
    return names;
}

} // namespace cairn::node
