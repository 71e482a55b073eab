// SPDX-License-Identifier: MIT
// The chain file (genesis.json), read strictly, because two nodes that read one file differently
// are on two chains, and written.
#pragma once

#include "consensus/json_fields.h"
#include "consensus/params.h"

namespace cairn::consensus {

/// The chain that `text` describes. Format: docs/chain-file.md. Throws ChainFileError.
Params read_chain_file(std::string_view text);

/// The text that read_chain_file() reads as `params`, for people to read, too.
std::string write_chain_file(Params params);

/// The genesis block: one coinbase whose script holds `text` in the form of Bitcoin's own.
Block make_genesis(const BlockHeader& header, std::string_view text, std::vector<TxOut> outputs);

} // namespace cairn::consensus
