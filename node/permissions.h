// SPDX-License-Identifier: MIT
// What -whitelist=permissions@net grants to peers of which addresses.
#pragma once

#include "node/peer.h"

#include <string_view>
#include <vector>

namespace cairn::node {

/// Permissions by address. Thread: any.
class Whitelist {
public:
    /// Throws std::runtime_error, naming the entry that can't be understood.
    explicit Whitelist(const std::vector<std::string>& entries);

    /// Bits of Permission.
    uint32_t permissions_of(const NetAddress& address, bool inbound) const;

private:
    struct Entry {
        Subnet net;
        uint32_t permissions = 0;
        bool inbound = false;
        bool outbound = false;
    };

    static Entry parse_entry(std::string_view text);
    std::vector<Entry> entries_;
};

/// Core's names, for getpeerinfo.
std::vector<std::string> permission_names(uint32_t permissions);

} // namespace cairn::node
