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
    JsonWriter& plain(std::string_view text);  ///< Without quotes, backslashes or controls, ASCII.
    JsonWriter& integer(int64_t number);
    JsonWriter& unsigned_integer(uint64_t number);
    JsonWriter& real(double number);      ///< With 16 significant digits, as the reference.
    JsonWriter& amount(int64_t satoshis); ///< Coins with eight decimals: 0.00012000
    JsonWriter& boolean(bool truth);
    JsonWriter& null();
    JsonWriter& raw(std::string_view json); ///< JSON made before.

    std::string take() { return std::move(out_); }

    const std::string& text() const { return out_; }

private:
    void separate();
    std::string out_;
    bool need_comma_ = false;
};

} // namespace cairn::rpc::server
