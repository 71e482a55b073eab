// SPDX-License-Identifier: MIT
// Addresses of nodes that we may call one day, kept over restarts in peers.dat; and of those that
// we call first, in anchors.dat.
#pragma once

#include "node/clock.h"
#include "node/messages.h"
#include "node/random.h"

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace cairn::node {

/// Two tables: of addresses that others told us of, and of those that answered us once. In each an
/// address has one place, which a secret key draws from its group and, in the first, from the group
/// of who told of it: so whoever owns few groups reaches a small part of either, however many
/// addresses he makes up, and can't know which. Who stands in a place keeps it as long as he is any
/// good.
///
/// Source: E. Heilman et al., "Eclipse Attacks on Bitcoin's Peer-to-Peer Network", 2015.
/// Core: AddrMan. Thread: network.
class AddressBook {
public:
    struct Entry {
        TimedAddress place;
        std::string source;   ///< Group of who told of it first.
        int64_t last_try = 0; ///< Seconds, like all times here; 0: never.
        int64_t last_success = 0;
        int32_t failures = 0; ///< Since the last success, one at most for each time others had any.
        bool answered = false;
        int64_t answered_since = 0; ///< 0: from before that was kept.

        /// In peers.dat; behind all of them, since when those that answered did.
        static void wire(auto&& codec, auto& e) {
            auto& [time, services, address] = e.place;
            codec(address.network, address.bytes, address.port, time, services, e.source);
            codec(e.last_try, e.last_success, e.failures, e.answered);
        }
    };

    /// `random`: what it is filled from and asked by, and the key of a book that isn't loaded.
    /// `reaches`: whether peers of a network can be called; empty: of IPv4 and IPv6.
    explicit AddressBook(Random random, std::function<bool(NetworkId)> reaches = {});
    AddressBook(const AddressBook&) = delete;
    AddressBook& operator=(const AddressBook&) = delete;

    /// Add or refresh; only what can be reached from the public net. `source`: the group of who
    /// told of it. True if it is new.
    bool add(const TimedAddress& place, const std::string& source, int64_t now);
    /// It is about to be called. `online`: whether others answer us, so that it is to blame if it
    /// doesn't.
    void tried(const NetAddress& address, bool online, int64_t now);
    /// False if it isn't known, or another holds the place it would have among those that answered.
    bool succeeded(const NetAddress& address, uint64_t services, int64_t now);

    /// An address to call: not tried of late, of a group that isn't in `groups`; from either table
    /// as likely, and there from each bucket in use, however full. Who failed is taken less often.
    /// `known`: rather one that answered once. nullopt if none was found.
    std::optional<NetAddress>
    pick(const std::set<std::string>& groups, int64_t now, bool known = false);

    /// Of those who answered once, the one who did so first; of as many as are looked at, so that
    /// it isn't always the same. Who comes to have us among his own was not there before. Source:
    /// Heilman, the "anchor table".
    std::optional<NetAddress> pick_oldest(const std::set<std::string>& groups, int64_t now);

    /// One to see whether it is there: the holder of a place that another wants who answered, else
    /// one that never answered.
    std::optional<NetAddress> pick_feeler(int64_t now);

    /// Up to `count` entries chosen at random, terrible ones left out.
    std::vector<TimedAddress> sample(size_t count, int64_t now);

    size_t size() const { return entries_.size(); }

    void each(auto visit) const {
        for (const auto& [address, entry] : entries_) visit(static_cast<const Entry&>(entry));
    }

    /// What load() reads.
    Bytes file_content() const;
    /// False if there is no such file, or it is damaged; the book is empty then.
    bool load(const std::filesystem::path& file);

    static constexpr uint64_t BUCKET_SIZE = 64;
    static constexpr uint64_t TOLD_BUCKETS = 1024;
    static constexpr uint64_t ANSWERED_BUCKETS = 256;
    static constexpr uint64_t BUCKETS_OF_SOURCE = 64; ///< That one group can tell addresses into.
    static constexpr uint64_t BUCKETS_OF_GROUP = 8;   ///< That one group can answer into.
    static constexpr size_t MAX_WANTED = 10;
    static constexpr int64_t RETRY_SECONDS = 600;
    static constexpr int64_t HORIZON_SECONDS = int64_t{30} * 24 * 3600;
    /// Without an answer, failures count against who answered before.
    static constexpr int64_t ABSENT_SECONDS = int64_t{7} * 24 * 3600;
    static constexpr int64_t SETTLED_SECONDS =
        int64_t{4} * 3600;                        ///< Who answered since, keeps his place.
    static constexpr int64_t ANSWER_SECONDS = 60; ///< So long an answer may take.

private:
    struct Placed : Entry {
        uint64_t slot = 0; ///< Of the table it is in.
    };

    struct Table {
        explicit Table(uint64_t count) : buckets(count) {}

        std::vector<std::vector<Placed*>> buckets; ///< Of up to BUCKET_SIZE.

        Placed* holder(uint64_t slot) const;
        void put(Placed& entry, uint64_t slot);
        void take(const Placed& entry);
    };

    uint64_t hash(std::string_view what, uint64_t number) const;
    uint64_t told_slot(const Entry& entry) const;
    uint64_t answered_slot(const NetAddress& address) const;

    Table& table_of(const Entry& entry) { return entry.answered ? answered_ : told_; }

    Placed* find(const NetAddress& address);
    bool insert(const Entry& entry, int64_t now);
    void erase(const Placed& entry);
    void promote(Placed& entry, int64_t now);
    Placed* settle(int64_t now);
    std::optional<NetAddress>
    choose(const Table& table, const std::set<std::string>& groups, int64_t now);
    void clear();

    bool can_call(const NetAddress& address) const;

    Random random_;
    std::function<bool(NetworkId)> reaches_;
    uint64_t key0_;
    uint64_t key1_;
    std::map<NetAddress, Placed> entries_;
    Table told_{TOLD_BUCKETS};
    Table answered_{ANSWERED_BUCKETS};
    int64_t last_success_ = 0;       ///< Of anybody, since the start.
    std::vector<NetAddress> wanted_; ///< They answered; another holds the place they would have.
};

/// anchors.dat, as Core writes it.
Bytes anchors_content(const Magic& magic, const std::vector<TimedAddress>& anchors);

/// Nothing if there is no such file, it is damaged or another chain's.
std::vector<TimedAddress> read_anchors(const std::filesystem::path& file, const Magic& magic);

} // namespace cairn::node
