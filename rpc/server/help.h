// SPDX-License-Identifier: MIT
// Help texts, made from the method table.
#pragma once

#include "rpc/server/method.h"

namespace cairn::rpc::server {

/// The group of methods that help_overview() doesn't list.
constexpr std::string_view HIDDEN = "hidden";

/// "getblock "blockhash" ( verbosity )": the method as it is called.
std::string help_line(const Method& method);

/// The arguments of the method's example.
std::vector<Json> example_arguments(const Method& method);

/// All about one method; the first line is help_line().
std::string help_text(const Method& method);

/// help_line() of all methods that are not hidden, by group.
std::string help_overview(const std::vector<Group>& groups);

} // namespace cairn::rpc::server
