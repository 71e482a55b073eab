// SPDX-License-Identifier: MIT
#include "consensus/interpreter.h"
#include "tests/temporary_folder.h"
#include "tests/wallet/fake_node.h"
#include "wallet/coin_selection.h"
#include "wallet/spend.h"
#include "wallet/sync.h"

#include <boost/test/unit_test.hpp>

#include <set>

namespace cairn::wallet {

namespace {

using consensus::COIN;

constexpr int64_t NOW = 1'700'000'000;

/// A wallet with some mature coins of ten each.
struct Setting {
    explicit Setting(uint32_t coins = 3)
        : path(make_test_wallet(folder.path(), regtest_params())),
          wallet(std::make_unique<WalletFile>(path, regtest_params())) {
        for (uint32_t i = 0; i < coins; ++i)
            node.mine(wallet->ledger().script_of({Branch::Receive, i}), 10 * COIN);
        node.mine_empty(regtest_params().coinbase_maturity);
        sync();
    }

    SyncReport sync() { return sync_wallet(node, *wallet, regtest_params(), NOW); }

    /// As another run of the program: from the file.
    void reopen() {
        wallet.reset();
        wallet = std::make_unique<WalletFile>(path, regtest_params());
    }

    PaymentDraft draft(std::optional<Amount> amount, FeeRate rate = {2000}) {
        return draft_payment(
            wallet->ledger(), {foreign_script(7), amount, rate, {}}, regtest_params());
    }

    consensus::TransactionRef pay(std::optional<Amount> amount) {
        auto tx = sign_payment(draft(amount), *wallet->unlock(TEST_PASSPHRASE));
        send_payment(node, *wallet, tx, NOW);
        return tx;
    }

    Balance balance() { return wallet->ledger().balance(regtest_params().coinbase_maturity); }

