// SPDX-License-Identifier: MIT
#pragma once

#include "consensus/hash.h"

#include <boost/unordered/unordered_flat_set.hpp>

#include <bit>
#include <utility>

namespace cairn::node {

/// Remembers the hashes that were put in last: at least `capacity`, never twice as many. Memory is
/// taken as it fills.
///
/// Invariant: of each hash only its 64 bits under `salt` are kept, since there is one such set of
///   tens of thousands a peer. Nobody who doesn't know the salt makes two that collide.
class RollingSet {
public:
    RollingSet(size_t capacity, consensus::SaltedHasher salt) : capacity_(capacity), salt_(salt) {}

    /// What it takes, full: tables of groups of 15 places and 16 bytes, seven eighths full at most,
    /// whose number is a power of two.
    static constexpr size_t bytes(size_t capacity) {
        constexpr size_t GROUP = 15;
        return 2 * std::bit_ceil(capacity * 8 / (7 * GROUP) + 1) * (GROUP * sizeof(uint64_t) + 16);
    }

    bool contains(const consensus::Hash256& hash) const {
        const uint64_t mark = salt_(hash);
        return young_.contains(mark) || old_.contains(mark);
    }

    void insert(const consensus::Hash256& hash) {
        if (young_.size() >= capacity_) old_ = std::exchange(young_, {});
        young_.insert(salt_(hash));
    }

    void erase(const consensus::Hash256& hash) {
        young_.erase(salt_(hash));
        old_.erase(salt_(hash));
    }

    void clear() {
        young_.clear();
        old_.clear();
    }

private:
    /// Of what SipHash gave: spread well enough.
    struct AsItIs {
        using is_avalanching = void;

        size_t operator()(uint64_t mark) const { return mark; }
    };

    using Marks = boost::unordered_flat_set<uint64_t, AsItIs>;
    size_t capacity_;
    consensus::SaltedHasher salt_;
    Marks young_;
    Marks old_;
};

} // namespace cairn::node
