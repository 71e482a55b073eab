// SPDX-License-Identifier: MIT
#include "consensus/bytes.h"

namespace cairn::consensus {

namespace {

int digit_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

} // namespace

std::string to_hex(ByteView bytes) {
    static constexpr char DIGITS[] = "0123456789abcdef";
    std::string text(bytes.size() * 2, '0');
    char* at = text.data();
    for (const uint8_t byte : bytes) {
        *at++ = DIGITS[byte >> 4];
        *at++ = DIGITS[byte & 15];
    }
    return text;
}

std::optional<Bytes> from_hex(std::string_view text) {
    if (text.size() % 2 != 0) return std::nullopt;
    Bytes bytes;
    bytes.reserve(text.size() / 2);
    for (size_t i = 0; i < text.size(); i += 2) {
        const int high = digit_value(text[i]);
        const int low = digit_value(text[i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        bytes.push_back(static_cast<uint8_t>(high << 4 | low));
    }
    return bytes;
}

} // namespace cairn::consensus
