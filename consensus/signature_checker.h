// SPDX-License-Identifier: MIT
// The one door through which scripts ask whether a signature is good, so that what checks them can
// be exchanged (a cache, a batch) without touching the rules.
#pragma once

#include "consensus/script_error.h"
#include "consensus/sighash.h"

namespace cairn::consensus {

class PubkeyPoints;

/// Answers for signatures and time-locks of one input. Implementations: TransactionChecker, and
/// what wraps it to remember or to collect.
class SignatureChecker {
public:
    virtual ~SignatureChecker() = default;

    /// Whether `signature` (DER, hash type at its end) by `pubkey` signs this input under
    /// `script_code`. Encodings were checked as far as the flags ask.
    virtual bool check_ecdsa(
        ByteView signature, ByteView pubkey, ByteView script_code, SigVersion version) const = 0;

    /// Whether a BIP-0340 signature of 64 or 65 bytes by the x-only `pubkey` signs this input.
    virtual ScriptError check_schnorr(
        ByteView signature,
        ByteView pubkey,
        SigVersion version,
        const TapscriptContext& context) const = 0;

    virtual bool check_lock_time(int64_t lock_time) const = 0; ///< BIP-0065
    virtual bool check_sequence(int64_t sequence) const = 0;   ///< BIP-0112
};

/// Checks against a real transaction with libsecp256k1, at once, on the calling thread.
class TransactionChecker : public SignatureChecker {
public:
    /// `tx`, `midstates` and `points`, if any, outlive this. `amount`: of the coin that `input`
    /// spends.
    TransactionChecker(
        const Transaction& tx,
        size_t input,
        Amount amount,
        const SighashMidstates& midstates,
        const PubkeyPoints* points = nullptr);

    bool check_ecdsa(ByteView signature, ByteView pubkey, ByteView script_code, SigVersion version)
        const override;
    ScriptError check_schnorr(
        ByteView signature,
        ByteView pubkey,
        SigVersion version,
        const TapscriptContext& context) const override;
    bool check_lock_time(int64_t lock_time) const override;
    bool check_sequence(int64_t sequence) const override;

private:
    const Transaction& tx_;
    size_t input_;
    Amount amount_;
    const SighashMidstates& midstates_;
    const PubkeyPoints* points_;
    mutable LegacySighashes legacy_;
};

} // namespace cairn::consensus
