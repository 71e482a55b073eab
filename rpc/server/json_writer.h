// SPDX-License-Identifier: MIT
// Writes JSON as it goes. Replies are made by it and not by a tree of values, because amounts are
// fixed decimals (Boost.JSON has binary doubles only) and because a block of thousands of
// transactions should cost no tree.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace cairn::rpc::server {

/// Appends one JSON value to a string. Commas and colons are its own business; nesting is the
/// caller's. No spaces are written.
class JsonWriter {
public:
    JsonWriter& begin_object();
    JsonWriter& end_object();
    JsonWriter& begin_array();
    JsonWriter& end_array();
    JsonWriter& key(std::string_view name);

    JsonWriter& string(std::string_view text); ///< UTF-8; invalid bytes are replaced.
    JsonWriter& integer(int64_t number);
    JsonWriter& unsigned_integer(uint64_t number);
    JsonWriter& real(double number);      ///< With 16 significant digits, as the reference.
    JsonWriter& amount(int64_t satoshis); ///< Coins with eight decimals: 0.00012000
    JsonWriter& boolean(bool truth);
    JsonWriter& null();
    JsonWriter& raw(std::string_view json); ///< JSON made before.

    /// key() and value in one.
    JsonWriter& field(std::string_view name, std::string_view text) {
        return key(name).string(text);
    }

    JsonWriter& field(std::string_view name, const char* text) { return key(name).string(text); }

    JsonWriter& field(std::string_view name, bool truth) { return key(name).boolean(truth); }

    JsonWriter& field(std::string_view name, int64_t n) { return key(name).integer(n); }

    JsonWriter& field(std::string_view name, int32_t n) { return key(name).integer(n); }

    JsonWriter& field(std::string_view name, uint32_t n) { return key(name).unsigned_integer(n); }

    JsonWriter& field(std::string_view name, uint64_t n) { return key(name).unsigned_integer(n); }

    JsonWriter& field(std::string_view name, double n) { return key(name).real(n); }

    std::string take() { return std::move(out_); }

    const std::string& text() const { return out_; }

private:
    void separate();
    std::string out_;
    bool need_comma_ = false;
};

} // namespace cairn::rpc::server
