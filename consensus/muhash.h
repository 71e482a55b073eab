// SPDX-License-Identifier: MIT
// A hash of a set that does not depend on its order: each member becomes a number, and these are
// multiplied. So two coin sets can be compared however they are kept.
#pragma once

#include "consensus/hash.h"
#include "consensus/multiply_3072.h"

#include <array>

namespace cairn::consensus {

/// Source: Core's MuHash3072; Bellare and Micciancio, "A New Paradigm for Collision-free Hashing".
class MuHash {
public:
    /// A set as one number, the least significant byte first.
    using Product = std::array<uint8_t, 384>;

    MuHash() = default;
    explicit MuHash(const Product& product);

    void insert(ByteView member);
    void insert(const MuHash& members);
    /// Take out what is in `members`, whether or not it was put in before. Costs as much as some
    /// hundred members.
    void remove(const MuHash& members);

    Product product() const;
    /// The hash of all that was inserted.
    Hash256 digest() const;

private:
    void multiply_by(const Number3072& number);

    Number3072 product_{1}; ///< Not always reduced.
};

} // namespace cairn::consensus
