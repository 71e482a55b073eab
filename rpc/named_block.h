// SPDX-License-Identifier: MIT
// Blocks that callers name, and why one can't be read.
#pragma once

#include "rpc/node_context.h"

namespace cairn::rpc {

inline const Error NOT_AVAILABLE{Code::Misc, "Block not available (not fully downloaded)"};
inline const Error PRUNED{Code::Misc, "Block not available (pruned data)"};

/// How callers may name a block.
inline const std::vector<server::Field> BLOCK_NAMES{
    {"", server::Type::Int32, "Its height in the active chain"},
    {"", server::Type::Hash, "Its hash"}};

/// Of block_named().
inline const std::vector<Error> BLOCK_NAME_FAILS{
    BLOCK_NOT_FOUND,
    {Code::InvalidParameter, "Target block height ... is negative"},
    {Code::InvalidParameter, "Target block height ... after current tip ..."}};

/// The block that a height of the active chain, or a hash, names.
/// Errors: BLOCK_NOT_FOUND, InvalidParameter, TypeError, Misc.
Outcome<const chain::BlockNode*> block_named(const Call& call, const server::Json& name);

/// One of the two above: the body of `node` isn't stored.
Error body_missing(const chain::BlockNode& node);

} // namespace cairn::rpc
