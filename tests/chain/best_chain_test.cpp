// SPDX-License-Identifier: MIT
// The chain as a whole: it follows the valid chain with the most work, and its coins, mempool and
// disk follow with it.
#include "consensus/block_filter.h"
#include "tests/chain/fixture.h"

using namespace cairn::tests;

namespace {

struct Watcher : ChainObserver {
    std::vector<TipChange> changes;
    std::vector<std::pair<Txid, RemovalReason>> removed;
    std::vector<Txid> added;

    void tip_changed(const TipChange& change) override { changes.push_back(change); }

    void transaction_added(const MempoolEvent& event) override { added.push_back(event.tx->txid); }

    void transaction_removed(const MempoolEvent& event) override {
        removed.emplace_back(event.tx->txid, *event.removed);
    }
};

} // namespace

BOOST_AUTO_TEST_SUITE(best_chain)

BOOST_AUTO_TEST_CASE(chain__new_directory__stands_at_genesis) {
    TestChain test;
    test.open();
    BOOST_TEST(test.tip().height == Height(0));
    BOOST_TEST((test.tip().hash == test.params().genesis_hash));
    BOOST_TEST(!test.chain().initial_download());
    BOOST_TEST(test.chain().read_block(test.tip())->transactions.size() == 1u);
    // Bitcoin's genesis output can't be spent, and so is no coin.
    const OutPoint point{test.params().genesis.transactions[0].txid, 0};
    BOOST_TEST(!test.chain().find_coin(point, false));
}

BOOST_AUTO_TEST_CASE(chain__spendable_genesis__its_outputs_are_coins) {
    Params params = test_params();
    params.genesis_spendable = true;
    TestChain test(params);
    test.open();
    const OutPoint point{params.genesis.transactions[0].txid, 0};
    const std::optional<Coin> coin = test.chain().find_coin(point, false);
    BOOST_REQUIRE(coin);
    BOOST_TEST(coin->coinbase);
    BOOST_TEST(coin->height == Height(0));
    test.mine(MATURITY);
    BOOST_TEST(reason_of(test.pay(spend({point}, {{1'000'000, anyone_script()}}))).empty());
}

BOOST_AUTO_TEST_CASE(chain__blocks_mined__tip_and_coins_follow) {
    TestChain test;
    test.open();
    const BlockRef block = test.mine(3);
    BOOST_TEST(test.tip().height == Height(3));
    const BlockNode* tip = nullptr;
    const auto coin = test.chain().find_coin({block->transactions[0].txid, 0}, false, &tip);
    BOOST_REQUIRE(coin);
    BOOST_TEST(coin->height == Height(3));
    BOOST_TEST(coin->out.value == test.params().subsidy);
    BOOST_TEST((tip == &test.tip()));
    BOOST_TEST(test.tip().chain_tx_count == 4u);
}

BOOST_AUTO_TEST_CASE(chain__restart__same_tip_headers_and_coins) {
    TestChain test;
    test.open();
    const BlockRef block = test.mine(7);
    const BlockHash hash = test.tip().hash;
    test.close();
    test.open();
    BOOST_TEST((test.tip().hash == hash));
    BOOST_TEST(test.tip().chain_tx_count == 8u);
    BOOST_TEST(test.chain().find_coin({block->transactions[0].txid, 0}, false).has_value());
    test.mine();
    BOOST_TEST(test.tip().height == Height(8));
}

