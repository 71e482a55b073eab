// SPDX-License-Identifier: MIT
// A small transaction whose first input is under test, and keys to sign it with.
#pragma once

#include "consensus/interpreter.h"
#include "consensus/taproot.h"

#include <secp256k1.h>
#include <secp256k1_extrakeys.h>

#include <optional>

namespace cairn::tests {

/// A key pair for tests: each number is another key.
class Signer {
public:
    explicit Signer(uint8_t number);
    explicit Signer(consensus::ByteView secret);

    consensus::Bytes key() const;              ///< Compressed.
    consensus::Bytes uncompressed_key() const; ///< 65 bytes, the first is 4.
    consensus::Bytes x_only_key() const;

    /// DER with a low S, and `type` at its end.
    consensus::Bytes
    sign(const consensus::Hash256& hash, uint8_t type = consensus::SIGHASH_ALL) const;

    /// BIP-0340, 64 bytes. `root`: sign as the output key that commits to it.
    consensus::Bytes sign_schnorr(const consensus::Hash256& hash) const;
    consensus::Bytes sign_tweaked(
        const consensus::Hash256& hash,
        const std::optional<consensus::Hash256>& root = std::nullopt) const;

private:
    std::array<uint8_t, 32> secret_{};
    secp256k1_keypair pair_{};
};

/// `der` with the other S that verifies too.
consensus::Bytes with_high_s(consensus::Bytes signature);

/// A transaction of two inputs and two outputs that spends `coin` first.
struct Spend {
    explicit Spend(const consensus::Script& coin);

    /// The one that `program` of version 0 or 1 guards.
    static Spend of_program(int version, consensus::ByteView program);

    consensus::Transaction tx;
    std::vector<consensus::TxOut> spent;

    consensus::Script& script_sig() { return tx.inputs[0].script_sig; }

    consensus::Witness& witness() { return tx.inputs[0].witness; }

    /// Replace the witness.
    void set_witness(const std::vector<consensus::Bytes>& items);

    consensus::Hash256
    legacy_hash(consensus::ByteView code, uint8_t type = consensus::SIGHASH_ALL) const;
    consensus::Hash256
    v0_hash(consensus::ByteView code, uint8_t type = consensus::SIGHASH_ALL) const;
    consensus::Hash256 taproot_hash(
        uint8_t type = consensus::SIGHASH_DEFAULT,
        const consensus::TapscriptContext* tapscript = nullptr,
        const std::optional<consensus::Hash256>& annex = std::nullopt) const;

    consensus::ScriptError verify(uint32_t flags = consensus::STANDARD_FLAGS) const;

    /// verify()'s name for the result.
    std::string_view result(uint32_t flags = consensus::STANDARD_FLAGS) const;
};

} // namespace cairn::tests
