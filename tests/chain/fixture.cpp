// SPDX-License-Identifier: MIT
#include "tests/chain/fixture.h"

#include "chain/coin_statistics.h"
#include "consensus/block_rules.h"
#include "consensus/pow.h"

#include <set>

namespace cairn::tests {

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

namespace {

Hash256 hash_of(CoinCursor& coins) {
    CoinStatistics sum(CoinHash::Serialized);
    while (const auto next = coins.next()) sum.add(next->first, next->second);
    return *sum.hash();
}

} // namespace

Hash256 coins_hash(const std::filesystem::path& directory, const Params& params) {
    const Store store({directory / "chainstate"}, params);
    CoinCursor coins = store.coins();
    return hash_of(coins);
}

std::pair<Hash256, const BlockNode*> coins_hash(Chain& chain) {
    std::promise<CoinScan> made;
    chain.scan_coins([&made](const CoinScan& scan) { made.set_value(scan); });
    const CoinScan scan = made.get_future().get();
    return {hash_of(*scan.coins), scan.tip};
}

void keep_all_indexes(ChainOptions& options) {
    for (const IndexRow& row : index_table()) options.*row.option = true;
}

IndexRows index_rows(
    const std::filesystem::path& directory,
    const Params& params,
    const std::vector<BlockRef>& blocks) {
    const Store store({directory / "chainstate"}, params);
    std::set<Hash256> hashes{params.genesis_hash};
    for (const BlockRef& block : blocks) hashes.insert(block->header.hash());
    IndexRows all;
    for (const IndexRow& row : index_table())
        store.visit(row.column, {}, [&](ByteView key, ByteView value) {
            const bool of_block = row.follow && key.size() > 32; // these stay for blocks that left
            Hash256 hash;
            if (of_block) std::copy(key.end() - 32, key.end(), hash.bytes.begin());
            if (of_block && !hashes.contains(hash)) return true;
            all[std::string(row.name)].emplace_back(
                Bytes(key.begin(), key.end()), Bytes(value.begin(), value.end()));
            return true;
        });
    return all;
}

TestChain::~TestChain() {
    close();
}

TestChain::TestChain(Params params) : params_(std::move(params)) {
    options_.directory = folder_.path();
    options_.cache_bytes = 64 << 20;
    options_.verify_threads = 2;
    options_.now = [this] { return now.load(); };
    options_.blocks_in_flight = setting("CAIRN_BLOCKS_IN_FLIGHT", options_.blocks_in_flight);
}

void TestChain::open() {
    chain_ = std::make_unique<Chain>(params_, options_);
    ended_ = false;
    end_ = {};
    stopper_ = std::jthread([this, end = end_.get_future()]() mutable {
        failure_ = end.get();
        chain_->stop();
    });
    chain_->on_fatal([this](const std::string& message) {
        if (!ended_.exchange(true)) end_.set_value(message);
    });
    chain_->start();
    wait();
}

void TestChain::close() {
    if (!chain_) return;
    chain_->stop();
    if (!ended_.exchange(true)) end_.set_value({});
    stopper_.join();
    chain_.reset();
}

/// What the chain answers to `function`. Throws std::future_error if it stops before.
template <class T, class Function, class... Arguments>
T TestChain::ask(Function function, Arguments&&... arguments) {
    auto promise = std::make_shared<std::promise<T>>();
    std::future<T> answer = promise->get_future();
    auto done = [promise](const auto&... value) { promise->set_value(value...); };
    std::invoke(function, *chain_, std::forward<Arguments>(arguments)..., std::move(done));
    promise.reset(); // a chain that drops the function breaks the promise
    return answer.get();
}

BlockOutcome TestChain::submit(const BlockRef& block, bool requested) {
    return ask<BlockOutcome>(&Chain::accept_block, block, requested);
}

HeadersOutcome TestChain::submit_headers(std::vector<BlockHeader> headers) {
    return ask<HeadersOutcome>(&Chain::accept_headers, std::move(headers));
}

Result<Accepted> TestChain::pay(const Transaction& tx, AcceptOptions options) {
    return ask<Result<Accepted>>(
        &Chain::accept_transaction, consensus::make_transaction(tx), options);
}

PackageOutcome
TestChain::submit_package(const std::vector<Transaction>& package, AcceptOptions options) {
    std::vector<TransactionRef> transactions;
    transactions.reserve(package.size());
    for (const Transaction& tx : package) transactions.push_back(consensus::make_transaction(tx));
    return ask<PackageOutcome>(&Chain::accept_package, std::move(transactions), options);
}

Result<> TestChain::invalidate(const BlockNode& node) {
    return ask<Result<>>(&Chain::invalidate_block, node);
}

Result<> TestChain::reconsider(const BlockNode& node) {
    return ask<Result<>>(&Chain::reconsider_block, node);
}

Result<> TestChain::precious(const BlockNode& node) {
    return ask<Result<>>(&Chain::precious_block, node);
}

Result<> TestChain::test_block(const Block& block) {
    return ask<Result<>>(&Chain::test_block, std::make_shared<const Block>(block));
}

void TestChain::prioritise(const Txid& txid, Amount delta) {
    ask<void>(&Chain::prioritise, txid, delta);
}

BlockTemplate TestChain::make_template(Script payout) {
    return ask<BlockTemplate>(&Chain::make_template, std::move(payout));
}

Result<> TestChain::import(std::vector<std::filesystem::path> files) {
    return ask<Result<>>(&Chain::import_blocks, std::move(files));
}

void TestChain::export_to(const std::filesystem::path& file) {
    ask<void>(&Chain::export_blocks, file);
}

Height TestChain::prune(Height last) {
    wait_for_indexes(); // what they still need is kept
    return ask<Height>(&Chain::prune, last);
}

void TestChain::wait() {
    ask<void>(&Chain::after_all);
}

void TestChain::wait_for_mempool() {
    while (!chain_->mempool_loaded()) wait(); // read by a thread of its own
}

void TestChain::wait_for_indexes() {
    // Far behind the best header they follow what is on disk, which is the tip after open().
    const bool behind = chain_->best_header().height > tip().height;
    const auto there = [this, behind](const Indexer::Status& index) {
        return index.synced || (behind && index.best && index.best->descends_from(tip()));
    };
    while (!ended_ && !std::ranges::all_of(chain_->indexes().status(), there))
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    for (size_t i = 0; i < index_table().size(); ++i)
        if (const auto id = static_cast<IndexId>(i); chain_->indexes().enabled(id))
            (void)chain_->indexes().catch_up(id);
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

std::vector<BlockRef> make_branch(
    TestChain& test,
    const consensus::HeaderNode& parent,
    int length,
    uint32_t salt,
    std::vector<TransactionRef> transactions) {
    std::vector<BlockRef> branch;
    std::vector<std::unique_ptr<consensus::HeaderNode>> nodes;
    const consensus::HeaderNode* at = &parent;
    for (int i = 0; i < length; ++i) {
        branch.push_back(std::make_shared<const Block>(
            make_block(*at, test.params(), std::exchange(transactions, {}), 0, salt)));
        const BlockHeader& header = branch.back()->header;
        nodes.push_back(std::make_unique<consensus::HeaderNode>(header, header.hash(), at));
        at = nodes.back().get();
    }
    return branch;
}

BuriedBlock bury_bad_script(TestChain& source) {
    const OutPoint coin = source.mature_coins(1)[0];
    Transaction unsigned_spend = spend({coin}, {{1'000'000, anyone_script()}});
    unsigned_spend.inputs[0].witness.clear();
    const BlockNode& fork = source.tip();
    const auto bad = std::make_shared<const Block>(
        make_block(fork, source.params(), {consensus::make_transaction(unsigned_spend)}));
    const consensus::HeaderNode bad_node(bad->header, bad->header.hash(), &fork);
    return {&fork, bad, make_branch(source, bad_node, 14 * 144 + 1, 0)};
}

} // namespace cairn::tests
