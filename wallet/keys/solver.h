// SPDX-License-Identifier: MIT
// Satisfies an input with what is known: secret keys, scripts, and signatures that others made. The
// one place that puts script_sigs and witnesses together.
#pragma once

#include "consensus/sighash.h"
#include "wallet/keys/sign.h"

#include <map>
#include <optional>
#include <vector>

namespace cairn::wallet::keys {

/// The order of byte strings. Not std::less: once inlined, g++ 12 warns of sizes that can't be.
struct BytesLess {
    bool operator()(const consensus::Bytes& a, const consensus::Bytes& b) const;
};

/// What may help to satisfy an input. Signatures end in their hash type, where they have one.
struct Known {
    using Bytes = consensus::Bytes;

    /// A script of a taproot output.
    struct Leaf {
        Bytes control; ///< What proves that the output commits to it.
        Bytes script;
    };

    std::map<consensus::Hash160, Bytes> points; ///< Public keys, by HASH160.
    std::map<consensus::Hash160, SecretKey> secrets;
    std::map<consensus::Hash160, Bytes> scripts; ///< By HASH160; of P2WSH, too.
    std::map<Bytes, Bytes, BytesLess>
        signatures;            ///< By public key; in tapscripts by x-only key, leaf hash.
    std::vector<Bytes> pieces; ///< Signatures among them may be anybody's.

    Bytes key_path_signature; ///< Of taproot; so is what follows.
    std::optional<consensus::Hash256> merkle_root;
    std::vector<Leaf> leaves;

    void add(const KeyPair& key);
    void add_point(consensus::ByteView point);
    void add_script(consensus::ByteView script);
    /// What an input that was satisfied in part tells: its scripts, its keys, its signatures.
    void add(const consensus::TxIn& input);
};

/// What nobody has told.
struct Missing {
    std::vector<consensus::Hash160> points;
    std::vector<consensus::Hash160> signatures; ///< By their keys.
    std::optional<consensus::Hash160> redeem_script;
    std::optional<consensus::Hash256> witness_script;
};

/// What goes into an input, as far as it is known.
struct Solution {
    bool complete = false; ///< All is there; whether it is valid the interpreter knows.
    consensus::Script script_sig;
    consensus::Witness witness;
    Missing missing;
};

/// How to sign, and whether at all.
struct SolveOptions {
    std::optional<uint8_t> hash_type; ///< Else the usual one: ALL, of taproot DEFAULT.
    bool imagine = false;             ///< Imagine what signatures are missing, to learn the size.
};

/// Satisfy input `input` of `tx`, which spends `spent`.
/// Requires: the midstates are of `tx`; for taproot they know all that it spends.
Solution solve(
    const consensus::Transaction& tx,
    size_t input,
    const consensus::TxOut& spent,
    const consensus::SighashMidstates& midstates,
    const Known& known,
    const SolveOptions& options = {});

} // namespace cairn::wallet::keys
