// SPDX-License-Identifier: MIT
#include "consensus/block_rules.h"
#include "consensus/interpreter.h"
#include "tests/consensus/builders.h"

#include <functional>

using namespace cairn::tests;

BOOST_AUTO_TEST_SUITE(block_rules)

namespace {

/// Regtest with twenty blocks on it, and a valid block to come next.
struct Scene {
    Params params = regtest();
    HeaderTree tree;
    const HeaderNode* parent = tree.extend(tree.add(nullptr, 1'296'688'602), 20, 600);
    Block block = valid_block(*parent);

    std::string check() const { return reason_of(check_block(block, params)); }

    std::string accept() const { return reason_of(accept_block(block, *parent, params)); }

    std::string accept_its_header() const {
        return reason_of(accept_header(block.header, *parent, params, block.header.time));
    }
};

using BreakIt = std::function<void(Scene&)>;

void set_root(Scene& scene) {
    scene.block.header.merkle_root = merkle_root(scene.block);
}

} // namespace

BOOST_AUTO_TEST_CASE(all_stages__valid_block__pass) {
    const Scene scene;
    BOOST_TEST(scene.accept_its_header() == "");
    BOOST_TEST(scene.check() == "");
    BOOST_TEST(scene.accept() == "");
}

BOOST_AUTO_TEST_CASE(check_header__hash_above_target__is_high_hash) {
    const Params params = chain_params("genesis/bitcoin-mainnet.json");
    BlockHeader header = params.genesis.header;
    BOOST_TEST(reason_of(check_header(header, header.hash(), params)) == "");
    ++header.nonce;
    BOOST_TEST(reason_of(check_header(header, header.hash(), params)) == "high-hash");
}

BOOST_AUTO_TEST_CASE(accept_header__one_rule_broken__names_that_rule) {
    const std::pair<std::string_view, BreakIt> rules[] = {
        {"bad-diffbits", [](Scene& s) { s.block.header.bits = 0x207ffffe; }},
        {"time-too-old",
         [](Scene& s) {
             s.block.header.time = static_cast<uint32_t>(s.parent->median_time_past());
         }},
        {"bad-version(0x00000003)", [](Scene& s) { s.block.header.version = 3; }},
        {"bad-version(0x00000001)", [](Scene& s) { s.block.header.version = 1; }},
        {"bad-version(0xffffffff)", [](Scene& s) { s.block.header.version = -1; }},
    };
    for (const auto& [reason, break_it] : rules) {
        Scene scene;
        break_it(scene);
        BOOST_TEST(scene.accept_its_header() == reason);
    }
}

BOOST_AUTO_TEST_CASE(accept_header__two_hours_ahead__is_the_most) {
    const Scene scene;
    const int64_t time = scene.block.header.time;
    const auto accept_at = [&](int64_t now) {
        return accept_header(scene.block.header, *scene.parent, scene.params, now);
    };
    BOOST_TEST(reason_of(accept_at(time - 7200)) == "");
    const Result<> early = accept_at(time - 7201);
    BOOST_TEST(reason_of(early) == "time-too-new");
    BOOST_CHECK(early.error().kind == Reject::Kind::Premature);
}

BOOST_AUTO_TEST_CASE(accept_header__versions__before_their_heights__pass) {
    Scene scene;
    scene.params.activation.bip34 = 22;
    scene.params.activation.bip66 = 22;
    scene.params.activation.bip65 = 22;
    scene.block.header.version = 1;
    BOOST_TEST(scene.accept_its_header() == "");
    scene.params.activation.bip34 = 21;
    BOOST_TEST(scene.accept_its_header() == "bad-version(0x00000001)");
    scene.block.header.version = 2;
    BOOST_TEST(scene.accept_its_header() == "");
    scene.params.activation.bip66 = 21;
    BOOST_TEST(scene.accept_its_header() == "bad-version(0x00000002)");
}

BOOST_AUTO_TEST_CASE(accept_header__bip94_period_start__may_lie_600_seconds_back) {
    const Params params = chain_params("genesis/bitcoin-testnet4.json");
    HeaderTree tree;
    const HeaderNode* parent =
        tree.extend(tree.add(nullptr, 1'000'000, 0x1d00ffff), 2014, 600, 0x1d00ffff);
    parent = tree.add(parent, parent->header.time + 10'000, 0x1d00ffff);
    BlockHeader header{.version = 4, .time = parent->header.time - 600};
    header.bits = next_bits(*parent, header.time, params);
    BOOST_TEST(reason_of(accept_header(header, *parent, params, header.time)) == "");
    --header.time;
    BOOST_TEST(
        reason_of(accept_header(header, *parent, params, header.time)) == "time-timewarp-attack");
    // Elsewhere in a period, and without the rule, this is allowed.
    const HeaderNode* next = tree.add(parent, header.time + 600, 0x1d00ffff);
    header.bits = next_bits(*next, header.time, params);
    BOOST_TEST(reason_of(accept_header(header, *next, params, header.time)) == "");
}

BOOST_AUTO_TEST_CASE(check_block__one_rule_broken__names_that_rule) {
    const std::pair<std::string_view, BreakIt> rules[] = {
        {"bad-txnmrklroot", [](Scene& s) { s.block.header.merkle_root.bytes[0] ^= 1; }},
        {"bad-txns-duplicate", // CVE-2012-2459: the third again, under the same root
         [](Scene& s) {
             s.block.transactions.push_back(s.block.transactions[1]);
             change_transaction(s.block, 2, [](auto& tx) { tx.lock_time = 1; });
             set_root(s);
             s.block.transactions.push_back(s.block.transactions[2]);
         }},
        {"bad-blk-length",
         [](Scene& s) {
             s.block.transactions.clear();
             set_root(s);
         }},
        {"bad-blk-length",
         [](Scene& s) {
             change_transaction(s.block, 1, [](auto& tx) {
                 tx.outputs[0].script_pubkey.resize_for_overwrite(1'000'000);
             });
             set_root(s);
         }},
        {"bad-cb-missing",
         [](Scene& s) {
             std::swap(s.block.transactions[0], s.block.transactions[1]);
             set_root(s);
         }},
        {"bad-cb-multiple",
         [](Scene& s) {
             s.block.transactions.emplace_back(valid_coinbase(22));
             set_root(s);
         }},
        {"bad-txns-vout-empty",
         [](Scene& s) {
             change_transaction(s.block, 1, [](auto& tx) { tx.outputs.clear(); });
             set_root(s);
         }},
        {"bad-blk-sigops",
         [](Scene& s) {
             change_transaction(s.block, 1, [](auto& tx) {
                 tx.outputs[0].script_pubkey.assign(Bytes(20'001, OP_CHECKSIG));
             });
             set_root(s);
         }},
    };
    for (const auto& [reason, break_it] : rules) {
        Scene scene;
        break_it(scene);
        BOOST_TEST(scene.check() == reason);
    }
}

BOOST_AUTO_TEST_CASE(check_block__body_not_as_committed__is_mutated_not_invalid) {
    Scene scene;
    scene.block.transactions.pop_back();
    BOOST_CHECK(check_block(scene.block, scene.params).error().kind == Reject::Kind::Mutated);
}

/// 64 bytes can be two hashes: then the header may be that of a longer list. Core: IsBlockMutated.
BOOST_AUTO_TEST_CASE(check_block__no_coinbase_and_64_bytes__is_mutated) {
    for (const size_t script_bytes : {3, 4, 5}) {
        Scene scene;
        scene.block.transactions.erase(scene.block.transactions.begin());
        change_transaction(scene.block, 0, [&](auto& tx) {
            tx.outputs[0].script_pubkey.resize_for_overwrite(script_bytes);
        });
        set_root(scene);
        const bool node_size = scene.block.transactions[0].stripped_bytes == 64;
        BOOST_TEST(node_size == (script_bytes == 4));
        const Result<> verdict = check_block(scene.block, scene.params);
        BOOST_TEST(reason_of(verdict) == "bad-cb-missing");
        BOOST_CHECK(
            verdict.error().kind == (node_size ? Reject::Kind::Mutated : Reject::Kind::Invalid));
    }
}

/// Of two rules that are broken the reference names the first of these.
BOOST_AUTO_TEST_CASE(check_block__all_rules_broken__are_named_in_order) {
    const std::pair<std::string_view, BreakIt> rules[] = {
        {"bad-signet-blksig", [](Scene& s) { s.params.challenge.clear(); }},
        {"bad-txnmrklroot",
         [](Scene& s) {
             s.block.transactions.push_back(s.block.transactions.back());
             set_root(s);
         }},
        {"bad-txns-duplicate",
         [](Scene& s) {
             s.block.transactions.pop_back();
             set_root(s);
         }},
        {"bad-blk-length", [](Scene& s) { s.params.max_block_weight = 4'000'000; }},
        {"bad-cb-missing",
         [](Scene& s) {
             s.block.transactions[0] = SealedTransaction(valid_coinbase(21));
             set_root(s);
         }},
        {"bad-cb-multiple",
         [](Scene& s) {
             s.block.transactions.erase(s.block.transactions.begin() + 1);
             set_root(s);
         }},
        {"bad-txns-vout-negative",
         [](Scene& s) {
             change_transaction(s.block, 1, [](auto& tx) { tx.outputs[0].value = 1; });
             set_root(s);
         }},
        {"bad-blk-sigops",
         [](Scene& s) {
             change_transaction(s.block, 1, [](auto& tx) { tx.outputs[0].script_pubkey.clear(); });
             set_root(s);
         }},
        {"", [](Scene&) {}},
    };
    Scene scene;
    Transaction payment = scene.block.transactions[1];
    payment.outputs[0] = {.value = -1, .script_pubkey = Script(Bytes(20'001, OP_CHECKSIG))};
    const SealedTransaction coinbase(valid_coinbase(22));
    scene.block.transactions = {SealedTransaction(payment), coinbase, SealedTransaction(payment)};
    scene.params.challenge = Script(Bytes{OP_0});
    scene.params.max_block_weight = 400;
    for (const auto& [reason, mend_it] : rules) {
        BOOST_TEST(scene.check() == reason);
        mend_it(scene);
    }
}

BOOST_AUTO_TEST_CASE(check_block__20000_sigops__pass) {
    Scene scene;
    change_transaction(scene.block, 1, [](auto& tx) {
        tx.outputs[0].script_pubkey.assign(Bytes(20'000, OP_CHECKSIG));
    });
    set_root(scene);
    BOOST_TEST(scene.check() == "");
}

BOOST_AUTO_TEST_CASE(accept_block__one_rule_broken__names_that_rule) {
    const std::pair<std::string_view, BreakIt> rules[] = {
        {"bad-txns-nonfinal",
         [](Scene& s) {
             change_transaction(s.block, 1, [](auto& tx) {
                 tx.lock_time = 21;
                 tx.inputs[0].sequence = 0;
             });
             commit(s.block);
         }},
        {"bad-txns-nonfinal", // BIP-0113: the block's own time doesn't count
         [](Scene& s) {
             change_transaction(s.block, 1, [&](auto& tx) {
                 tx.lock_time = static_cast<uint32_t>(s.parent->median_time_past());
                 tx.inputs[0].sequence = 0;
             });
             commit(s.block);
         }},
        {"bad-cb-height",
         [](Scene& s) {
             change_transaction(s.block, 0, [](auto& tx) { tx.inputs[0].script_sig[1] = 20; });
         }},
        {"bad-cb-height",
         [](Scene& s) {
             change_transaction(s.block, 0, [](auto& tx) { tx.inputs[0].script_sig.clear(); });
         }},
        {"bad-witness-nonce-size",
         [](Scene& s) {
             change_transaction(s.block, 0, [](auto& tx) {
                 tx.inputs[0].witness.clear();
                 tx.inputs[0].witness.push_back(Bytes(31));
             });
         }},
        {"bad-witness-nonce-size",
         [](Scene& s) {
             change_transaction(s.block, 0, [](auto& tx) { tx.inputs[0].witness.push_back({}); });
         }},
        {"bad-witness-merkle-match",
         [](Scene& s) {
             change_transaction(
                 s.block, 1, [](auto& tx) { tx.inputs[0].witness.push_back(Bytes{1}); });
         }},
        {"unexpected-witness",
         [](Scene& s) { change_transaction(s.block, 0, [](auto& tx) { tx.outputs.pop_back(); }); }},
        {"unexpected-witness", [](Scene& s) { s.params.activation.segwit = 22; }},
        {"bad-blk-weight",
         [](Scene& s) {
             change_transaction(
                 s.block, 1, [](auto& tx) { tx.inputs[0].witness.push_back(Bytes(4'000'000)); });
             commit(s.block);
         }},
    };
    for (const auto& [reason, break_it] : rules) {
        Scene scene;
        break_it(scene);
        BOOST_TEST(scene.accept() == reason);
    }
}

/// Of two rules that are broken the reference names the first of these.
BOOST_AUTO_TEST_CASE(accept_block__all_rules_broken__are_named_in_order) {
    const auto change_coinbase = [](Scene& s, auto change) {
        change_transaction(s.block, 0, change);
    };
    const std::pair<std::string_view, BreakIt> rules[] = {
        {"bad-txns-nonfinal",
         [](Scene& s) { change_transaction(s.block, 1, [](auto& tx) { tx.lock_time = 0; }); }},
        {"bad-cb-height",
         [&](Scene& s) { change_coinbase(s, [](auto& tx) { tx.inputs[0].script_sig[1] = 21; }); }},
        {"bad-witness-nonce-size",
         [&](Scene& s) {
             change_coinbase(s, [](auto& tx) {
                 tx.inputs[0].witness.clear();
                 tx.inputs[0].witness.push_back(Bytes(32));
             });
         }},
        {"bad-witness-merkle-match", [](Scene& s) { commit(s.block); }},
        {"bad-blk-weight", [](Scene& s) { s.params.max_block_weight = 5'000'000; }},
        {"", [](Scene&) {}},
    };
    Scene scene;
    change_transaction(scene.block, 1, [](auto& tx) {
        tx.lock_time = 21;
        tx.inputs[0].sequence = 0;
        tx.inputs[0].witness.push_back(Bytes(4'000'000));
    });
    change_coinbase(scene, [](auto& tx) {
        tx.inputs[0].script_sig[1] = 20;
        tx.inputs[0].witness.clear();
    });
    for (const auto& [reason, mend_it] : rules) {
        BOOST_TEST(scene.accept() == reason);
        mend_it(scene);
    }
}

BOOST_AUTO_TEST_CASE(accept_header__all_rules_broken__are_named_in_order) {
    Params params = chain_params("genesis/bitcoin-testnet4.json");
    HeaderTree tree;
    const HeaderNode* parent =
        tree.extend(tree.add(nullptr, 1'000'000, 0x1d00ffff), 2014, 600, 0x1d00ffff);
    parent = tree.add(parent, parent->header.time + 10'000, 0x1d00ffff);
    BlockHeader header{.version = 1, .time = static_cast<uint32_t>(parent->median_time_past())};
    int64_t now = 0;
    const std::pair<std::string_view, std::function<void()>> rules[] = {
        {"bad-diffbits", [&] { header.bits = next_bits(*parent, header.time, params); }},
        {"time-too-old", [&] { ++header.time; }},
        {"time-timewarp-attack", [&] { header.time = parent->header.time - 600; }},
        {"time-too-new", [&] { now = header.time; }},
        {"bad-version(0x00000001)", [&] { header.version = 4; }},
        {"", [] {}},
    };
    for (const auto& [reason, mend] : rules) {
        BOOST_TEST(reason_of(accept_header(header, *parent, params, now)) == reason);
        mend();
    }
}

BOOST_AUTO_TEST_CASE(accept_block__rules_before_their_heights__do_not_hold) {
    Scene scene;
    change_transaction(scene.block, 0, [](auto& tx) {
        tx.inputs[0].script_sig[1] = 20;
        tx.inputs[0].witness.clear();
        tx.outputs[1].script_pubkey.assign(witness_commitment_script({})); // matches nothing
    });
    change_transaction(scene.block, 1, [&](auto& tx) {
        tx.inputs[0].witness.clear();
        tx.inputs[0].sequence = 0;
        tx.lock_time = static_cast<uint32_t>(scene.parent->median_time_past());
    });
    BOOST_TEST(scene.accept() != "");
    scene.params.activation = {.bip34 = 22, .bip66 = 22, .bip65 = 22, .csv = 22, .segwit = 22};
    BOOST_TEST(scene.accept() == "");
}

BOOST_AUTO_TEST_CASE(witness_commitment_index__several__is_the_last) {
    Transaction tx = valid_coinbase(1);
    BOOST_TEST(!witness_commitment_index(tx).has_value());
    const Script script = witness_commitment_script({});
    tx.outputs.push_back({.value = 0, .script_pubkey = script});
    tx.outputs.push_back({.value = 0, .script_pubkey = script});
    tx.outputs[2].script_pubkey.push_back(OP_0); // what follows is left to later rules
    Script short_one = script;
    short_one.assign(ByteView(script).first(37));
    tx.outputs.push_back({.value = 0, .script_pubkey = short_one});
    BOOST_TEST(witness_commitment_index(tx).value() == 2U);
}

BOOST_AUTO_TEST_CASE(connect_coinbase__claim__is_at_most_subsidy_and_fees) {
    const Params params = regtest();
    HeaderNode node({}, {}, nullptr);
    const auto connect = [&](Amount claimed, Height height) {
        node.height = height;
        ConnectState state(node, params);
        state.fees = 7;
        return reason_of(connect_coinbase(state, valid_coinbase(height, claimed)));
    };
    BOOST_TEST(connect(50 * COIN + 7, 149) == "");
    BOOST_TEST(connect(50 * COIN + 8, 149) == "bad-cb-amount");
    BOOST_TEST(connect(25 * COIN + 7, 150) == "");
    BOOST_TEST(connect(25 * COIN + 8, 150) == "bad-cb-amount");
}

namespace {

/// The payment of a Scene's block, and the coins that it spends.
struct Payment {
    Scene scene;
    HeaderNode node{scene.block.header, scene.block.header.hash(), scene.parent};
    ConnectState state{node, scene.params};
    Transaction tx = scene.block.transactions[1];
    std::vector<Coin> coins = {{.out = {.value = 2 * COIN, .script_pubkey = {}}, .height = 5}};

    Result<> connect() { return connect_transaction(state, SealedTransaction(tx), coins); }
};

} // namespace

BOOST_AUTO_TEST_CASE(connect_transaction__valid__adds_its_fee_and_sigops) {
    Payment payment;
    payment.tx.outputs[0].script_pubkey = Script(Bytes{OP_CHECKSIG});
    BOOST_TEST(reason_of(payment.connect()) == "");
    BOOST_CHECK(payment.state.fees == Amount(COIN));
    BOOST_TEST(payment.state.sigop_cost == 4);
    const SealedTransaction& coinbase = payment.scene.block.transactions[0];
    BOOST_TEST(reason_of(connect_transaction(payment.state, coinbase, {})) == "");
}

BOOST_AUTO_TEST_CASE(connect_transaction__one_rule_broken__names_that_rule) {
    const std::pair<std::string_view, void (*)(Payment&)> rules[] = {
        {"bad-txns-inputs-missingorspent", [](auto& p) { p.coins.clear(); }},
        {"bad-txns-premature-spend-of-coinbase", [](auto& p) { p.coins[0].coinbase = true; }},
        {"bad-txns-inputvalues-outofrange", [](auto& p) { p.coins[0].out.value = -1; }},
        {"bad-txns-in-belowout", [](auto& p) { p.coins[0].out.value = COIN - 1; }},
        {"bad-txns-accumulated-fee-outofrange",
         [](auto& p) { p.state.fees = MAX_MONEY - Amount(COIN) + Amount(1); }},
        {"bad-txns-nonfinal", [](auto& p) { p.tx.inputs[0].sequence = 17; }}, // block 22 at last
        {"bad-blk-sigops", [](auto& p) { p.state.sigop_cost = 80'001; }},
    };
    for (const auto& [reason, break_it] : rules) {
        Payment payment;
        break_it(payment);
        const Result<> verdict = payment.connect();
        BOOST_TEST(reason_of(verdict) == reason);
        BOOST_CHECK(verdict.error().kind == Reject::Kind::Invalid); // whatever else it may become
    }
}

/// Of two rules that are broken the reference names the first of these.
BOOST_AUTO_TEST_CASE(connect_transaction__all_rules_broken__are_named_in_order) {
    Payment payment;
    Amount fees = MAX_MONEY;
    const Coin bad{.out = {.value = -1, .script_pubkey = {}}, .height = 5, .coinbase = true};
    const std::pair<std::string_view, std::function<void()>> rules[] = {
        {"bad-txns-inputs-missingorspent", [&] { payment.coins = {bad}; }},
        {"bad-txns-premature-spend-of-coinbase", [&] { payment.coins[0].coinbase = false; }},
        {"bad-txns-inputvalues-outofrange", [&] { payment.coins[0].out.value = 1; }},
        {"bad-txns-in-belowout", [&] { payment.coins[0].out.value = 2 * COIN; }},
        {"bad-txns-accumulated-fee-outofrange", [&] { fees = 0; }},
        {"bad-txns-nonfinal", [&] { payment.tx.inputs[0].sequence = 16; }},
        {"bad-blk-sigops", [&] { payment.state.sigop_cost = 0; }},
        {"", [] {}},
    };
    payment.coins.clear();
    payment.tx.inputs[0].sequence = 17;
    payment.state.sigop_cost = 80'001;
    for (const auto& [reason, mend] : rules) {
        payment.state.fees = fees;
        BOOST_TEST(reason_of(payment.connect()) == reason);
        mend();
    }
}

BOOST_AUTO_TEST_CASE(connect_transaction__relative_lock_before_csv__does_not_hold) {
    Payment payment;
    payment.tx.inputs[0].sequence = 17;
    payment.scene.params.activation.csv = 22;
    BOOST_TEST(reason_of(payment.connect()) == "");
}

BOOST_AUTO_TEST_CASE(block_script_flags__mainnet_heights__switch_each_rule_on) {
    const Params params = chain_params("genesis/bitcoin-mainnet.json");
    const uint32_t base = VERIFY_P2SH | VERIFY_WITNESS | VERIFY_TAPROOT;
    const auto flags = [&](int32_t height) { return block_script_flags({}, height, params); };
    BOOST_TEST(flags(1) == base);
    BOOST_TEST(flags(363'724) == base);
    BOOST_TEST(flags(363'725) == (base | VERIFY_DERSIG));
    const uint32_t dersig_cltv = base | VERIFY_DERSIG | VERIFY_CHECKLOCKTIMEVERIFY;
    BOOST_TEST(flags(388'381) == dersig_cltv);
    BOOST_TEST(flags(419'328) == (dersig_cltv | VERIFY_CHECKSEQUENCEVERIFY));
    BOOST_TEST(flags(481'824) == MANDATORY_FLAGS);
}

BOOST_AUTO_TEST_CASE(block_script_flags__exceptions__by_block_hash) {
    const Params params = chain_params("genesis/bitcoin-mainnet.json");
    const auto flags = [&](const char* hash, int32_t height) {
        return block_script_flags(BlockHash::from_string(hash).value(), height, params);
    };
    BOOST_TEST(
        flags("00000000000002dc756eebf4f49723ed8d30cc28a5f108eb94b1ba88ac4f9c22", 170'060) ==
        VERIFY_NONE);
    BOOST_TEST(
        flags("0000000000000000000f14c35b2d841e986ab5441de8c585d5ffe55ea1e395ad", 692'261) ==
        (MANDATORY_FLAGS & ~VERIFY_TAPROOT));
}

namespace {

/// What is said of the block at `node` if all that it makes were there already.
std::string overwriting_all(const HeaderNode& node, const Params& params) {
    Block block;
    block.transactions.emplace_back(valid_coinbase(node.height));
    return reason_of(
        connect_outputs(ConnectState(node, params), block, [](auto&) { return true; }));
}

} // namespace

BOOST_AUTO_TEST_CASE(connect_outputs__before_bip34__overwrite_nothing_but_for_the_two_repeats) {
    Params params = chain_params("genesis/bitcoin-mainnet.json");
    HeaderTree tree;
    const HeaderNode* early = tree.extend(tree.add(nullptr, 1), 30, 1);
    BOOST_TEST(overwriting_all(*early, params) == "bad-txns-BIP30");
    params.exceptions.bip30 = {{30, early->hash}};
    BOOST_TEST(overwriting_all(*early, params) == "");

    // After BIP-0034 on the chain that had it at the known block.
    params.activation.bip34 = 20;
    BOOST_TEST(overwriting_all(*early->parent, params) == "bad-txns-BIP30");
    params.exceptions.bip34_hash = early->ancestor(20)->hash;
    BOOST_TEST(overwriting_all(*early->parent, params) == "");
    BOOST_TEST(overwriting_all(*early->ancestor(20), params) == "bad-txns-BIP30");

    // Where every coinbase holds its height, nothing is looked up.
    BOOST_TEST(overwriting_all(*early, chain_params("genesis.json")) == "");
}

BOOST_AUTO_TEST_CASE(connect_outputs__heights_foretold_before_bip34__are_looked_up_again) {
    Params params = chain_params("genesis/bitcoin-mainnet.json");
    params.activation.bip34 = 2;
    HeaderTree tree;
    const HeaderNode* node = tree.extend(tree.add(nullptr, 1), 1'983'701, 0);
    params.exceptions.bip34_hash = node->ancestor(2)->hash;
    BOOST_TEST(overwriting_all(*node, params) == "");
    BOOST_TEST(overwriting_all(*tree.add(node, 1), params) == "bad-txns-BIP30");
}

BOOST_AUTO_TEST_CASE(connect_outputs__any_output_of_any_transaction__counts) {
    const Params params = chain_params("genesis/bitcoin-mainnet.json");
    HeaderTree tree;
    const HeaderNode* node = tree.extend(tree.add(nullptr, 1), 3, 1);
    const Block block = valid_block(*node->parent);
    const OutPoint last{block.transactions[1].txid, 0};
    const auto connect = [&](const OutPoint& taken) {
        return reason_of(connect_outputs(
            ConnectState(*node, params), block, [&](auto& point) { return point == taken; }));
    };
    BOOST_TEST(connect(last) == "bad-txns-BIP30");
    BOOST_TEST(connect({last.txid, 1}) == "");
}

BOOST_AUTO_TEST_SUITE_END()
