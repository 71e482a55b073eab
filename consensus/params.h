// SPDX-License-Identifier: MIT
// What makes one chain differ from another. Nothing of it is compiled in: chain_file.h reads it
// from the chain file, docs/chain-file.md explains each field.
#pragma once

#include "consensus/block.h"
#include "consensus/uint256.h"

#include <array>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace cairn::consensus {

/// Each block's target follows from the time since the anchor: aserti3-2d, anchored at block 1.
struct AsertRule {
    int64_t spacing = 0;     ///< Seconds a block should take.
    int64_t half_life = 0;   ///< Seconds behind schedule after which the target has doubled.
    uint32_t start_bits = 0; ///< Target of block 1.
};

/// Bitcoin's: a new target every 2016 blocks (or what timespan / spacing says).
struct BitcoinRule {
    int64_t spacing = 600;
    int64_t timespan = 1'209'600;       ///< Seconds: two weeks.
    bool min_difficulty_blocks = false; ///< Test networks: easy after twice the spacing.
    bool bip94 = false;                 ///< testnet4: the time-warp rule and its retargeting.

    /// Blocks from one new target to the next.
    int32_t interval() const { return static_cast<int32_t>(timespan / spacing); }
};

/// Every block has the limit as its target (regtest).
struct FixedRule {
    int64_t spacing = 600;
};

using PowRule = std::variant<AsertRule, BitcoinRule, FixedRule>;

/// Prefixes of addresses and keys.
struct AddressPrefixes {
    std::string bech32_hrp;
    Bytes pubkey_hash; ///< base58check version bytes.
    Bytes script_hash;
    Bytes secret_key;
    std::array<uint8_t, 4> extended_public{}; ///< BIP-0032 versions.
    std::array<uint8_t, 4> extended_secret{};
    uint32_t coin_type = 1; ///< SLIP-0044, in the derivation paths of BIP-0084.
};

/// A soft fork that miners switch on by version bits. Source: BIP-0009.
struct Deployment {
    std::string name;
    int bit = 0;
    int64_t start_time = 0; ///< Median time past. ALWAYS_ACTIVE and NEVER_ACTIVE are special.
    int64_t timeout = NO_TIMEOUT;
    Height min_activation_height = 0;
    int period = 2016;
    int threshold = 1815;

    static constexpr int64_t ALWAYS_ACTIVE = -1;
    static constexpr int64_t NEVER_ACTIVE = -2;
    static constexpr int64_t NO_TIMEOUT = INT64_MAX;
};

/// First heights at which the rules of each soft fork hold ("buried" deployments). P2SH, witness
/// and taproot scripts are checked from block 1 but for the exceptions, as the reference does;
/// when they came to the chain is told by its deployments.
struct ActivationHeights {
    Height bip34 = 1; ///< Height in the coinbase.
    Height bip66 = 1; ///< Strict DER.
    Height bip65 = 1; ///< OP_CHECKLOCKTIMEVERIFY.
    Height csv = 1;   ///< BIP-0068, BIP-0112, BIP-0113.
    Height segwit = 1;
};

/// What history asks to be let pass.
struct Exceptions {
    /// A block whose scripts are checked with these flags only. Core: script_flag_exceptions.
    struct ScriptRules {
        BlockHash block;
        uint32_t flags = 0; ///< Of ScriptFlags (script_flags.h).

        bool operator==(const ScriptRules&) const = default;
    };

    /// A block that overwrites an earlier coinbase. Core: IsBIP30Repeat.
    struct Overwrite {
        Height height;
        BlockHash block;

        bool operator==(const Overwrite&) const = default;
    };

    std::vector<ScriptRules> script_flags;
    std::vector<Overwrite> bip30;
    BlockHash bip34_hash; ///< Of the block at activation.bip34: no duplicates after it (BIP-0030).

    bool operator==(const Exceptions&) const = default;
};

/// A UTXO set that may be loaded instead of derived. Core: AssumeutxoData.
struct Snapshot {
    Height height;
    BlockHash block;
    Hash256 coins_hash; ///< hash_serialized_3 of the set.
    uint64_t chain_tx_count = 0;

    bool operator==(const Snapshot&) const = default;
};

/// All that the chain file says. Constant once read.
struct Params {
    std::string name;      ///< As reported over RPC; section of the configuration file.
    std::string directory; ///< Folder in the data directory.
    std::array<uint8_t, 4> magic{};
    uint16_t p2p_port = 0;
    uint16_t rpc_port = 0;
    AddressPrefixes address;

    Block genesis;
    BlockHash genesis_hash;
    bool genesis_spendable = false; ///< Its outputs enter the coin set.

    Uint256 pow_limit;
    PowRule pow;

    Amount subsidy;               ///< Of block 1.
    int32_t halving_interval = 0; ///< Blocks; 0: the subsidy never halves.
    int32_t coinbase_maturity = 100;
    int64_t max_block_weight = 4'000'000;

    ActivationHeights activation;
    Exceptions exceptions;
    std::vector<Deployment> deployments;

    Script challenge; ///< BIP-0325: each block satisfies it; empty for none.

    Uint256 minimum_chain_work;
    BlockHash assumed_valid; ///< Scripts below it are not run; null for none.
    std::vector<Snapshot> snapshots;
    int64_t max_tip_age = 86'400; ///< Seconds; 0: never counts as initial download.

    std::vector<std::string> bootstrap_peers; ///< host or host:port
    std::vector<std::string> dns_seeds;

    /// Seconds a block should take.
    int64_t spacing() const {
        return std::visit([](const auto& rule) { return rule.spacing; }, pow);
    }

    bool signed_blocks() const { return !challenge.empty(); }

    bool fixed_difficulty() const { return std::holds_alternative<FixedRule>(pow); }
};

} // namespace cairn::consensus
