// SPDX-License-Identifier: MIT
// What a command tells, stated once: people get aligned lines, programs with --json one JSON value.
#pragma once

#include "wallet/amount.h"

#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cairn::wallet {

/// `text` as a string in JSON.
std::string json_string(std::string_view text);

/// A value as people read it and as it stands in JSON. One of both may be empty: then it is for the
/// other reader alone.
struct Value {
    std::string text;
    std::string json;
    bool number = false; ///< Stands to the right of its column.

    Value(std::string shown, std::string in_json)
        : text(std::move(shown)),
          json(std::move(in_json)) {}

    template <std::convertible_to<std::string_view> T>
    Value(const T& string) // NOLINT(google-explicit-constructor)
        : text(std::string_view(string)),
          json(json_string(text)) {}

    Value(std::integral auto n) // NOLINT(*-explicit-*)
        : text(std::to_string(n)),
          json(text),
          number(true) {}

    Value(Amount amount) // NOLINT(*-explicit-*)
        : text(to_text(amount)),
          json(text),
          number(true) {}

    Value(Height height) : Value(height.value) {} // NOLINT(*-explicit-*)

    template <class T>
    Value(const std::optional<T>& value) // NOLINT(*-explicit-*)
        : Value(value ? Value(*value) : Value("-", "null")) {}
};

/// Named values, in order: an object in JSON. The names are JSON's ("tip_age"); people see "Tip
/// age".
using Fields = std::vector<std::pair<std::string_view, Value>>;

/// JSON texts of values.
std::string object_text(const Fields& fields);
std::string array_text(const std::vector<Fields>& rows);

/// Lines with aligned columns, each indented by two spaces.
std::string columns(const std::vector<std::vector<Value>>& rows);

/// Lines with a column for each name that a row has something to show for.
std::string table(const std::vector<Fields>& rows);

/// A line for each field, or an object.
void print(const Fields& fields, bool as_json);

/// A table, or an array; `none` is for people if it is empty.
void print(const std::vector<Fields>& rows, bool as_json, std::string_view none);

} // namespace cairn::wallet
