// SPDX-License-Identifier: MIT
#include "chain/disconnected.h"
#include "tests/chain/fixture.h"

using namespace cairn::tests;
using cairn::consensus::make_transaction;

namespace {

/// A block of a payment whose number is its lock time, and so the way to know it by.
Block block_of(uint32_t number) {
    Transaction tx = spend({{}}, {{1, anyone_script()}});
    tx.lock_time = number;
    Block block;
    block.transactions.push_back(*make_transaction(tx));
    return block;
}

std::vector<uint32_t> numbers_of(const std::vector<TransactionRef>& all) {
    std::vector<uint32_t> numbers(all.size());
    std::ranges::transform(all, numbers.begin(), [](const auto& tx) { return tx->lock_time; });
    return numbers;
}

using Numbers = std::vector<uint32_t>;

} // namespace

BOOST_AUTO_TEST_SUITE(disconnected)

BOOST_AUTO_TEST_CASE(add__beyond_the_limit__the_highest_blocks_go) {
    const size_t each = block_of(0).transactions[0].size_bytes;
    DisconnectedTransactions list;
    BOOST_TEST(list.add(block_of(3), 2 * each).empty());
    BOOST_TEST(list.add(block_of(2), 2 * each).empty());
    BOOST_TEST((numbers_of(list.add(block_of(1), 2 * each)) == Numbers{3}));
    list.confirm(block_of(2));
    BOOST_TEST((numbers_of(list.take()) == Numbers{1}));
    BOOST_TEST((numbers_of(list.add(block_of(4), each - 1)) == Numbers{4})); // alone too large
    BOOST_TEST(list.take().empty());
}

BOOST_AUTO_TEST_SUITE_END()
