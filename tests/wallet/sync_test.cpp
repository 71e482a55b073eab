// SPDX-License-Identifier: MIT
#include "tests/temporary_folder.h"
#include "tests/wallet/fake_node.h"
#include "wallet/sync.h"

#include <boost/test/unit_test.hpp>

namespace cairn::wallet {

namespace {

using consensus::COIN;
using consensus::Transaction;

constexpr int64_t NOW = 1'700'000'000;

/// A wallet and a node on regtest, where a coinbase matures after 100 blocks.
struct Setting {
    explicit Setting(Height birthday = 0)
        : wallet(make_test_wallet(folder.path(), regtest_params(), birthday), regtest_params()) {}

    SyncReport sync() { return sync_wallet(node, wallet, regtest_params(), NOW); }

    Script receive(uint32_t number) { return wallet.ledger().script_of({Branch::Receive, number}); }

    Balance balance() { return wallet.ledger().balance(regtest_params().coinbase_maturity); }

    /// A payment from a stranger to `script`, ready for a block.
    Transaction payment(const Script& script, Amount amount) {
        node.mine_empty();
        const auto block = node.call("getblockhash", {node.height().value});
        const auto hex = node.call("getblock", {block, 0});
        const auto mined =
            *consensus::decode<consensus::Block>(*consensus::from_hex(hex.as_string()));
        node.blocks_fetched.clear();
        Transaction tx;
        tx.inputs.push_back({{mined.transactions[0].txid, 0}, {}, 0xffffffff, {}});
        tx.outputs.push_back({amount, script});
        return tx;
    }

