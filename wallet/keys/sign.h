// SPDX-License-Identifier: MIT
// Proves the right to spend an output: by signing.
#pragma once

#include "consensus/address.h"
#include "consensus/sighash.h"
#include "consensus/transaction.h"
#include "wallet/keys/extended_key.h"

namespace cairn::wallet::keys {

/// Weight units of an input that spends P2WPKH, at most: its 41 bytes four times, and a witness of
/// a count, a signature of up to 71 bytes and a public key of 33, each with its length.
constexpr int64_t P2WPKH_INPUT_WEIGHT = 41 * 4 + 1 + 1 + 71 + 1 + 33;

/// A secret key, and its public key as scripts have it: compressed, or of old 65 bytes.
struct KeyPair {
    SecretKey secret;
    consensus::Bytes point;
};

/// The keys that `text`, a secret in wallet import format, stands for; nullopt if it is none.
std::optional<KeyPair>
read_key_pair(std::string_view text, const consensus::AddressPrefixes& prefixes);

/// Pays to `key` (BIP-0141, version 0).
consensus::Script p2wpkh_script(const PublicKey& key);

/// An ECDSA signature in DER, low S, and with an R of at most 32 bytes, so that it never takes
/// more than 70 bytes. Deterministic (RFC 6979).
consensus::Bytes sign_ecdsa(const SecretKey& key, const consensus::Hash256& hash);

/// A signature by BIP-0340, deterministic; of a taproot output by its internal key with the tweak
/// that made the output's key of it.
consensus::Bytes sign_schnorr(
    const SecretKey& key,
    const consensus::Hash256& hash,
    const std::optional<consensus::Hash256>& tweak);

/// The 65 bytes that prove that the owner of `key` wrote `message`.
/// Source: Core's "Bitcoin Signed Message".
consensus::Bytes sign_message(const KeyPair& key, std::string_view message);

/// The public key that wrote `message`, if `signature` is one of sign_message().
std::optional<consensus::Bytes>
signer_of_message(consensus::ByteView signature, std::string_view message);

/// Put the witness into input `input` of `tx`, which spends midstates.spent[input].
/// Requires: that output is p2wpkh_script(public_key(key)).
void sign_p2wpkh(
    consensus::Transaction& tx,
    size_t input,
    const SecretKey& key,
    const consensus::SighashMidstates& midstates);

} // namespace cairn::wallet::keys
