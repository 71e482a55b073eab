// SPDX-License-Identifier: MIT
// New chains: the chain file of one, its genesis block mined.
#pragma once

#include "consensus/params.h"

#include <string>
#include <vector>

namespace cairn::wallet {

/// The SLIP-0044 number that new chains share with the default one: unregistered; the three bytes
/// "CRN".
constexpr uint32_t NEW_CHAIN_COIN_TYPE = 4411982;

/// A new chain: its parameters, which begin as those of the default chain, and what its genesis
/// block is made of. Asked for are a name and address.bech32_hrp.
struct NewChain : consensus::Params {
    NewChain();

    uint32_t time = 0; ///< Of the genesis block: now.
    consensus::AsertRule work{.spacing = 15, .half_life = 3600, .start_bits = 0x1e010000};
    std::string coinbase_text; ///< What the genesis block says; empty: the name.

    /// Coins that exist from the start.
    struct Premine {
        std::string address; ///< With this chain's prefixes.
        consensus::Amount amount;
    };

    std::vector<Premine> premine;
};

/// The chain file of a new chain, its genesis nonce found (some seconds, by work.start_bits, which
/// is also the easiest target there is). The magic is taken from the genesis hash, so that chains
/// of one name keep apart, and so are the ports that are 0. With a challenge (BIP-0325) the target
/// is a fixed, easy one. Throws ChainFileError.
std::string new_chain_file(NewChain chain);

} // namespace cairn::wallet
