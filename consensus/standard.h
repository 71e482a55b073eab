// SPDX-License-Identifier: MIT
// The standard output templates, and the scripts of the usual ones.
#pragma once

#include "consensus/script.h"

#include <optional>
#include <string_view>
#include <vector>

namespace cairn::consensus {

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

Script pay_to_pubkey_hash(ByteView hash160);
Script pay_to_script_hash(ByteView hash160);
/// Also P2WPKH (version 0, 20 bytes), P2WSH (0, 32) and P2TR (1, 32).
Script pay_to_witness(int version, ByteView program);

} // namespace cairn::consensus
