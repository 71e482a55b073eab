// SPDX-License-Identifier: MIT
// Reads genesis.json strictly: what is misspelt, missing or out of range is an error that names
// the field, because two nodes that read one file differently are on two chains.
#pragma once

#include "consensus/params.h"

#include <stdexcept>
#include <string>
#include <string_view>

namespace cairn::consensus {

/// What is wrong in a chain file: the field, what it holds, what was expected.
struct ChainFileError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// The chain that `text` describes. Format: docs/chain-file.md. Throws ChainFileError.
Params read_chain_file(std::string_view text);

} // namespace cairn::consensus
