// SPDX-License-Identifier: MIT
#include "rpc/server/json.h"

#include "rpc/server/json_writer.h"

#include <boost/json/basic_parser_impl.hpp>

#include <array>
#include <charconv>

namespace cairn::rpc::server {

namespace {

using boost::json::error_code;
using View = boost::json::string_view;

constexpr int DECIMALS = 8; ///< Of an amount.

/// Builds Json values from the parser's events. The names of its functions are Boost.JSON's.
class TreeBuilder {
public:
    static constexpr size_t max_object_size = MAX_REQUEST_VALUES; // NOLINT(*-naming)
    static constexpr size_t max_array_size = MAX_REQUEST_VALUES;  // NOLINT(*-naming)
    static constexpr size_t max_key_size = size_t{1} << 30;       // NOLINT(*-naming)
    static constexpr size_t max_string_size = size_t{1} << 30;    // NOLINT(*-naming)

    bool on_document_begin(error_code&) { return true; }

    bool on_document_end(error_code&) { return true; }

    bool on_object_begin(error_code& ec) { return open(Json::Kind::Object, ec); }

    bool on_object_end(size_t, error_code&) { return close(); }

    bool on_array_begin(error_code& ec) { return open(Json::Kind::Array, ec); }

    bool on_array_end(size_t, error_code&) { return close(); }

    bool on_key_part(View part, size_t, error_code&) { return collect(part); }

    bool on_key(View part, size_t, error_code&) {
        collect(part);
        open_.back()->names.push_back(std::move(part_));
        part_.clear();
        return true;
    }

    bool on_string_part(View part, size_t, error_code&) { return collect(part); }

    bool on_string(View part, size_t, error_code& ec) {
        collect(part);
        return add_text(Json::Kind::String, ec);
    }

    bool on_number_part(View part, error_code&) { return collect(part); }

    bool on_int64(int64_t, View part, error_code& ec) { return add_number(part, ec); }

    bool on_uint64(uint64_t, View part, error_code& ec) { return add_number(part, ec); }

    bool on_double(double, View part, error_code& ec) { return add_number(part, ec); }

    bool on_bool(bool truth, error_code& ec) {
        Json* value = add(Json::Kind::Bool, ec);
        if (value != nullptr) value->truth = truth;
        return value != nullptr;
    }

    bool on_null(error_code& ec) { return add(Json::Kind::Null, ec) != nullptr; }

    bool on_comment_part(View, error_code&) { return true; }

    bool on_comment(View, error_code&) { return true; }

    Json take() { return std::move(root_); }

private:
    bool collect(View part) {
        part_.append(part.data(), part.size());
        return true;
    }

    bool add_number(View part, error_code& ec) {
        collect(part);
        return add_text(Json::Kind::Number, ec);
    }

    bool add_text(Json::Kind kind, error_code& ec) {
        Json* value = add(kind, ec);
        if (value != nullptr) value->text = std::move(part_);
        part_.clear();
        return value != nullptr;
    }

    /// A pointer to an open value stays good: what holds it gets no further value meanwhile.
    Json* add(Json::Kind kind, error_code& ec) {
        if (++count_ > MAX_REQUEST_VALUES) {
            ec = boost::json::error::array_too_large;
            return nullptr;
        }
        Json* value = open_.empty() ? &root_ : &open_.back()->items.emplace_back();
        value->kind = kind;
        return value;
    }

    bool open(Json::Kind kind, error_code& ec) {
        Json* value = add(kind, ec);
        if (value != nullptr) open_.push_back(value);
        return value != nullptr;
    }

    bool close() {
        open_.pop_back();
        return true;
    }

    Json root_;
    std::vector<Json*> open_;
    std::string part_;
    size_t count_ = 0;
};

} // namespace

const Json* Json::find(std::string_view name) const {
    for (size_t i = 0; i < names.size(); ++i)
        if (names[i] == name) return &items[i];
    return nullptr;
}

Json Json::of_text(std::string text) {
    Json value;
    value.kind = Kind::String;
    value.text = std::move(text);
    return value;
}

size_t Json::text_size() const {
    size_t size = text.size();
    for (const Json& item : items) size += item.text_size();
    return size;
}

void Json::write(JsonWriter& writer) const {
    if (kind == Kind::Null) writer.null();
    if (kind == Kind::Bool) writer.boolean(truth);
    if (kind == Kind::Number) writer.raw(text);
    if (kind == Kind::String) writer.string(text);
    if (kind != Kind::Array && kind != Kind::Object) return;
    const bool named = kind == Kind::Object;
    named ? writer.begin_object() : writer.begin_array();
    for (size_t i = 0; i < items.size(); ++i) {
        if (named) writer.key(names[i]);
        items[i].write(writer);
    }
    named ? writer.end_object() : writer.end_array();
}

std::string_view kind_name(Json::Kind kind) {
    constexpr std::array<std::string_view, 6> NAMES{
        "null", "bool", "object", "array", "string", "number"}; // In the order of the enumeration.
    return NAMES.at(static_cast<size_t>(kind));
}

std::optional<Json> parse_json(std::string_view text) {
    boost::json::parse_options options;
    options.max_depth = MAX_REQUEST_DEPTH;
    boost::json::basic_parser<TreeBuilder> parser(options);
    error_code ec;
    const size_t used = parser.write_some(false, text.data(), text.size(), ec);
    if (ec || used != text.size()) return std::nullopt;
    return parser.handler().take();
}

std::optional<int64_t> integer_of(std::string_view number) {
    int64_t value = 0;
    const char* end = number.data() + number.size();
    const auto [stop, error] = std::from_chars(number.data(), end, value);
    if (error != std::errc() || stop != end) return std::nullopt;
    return value;
}

std::optional<int64_t> satoshis_of(std::string_view number) {
    // A JSON number, checked by its own grammar: [-] digits [. digits] [e [+-] digits].
    const bool negative = number.starts_with('-');
    if (negative) number.remove_prefix(1);
    const size_t exponent_at = number.find_first_of("eE");
    std::string_view mantissa = number.substr(0, exponent_at);
    int64_t exponent = 0;
    if (exponent_at != std::string_view::npos) {
        std::string_view digits = number.substr(exponent_at + 1);
        if (digits.starts_with('+')) digits.remove_prefix(1);
        const std::optional<int64_t> parsed = integer_of(digits);
        if (!parsed || *parsed < -1000 || *parsed > 1000) return std::nullopt;
        exponent = *parsed;
    }
    const size_t point = mantissa.find('.');
    const std::string_view whole = mantissa.substr(0, point);
    const std::string_view fraction =
        point == std::string_view::npos ? std::string_view{} : mantissa.substr(point + 1);
    if (whole.empty() || (whole.size() > 1 && whole[0] == '0')) return std::nullopt;
    if (point != std::string_view::npos && fraction.empty()) return std::nullopt;

    // The value is `digits` x 10^shift satoshis.
    std::string digits = std::string(whole) + std::string(fraction);
    if (digits.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
    int64_t shift = exponent + DECIMALS - static_cast<int64_t>(fraction.size());
    digits.erase(0, digits.find_first_not_of('0'));
    if (digits.empty()) return 0;
    for (; shift < 0 && digits.back() == '0'; ++shift) digits.pop_back();
    if (shift < 0 || shift > 18) return std::nullopt;
    digits.append(static_cast<size_t>(shift), '0');
    const std::optional<int64_t> magnitude = integer_of(digits);
    if (!magnitude) return std::nullopt;
    return negative ? -*magnitude : *magnitude;
}

} // namespace cairn::rpc::server