BOOST_AUTO_TEST_CASE(reorganisation__more_work_on_another_branch__moves_there) {
    TestChain test;
    test.open();
    test.mine(3);
    const BlockNode& fork = *test.chain().view().at(1);
    const BlockNode& old_tip = test.tip();
    Watcher watcher;
    test.chain().add_observer(watcher);
    const std::vector<BlockRef> branch = make_branch(test, fork, 3, 7);
    BOOST_TEST(!test.submit(branch[0]).on_active_chain);
    BOOST_TEST(!test.submit(branch[1]).on_active_chain); // equal work: first seen stays
    BOOST_TEST((&test.tip() == &old_tip));
    BOOST_TEST(test.submit(branch[2]).on_active_chain);
    BOOST_TEST(test.tip().height == Height(4));
    BOOST_REQUIRE(watcher.changes.size() == 1u);
    const TipChange& change = watcher.changes[0];
    BOOST_TEST((change.old_tip == &old_tip));
    BOOST_TEST((change.new_tip == &test.tip()));
    BOOST_TEST(change.disconnected.size() == 2u);
    BOOST_TEST(change.disconnected[0].node->height == Height(3)); // highest first
    BOOST_TEST(change.connected.size() == 3u);
    BOOST_TEST(change.connected[0].node->height == Height(2)); // lowest first
    const auto tips = test.chain().tips();
    BOOST_REQUIRE(tips.size() == 2u);
    BOOST_TEST(tips[0].status == "active");
    BOOST_TEST(tips[1].status == "valid-fork");
    BOOST_TEST(tips[1].branch_length == 2);
    test.chain().remove_observer(watcher);
}

BOOST_AUTO_TEST_CASE(reorganisation__of_large_blocks__is_told_in_parts) {
    constexpr int64_t BLOCK_BYTES = 900'000;
    constexpr size_t LENGTH = 20;
    TestChain test;
    test.open();
    const auto large_branch = [&](uint32_t salt, size_t length) {
        std::vector<BlockRef> branch = make_branch(test, test.tip(), int(length), salt);
        BlockHash previous = test.tip().hash;
        for (BlockRef& block : branch) {
            Block large = *block;
            large.header.prev_hash = previous;
            Transaction coinbase = large.transactions[0];
            coinbase.outputs.push_back({0, Script(Bytes(BLOCK_BYTES, uint8_t{0x6a}))});
            large.transactions[0] = cairn::consensus::SealedTransaction(std::move(coinbase));
            block = finish(std::move(large));
            previous = block->header.hash();
        }
        return branch;
    };
    const std::vector<BlockRef> left = large_branch(1, LENGTH);
    const std::vector<BlockRef> right = large_branch(2, LENGTH + 1);
    for (const BlockRef& block : left) test.submit(block);
    for (size_t i = 0; i < LENGTH; ++i) test.submit(right[i]);
    Watcher watcher;
    test.chain().add_observer(watcher);
    test.submit(right.back());
    test.chain().remove_observer(watcher);
    BOOST_TEST((test.tip().hash == right.back()->header.hash()));
    BOOST_TEST(watcher.changes.size() > 2u);
    for (const TipChange& change : watcher.changes)
        BOOST_TEST((change.connected.size() + change.disconnected.size()) * BLOCK_BYTES < 17e6);
}

