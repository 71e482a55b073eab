// SPDX-License-Identifier: MIT
// What -whitelist=permissions@net grants to peers of which addresses, and -whitebind to those who
// come in at one of ours.
#pragma once

#include "node/peer.h"

#include <string_view>
#include <vector>

namespace cairn::node {

/// What an entry of either option grants, and to whom.
struct Grant {
    /// `implied`: what one grants that names nothing, nor has an '@'. Throws std::runtime_error,
    /// naming the entry that can't be understood.
    Grant(std::string_view entry, uint32_t implied);

    uint32_t permissions = 0; ///< Bits of Permission.
    bool inbound = false;
    bool outbound = false;
    std::string place; ///< What follows the '@'.
};

/// Permissions by address. Thread: any.
class Whitelist {
public:
    /// Throws std::runtime_error as Grant does.
    Whitelist(const std::vector<std::string>& entries, uint32_t implied);

    /// Bits of Permission.
    uint32_t permissions_of(const NetAddress& address, bool inbound) const;

private:
    std::vector<std::pair<Subnet, Grant>> entries_;
};

/// Core's names, for getpeerinfo.
std::vector<std::string> permission_names(uint32_t permissions);

} // namespace cairn::node
