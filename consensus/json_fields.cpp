// SPDX-License-Identifier: MIT
#include "consensus/json_fields.h"

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <limits>

namespace cairn::consensus {

namespace json = boost::json;

namespace {

/// Follows a parse to find a field that an object has twice: a parsed object keeps only the last.
class DuplicateFinder {
public:
    // What basic_parser asks of a handler: limits, and a function for everything it meets.
    static constexpr size_t max_object_size = std::numeric_limits<size_t>::max();
    static constexpr size_t max_array_size = max_object_size;
    static constexpr size_t max_key_size = max_object_size;
    static constexpr size_t max_string_size = max_object_size;
    using Error = json::error_code;

    bool on_document_begin(Error&) { return true; }

    bool on_document_end(Error&) { return true; }

    bool on_object_begin(Error&) {
        seen_.emplace_back();
        return true;
    }

    bool on_object_end(size_t, Error&) {
        seen_.pop_back();
        return true;
    }

    bool on_array_begin(Error&) { return true; }

    bool on_array_end(size_t, Error&) { return true; }

    bool on_key_part(json::string_view part, size_t, Error&) {
        key_.append(part.data(), part.size());
        return true;
    }

    bool on_key(json::string_view part, size_t, Error&) {
        key_.append(part.data(), part.size());
        if (!seen_.back().insert(key_).second && duplicate_.empty()) duplicate_ = key_;
        key_.clear();
        return true;
    }

    bool on_string_part(json::string_view, size_t, Error&) { return true; }

    bool on_string(json::string_view, size_t, Error&) { return true; }

    bool on_number_part(json::string_view, Error&) { return true; }

    bool on_int64(int64_t, json::string_view, Error&) { return true; }

    bool on_uint64(uint64_t, json::string_view, Error&) { return true; }

    bool on_double(double, json::string_view, Error&) { return true; }

    bool on_bool(bool, Error&) { return true; }

    bool on_null(Error&) { return true; }

    bool on_comment_part(json::string_view, Error&) { return true; }

    bool on_comment(json::string_view, Error&) { return true; }

    const std::string& duplicate() const { return duplicate_; }

private:
    std::vector<std::set<std::string>> seen_; ///< Keys of each object that is open.
    std::string key_;
    std::string duplicate_;
};

} // namespace

json::value parse_json_strictly(std::string_view text) {
    json::basic_parser<DuplicateFinder> parser{json::parse_options{}};
    json::error_code error;
    constexpr bool MORE = false;
    const size_t read = parser.write_some(MORE, text.data(), text.size(), error);
    const bool trailing =
        !error && text.find_first_not_of(" \t\r\n", read) != std::string_view::npos;
    if (error || trailing) {
        const auto lines =
            std::count(text.begin(), text.begin() + static_cast<ptrdiff_t>(read), '\n');
        throw ChainFileError(
            "line " + std::to_string(lines + 1) +
            ": not JSON: " + (trailing ? std::string("text after its end") : error.message()));
    }
    if (const std::string& name = parser.handler().duplicate(); !name.empty())
        throw ChainFileError(name + ": is there twice, expected once");
    return json::parse({text.data(), text.size()});
}

void JsonField::fail(std::string_view expected) const {
    constexpr size_t SHOWN = 80;
    std::string holds = "is missing";
    if (present()) {
        std::string content = json::serialize(*value_);
        if (content.size() > SHOWN) content = content.substr(0, SHOWN) + "...";
        holds = "holds " + content;
    }
    throw ChainFileError(path_ + ": " + holds + ", expected " + std::string(expected));
}

bool JsonField::boolean() const {
    if (!present() || !value_->is_bool()) fail("true or false");
    return value_->get_bool();
}

int64_t JsonField::number(int64_t least, int64_t most) const {
    const auto refuse = [&] {
        fail("a whole number from " + std::to_string(least) + " to " + std::to_string(most));
    };
    if (!present() || !value_->is_int64()) refuse();
    const int64_t number = value_->get_int64();
    if (number < least || number > most) refuse();
    return number;
}

std::string JsonField::text(size_t most_bytes) const {
    const auto printable = [](char c) { return c >= ' ' && c <= '~'; };
    if (is_text()) {
        const json::string& text = value_->get_string();
        if (!text.empty() && text.size() <= most_bytes && std::ranges::all_of(text, printable))
            return {text.begin(), text.end()};
    }
    fail("text of 1 to " + std::to_string(most_bytes) + " ASCII characters");
}

Bytes JsonField::hex(size_t least_bytes, size_t most_bytes) const {
    if (is_text()) {
        const json::string& text = value_->get_string();
        const std::optional<Bytes> bytes = from_hex({text.data(), text.size()});
        if (bytes && bytes->size() >= least_bytes && bytes->size() <= most_bytes) return *bytes;
    }
    const std::string least = std::to_string(least_bytes);
    const std::string most = std::to_string(most_bytes);
    fail((least == most ? most : least + " to " + most) + " bytes in hexadecimal");
}

Hash256 JsonField::hash() const {
    Bytes bytes = hex(32, 32);
    Hash256 hash;
    std::ranges::reverse_copy(bytes, hash.bytes.begin());
    return hash;
}

Uint256 JsonField::number_256() const {
    if (is_text()) {
        const json::string& text = value_->get_string();
        if (const auto number = number_from_hex({text.data(), text.size()})) return *number;
    }
    fail("a number of 1 to 64 hexadecimal digits");
}

uint32_t JsonField::word() const {
    const Bytes bytes = hex(4, 4);
    return uint32_t{bytes[0]} << 24 | uint32_t{bytes[1]} << 16 | uint32_t{bytes[2]} << 8 | bytes[3];
}

std::vector<JsonField> JsonField::items() const {
    if (!present() || !value_->is_array()) fail("an array");
    std::vector<JsonField> items;
    for (const json::value& item : value_->get_array())
        items.emplace_back(&item, path_ + "[" + std::to_string(items.size()) + "]");
    return items;
}

JsonFields::JsonFields(const JsonField& object) : object_(nullptr), path_(object.path()) {
    if (!object.present() || !object.value_->is_object()) object.fail("an object");
    object_ = &object.value_->get_object();
}

JsonField JsonFields::operator[](std::string_view name) {
    known_.emplace(name);
    std::string path = path_.empty() ? std::string(name) : path_ + "." + std::string(name);
    return {object_->if_contains({name.data(), name.size()}), std::move(path)};
}

void JsonFields::finish() const {
    for (const json::key_value_pair& field : *object_) {
        const std::string name(field.key().data(), field.key().size());
        if (known_.contains(name)) continue;
        std::string expected = "nothing of this name; what can stand here:";
        for (const std::string& known : known_) expected += " " + known;
        JsonField(&field.value(), path_.empty() ? name : path_ + "." + name).fail(expected);
    }
}

} // namespace cairn::consensus
