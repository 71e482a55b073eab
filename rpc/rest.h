// SPDX-License-Identifier: MIT
// The REST interface (-rest): what anyone who may connect can read without a password. A thin layer
// over the methods; the reference's paths, formats and errors.
#pragma once

#include "rpc/node_context.h"
#include "rpc/server/dispatch.h"

namespace cairn::rpc {

/// The answer to a GET, or for getutxos a POST, of `target`: "/rest/block/HASH.json?query".
/// Thread: any.
server::Answer rest_answer(
    const server::Dispatcher& dispatcher,
    const NodeContext& context,
    std::string_view target,
    std::string_view body);

} // namespace cairn::rpc
