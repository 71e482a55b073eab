// SPDX-License-Identifier: MIT
// What a Ledger tells: coins, balance and history, computed from the tables when they are asked.
#include "consensus/serialize.h"
#include "wallet/ledger.h"

namespace cairn::wallet {

using consensus::SealedTransaction;

namespace {

Txid txid_at(const Statement& row, int column) {
    Txid txid;
    row.fixed_blob(column, txid.bytes.data(), txid.bytes.size());
    return txid;
}

std::optional<Height> height_at(const Statement& row, int column) {
    if (row.is_null(column)) return std::nullopt;
    return Height(static_cast<int32_t>(row.integer(column)));
}

SealedTransaction transaction_at(const Statement& row, int column) {
    consensus::Result<SealedTransaction> tx =
        consensus::decode<SealedTransaction>(row.blob(column));
    if (!tx) throw DatabaseError("the wallet file is damaged: restore the wallet from its words");
    return std::move(*tx);
}

} // namespace

bool OwnCoin::spendable(Height tip, int32_t coinbase_maturity) const {
    if (!height) return made_here;
    // As the rules count: in the block at tip + 1.
    return !coinbase || tip.value + 1 - height->value >= coinbase_maturity;
}

std::vector<OwnCoin> Ledger::coins() const {
    std::vector<OwnCoin> coins;
    Statement row = database_.query(
        "SELECT coins.txid, number, value, script, height, position, made_here FROM coins "
        "JOIN transactions USING(txid) WHERE live = 1 AND NOT EXISTS("
        "SELECT 1 FROM spends JOIN transactions AS spenders ON spender = spenders.txid "
        "WHERE spends.txid = coins.txid AND spends.number = coins.number AND spenders.live = 1)");
    while (row.step()) {
        OwnCoin coin;
        coin.point = {txid_at(row, 0), static_cast<uint32_t>(row.integer(1))};
        coin.out = {row.integer(2), Script(row.blob(3))};
        const std::optional<KeyPosition> key = find_key(coin.out.script_pubkey);
        if (!key) throw DatabaseError("the wallet file is damaged: it holds a coin of another key");
        coin.key = *key;
        coin.height = height_at(row, 4);
        coin.coinbase = coin.height.has_value() && row.integer(5) == 0;
        coin.made_here = row.integer(6) != 0;
        coins.push_back(std::move(coin));
    }
    return coins;
}

Balance Ledger::balance(int32_t coinbase_maturity) const {
    const std::optional<ScannedBlock> scanned = tip();
    const Height height = scanned ? scanned->height : Height(0);
    Balance balance;
    for (const OwnCoin& coin : coins()) {
        const Amount value = coin.out.value;
        if (coin.spendable(height, coinbase_maturity)) {
            balance.spendable += value;
            if (!coin.height) balance.unconfirmed += value;
        } else if (coin.height) {
            balance.immature += value;
        } else {
            balance.incoming += value;
        }
    }
    return balance;
}

HistoryEntry Ledger::history_entry(const Statement& row) const {
    const SealedTransaction tx = transaction_at(row, 0);
    HistoryEntry entry;
    entry.txid = tx.txid;
    entry.height = height_at(row, 1);
    entry.time = row.integer(2);
    entry.dead = row.integer(3) == 0;
    entry.coinbase = tx.is_coinbase();
    Amount paid_in;
    size_t own_inputs = 0;
    for (const consensus::TxIn& input : tx.inputs) {
        Statement coin = database_.query(
            "SELECT value FROM coins WHERE txid = ? AND number = ?", input.prevout.txid.view(),
            int64_t{input.prevout.index});
        if (!coin.step()) continue;
        paid_in += coin.integer(0);
        ++own_inputs;
    }
    Amount received;
    Amount all_outputs;
    for (const TxOut& output : tx.outputs) {
        const bool ours = find_key(output.script_pubkey).has_value();
        if (ours) received += output.value;
        all_outputs += output.value;
        if (ours == (own_inputs == 0)) entry.payments.push_back(output);
    }
    entry.net = received - paid_in;
    if (own_inputs > 0 && own_inputs == tx.inputs.size()) entry.fee = paid_in - all_outputs;
    return entry;
}

std::vector<HistoryEntry> Ledger::history() const {
    std::vector<HistoryEntry> entries;
    Statement row = database_.query("SELECT raw, height, time, live FROM transactions "
                                    "ORDER BY height IS NULL, height, position, time");
    while (row.step()) entries.push_back(history_entry(row));
    return entries;
}

std::vector<PendingTransaction> Ledger::pending() const {
    std::vector<PendingTransaction> pending;
    Statement row = database_.query("SELECT raw, made_here FROM transactions "
                                    "WHERE height IS NULL AND live = 1 ORDER BY time");
    while (row.step())
        pending.push_back(
            {std::make_shared<const SealedTransaction>(transaction_at(row, 0)),
             row.integer(1) != 0});
    return pending;
}

} // namespace cairn::wallet
