// SPDX-License-Identifier: MIT
#include "rpc/server/help.h"

#include "rpc/server/json_writer.h"

#include <map>

namespace cairn::rpc::server {

namespace {

constexpr std::string_view HIDDEN = "hidden";
constexpr size_t RESULT_COLUMN = 44; ///< Where the explanations of a result begin.

std::string_view type_words(Type type) {
    switch (type) {
    case Type::Null:
        return "json null";
    case Type::Bool:
        return "boolean";
    case Type::Int32:
    case Type::Integer:
    case Type::Real:
        return "numeric";
    case Type::Level:
        return "numeric or boolean";
    case Type::Amount:
        return "numeric or string, coins";
    case Type::Time:
        return "numeric, seconds since 1970";
    case Type::Text:
        return "string";
    case Type::Hex:
    case Type::Hash:
        return "string, hexadecimal";
    case Type::Object:
        return "json object";
    case Type::Map:
        return "json object, dynamic keys";
    case Type::Array:
        return "json array";
    case Type::Any:
        return "any";
    }
    return {};
}

std::string_view first_name(const Param& param) {
    return param.name.substr(0, param.name.find('|'));
}

std::string name_in_line(const Param& param) {
    std::string name(first_name(param));
    switch (param.type) {
    case Type::Text:
    case Type::Hex:
    case Type::Hash:
        return "\"" + name + "\"";
    case Type::Array:
        return "[" + name + ",...]";
    case Type::Object:
    case Type::Map:
        return "{" + name + ",...}";
    default:
        return name;
    }
}

std::string sample_of(const Field& field) {
    switch (field.type) {
    case Type::Null:
        return "null";
    case Type::Bool:
        return "true|false";
    case Type::Text:
        return "\"text\"";
    case Type::Hex:
    case Type::Hash:
        return "\"hex\"";
    case Type::Amount:
        return "n.nnnnnnnn";
    case Type::Object:
    case Type::Map:
        return "{";
    case Type::Array:
        return "[";
    case Type::Any:
        return "...";
    default:
        return "n";
    }
}

void append_line(std::string& out, std::string left, const Field& field) {
    left.resize(std::max(left.size() + 2, RESULT_COLUMN), ' ');
    // What comes back is always a number; only what is sent may be a string instead.
    const std::string_view words =
        field.type == Type::Amount ? "numeric, coins" : type_words(field.type);
    out += left + "(" + std::string(words) + (field.optional ? ", optional)" : ")");
    if (!field.summary.empty()) out += " " + std::string(field.summary);
    out += "\n";
}

void append_field(std::string& out, const Field& field, size_t indent) {
    const std::string margin(indent, ' ');
    std::string left = margin;
    if (!field.name.empty()) left += "\"" + std::string(field.name) + "\": ";
    append_line(out, left + sample_of(field), field);
    const bool array = field.type == Type::Array;
    if (!array && field.type != Type::Object && field.type != Type::Map) return;
    for (const Field& member : field.inner) append_field(out, member, indent + 2);
    if (array || field.type == Type::Map) out += margin + "  ...\n";
    out += margin + (array ? "]\n" : "}\n");
}

void append_arguments(std::string& out, const Method& method) {
    if (method.params.empty()) return;
    out += "\nArguments:\n";
    for (size_t i = 0; i < method.params.size(); ++i) {
        const Param& param = method.params[i];
        out += std::to_string(i + 1) + ". " + std::string(first_name(param)) + "  (" +
               std::string(type_words(param.type));
        if (param.fallback == REQUIRED)
            out += ", required";
        else if (param.fallback == ABSENT)
            out += ", optional";
        else
            out += ", optional, default=" + std::string(param.fallback);
        out += ") " + std::string(param.summary) + "\n";
        for (const Field& member : param.inner) append_field(out, member, 5);
    }
}

void append_example(std::string& out, const Method& method) {
    out += "\nExample:\n> cairn rpc " + std::string(method.example) + "\n";
    JsonWriter request;
    request.begin_object().field("jsonrpc", "2.0").field("id", 1).field("method", method.name);
    request.key("params").begin_array();
    std::string_view words = method.example;
    for (size_t i = 0; !words.empty(); ++i) {
        const size_t space = std::min(words.find(' '), words.size());
        if (i > 0) argument_of_word(method.params[i - 1], words.substr(0, space)).write(request);
        words.remove_prefix(std::min(space + 1, words.size()));
    }
    request.end_array().end_object();
    out += "> curl --user USER --data-binary '" + request.text() + "' http://127.0.0.1:PORT/\n";
}

std::map<std::string_view, std::map<std::string_view, const Method*>>
by_group(std::span<const Method* const> methods) {
    std::map<std::string_view, std::map<std::string_view, const Method*>> groups;
    for (const Method* method : methods) groups[method->group][method->name] = method;
    return groups;
}

} // namespace

std::string help_line(const Method& method) {
    std::string line(method.name);
    bool in_optional = false;
    for (const Param& param : method.params) {
        const bool is_optional = param.fallback != REQUIRED;
        if (is_optional && !in_optional) line += " (";
        if (!is_optional && in_optional) line += " )";
        in_optional = is_optional;
        line += " " + name_in_line(param);
    }
    return in_optional ? line + " )" : line;
}

std::string help_text(const Method& method) {
    std::string out = help_line(method) + "\n\n" + std::string(method.summary) + "\n";
    append_arguments(out, method);
    for (const Result& result : method.returns) {
        out +=
            result.when.empty() ? "\nResult:\n" : "\nResult (" + std::string(result.when) + "):\n";
        append_field(out, result.value, 0);
    }
    if (!method.fails.empty()) out += "\nErrors:\n";
    for (const Failure& failure : method.fails)
        out += std::to_string(static_cast<int>(failure.code)) + "  " +
               std::string(failure.message) + "\n";
    append_example(out, method);
    return out;
}

std::string help_overview(std::span<const Method* const> methods) {
    std::string out;
    for (const auto& [group, members] : by_group(methods)) {
        if (group == HIDDEN) continue;
        if (!out.empty()) out += "\n";
        out += "== " + std::string(group) + " ==\n";
        for (const auto& [name, method] : members) out += help_line(*method) + "\n";
    }
    if (!out.empty()) out.pop_back();
    return out;
}

std::string help_markdown(std::span<const Method* const> methods) {
    std::string out = "# JSON-RPC methods\n\n"
                      "Made from the method table by `CAIRN_WRITE_DOCS=1 test_rpc "
                      "--run_test=method_table`; not edited "
                      "by hand.\nNames, parameters, results and errors are those of the reference "
                      "implementation.\n";
    for (const auto& [group, members] : by_group(methods)) {
        out += "\n## " + std::string(group == HIDDEN ? "Testing" : group) + "\n";
        for (const auto& [name, method] : members)
            out += "\n### " + std::string(name) + "\n\n```text\n" + help_text(*method) + "```\n";
    }
    return out;
}

} // namespace cairn::rpc::server
