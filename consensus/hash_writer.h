// SPDX-License-Identifier: MIT
#pragma once

#include "consensus/serialize.h"

namespace cairn::consensus {

/// Hashes values. Small ones are gathered, since the call of libcrypto's costs more than a field.
class HashWriter : public WireWriter<HashWriter> {
public:
    HashWriter() : HashWriter(Sha256()) {}

    /// Goes on where `begun` is.
    explicit HashWriter(const Sha256& begun) // NOLINT(cppcoreguidelines-pro-type-member-init)
        : sha_(begun) {}

    void raw(ByteView bytes) {
        if (bytes.size() > gathered_.size() - used_) flush();
        if (bytes.size() > gathered_.size()) return void(sha_.write(bytes));
        std::copy(bytes.begin(), bytes.end(), gathered_.begin() + static_cast<ptrdiff_t>(used_));
        used_ += bytes.size();
    }

    // The object may not be used after these.
    Hash256 single_hash() {
        flush();
        return sha_.finish();
    }

    Hash256 double_hash() {
        flush();
        return sha_.finish_double();
    }

private:
    void flush() {
        sha_.write({gathered_.data(), used_});
        used_ = 0;
    }

    Sha256 sha_;
    size_t used_ = 0;
    std::array<uint8_t, 256> gathered_; ///< Holds what BIP-0143 signs with a usual script.
};

} // namespace cairn::consensus
