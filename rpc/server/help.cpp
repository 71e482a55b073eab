// SPDX-License-Identifier: MIT
#include "rpc/server/help.h"

#include "rpc/server/json_writer.h"

#include <map>

namespace cairn::rpc::server {

namespace {

constexpr size_t RESULT_COLUMN = 44; ///< Where the explanations of a result begin.

std::string_view first_name(const Param& param) {
    return param.name.substr(0, param.name.find('|'));
}

std::string name_in_line(const Param& param) {
    const std::string name(first_name(param));
    const std::optional<Json::Kind> kind = type_info(param.type).kind;
    if (kind == Json::Kind::String) return "\"" + name + "\"";
    if (kind == Json::Kind::Array) return "[" + name + ",...]";
    return kind == Json::Kind::Object ? "{" + name + ",...}" : name;
}

void append_field(std::string& out, const Field& field, size_t indent) {
    const TypeInfo& type = type_info(field.type);
    const std::string margin(indent, ' ');
    std::string left = margin;
    if (!field.name.empty()) left += "\"" + std::string(field.name) + "\": ";
    left += type.sample;
    left.resize(std::max(left.size() + 2, RESULT_COLUMN), ' ');
    // What comes back is always a number; only what is sent may be a string instead.
    const std::string_view words = field.type == Type::Amount ? "numeric, coins" : type.words;
    out += left + "(" + std::string(words) + (field.optional ? ", optional)" : ")");
    if (!field.summary.empty()) out += " " + std::string(field.summary);
    out += "\n";
    for (const Field& member : field.members()) append_field(out, member, indent + 2);
    const bool array = field.type == Type::Array;
    if (!array && type.kind != Json::Kind::Object) return;
    if (field.type != Type::Object) out += margin + "  ...\n";
    out += margin + (array ? "]\n" : "}\n");
}

void append_arguments(std::string& out, const Method& method) {
    if (method.params.empty()) return;
    out += "\nArguments:\n";
    for (size_t i = 0; i < method.params.size(); ++i) {
        const Param& param = method.params[i];
        out += std::to_string(i + 1) + ". " + std::string(first_name(param)) + "  (" +
               std::string(type_info(param.type).words);
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

/// `word` as a shell takes it whole.
std::string quoted(std::string_view word) {
    const bool plain = word.find_first_of("{}[]()\"#") == std::string_view::npos;
    return plain ? std::string(word) : "'" + std::string(word) + "'";
}

std::vector<std::string_view> words_of(std::string_view line) {
    std::vector<std::string_view> words;
    while (!line.empty()) {
        const size_t space = std::min(line.find(' '), line.size());
        words.push_back(line.substr(0, space));
        line.remove_prefix(std::min(space + 1, line.size()));
    }
    return words;
}

void append_example(std::string& out, const Method& method) {
    out += "\nExample:\n> cairn rpc " + std::string(method.name);
    JsonWriter request;
    request.begin_object().key("jsonrpc").string("2.0").key("id").integer(1);
    request.key("method").string(method.name).key("params").begin_array();
    for (const std::string_view word : words_of(method.example)) out += " " + quoted(word);
    for (const Json& argument : example_arguments(method)) argument.write(request);
    request.end_array().end_object();
    out += "\n> curl --user USER --data-binary '" + request.text() + "' http://127.0.0.1:PORT/\n";
}

/// Groups of one name become one, by name; so do methods.
std::map<std::string_view, std::map<std::string_view, const Method*>>
by_name(const std::vector<Group>& groups) {
    std::map<std::string_view, std::map<std::string_view, const Method*>> sorted;
    for (const Group& group : groups)
        for (const Method* method : group.methods) sorted[group.name][method->name] = method;
    return sorted;
}

} // namespace

std::vector<Json> example_arguments(const Method& method) {
    std::vector<Json> arguments;
    for (const std::string_view word : words_of(method.example))
        arguments.push_back(argument_of_word(method.params[arguments.size()], word));
    return arguments;
}

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
    std::string out = help_line(method) + "\n\n" + std::string(method.summary) +
                      "\n\nRole: " + std::string(role_name(method.role)) + "\n";
    append_arguments(out, method);
    for (const Returned& result : method.run.returns) {
        out +=
            result.when.empty() ? "\nResult:\n" : "\nResult (" + std::string(result.when) + "):\n";
        append_field(out, result.value, 0);
    }
    if (!method.fails.empty()) out += "\nErrors:\n";
    for (const Error& failure : method.fails)
        out += std::to_string(static_cast<int>(failure.code)) + "  " + failure.message + "\n";
    append_example(out, method);
    return out;
}

std::string help_overview(const std::vector<Group>& groups) {
    std::string out;
    for (const auto& [group, members] : by_name(groups)) {
        if (group == HIDDEN) continue;
        if (!out.empty()) out += "\n";
        out += "== " + std::string(group) + " ==\n";
        for (const auto& [name, method] : members) out += help_line(*method) + "\n";
    }
    if (!out.empty()) out.pop_back();
    return out;
}

} // namespace cairn::rpc::server
