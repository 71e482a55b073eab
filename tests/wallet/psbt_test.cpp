// SPDX-License-Identifier: MIT
// What may become of a partially signed transaction, with keys at hand.
#include "consensus/standard.h"
#include "wallet/keys/extended_key.h"
#include "wallet/keys/psbt.h"

#include <boost/test/unit_test.hpp>

using namespace cairn::consensus;
using namespace cairn::wallet::keys;

namespace {

SecretKey secret_one() {
    SecretKey secret;
    secret.data()[31] = 1;
    return secret;
}

/// A PSBT that spends a P2PKH output of `before`, signed with SIGHASH_ALL.
struct SignedLegacy {
    SignedLegacy() {
        const auto point = public_key(secret_one());
        Transaction funding;
        funding.inputs.emplace_back();
        funding.outputs.push_back({Amount(100'000), pay_to_pubkey_hash(hash160(point))});
        before = SealedTransaction(std::move(funding));
        Transaction tx;
        tx.inputs.emplace_back().prevout = {before.txid, 0};
        tx.outputs.push_back({Amount(90'000), before.outputs[0].script_pubkey});
        psbt = Psbt(std::move(tx));
        const Script& code = before.outputs[0].script_pubkey;
        Bytes signature = sign_ecdsa(secret_one(), legacy_sighash(psbt.tx, 0, code, SIGHASH_ALL));
        signature.push_back(SIGHASH_ALL);
        Bytes key{static_cast<uint8_t>(PsbtIn::PartialSig)};
        key.insert(key.end(), point.begin(), point.end());
        psbt.inputs[0][key] = std::move(signature);
    }

    bool finalized() { return finalize(psbt, 0, midstates_of(psbt)); }

    SealedTransaction before;
    Psbt psbt;
};

} // namespace

BOOST_AUTO_TEST_SUITE(psbt)

BOOST_FIXTURE_TEST_CASE(finalize__legacy_of_a_whole_transaction__does, SignedLegacy) {
    set_value(psbt.inputs[0], PsbtIn::NonWitnessUtxo, encode(before));
    set_value(psbt.inputs[0], PsbtIn::SighashType, {SIGHASH_ALL, 0, 0, 0});
    BOOST_TEST(finalized());
    BOOST_TEST(psbt.is_final(0));
    BOOST_TEST(psbt.tx.inputs[0].script_sig.empty()); // it stays unsigned: the map has the script
    BOOST_TEST(!extract(psbt).inputs[0].script_sig.empty());
    BOOST_TEST(finalized()); // and stays so
}

/// BIP-0174: an amount that no signature commits to must not be believed.
BOOST_FIXTURE_TEST_CASE(finalize__legacy_of_a_bare_output__does_not, SignedLegacy) {
    set_value(psbt.inputs[0], PsbtIn::WitnessUtxo, encode(before.outputs[0]));
    BOOST_TEST(!finalized());
    BOOST_TEST(!psbt.is_final(0));
}

/// The field has four bytes, and each counts.
BOOST_FIXTURE_TEST_CASE(finalize__another_hash_type_asked_for__does_not, SignedLegacy) {
    set_value(psbt.inputs[0], PsbtIn::NonWitnessUtxo, encode(before));
    for (const Bytes& asked : {Bytes{SIGHASH_NONE, 0, 0, 0}, Bytes{SIGHASH_ALL, 1, 0, 0}}) {
        set_value(psbt.inputs[0], PsbtIn::SighashType, asked);
        BOOST_TEST(!finalized());
    }
}

BOOST_AUTO_TEST_SUITE_END()
