// SPDX-License-Identifier: MIT
#pragma once

#include "consensus/serialize.h"

namespace cairn::consensus {

/// Hashes values, without a buffer between.
class HashWriter : public WireWriter<HashWriter> {
public:
    HashWriter() = default;

    /// Goes on where `begun` is.
    explicit HashWriter(const Sha256& begun) : sha_(begun) {}

    void raw(ByteView bytes) { sha_.write(bytes); }

    // The object may not be used after these.
    Hash256 single_hash() { return sha_.finish(); }

    Hash256 double_hash() { return sha_.finish_double(); }

private:
    Sha256 sha_;
};

} // namespace cairn::consensus
