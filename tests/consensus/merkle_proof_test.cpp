// SPDX-License-Identifier: MIT
// Proofs that a block holds transactions (BIP-0037).
#include "consensus/merkle_proof.h"

#include <boost/test/unit_test.hpp>

using namespace cairn::consensus;

namespace {

constexpr int64_t WEIGHT = 4'000'000; ///< Of a block, at most.

Block block_of(uint32_t count) {
    Block block;
    for (uint32_t i = 0; i < count; ++i) {
        Transaction tx;
        tx.lock_time = i;
        tx.inputs.resize(1);
        tx.outputs.resize(1);
        block.transactions.emplace_back(std::move(tx));
    }
    block.header.merkle_root = merkle_root(block);
    return block;
}

} // namespace

BOOST_AUTO_TEST_SUITE(merkle_proof)

BOOST_AUTO_TEST_CASE(proof__any_transactions_of_any_block__shows_just_these) {
    for (const uint32_t count : {1, 2, 3, 4, 5, 7, 8, 9, 17, 100}) {
        const Block block = block_of(count);
        for (uint32_t seed = 0; seed < 50; ++seed) {
            std::vector<bool> wanted;
            std::vector<Txid> expected;
            for (uint32_t i = 0; i < count; ++i) {
                wanted.push_back((seed + 1) * (i + 3) * 2654435761U >> 31 != 0);
                if (wanted.back()) expected.push_back(block.transactions[i].txid);
            }
            const MerkleProof proof = make_merkle_proof(block, wanted);
            const auto read = decode<MerkleProof>(encode(proof));
            BOOST_REQUIRE(read.has_value());
            BOOST_TEST((check_merkle_proof(*read, WEIGHT) == expected));
        }
    }
}

BOOST_AUTO_TEST_CASE(proof__changed__shows_nothing) {
    const Block block = block_of(7);
    const MerkleProof right =
        make_merkle_proof(block, {false, true, false, false, true, false, false});
    const std::pair<std::string_view, void (*)(MerkleProof&)> changes[] = {
        {"a hash", [](auto& p) { p.hashes[0].bytes[0] ^= 1; }},
        {"a hash more", [](auto& p) { p.hashes.emplace_back(); }},
        {"a hash less", [](auto& p) { p.hashes.pop_back(); }},
        {"flags more", [](auto& p) { p.flags.push_back(0); }},
        {"no flags", [](auto& p) { p.flags.clear(); }},
        {"another root", [](auto& p) { p.header.merkle_root.bytes[0] ^= 1; }},
        {"another count", [](auto& p) { p.transactions = 3; }},
        {"no transactions", [](auto& p) { p.transactions = 0; }},
        {"more than a block holds", [](auto& p) { p.transactions = 1'000'000; }}};
    for (const auto& [what, change] : changes) {
        MerkleProof proof = right;
        change(proof);
        BOOST_TEST(!check_merkle_proof(proof, WEIGHT).has_value(), what);
    }
}

BOOST_AUTO_TEST_CASE(proof__of_a_block_of_many__shows_it_where_blocks_may_be_so_large) {
    constexpr size_t COUNT = 16'667; // one more than 4,000,000 weight units hold
    const Block block = block_of(COUNT);
    std::vector<bool> wanted(COUNT);
    wanted[7] = true;
    const MerkleProof proof = make_merkle_proof(block, wanted);
    BOOST_TEST(!check_merkle_proof(proof, WEIGHT).has_value());
    BOOST_TEST(check_merkle_proof(proof, WEIGHT + 240).has_value());
}

BOOST_AUTO_TEST_CASE(proof__with_twins__shows_nothing) {
    // CVE-2012-2459: of three transactions the last counts twice, so four pose as three.
    const Block three = block_of(3);
    Block four = three;
    four.transactions.push_back(four.transactions.back());
    four.header.merkle_root = merkle_root(four);
    BOOST_TEST((four.header.merkle_root == three.header.merkle_root));
    const MerkleProof proof = make_merkle_proof(four, {false, false, false, true});
    BOOST_TEST(!check_merkle_proof(proof, WEIGHT).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
