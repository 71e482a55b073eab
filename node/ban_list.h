// SPDX-License-Identifier: MIT
// Nets that an operator wants no peers from, kept over restarts in banlist.json.
#pragma once

#include "node/net_address.h"

#include <filesystem>
#include <vector>

namespace cairn::node {

/// From `created` to `until`, in seconds, nobody of `net` is a peer.
struct Ban {
    Subnet net;
    int64_t created = 0;
    int64_t until = 0;
};

/// Bans, by net. Thread: network.
class BanList {
public:
    /// False if there is one of this very net.
    bool add(const Ban& ban);
    /// False if there is none of this very net.
    bool remove(const Subnet& net);

    void clear() { bans_.clear(); }

    bool bans(const NetAddress& address, int64_t now) const;

    /// Those that hold at `now`; others are forgotten.
    const std::vector<Ban>& all(int64_t now);

    /// What load() reads. Core: banlist.json.
    Bytes file_content();
    /// False if there is no such file, or it is damaged; there are no bans then.
    bool load(const std::filesystem::path& file);

private:
    std::vector<Ban> bans_; ///< Sorted.
};

} // namespace cairn::node
