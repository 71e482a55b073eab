// SPDX-License-Identifier: MIT
#include "consensus/block_signing.h"
#include "consensus/interpreter.h"
#include "tests/consensus/builders.h"

#include <secp256k1.h>

#include <algorithm>

using namespace cairn::tests;

BOOST_AUTO_TEST_SUITE(block_signing)

namespace {

/// A key of the test: signs what a challenge's script asks for.
class Signer {
public:
    explicit Signer(uint8_t n) { secret_.fill(n); }

    Bytes pubkey() const {
        secp256k1_pubkey key;
        BOOST_REQUIRE(secp256k1_ec_pubkey_create(context(), &key, secret_.data()) == 1);
        Bytes bytes(33);
        size_t size = bytes.size();
        secp256k1_ec_pubkey_serialize(
            context(), bytes.data(), &size, &key, SECP256K1_EC_COMPRESSED);
        return bytes;
    }

    Bytes sign(const SigningPair& pair) const {
        const Hash256 hash =
            legacy_sighash(pair.to_sign, 0, pair.to_spend.outputs[0].script_pubkey, SIGHASH_ALL);
        secp256k1_ecdsa_signature signature;
        BOOST_REQUIRE(
            secp256k1_ecdsa_sign(
                context(), &signature, hash.bytes.data(), secret_.data(), nullptr, nullptr) == 1);
        Bytes der(72);
        size_t size = der.size();
        secp256k1_ecdsa_signature_serialize_der(context(), der.data(), &size, &signature);
        der.resize(size);
        der.push_back(SIGHASH_ALL);
        return der;
    }

private:
    static secp256k1_context* context() {
        static secp256k1_context* const CONTEXT = secp256k1_context_create(SECP256K1_CONTEXT_SIGN);
        return CONTEXT;
    }

    std::array<uint8_t, 32> secret_{};
};

} // namespace

