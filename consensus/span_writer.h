// SPDX-License-Identifier: MIT
#pragma once

#include "consensus/serialize.h"

#include <algorithm>
#include <cassert>
#include <span>

namespace cairn::consensus {

/// Writes values into bytes that have room for all of them.
class SpanWriter : public WireWriter<SpanWriter> {
public:
    explicit SpanWriter(std::span<uint8_t> out) : out_(out) {}

    void raw(ByteView bytes) {
        assert(bytes.size() <= out_.size() - at_);
        std::copy(bytes.begin(), bytes.end(), out_.begin() + static_cast<ptrdiff_t>(at_));
        at_ += bytes.size();
    }

    /// Bytes written so far.
    size_t size() const { return at_; }

private:
    const std::span<uint8_t> out_;
    size_t at_ = 0;
};

} // namespace cairn::consensus
