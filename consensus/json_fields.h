// SPDX-License-Identifier: MIT
// Walks a JSON object in one of two directions, so that what reads a field and what writes it are
// one line. Reading is strict: every field must be asked for, has one type and a range, and is
// there once. What breaks this is an error with the field's path, what it holds and what was
// expected, so that a misspelt chain file can't quietly be another chain.
#pragma once

#include "consensus/quantity.h"
#include "consensus/uint256.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <concepts>
#include <set>
#include <stdexcept>

namespace cairn::consensus {

/// What is wrong in a chain file: the field, what it holds, what was expected.
struct ChainFileError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Parse `text`; a field that is there twice is an error too. Throws ChainFileError.
boost::json::value parse_json_strictly(std::string_view text);

/// `value` on several lines, an item a line.
std::string print_json(const boost::json::value& value);

/// One JSON value, and where it stands.
struct JsonField {
    const boost::json::value* value = nullptr; ///< Null: the file has no such field.
    std::string path;

    /// The text it holds; nullopt if it isn't one.
    std::optional<std::string_view> text() const;

    std::vector<JsonField> items() const;

    /// Throws ChainFileError: this field, what it holds, and that `expected` was expected.
    [[noreturn]] void fail(std::string_view expected) const;
};

// What a field may hold: read_json() throws where it doesn't, write_json() gives what is read as
// the same. Each takes the value and, of some types, a rule.

/// Of a number its values, of hexadecimal digits how many bytes they stand for.
struct Range {
    int64_t least;
    int64_t most;
};

/// Of a text its length, and of which characters it may be.
struct TextRule {
    size_t most_bytes;
    bool (*allowed)(char) = nullptr;
    std::string_view expected = {};
};

int64_t read_number(const JsonField& field, Range range);
Bytes read_hex(const JsonField& field, Range size_bytes);
void read_json(const JsonField& field, bool& value);
void read_json(const JsonField& field, std::string& value, const TextRule& rule);
/// 64 hexadecimal digits as people see hashes: last byte first.
void read_json(const JsonField& field, Hash256& value);
/// Up to 64 hexadecimal digits, most significant first.
void read_json(const JsonField& field, Uint256& value);

boost::json::value write_json(bool value);
boost::json::value write_json(const std::string& value, const TextRule& rule);
boost::json::value write_json(const Hash256& value);
boost::json::value write_json(const Uint256& value);

template <std::integral Number>
void read_json(const JsonField& field, Number& value, Range range) {
    value = static_cast<Number>(read_number(field, range));
}

template <std::integral Number>
boost::json::value write_json(Number value, Range) {
    return value;
}

template <class Tag, class Number>
void read_json(const JsonField& field, Quantity<Tag, Number>& value, Range range) {
    read_json(field, value.value, range);
}

template <class Tag, class Number>
boost::json::value write_json(Quantity<Tag, Number> value, Range) {
    return value.value;
}

/// Bytes in hexadecimal, of any kind that can be assigned.
template <class T>
concept ByteString = std::convertible_to<const T&, ByteView>;

template <ByteString T>
void read_json(const JsonField& field, T& value, Range size_bytes) {
    value = T(read_hex(field, size_bytes));
}

template <size_t SIZE>
void read_json(const JsonField& field, std::array<uint8_t, SIZE>& value) {
    const Bytes bytes = read_hex(field, {SIZE, SIZE});
    std::copy(bytes.begin(), bytes.end(), value.begin());
}

template <ByteString T, class... Rule>
boost::json::value write_json(const T& value, const Rule&...) {
    return write_json(to_hex(value), TextRule{});
}

/// An object, by the function that walks its fields.
template <class T, std::invocable<class JsonFields&, T&> Walk>
void read_json(const JsonField& field, T& value, const Walk& walk);

template <class T, std::invocable<JsonFields&, T&> Walk>
boost::json::value write_json(T& value, const Walk& walk);

template <class T, class Rule>

requires(!ByteString<std::vector<T>>) void read_json(
    const JsonField& field, std::vector<T>& value, const Rule& rule) {
    value.clear();
    for (const JsonField& item : field.items()) read_json(item, value.emplace_back(), rule);
}

template <class T, class Rule>

requires(!ByteString<std::vector<T>>) boost::json::value
    write_json(std::vector<T>& value, const Rule& rule) {
    boost::json::array items;
    for (T& item : value) items.push_back(write_json(item, rule));
    return items;
}

/// The fields of one JSON object, which are either read or written.
class JsonFields {
public:
    /// Writes.
    JsonFields() = default;

    /// Reads. `object` outlives this.
    explicit JsonFields(const JsonField& object);

    bool reading() const { return source_ != nullptr; }

    /// The field `name` is `value`.
    template <class T, class... Rule>
    void required(std::string_view name, T&& value, const Rule&... rule) {
        if (reading())
            read_json(find(name), value, rule...);
        else
            written_[{name.data(), name.size()}] = write_json(value, rule...);
    }

    /// A field that may be missing: then `value` stays as it is.
    template <class T, class... Rule>
    void defaulted(std::string_view name, T&& value, const Rule&... rule) {
        if (!reading() || find(name).value != nullptr) required(name, value, rule...);
    }

    /// A field that is missing where `value` is `missing`.
    template <class T, class... Rule>
    void optional(std::string_view name, T& value, const Rule&... rule) {
        if (reading() || value != T()) defaulted(name, value, rule...);
    }

    /// While reading, fail unless `good`: what the field `name` (if "", the object itself) holds is
    /// not what was `expected`.
    void check(bool good, std::string_view name, std::string_view expected);

    /// While reading, fail if there is a field that nobody asked for.
    void finish() const;

    const boost::json::object& written() const { return written_; }

private:
    JsonField find(std::string_view name);
    JsonField child(std::string_view name) const;

    const boost::json::object* source_ = nullptr;
    JsonField self_;
    std::set<std::string, std::less<>> known_;
    boost::json::object written_;
};

template <class T, std::invocable<JsonFields&, T&> Walk>
void read_json(const JsonField& field, T& value, const Walk& walk) {
    JsonFields fields(field);
    walk(fields, value);
    fields.finish();
}

template <class T, std::invocable<JsonFields&, T&> Walk>
boost::json::value write_json(T& value, const Walk& walk) {
    JsonFields fields;
    walk(fields, value);
    return fields.written();
}

} // namespace cairn::consensus
