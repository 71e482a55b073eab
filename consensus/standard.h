// SPDX-License-Identifier: MIT
// The standard output templates, and the scripts of the usual ones.
#pragma once

#include "consensus/script.h"

#include <optional>
#include <string_view>
#include <vector>

namespace cairn::consensus {

struct Params;

/// Kinds of output scripts. Core: TxoutType.
enum class OutputType : uint8_t {
    Nonstandard,
    PubKey,
    PubKeyHash,
    ScriptHash,
    Multisig,
    NullData,
    WitnessV0KeyHash,
    WitnessV0ScriptHash,
    WitnessV1Taproot,
    WitnessUnknown,
    Anchor,
};

/// Core's name in JSON-RPC: "pubkeyhash", "witness_v0_keyhash", ...
std::string_view output_type_name(OutputType type);

/// A script recognized. Core: Solver.
struct OutputTemplate {
    OutputType type = OutputType::Nonstandard;
    /// Hashes, keys or the witness program, in order; for Multisig the keys alone.
    std::vector<Bytes> parts;
    int required = 0; ///< Multisig: signatures needed.
    int witness_version = 0;
};

OutputTemplate match_template(ByteView script);

constexpr int64_t MAX_STANDARD_TX_WEIGHT = 400'000;
/// What a miner keeps free for header, count and coinbase. Core: DEFAULT_BLOCK_RESERVED_WEIGHT.
constexpr int64_t RESERVED_WEIGHT = 8'000;

/// Where blocks are smaller than Bitcoin's a miner keeps less free, and what he has no room for
/// isn't relayed: it would wait for ever, and who sends such things would never have to pay.
int64_t reserved_weight(const Params& params);
int64_t max_standard_weight(const Params& params);

Script pay_to_pubkey_hash(ByteView hash160);
Script pay_to_script_hash(ByteView hash160);
/// Also P2WPKH (version 0, 20 bytes), P2WSH (0, 32) and P2TR (1, 32).
Script pay_to_witness(int version, ByteView program);

} // namespace cairn::consensus
