// SPDX-License-Identifier: MIT
// The words that back a wallet up. Source: BIP-0039, English.
#pragma once

#include "consensus/bytes.h"
#include "wallet/keys/secret.h"

#include <optional>
#include <string>
#include <string_view>

namespace cairn::wallet {

using keys::SecretText;

/// The list as BIP-0039 publishes it: 2048 words in order, a line feed after each. Made from
/// english.txt.
extern const std::string_view ENGLISH_WORDS;

constexpr size_t MAX_MNEMONIC_WORDS = 24;

/// The words for `entropy`. Requires: 16, 20, 24, 28 or 32 bytes.
SecretText make_mnemonic(consensus::ByteView entropy);

/// New words, of which there are 12 or 24.
SecretText random_mnemonic(int words);

/// What people typed, in the form that is hashed: lower case, one space between words.
SecretText normalize_mnemonic(std::string_view text);

/// What is wrong with normalized words, as a sentence that names the word; nullopt if nothing is.
std::optional<std::string> mnemonic_error(std::string_view words);

/// The seed of the words, for keys::master_key(). BIP-0039 wants words and passphrase in Unicode
/// form NFKD: which plain ASCII is already, so the caller refuses any other passphrase.
keys::SecretBytes<64> mnemonic_seed(std::string_view words, std::string_view passphrase);

} // namespace cairn::wallet
