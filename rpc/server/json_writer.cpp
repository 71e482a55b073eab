// SPDX-License-Identifier: MIT
#include "rpc/server/json_writer.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <cmath>
#include <iterator>
#include <spdlog/fmt/fmt.h>

namespace cairn::rpc::server {

namespace {

constexpr uint64_t COIN = 100'000'000; ///< Satoshis.
constexpr int REAL_DIGITS = 16;
constexpr std::string_view REPLACEMENT = "\xef\xbf\xbd"; ///< U+FFFD in UTF-8.

/// Bytes of the UTF-8 character at `text`'s start; 0 if there is none. Source: RFC 3629.
size_t utf8_character(std::string_view text) {
    const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = byte(0);
    if (first < 0x80) return 1;
    const size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
    for (size_t i = 1; i < length; ++i)
        if ((byte(i) & 0xc0) != 0x80) return 0;
    // Overlong forms, surrogates and what lies beyond U+10FFFF show in the second byte.
    if (first == 0xe0 && byte(1) < 0xa0) return 0;
    if (first == 0xed && byte(1) > 0x9f) return 0;
    if (first == 0xf0 && byte(1) < 0x90) return 0;
    if (first == 0xf4 && byte(1) > 0x8f) return 0;
    return length;
}

/// Written as it is, and a character of its own.
constexpr bool is_plain(char c) {
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/// One that isn't plain.
void append_character(std::string& out, char c) {
    constexpr std::string_view ESCAPED = "\"\\\b\f\n\r\t";
    constexpr std::string_view LETTERS = "\"\\bfnrt";
    if (const size_t i = ESCAPED.find(c); i != std::string_view::npos)
        out.append({'\\', LETTERS[i]});
    else
        fmt::format_to(std::back_inserter(out), "\\u{:04x}", c);
}

template <class... Number>
void append_number(std::string& out, Number... number_and_format) {
    std::array<char, 32> digits{};
    const auto end =
        std::to_chars(digits.data(), digits.data() + digits.size(), number_and_format...);
    out.append(digits.data(), end.ptr);
}

} // namespace

void JsonWriter::separate() {
    if (need_comma_) out_ += ',';
    need_comma_ = true;
}

JsonWriter& JsonWriter::begin_object() {
    separate();
    out_ += '{';
    need_comma_ = false;
    return *this;
}

JsonWriter& JsonWriter::end_object() {
    out_ += '}';
    need_comma_ = true;
    return *this;
}

JsonWriter& JsonWriter::begin_array() {
    separate();
    out_ += '[';
    need_comma_ = false;
    return *this;
}

JsonWriter& JsonWriter::end_array() {
    out_ += ']';
    need_comma_ = true;
    return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
    string(name);
    out_ += ':';
    need_comma_ = false;
    return *this;
}

JsonWriter& JsonWriter::string(std::string_view text) {
    separate();
    out_ += '"';
    for (;;) {
        const auto plain = std::ranges::find_if_not(text, is_plain) - text.begin();
        out_.append(text, 0, static_cast<size_t>(plain)); // mostly all
        text.remove_prefix(static_cast<size_t>(plain));
        if (text.empty()) break;
        const size_t length = utf8_character(text);
        if (length == 1)
            append_character(out_, text[0]);
        else
            out_ += length == 0 ? REPLACEMENT : text.substr(0, length);
        text.remove_prefix(length == 0 ? 1 : length);
    }
    out_ += '"';
    return *this;
}

JsonWriter& JsonWriter::plain(std::string_view text) {
    assert(std::ranges::all_of(text, is_plain));
    separate();
    out_ += '"';
    out_ += text;
    out_ += '"';
    return *this;
}

JsonWriter& JsonWriter::integer(int64_t number) {
    separate();
    append_number(out_, number);
    return *this;
}

JsonWriter& JsonWriter::unsigned_integer(uint64_t number) {
    separate();
    append_number(out_, number);
    return *this;
}

JsonWriter& JsonWriter::real(double number) {
    assert(std::isfinite(number));
    separate();
    append_number(out_, number, std::chars_format::general, REAL_DIGITS);
    return *this;
}

JsonWriter& JsonWriter::amount(int64_t satoshis) {
    separate();
    // Negated as unsigned, because the lowest int64_t has no positive counterpart.
    const uint64_t magnitude =
        satoshis < 0 ? -static_cast<uint64_t>(satoshis) : static_cast<uint64_t>(satoshis);
    if (satoshis < 0) out_ += '-';
    append_number(out_, magnitude / COIN);
    // The leading 1 keeps the zeros of the fraction, and is then overwritten by the point.
    const size_t point = out_.size();
    append_number(out_, COIN + magnitude % COIN);
    out_[point] = '.';
    return *this;
}

JsonWriter& JsonWriter::boolean(bool truth) {
    separate();
    out_ += truth ? "true" : "false";
    return *this;
}

JsonWriter& JsonWriter::null() {
    separate();
    out_ += "null";
    return *this;
}

JsonWriter& JsonWriter::raw(std::string_view json) {
    separate();
    out_ += json;
    return *this;
}

} // namespace cairn::rpc::server
