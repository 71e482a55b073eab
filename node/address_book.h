// SPDX-License-Identifier: MIT
// Addresses of nodes that we may call one day, kept over restarts in peers.dat.
#pragma once

#include "node/clock.h"
#include "node/messages.h"
#include "node/random.h"

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace cairn::node {

/// A bounded list of addresses. Holds MAX_ENTRIES, and MAX_PER_GROUP of one group, so that one
/// owner of many addresses can't push out all others. Thread: network.
class AddressBook {
public:
    struct Entry {
        TimedAddress place;
        int64_t last_try = 0; ///< Seconds, like all times here; 0: never.
        int64_t last_success = 0;
        int32_t failures = 0; ///< Since the last success.

        /// In peers.dat.
        static void wire(auto&& codec, auto& e) {
            auto& [time, services, address] = e.place;
            codec(address.network, address.bytes, address.port, time, services);
            codec(e.last_try, e.last_success, e.failures);
        }
    };

    /// Add or refresh; only what can be reached from the public net. True if it is new.
    bool add(const TimedAddress& place, Random& random);
    void tried(const NetAddress& address, int64_t now);
    void succeeded(const NetAddress& address, uint64_t services, int64_t now);

    /// An address to call: not tried of late, of a group that isn't in `groups`, more likely one
    /// that answered before. nullopt if there is none.
    std::optional<NetAddress>
    pick(const std::set<std::string>& groups, Random& random, int64_t now) const;

    /// Up to `count` entries chosen at random, terrible ones left out.
    std::vector<TimedAddress> sample(size_t count, Random& random, int64_t now) const;

    size_t size() const { return entries_.size(); }

    /// Whole file at once: a temporary one is written, synced and renamed. Throws
    /// std::runtime_error.
    void save(const std::filesystem::path& file) const;
    /// False if there is no such file, or it is damaged; the book is empty then.
    bool load(const std::filesystem::path& file);

    static constexpr size_t MAX_ENTRIES = 20'000;
    static constexpr size_t MAX_PER_GROUP = 256;
    static constexpr int64_t RETRY_SECONDS = 600;
    static constexpr int64_t HORIZON_SECONDS = 30 * 24 * 3600;

private:
    static bool is_terrible(const Entry& entry, int64_t now);
    const NetAddress* pick_victim(const std::string& group, Random& random) const;
    void erase(const NetAddress& address);

    std::map<NetAddress, Entry> entries_;
    std::map<std::string, size_t> group_sizes_;
};

} // namespace cairn::node
