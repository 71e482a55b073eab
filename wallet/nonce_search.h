// SPDX-License-Identifier: MIT
#pragma once

#include "consensus/block.h"
#include "consensus/uint256.h"

#include <optional>

namespace cairn::wallet {

/// The lowest nonce with which the hash of `header` is at most `target`, searched by all cores;
/// nullopt if there is none.
std::optional<uint32_t>
search_nonce(const consensus::BlockHeader& header, const consensus::Uint256& target);

} // namespace cairn::wallet
