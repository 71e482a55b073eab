// SPDX-License-Identifier: MIT
// Signs blocks for chains whose file names a challenge (BIP-0325), one signer after the other: what
// has been signed so far stands in the block itself, as a solution that isn't sufficient yet.
#pragma once

#include "consensus/block.h"
#include "wallet/keys/extended_key.h"

#include <functional>

namespace cairn::wallet::keys {

/// What a challenge asks for: `required` signatures by some of `keys`.
struct Challenge {
    std::vector<consensus::Bytes> keys;
    int required = 1;
};

/// The keys of `script`; nullopt unless it is one that is signed here: of one key (pay to public
/// key) or of several (multisig).
std::optional<Challenge> read_challenge(const consensus::Script& script);

/// The script that `required` of `keys` satisfy. Requires: 1 to 16 of them, compressed.
consensus::Script multisig_challenge(int required, const std::vector<consensus::Bytes>& keys);

/// The secret of a public key; nullopt if it isn't ours.
using FindSecret = std::function<std::optional<SecretKey>(consensus::ByteView public_key)>;

/// How far a block is.
struct SigningState {
    int signatures = 0; ///< In the block now.
    int added = 0;      ///< By us.
};

/// Sign `block` with each key of `challenge` whose secret is found, as far as signatures are
/// missing; those it holds that are valid stay. Requires: its coinbase has a witness commitment.
SigningState sign_block(
    consensus::Block& block, const consensus::Script& challenge, const FindSecret& find_secret);

} // namespace cairn::wallet::keys
