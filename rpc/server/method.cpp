// SPDX-License-Identifier: MIT
#include "rpc/server/method.h"

#include "rpc/server/help.h"
#include "rpc/server/json_writer.h"

#include <algorithm>
#include <cassert>
#include <map>

namespace cairn::rpc::server {

namespace {

constexpr int64_t MAX_MONEY_SATOSHIS = 21'000'000LL * 100'000'000;
constexpr size_t HASH_DIGITS = 64;

bool is_hex(std::string_view text) {
    return text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

std::optional<Error> check_integer(const Param& param, const Json& value) {
    if (!value.is(Json::Kind::Number)) return type_error(value.kind, Json::Kind::Number);
    const std::optional<int64_t> n = integer_of(value.text);
    const bool narrow = param.type == Type::Int32 || param.type == Type::Level;
    if (!n || (narrow && *n != static_cast<int32_t>(*n))) return OUT_OF_RANGE;
    return std::nullopt;
}

/// The elements of an array, and of an object what is given, are of the kinds that the table names,
/// at any depth. Core ignores members that it doesn't know, but for a few methods.
std::optional<Error> check_inside(Type type, const std::vector<Field>& inner, const Json& value) {
    const auto check = [](const Field& field, const Json& part) -> std::optional<Error> {
        const std::optional<Json::Kind> expected = type_info(field.type).kind;
        if (expected && !part.is(*expected)) return type_error(part.kind, *expected, field.name);
        return check_inside(field.type, field.inner, part);
    };
    if (type == Type::Array)
        for (const Json& item : value.items)
            if (std::optional<Error> error = check(inner.at(0), item)) return error;
    if (type == Type::Object)
        for (const Field& field : inner)
            if (const Json* given = value.find(field.name); given != nullptr && !given->is_null())
                if (std::optional<Error> error = check(field, *given)) return error;
    return std::nullopt;
}

/// What the kind of JSON doesn't tell: range and form.
std::optional<Error> check_value(const Param& param, const Json& value) {
    switch (param.type) {
    case Type::Int32:
    case Type::Integer:
    case Type::Time:
        return check_integer(param, value);
    case Type::Level:
        return value.is(Json::Kind::Bool) ? std::nullopt : check_integer(param, value);
    case Type::Amount:
        return check_amount(value);
    case Type::Hash:
        return check_hash(param.name.substr(0, param.name.find('|')), value.text);
    default:
        return check_inside(param.type, param.inner, value);
    }
}

/// All wrong kinds in one message, as Core does.
std::optional<Error> check_kinds(const Method& method, const std::vector<Json>& arguments) {
    std::string wrong;
    for (size_t i = 0; i < arguments.size(); ++i) {
        const Param& param = method.params[i];
        const std::optional<Json::Kind> expected = type_info(param.type).kind;
        const bool may_be_null = param.fallback != REQUIRED;
        if (!expected || arguments[i].kind == *expected) continue;
        if (arguments[i].is_null() && may_be_null) continue;
        if (!wrong.empty()) wrong += ",\n";
        JsonWriter label;
        label.string("Position " + std::to_string(i + 1) + " (" + std::string(param.name) + ")");
        wrong += "    " + label.take() + ": \"" + type_error(arguments[i].kind, *expected).message +
                 "\"";
    }
    if (wrong.empty()) return std::nullopt;
    return Error{Code::TypeError, "Wrong type passed:\n{\n" + wrong + "\n}"};
}

} // namespace

Error type_error(Json::Kind is, Json::Kind expected, std::string_view field) {
    return {
        Code::TypeError, "JSON value of type " + std::string(kind_name(is)) +
                             (field.empty() ? "" : " for field " + std::string(field)) +
                             " is not of expected type " + std::string(kind_name(expected))};
}

std::optional<Error> check_amount(const Json& value) {
    if (!value.is(Json::Kind::Number) && !value.is(Json::Kind::String))
        return Error{Code::TypeError, "Amount is not a number or string"};
    const std::optional<int64_t> amount = satoshis_of(value.text);
    if (!amount) return Error{Code::TypeError, "Invalid amount"};
    if (*amount < 0 || *amount > MAX_MONEY_SATOSHIS)
        return Error{Code::TypeError, "Amount out of range"};
    return std::nullopt;
}

std::optional<Error> check_hex(std::string_view name, const std::string& text) {
    if (is_hex(text) && text.size() % 2 == 0) return std::nullopt;
    return Error{
        Code::InvalidParameter,
        std::string(name) + " must be hexadecimal string (not '" + text + "')"};
}

std::optional<Error> check_hash(std::string_view name, const std::string& text) {
    if (text.size() == HASH_DIGITS) return check_hex(name, text);
    return Error{
        Code::InvalidParameter, std::string(name) + " must be of length 64 (not " +
                                    std::to_string(text.size()) + ", for '" + text + "')"};
}

Outcome<int32_t> int32_of(const Json& number) {
    const std::optional<int64_t> wide = integer_of(number.text);
    if (!wide || *wide != static_cast<int32_t>(*wide)) return OUT_OF_RANGE;
    return static_cast<int32_t>(*wide);
}

std::vector<Error> joined(std::vector<Error> own, const std::vector<Error>& shared) {
    own.insert(own.end(), shared.begin(), shared.end());
    return own;
}

Outcome<const Json*> member(const Json& object, std::string_view name, Json::Kind kind) {
    const Json* value = object.find(name);
    if (value == nullptr) return Error{Code::TypeError, "Missing " + std::string(name)};
    if (!value->is(kind)) return type_error(value->kind, kind, name);
    return value;
}

const TypeInfo& type_info(Type type) {
    using Kind = Json::Kind;
    static const std::map<Type, TypeInfo> ALL{
        {Type::Null, {std::nullopt, "json null", "null"}},
        {Type::Bool, {Kind::Bool, "boolean", "true|false"}},
        {Type::Int32, {Kind::Number, "numeric", "n"}},
        {Type::Integer, {Kind::Number, "numeric", "n"}},
        {Type::Real, {Kind::Number, "numeric", "n"}},
        {Type::Level, {std::nullopt, "numeric or boolean", "n"}},
        {Type::Amount, {std::nullopt, "numeric or string, coins", "n.nnnnnnnn"}},
        {Type::Time, {Kind::Number, "numeric, seconds since 1970", "n"}},
        {Type::Text, {Kind::String, "string", "\"text\""}},
        {Type::Hex, {Kind::String, "string, hexadecimal", "\"hex\""}},
        {Type::Hash, {Kind::String, "string, hexadecimal", "\"hex\""}},
        {Type::Object, {Kind::Object, "json object", "{"}},
        {Type::Map, {Kind::Object, "json object, dynamic keys", "{"}},
        {Type::Array, {Kind::Array, "json array", "["}},
        {Type::Any, {std::nullopt, "any", "..."}},
    };
    return ALL.at(type);
}

std::vector<Field> Field::members() const {
    return object != nullptr ? object->fields() : inner;
}

int64_t Call::integer(size_t i) const {
    const Json& value = arguments[i];
    if (value.is(Json::Kind::Bool)) return value.truth ? 1 : 0;
    const std::optional<int64_t> n = integer_of(value.text);
    assert(n);
    return *n;
}

int64_t Call::satoshis(size_t i) const {
    const std::optional<int64_t> amount = satoshis_of(arguments[i].text);
    assert(amount);
    return *amount;
}

/// Position of the parameter for options that has one called `name`: each may be named as if it
/// were a parameter. Core: OBJ_NAMED_PARAMS.
static std::optional<size_t> options_with(const Method& method, std::string_view name) {
    for (size_t i = 0; i < method.params.size(); ++i)
        if (const Param& param = method.params[i];
            param.name == "options" && std::ranges::count(param.inner, name, &Field::name) != 0)
            return i;
    return std::nullopt;
}

std::optional<size_t> parameter_index(const Method& method, std::string_view name) {
    for (size_t i = 0; i < method.params.size(); ++i) {
        std::string_view names = method.params[i].name;
        while (!names.empty()) {
            const size_t bar = std::min(names.find('|'), names.size());
            if (names.substr(0, bar) == name) return i;
            names.remove_prefix(std::min(bar + 1, names.size()));
        }
    }
    return std::nullopt;
}

Json argument_of_word(const Param& param, std::string_view word) {
    const bool is_text = type_info(param.type).kind == Json::Kind::String;
    if (!is_text)
        if (std::optional<Json> value = parse_json(word)) return std::move(*value);
    return Json::of_text(std::string(word));
}

Outcome<std::vector<Json>> check_arguments(const Method& method, std::vector<Json> arguments) {
    size_t required = 0;
    for (size_t i = 0; i < method.params.size(); ++i)
        if (method.params[i].fallback == REQUIRED) required = i + 1;
    if (arguments.size() < required || arguments.size() > method.params.size())
        return Error{Code::Misc, help_text(method)};
    if (std::optional<Error> error = check_kinds(method, arguments)) return std::move(*error);

    arguments.resize(method.params.size());
    for (size_t i = 0; i < arguments.size(); ++i) {
        const Param& param = method.params[i];
        if (arguments[i].is_null() && param.fallback != REQUIRED) {
            std::optional<Json> value = parse_json(param.fallback);
            assert(value);
            arguments[i] = std::move(*value);
        }
        const bool absent = arguments[i].is_null() && param.fallback == ABSENT;
        if (absent) continue;
        if (std::optional<Error> error = check_value(param, arguments[i])) return std::move(*error);
    }
    return arguments;
}

Outcome<std::vector<Json>> arguments_of(const Method& method, const Json& params) {
    if (!params.is(Json::Kind::Object)) return params.items;
    std::vector<Json> arguments;
    // "args" holds the leading arguments by position, beside named ones.
    const bool own_args = parameter_index(method, "args").has_value();
    const Json* positional = own_args ? nullptr : params.find("args");
    if (positional != nullptr && !positional->is(Json::Kind::Array)) positional = nullptr;
    if (positional != nullptr) arguments = positional->items;
    const size_t positional_count = arguments.size();

    std::vector<bool> named(method.params.size());
    for (size_t i = 0; i < params.names.size(); ++i) {
        const std::string& name = params.names[i];
        if (&params.items[i] == positional) continue;
        std::optional<size_t> at = parameter_index(method, name);
        const bool is_option = !at;
        if (!at) at = options_with(method, name);
        if (!at) return Error{Code::InvalidParameter, "Unknown named parameter " + name};
        if (*at < positional_count)
            return Error{
                Code::InvalidParameter,
                "Parameter " + name + " specified twice both as positional and named argument"};
        if (arguments.size() <= *at) arguments.resize(*at + 1);
        if (is_option) {
            arguments[*at].kind = Json::Kind::Object;
            arguments[*at].names.push_back(name);
            arguments[*at].items.push_back(params.items[i]);
            continue;
        }
        if (named[*at])
            return Error{Code::InvalidParameter, "Parameter " + name + " specified multiple times"};
        named[*at] = true;
        arguments[*at] = params.items[i];
    }
    return arguments;
}

} // namespace cairn::rpc::server
