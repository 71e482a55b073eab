// SPDX-License-Identifier: MIT
#include "chain/index_table.h"

#include "chain/coin_statistics.h"
#include "chain/store_keys.h"
#include "consensus/block_filter.h"
#include "consensus/pow.h"

#include <map>

namespace cairn::chain {

using consensus::encode;
using consensus::MuHash;
using consensus::Script;
using consensus::SealedTransaction;

namespace {

/// Outputs of genesis are coins only where the chain file says so.
bool makes_coins(const IndexedBlock& of) {
    return of.node.parent || of.chainstate.params().genesis_spendable;
}

/// Where each transaction is: id -> height.
void index_transactions(const IndexedBlock& of, IndexedEntries& out) {
    for (const SealedTransaction& tx : of.block.transactions)
        out.entries.put(tx.txid.bytes, encode(of.node.height));
}

/// What spent each output: output -> Spender.
void index_spenders(const IndexedBlock& of, IndexedEntries& out) {
    for (size_t i = 1; i < of.block.transactions.size(); ++i) {
        const SealedTransaction& tx = of.block.transactions[i];
        const Bytes spender = encode(Spender{tx.txid, of.node.height});
        for (const consensus::TxIn& input : tx.inputs)
            out.entries.put(CoinDiskKey(input.prevout).bytes(), spender);
    }
}

/// What each transaction did to the coins of each script: script, height, number -> AddressRecord.
void index_addresses(const IndexedBlock& of, IndexedEntries& out) {
    if (!makes_coins(of)) return;
    for (size_t i = 0; i < of.block.transactions.size(); ++i) {
        const SealedTransaction& tx = of.block.transactions[i];
        std::map<std::string, AddressRecord> scripts;
        for (uint32_t n = 0; n < tx.outputs.size(); ++n)
            if (const consensus::TxOut& output = tx.outputs[n];
                !consensus::is_unspendable(output.script_pubkey))
                scripts[address_key(output.script_pubkey)].received.push_back({n, output.value});
        for (size_t n = 0; i > 0 && n < tx.inputs.size(); ++n) {
            const consensus::TxOut& coin = of.undo.spent(i)[n].out;
            scripts[address_key(coin.script_pubkey)].spent.push_back(
                {tx.inputs[n].prevout, coin.value});
        }
        for (auto& [script, record] : scripts) {
            record.txid = tx.txid;
            const auto number = static_cast<int32_t>(i);
            const std::string key = script + height_key(of.node.height) + height_key(number);
            out.entries.put(consensus::as_bytes(key), encode(record));
        }
    }
}

// Compact filters: block -> header, filter; the header depends on the one before. And 'h', block ->
// the filter's hash: there are who ask for thousands of these only ///////////////////////////////

void index_filter(const IndexedBlock& of, IndexedEntries& out) {
    std::vector<Script> scripts;
    for (const Coin& coin : of.undo.coins) scripts.push_back(coin.out.script_pubkey);
    out.record = consensus::build_basic_filter(of.block, of.node.hash, scripts);
    out.entries.put(
        consensus::as_bytes(filter_hash_key(of.node)), consensus::sha256d(out.record).bytes);
}

void follow_filter(ByteView previous, Bytes& record) {
    Hash256 before;
    if (!previous.empty()) std::copy_n(previous.begin(), before.bytes.size(), before.bytes.begin());
    const Hash256 header = consensus::filter_header(record, before);
    record.insert(record.begin(), header.bytes.begin(), header.bytes.end());
}

// Coin statistics: block -> BlockCoins /////////////////////////////////////////////////////////

/// The coins of a block and what it does to them.
class CoinSums {
public:
    explicit CoinSums(const IndexedBlock& of) : of_(of) {}

