// SPDX-License-Identifier: MIT
// A hash of a set that does not depend on its order: each member becomes a number, and these are
// multiplied. So two coin sets can be compared however they are kept.
#pragma once

#include "consensus/hash.h"

#include <boost/multiprecision/cpp_int.hpp>

#include <memory>
#include <openssl/evp.h>

namespace cairn::consensus {

/// Source: Core's MuHash3072; Bellare and Micciancio, "A New Paradigm for Collision-free Hashing".
class MuHash {
public:
    MuHash();

    void insert(ByteView member);

    /// The hash of all that was inserted.
    Hash256 digest() const;

private:
    /// Holds the product of two numbers that are nearly reduced.
    using Number = boost::multiprecision::number<
        boost::multiprecision::cpp_int_backend<
            6208,
            6208,
            boost::multiprecision::unsigned_magnitude,
            boost::multiprecision::unchecked,
            void>,
        boost::multiprecision::et_off>;

    Number product_ = 1;
    std::unique_ptr<EVP_CIPHER_CTX, void (*)(EVP_CIPHER_CTX*)> cipher_;
};

} // namespace cairn::consensus
