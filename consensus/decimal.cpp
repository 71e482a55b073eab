// SPDX-License-Identifier: MIT
#include "consensus/decimal.h"

#include <algorithm>

namespace cairn::consensus {

std::optional<int64_t> read_decimal(std::string_view text, int decimals, int64_t limit) {
    int64_t units = 0;
    int after_point = -1; // digits seen after the point; -1 before it
    bool any_digit = false;
    for (const char c : text) {
        if (c == '.' && after_point < 0) {
            after_point = 0;
            continue;
        }
        if (c < '0' || c > '9' || after_point == decimals) return std::nullopt;
        if (after_point >= 0) ++after_point;
        any_digit = true;
        units = units * 10 + (c - '0');
        if (units > limit) return std::nullopt;
    }
    if (!any_digit) return std::nullopt;
    for (int i = std::max(after_point, 0); i < decimals; ++i) {
        units *= 10;
        if (units > limit) return std::nullopt;
    }
    return units;
}

} // namespace cairn::consensus