    tests::TemporaryFolder folder;
    std::filesystem::path path;
    std::unique_ptr<WalletFile> wallet;
    FakeNode node{regtest_params()};
};

/// That has nothing to do with the wallet.
consensus::Transaction foreign_transaction() {
    consensus::Transaction tx;
    tx.inputs.emplace_back();
    tx.outputs.push_back({COIN, foreign_script()});
    return tx;
}

} // namespace

BOOST_AUTO_TEST_SUITE(spend)

BOOST_AUTO_TEST_CASE(sign_payment__several_inputs__every_signature_is_valid_and_fee_exact) {
    Setting setting;
    const PaymentDraft draft = setting.draft(25 * COIN);
    const auto tx = sign_payment(draft, *setting.wallet->unlock(TEST_PASSPHRASE));
    BOOST_TEST_REQUIRE(tx->inputs.size() == 3U);
    std::vector<TxOut> spent;
    for (const OwnCoin& coin : draft.inputs) spent.push_back(coin.out);
    const consensus::SighashMidstates midstates(*tx, spent);
    for (size_t i = 0; i < spent.size(); ++i)
        BOOST_TEST(
            (verify_input(*tx, i, spent[i], consensus::STANDARD_FLAGS, midstates) ==
             consensus::ScriptError::Ok));
    BOOST_TEST((Amount(30 * COIN) - output_sum(*tx) == draft.fee));
    // Computed before signing; a signature now and then is a byte or two shorter.
    BOOST_TEST(draft.fee.value >= tx->vsize() * 2);
    BOOST_TEST(draft.fee.value <= (tx->vsize() + 2) * 2);
}

BOOST_AUTO_TEST_CASE(draft_payment__fields__are_replaceable_and_locked_to_the_tip) {
    Setting setting;
    bool at_tip = false;
    for (int i = 0; i < 50; ++i) { // one in ten is a little earlier, none later
        const PaymentDraft draft = setting.draft(COIN);
        for (const auto& input : draft.tx.inputs) BOOST_TEST(input.sequence == 0xfffffffdU);
        const auto height = static_cast<uint32_t>(setting.node.height().value);
        BOOST_TEST(draft.tx.lock_time <= height);
        BOOST_TEST(draft.tx.lock_time + 100 > height);
        at_tip = at_tip || draft.tx.lock_time == height;
    }
    BOOST_TEST(at_tip);
}

BOOST_AUTO_TEST_CASE(draft_payment__change__goes_to_a_fresh_key_of_ours) {
    Setting setting;
    const PaymentDraft draft = setting.draft(COIN);
    BOOST_TEST(draft.tx.outputs.size() == 2U);
    int ours = 0;
    for (const TxOut& output : draft.tx.outputs) {
        const auto key = setting.wallet->ledger().find_key(output.script_pubkey);
        if (!key) continue;
        ++ours;
        BOOST_TEST((*key == KeyPosition{Branch::Change, 0}));
        BOOST_TEST((output.value == draft.change));
    }
    BOOST_TEST(ours == 1);
}

BOOST_AUTO_TEST_CASE(draft_payment__too_much__says_what_there_is) {
    Setting setting;
    setting.node.mine(setting.wallet->ledger().script_of({Branch::Receive, 0}), COIN);
    setting.sync();
    try {
        setting.draft(30 * COIN); // all, so the fee is missing
        BOOST_TEST(false, "not refused");
    } catch (const WalletError& error) {
        const std::string text = error.what();
        BOOST_TEST(text.find("30.00000000 can be spent") != std::string::npos, text);
        BOOST_TEST(text.find("1.00000000 is new") != std::string::npos, text);
    }
}

BOOST_AUTO_TEST_CASE(draft_payment__dust__is_refused) {
    Setting setting(1);
    BOOST_CHECK_THROW(setting.draft(Amount(293)), WalletError);
    BOOST_CHECK_THROW(setting.draft(Amount(0)), WalletError);
    BOOST_TEST(setting.draft(Amount(294)).amount.value == 294);
}

BOOST_AUTO_TEST_CASE(draft_payment__all__empties_the_wallet) {
    Setting setting;
    const auto tx = setting.pay(std::nullopt);
    BOOST_TEST(tx->outputs.size() == 1U);
    BOOST_TEST(setting.balance().spendable.value == 0);
    setting.node.mine_mempool();
    setting.sync();
    BOOST_TEST(setting.balance().spendable.value == 0);
    BOOST_CHECK_THROW(setting.draft(std::nullopt), WalletError);
}

/// A miner's wallet: it is emptied with several payments, each of them one that nodes relay.
BOOST_AUTO_TEST_CASE(draft_payment__more_coins_than_fit__says_so_or_takes_the_largest) {
    Setting setting(0);
    for (int i = 0; i < 1'500; ++i)
        setting.node.mine(setting.wallet->ledger().script_of({Branch::Receive, 0}), COIN);
    setting.node.mine_empty(regtest_params().coinbase_maturity);
    setting.sync();
    const PaymentDraft draft = setting.draft(std::nullopt);
    BOOST_TEST(draft.inputs.size() + draft.left == 1'500U);
    BOOST_TEST(draft.left < 30U);
    consensus::Params small = regtest_params();
    small.max_block_weight = 100'000; // nobody relays more of them than miners have room for
    const PaymentDraft less = draft_payment(
        setting.wallet->ledger(), {foreign_script(7), std::nullopt, {2000}, {}}, small);
    BOOST_TEST(less.inputs.size() + less.left == 1'500U);
    const int64_t weight = sign_payment(less, *setting.wallet->unlock(TEST_PASSPHRASE))->weight();
    BOOST_TEST((weight > 91'000 && weight <= 92'000));
    const auto tx = sign_payment(draft, *setting.wallet->unlock(TEST_PASSPHRASE));
    BOOST_TEST(tx->weight() <= 400'000);
    BOOST_CHECK_EXCEPTION(setting.draft(1'490 * COIN), WalletError, [](const auto& error) {
        return std::string_view(error.what()).find("joins") != std::string_view::npos;
    });
    send_payment(setting.node, *setting.wallet, tx, NOW);
    BOOST_TEST(setting.draft(std::nullopt).inputs.size() == draft.left);
}

BOOST_AUTO_TEST_CASE(send_payment__several_runs_before_a_block__never_spend_a_coin_twice) {
    Setting setting;
    std::set<OutPoint> spent;
    for (int run = 0; run < 6; ++run) {
        const auto tx = setting.pay(4 * COIN);
        for (const auto& input : tx->inputs) BOOST_TEST(spent.insert(input.prevout).second);
        setting.reopen();
    }
    BOOST_TEST(setting.node.mempool.size() == 6U);
    setting.node.mine_mempool();
    setting.sync();
    BOOST_TEST(setting.balance().spendable.value < 6 * COIN);
    BOOST_TEST(setting.balance().spendable.value > 6 * COIN - 10'000);
    BOOST_TEST(setting.balance().unconfirmed.value == 0);
}

BOOST_AUTO_TEST_CASE(send_payment__own_change__is_spendable_before_its_block) {
    Setting setting(1);
    setting.pay(COIN);
    BOOST_TEST(setting.balance().unconfirmed.value > 8 * COIN);
    BOOST_TEST((setting.balance().spendable == setting.balance().unconfirmed));
    setting.pay(COIN); // from the change
    BOOST_TEST(setting.node.mempool.size() == 2U);
}

BOOST_AUTO_TEST_CASE(send_payment__node_refuses__forgets_the_payment) {
    Setting setting(1);
    setting.node.refusal = RpcError(-26, "min relay fee not met");
    const Balance before = setting.balance();
    for (uint32_t i = 0; i < 2 * GAP_LIMIT; ++i) BOOST_CHECK_THROW(setting.pay(COIN), RpcError);
    BOOST_TEST((setting.balance().spendable == before.spendable));
    BOOST_TEST(setting.wallet->ledger().pending().empty());
    BOOST_TEST(setting.wallet->ledger().change_key().number == 0U);
    setting.node.refusal.reset();
    setting.pay(COIN);
}

BOOST_AUTO_TEST_CASE(send_payment__connection_lost__is_sent_again_by_the_next_run) {
    Setting setting(1);
    setting.node.fail_after = 0;
    BOOST_CHECK_THROW(setting.pay(COIN), RpcError);
    setting.reopen();
    BOOST_TEST(setting.wallet->ledger().pending().size() == 1U);
    const Txid txid = setting.wallet->ledger().pending()[0].tx->txid;
    // The next run tells, even if its connection is lost after that or under way.
    for (const int calls : {4, 3}) {
        setting.node.mempool.clear();
        setting.node.wait(foreign_transaction());
        setting.node.fail_after = calls;
        const SyncReport report = setting.sync();
        BOOST_TEST_REQUIRE(report.resent.size() == 1U);
        BOOST_TEST((report.resent[0] == txid));
        BOOST_TEST_REQUIRE(report.warnings.size() == 1U);
        for (const std::string& word :
             {txid.to_string(), std::string("1.00000000"), std::string("bcrt1qqurswpc")})
            BOOST_TEST(report.warnings[0].find(word) != std::string::npos, report.warnings[0]);
        BOOST_TEST(setting.node.mempool.contains(txid) == (calls == 4));
    }
    setting.node.fail_after.reset();
    BOOST_TEST(setting.sync().resent.size() == 1U);
    BOOST_TEST(setting.sync().resent.empty());
    BOOST_TEST(setting.node.mempool.contains(txid));
    setting.node.mine(foreign_script(), COIN, {*setting.node.mempool.at(txid)});
    setting.sync();
    BOOST_TEST(setting.wallet->ledger().pending().empty());
}

BOOST_AUTO_TEST_CASE(sync_wallet__own_payment_out_of_the_mempool__is_sent_again_or_told) {
    Setting setting(1);
    const auto tx = setting.pay(COIN);
    setting.node.mempool.clear();
    setting.node.refusal = RpcError(-26, "mempool full");
    const SyncReport report = setting.sync();
    BOOST_TEST_REQUIRE(report.warnings.size() == 1U);
    BOOST_TEST(report.warnings[0].find(tx->txid.to_string()) != std::string::npos);
    BOOST_TEST(report.warnings[0].find("mempool full") != std::string::npos);
    BOOST_TEST(setting.wallet->ledger().pending().size() == 1U); // still held
    setting.node.refusal.reset();
    setting.sync();
    BOOST_TEST(setting.node.mempool.contains(tx->txid));
}

BOOST_AUTO_TEST_CASE(abandon__unconfirmed_payment__frees_its_coins_and_kills_its_children) {
    Setting setting(1);
    const auto first = setting.pay(COIN);
    setting.pay(COIN); // spends the change of the first
    setting.wallet->ledger().abandon(first->txid);
    BOOST_TEST(setting.wallet->ledger().pending().empty());
    BOOST_TEST(setting.balance().spendable.value == 10 * COIN);
    const auto history = setting.wallet->ledger().history();
    BOOST_TEST(std::ranges::count_if(history, [](const auto& entry) { return entry.dead; }) == 2);
    setting.sync(); // though both are still in the node's mempool
    BOOST_TEST(setting.wallet->ledger().pending().empty());
}

BOOST_AUTO_TEST_CASE(abandon_payment__what_may_yet_be_mined__is_not_given_up) {
    Setting setting(2);
    const auto tx = setting.pay(COIN);
    FakeNode other(default_params());
    const auto abandon = [&](NodeRpc& node, bool force) {
        abandon_payment(node, *setting.wallet, tx->txid, regtest_params(), force);
    };
    for (const bool force : {false, true}) // in the mempool
        BOOST_CHECK_THROW(abandon(setting.node, force), WalletError);
    BOOST_CHECK_THROW(abandon(other, false), WalletError);
    setting.node.fail_after = 0;
    BOOST_CHECK_THROW(abandon(setting.node, false), WalletError);
    BOOST_TEST(setting.wallet->ledger().pending().size() == 1U);
    abandon(setting.node, true);
    BOOST_TEST(setting.wallet->ledger().pending().empty());

    setting.node.fail_after.reset();
    BOOST_CHECK_THROW(abandon(setting.node, true), WalletError); // there is none any more
    setting.node.mempool.clear();
    const Txid lost = setting.pay(2 * COIN)->txid;
    setting.node.mempool.clear();
    abandon_payment(setting.node, *setting.wallet, lost, regtest_params(), false);
    BOOST_TEST(setting.wallet->ledger().pending().empty());
}

/// Another copy of the wallet paid: its coins are spent here, too, unless a payment of ours did.
BOOST_AUTO_TEST_CASE(sync_wallet__own_coins_spent_in_the_mempool__are_spent_once) {
    Setting setting(2);
    const auto theirs = setting.pay(COIN);
    setting.wallet->ledger().remove_own(theirs->txid);
    setting.sync();
    BOOST_TEST(setting.balance().spendable.value == 10 * COIN);
    BOOST_TEST(setting.balance().incoming.value > 8 * COIN);

    const auto ours = setting.pay(COIN);
    consensus::Transaction tx = *ours;
    tx.outputs[0].value = tx.outputs[0].value - Amount(1);
    setting.node.mempool.erase(ours->txid);
    setting.node.wait(tx);
    BOOST_TEST(setting.sync().warnings.size() == 1U);
    BOOST_TEST(setting.wallet->ledger().pending().size() == 2U);
}

/// The same, where so much waits that nobody looks through it.
BOOST_AUTO_TEST_CASE(draft_unspent__mempool_not_looked_through__avoids_what_is_spent_there) {
    Setting setting(2);
    const auto theirs = setting.pay(COIN);
    setting.wallet->ledger().remove_own(theirs->txid);
    consensus::Transaction other = foreign_transaction();
    for (other.lock_time = 0; other.lock_time < 5'000; ++other.lock_time) setting.node.wait(other);
    BOOST_TEST(setting.sync().mempool_unseen);
    const auto draft = [&](Amount amount) {
        return draft_unspent(
            setting.node, setting.wallet->ledger(), {foreign_script(7), amount, {2000}, {}},
            regtest_params());
    };
    for (int i = 0; i < 10; ++i) {
        const PaymentDraft payment = draft(COIN);
        for (const OwnCoin& coin : payment.inputs)
            BOOST_TEST((coin.point != theirs->inputs[0].prevout));
    }
    BOOST_CHECK_EXCEPTION(draft(15 * COIN), WalletError, [](const auto& error) {
        return std::string_view(error.what()).find("spend 1 of its coins") != std::string::npos;
    });
    setting.node.mempool.clear();
    BOOST_TEST(!setting.sync().mempool_unseen);
}

/// One that another copy made, or that is known from its block only: it lives until a rival does.
BOOST_AUTO_TEST_CASE(sync_wallet__payment_not_made_here_refused__is_kept_unless_it_has_a_rival) {
    Setting setting(1);
    const auto theirs = setting.pay(COIN);
    setting.wallet->ledger().remove_own(theirs->txid);
    setting.sync();
    setting.node.mempool.clear();
    for (const RpcError& reason :
         {RpcError(-26, "mempool min fee not met"), RpcError(-26, "full")}) {
        setting.node.refusal = reason;
        BOOST_TEST(setting.sync().warnings.size() == 1U);
        BOOST_TEST(setting.wallet->ledger().pending().size() == 1U);
    }
    setting.node.refusal = RpcError(-26, "insufficient fee, rejecting replacement");
    BOOST_TEST(setting.sync().warnings.size() == 1U);
    BOOST_TEST(setting.wallet->ledger().pending().empty());
}

/// The coins were spent by another copy of the wallet: what the chain says counts.
BOOST_AUTO_TEST_CASE(sync_wallet__rival_confirmed__kills_the_pending_payment) {
    Setting setting(1);
    const auto rival =
        sign_payment(setting.draft(2 * COIN), *setting.wallet->unlock(TEST_PASSPHRASE));
    const auto ours = setting.pay(COIN);
    setting.node.mempool.clear();
    setting.node.mine(foreign_script(), COIN, {*rival});
    const SyncReport report = setting.sync();
    BOOST_TEST_REQUIRE(report.warnings.size() == 1U);
    for (const Txid& txid : {ours->txid, rival->txid})
        BOOST_TEST(report.warnings[0].find(txid.to_string()) != std::string::npos);
    BOOST_TEST(setting.sync().warnings.empty());
    BOOST_TEST(setting.wallet->ledger().pending().empty());
    BOOST_TEST(setting.balance().spendable.value < 8 * COIN);
    BOOST_TEST(setting.balance().spendable.value > 7 * COIN);

    // And if its block is replaced by one with ours, that one counts.
    setting.node.drop_blocks(1, false);
    setting.node.mine(foreign_script(), COIN, {*ours});
    setting.node.mine_empty();
    setting.sync();
    BOOST_TEST(setting.balance().spendable.value > 8 * COIN);
    BOOST_TEST(setting.wallet->ledger().pending().empty());
}

BOOST_AUTO_TEST_CASE(sync_wallet__coinbase_mined_meanwhile__leaves_the_pending_payment_alive) {
    Setting setting(2);
    setting.pay(COIN);
    setting.node.mine(setting.wallet->ledger().script_of({Branch::Receive, 7}), 10 * COIN);
    setting.sync();
    BOOST_TEST(setting.wallet->ledger().pending().size() == 1U);
    BOOST_TEST(!setting.wallet->ledger().history().back().dead);
}

BOOST_AUTO_TEST_CASE(history__payments__show_amount_fee_and_kind) {
    Setting setting(1);
    const auto tx = setting.pay(COIN);
    auto entries = setting.wallet->ledger().history();
    BOOST_TEST_REQUIRE(entries.size() == 2U);
    BOOST_TEST(entries[0].coinbase);
    BOOST_TEST(entries[0].net.value == 10 * COIN);
    BOOST_TEST((entries[1].txid == tx->txid));
    BOOST_TEST(!entries[1].height.has_value());
    BOOST_TEST_REQUIRE(entries[1].fee.has_value());
    BOOST_TEST(entries[1].net.value == -COIN - entries[1].fee->value);
    BOOST_TEST_REQUIRE(entries[1].payments.size() == 1U);
    BOOST_TEST((entries[1].payments[0].script_pubkey == foreign_script(7)));
    setting.node.mine_mempool();
    setting.sync();
    entries = setting.wallet->ledger().history();
    BOOST_TEST(entries[1].height->value == setting.node.height().value);
}

BOOST_AUTO_TEST_CASE(fee_rate_from__node__is_its_estimate_or_the_least_it_takes) {
    FakeNode node(regtest_params());
    BOOST_TEST(fee_rate_from(node, 6).per_kvb == 100); // no estimate: the least it takes
    node.estimate = 0.00012345;
    BOOST_TEST(fee_rate_from(node, 6).per_kvb == 12345);
    node.estimate = 0.0000001;
    BOOST_TEST(fee_rate_from(node, 6).per_kvb == 100);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace cairn::wallet
