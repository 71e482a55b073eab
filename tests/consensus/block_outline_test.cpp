// SPDX-License-Identifier: MIT
#include "consensus/block_outline.h"
#include "tests/consensus/builders.h"
#include "tests/known_blocks.h"

using namespace cairn::tests;

BOOST_AUTO_TEST_SUITE(block_outline)

namespace {

/// What an outline says of the bytes of `block` is what reading them as a whole says.
void check_outline(const Block& block) {
    const Bytes bytes = encode(block);
    const std::optional<BlockOutline> outline = outline_of(bytes);
    BOOST_REQUIRE(outline.has_value());
    BOOST_CHECK(outline->header == block.header);
    BOOST_TEST(outline->size_bytes() == block.size_bytes());
    BOOST_TEST(outline->stripped_bytes() == block.stripped_bytes());
    BOOST_CHECK(merkle_root(*outline) == block.header.merkle_root);
    BOOST_REQUIRE(outline->transactions.size() == block.transactions.size());
    for (size_t i = 0; i < block.transactions.size(); ++i) {
        const TransactionOutline& at = outline->transactions[i];
        const SealedTransaction& tx = block.transactions[i];
        BOOST_CHECK(at.txid == tx.txid);
        BOOST_TEST(at.stripped_bytes == tx.stripped_bytes);
        BOOST_CHECK(
            decode<SealedTransaction>(ByteView(bytes).subspan(at.begin, at.size_bytes))->wtxid ==
            tx.wtxid);
    }
}

Block small_block() {
    HeaderTree tree;
    Block block = valid_block(*tree.add(nullptr, 1));
    block.transactions.emplace_back(valid_transaction()); // without witness, as the first is with
    commit(block);
    return block;
}

} // namespace

BOOST_AUTO_TEST_CASE(outline_of__a_block__says_what_reading_it_says) {
    check_outline(small_block());
}

BOOST_AUTO_TEST_CASE(outline_of__real_blocks__says_what_reading_them_says) {
    const auto vectors = vectors_dir();
    if (!vectors) return;
    size_t blocks = 0;
    for (const char* chain : {"mainnet", "testnet3"})
        for (const KnownBlock& known : read_known_blocks(*vectors / "blocks" / chain)) {
            check_outline(known.block);
            ++blocks;
        }
    BOOST_TEST(blocks > 0u);
}

BOOST_AUTO_TEST_CASE(outline_of__any_part_of_a_block__is_nothing) {
    const Bytes bytes = encode(small_block());
    for (size_t size = 0; size < bytes.size(); ++size)
        BOOST_TEST(!outline_of(ByteView(bytes).first(size)).has_value());
    Bytes longer = bytes;
    longer.push_back(0);
    BOOST_TEST(!outline_of(longer).has_value());
}

BOOST_AUTO_TEST_CASE(outline_of__one_bit_flipped__shows_unless_in_a_witness) {
    const Block block = small_block();
    Bytes bytes = encode(block);
    size_t unseen = 0;
    for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        bytes[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
        const std::optional<BlockOutline> outline = outline_of(bytes);
        if (outline && outline->header == block.header &&
            merkle_root(*outline) == block.header.merkle_root)
            ++unseen;
        bytes[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    }
    BOOST_TEST(unseen == (32 + 1) * 8u); // the items of both witnesses
}

BOOST_AUTO_TEST_SUITE_END()
