// SPDX-License-Identifier: MIT
#include "tests/rpc/schema.h"

#include <algorithm>

namespace cairn::rpc::server {

namespace {

bool is_hex(std::string_view text) {
    return text.size() % 2 == 0 &&
           text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool has_eight_decimals(std::string_view number) {
    const size_t point = number.find('.');
    return point != std::string_view::npos && number.size() - point == 9;
}

bool is_scalar_of(Type type, const Json& value, bool exact_amounts) {
    const bool number = value.is(Json::Kind::Number);
    const bool text = value.is(Json::Kind::String);
    switch (type) {
    case Type::Null:
        return value.is_null();
    case Type::Bool:
        return value.is(Json::Kind::Bool);
    case Type::Int32:
    case Type::Integer:
    case Type::Time:
        return number && integer_of(value.text).has_value();
    case Type::Real:
        return number;
    case Type::Amount:
        return number && (!exact_amounts || has_eight_decimals(value.text));
    case Type::Text:
        return text;
    case Type::Hex:
        return text && is_hex(value.text);
    case Type::Hash:
        return text && value.text.size() == 64 && is_hex(value.text);
    case Type::Any:
        return true;
    default:
        return false;
    }
}

std::string object_mismatch(const Field& field, const Json& value, bool exact_amounts) {
    const std::vector<Field> members = field.members();
    for (const Field& member : members) {
        const Json* found = value.find(member.name);
        if (found == nullptr && member.optional) continue;
        if (found == nullptr) return "." + std::string(member.name) + " is missing";
        if (std::string wrong = mismatch(member, *found, exact_amounts); !wrong.empty())
            return "." + std::string(member.name) + wrong;
    }
    for (const std::string& name : value.names) {
        const bool known = std::any_of(members.begin(), members.end(), [&](const Field& member) {
            return member.name == name;
        });
        if (!known) return "." + name + " is in no schema";
    }
    return {};
}

/// Errors of the argument checks, and of parts of the server.
const Error OF_ANY_METHOD[] = {
    {Code::TypeError, "Wrong type passed:"},
    {Code::TypeError, "JSON value of type "},
    {Code::TypeError, "Missing "},
    {Code::TypeError, "Invalid amount"},
    {Code::TypeError, "Amount "},
    OUT_OF_RANGE,
    {Code::InvalidParameter, "... must be hexadecimal string (not '"},
    {Code::InvalidParameter, "... must be of length 64 (not "},
    {Code::InvalidParameter, "Unknown named parameter "},
    {Code::InvalidParameter, "Parameter ... specified "},
    {Code::Misc, "The node is stopping"},
    {Code::Forbidden, "User ... may not call "},
};

bool begins_like(std::string_view text, std::string_view pattern) {
    constexpr std::string_view ANYTHING = "...";
    if (pattern.starts_with("what is wrong") || pattern.starts_with("the reason")) return true;
    const size_t gap = pattern.find(ANYTHING);
    if (!text.starts_with(pattern.substr(0, gap))) return false;
    if (gap == std::string_view::npos) return true;
    pattern.remove_prefix(gap + ANYTHING.size());
    for (size_t at = gap; at <= text.size(); ++at)
        if (begins_like(text.substr(at), pattern)) return true;
    return false;
}

} // namespace

std::string mismatch_of_error(const Method& method, const Json& error) {
    const std::string& code = error.find("code")->text;
    const std::string& message = error.find("message")->text;
    const auto is_like = [&](const Error& known) {
        return code == std::to_string(static_cast<int>(known.code)) &&
               begins_like(message, known.message);
    };
    const bool is_help = code == "-1" && message.starts_with(method.name);
    if (is_help || std::ranges::any_of(OF_ANY_METHOD, is_like) ||
        std::ranges::any_of(method.fails, is_like))
        return {};
    return std::string(method.name) + ": not in its row: " + code + " " + message;
}

std::string mismatch(const Field& field, const Json& value, bool exact_amounts) {
    if (field.type == Type::Object && value.is(Json::Kind::Object))
        return object_mismatch(field, value, exact_amounts);
    const bool list = (field.type == Type::Array && value.is(Json::Kind::Array)) ||
                      (field.type == Type::Map && value.is(Json::Kind::Object));
    if (!list)
        return is_scalar_of(field.type, value, exact_amounts)
                   ? ""
                   : " is of the wrong type: " + value.text;
    for (const Json& item : value.items)
        if (std::string wrong = mismatch(field.inner.at(0), item, exact_amounts); !wrong.empty())
            return "[]" + wrong;
    return {};
}

std::string mismatch(const Method& method, const Json& value, bool exact_amounts) {
    std::string all_wrong;
    for (const Returned& result : method.run.returns) {
        if (result.value.optional && value.is_null()) return {};
        const std::string wrong = mismatch(result.value, value, exact_amounts);
        if (wrong.empty()) return {};
        all_wrong += "\n  " + std::string(result.when) + ": result" + wrong;
    }
    return std::string(method.name) + all_wrong;
}

} // namespace cairn::rpc::server
