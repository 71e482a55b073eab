// SPDX-License-Identifier: MIT
#include "tests/consensus/spend.h"

#include "consensus/pubkey_points.h"
#include "consensus/standard.h"
#include "tests/consensus/script_error_name.h"

#include <boost/test/unit_test.hpp>
#include <secp256k1_schnorrsig.h>

#include <stdexcept>

namespace cairn::tests {

using namespace consensus;

namespace {

const secp256k1_context* context() {
    static const secp256k1_context* const CONTEXT =
        secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    return CONTEXT;
}

void require(int result) {
    if (result != 1) throw std::logic_error("libsecp256k1 refuses");
}

Bytes serialized(const secp256k1_keypair& pair, unsigned form) {
    secp256k1_pubkey key;
    require(secp256k1_keypair_pub(context(), &key, &pair));
    Bytes bytes(65);
    size_t size = bytes.size();
    require(secp256k1_ec_pubkey_serialize(context(), bytes.data(), &size, &key, form));
    bytes.resize(size);
    return bytes;
}

Bytes der_of(const secp256k1_ecdsa_signature& signature, uint8_t type) {
    Bytes der(73);
    size_t size = der.size();
    require(secp256k1_ecdsa_signature_serialize_der(context(), der.data(), &size, &signature));
    der.resize(size);
    der.push_back(type);
    return der;
}

Bytes schnorr_signature(const secp256k1_keypair& pair, const Hash256& hash) {
    Bytes signature(64);
    const std::array<uint8_t, 32> randomness{};
    require(secp256k1_schnorrsig_sign32(
        context(), signature.data(), hash.bytes.data(), &pair, randomness.data()));
    return signature;
}

} // namespace

Signer::Signer(uint8_t number) : Signer(Bytes(32, number)) {}

Signer::Signer(ByteView secret) {
    std::ranges::copy(secret, secret_.begin());
    require(secp256k1_keypair_create(context(), &pair_, secret_.data()));
}

Bytes Signer::key() const {
    return serialized(pair_, SECP256K1_EC_COMPRESSED);
}

Bytes Signer::uncompressed_key() const {
    return serialized(pair_, SECP256K1_EC_UNCOMPRESSED);
}

Bytes Signer::x_only_key() const {
    const Bytes compressed = key();
    return {compressed.begin() + 1, compressed.end()};
}

Bytes Signer::sign(const Hash256& hash, uint8_t type) const {
    secp256k1_ecdsa_signature signature;
    require(secp256k1_ecdsa_sign(
        context(), &signature, hash.bytes.data(), secret_.data(), nullptr, nullptr));
    return der_of(signature, type);
}

Bytes Signer::sign_schnorr(const Hash256& hash) const {
    return schnorr_signature(pair_, hash);
}

Bytes Signer::sign_tweaked(const Hash256& hash, const std::optional<Hash256>& root) const {
    secp256k1_keypair tweaked = pair_;
    const Hash256 tweak = taptweak_hash(x_only_key(), root);
    require(secp256k1_keypair_xonly_tweak_add(context(), &tweaked, tweak.bytes.data()));
    return schnorr_signature(tweaked, hash);
}

Bytes with_high_s(Bytes signature) {
    const uint8_t type = signature.back();
    secp256k1_ecdsa_signature parsed;
    require(secp256k1_ecdsa_signature_parse_der(
        context(), &parsed, signature.data(), signature.size() - 1));
    std::array<uint8_t, 64> compact{};
    require(secp256k1_ecdsa_signature_serialize_compact(context(), compact.data(), &parsed));
    require(secp256k1_ec_seckey_negate(context(), compact.data() + 32)); // a number like any key
    require(secp256k1_ecdsa_signature_parse_compact(context(), &parsed, compact.data()));
    return der_of(parsed, type);
}

Spend::Spend(const Script& coin) {
    tx.inputs.resize(2);
    tx.inputs[0].prevout = {Txid(sha256(as_bytes("first"))), 0};
    tx.inputs[1].prevout = {Txid(sha256(as_bytes("second"))), 1};
    tx.outputs = {{50'000, pay_to_witness(0, Bytes(20, 1))}, {60'000, Script()}};
    spent = {{100'000, coin}, {20'000, pay_to_witness(0, Bytes(20, 2))}};
}

Spend Spend::of_program(int version, ByteView program) {
    return Spend(pay_to_witness(version, program));
}

void Spend::set_witness(const std::vector<Bytes>& items) {
    witness().clear();
    for (const Bytes& item : items) witness().push_back(item);
}

Hash256 Spend::legacy_hash(ByteView code, uint8_t type) const {
    return legacy_sighash(tx, 0, code, type);
}

Hash256 Spend::v0_hash(ByteView code, uint8_t type) const {
    return witness_sighash(tx, 0, code, spent[0].value, type, SighashMidstates(tx, spent));
}

Hash256 Spend::taproot_hash(
    uint8_t type, const TapscriptContext* tapscript, const std::optional<Hash256>& annex) const {
    TapscriptContext all = tapscript != nullptr ? *tapscript : TapscriptContext{};
    all.annex_hash = annex;
    const auto version = tapscript != nullptr ? SigVersion::Tapscript : SigVersion::Taproot;
    return taproot_sighash(tx, 0, type, version, SighashMidstates(tx, spent), all).value();
}

ScriptError Spend::verify(uint32_t flags) const {
    const SighashMidstates midstates(tx, spent);
    const ScriptError result = verify_input(tx, 0, spent[0], flags, midstates);
    PubkeyPoints points; // With which the verdict is the same.
    for (int i = 0; i < 2; ++i) points.add(tx.inputs[0], spent[0]);
    points.solve();
    BOOST_TEST((verify_input(tx, 0, spent[0], flags, midstates, &points) == result));
    return result;
}

std::string_view Spend::result(uint32_t flags) const {
    return script_error_name(verify(flags));
}

} // namespace cairn::tests
