// SPDX-License-Identifier: MIT
#include "wallet/keys/extended_key.h"

#include "consensus/address.h"
#include "consensus/hash.h"
#include "wallet/keys/context.h"

#include <algorithm>
#include <cassert>
#include <charconv>

namespace cairn::wallet::keys {

using consensus::AddressPrefixes;
using consensus::Bytes;
using consensus::ByteView;

namespace {

constexpr size_t EXTENDED_KEY_BYTES = 78;
constexpr size_t MAX_PATH_STEPS = 255; // the depth is one byte

std::array<uint8_t, 4> big_endian(uint32_t n) {
    return {
        static_cast<uint8_t>(n >> 24), static_cast<uint8_t>(n >> 16), static_cast<uint8_t>(n >> 8),
        static_cast<uint8_t>(n)};
}

/// A hash cut in two: what is added to the parent's key, and the child's chain code.
struct ChildHash {
    explicit ChildHash(std::array<uint8_t, 64> hash) {
        std::copy_n(hash.begin(), 32, tweak.data());
        std::copy_n(hash.begin() + 32, 32, chain_code.begin());
        explicit_bzero(hash.data(), hash.size());
    }

    SecretBytes<32> tweak;
    std::array<uint8_t, 32> chain_code{};
};

/// `data`: 33 bytes, of the public key or, for a hardened child, a zero and the secret one.
ChildHash child_hash(const KeyPlace& parent, ByteView data, uint32_t child_number) {
    SecretBytes<37> message;
    std::copy(data.begin(), data.end(), message.data());
    const std::array<uint8_t, 4> number = big_endian(child_number);
    std::copy(number.begin(), number.end(), message.data() + 33);
    return ChildHash(consensus::hmac_sha512(parent.chain_code, message.view()));
}

KeyPlace child_place(
    const KeyPlace& parent, const PublicKey& parent_key, uint32_t n, const ChildHash& hash) {
    return {static_cast<uint8_t>(parent.depth + 1), fingerprint(parent_key), n, hash.chain_code};
}

/// The 78 bytes; `key`: 33 bytes. Wiped with its owner, as they may hold a secret.
SecretBytes<EXTENDED_KEY_BYTES>
extended_bytes(const std::array<uint8_t, 4>& version, const KeyPlace& place, ByteView key) {
    SecretBytes<EXTENDED_KEY_BYTES> out;
    uint8_t* at = std::copy(version.begin(), version.end(), out.data());
    *at++ = place.depth;
    at = std::copy(place.parent.begin(), place.parent.end(), at);
    const std::array<uint8_t, 4> number = big_endian(place.child_number);
    at = std::copy(number.begin(), number.end(), at);
    at = std::copy(place.chain_code.begin(), place.chain_code.end(), at);
    std::copy(key.begin(), key.end(), at);
    return out;
}

/// An extended key's text taken apart.
struct ExtendedParts {
    KeyPlace place;
    SecretBytes<33> key;
};

std::optional<ExtendedParts>
read_extended(std::string_view text, const std::array<uint8_t, 4>& version) {
    std::optional<Bytes> bytes = consensus::base58check_decode(text);
    if (!bytes || bytes->size() != EXTENDED_KEY_BYTES) return std::nullopt;
    if (!std::equal(version.begin(), version.end(), bytes->begin())) return std::nullopt;
    ExtendedParts parts;
    const uint8_t* at = bytes->data() + 4;
    parts.place.depth = *at++;
    std::copy_n(at, 4, parts.place.parent.begin());
    at += 4;
    for (int i = 0; i < 4; ++i) parts.place.child_number = parts.place.child_number << 8 | *at++;
    std::copy_n(at, 32, parts.place.chain_code.begin());
    std::copy_n(at + 32, 33, parts.key.data());
    explicit_bzero(bytes->data(), bytes->size());
    // A root has no parent.
    const bool root_place = parts.place.child_number == 0 && parts.place.parent == Fingerprint{};
    if (parts.place.depth == 0 && !root_place) return std::nullopt;
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
    const ChildHash hash(consensus::hmac_sha512(consensus::as_bytes("Bitcoin seed"), seed));
    if (secp256k1_ec_seckey_verify(signing_context(), hash.tweak.data()) == 0) return std::nullopt;
    ExtendedSecretKey master;
    master.place.chain_code = hash.chain_code;
    master.key = hash.tweak;
    return master;
}

std::optional<ExtendedSecretKey> derive(const ExtendedSecretKey& parent, uint32_t child_number) {
    if (parent.place.depth == 255) return std::nullopt;
    const PublicKey parent_key = public_key(parent.key);
    SecretBytes<33> data;
    if (child_number >= HARDENED)
        std::copy_n(parent.key.data(), 32, data.data() + 1);
    else
        std::copy(parent_key.begin(), parent_key.end(), data.data());
    const ChildHash hash = child_hash(parent.place, data.view(), child_number);
    ExtendedSecretKey child{child_place(parent.place, parent_key, child_number, hash), parent.key};
    if (secp256k1_ec_seckey_tweak_add(signing_context(), child.key.data(), hash.tweak.data()) == 0)
        return std::nullopt;
    return child;
}

std::optional<ExtendedPublicKey> derive(const ExtendedPublicKey& parent, uint32_t child_number) {
    if (parent.place.depth == 255 || child_number >= HARDENED) return std::nullopt;
    const ChildHash hash = child_hash(parent.place, parent.key, child_number);
    secp256k1_pubkey point;
    if (secp256k1_ec_pubkey_parse(
            signing_context(), &point, parent.key.data(), parent.key.size()) == 0)
        return std::nullopt;
    if (secp256k1_ec_pubkey_tweak_add(signing_context(), &point, hash.tweak.data()) == 0)
        return std::nullopt;
    return ExtendedPublicKey{
        child_place(parent.place, parent.key, child_number, hash), compressed(point)};
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
    return consensus::base58check_encode(
        extended_bytes(prefixes.extended_public, key.place, key.key).view());
}

std::string to_text(const ExtendedSecretKey& key, const AddressPrefixes& prefixes) {
    SecretBytes<33> padded;
    std::copy_n(key.key.data(), 32, padded.data() + 1);
    return consensus::base58check_encode(
        extended_bytes(prefixes.extended_secret, key.place, padded.view()).view());
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
    if (secp256k1_ec_seckey_verify(signing_context(), key.key.data()) == 0) return std::nullopt;
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
