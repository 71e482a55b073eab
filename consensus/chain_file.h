// SPDX-License-Identifier: MIT
// The chain file (genesis.json), read strictly, because two nodes that read one file differently
// are on two chains, and written: the file of a new chain, its genesis block mined.
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

/// The SLIP-0044 number that new chains share with the default one: unregistered; the three bytes
/// "CRN".
constexpr uint32_t NEW_CHAIN_COIN_TYPE = 4411982;

/// A new chain: its parameters, which begin as those of the default chain, and what its genesis
/// block is made of. Asked for are a name and address.bech32_hrp.
struct NewChain : Params {
    NewChain();

    uint32_t time = 0; ///< Of the genesis block: now.
    AsertRule work{.spacing = 15, .half_life = 3600, .start_bits = 0x1e010000};
    std::string coinbase_text; ///< What the genesis block says; empty: the name.

    /// Coins that exist from the start.
    struct Premine {
        std::string address; ///< With this chain's prefixes.
        Amount amount;
    };

    std::vector<Premine> premine;
};

/// The chain file of a new chain, its genesis nonce found (some seconds, by work.start_bits, which
/// is also the easiest target there is). The magic is taken from the genesis hash, so that chains
/// of one name keep apart, and so are the ports that are 0. With a challenge (BIP-0325) the target
/// is a fixed, easy one. Throws ChainFileError.
std::string new_chain_file(NewChain chain);

} // namespace cairn::consensus
