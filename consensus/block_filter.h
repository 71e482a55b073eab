// SPDX-License-Identifier: MIT
// Compact block filters: what a wallet matches its scripts against without telling anyone which
// they are. Source: BIP-0158.
#pragma once

#include "consensus/block.h"
#include "consensus/result.h"

#include <span>
#include <vector>

namespace cairn::consensus {

/// The basic filter of `block`; `spent`: the scripts of the coins it spends, in any order.
Bytes build_basic_filter(const Block& block, const BlockHash& hash, std::span<const Script> spent);

/// Whether any of `scripts` may be in `filter`. Errors: Invalid for bytes that are no filter.
Result<bool>
filter_matches(ByteView filter, const BlockHash& hash, std::span<const Script> scripts);

/// The filter's header: its hash and the header before it. Source: BIP-0157.
Hash256 filter_header(ByteView filter, const Hash256& previous_header);

} // namespace cairn::consensus
