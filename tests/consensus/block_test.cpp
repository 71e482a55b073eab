// SPDX-License-Identifier: MIT
#include "consensus/block.h"
#include "tests/consensus/builders.h"

using namespace cairn::tests;

BOOST_AUTO_TEST_SUITE(block)

namespace {

std::vector<Hash256> leaves(size_t count) {
    std::vector<Hash256> result(count);
    for (size_t i = 0; i < count; ++i) result[i].bytes.fill(static_cast<uint8_t>(i + 1));
    return result;
}

Hash256 root_of(std::vector<Hash256> row, bool* mutated = nullptr) {
    return merkle_root_of(row, mutated);
}

Hash256 pair(const Hash256& left, const Hash256& right) {
    return Sha256().write(left.bytes).write(right.bytes).finish_double();
}

} // namespace

BOOST_AUTO_TEST_CASE(merkle_root_of__few_leaves__pairs_odd_ones_with_themselves) {
    const std::vector<Hash256> h = leaves(5);
    BOOST_CHECK(root_of({}) == Hash256());
    BOOST_CHECK(root_of(leaves(1)) == h[0]);
    BOOST_CHECK(root_of(leaves(2)) == pair(h[0], h[1]));
    BOOST_CHECK(root_of(leaves(3)) == pair(pair(h[0], h[1]), pair(h[2], h[2])));
    const Hash256 last = pair(h[4], h[4]);
    BOOST_CHECK(
        root_of(leaves(5)) == pair(pair(pair(h[0], h[1]), pair(h[2], h[3])), pair(last, last)));
}

BOOST_AUTO_TEST_CASE(merkle_root_of__repeated_end__same_root_but_mutated) {
    for (const auto& [count, repeated] :
         {std::pair<size_t, size_t>{3, 1}, {5, 1}, {6, 2}, {7, 1}}) {
        bool is_mutated = true;
        const Hash256 root = root_of(leaves(count), &is_mutated);
        BOOST_TEST(!is_mutated);
        std::vector<Hash256> longer = leaves(count);
        for (size_t i = 0; i < repeated; ++i) longer.push_back(longer[count - repeated + i]);
        BOOST_CHECK(root_of(longer, &is_mutated) == root);
        BOOST_TEST(is_mutated);
    }
}

BOOST_AUTO_TEST_CASE(weight__block__counts_witness_once_and_the_rest_four_times) {
    HeaderTree tree;
    const Block with_witness = valid_block(*tree.add(nullptr, 1));
    const auto size = static_cast<int64_t>(encode(with_witness).size());
    BOOST_TEST(with_witness.size_bytes() == size);
    // Two markers and flags, two counts, items of 32 and 1 bytes with their lengths.
    BOOST_TEST(with_witness.stripped_bytes() == size - 2 * 2 - 2 - 33 - 2);
    BOOST_TEST(with_witness.weight() == with_witness.stripped_bytes() * 3 + size);
}

BOOST_AUTO_TEST_CASE(decode__bytes_of_a_block__gives_it_back) {
    HeaderTree tree;
    const Block original = valid_block(*tree.add(nullptr, 1));
    const Bytes bytes = encode(original);
    const Result<Block> copy = decode<Block>(bytes);
    BOOST_REQUIRE(copy.has_value());
    BOOST_CHECK(copy->header == original.header);
    BOOST_CHECK(encode(*copy) == bytes);
    for (size_t size = 0; size < bytes.size(); ++size)
        BOOST_TEST(reason_of(decode<Block>(ByteView(bytes).first(size))) == "decode failed");
}

BOOST_AUTO_TEST_CASE(hash__genesis_headers__are_the_well_known_ones) {
    BOOST_TEST(
        chain_params("genesis/bitcoin-mainnet.json").genesis.header.hash().to_string() ==
        "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f");
}

BOOST_AUTO_TEST_CASE(share_transaction__of_a_block__keeps_the_block) {
    HeaderTree tree;
    auto shared = std::make_shared<const Block>(valid_block(*tree.add(nullptr, 1)));
    const TransactionRef tx = share_transaction(shared, 1);
    const Txid txid = shared->transactions[1].txid;
    shared.reset();
    BOOST_CHECK(tx->txid == txid);
}

BOOST_AUTO_TEST_SUITE_END()
