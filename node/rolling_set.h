// SPDX-License-Identifier: MIT
#pragma once

#include "consensus/hash.h"

#include <unordered_set>
#include <utility>

namespace cairn::node {

/// Remembers the hashes that were put in last: at least `capacity`, never twice as many. Memory is
/// taken as it fills.
class RollingSet {
public:
    RollingSet(size_t capacity, consensus::SaltedHasher salt)
        : capacity_(capacity),
          young_(0, salt),
          old_(0, salt) {}

    bool contains(const consensus::Hash256& hash) const {
        return young_.contains(hash) || old_.contains(hash);
    }

    void insert(const consensus::Hash256& hash) {
        if (young_.size() >= capacity_)
            old_ = std::exchange(young_, Hashes(0, young_.hash_function()));
        young_.insert(hash);
    }

    void erase(const consensus::Hash256& hash) {
        young_.erase(hash);
        old_.erase(hash);
    }

    void clear() {
        young_.clear();
        old_.clear();
    }

private:
    using Hashes = std::unordered_set<consensus::Hash256, consensus::SaltedHasher>;
    size_t capacity_;
    Hashes young_;
    Hashes old_;
};

} // namespace cairn::node
