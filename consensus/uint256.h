// SPDX-License-Identifier: MIT
// Hashes as numbers: proof of work compares them with a target, and chains by their work.
#pragma once

#include "consensus/hash.h"

#include <boost/multiprecision/cpp_int.hpp>

#include <string>

namespace cairn::consensus {

/// Targets and chain work. Overflow wraps.
using Uint256 = boost::multiprecision::uint256_t;

/// A hash read as a number, as proof of work does: least significant byte first.
Uint256 to_number(const Hash256& hash);

/// The reverse of to_number().
Hash256 to_hash(const Uint256& number);

/// 64 hexadecimal digits, most significant first, as JSON-RPC shows chain work and targets.
std::string to_hex(const Uint256& number);

/// 8 hexadecimal digits, most significant first, as JSON-RPC shows bits and versions.
std::string word_hex(uint32_t word);

/// The reverse of to_hex(Uint256), from 1 to 64 digits; nullopt for anything else.
std::optional<Uint256> number_from_hex(std::string_view text);

} // namespace cairn::consensus
