// SPDX-License-Identifier: MIT
// Walks a JSON text strictly: every field must be asked for, has one type and a range, and is
// written once. What breaks this is an error with the field's path, what it holds and what was
// expected, so that a misspelt chain file can't quietly be another chain.
#pragma once

#include "consensus/hash.h"
#include "consensus/uint256.h"

#include <boost/json/value.hpp>

#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace cairn::consensus {

/// What is wrong in a chain file: the field, what it holds, what was expected.
struct ChainFileError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Parse `text`; a field that is there twice is an error too. Throws ChainFileError.
boost::json::value parse_json_strictly(std::string_view text);

/// One JSON value, and where it stands.
class JsonField {
public:
    JsonField(const boost::json::value* value, std::string path)
        : value_(value),
          path_(std::move(path)) {}

    /// Whether the file has this field at all. Those below throw where it hasn't.
    bool present() const { return value_ != nullptr; }

    bool is_text() const { return present() && value_->is_string(); }

    const std::string& path() const { return path_; }

    bool boolean() const;
    int64_t number(int64_t least, int64_t most) const;
    /// Text of 1 to `most_bytes` printable ASCII characters.
    std::string text(size_t most_bytes) const;
    Bytes hex(size_t least_bytes, size_t most_bytes) const;
    /// 64 hexadecimal digits as people see hashes: last byte first.
    Hash256 hash() const;
    /// Up to 64 hexadecimal digits, most significant first.
    Uint256 number_256() const;
    /// 8 hexadecimal digits, most significant first.
    uint32_t word() const;
    std::vector<JsonField> items() const;

    /// Throws ChainFileError: this field, what it holds, and that `expected` was expected.
    [[noreturn]] void fail(std::string_view expected) const;

private:
    friend class JsonFields;
    const boost::json::value* value_;
    std::string path_;
};

/// One JSON object. finish() throws if it has a field that nobody asked for.
class JsonFields {
public:
    explicit JsonFields(const JsonField& object);

    /// The field `name`, which may be absent.
    JsonField operator[](std::string_view name);

    void finish() const;

private:
    const boost::json::object* object_;
    std::string path_;
    std::set<std::string, std::less<>> known_;
};

} // namespace cairn::consensus
