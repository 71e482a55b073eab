// SPDX-License-Identifier: MIT
// Signs blocks for chains whose file names a challenge (BIP-0325), one signer after the other: what
// has been signed so far stands in the block itself, as a solution that isn't sufficient yet.
#pragma once

#include "consensus/block.h"
#include "consensus/params.h"
#include "wallet/keys/extended_key.h"

#include <functional>

namespace cairn::wallet::keys {

/// What a challenge asks for: `required` signatures by some of `keys`.
struct Challenge {
    std::vector<consensus::Bytes> keys; ///< Or, of P2WPKH, the HASH160 of its one.
    int required = 1;
};

/// The keys of `script`; nullopt unless it is one that is signed here: of one key (P2PK, P2WPKH) or
/// of several (multisig).
std::optional<Challenge> read_challenge(const consensus::Script& script);

/// The script that `required` of `keys` satisfy. Requires: 1 to 16 of them, compressed.
consensus::Script multisig_challenge(int required, const std::vector<consensus::Bytes>& keys);

/// The secret whose public key, compressed, has this HASH160; nullopt if it isn't ours.
using FindSecret = std::function<std::optional<SecretKey>(consensus::ByteView hash160)>;

/// How far a block is.
struct SigningState {
    int signatures = 0; ///< In the block now.
    int added = 0;      ///< By us.
};

/// Sign `block` with each key of the challenge whose secret is found, as far as signatures are
/// missing; those it holds that are valid stay.
/// Requires: reserve_solution(block) was called; the challenge is one that read_challenge() reads.
SigningState
sign_block(consensus::Block& block, const consensus::Params& params, const FindSecret& find_secret);

} // namespace cairn::wallet::keys
