// SPDX-License-Identifier: MIT
// Proves the right to spend an output: by signing.
#pragma once

#include "consensus/sighash.h"
#include "consensus/transaction.h"
#include "wallet/keys/extended_key.h"

namespace cairn::wallet::keys {

/// Weight units of an input that spends P2WPKH, at most: its 41 bytes four times, and a witness of
/// a count, a signature of up to 71 bytes and a public key of 33, each with its length.
constexpr int64_t P2WPKH_INPUT_WEIGHT = 41 * 4 + 1 + 1 + 71 + 1 + 33;

/// Pays to `key` (BIP-0141, version 0).
consensus::Script p2wpkh_script(const PublicKey& key);

/// An ECDSA signature in DER, low S, and with an R of at most 32 bytes, so that it never takes
/// more than 70 bytes. Deterministic (RFC 6979).
consensus::Bytes sign_ecdsa(const SecretKey& key, const consensus::Hash256& hash);

/// Put the witness into input `input` of `tx`, which spends midstates.spent[input].
/// Requires: that output is p2wpkh_script(public_key(key)).
void sign_p2wpkh(
    consensus::Transaction& tx,
    size_t input,
    const SecretKey& key,
    const consensus::SighashMidstates& midstates);

} // namespace cairn::wallet::keys
