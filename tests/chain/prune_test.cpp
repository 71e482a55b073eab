// SPDX-License-Identifier: MIT
#include "tests/chain/fixture.h"

using namespace cairn::tests;

namespace {

/// A block on the tip that takes `bytes` more than its transactions.
BlockRef large_block(TestChain& test, size_t bytes) {
    Block block = make_block(test.tip(), test.params());
    Transaction coinbase = block.transactions[0];
    coinbase.outputs.push_back({0, Script(Bytes(bytes, cairn::consensus::OP_RETURN))});
    block.transactions[0] = cairn::consensus::SealedTransaction(std::move(coinbase));
    return finish(std::move(block));
}

const BlockNode& at(TestChain& test, int32_t height) {
    return *test.chain().view().at(height);
}

} // namespace

BOOST_AUTO_TEST_SUITE(prune)

BOOST_AUTO_TEST_CASE(by_hand__deletes_up_to_there__but_never_the_last) {
    TestChain test;
    test.options().prune_bytes = 0;
    test.open();
    test.mine(300);
    BOOST_TEST(test.prune(5) == Height(6));
    BOOST_TEST((!test.chain().read_block(at(test, 5)) && at(test, 5).pruned()));
    BOOST_TEST(test.chain().read_block_bytes(at(test, 5)).empty());
    BOOST_TEST(!test.chain().read_undo(at(test, 5), {}));
    const BlockRef kept = test.chain().read_block(at(test, 6));
    BOOST_TEST((kept && test.chain().read_undo(at(test, 6), *kept)));
    BOOST_TEST(test.chain().indexes().filter(at(test, 5)).has_value());
    BOOST_TEST(test.prune(200) == Height(13)); // 300 - 288 is gone
    BOOST_TEST(test.prune(3) == Height(13));
}

BOOST_AUTO_TEST_CASE(restarted__goes_on__but_not_without_prune) {
    TestChain test;
    test.options().prune_bytes = 0;
    test.open();
    test.mine(300);
    const BlockRef old = test.chain().read_block(at(test, 3));
    test.prune(10);
    const BlockHash tip = test.tip().hash;
    test.close();
    test.open();
    BOOST_TEST((test.tip().hash == tip && test.chain().first_body() == Height(11)));
    BOOST_TEST(test.submit(old, false).known); // nobody asked for it: it isn't stored again
    BOOST_TEST(at(test, 3).pruned());
    BOOST_TEST(test.submit(old).known);
    BOOST_TEST((!at(test, 3).pruned() && test.chain().read_block(at(test, 3))));
    test.mine(3);
    test.invalidate(at(test, 200));
    test.reconsider(*test.chain().find_block(tip));
    BOOST_TEST(test.tip().height == Height(303));
    test.close();
    test.options().prune_bytes.reset();
    BOOST_CHECK_EXCEPTION(test.open(), StorageError, [](const StorageError& error) {
        return std::string_view(error.what()).find("-reindex") != std::string_view::npos;
    });
    // The blocks that are left have no place any more, until those before them came again.
    test.options().reindex = true;
    test.open();
    BOOST_TEST(test.tip().height == Height(0));
}

BOOST_AUTO_TEST_CASE(operators_word__below_what_is_pruned__is_refused) {
    TestChain test;
    test.options().prune_bytes = 0;
    test.open();
    test.mine(320);
    const BlockNode& first = at(test, 10);
    test.invalidate(first); // a better chain, that is not
    test.now = test.tip().header.time + 100;
    test.mine(305);
    const BlockHash other = test.tip().hash;
    test.prune(20);
    BOOST_TEST((first.pruned() && at(test, 15).pruned()));
    BOOST_TEST(reason_of(test.invalidate(at(test, 15))) == "pruned");
    BOOST_TEST(reason_of(test.reconsider(first)) == "pruned");
    BOOST_TEST((test.tip().hash == other));
    BOOST_TEST(reason_of(test.invalidate(at(test, 100))).empty());
    BOOST_TEST(test.tip().height == Height(99));
    BOOST_TEST(reason_of(test.reconsider(*test.chain().find_block(other))).empty());
    BOOST_TEST((test.tip().hash == other));
}

BOOST_AUTO_TEST_CASE(better_chain__that_forks_below_what_is_pruned__is_left_alone) {
    TestChain test;
    test.options().prune_bytes = 0;
    test.open();
    test.mine(310);
    const BlockNode& first = at(test, 10);
    test.invalidate(first);
    test.now = test.tip().header.time + 100;
    test.mine(305);
    const BlockHash tip = test.tip().hash;
    test.reconsider(first);
    BOOST_REQUIRE((test.tip().hash == tip));
    test.prune(20);
    test.invalidate(at(test, 309)); // now the other one has more work
    BOOST_TEST(test.tip().height == Height(308));
    test.close();
    test.open();
    BOOST_TEST(test.tip().height == Height(308));
    BOOST_TEST(reason_of(test.reconsider(*test.chain().find_block(tip))).empty());
    BOOST_TEST((test.tip().hash == tip));
}

BOOST_AUTO_TEST_CASE(by_size__keeps_what_blocks_take__about_the_target) {
    constexpr size_t BLOCK_BYTES = 20'000;
    TestChain test;
    test.options().prune_bytes = 320 * BLOCK_BYTES;
    test.open();
    for (int i = 0; i < 700; ++i)
        BOOST_REQUIRE(test.submit(large_block(test, BLOCK_BYTES)).verdict);
    const int32_t kept = (test.tip().height - test.chain().first_body()).value + 1;
    BOOST_TEST((kept >= 288 && kept <= 320));
    uint64_t blob_bytes = 0; // the space is free, not just unused
    for (const auto& file : std::filesystem::directory_iterator(test.directory() / "chainstate"))
        if (file.path().extension() == ".blob") blob_bytes += file.file_size();
    BOOST_TEST(blob_bytes <= 330 * BLOCK_BYTES);
    test.close();
    test.open();
    BOOST_TEST(test.tip().height == Height(700));
}

BOOST_AUTO_TEST_CASE(in_a_sync__what_is_pruned__is_connected_on_disk) {
    TestChain source;
    source.open();
    std::vector<BlockRef> blocks;
    std::vector<BlockHeader> headers;
    for (int i = 0; i < 900; ++i) {
        blocks.push_back(large_block(source, 2'000));
        headers.push_back(blocks.back()->header);
        source.submit(blocks.back());
    }
    TestChain test;
    test.options().prune_bytes = 350 * 2'000;
    test.open();
    test.submit_headers(headers); // far ahead: coins stay in memory
    for (int i = 0; i < 700; ++i) test.submit(blocks[size_t(i)]);
    const int32_t first = test.chain().first_body().value;
    BOOST_TEST(first > 200);
    std::filesystem::copy( // as a crash would leave it
        test.directory(), test.directory().string() + "-crashed",
        std::filesystem::copy_options::recursive);
    TestChain crashed;
    crashed.options().directory = test.directory().string() + "-crashed";
    crashed.options().prune_bytes = test.options().prune_bytes;
    crashed.open();
    BOOST_TEST(crashed.tip().height.value >= first + 287);
    for (auto i = size_t(crashed.tip().height.value); i < blocks.size(); ++i)
        crashed.submit(blocks[i]);
    BOOST_TEST(crashed.tip().height == Height(900));
    crashed.close();
    source.close();
    BOOST_TEST(
        (coins_hash(crashed.options().directory, test.params()) ==
         coins_hash(source.directory(), source.params())));
    std::filesystem::remove_all(crashed.options().directory);
}

BOOST_AUTO_TEST_SUITE_END()
