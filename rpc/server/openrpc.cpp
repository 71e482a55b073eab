// SPDX-License-Identifier: MIT
#include "rpc/server/openrpc.h"

#include "rpc/server/help.h"

#include <algorithm>
#include <map>

namespace cairn::rpc::server {

namespace {

/// A parameter, or a result of several forms, as JSON Schema describes it.
struct Schema {
    std::vector<Field> forms;
    bool is_param = false;
    std::string_view fallback = REQUIRED; ///< As of a Param.
};

void write_types(JsonWriter& writer, std::initializer_list<std::string_view> types) {
    writer.key("type");
    if (types.size() == 1) return void(writer.string(*types.begin()));
    writer.begin_array();
    for (const std::string_view type : types) writer.string(type);
    writer.end_array();
}

void write_schema(JsonWriter& writer, const Field& field, bool is_param, std::string_view fallback);

void write_members(JsonWriter& writer, const std::vector<Field>& members, bool is_param) {
    writer.key("properties").begin_object();
    for (const Field& member : members) {
        writer.key(member.name);
        write_schema(writer, member, is_param, REQUIRED);
    }
    writer.end_object();
    writer.key("required").begin_array();
    for (const Field& member : members)
        if (!member.optional) writer.string(member.name);
    writer.end_array();
    // What else is in a parameter is ignored: BIP-0022, for one, lets miners say more.
    if (!is_param) writer.key("additionalProperties").boolean(false);
}

/// Any of `forms`; where there are none, anything.
void write_forms(JsonWriter& writer, const std::vector<Field>& forms, bool is_param) {
    if (forms.empty()) return;
    writer.key("anyOf").begin_array();
    for (const Field& form : forms) {
        write_schema(writer, form, is_param, REQUIRED);
        if (form.optional) writer.begin_object().key("type").string("null").end_object();
    }
    writer.end_array();
}

/// What JSON Schema says of the type itself.
void write_type(JsonWriter& writer, const Field& field, bool is_param) {
    switch (field.type) {
    case Type::Null:
        return write_types(writer, {"null"});
    case Type::Bool:
        return write_types(writer, {"boolean"});
    case Type::Int32:
    case Type::Integer:
    case Type::Time:
        return write_types(writer, {"integer"});
    case Type::Real:
        return write_types(writer, {"number"});
    case Type::Level:
        return write_types(writer, {"integer", "boolean"});
    case Type::Amount:
        return is_param ? write_types(writer, {"number", "string"})
                        : write_types(writer, {"number"});
    case Type::Text:
        return write_types(writer, {"string"});
    case Type::Hex:
        write_types(writer, {"string"});
        return void(writer.key("pattern").string("^([0-9a-fA-F]{2})*$"));
    case Type::Hash:
        write_types(writer, {"string"});
        return void(writer.key("pattern").string("^[0-9a-fA-F]{64}$"));
    case Type::Object:
        write_types(writer, {"object"});
        return write_members(writer, field.members(), is_param);
    case Type::Map:
        write_types(writer, {"object"});
        writer.key("additionalProperties");
        return write_schema(writer, field.members().at(0), is_param, REQUIRED);
    case Type::Array:
        write_types(writer, {"array"});
        writer.key("items");
        return write_schema(writer, field.members().at(0), is_param, REQUIRED);
    case Type::Any:
        return write_forms(writer, field.inner, is_param);
    }
}

void write_schema(
    JsonWriter& writer, const Field& field, bool is_param, std::string_view fallback) {
    writer.begin_object();
    if (!field.summary.empty()) writer.key("description").string(field.summary);
    write_type(writer, field, is_param);
    if (fallback != REQUIRED && fallback != ABSENT) writer.key("default").raw(fallback);
    writer.end_object();
}

} // namespace

template <>
struct Form<Schema> {
    static constexpr Type TYPE = Type::Any;

    static void write(JsonWriter& writer, const Schema& schema) {
        const bool single = schema.forms.size() == 1 && !schema.forms[0].optional;
        if (single) return write_schema(writer, schema.forms[0], schema.is_param, schema.fallback);
        writer.begin_object();
        write_forms(writer, schema.forms, schema.is_param);
        writer.end_object();
    }
};

namespace {

const Object<Param> PARAM{
    {"name", "Its name", [](auto& p) { return p.name.substr(0, p.name.find('|')); }},
    {"summary", "What it means", &Param::summary},
    {"required", "Whether it must be given", [](auto& p) { return p.fallback == REQUIRED; }},
    {"schema", "Its JSON Schema", [](auto& p) {
         return Schema{{Field{{}, p.type, {}, p.inner}}, true, p.fallback};
     }}};

const Object<Method> RESULT{
    {"name", "Its name", [](auto& m) { return std::string(m.name) + "Result"; }},
    {"schema", "Its JSON Schema", [](auto& m) {
         Schema schema;
         for (const Returned& returned : m.run.returns) schema.forms.push_back(returned.value);
         return schema;
     }}};

/// A code, and all that it may mean.
struct Failure {
    int code = 0;
    std::string message;
};

const Object<Failure> FAILURE{
    {"code", "Its code", &Failure::code}, {"message", "What it may mean", &Failure::message}};

/// One for each code, as OpenRPC wants it.
std::vector<Failure> failures_of(const Method& method) {
    std::map<int, std::string> by_code;
    for (const Error& error : method.fails) {
        std::string& message = by_code[static_cast<int>(error.code)];
        message += (message.empty() ? "" : "; ") + error.message;
    }
    std::vector<Failure> failures;
    failures.reserve(by_code.size());
    for (auto& [code, message] : by_code) failures.push_back({code, std::move(message)});
    return failures;
}

const Object<Method> METHOD{
    {"name", "Its name", &Method::name},
    {"summary", "What it does", &Method::summary},
    {"x-role", "Who may call it", [](auto& m) { return role_name(m.role); }},
    {"paramStructure", "By position and by name", [](auto&) { return std::string_view("either"); }},
    {"params", "Its parameters", &Method::params, PARAM},
    {"x-example", "Arguments by position; words like $BLOCKHASH stand for what a caller has",
     example_arguments},
    {"result", "What it returns", std::identity(), RESULT},
    {"errors", "What it may fail with", failures_of, FAILURE}};

const Object<Call> INFO{
    {"title", "What this is", [](auto&) { return std::string_view("Cairn JSON-RPC"); }},
    {"version", "Its version", [](auto&) { return std::string_view(CAIRN_VERSION); }}};

/// A method in its group.
struct Listed {
    std::string_view group;
    const Method* method = nullptr;
};

const Object<std::string_view> TAG{{"name", "The group's name", std::identity()}};

const Object<Listed> LISTED{
    {METHOD, [](auto& listed) -> const Method& { return *listed.method; }},
    {"tags", "Its group; those of \"hidden\" are for tests, and may change",
     [](auto& listed) { return std::vector{listed.group}; }, TAG}};

std::vector<Listed> all_methods(const Call& call) {
    std::vector<Listed> all;
    for (const Group& group : call.dispatcher.groups())
        for (const Method* method : group.methods) all.push_back({group.name, method});
    return all;
}

} // namespace

const Object<Call> OPENRPC{
    {"openrpc", "Version of that format", [](auto&) { return std::string_view("1.2.6"); }},
    {"info", "What this is", INFO},
    {"methods", "The methods", all_methods, LISTED}};

} // namespace cairn::rpc::server
