// SPDX-License-Identifier: MIT
#include "wallet/json_text.h"

#include <algorithm>

namespace cairn::wallet {

namespace {

constexpr std::string_view SPACE = " \n\t\r";

/// Takes the next token off `json`: a string, a bracket, a comma, a colon, or what stands between
/// those. Empty at the end.
std::string_view take_token(std::string_view& json) {
    json.remove_prefix(std::min(json.find_first_not_of(SPACE), json.size()));
    size_t end = json.find_first_of("\"{}[],: \n\t\r");
    if (end == 0 && json[0] == '"') {
        for (end = 1; json[end] != '"'; ++end)
            if (json[end] == '\\') ++end;
    }
    if (end == 0 || json.starts_with('"')) ++end;
    const std::string_view token = json.substr(0, end);
    json.remove_prefix(token.size());
    return token;
}

bool opens(std::string_view token) {
    return token == "{" || token == "[";
}

bool closes(std::string_view token) {
    return token == "}" || token == "]";
}

} // namespace

std::string_view json_member(std::string_view json, std::string_view name) {
    int depth = 0;
    std::string_view key; // the last string before a colon of the outermost object
    for (std::string_view token; !(token = take_token(json)).empty();) {
        if (opens(token)) ++depth;
        if (closes(token)) --depth;
        if (depth != 1) continue;
        if (token != ":") {
            key = token;
        } else if (key.size() == name.size() + 2 && key.substr(1, name.size()) == name) {
            // The value ends with the brackets it begins with.
            const char* start = nullptr;
            do {
                token = take_token(json);
                if (start == nullptr) start = token.data();
                if (opens(token)) ++depth;
                if (closes(token)) --depth;
            } while (depth > 1);
            return {start, static_cast<size_t>(token.data() + token.size() - start)};
        }
    }
    return {};
}

std::string indent_json(std::string_view json) {
    std::string out;
    size_t depth = 0;
    const auto new_line = [&] { out.append("\n").append(depth * 2, ' '); };
    bool empty = false; // just after an opening bracket
    for (std::string_view token; !(token = take_token(json)).empty();) {
        if (closes(token)) --depth;
        if (empty != closes(token)) new_line();
        out += token;
        empty = opens(token);
        if (empty) ++depth;
        if (token == ",") new_line();
        if (token == ":") out += ' ';
    }
    return out;
}

} // namespace cairn::wallet
