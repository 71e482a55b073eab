// SPDX-License-Identifier: MIT
#include "wallet/report.h"

#include "rpc/server/json_writer.h"
#include "wallet/json_text.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <iostream>

namespace cairn::wallet {

namespace {

std::string label(std::string_view name) {
    std::string text(name);
    std::ranges::replace(text, '_', ' ');
    text[0] = static_cast<char>(std::toupper(text[0]));
    return text;
}

std::string heading(std::string_view name) {
    std::string text = label(name);
    std::ranges::transform(text, text.begin(), [](char c) { return std::toupper(c); });
    return text;
}

} // namespace

std::string json_string(std::string_view text) {
    return rpc::server::JsonWriter().string(text).take();
}

std::string object_text(const Fields& fields) {
    rpc::server::JsonWriter out;
    out.begin_object();
    for (const auto& [name, value] : fields)
        if (!value.json.empty()) out.key(name).raw(value.json);
    return out.end_object().take();
}

std::string array_text(const std::vector<Fields>& rows) {
    rpc::server::JsonWriter out;
    out.begin_array();
    for (const Fields& row : rows) out.raw(object_text(row));
    return out.end_array().take();
}

std::string columns(const std::vector<std::vector<Value>>& rows) {
    std::vector<size_t> widths;
    for (const auto& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].text.size());
    }
    std::string out;
    for (const auto& row : rows) {
        std::string line;
        for (size_t i = 0; i < row.size(); ++i)
            line += row[i].number ? fmt::format("  {:>{}}", row[i].text, widths[i])
                                  : fmt::format("  {:<{}}", row[i].text, widths[i]);
        out += line.erase(line.find_last_not_of(' ') + 1) + "\n";
    }
    return out;
}

std::string table(const std::vector<Fields>& rows) {
    // A row may lack a column or have one of its own: that stands where it does in the row.
    std::vector<std::string_view> names;
    for (const Fields& row : rows) {
        auto at = names.begin();
        for (const auto& [name, value] : row) {
            if (value.text.empty()) continue;
            const auto known = std::ranges::find(names, name);
            at = 1 + (known == names.end() ? names.insert(at, name) : known);
        }
    }
    std::vector<std::vector<Value>> lines(rows.size() + 1);
    for (const std::string_view name : names) {
        Value head(heading(name), "");
        for (size_t i = 0; i < rows.size(); ++i) {
            const auto field = std::ranges::find(rows[i], name, &Fields::value_type::first);
            lines[i + 1].push_back(field == rows[i].end() ? Value("", "") : field->second);
            head.number = head.number || lines[i + 1].back().number;
        }
        lines[0].push_back(std::move(head));
    }
    return columns(lines);
}

void print(const Fields& fields, bool as_json) {
    std::vector<std::vector<Value>> lines;
    for (const auto& [name, value] : fields)
        if (!value.text.empty()) lines.push_back({label(name), {value.text, ""}});
    std::cout << (as_json ? indent_json(object_text(fields)) + "\n" : columns(lines));
}

void print(const std::vector<Fields>& rows, bool as_json, std::string_view none) {
    if (as_json)
        std::cout << indent_json(array_text(rows)) << "\n";
    else if (rows.empty())
        std::cout << none << "\n";
    else
        std::cout << table(rows);
}

} // namespace cairn::wallet
