// SPDX-License-Identifier: MIT
#include "consensus/uint256.h"

namespace cairn::consensus {

Uint256 to_number(const Hash256& hash) {
    Uint256 number;
    constexpr bool MOST_SIGNIFICANT_FIRST = false;
    import_bits(number, hash.bytes.begin(), hash.bytes.end(), 8, MOST_SIGNIFICANT_FIRST);
    return number;
}

Hash256 to_hash(const Uint256& number) {
    Hash256 hash;
    Uint256 rest = number;
    for (uint8_t& byte : hash.bytes) {
        byte = static_cast<uint8_t>(rest & 0xff);
        rest >>= 8;
    }
    return hash;
}

std::string to_hex(const Uint256& number) {
    return to_hash(number).to_string();
}

std::string word_hex(uint32_t word) {
    return to_hex(Uint256(word)).substr(56);
}

std::optional<Uint256> number_from_hex(std::string_view text) {
    constexpr size_t DIGITS = 64;
    if (text.empty() || text.size() > DIGITS) return std::nullopt;
    const std::optional<Hash256> hash =
        hash_from_string(std::string(DIGITS - text.size(), '0').append(text));
    if (!hash) return std::nullopt;
    return to_number(*hash);
}

} // namespace cairn::consensus
