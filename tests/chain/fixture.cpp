// SPDX-License-Identifier: MIT
#include "tests/chain/fixture.h"

#include "consensus/block_rules.h"
#include "consensus/pow.h"

namespace cairn::tests {

using consensus::SealedTransaction;

Params test_params() {
    Params params;
    params.name = "test";
    params.directory = "test";
    params.magic = {0xfa, 0xbf, 0xb5, 0xda};
    params.pow_limit = *consensus::target_of(0x207fffff);
    params.pow = consensus::FixedRule{600};
    params.subsidy = 50 * consensus::COIN;
    params.halving_interval = 1'000'000;
    params.coinbase_maturity = MATURITY;
    params.max_tip_age = 0;

    Transaction coinbase;
    coinbase.inputs.emplace_back().prevout.index = OutPoint::NULL_INDEX;
    coinbase.inputs[0].script_sig = Script(consensus::as_bytes("cairn tests"));
    coinbase.outputs.push_back({params.subsidy, anyone_script()});
    Block& genesis = params.genesis;
    genesis.header.version = 4;
    genesis.header.time = START_TIME - 1'000'000;
    genesis.header.bits = 0x207fffff;
    genesis.transactions.emplace_back(std::move(coinbase));
    genesis.header.merkle_root = consensus::merkle_root(genesis);
    solve(genesis);
    params.genesis_hash = genesis.header.hash();
    return params;
}

Script anyone_script() {
    const uint8_t always = consensus::OP_1;
    Script script;
    consensus::push_opcode(script, consensus::OP_0);
    consensus::push_data(script, consensus::sha256({&always, 1}).bytes);
    return script;
}

void solve(Block& block) {
    const consensus::Uint256 target = *consensus::target_of(block.header.bits);
    while (consensus::to_number(block.header.hash()) > target) ++block.header.nonce;
}

Block make_block(
    const consensus::HeaderNode& parent,
    const Params& params,
    const std::vector<TransactionRef>& transactions,
    Amount fees,
    uint32_t salt) {
    const Height height = parent.height + Height(1);
    Transaction coinbase;
    consensus::TxIn& in = coinbase.inputs.emplace_back();
    in.prevout.index = OutPoint::NULL_INDEX;
    consensus::push_number(in.script_sig, height.value);
    consensus::push_number(in.script_sig, salt);
    in.witness.push_back(Hash256{}.bytes);
    coinbase.outputs.push_back({block_subsidy(height, params) + fees, anyone_script()});
    coinbase.outputs.push_back({0, consensus::witness_commitment_script({})});
    Block block;
    block.header.version = 4;
    block.header.prev_hash = parent.hash;
    block.header.time = static_cast<uint32_t>(
        std::max<int64_t>(parent.median_time_past() + 1, parent.header.time + 1));
    block.header.bits = 0x207fffff;
    block.transactions.emplace_back(std::move(coinbase));
    for (const TransactionRef& tx : transactions) block.transactions.push_back(*tx);
    regenerate_commitments(block);
    solve(block);
    return block;
}

BlockRef finish(Block block) {
    regenerate_commitments(block);
    solve(block);
    return std::make_shared<const Block>(std::move(block));
}

Transaction spend(const std::vector<OutPoint>& points, std::vector<TxOut> outputs) {
    const uint8_t always = consensus::OP_1;
    Transaction tx;
    for (const OutPoint& point : points) {
        consensus::TxIn& in = tx.inputs.emplace_back();
        in.prevout = point;
        in.witness.push_back({&always, 1});
    }
    tx.outputs = std::move(outputs);
    return tx;
}

Hash256 coins_hash(const std::filesystem::path& directory, const Params& params) {
    const Store store(directory / "chainstate", params, 1 << 20);
    consensus::Sha256 hasher;
    CoinCursor coins = store.coins();
    while (const auto next = coins.next()) {
        const auto& [point, coin] = *next;
        const std::string index = std::to_string(point.index);
        hasher.write(point.txid.bytes).write(consensus::as_bytes(index)).write(encode_coin(coin));
    }
    return hasher.finish();
}

TestChain::TestChain(Params params) : params_(std::move(params)) {
    options_.directory = folder_.path();
    options_.cache_bytes = 64 << 20;
    options_.verify_threads = 2;
    options_.now = [this] { return now; };
    if (const char* blocks = std::getenv("CAIRN_BLOCKS_IN_FLIGHT"))
        options_.blocks_in_flight = std::strtoul(blocks, nullptr, 10);
}

void TestChain::open() {
    chain_ = std::make_unique<Chain>(params_, options_);
    chain_->start();
    wait();
}

void TestChain::close() {
    chain_.reset();
}

BlockOutcome TestChain::submit(const BlockRef& block, bool requested) {
    std::promise<BlockOutcome> done;
    chain_->accept_block(
        block, requested, [&done](const BlockOutcome& outcome) { done.set_value(outcome); });
    return done.get_future().get();
}

HeadersOutcome TestChain::submit_headers(std::vector<BlockHeader> headers) {
    std::promise<HeadersOutcome> done;
    chain_->accept_headers(
        std::move(headers), [&done](const HeadersOutcome& outcome) { done.set_value(outcome); });
    return done.get_future().get();
}

Result<Accepted> TestChain::pay(const Transaction& tx, AcceptOptions options) {
    std::promise<Result<Accepted>> done;
    chain_->accept_transaction(
        consensus::make_transaction(tx), options,
        [&done](const Result<Accepted>& accepted) { done.set_value(accepted); });
    return done.get_future().get();
}

Result<> TestChain::invalidate(const BlockNode& node) {
    std::promise<Result<>> done;
    chain_->invalidate_block(node, [&done](const Result<>& verdict) { done.set_value(verdict); });
    return done.get_future().get();
}

Result<> TestChain::reconsider(const BlockNode& node) {
    std::promise<Result<>> done;
    chain_->reconsider_block(node, [&done](const Result<>& verdict) { done.set_value(verdict); });
    return done.get_future().get();
}

Result<> TestChain::precious(const BlockNode& node) {
    std::promise<Result<>> done;
    chain_->precious_block(node, [&done](const Result<>& verdict) { done.set_value(verdict); });
    return done.get_future().get();
}

Result<> TestChain::test_block(const Block& block) {
    std::promise<Result<>> done;
    chain_->test_block(std::make_shared<const Block>(block), [&done](const Result<>& verdict) {
        done.set_value(verdict);
    });
    return done.get_future().get();
}

void TestChain::prioritise(const Txid& txid, Amount delta) {
    std::promise<void> done;
    chain_->prioritise(txid, delta, [&done] { done.set_value(); });
    done.get_future().get();
}

BlockTemplate TestChain::make_template(Script payout) {
    std::promise<BlockTemplate> done;
    chain_->make_template(
        std::move(payout), [&done](const BlockTemplate& made) { done.set_value(made); });
    return done.get_future().get();
}

Result<> TestChain::import(std::vector<std::filesystem::path> files) {
    std::promise<Result<>> done;
    chain_->import_blocks(
        std::move(files), [&done](const Result<>& verdict) { done.set_value(verdict); });
    return done.get_future().get();
}

void TestChain::wait() {
    std::promise<void> done;
    chain_->after_all([&done] { done.set_value(); });
    done.get_future().get();
}

BlockRef TestChain::mine(int count) {
    BlockRef last;
    for (int i = 0; i < count; ++i) {
        const BlockTemplate made = make_template();
        solve(*made.block);
        last = made.block;
        const BlockOutcome outcome = submit(last);
        BOOST_REQUIRE_MESSAGE(outcome.verdict, reason_of(outcome.verdict));
        BOOST_REQUIRE(outcome.on_active_chain);
    }
    return last;
}

std::vector<OutPoint> TestChain::mature_coins(int count) {
    const Height first = tip().height + Height(1);
    mine(count + MATURITY - 1);
    std::vector<OutPoint> points;
    for (int i = 0; i < count; ++i) {
        const BlockNode* node = chain_->view().at(first + Height(i));
        points.push_back({chain_->read_block(*node)->transactions[0].txid, 0});
    }
    return points;
}

} // namespace cairn::tests
