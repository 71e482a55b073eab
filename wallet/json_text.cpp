// SPDX-License-Identifier: MIT
#include "wallet/json_text.h"

namespace cairn::wallet {

namespace {

/// The position after the string that starts at `at`.
size_t end_of_string(std::string_view json, size_t at) {
    for (++at; at < json.size() && json[at] != '"'; ++at)
        if (json[at] == '\\') ++at;
    return at + 1;
}

bool is_space(char c) {
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return text;
}

} // namespace

std::optional<std::string_view> json_member(std::string_view json, std::string_view name) {
    int depth = 0;
    std::string_view key;
    std::string_view last_string;
    size_t value_start = 0;
    for (size_t at = 0; at < json.size();) {
        const char c = json[at];
        if (c == '"') {
            const size_t end = end_of_string(json, at);
            if (depth == 1) last_string = json.substr(at + 1, end - at - 2);
            at = end;
            continue;
        }
        const bool closes = c == '}' || c == ']';
        if (c == '{' || c == '[') ++depth;
        if (depth == 1 && c == ':') {
            key = last_string;
            value_start = at + 1;
        }
        if (depth == 1 && (c == ',' || closes) && key == name && value_start != 0)
            return trimmed(json.substr(value_start, at - value_start));
        if (closes) --depth;
        ++at;
    }
    return std::nullopt;
}

std::string indent_json(std::string_view json) {
    std::string out;
    size_t depth = 0;
    const auto new_line = [&] { out.append("\n").append(depth * 2, ' '); };
    for (size_t at = 0; at < json.size();) {
        const char c = json[at];
        if (c == '"') {
            const size_t end = end_of_string(json, at);
            out.append(json.substr(at, end - at));
            at = end;
            continue;
        }
        ++at;
        if (is_space(c)) continue;
        if (c == '{' || c == '[') {
            while (at < json.size() && is_space(json[at])) ++at;
            out += c;
            if (at < json.size() && (json[at] == '}' || json[at] == ']')) {
                out += json[at++];
                continue;
            }
            ++depth;
            new_line();
        } else if (c == '}' || c == ']') {
            --depth;
            new_line();
            out += c;
        } else if (c == ',') {
            out += c;
            new_line();
        } else {
            out += c;
            if (c == ':') out += ' ';
        }
    }
    return out;
}

} // namespace cairn::wallet