namespace {

/// A two-of-three chain, and an unsigned block on it with room for the solution.
struct Scene {
    Signer signers[3] = {Signer(1), Signer(2), Signer(3)};
    Params params = regtest();
    HeaderTree tree;
    const HeaderNode* parent = tree.extend(tree.add(nullptr, 1'296'688'602), 20, 600);
    Block block = valid_block(*parent);

    Scene() {
        push_number(params.challenge, 2);
        for (const Signer& signer : signers) push_data(params.challenge, signer.pubkey());
        push_number(params.challenge, 3);
        push_opcode(params.challenge, OP_CHECKMULTISIG);
        reserve_solution(block);
    }

    void sign_by(size_t first, size_t second) {
        const SigningPair pair = signing_pair(block, params.challenge).value();
        TxIn in;
        push_opcode(in.script_sig, OP_0);
        push_data(in.script_sig, signers[first].sign(pair));
        push_data(in.script_sig, signers[second].sign(pair));
        set_solution(block, in);
    }

    std::string check() const { return reason_of(check_block_signature(block, params)); }
};

} // namespace

BOOST_AUTO_TEST_CASE(check_block_signature__two_of_three__satisfy) {
    Scene scene;
    BOOST_TEST(scene.check() == "bad-signet-blksig");
    scene.sign_by(0, 2);
    BOOST_TEST(scene.check() == "");
    BOOST_TEST(reason_of(check_block(scene.block, scene.params)) == "");
    BOOST_TEST(reason_of(accept_block(scene.block, *scene.parent, scene.params)) == "");
}

BOOST_AUTO_TEST_CASE(check_block_signature__nonce_and_bits__are_free) {
    Scene scene;
    scene.sign_by(0, 1);
    scene.block.header.nonce = 12345;
    scene.block.header.bits = 0x1d00ffff;
    BOOST_TEST(scene.check() == "");
}

BOOST_AUTO_TEST_CASE(check_block__unsigned__only_as_a_template) {
    const Scene scene;
    const Result<> verdict = check_block(scene.block, scene.params);
    BOOST_TEST(reason_of(verdict) == "bad-signet-blksig");
    BOOST_CHECK(verdict.error().kind == Reject::Kind::Invalid);
    BOOST_TEST(reason_of(check_block(scene.block, scene.params, BlockProof::NotYet)) == "");
}

/// Whoever hands a block on can take its signature out, which says nothing about its header.
BOOST_AUTO_TEST_CASE(check_block__signature_lost_on_the_way__is_mutated) {
    Scene scene;
    scene.sign_by(0, 1);
    change_transaction(scene.block, 0, [](auto& tx) {
        tx.outputs[1].script_pubkey.assign(witness_commitment_script({}));
    });
    const Result<> verdict = check_block(scene.block, scene.params);
    BOOST_TEST(reason_of(verdict) == "bad-signet-blksig");
    BOOST_CHECK(verdict.error().kind == Reject::Kind::Mutated);
}

BOOST_AUTO_TEST_CASE(check_block_signature__anything_signed_changed__fails) {
    const std::pair<const char*, void (*)(Block&)> changes[] = {
        {"version", [](Block& b) { b.header.version = 5; }},
        {"previous block", [](Block& b) { b.header.prev_hash.bytes[0] ^= 1; }},
        {"time", [](Block& b) { ++b.header.time; }},
        {"a payment",
         [](Block& b) { change_transaction(b, 1, [](auto& tx) { tx.lock_time = 1; }); }},
        {"the coinbase",
         [](Block& b) { change_transaction(b, 0, [](auto& tx) { tx.outputs[0].value = 1; }); }},
    };
    for (const auto& [what, change] : changes) {
        Scene scene;
        scene.sign_by(1, 2);
        change(scene.block);
        BOOST_TEST(scene.check() == "bad-signet-blksig", what);
    }
}

BOOST_AUTO_TEST_CASE(check_block_signature__wrong_order_of_signatures__fails) {
    Scene scene;
    scene.sign_by(2, 0);
    BOOST_TEST(scene.check() == "bad-signet-blksig");
}

BOOST_AUTO_TEST_CASE(check_block_signature__bytes_after_the_solution__fail) {
    Scene scene;
    scene.sign_by(0, 1);
    change_transaction(scene.block, 0, [](Transaction& tx) {
        Script& script = tx.outputs[1].script_pubkey;
        // The last push grows by a byte: OP_PUSHDATA1, its length, the solution.
        script.push_back(0);
        Bytes bytes(script.begin(), script.end());
        ++bytes[39];
        script.assign(bytes);
    });
    BOOST_TEST(!signing_pair(scene.block, scene.params.challenge).has_value());
    BOOST_TEST(scene.check() == "bad-signet-blksig");
}

BOOST_AUTO_TEST_CASE(check_block_signature__no_commitment__fails) {
    Scene scene;
    change_transaction(scene.block, 0, [](auto& tx) { tx.outputs.pop_back(); });
    BOOST_TEST(scene.check() == "bad-signet-blksig");
    scene.block.transactions.clear();
    BOOST_TEST(scene.check() == "bad-signet-blksig");
}

BOOST_AUTO_TEST_CASE(check_block_signature__trivial_challenge__needs_no_solution) {
    Scene scene;
    scene.params.challenge = Script(Bytes{OP_1});
    BOOST_TEST(scene.check() == "");
    scene.params.challenge.clear(); // a chain without signing
    scene.block.transactions.clear();
    BOOST_TEST(scene.check() == "");
}

BOOST_AUTO_TEST_CASE(check_block_signature__genesis_block__needs_none) {
    const Params signet = chain_params("genesis/bitcoin-signet.json");
    BOOST_TEST(reason_of(check_block(signet.genesis, signet)) == "");
    Params other = signet;
    other.genesis_hash = {};
    BOOST_TEST(reason_of(check_block(signet.genesis, other)) == "bad-signet-blksig");
}

BOOST_AUTO_TEST_CASE(set_solution__what_was_signed__stays) {
    Scene scene;
    const auto before = signing_pair(scene.block, scene.params.challenge).value();
    scene.sign_by(0, 1);
    const auto after = signing_pair(scene.block, scene.params.challenge).value();
    BOOST_CHECK(before.to_spend == after.to_spend);
    BOOST_CHECK(!after.to_sign.inputs[0].script_sig.empty());
    BOOST_CHECK(scene.block.header.merkle_root == merkle_root(scene.block));
}

BOOST_AUTO_TEST_CASE(check_block_signature__block_1_of_the_public_signet__is_signed) {
    const Bytes bytes = from_hex("00000020f61eee3b63a380a477a063af32b2bbc97c9ff9f01f2c4225e97398810"
                                 "8000000f575c83235984e7d"
                                 "c4afc1f30944c170462e84437ab6f2d52e16878a79e4678bd1914d5fae77031ec"
                                 "cf407000101000000000101"
                                 "0000000000000000000000000000000000000000000000000000000000000000f"
                                 "fffffff025151feffffff02"
                                 "00f2052a010000001600149243f727dd5343293eb83174324019ec16c2630f000"
                                 "0000000000000776a24aa21"
                                 "a9ede2f61c3f71d1defd3fa999dfa36953755c690689799962b48bebd836974e8"
                                 "cf94c4fecc7daa249004730"
                                 "4402205e423a8754336ca99dbe16509b877ef1bf98d008836c725005b3c787c41"
                                 "ebe46022047246e4467ad7c"
                                 "c7f1ad98662afcaf14c115e0095a227c7b05c5182591c23e7e010001200000000"
                                 "00000000000000000000000"
                                 "000000000000000000000000000000000000000000")
                            .value();
    const Params params = chain_params("genesis/bitcoin-signet.json");
    Block block = decode<Block>(bytes).value();
    BOOST_TEST(
        block.header.hash().to_string() ==
        "00000086d6b2636cb2a392d45edc4ec544a10024d30141c9adf4bfd9de533b53");
    BOOST_TEST(reason_of(check_block_signature(block, params)) == "");
    ++block.header.time; // which the signature covers
    BOOST_TEST(reason_of(check_block_signature(block, params)) == "bad-signet-blksig");
}

BOOST_AUTO_TEST_SUITE_END()