    tests::TemporaryFolder folder;
    WalletFile wallet;
    FakeNode node{regtest_params()};
};

} // namespace

BOOST_AUTO_TEST_SUITE(sync)

BOOST_AUTO_TEST_CASE(sync_wallet__payment_in_a_block__is_found_and_other_blocks_are_not_fetched) {
    Setting setting;
    setting.node.mine_empty(250); // more than a batch
    const Transaction tx = setting.payment(setting.receive(0), 3 * COIN);
    const BlockHash block = setting.node.mine(foreign_script(), COIN, {tx});
    setting.node.mine_empty(3);
    const SyncReport report = setting.sync();
    BOOST_TEST(report.height.value == setting.node.height().value);
    BOOST_TEST(setting.balance().spendable.value == 3 * COIN);
    // A filter may match for nothing, one in 20,000 with so many scripts.
    BOOST_TEST(setting.node.blocks_fetched.contains(block.to_string()));
    BOOST_TEST(setting.node.blocks_fetched.size() <= 3U);
    setting.node.blocks_fetched.clear();
    setting.sync();
    BOOST_TEST(setting.node.blocks_fetched.empty());
}

BOOST_AUTO_TEST_CASE(sync_wallet__many_blocks_of_ours__come_many_at_a_time) {
    Setting setting;
    for (int i = 0; i < 40; ++i) setting.node.mine(setting.receive(0), COIN);
    setting.node.fail_after = 7; // calls, two of them for these blocks
    setting.sync();
    BOOST_TEST(setting.balance().immature.value == 40 * COIN);
}

BOOST_AUTO_TEST_CASE(sync_wallet__coinbase__is_immature_until_the_block_that_may_spend_it) {
    Setting setting;
    setting.node.mine(setting.receive(0), 50 * COIN);
    setting.node.mine_empty(98); // the next block is number 100: one confirmation short
    setting.sync();
    BOOST_TEST(setting.balance().immature.value == 50 * COIN);
    BOOST_TEST(setting.balance().spendable.value == 0);
    setting.node.mine_empty();
    setting.sync();
    BOOST_TEST(setting.balance().spendable.value == 50 * COIN);
}

BOOST_AUTO_TEST_CASE(sync_wallet__premine_of_the_default_chain__belongs_to_the_test_words) {
    const tests::TemporaryFolder folder;
    WalletFile wallet(make_test_wallet(folder.path(), default_params()), default_params());
    FakeNode node(default_params());
    node.mine_empty(20);
    sync_wallet(node, wallet, default_params(), NOW);
    BOOST_TEST(
        wallet.ledger().balance(default_params().coinbase_maturity).spendable.value ==
        1'000'000 * COIN);
}

BOOST_AUTO_TEST_CASE(sync_wallet__payments_up_to_the_gap_limit__are_found_one_after_the_other) {
    Setting setting;
    // Each 20th address is paid, so that each payment brings the next under watch.
    for (const uint32_t number : {19U, 39U, 59U}) setting.node.mine(setting.receive(number), COIN);
    setting.node.mine(setting.receive(80), COIN); // one beyond the limit
    setting.sync();
    BOOST_TEST(setting.balance().immature.value == 3 * COIN);
}

BOOST_AUTO_TEST_CASE(sync_wallet__one_block_pays_beyond_what_was_watched__is_looked_through_again) {
    Setting setting;
    const Transaction near = setting.payment(setting.receive(19), COIN);
    const Transaction far = setting.payment(setting.receive(39), 2 * COIN);
    setting.node.mine(foreign_script(), COIN, {far, near}); // the far one first
    setting.sync();
    BOOST_TEST(setting.balance().spendable.value == 3 * COIN);
}

BOOST_AUTO_TEST_CASE(sync_wallet__blocks_replaced__follows_the_node) {
    Setting setting;
    const Transaction tx = setting.payment(setting.receive(0), 3 * COIN);
    setting.node.mine(foreign_script(), COIN, {tx});
    setting.node.mine(setting.receive(1), 50 * COIN);
    setting.node.mine_empty(2);
    setting.sync();
    BOOST_TEST(setting.balance().spendable.value == 3 * COIN);
    BOOST_TEST(setting.balance().immature.value == 50 * COIN);

    setting.node.drop_blocks(4); // the coinbase is gone for ever, the payment waits again
    setting.node.mine_empty(5);
    setting.sync();
    BOOST_TEST(setting.balance().spendable.value == 0);
    BOOST_TEST(setting.balance().immature.value == 0);
    BOOST_TEST(setting.balance().incoming.value == 3 * COIN);

    setting.node.mine_mempool();
    setting.sync();
    BOOST_TEST(setting.balance().spendable.value == 3 * COIN);
    BOOST_TEST(setting.balance().incoming.value == 0);
}

BOOST_AUTO_TEST_CASE(sync_wallet__payment_in_the_mempool__is_incoming_until_its_block) {
    Setting setting;
    const Transaction near = setting.payment(setting.receive(19), 3 * COIN);
    const Transaction far = setting.payment(setting.receive(39), COIN); // watched due to the other
    const Transaction foreign = setting.payment(foreign_script(), COIN);
    for (const Transaction& tx : {near, far, foreign}) setting.node.wait(tx);
    setting.sync();
    BOOST_TEST(setting.node.transactions_fetched.size() == 3U); // so the node learns nothing
    BOOST_TEST(setting.balance().incoming.value == 4 * COIN);
    BOOST_TEST(setting.balance().spendable.value == 0);
    BOOST_TEST_REQUIRE(setting.wallet.ledger().history().size() == 2U);
    BOOST_TEST(setting.wallet.ledger().history()[0].time == NOW);

    setting.node.mine_mempool();
    setting.sync();
    BOOST_TEST(setting.balance().incoming.value == 0);
    BOOST_TEST(setting.balance().spendable.value == 4 * COIN);
    BOOST_TEST(setting.wallet.ledger().history().size() == 2U);
}

BOOST_AUTO_TEST_CASE(sync_wallet__payment_replaced_in_the_mempool__only_the_new_one_counts) {
    Setting setting;
    Transaction tx = setting.payment(setting.receive(0), 3 * COIN);
    setting.node.wait(tx);
    setting.sync();
    setting.node.mempool.clear();
    tx.outputs[0].value = 2 * COIN;
    setting.node.wait(tx);
    setting.sync();
    BOOST_TEST(setting.balance().incoming.value == 2 * COIN);
    const auto history = setting.wallet.ledger().history();
    BOOST_TEST(std::ranges::count_if(history, [](const auto& entry) { return entry.dead; }) == 1);
}

BOOST_AUTO_TEST_CASE(sync_wallet__mempool_changes_under_way__leaves_it_to_the_next_run) {
    Setting setting;
    setting.node.wait(setting.payment(setting.receive(0), 3 * COIN));
    setting.node.before_transactions = [&] { setting.node.mine_mempool(); };
    setting.sync();
    BOOST_TEST(setting.balance().incoming.value == 0);
    setting.sync();
    BOOST_TEST(setting.balance().spendable.value == 3 * COIN);
}

BOOST_AUTO_TEST_CASE(sync_wallet__mempool_too_large__says_so_and_fetches_nothing) {
    Setting setting;
    Transaction tx = setting.payment(setting.receive(0), COIN);
    for (uint32_t i = 0; i <= 5'000; ++i) {
        tx.lock_time = i;
        setting.node.wait(tx);
    }
    const SyncReport report = setting.sync();
    BOOST_TEST_REQUIRE(report.warnings.size() == 1U);
    BOOST_TEST(report.warnings[0].find("5001 transactions") != std::string::npos);
    BOOST_TEST(setting.node.transactions_fetched.empty());
}

BOOST_AUTO_TEST_CASE(sync_wallet__shorter_chain_of_the_node__is_followed) {
    Setting setting;
    setting.node.mine_empty(3);
    setting.node.mine(setting.receive(0), COIN);
    setting.sync();
    setting.node.drop_blocks(1);
    setting.sync();
    BOOST_TEST(setting.wallet.ledger().tip()->height.value == 3);
    BOOST_TEST(setting.balance().immature.value == 0);
}

BOOST_AUTO_TEST_CASE(sync_wallet__node_that_catches_up__loses_nothing_known) {
    Setting setting;
    setting.node.mine(setting.receive(0), COIN);
    setting.node.mine_empty(3);
    setting.sync();
    setting.node.drop_blocks(4);
    setting.node.behind = true;
    const SyncReport report = setting.sync();
    BOOST_TEST(report.node_behind);
    BOOST_TEST(setting.wallet.ledger().tip()->height.value == 4);
    BOOST_TEST(setting.balance().immature.value == COIN);
}

BOOST_AUTO_TEST_CASE(sync_wallet__fork_older_than_kept_hashes__looks_from_the_birthday) {
    Setting setting;
    setting.node.mine(setting.receive(0), COIN);
    setting.node.mine_empty(KEPT_BLOCKS + 10);
    setting.sync();
    BOOST_TEST(!setting.wallet.ledger().scanned_hash(5).has_value());
    setting.node.drop_blocks(KEPT_BLOCKS + 11);
    setting.node.mine(setting.receive(1), 2 * COIN);
    setting.node.mine_empty(KEPT_BLOCKS + 20);
    setting.sync();
    BOOST_TEST(setting.balance().spendable.value == 2 * COIN);
    BOOST_TEST(setting.wallet.ledger().tip()->height.value == setting.node.height().value);
}

BOOST_AUTO_TEST_CASE(sync_wallet__reorganised_under_way__ends_on_the_nodes_chain) {
    Setting setting;
    setting.node.mine_empty(5);
    setting.sync();
    setting.node.mine_empty(3);
    setting.node.before_filters = [&] {
        setting.node.drop_blocks(6);
        for (int i = 0; i < 8; ++i) setting.node.mine(setting.receive(0), COIN);
    };
    setting.sync(); // though the hashes that were just handed out are unknown now
    BOOST_TEST(setting.balance().immature.value == 8 * COIN);
}

BOOST_AUTO_TEST_CASE(sync_wallet__connection_lost_under_way__keeps_what_was_done) {
    Setting setting;
    setting.node.mine_empty(500);
    setting.node.mine(setting.receive(0), COIN);
    setting.node.fail_after = 5; // the second batch breaks
    BOOST_CHECK_THROW(setting.sync(), RpcError);
    const Height reached = setting.wallet.ledger().tip()->height;
    BOOST_TEST(reached.value > 100);
    BOOST_TEST(reached.value < 500);
    setting.node.fail_after.reset();
    setting.sync();
    BOOST_TEST(setting.balance().immature.value == COIN);
}

BOOST_AUTO_TEST_CASE(sync_wallet__birthday__skips_the_blocks_before_it) {
    Setting setting(100);
    setting.node.mine(setting.receive(0), COIN);
    setting.node.mine_empty(120);
    setting.sync();
    BOOST_TEST(setting.balance().immature.value == 0);
    BOOST_TEST(!setting.wallet.ledger().scanned_hash(99).has_value());
    BOOST_TEST(setting.wallet.ledger().scanned_hash(100).has_value());
}

BOOST_AUTO_TEST_CASE(sync_wallet__birthday_above_the_tip__says_so) {
    Setting setting(100);
    setting.node.mine_empty(99);
    BOOST_TEST(setting.sync().warnings.size() == 1U);
    setting.node.mine_empty();
    BOOST_TEST(setting.sync().warnings.empty());
}

BOOST_AUTO_TEST_CASE(node_height__node_of_another_chain__is_refused) {
    FakeNode node(regtest_params());
    node.mine_empty(3);
    BOOST_TEST(node_height(node, regtest_params()).value == 3);
    BOOST_CHECK_THROW(node_height(node, default_params()), WalletError);
}

BOOST_AUTO_TEST_CASE(sync_wallet__node_of_another_chain__is_refused) {
    Setting setting;
    FakeNode other(default_params());
    BOOST_CHECK_THROW(sync_wallet(other, setting.wallet, regtest_params(), NOW), WalletError);
}

BOOST_AUTO_TEST_CASE(receive_key__until_paid__stays_the_same) {
    Setting setting;
    Ledger& ledger = setting.wallet.ledger();
    const KeyPosition first = ledger.receive_key();
    BOOST_TEST(first.number == 0U);
    BOOST_TEST((ledger.receive_key() == first));
    setting.node.mine(ledger.script_of(first), COIN);
    setting.sync();
    BOOST_TEST(ledger.receive_key().number == 1U);
    BOOST_TEST(ledger.receive_key().number == 1U);
    BOOST_TEST(ledger.new_receive_key().number == 2U);
    BOOST_TEST(ledger.receive_key().number == 2U);
}

BOOST_AUTO_TEST_CASE(new_receive_key__gap_limit_of_unpaid_ones__is_refused) {
    Setting setting;
    Ledger& ledger = setting.wallet.ledger();
    for (uint32_t i = 0; i < GAP_LIMIT; ++i) BOOST_TEST(ledger.new_receive_key().number == i);
    BOOST_CHECK_THROW(ledger.new_receive_key(), WalletError);
    BOOST_TEST(ledger.receive_key().number == GAP_LIMIT - 1);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace cairn::wallet
