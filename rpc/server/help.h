// SPDX-License-Identifier: MIT
// Help texts, made from the method table.
#pragma once

#include "rpc/server/method.h"

#include <span>

namespace cairn::rpc::server {

/// "getblock "blockhash" ( verbosity )": the method as it is called.
std::string help_line(const Method& method);

/// All about one method; the first line is help_line().
std::string help_text(const Method& method);

/// help_line() of all methods that are not hidden, by group.
std::string help_overview(std::span<const Method* const> methods);

/// The whole table as docs/rpc.md.
std::string help_markdown(std::span<const Method* const> methods);

} // namespace cairn::rpc::server
