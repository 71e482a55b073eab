// SPDX-License-Identifier: MIT
#include "consensus/base58.h"

#include "consensus/hash.h"

#include <algorithm>

namespace cairn::consensus {

namespace {

constexpr std::string_view ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
constexpr std::string_view WHITE_SPACE = " \f\n\r\t\v";
constexpr size_t CHECK_BYTES = 4;

std::string_view trim(std::string_view text) {
    const size_t first = text.find_first_not_of(WHITE_SPACE);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(WHITE_SPACE) - first + 1);
}

/// Multiply the number in `digits` (least significant first, of base `base`) by `factor` and add
/// `carry`.
void multiply_add(Bytes& digits, unsigned base, unsigned factor, unsigned carry) {
    for (uint8_t& digit : digits) {
        carry += digit * factor;
        digit = static_cast<uint8_t>(carry % base);
        carry /= base;
    }
    for (; carry != 0; carry /= base) digits.push_back(static_cast<uint8_t>(carry % base));
}

} // namespace

std::string base58_encode(ByteView bytes) {
    size_t zeros = 0;
    while (zeros < bytes.size() && bytes[zeros] == 0) ++zeros;
    Bytes digits;
    for (const uint8_t byte : bytes.subspan(zeros)) multiply_add(digits, 58, 256, byte);
    // A zero byte in front has no value, so it is a "1" of its own.
    std::string text(zeros, ALPHABET[0]);
    for (size_t i = digits.size(); i-- > 0;) text += ALPHABET[digits[i]];
    return text;
}

std::optional<Bytes> base58_decode(std::string_view text, size_t max_bytes) {
    text = trim(text);
    const size_t zeros = std::min(text.find_first_not_of(ALPHABET[0]), text.size());
    if (zeros > max_bytes) return std::nullopt;
    Bytes number;
    for (const char c : text.substr(zeros)) {
        const size_t digit = ALPHABET.find(c);
        if (digit == std::string_view::npos) return std::nullopt;
        multiply_add(number, 256, 58, static_cast<unsigned>(digit));
        if (number.size() > max_bytes - zeros) return std::nullopt;
    }
    Bytes bytes(zeros, 0);
    bytes.insert(bytes.end(), number.rbegin(), number.rend());
    return bytes;
}

std::string base58check_encode(ByteView bytes) {
    Bytes checked(bytes.begin(), bytes.end());
    const Hash256 hash = sha256d(bytes);
    checked.insert(checked.end(), hash.bytes.begin(), hash.bytes.begin() + CHECK_BYTES);
    return base58_encode(checked);
}

std::optional<Bytes> base58check_decode(std::string_view text, size_t max_bytes) {
    std::optional<Bytes> bytes = base58_decode(text, max_bytes + CHECK_BYTES);
    if (!bytes || bytes->size() < CHECK_BYTES) return std::nullopt;
    const ByteView content = ByteView(*bytes).first(bytes->size() - CHECK_BYTES);
    const Hash256 hash = sha256d(content);
    if (!std::ranges::equal(
            ByteView(*bytes).last(CHECK_BYTES), ByteView(hash.bytes).first(CHECK_BYTES)))
        return std::nullopt;
    bytes->resize(content.size());
    return bytes;
}

} // namespace cairn::consensus
