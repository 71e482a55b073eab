// SPDX-License-Identifier: MIT
// JSON that came in. Boost.JSON parses it, but not into its own values: they hold numbers as
// doubles, and an amount of money must be read from the digits that were sent.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cairn::rpc::server {

class JsonWriter;

/// A request takes no more memory than so many values; more is refused as a parse error.
constexpr size_t MAX_REQUEST_VALUES = 250'000;
/// Arrays and objects within each other. Core: MAX_JSON_DEPTH.
constexpr size_t MAX_REQUEST_DEPTH = 512;

/// A value of a request.
struct Json {
    enum class Kind : uint8_t { Null, Bool, Object, Array, String, Number };

    Kind kind = Kind::Null;
    bool truth = false;             ///< Bool.
    std::string text;               ///< String: its characters; Number: as it was written.
    std::vector<Json> items;        ///< Array: its elements; Object: the values ...
    std::vector<std::string> names; ///< ... of these names, in order.

    bool is(Kind k) const { return kind == k; }

    bool is_null() const { return kind == Kind::Null; }

    /// The first member of this name; null if there is none, or this is no object.
    const Json* find(std::string_view name) const;

    void write(JsonWriter& writer) const;

    /// Characters of all texts and numbers in it.
    size_t text_size() const;

    static Json of_text(std::string text);
};

/// "null", "bool", "object", "array", "string", "number": as error messages say it.
std::string_view kind_name(Json::Kind kind);

/// The value that all of `text` is; nullopt if it isn't JSON or exceeds the limits above.
std::optional<Json> parse_json(std::string_view text);

/// A JSON number without fraction and exponent that fits; nullopt for all others.
std::optional<int64_t> integer_of(std::string_view number);

/// Satoshis of a number of coins with at most eight decimals, exactly: the digits are read as
/// they stand, 1e-8 included. nullopt for what isn't a JSON number, or is finer, or overflows.
/// Core: ParseFixedPoint.
std::optional<int64_t> satoshis_of(std::string_view number);

} // namespace cairn::rpc::server