BOOST_AUTO_TEST_CASE(reorganisation__payments_of_the_losing_side__wait_again) {
    TestChain test;
    test.open();
    const OutPoint coin = test.mature_coins(1)[0];
    const BlockNode& fork = test.tip();
    const Transaction parent =
        spend({coin}, {{coin_value(test.params(), 10'000), anyone_script()}});
    const Txid parent_id = cairn::consensus::make_transaction(parent)->txid;
    BOOST_TEST(reason_of(test.pay(parent)).empty());
    test.mine();
    BOOST_TEST(test.chain().mempool()->size() == 0u);
    const Transaction child =
        spend({{parent_id, 0}}, {{coin_value(test.params(), 20'000), anyone_script()}});
    BOOST_TEST(reason_of(test.pay(child)).empty());
    for (const BlockRef& block : make_branch(test, fork, 2, 9)) test.submit(block);
    const MempoolReader pool = test.chain().mempool();
    BOOST_TEST(pool->size() == 2u);
    BOOST_REQUIRE(pool->find(parent_id));
    BOOST_TEST(pool->children(*pool->find(parent_id)).size() == 1u);
}

BOOST_AUTO_TEST_CASE(reorganisation__coinbase_gone__what_spends_it_goes) {
    TestChain test;
    test.open();
    const BlockNode& fork = test.tip();
    const OutPoint coin = test.mature_coins(1)[0];
    BOOST_TEST(reason_of(test.pay(spend({coin}, {{1'000'000, anyone_script()}}))).empty());
    Watcher watcher;
    test.chain().add_observer(watcher);
    for (const BlockRef& block : make_branch(test, fork, MATURITY + 1, 9)) test.submit(block);
    BOOST_TEST(test.chain().mempool()->size() == 0u);
    BOOST_REQUIRE(watcher.removed.size() == 1u);
    BOOST_TEST((watcher.removed[0].second == RemovalReason::Reorg));
    test.chain().remove_observer(watcher);
}

BOOST_AUTO_TEST_CASE(reorganisation__invalid_block_in_the_better_branch__returns_to_the_old) {
    TestChain test;
    test.open();
    const OutPoint coin = test.mature_coins(1)[0];
    const BlockNode& fork = *test.chain().view().at(test.tip().height - Height(1));
    const BlockHash old_tip = test.tip().hash;
    std::vector<BlockRef> branch = make_branch(test, fork, 1, 3);
    test.submit(branch[0]);
    const BlockNode& first = *test.chain().find_block(branch[0]->header.hash());
    // Spends a coin twice: seen only when it is connected.
    const auto tx =
        cairn::consensus::make_transaction(spend({{coin.txid, 7}}, {{1, anyone_script()}}));
    const auto bad = std::make_shared<const Block>(make_block(first, test.params(), {tx}));
    const BlockOutcome outcome = test.submit(bad);
    BOOST_TEST(reason_of(outcome.verdict) == "bad-txns-inputs-missingorspent");
    BOOST_TEST((test.tip().hash == old_tip));
    BOOST_TEST(outcome.node->failed());
    BOOST_TEST(!first.failed());
    // Nothing may follow it, also after a restart.
    test.close();
    test.open();
    BOOST_TEST((test.tip().hash == old_tip));
    const BlockNode& bad_node = *test.chain().find_block(bad->header.hash());
    BOOST_TEST(bad_node.failed());
    BOOST_TEST(reason_of(test.submit(bad).verdict) == "duplicate-invalid");
    const auto after = std::make_shared<const Block>(make_block(bad_node, test.params()));
    BOOST_TEST(reason_of(test.submit(after).verdict) == "bad-prevblk");
}

BOOST_AUTO_TEST_CASE(blocks__in_any_order__all_connect_once_the_gap_is_filled) {
    TestChain test;
    test.open();
    const std::vector<BlockRef> branch = make_branch(test, test.tip(), 4, 0);
    std::vector<BlockHeader> headers;
    headers.reserve(branch.size());
    for (const BlockRef& block : branch) headers.push_back(block->header);
    const HeadersOutcome outcome = test.submit_headers(headers);
    BOOST_TEST(outcome.new_count == 4u);
    BOOST_TEST(outcome.accepted == 4u);
    BOOST_TEST(test.chain().best_header().height == Height(4));
    for (const size_t i : {3, 1, 2}) test.submit(branch[i]);
    BOOST_TEST(test.tip().height == Height(0));
    BOOST_TEST(test.chain().tips()[0].status == "headers-only");
    test.submit(branch[0]); // answered once those behind it are connected, too
    BOOST_TEST(test.tip().height == Height(4));
}

BOOST_AUTO_TEST_CASE(headers__first_bad_one__ends_the_run) {
    TestChain test;
    test.open();
    const std::vector<BlockRef> branch = make_branch(test, test.tip(), 3, 0);
    BlockHeader lost = branch[2]->header;
    BlockHeader weak = branch[1]->header;
    weak.bits = 0x207ffffe;
    while (cairn::consensus::to_number(weak.hash()) >> 255 != 0) ++weak.nonce;
    HeadersOutcome outcome = test.submit_headers({branch[0]->header, weak, lost});
    BOOST_TEST(reason_of(outcome.verdict) == "bad-diffbits");
    BOOST_TEST(outcome.accepted == 1u);
    BOOST_TEST(outcome.last->height == Height(1));
    outcome = test.submit_headers({lost});
    BOOST_TEST(reason_of(outcome.verdict) == "prev-blk-not-found");
    BOOST_TEST((outcome.verdict.error().kind == Reject::Kind::MissingParent));
}

BOOST_AUTO_TEST_CASE(accept_block__unasked_and_of_no_use__is_not_stored) {
    TestChain test;
    test.open();
    const BlockNode& genesis = test.tip();
    test.mine(3);
    const std::vector<BlockRef> branch = make_branch(test, genesis, 1, 5);
    BlockOutcome outcome = test.submit(branch[0], false);
    BOOST_TEST(reason_of(outcome.verdict).empty());
    BOOST_REQUIRE(outcome.node);
    BOOST_TEST(!outcome.node->has(BlockNode::HAVE_BODY));
    outcome = test.submit(branch[0], true);
    BOOST_TEST(outcome.node->has(BlockNode::HAVE_BODY));
    BOOST_TEST(test.submit(branch[0]).known);
}

BOOST_AUTO_TEST_CASE(accept_block__mutated_body__leaves_its_header_alone) {
    TestChain test;
    test.open();
    const BlockRef good = make_branch(test, test.tip(), 1, 0)[0];
    Block bad = *good;
    Transaction coinbase = bad.transactions[0];
    coinbase.outputs[0].value = 1;
    bad.transactions[0] = cairn::consensus::SealedTransaction(coinbase);
    const BlockOutcome outcome = test.submit(std::make_shared<const Block>(bad));
    BOOST_TEST(reason_of(outcome.verdict) == "bad-txnmrklroot");
    BOOST_TEST((outcome.verdict.error().kind == Reject::Kind::Mutated));
    BOOST_TEST(test.submit(good).on_active_chain);
}

BOOST_AUTO_TEST_CASE(connect_block__one_rule_broken__names_it) {
    Params params = test_params();
    params.subsidy = cairn::consensus::MAX_MONEY;
    TestChain test(params);
    test.open();
    const std::vector<OutPoint> coins = test.mature_coins(3);
    const OutPoint young{test.mine()->transactions[0].txid, 0};
    const TxOut small{1, anyone_script()};
    Transaction no_witness = spend({coins[0]}, {small});
    no_witness.inputs[0].witness.clear();
    Transaction locked = spend({coins[0]}, {small});
    locked.inputs[0].sequence = 1000; // blocks after the coin's (BIP-0068)
    const auto seal = [](const Transaction& tx) { return cairn::consensus::make_transaction(tx); };
    const auto once = seal(spend({coins[0]}, {small}));
    const std::pair<std::string_view, std::vector<TransactionRef>> rules[] = {
        {"bad-txns-inputs-missingorspent", {once, seal(spend({coins[0]}, {{2, anyone_script()}}))}},
        {"bad-txns-inputs-missingorspent", {seal(spend({{once->txid, 0}}, {small})), once}},
        {"bad-txns-premature-spend-of-coinbase", {seal(spend({young}, {small}))}},
        {"bad-txns-nonfinal", {seal(locked)}},
        {"bad-txns-accumulated-fee-outofrange", {once, seal(spend({coins[1]}, {small}))}},
        {"block-script-verify-flag-failed (Witness program was passed an empty witness)",
         {seal(no_witness)}},
    };
    for (const auto& [reason, transactions] : rules) {
        const Block block = make_block(test.tip(), params, transactions, 0);
        BOOST_TEST(reason_of(test.test_block(block)) == reason);
        BOOST_TEST(reason_of(test.submit(finish(block)).verdict) == reason);
    }
    const BlockNode& parent = *test.tip().parent_node();
    BOOST_TEST(
        reason_of(test.test_block(make_block(parent, params))) == "inconclusive-not-best-prevblk");
}

BOOST_AUTO_TEST_CASE(connect_block__coinbase_takes_more_than_subsidy_and_fees__is_refused) {
    TestChain test;
    test.open();
    const Block greedy = make_block(test.tip(), test.params(), {}, 1);
    BOOST_TEST(reason_of(test.test_block(greedy)) == "bad-cb-amount");
}

BOOST_AUTO_TEST_CASE(connect_block__too_many_witness_sigops__names_it) {
    TestChain test;
    test.open();
    const std::vector<OutPoint> coins = test.mature_coins(1);
    // Counted only with the coins at hand: they are in the witness script.
    Script many;
    for (int i = 0; i < 1'000; ++i)
        cairn::consensus::push_opcode(many, cairn::consensus::OP_CHECKMULTISIG);
    Script locked;
    cairn::consensus::push_opcode(locked, cairn::consensus::OP_0);
    cairn::consensus::push_data(locked, cairn::consensus::sha256({many.data(), many.size()}).bytes);
    const auto split = cairn::consensus::make_transaction(
        spend({coins[0]}, std::vector<TxOut>(5, TxOut{1'000, locked})));
    Transaction all;
    for (uint32_t i = 0; i < 5; ++i) {
        auto& in = all.inputs.emplace_back();
        in.prevout = {split->txid, i};
        in.witness.push_back({many.data(), many.size()});
    }
    all.outputs.push_back({1, anyone_script()});
    const Block block =
        make_block(test.tip(), test.params(), {split, cairn::consensus::make_transaction(all)});
    BOOST_TEST(reason_of(test.test_block(block)) == "bad-blk-sigops");
}

BOOST_AUTO_TEST_CASE(connect_block__same_coinbase_twice__is_refused) {
    Params params = test_params();
    params.activation.bip34 = 1'000'000; // coinbases need not hold their height
    TestChain test(params);
    test.open();
    const auto block_of = [&](const BlockNode& parent) {
        Block block = make_block(parent, params);
        Transaction coinbase = block.transactions[0];
        coinbase.inputs[0].script_sig = Script(cairn::consensus::as_bytes("again"));
        block.transactions[0] = cairn::consensus::SealedTransaction(coinbase);
        return finish(block);
    };
    BOOST_TEST(test.submit(block_of(test.tip())).on_active_chain);
    BOOST_TEST(reason_of(test.submit(block_of(test.tip())).verdict) == "bad-txns-BIP30");
}

BOOST_AUTO_TEST_CASE(invalidate__active_block__goes_back_and_reconsider_returns) {
    TestChain test;
    test.open();
    test.mine(5);
    const BlockNode& tip = test.tip();
    const BlockNode& third = *test.chain().view().at(3);
    const BlockHash third_hash = third.hash;
    BOOST_TEST(reason_of(test.invalidate(third)).empty());
    BOOST_TEST(test.tip().height == Height(2));
    BOOST_TEST(tip.failed());
    BOOST_TEST(test.chain().best_header().height == Height(2));
    test.close();
    test.open(); // the mark survives
    BOOST_TEST(test.tip().height == Height(2));
    const BlockNode& again = *test.chain().find_block(third_hash);
    BOOST_TEST(again.failed());
    BOOST_TEST(reason_of(test.reconsider(again)).empty());
    BOOST_TEST(test.tip().height == Height(5));
    BOOST_TEST(
        reason_of(test.invalidate(*test.chain().view().at(0))) ==
        "genesis block can't be invalidated");
}

BOOST_AUTO_TEST_CASE(precious__tie__prefers_it) {
    TestChain test;
    test.open();
    const BlockNode& genesis = test.tip();
    test.mine(1);
    const BlockNode& first = test.tip();
    const BlockRef rival = make_branch(test, genesis, 1, 8)[0];
    const BlockNode& second = *test.submit(rival).node;
    BOOST_TEST((&test.tip() == &first));
    BOOST_TEST(reason_of(test.precious(second)).empty());
    BOOST_TEST((&test.tip() == &second));
    BOOST_TEST(reason_of(test.precious(first)).empty());
    BOOST_TEST((&test.tip() == &first));
}

BOOST_AUTO_TEST_CASE(events__over_a_reorganisation__tell_each_step_in_order) {
    TestChain test;
    test.open();
    const BlockNode& genesis = test.tip();
    test.mine(1);
    const BlockHash lost = test.tip().hash;
    for (const BlockRef& block : make_branch(test, genesis, 2, 4)) test.submit(block);
    const auto kind = [&](uint64_t number) { return test.chain().read_event(number)->kind; };
    BOOST_TEST((kind(0) == Event::Kind::Connected));
    BOOST_TEST((kind(1) == Event::Kind::Disconnected));
    BOOST_TEST((test.chain().read_event(1)->hash == lost));
    BOOST_TEST((kind(2) == Event::Kind::Connected));
    BOOST_TEST(test.chain().read_event(3)->height == Height(2));
    BOOST_TEST((test.chain().read_event(3)->hash == test.tip().hash));
    BOOST_TEST(!test.chain().read_event(4));
    test.close();
    test.open();
    test.mine();
    BOOST_TEST(test.chain().read_event(4)->height == Height(3));
}

BOOST_AUTO_TEST_CASE(events__told_once__are_not_taken_back) {
    TestChain test;
    test.options().cache_bytes = 1; // full at each block
    test.open();
    for (uint64_t number = 0; number < 60; ++number) {
        test.mine();
        for (int again = 0; again < 20; ++again)
            BOOST_REQUIRE(test.chain().read_event(number).has_value());
    }
}

/// Open in `crashed` what a kill would leave of `test`.
void open_as_left(TestChain& test, TestChain& crashed) {
    test.wait();
    std::filesystem::copy(
        test.directory() / "chainstate", crashed.directory() / "chainstate",
        std::filesystem::copy_options::recursive);
    crashed.open();
}

/// The coins reach the disk far behind the tip: what happened since is done again.
BOOST_AUTO_TEST_CASE(crash__at_the_tip__ends_where_it_was) {
    TestChain test;
    test.open();
    const std::vector<OutPoint> coins = test.mature_coins(2);
    const BlockNode& fork = test.tip();
    const Amount paid = coin_value(test.params(), 1000);
    test.pay(spend({coins[0]}, {{paid, anyone_script()}}));
    test.mine(2);
    const BlockNode& first = test.tip();
    const std::vector<BlockRef> rival = make_branch(test, fork, 2, 7);
    for (const BlockRef& block : rival) test.submit(block);
    const BlockNode& second = *test.chain().find_block(rival[1]->header.hash());
    test.precious(second); // of equal work, and came later
    BOOST_REQUIRE((&test.tip() == &second));
    TestChain crashed;
    open_as_left(test, crashed);
    BOOST_TEST((crashed.tip().hash == second.hash));
    BOOST_TEST(crashed.chain().find_coin(coins[0], false).has_value());
    uint64_t number = 0;
    for (; const auto event = test.chain().read_event(number); ++number)
        BOOST_TEST((crashed.chain().read_event(number) == event));
    BOOST_TEST(!crashed.chain().read_event(number));
    crashed.precious(*crashed.chain().find_block(first.hash)); // its undo data is there, too
    test.precious(first);
    BOOST_TEST((crashed.tip().hash == first.hash));
    crashed.mine();
    test.submit(crashed.chain().read_block(crashed.tip()));
    test.close();
    crashed.close();
    BOOST_TEST(
        (coins_hash(test.directory(), test.params()) ==
         coins_hash(crashed.directory(), test.params())));
}

BOOST_AUTO_TEST_CASE(invalidate__far_behind_the_best_header__survives_a_crash) {
    TestChain test;
    test.open();
    const std::vector<BlockRef> branch = make_branch(test, test.tip(), 200, 0);
    std::vector<BlockHeader> headers;
    headers.reserve(branch.size());
    for (const BlockRef& block : branch) headers.push_back(block->header);
    test.submit_headers(headers);
    for (size_t i = 0; i < 50; ++i) test.submit(branch[i]);
    const BlockHash marked = branch[30]->header.hash();
    test.invalidate(*test.chain().find_block(marked));
    TestChain crashed;
    open_as_left(test, crashed);
    BOOST_TEST(crashed.tip().height == Height(30));
    BOOST_TEST(crashed.chain().find_block(marked)->has(BlockNode::FAILED));
}

BOOST_AUTO_TEST_CASE(filters__each_block__has_one_that_matches_its_scripts) {
    TestChain test;
    test.options().block_filters = false;
    test.open();
    test.mine(3);
    BOOST_TEST(!test.chain().indexes().filter(test.tip()));
    test.close();
    test.options().block_filters = true; // switched on later: built from the start on
    test.open();
    test.wait_for_indexes();
    test.mine(2);
    Hash256 previous;
    for (int32_t height = 0; height <= 5; ++height) {
        const BlockNode& node = *test.chain().view().at(height);
        const std::optional<FilterEntry> entry = test.chain().indexes().filter(node);
        BOOST_REQUIRE(entry);
        BOOST_TEST((entry->header == cairn::consensus::filter_header(entry->filter, previous)));
        previous = entry->header;
        const std::vector<Script> scripts{anyone_script()};
        BOOST_TEST(cairn::consensus::filter_matches(entry->filter, node.hash, scripts).value());
    }
}

BOOST_AUTO_TEST_CASE(queue__full__refuses_at_once_on_the_callers_thread) {
    TestChain test;
    test.open();
    test.wait_for_mempool();
    std::promise<void> begun;
    std::promise<void> gate;
    test.chain().after_all([&] {
        begun.set_value();
        gate.get_future().wait();
    });
    begun.get_future().wait();
    std::atomic<int> busy{0};
    for (int i = 0; i < 1'003; ++i)
        test.chain().accept_headers({}, [&busy](const HeadersOutcome& outcome) {
            if (reason_of(outcome.verdict) == "busy") ++busy;
        });
    BOOST_TEST(busy == 3);
    gate.set_value();
    test.wait();
    BOOST_TEST(busy == 3);
}

BOOST_AUTO_TEST_CASE(undo__connected_block__holds_the_coins_it_spent) {
    TestChain test;
    test.open();
    const OutPoint coin = test.mature_coins(1)[0];
    test.pay(spend({coin}, {{1'000'000, anyone_script()}}));
    const BlockRef block = test.mine();
    const std::optional<BlockUndo> undo = test.chain().read_undo(test.tip(), *block);
    BOOST_REQUIRE(undo);
    BOOST_REQUIRE(undo->spent(1).size() == 1u);
    BOOST_TEST(undo->coins[0].out.value == test.params().subsidy);
    BOOST_TEST(undo->coins[0].coinbase);
}

BOOST_AUTO_TEST_CASE(undo__of_another_block__is_damage_that_stops_the_chain) {
    TestChain test;
    test.open();
    const BlockRef block = test.mine();
    Block other = *block;
    other.transactions.push_back(other.transactions[0]);
    BOOST_CHECK_THROW(test.chain().read_undo(test.tip(), other), StorageError);
    test.close();
    BOOST_TEST(test.failure().find("undo data") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(initial_download__old_tip__until_a_recent_block) {
    Params params = test_params();
    params.max_tip_age = 3600;
    TestChain test(params);
    test.open();
    BOOST_TEST(test.chain().initial_download());
    test.mine(); // its time is now
    BOOST_TEST(!test.chain().initial_download());
    test.now += 100'000;
    BOOST_TEST(!test.chain().initial_download()); // for good
}

BOOST_AUTO_TEST_CASE(assumed_valid__deep_below__scripts_are_not_run) {
    TestChain source;
    source.open();
    const auto& [fork, bad, later] = bury_bad_script(source);
    std::vector<BlockHeader> headers{bad->header};
    for (const BlockRef& block : later) headers.push_back(block->header);
    for (const bool deep : {false, true}) {
        TestChain test;
        test.options().assumed_valid = bad->header.hash();
        test.open();
        for (int32_t height = 1; height <= fork->height.value; ++height)
            test.submit(source.chain().read_block(*source.chain().view().at(height)));
        auto some = headers;
        if (!deep) some.pop_back();
        BOOST_TEST(reason_of(test.submit_headers(some).verdict).empty());
        const std::string expected =
            deep ? ""
                 : "block-script-verify-flag-failed (Witness program was passed an empty witness)";
        BOOST_TEST(reason_of(test.submit(bad).verdict) == expected);
    }
}

BOOST_AUTO_TEST_SUITE_END()
