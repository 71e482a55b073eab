// SPDX-License-Identifier: MIT
// Base58: bytes in letters that can't be mistaken for each other; base58check adds four bytes by
// which a mistyped one is noticed.
#pragma once

#include "consensus/bytes.h"

#include <optional>
#include <string>
#include <string_view>

namespace cairn::consensus {

/// Longest result that base58_decode() gives unless told: decoding takes quadratic time.
constexpr size_t MAX_BASE58_BYTES = 128;

std::string base58_encode(ByteView bytes);

/// The bytes of `text`, white space around it left out; nullopt for another character within, or
/// if there are more than `max_bytes`.
std::optional<Bytes> base58_decode(std::string_view text, size_t max_bytes = MAX_BASE58_BYTES);

/// With the four check bytes.
std::string base58check_encode(ByteView bytes);

/// Without the four check bytes, which must fit. `max_bytes` counts them not.
std::optional<Bytes> base58check_decode(std::string_view text, size_t max_bytes = MAX_BASE58_BYTES);

} // namespace cairn::consensus
