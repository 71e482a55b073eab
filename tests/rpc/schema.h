// SPDX-License-Identifier: MIT
// Holds a reply against the schema of its method.
#pragma once

#include "rpc/server/json.h"
#include "rpc/server/method.h"

#include <string>

namespace cairn::rpc::server {

/// What is wrong with `value`, and where; empty if it is what `field` says, no more and no less.
/// `exact_amounts`: amounts must be written with eight decimals, as ours are.
std::string mismatch(const Field& field, const Json& value, bool exact_amounts = true);

/// The same for a method, whose result may be any of several.
std::string mismatch(const Method& method, const Json& value, bool exact_amounts = true);

} // namespace cairn::rpc::server
