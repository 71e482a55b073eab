// SPDX-License-Identifier: MIT
#include "wallet/keys/sign.h"

#include "consensus/hash_writer.h"
#include "consensus/signature.h"
#include "consensus/standard.h"
#include "wallet/keys/context.h"

#include <secp256k1_recovery.h>
#include <secp256k1_schnorrsig.h>

#include <algorithm>
#include <cassert>
#include <cstring>

namespace cairn::wallet::keys {

using consensus::Bytes;
using consensus::Hash256;

namespace {

constexpr size_t MESSAGE_SIGNATURE_BYTES = 65;
/// The first byte of a message's signature: this, how to recover the key (0 to 3), and more if the
/// key is compressed.
constexpr int MESSAGE_HEADER = 27;
constexpr int COMPRESSED = 4;

Hash256 hash_of_message(std::string_view message) {
    const std::string magic = "Bitcoin Signed Message:\n";
    return consensus::HashWriter()(magic, std::string(message)).double_hash();
}

} // namespace

std::optional<KeyPair>
read_key_pair(std::string_view text, const consensus::AddressPrefixes& prefixes) {
    const auto read = consensus::decode_secret(text, prefixes);
    if (!read) return std::nullopt;
    KeyPair key;
    std::ranges::copy(read->secret, key.secret.data());
    const PublicKey point = public_key(key.secret);
    key.point.assign(point.begin(), point.end());
    if (!read->compressed) key.point = consensus::uncompressed_pubkey(point).value();
    return key;
}

consensus::Script p2wpkh_script(const PublicKey& key) {
    return consensus::pay_to_witness(0, consensus::hash160(key));
}

Bytes sign_ecdsa(const SecretKey& key, const Hash256& hash) {
    secp256k1_ecdsa_signature signature;
    std::array<uint8_t, 64> compact{};
    std::array<uint8_t, 32> extra{};
    // Half of all R need a 33rd byte in DER; other nonces are tried until one doesn't.
    for (uint32_t round = 0;; ++round) {
        std::memcpy(extra.data(), &round, sizeof round);
        const int signed_ok = secp256k1_ecdsa_sign(
            signing_context(), &signature, hash.bytes.data(), key.data(),
            secp256k1_nonce_function_rfc6979, round == 0 ? nullptr : extra.data());
        assert(signed_ok == 1 && "a secret key is checked where it is made");
        static_cast<void>(signed_ok);
        secp256k1_ecdsa_signature_serialize_compact(signing_context(), compact.data(), &signature);
        if (compact[0] < 0x80) break;
    }
    Bytes der(72);
    size_t size = der.size();
    secp256k1_ecdsa_signature_serialize_der(signing_context(), der.data(), &size, &signature);
    der.resize(size);
    return der;
}

Bytes sign_schnorr(const SecretKey& key, const Hash256& hash, const std::optional<Hash256>& tweak) {
    const secp256k1_context* context = signing_context();
    secp256k1_keypair pair;
    Bytes signature(64);
    const bool done =
        secp256k1_keypair_create(context, &pair, key.data()) == 1 &&
        (!tweak || secp256k1_keypair_xonly_tweak_add(context, &pair, tweak->bytes.data()) == 1) &&
        secp256k1_schnorrsig_sign32(context, signature.data(), hash.bytes.data(), &pair, nullptr) ==
            1;
    explicit_bzero(&pair, sizeof pair);
    assert(done && "a secret key is checked where it is made");
    return signature;
}

Bytes sign_message(const KeyPair& key, std::string_view message) {
    const Hash256 hash = hash_of_message(message);
    secp256k1_ecdsa_recoverable_signature signature;
    const int signed_ok = secp256k1_ecdsa_sign_recoverable(
        signing_context(), &signature, hash.bytes.data(), key.secret.data(), nullptr, nullptr);
    assert(signed_ok == 1 && "a secret key is checked where it is made");
    static_cast<void>(signed_ok);
    Bytes bytes(MESSAGE_SIGNATURE_BYTES);
    int recovery = 0;
    secp256k1_ecdsa_recoverable_signature_serialize_compact(
        signing_context(), &bytes[1], &recovery, &signature);
    const bool is_compressed = consensus::is_compressed_pubkey(key.point);
    bytes[0] = static_cast<uint8_t>(MESSAGE_HEADER + recovery + (is_compressed ? COMPRESSED : 0));
    return bytes;
}

std::optional<Bytes> signer_of_message(consensus::ByteView signature, std::string_view message) {
    if (signature.size() != MESSAGE_SIGNATURE_BYTES) return std::nullopt;
    const int header = signature[0] - MESSAGE_HEADER;
    if (header < 0 || header >= 2 * COMPRESSED) return std::nullopt;
    const Hash256 hash = hash_of_message(message);
    secp256k1_ecdsa_recoverable_signature parsed;
    secp256k1_pubkey point;
    if (secp256k1_ecdsa_recoverable_signature_parse_compact(
            signing_context(), &parsed, &signature[1], header % COMPRESSED) == 0 ||
        secp256k1_ecdsa_recover(signing_context(), &point, &parsed, hash.bytes.data()) == 0)
        return std::nullopt;
    const PublicKey key = compressed(point);
    if (header < COMPRESSED) return consensus::uncompressed_pubkey(key);
    return Bytes(key.begin(), key.end());
}

void sign_p2wpkh(
    consensus::Transaction& tx,
    size_t input,
    const SecretKey& key,
    const consensus::SighashMidstates& midstates) {
    const PublicKey pubkey = public_key(key);
    const consensus::TxOut& spent = midstates.spent.at(input);
    assert(spent.script_pubkey == p2wpkh_script(pubkey));
    const consensus::Script code = consensus::pay_to_pubkey_hash(consensus::hash160(pubkey));
    const Hash256 hash =
        consensus::witness_sighash(tx, input, code, spent.value, consensus::SIGHASH_ALL, midstates);
    Bytes signature = sign_ecdsa(key, hash);
    signature.push_back(consensus::SIGHASH_ALL);
    tx.inputs[input].witness.clear();
    tx.inputs[input].witness.push_back(signature);
    tx.inputs[input].witness.push_back(pubkey);
}

} // namespace cairn::wallet::keys
