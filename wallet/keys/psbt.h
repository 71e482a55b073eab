// SPDX-License-Identifier: MIT
// Partially signed transactions: what those who make, sign and send a transaction together hand to
// each other. Source: BIP-0174, BIP-0371 (taproot), BIP-0373 (MuSig2); version 0.
#pragma once

#include "consensus/transaction.h"
#include "wallet/keys/solver.h"

#include <map>
#include <string>

namespace cairn::wallet::keys {

/// What a key of a map begins with, by the names of the BIPs.
enum class PsbtGlobal : uint8_t { UnsignedTx, Xpub, Version = 0xfb, Proprietary = 0xfc };

enum class PsbtIn : uint8_t {
    NonWitnessUtxo,
    WitnessUtxo,
    PartialSig,
    SighashType,
    RedeemScript,
    WitnessScript,
    Bip32Derivation,
    FinalScriptSig,
    FinalScriptWitness,
    Ripemd160 = 0x0a,
    Sha256,
    Hash160,
    Hash256,
    TapKeySig = 0x13,
    TapScriptSig,
    TapLeafScript,
    TapBip32Derivation,
    TapInternalKey,
    TapMerkleRoot,
    MusigParticipants = 0x1a,
    MusigNonce,
    MusigPartialSig,
    Proprietary = 0xfc,
};

enum class PsbtOut : uint8_t {
    RedeemScript,
    WitnessScript,
    Bip32Derivation,
    TapInternalKey = 5,
    TapTree,
    TapBip32Derivation,
    MusigParticipants,
    Proprietary = 0xfc,
};

/// Whether a type is one of those above.
bool is_known(PsbtGlobal type);
bool is_known(PsbtIn type);
bool is_known(PsbtOut type);

/// Values by their keys, each with its type in front.
using PsbtMap = std::map<consensus::Bytes, consensus::Bytes, BytesLess>;

/// Calls `visit` with the rest of each key of `type`, and its value.
template <class Type>
void for_each(const PsbtMap& map, Type type, auto visit) {
    const auto byte = static_cast<uint8_t>(type);
    for (auto at = map.lower_bound({byte}); at != map.end() && at->first[0] == byte; ++at)
        visit(consensus::ByteView(at->first).subspan(1), at->second);
}

/// The value of a key that is its type alone; null if there is none.
template <class Type>
const consensus::Bytes* value_of(const PsbtMap& map, Type type) {
    const auto found = map.find({static_cast<uint8_t>(type)});
    return found == map.end() ? nullptr : &found->second;
}

/// Invariants: each map's keys and values are of the form that their type asks for, the transaction
/// has neither scripts nor witnesses, and as many maps as inputs and outputs.
struct Psbt {
    /// Nothing known of `unsigned_tx` yet.
    explicit Psbt(consensus::Transaction unsigned_tx = {});

    consensus::Transaction tx;
    PsbtMap global; ///< Without the transaction.
    std::vector<PsbtMap> inputs;
    std::vector<PsbtMap> outputs;

    /// The output that input `i` spends; nullopt if it isn't told.
    std::optional<consensus::TxOut> spent(size_t i) const;
    /// Whether input `i` is told what satisfies it.
    bool is_final(size_t i) const;
};

/// nullopt, and why not, in Core's words where they are known.
std::optional<Psbt> read_psbt(consensus::ByteView bytes, std::string& why);

consensus::Bytes encode_psbt(const Psbt& psbt);

/// Add to `psbt` what `other`, of the same transaction, knows besides.
void combine(Psbt& psbt, const Psbt& other);

/// Of all that `psbt` spends, as far as all is told.
consensus::SighashMidstates midstates_of(const Psbt& psbt);

/// Set the value of a key that is its type alone.
template <class Type>
void set_value(PsbtMap& map, Type type, consensus::Bytes value) {
    map[{static_cast<uint8_t>(type)}] = std::move(value);
}

/// What input `i`, which spends `spent`, takes of what its map holds.
Solution solve(
    const Psbt& psbt,
    size_t i,
    const consensus::TxOut& spent,
    const consensus::SighashMidstates& midstates,
    bool imagine = false);

/// Make input `i` final, if its map holds what satisfies it; whether it is final then and valid.
bool finalize(Psbt& psbt, size_t i, const consensus::SighashMidstates& midstates);

/// The transaction with what its final inputs hold.
consensus::Transaction extract(const Psbt& psbt);

} // namespace cairn::wallet::keys
