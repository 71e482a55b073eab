// SPDX-License-Identifier: MIT
// Keys that have children, so that one secret backs up every address. Source: BIP-0032; the paths
// are those of BIP-0084.
#pragma once

#include "consensus/params.h"
#include "wallet/keys/secret.h"

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cairn::wallet::keys {

/// Compressed, as in P2WPKH.
using PublicKey = std::array<uint8_t, 33>;

/// The first four bytes of hash160 of a public key.
using Fingerprint = std::array<uint8_t, 4>;

/// Child numbers from here are hardened: only the secret key has them. Written 0h or 0'.
constexpr uint32_t HARDENED = 0x80000000;

/// From a key to one of its descendants.
using KeyPath = std::vector<uint32_t>;

/// What an extended key is besides the key: its place in the tree, and what its children mix in.
struct KeyPlace {
    uint8_t depth = 0;
    Fingerprint parent{};
    uint32_t child_number = 0;
    std::array<uint8_t, 32> chain_code{};

    bool operator==(const KeyPlace&) const = default;
};

/// Can derive the addresses below it, and nothing that spends. Core: CExtPubKey.
struct ExtendedPublicKey {
    KeyPlace place;
    PublicKey key{};

    bool operator==(const ExtendedPublicKey&) const = default;
};

/// Core: CExtKey.
struct ExtendedSecretKey {
    KeyPlace place;
    SecretKey key;
};

/// The root of the tree of `seed`; nullopt for the one seed in 2^127 that has none.
std::optional<ExtendedSecretKey> master_key(consensus::ByteView seed);

/// The child; nullopt where there is none (one in 2^127, or the depth is 255 already; for the
/// public key also every hardened one).
std::optional<ExtendedSecretKey> derive(const ExtendedSecretKey& parent, uint32_t child_number);
std::optional<ExtendedPublicKey> derive(const ExtendedPublicKey& parent, uint32_t child_number);

/// The descendant at `path`; nullopt where there is none.
std::optional<ExtendedSecretKey> derive(const ExtendedSecretKey& from, const KeyPath& path);
std::optional<ExtendedPublicKey> derive(const ExtendedPublicKey& from, const KeyPath& path);

/// Whether `key` is a compressed public key of the curve.
bool is_public_key(consensus::ByteView key);

PublicKey public_key(const SecretKey& secret);
ExtendedPublicKey public_key(const ExtendedSecretKey& secret);
Fingerprint fingerprint(const PublicKey& key);

/// "xpub…", "tpub…": base58check with the chain's version.
std::string to_text(const ExtendedPublicKey& key, const consensus::AddressPrefixes& prefixes);
std::string to_text(const ExtendedSecretKey& key, const consensus::AddressPrefixes& prefixes);

/// The reverse of to_text(); nullopt for anything else.
std::optional<ExtendedPublicKey>
read_extended_public(std::string_view text, const consensus::AddressPrefixes& prefixes);
std::optional<ExtendedSecretKey>
read_extended_secret(std::string_view text, const consensus::AddressPrefixes& prefixes);

/// Where a key comes from: what a signer needs to find its secret. Source: BIP-0380.
struct KeyOrigin {
    Fingerprint master{};
    KeyPath path;

    bool operator==(const KeyOrigin&) const = default;
};

/// "84h/1h/0h"; empty for no step.
std::string to_text(const KeyPath& path);
/// "d34db33f/84h/1h/0h"
std::string to_text(const KeyOrigin& origin);
/// Reads "m/84h/1'/0" and the same without "m/"; nullopt for anything else.
std::optional<KeyPath> read_key_path(std::string_view text);

/// m / 84h / coin type h / account h. Source: BIP-0084.
KeyPath bip84_account(uint32_t coin_type, uint32_t account);

/// The two chains of addresses below an account.
enum class Branch : uint8_t { Receive = 0, Change = 1 };

} // namespace cairn::wallet::keys
