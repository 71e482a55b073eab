// SPDX-License-Identifier: MIT
#include "tests/wallet/fake_node.h"

#include "consensus/block_filter.h"
#include "consensus/chain_file.h"
#include "consensus/serialize.h"
#include "consensus/standard.h"
#include "tests/vectors.h"

namespace cairn::wallet {

namespace json = boost::json;
using consensus::Transaction;

FakeNode::FakeNode(const consensus::Params& params) {
    Entry genesis{params.genesis, params.genesis_hash, {}};
    genesis.filter = consensus::build_basic_filter(genesis.block, genesis.hash, {});
    for (const auto& tx : genesis.block.transactions)
        for (uint32_t i = 0; i < tx.outputs.size(); ++i) outputs_[{tx.txid, i}] = tx.outputs[i];
    chain_.push_back(std::move(genesis));
}

BlockHash FakeNode::mine(const Script& script, Amount amount, std::vector<Transaction> others) {
    Transaction coinbase;
    coinbase.inputs.emplace_back();
    coinbase.inputs[0].prevout.index = OutPoint::NULL_INDEX;
    consensus::push_number(coinbase.inputs[0].script_sig, height().value + 1);
    consensus::push_number(coinbase.inputs[0].script_sig, ++salt_);
    coinbase.outputs.push_back({amount, script});

    Entry entry;
    entry.block.header.version = 4;
    entry.block.header.prev_hash = chain_.back().hash;
    entry.block.header.time = chain_.back().block.header.time + 15;
    entry.block.transactions.emplace_back(std::move(coinbase));
    for (Transaction& tx : others) entry.block.transactions.emplace_back(std::move(tx));
    entry.block.header.merkle_root = consensus::merkle_root(entry.block);
    entry.hash = entry.block.header.hash();
    std::vector<Script> spent;
    for (const auto& tx : entry.block.transactions) {
        mempool.erase(tx.txid);
        for (const auto& input : tx.inputs)
            if (!input.prevout.is_null()) spent.push_back(outputs_.at(input.prevout).script_pubkey);
        for (uint32_t i = 0; i < tx.outputs.size(); ++i) outputs_[{tx.txid, i}] = tx.outputs[i];
    }
    entry.filter = consensus::build_basic_filter(entry.block, entry.hash, spent);
    chain_.push_back(std::move(entry));
    return chain_.back().hash;
}

void FakeNode::mine_empty(int count) {
    for (int i = 0; i < count; ++i) mine(foreign_script(), consensus::COIN);
}

void FakeNode::wait(const Transaction& tx) {
    const consensus::TransactionRef sealed = consensus::make_transaction(tx);
    for (uint32_t i = 0; i < tx.outputs.size(); ++i) outputs_[{sealed->txid, i}] = tx.outputs[i];
    mempool[sealed->txid] = sealed;
}

void FakeNode::mine_mempool() {
    std::vector<Transaction> waiting;
    for (const auto& [txid, tx] : mempool) waiting.push_back(*tx);
    mine(foreign_script(), consensus::COIN, std::move(waiting));
}

void FakeNode::drop_blocks(int count, bool back_to_mempool) {
    for (int i = 0; i < count; ++i) {
        for (const auto& tx : chain_.back().block.transactions)
            if (back_to_mempool && !tx.is_coinbase())
                mempool[tx.txid] = consensus::make_transaction(tx);
        chain_.pop_back();
    }
}

const FakeNode::Entry& FakeNode::entry(const json::value& hash) const {
    for (const Entry& one : chain_)
        if (one.hash.to_string() == hash.as_string()) return one;
    throw RpcError(-5, "Block not found");
}

json::value FakeNode::accept(const json::value& hex) {
    if (refusal) throw *refusal;
    const auto bytes = consensus::from_hex(hex.as_string());
    auto tx = std::make_shared<const consensus::SealedTransaction>(
        *consensus::decode<consensus::SealedTransaction>(*bytes));
    for (const auto& input : tx->inputs) {
        const auto rival = std::ranges::find_if(mempool, [&](const auto& other) {
            return std::ranges::any_of(
                other.second->inputs, [&](const auto& in) { return in.prevout == input.prevout; });
        });
        if (!outputs_.contains(input.prevout) || rival != mempool.end())
            throw RpcError(-25, "bad-txns-inputs-missingorspent");
    }
    wait(*tx);
    return json::string(tx->txid.to_string());
}

json::value FakeNode::answer(std::string_view method, const json::array& params) {
    if (method == "getblockhash") {
        const auto at = static_cast<size_t>(params.at(0).as_int64());
        if (at >= chain_.size()) throw RpcError(-8, "Block height out of range");
        return json::string(chain_[at].hash.to_string());
    }
    if (method == "getblockchaininfo")
        return json::object{
            {"blocks", height().value},
            {"headers", height().value},
            {"initialblockdownload", behind}};
    if (method == "getblockheader")
        return json::string(consensus::to_hex(consensus::encode(entry(params.at(0)).block.header)));
    if (method == "getblockfilter")
        return json::object{{"filter", consensus::to_hex(entry(params.at(0)).filter)}};
    if (method == "getblock") {
        blocks_fetched.insert(std::string(params.at(0).as_string()));
        return json::string(consensus::to_hex(consensus::encode(entry(params.at(0)).block)));
    }
    if (method == "getblockcount") return height().value;
    if (method == "getmempoolentry") {
        if (!mempool.contains(*Txid::from_string(params.at(0).as_string())))
            throw RpcError(-5, "Transaction not in mempool");
        return json::object{};
    }
    if (method == "getmempoolinfo")
        return json::object{{"mempoolminfee", 0.000001}, {"minrelaytxfee", 0.000001}};
    if (method == "estimatesmartfee")
        return estimate ? json::object{{"feerate", *estimate}, {"blocks", 6}}
                        : json::object{{"errors", json::array{"Insufficient data"}}};
    if (method == "sendrawtransaction") return accept(params.at(0));
    if (method == "getrawmempool") {
        json::array ids;
        for (const auto& [txid, tx] : mempool) ids.emplace_back(txid.to_string());
        return ids;
    }
    if (method == "gettxspendingprevout") {
        BOOST_REQUIRE(params.at(1).at("mempool_only").as_bool());
        json::array found;
        for (const json::value& asked : params.at(0).as_array()) {
            json::object& one = found.emplace_back(asked).as_object();
            for (const auto& [txid, tx] : mempool)
                for (const auto& input : tx->inputs)
                    if (input.prevout.txid.to_string() == asked.at("txid").as_string() &&
                        input.prevout.index == asked.at("vout").to_number<uint32_t>())
                        one["spendingtxid"] = txid.to_string();
        }
        return found;
    }
    BOOST_REQUIRE(method == "getrawtransaction");
    const auto found = mempool.find(*Txid::from_string(params.at(0).as_string()));
    if (found == mempool.end()) throw RpcError(-5, "No such mempool transaction.");
    transactions_fetched.insert(std::string(params.at(0).as_string()));
    return json::string(consensus::to_hex(consensus::encode(*found->second)));
}

json::value FakeNode::call(std::string_view method, json::array params) {
    if (fail_after && --*fail_after < 0) throw RpcError(0, "lost the connection");
    return answer(method, params);
}

std::vector<json::value> FakeNode::batch(const std::vector<RpcCall>& calls) {
    if (fail_after && --*fail_after < 0) throw RpcError(0, "lost the connection");
    if (before_filters && !calls.empty() && calls[0].method == "getblockheader")
        std::exchange(before_filters, nullptr)();
    if (before_transactions && !calls.empty() && calls[0].method == "getrawtransaction")
        std::exchange(before_transactions, nullptr)();
    std::vector<json::value> replies;
    for (const RpcCall& one : calls) replies.push_back(answer(one.method, one.params));
    return replies;
}

const consensus::Params& regtest_params() {
    static const consensus::Params PARAMS = consensus::read_chain_file(
        tests::read_file(CAIRN_SOURCE_DIR "/genesis/bitcoin-regtest.json"));
    return PARAMS;
}

const consensus::Params& default_params() {
    static const consensus::Params PARAMS =
        consensus::read_chain_file(tests::read_file(CAIRN_SOURCE_DIR "/genesis.json"));
    return PARAMS;
}

std::filesystem::path make_test_wallet(
    const std::filesystem::path& folder, const consensus::Params& params, Height birthday) {
    const std::filesystem::path path = folder / "test.wallet";
    const WalletWords words{keys::SecretText(TEST_WORDS), {}};
    WalletFile::create(
        path, {params, words, keys::SecretText(TEST_PASSPHRASE), birthday, {1, 64 << 10}});
    return path;
}

Script foreign_script(uint8_t number) {
    consensus::Hash160 hash{};
    hash.fill(number);
    return consensus::pay_to_witness(0, hash);
}

} // namespace cairn::wallet
