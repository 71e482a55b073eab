// SPDX-License-Identifier: MIT
// Words for those `wire` functions that are more than a list of fields (serialize.h).
#pragma once

#include "consensus/serialize.h"

namespace cairn::consensus {

/// Whether a `wire` function that is called with a Codec reads.
template <class Codec>
constexpr bool READS = std::same_as<std::remove_cvref_t<Codec>, Reader>;

/// A number in compact form.
struct CompactNumber {
    uint64_t value = 0;

    void write(auto& writer) const { writer.compact_size(value); }

    void read(auto& reader) { value = reader.compact_number(); }
};

/// A count, and what `wire_item` does with each of `items`. A false count takes no more memory than
/// the input has items.
void wire_list(auto& codec, auto& items, const auto& wire_item) {
    if constexpr (READS<decltype(codec)>) {
        const uint64_t count = codec.compact_size();
        for (uint64_t i = 0; i < count && !codec.failed(); ++i) wire_item(items.emplace_back());
    } else {
        codec.compact_size(items.size());
        for (const auto& item : items) wire_item(item);
    }
}

/// Whether what older forms leave out comes next: it is written always, and read if there is more.
bool has_more(const auto& codec) {
    if constexpr (READS<decltype(codec)>)
        return codec.remaining() > 0;
    else
        return true;
}

} // namespace cairn::consensus