    BlockCoins sum_up() {
        const auto& transactions = of_.block.transactions;
        for (size_t i = 0; i < transactions.size(); ++i) {
            add_outputs(transactions[i], i == 0);
            for (size_t j = 0; i > 0 && j < transactions[i].inputs.size(); ++j) {
                const Coin& coin = of_.undo.spent(i)[j];
                sums_.spent += coin.out.value;
                take(transactions[i].inputs[j].prevout, coin);
            }
        }
        const consensus::Params& params = of_.chainstate.params();
        if (of_.node.parent) // genesis makes what the chain file says
            sums_.unclaimed = sums_.spent + block_subsidy(of_.node.height, params) - sums_.made -
                              sums_.coinbase - sums_.scripts;
        const consensus::Exceptions::Overwrite overwrite{of_.node.height, of_.node.hash};
        if (std::ranges::count(params.exceptions.bip30, overwrite) != 0) overwrite_coinbase();
        sums_.unspendable = sums_.genesis + sums_.overwritten + sums_.scripts + sums_.unclaimed;
        made_.remove(gone_);
        sums_.set = made_.product();
        return sums_;
    }

private:
    void add_outputs(const SealedTransaction& tx, bool coinbase) {
        for (uint32_t n = 0; n < tx.outputs.size(); ++n) {
            const consensus::TxOut& output = tx.outputs[n];
            if (!makes_coins(of_)) {
                sums_.genesis += output.value;
            } else if (consensus::is_unspendable(output.script_pubkey)) {
                sums_.scripts += output.value;
            } else {
                (coinbase ? sums_.coinbase : sums_.made) += output.value;
                const Coin coin{output, of_.node.height, coinbase};
                insert_coin(made_, {tx.txid, n}, coin);
                count(coin, 1);
            }
        }
    }

    void take(const OutPoint& point, const Coin& coin) {
        insert_coin(gone_, point, coin);
        count(coin, -1);
    }

    void count(const Coin& coin, int sign) {
        // A block may spend more than it makes: the sums of the chain come right again.
        sums_.coins += static_cast<uint64_t>(sign);
        sums_.bogo_size += static_cast<uint64_t>(sign) * bogo_size(coin);
        sums_.total += Amount(sign * coin.out.value.value);
    }

    /// The coins of the earlier coinbase are gone, and no undo data tells of them.
    void overwrite_coinbase() {
        const SealedTransaction& coinbase = of_.block.transactions[0];
        const BlockNode* earlier = of_.node.parent_node();
        while (of_.chainstate.load_block(*earlier)->transactions[0].txid != coinbase.txid)
            earlier = earlier->parent_node();
        for (uint32_t n = 0; n < coinbase.outputs.size(); ++n) {
            if (consensus::is_unspendable(coinbase.outputs[n].script_pubkey)) continue;
            sums_.overwritten += coinbase.outputs[n].value;
            take({coinbase.txid, n}, {coinbase.outputs[n], earlier->height, true});
        }
    }

    const IndexedBlock& of_;
    BlockCoins sums_;
    MuHash made_;
    MuHash gone_;
};

void index_coins(const IndexedBlock& of, IndexedEntries& out) {
    out.record = encode(CoinSums(of).sum_up());
}

void follow_coins(ByteView previous, Bytes& record) {
    if (previous.empty()) return;
    const auto before = consensus::decode<BlockCoins>(previous);
    if (!before) damaged("coin statistics");
    BlockCoins sums = consensus::decode<BlockCoins>(record).value();
    sums.coins += before->coins;
    sums.bogo_size += before->bogo_size;
    sums.total += before->total;
    sums.unspendable += before->unspendable;
    MuHash set(before->set);
    set.insert(MuHash(sums.set));
    sums.set = set.product();
    record = encode(sums);
}

} // namespace

const std::array<IndexRow, 5>& index_table() {
    static constexpr std::array<IndexRow, 5> TABLE{{
        {"txindex", Column::Transactions, &ChainOptions::transaction_index, index_transactions},
        {"coinstatsindex", Column::CoinStatistics, &ChainOptions::coin_statistics_index,
         index_coins, follow_coins},
        {"basic block filter index", Column::Filters, &ChainOptions::block_filters, index_filter,
         follow_filter},
        {"txospenderindex", Column::Spenders, &ChainOptions::spender_index, index_spenders},
        {"addressindex", Column::Addresses, &ChainOptions::address_index, index_addresses},
    }};
    return TABLE;
}

FilterEntry filter_of_record(ByteView record) {
    FilterEntry entry;
    if (record.size() < entry.header.bytes.size()) damaged("filter");
    const auto end_of_header = record.begin() + std::ptrdiff_t(entry.header.bytes.size());
    std::copy(record.begin(), end_of_header, entry.header.bytes.begin());
    entry.filter.assign(end_of_header, record.end());
    return entry;
}

std::string filter_hash_key(const BlockNode& node) {
    return 'h' + node_key(node); // apart from the filters, and so side by side
}

std::string address_key(const Script& script) {
    constexpr size_t SIZE = 20; // nobody finds two scripts that agree in so much of their hash
    return slice(consensus::sha256(script).bytes).ToString().substr(0, SIZE);
}

} // namespace cairn::chain
