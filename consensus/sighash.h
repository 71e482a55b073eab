// SPDX-License-Identifier: MIT
// What a signature signs: legacy, BIP-0143 (segwit v0) and BIP-0341 (taproot).
#pragma once

#include "consensus/transaction.h"

#include <array>
#include <memory>
#include <optional>
#include <vector>

namespace cairn::consensus {

/// Hash types, by Core's names.
enum SighashType : uint8_t {
    SIGHASH_DEFAULT = 0, ///< Taproot only: as ALL, with a signature one byte shorter.
    SIGHASH_ALL = 1,
    SIGHASH_NONE = 2,
    SIGHASH_SINGLE = 3,
    SIGHASH_ANYONECANPAY = 0x80,
};

/// By which rules a script runs.
enum class SigVersion : uint8_t {
    Base,      ///< Bare and P2SH.
    WitnessV0, ///< BIP-0141
    Taproot,   ///< BIP-0341, key path: no script runs.
    Tapscript, ///< BIP-0342
};

/// What a taproot signature hash takes from the running script. Core: ScriptExecutionData.
struct TapscriptContext {
    Hash256 leaf_hash;
    uint32_t codeseparator_position = 0xffffffff; ///< Of the last one executed.
    std::optional<Hash256> annex_hash;            ///< SHA-256 of the annex with its length.
    int64_t validation_weight_left = 0;           ///< BIP-0342's signature budget.
};

/// Parts of the signature hashes that all inputs of a transaction share, hashed once, as far as
/// the spent outputs ask for them. Core: PrecomputedTransactionData.
///
/// Invariants: prepared for one transaction and the outputs it spends; constant thereafter.
struct SighashMidstates {
    /// `spent`: one output an input, in order; empty if they aren't known (then taproot can't be
    /// checked).
    SighashMidstates(const Transaction& tx, std::vector<TxOut> spent);

    bool for_witness_v0 = false; ///< Whether the double hashes are set ...
    bool for_taproot = false;    ///< ... and the single ones.

    Hash256 prevouts_single; ///< Single SHA-256 (BIP-0341) ...
    Hash256 sequences_single;
    Hash256 outputs_single;
    Hash256 amounts_single;
    Hash256 scripts_single;
    Hash256 prevouts_double; ///< ... and double (BIP-0143).
    Hash256 sequences_double;
    Hash256 outputs_double;
    std::vector<TxOut> spent;
};

/// Legacy hash: of `tx` with its scripts blanked, all bugs kept. `type` as at the end of the
/// signature, sign-extended by nobody: its 32 bits are hashed.
///
/// Requires: `input` is one of `tx`.
Hash256 legacy_sighash(const Transaction& tx, size_t input, ByteView script_code, uint32_t type);

/// Legacy hashes of one input of one transaction, which outlives it. A script may ask for hundreds,
/// and each is of the whole transaction: who asks again gets what was hashed, but for the type.
/// Core: SigHashCache. Thread: one at a time.
class LegacySighashes {
public:
    LegacySighashes(const Transaction& tx, size_t input);
    ~LegacySighashes();
    LegacySighashes(const LegacySighashes&) = delete;
    LegacySighashes& operator=(const LegacySighashes&) = delete;

    /// legacy_sighash().
    Hash256 hash(ByteView script_code, uint32_t type);

private:
    struct Begun;

    struct Kind {
        bool asked = false; ///< Most are asked for once: nothing is kept then.
        std::unique_ptr<const Begun> last;
    };

    const Transaction& tx_;
    const size_t input_;
    std::array<Kind, 6> kinds_; ///< All, none or single; with all inputs or one.
};

/// BIP-0143. Requires: `input` is one of `tx`; the midstates are for witness v0.
Hash256 witness_sighash(
    const Transaction& tx,
    size_t input,
    ByteView script_code,
    Amount amount,
    uint32_t type,
    const SighashMidstates& midstates);

/// BIP-0341 and BIP-0342; nullopt for a hash type that isn't defined, or SINGLE without its
/// output. Requires: `input` is one of `tx`; the midstates are for taproot.
std::optional<Hash256> taproot_sighash(
    const Transaction& tx,
    size_t input,
    uint8_t type,
    SigVersion version,
    const SighashMidstates& midstates,
    const TapscriptContext& context);

} // namespace cairn::consensus
