// SPDX-License-Identifier: MIT
// Amounts as people write them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace cairn::consensus {

/// A decimal number as a count of its smallest unit, exactly; nullopt if it has more than
/// `decimals` digits after the point, exceeds `limit` units, or isn't plain digits and a point.
std::optional<int64_t> read_decimal(std::string_view text, int decimals, int64_t limit);

} // namespace cairn::consensus
