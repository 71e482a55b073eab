// SPDX-License-Identifier: MIT
#include "wallet/keys/extended_key.h"

#include "consensus/address.h"
#include "consensus/hash.h"
#include "consensus/signature.h"
#include "wallet/keys/context.h"

#include <algorithm>
#include <cassert>
#include <charconv>

namespace cairn::wallet::keys {

using consensus::AddressPrefixes;
using consensus::Bytes;
using consensus::ByteView;

namespace {

constexpr size_t MAX_PATH_STEPS = 255; // the depth is one byte

/// What stands in the text of an extended key, in this order. Wiped with its owner, as the key may
/// be a secret one.
using ExtendedBytes = SecretBytes<4 + 1 + 4 + 4 + 32 + 33>;

uint8_t* put_big_endian(uint32_t n, uint8_t* at) {
    for (int shift = 24; shift >= 0; shift -= 8) *at++ = static_cast<uint8_t>(n >> shift);
    return at;
}

/// The child's place, and what is added to the parent's key.
struct ChildStep {
    KeyPlace place;
    SecretBytes<32> tweak;
};

/// `hash`: of which the first half is a key, or is added to one, and the second the chain code.
ChildStep split(std::array<uint8_t, 64> hash) {
    ChildStep step;
    std::copy_n(hash.begin(), 32, step.tweak.data());
    std::copy_n(hash.begin() + 32, 32, step.place.chain_code.begin());
    explicit_bzero(hash.data(), hash.size());
    return step;
}

/// `data`: 33 bytes, of the public key or, for a hardened child, a zero and the secret one.
ChildStep
child_step(const KeyPlace& parent, const PublicKey& parent_key, ByteView data, uint32_t number) {
    SecretBytes<37> message;
    std::ranges::copy(data, message.data());
    put_big_endian(number, message.data() + data.size());
    ChildStep step = split(consensus::hmac_sha512(parent.chain_code, message.view()));
    step.place.depth = static_cast<uint8_t>(parent.depth + 1);
    step.place.parent = fingerprint(parent_key);
    step.place.child_number = number;
    return step;
}

/// `key`: 33 bytes.
std::string
extended_text(const std::array<uint8_t, 4>& version, const KeyPlace& place, ByteView key) {
    ExtendedBytes bytes;
    uint8_t* at = std::ranges::copy(version, bytes.data()).out;
    *at++ = place.depth;
    at = std::ranges::copy(place.parent, at).out;
    at = put_big_endian(place.child_number, at);
    at = std::ranges::copy(place.chain_code, at).out;
    std::ranges::copy(key, at);
    return consensus::base58check_encode(bytes.view());
}

/// An extended key's text taken apart.
struct ExtendedParts {
    KeyPlace place;
    SecretBytes<33> key;
};

std::optional<ExtendedParts>
read_extended(std::string_view text, const std::array<uint8_t, 4>& version) {
    std::optional<Bytes> bytes = consensus::base58check_decode(text);
    if (!bytes || bytes->size() != ExtendedBytes::size()) return std::nullopt;
    if (!std::equal(version.begin(), version.end(), bytes->begin())) return std::nullopt;
    ExtendedParts parts;
    KeyPlace& place = parts.place;
    const uint8_t* at = bytes->data() + version.size();
    place.depth = *at++;
    std::copy_n(at, 4, place.parent.begin());
    at += 4;
    for (int i = 0; i < 4; ++i) place.child_number = place.child_number << 8 | *at++;
    std::copy_n(at, 32, place.chain_code.begin());
    std::copy_n(at + 32, 33, parts.key.data());
    explicit_bzero(bytes->data(), bytes->size());
    // A root has no parent.
    const bool root_place = place.child_number == 0 && place.parent == Fingerprint{};
    if (place.depth == 0 && !root_place) return std::nullopt;
    return parts;
}

template <class Key>
std::optional<Key> derive_along(Key key, const KeyPath& path) {
    for (const uint32_t step : path) {
        std::optional<Key> child = derive(key, step);
        if (!child) return std::nullopt;
        key = *child;
    }
    return key;
}

} // namespace

std::optional<ExtendedSecretKey> master_key(ByteView seed) {
    const ChildStep root = split(consensus::hmac_sha512(consensus::as_bytes("Bitcoin seed"), seed));
    if (!consensus::is_secret_key(root.tweak.view())) return std::nullopt;
    return ExtendedSecretKey{root.place, root.tweak};
}

std::optional<ExtendedSecretKey> derive(const ExtendedSecretKey& parent, uint32_t child_number) {
    if (parent.place.depth == 255) return std::nullopt;
    const PublicKey parent_key = public_key(parent.key);
    SecretBytes<33> data;
    if (child_number >= HARDENED)
        std::ranges::copy(parent.key.view(), data.data() + 1);
    else
        std::ranges::copy(parent_key, data.data());
    const ChildStep step = child_step(parent.place, parent_key, data.view(), child_number);
    ExtendedSecretKey child{step.place, parent.key};
    if (secp256k1_ec_seckey_tweak_add(signing_context(), child.key.data(), step.tweak.data()) == 0)
        return std::nullopt;
    return child;
}

std::optional<ExtendedPublicKey> derive(const ExtendedPublicKey& parent, uint32_t child_number) {
    if (parent.place.depth == 255 || child_number >= HARDENED) return std::nullopt;
    const ChildStep step = child_step(parent.place, parent.key, parent.key, child_number);
    secp256k1_pubkey point;
    if (secp256k1_ec_pubkey_parse(
            signing_context(), &point, parent.key.data(), parent.key.size()) == 0 ||
        secp256k1_ec_pubkey_tweak_add(signing_context(), &point, step.tweak.data()) == 0)
        return std::nullopt;
    return ExtendedPublicKey{step.place, compressed(point)};
}

std::optional<ExtendedSecretKey> derive(const ExtendedSecretKey& from, const KeyPath& path) {
    return derive_along(from, path);
}

std::optional<ExtendedPublicKey> derive(const ExtendedPublicKey& from, const KeyPath& path) {
    return derive_along(from, path);
}

bool is_public_key(ByteView key) {
    secp256k1_pubkey point;
    return key.size() == PublicKey().size() &&
           secp256k1_ec_pubkey_parse(signing_context(), &point, key.data(), key.size()) == 1;
}

PublicKey public_key(const SecretKey& secret) {
    secp256k1_pubkey point;
    const int valid = secp256k1_ec_pubkey_create(signing_context(), &point, secret.data());
    assert(valid == 1 && "a secret key is checked where it is made");
    static_cast<void>(valid);
    return compressed(point);
}

ExtendedPublicKey public_key(const ExtendedSecretKey& secret) {
    return {secret.place, public_key(secret.key)};
}

Fingerprint fingerprint(const PublicKey& key) {
    const consensus::Hash160 hash = consensus::hash160(key);
    return {hash[0], hash[1], hash[2], hash[3]};
}

std::string to_text(const ExtendedPublicKey& key, const AddressPrefixes& prefixes) {
    return extended_text(prefixes.extended_public, key.place, key.key);
}

std::string to_text(const ExtendedSecretKey& key, const AddressPrefixes& prefixes) {
    SecretBytes<33> padded;
    std::ranges::copy(key.key.view(), padded.data() + 1);
    return extended_text(prefixes.extended_secret, key.place, padded.view());
}

std::optional<ExtendedPublicKey>
read_extended_public(std::string_view text, const AddressPrefixes& prefixes) {
    const std::optional<ExtendedParts> parts = read_extended(text, prefixes.extended_public);
    if (!parts) return std::nullopt;
    if (!is_public_key(parts->key.view())) return std::nullopt;
    ExtendedPublicKey key{parts->place, {}};
    std::copy_n(parts->key.data(), key.key.size(), key.key.begin());
    return key;
}

std::optional<ExtendedSecretKey>
read_extended_secret(std::string_view text, const AddressPrefixes& prefixes) {
    const std::optional<ExtendedParts> parts = read_extended(text, prefixes.extended_secret);
    if (!parts || parts->key.data()[0] != 0) return std::nullopt;
    ExtendedSecretKey key{parts->place, {}};
    std::copy_n(parts->key.data() + 1, 32, key.key.data());
    if (!consensus::is_secret_key(key.key.view())) return std::nullopt;
    return key;
}

std::string to_text(const KeyPath& path) {
    std::string text;
    for (const uint32_t step : path) {
        if (!text.empty()) text += '/';
        text += std::to_string(step & ~HARDENED);
        if (step >= HARDENED) text += 'h';
    }
    return text;
}

std::string to_text(const KeyOrigin& origin) {
    const std::string path = to_text(origin.path);
    return consensus::to_hex(origin.master) + (path.empty() ? "" : "/" + path);
}

std::optional<KeyPath> read_key_path(std::string_view text) {
    if (text == "m" || text.empty()) return KeyPath{};
    if (text.starts_with("m/")) text.remove_prefix(2);
    KeyPath path;
    for (;;) {
        uint32_t step = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), step);
        if (error != std::errc() || step >= HARDENED) return std::nullopt;
        text.remove_prefix(static_cast<size_t>(end - text.data()));
        if (!text.empty() && (text[0] == 'h' || text[0] == '\'' || text[0] == 'H')) {
            step |= HARDENED;
            text.remove_prefix(1);
        }
        path.push_back(step);
        if (text.empty()) return path;
        if (text[0] != '/' || path.size() == MAX_PATH_STEPS) return std::nullopt;
        text.remove_prefix(1);
    }
}

KeyPath bip84_account(uint32_t coin_type, uint32_t account) {
    return {84 | HARDENED, coin_type | HARDENED, account | HARDENED};
}

} // namespace cairn::wallet::keys
