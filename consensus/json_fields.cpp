// SPDX-License-Identifier: MIT
#include "consensus/json_fields.h"

#include <boost/json/parse.hpp>
#include <boost/json/parser.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>

namespace cairn::consensus {

namespace json = boost::json;

namespace {

constexpr std::string_view WHITE_SPACE = " \t\r\n";

/// A field that some object of `text` has twice: a parsed object keeps only the last. "" if there
/// is none. Requires: `text` is JSON.
std::string find_duplicate(std::string_view text) {
    std::vector<std::set<std::string>> open; // the fields of each object around
    for (size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '{') open.emplace_back();
        if (text[at] == '}') open.pop_back();
        if (text[at] != '"') continue;
        const size_t begin = at++;
        while (text[at] != '"') at += text[at] == '\\' ? 2 : 1;
        const size_t next = text.find_first_not_of(WHITE_SPACE, at + 1);
        if (next == std::string_view::npos || text[next] != ':') continue;
        const json::value name = json::parse({text.data() + begin, at + 1 - begin});
        const auto [field, fresh] = open.back().emplace(name.get_string());
        if (!fresh) return *field;
    }
    return "";
}

void print(std::string& out, const json::value& value, const std::string& new_line) {
    const std::string inner = new_line + "  ";
    const auto* object = value.if_object();
    const auto* array = value.if_array();
    if ((object == nullptr || object->empty()) && (array == nullptr || array->empty())) {
        out += json::serialize(value);
        return;
    }
    out += object != nullptr ? '{' : '[';
    if (object != nullptr) {
        for (const json::key_value_pair& field : *object) {
            out += inner + json::serialize(field.key()) + ": ";
            print(out, field.value(), inner);
            out += ',';
        }
    } else {
        for (const json::value& item : *array) {
            out += inner;
            print(out, item, inner);
            out += ',';
        }
    }
    out.pop_back(); // no comma after the last
    out += new_line + (object != nullptr ? '}' : ']');
}

} // namespace

json::value parse_json_strictly(std::string_view text) {
    json::parser parser;
    json::error_code error;
    const size_t read = parser.write_some(text.data(), text.size(), error);
    const bool trailing =
        !error && text.find_first_not_of(WHITE_SPACE, read) != std::string_view::npos;
    if (error || trailing) {
        const auto lines = std::ranges::count(text.substr(0, read), '\n');
        throw ChainFileError(
            "line " + std::to_string(lines + 1) +
            ": not JSON: " + (trailing ? std::string("text after its end") : error.message()));
    }
    if (const std::string name = find_duplicate(text); !name.empty())
        throw ChainFileError(name + ": is there twice, expected once");
    return parser.release();
}

std::string print_json(const json::value& value) {
    std::string text;
    print(text, value, "\n");
    return text + "\n";
}

// A field's content /////////////////////////////////////////////////////////////////////////////

void JsonField::fail(std::string_view expected) const {
    constexpr size_t SHOWN = 80;
    std::string holds = "is missing";
    if (value != nullptr) {
        std::string content = json::serialize(*value);
        if (content.size() > SHOWN) content = content.substr(0, SHOWN) + "...";
        holds = "holds " + content;
    }
    throw ChainFileError(
        (path.empty() ? "the file" : path) + ": " + holds + ", expected " + std::string(expected));
}

std::optional<std::string_view> JsonField::text() const {
    if (value == nullptr || !value->is_string()) return std::nullopt;
    return std::string_view(value->get_string());
}

std::vector<JsonField> JsonField::items() const {
    if (value == nullptr || !value->is_array()) fail("an array");
    std::vector<JsonField> items;
    for (const json::value& item : value->get_array())
        items.push_back({&item, path + "[" + std::to_string(items.size()) + "]"});
    return items;
}

void read_json(const JsonField& field, bool& value) {
    if (field.value == nullptr || !field.value->is_bool()) field.fail("true or false");
    value = field.value->get_bool();
}

int64_t read_number(const JsonField& field, Range range) {
    if (field.value != nullptr && field.value->is_int64()) {
        const int64_t number = field.value->get_int64();
        if (number >= range.least && number <= range.most) return number;
    }
    field.fail(
        "a whole number from " + std::to_string(range.least) + " to " + std::to_string(range.most));
}

void read_json(const JsonField& field, std::string& value, const TextRule& rule) {
    const auto printable = [](char c) { return c >= ' ' && c <= '~'; };
    const std::optional<std::string_view> text = field.text();
    if (!text || text->empty() || text->size() > rule.most_bytes ||
        !std::ranges::all_of(*text, printable))
        field.fail("text of 1 to " + std::to_string(rule.most_bytes) + " ASCII characters");
    if (rule.allowed != nullptr && !std::ranges::all_of(*text, rule.allowed))
        field.fail(rule.expected);
    value = *text;
}

Bytes read_hex(const JsonField& field, Range size_bytes) {
    const auto [least, most] = size_bytes;
    const std::optional<Bytes> bytes = from_hex(field.text().value_or("?"));
    const auto size = static_cast<int64_t>(bytes ? bytes->size() : 0);
    if (bytes && size >= least && size <= most) return *bytes;
    const std::string from = least == most ? "" : std::to_string(least) + " to ";
    field.fail(from + std::to_string(most) + " bytes in hexadecimal");
}

void read_json(const JsonField& field, Hash256& value) {
    std::ranges::reverse_copy(read_hex(field, {32, 32}), value.bytes.begin());
}

void read_json(const JsonField& field, Uint256& value) {
    const std::optional<Uint256> number = number_from_hex(field.text().value_or(""));
    if (!number) field.fail("a number of 1 to 64 hexadecimal digits");
    value = *number;
}

json::value write_json(bool value) {
    return value;
}

json::value write_json(const std::string& value, const TextRule& /*rule*/) {
    return json::string(value);
}

json::value write_json(const Hash256& value) {
    return json::string(value.to_string());
}

json::value write_json(const Uint256& value) {
    return json::string(to_hex(value));
}

// The fields of an object ///////////////////////////////////////////////////////////////////////

JsonFields::JsonFields(const JsonField& object) : self_(object) {
    if (object.value == nullptr || !object.value->is_object()) object.fail("an object");
    source_ = &object.value->get_object();
}

JsonField JsonFields::child(std::string_view name) const {
    const std::string before = self_.path.empty() ? "" : self_.path + ".";
    return {source_->if_contains(name), before + std::string(name)};
}

JsonField JsonFields::find(std::string_view name) {
    known_.emplace(name);
    return child(name);
}

void JsonFields::check(bool good, std::string_view name, std::string_view expected) {
    if (!reading() || good) return;
    (name.empty() ? self_ : child(name)).fail(expected);
}

void JsonFields::finish() const {
    for (const json::key_value_pair& field : *source_) {
        const std::string name(field.key());
        if (known_.contains(name)) continue;
        std::string expected = "nothing of this name; what can stand here:";
        for (const std::string& known : known_) expected += " " + known;
        child(name).fail(expected);
    }
}

} // namespace cairn::consensus
