// SPDX-License-Identifier: MIT
#include "chain/stored_block.h"
#include "tests/chain/fixture.h"

using namespace cairn::tests;

BOOST_AUTO_TEST_SUITE(stored_block)

BOOST_AUTO_TEST_CASE(read__by_any_way__finds_the_transactions_of_the_block) {
    TestChain test;
    test.open();
    test.mature_coins(1);
    const BlockNode& node = test.tip();
    const BlockRef block = test.chain().read_block(node);
    for (const StoredBlockRef& stored :
         {test.chain().read_outline(node), test.chain().recent_block(node),
          test.chain().recent_block(node)}) {
        BOOST_REQUIRE(stored);
        const Txid& txid = block->transactions[0].txid;
        BOOST_TEST((stored->bytes == test.chain().read_block_bytes(node)));
        BOOST_TEST((stored->transaction(0)->wtxid == block->transactions[0].wtxid));
        BOOST_TEST((stored->find(txid)->txid == txid));
        BOOST_TEST(!stored->find(Txid()));
    }
}

BOOST_AUTO_TEST_CASE(read__what_is_not_that_block__is_an_error) {
    TestChain test;
    test.open();
    test.mine(2);
    const BlockNode& node = test.tip();
    const Bytes bytes = test.chain().read_block_bytes(node);
    BOOST_CHECK_NO_THROW(StoredBlock(bytes, node));
    BOOST_CHECK_THROW(StoredBlock(bytes, *node.parent_node()), StorageError);
    Bytes damaged = bytes;
    damaged[cairn::consensus::HEADER_BYTES + 10] ^= 1;
    BOOST_CHECK_THROW(StoredBlock(damaged, node), StorageError);
    BOOST_CHECK_THROW(StoredBlock({}, node), StorageError);
}

BOOST_AUTO_TEST_CASE(recent__more_than_fit__those_used_last_are_kept) {
    TestChain test;
    test.open();
    test.mine(4);
    std::vector<StoredBlockRef> blocks;
    for (int32_t height = 0; height <= 4; ++height)
        blocks.push_back(test.chain().read_outline(*test.chain().view().at(height)));
    const auto node = [&](int32_t height) -> const BlockNode& {
        return *test.chain().view().at(height);
    };
    RecentBlocks recent(blocks[1]->bytes.size() * 2 + 50);
    recent.add(node(1), blocks[1]);
    recent.add(node(2), blocks[2]);
    recent.add(node(2), blocks[2]); // counted once
    BOOST_TEST((recent.find(node(1)) == blocks[1]));
    recent.add(node(3), blocks[3]);
    BOOST_TEST((recent.find(node(1)) == blocks[1]));
    BOOST_TEST(!recent.find(node(2)));
    BOOST_TEST((recent.find(node(3)) == blocks[3]));
    RecentBlocks none(1);
    none.add(node(1), blocks[1]);
    BOOST_TEST((none.find(node(1)) == blocks[1]));
    none.add(node(2), blocks[2]);
    BOOST_TEST(!none.find(node(1)));
}

BOOST_AUTO_TEST_SUITE_END()
