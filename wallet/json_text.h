// SPDX-License-Identifier: MIT
// JSON that is shown, not read: cut out and indented as text, because a tree of values would turn
// 0.00012000 into 1.2E-4.
#pragma once

#include <string>
#include <string_view>

namespace cairn::wallet {

/// The text of the member `name` of the object that `json` is; empty if it has none.
/// Requires: `json` parses.
std::string_view json_member(std::string_view json, std::string_view name);

/// `json` with a line for each member and element, indented by two spaces.
/// Requires: `json` parses.
std::string indent_json(std::string_view json);

} // namespace cairn::wallet
