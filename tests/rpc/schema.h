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

/// What is wrong with an error that a call of `method` was answered with: neither its row lists it,
/// nor may the table refuse any call so. Empty if nothing is. In a row "..." stands for any text,
/// and "what is wrong", "the reason" for all of it.
std::string mismatch_of_error(const Method& method, const Json& error);

} // namespace cairn::rpc::server
