// SPDX-License-Identifier: MIT
// Byte strings and their text form, used by everything that follows.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cairn::consensus {

using Bytes = std::vector<uint8_t>;
using ByteView = std::span<const uint8_t>;

/// Lower-case hexadecimal digits, two a byte, in the order of the bytes.
std::string to_hex(ByteView bytes);

/// The bytes of an even number of hexadecimal digits of either case; nullopt for anything else.
std::optional<Bytes> from_hex(std::string_view text);

/// The bytes of a text, without a terminator.
inline ByteView as_bytes(std::string_view text) {
    return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

} // namespace cairn::consensus
