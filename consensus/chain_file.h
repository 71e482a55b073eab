// SPDX-License-Identifier: MIT
// The chain file (genesis.json), read strictly, because two nodes that read one file differently
// are on two chains, and written: the file of a new chain, its genesis block mined.
#pragma once

#include "consensus/json_fields.h"
#include "consensus/params.h"

#include <string>
#include <string_view>
#include <vector>

namespace cairn::consensus {

/// The chain that `text` describes. Format: docs/chain-file.md. Throws ChainFileError.
Params read_chain_file(std::string_view text);

/// The text that read_chain_file() reads as `params`, for people to read, too.
std::string write_chain_file(const Params& params);

/// The genesis block: one coinbase whose script holds `text` in the form of Bitcoin's own.
Block make_genesis(const BlockHeader& header, std::string_view text, std::vector<TxOut> outputs);

/// The SLIP-0044 number that new chains share with the default one: unregistered; the three bytes
/// "CRN".
constexpr uint32_t NEW_CHAIN_COIN_TYPE = 4411982;

/// What distinguishes a new chain; all else follows, or is as on the default chain.
struct NewChain {
    std::string name;
    std::string bech32_hrp;
    uint32_t time = 0; ///< Of the genesis block: now.
    int64_t spacing = 15;
    int64_t half_life = 3600;
    uint32_t start_bits = 0x1e010000; ///< Target of the first blocks, and the easiest there is.
    std::string coinbase_text;        ///< What the genesis block says; empty: the name.
    Amount subsidy = COIN;
    int32_t halving_interval = 8'400'000;
    int32_t coinbase_maturity = 10;

    /// Coins that exist from the start.
    struct Premine {
        std::string address; ///< With this chain's prefixes.
        Amount amount;
    };

    std::vector<Premine> premine;
    Script challenge;      ///< BIP-0325: blocks are signed; then the target is a fixed, easy one.
    uint16_t p2p_port = 0; ///< 0, and no rpc_port: chosen by the genesis hash.
    uint16_t rpc_port = 0;
    std::vector<std::string> bootstrap_peers;
};

/// The chain file of a new chain, its genesis nonce found (some seconds, by start_bits). The magic
/// is taken from the genesis hash, so that chains of one name keep apart. Throws ChainFileError.
std::string new_chain_file(const NewChain& chain);

} // namespace cairn::consensus
