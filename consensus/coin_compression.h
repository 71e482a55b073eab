// SPDX-License-Identifier: MIT
// Coins in the short form of snapshot files: the usual scripts as a hash or half a key, round
// amounts as few digits.
#pragma once

#include "consensus/coin.h"

namespace cairn::consensus {

/// Source: Core's Coin::Serialize, CompressAmount, CompressScript.
void write_compressed(Writer& writer, const Coin& coin);

/// The reverse. Fails also on scripts above MAX_SCRIPT_SIZE, which no coin has.
void read_compressed(Reader& reader, Coin& coin);

/// Bytes that a coin takes at most.
constexpr size_t MAX_COMPRESSED_COIN_BYTES = MAX_SCRIPT_SIZE + 30;

/// Core: CompressAmount, DecompressAmount.
uint64_t compress_amount(uint64_t satoshis);
uint64_t expand_amount(uint64_t compressed);

} // namespace cairn::consensus
