// SPDX-License-Identifier: MIT
// What a Ledger tells: coins, balance and history, computed from the tables when they are asked.
#include "consensus/serialize.h"
#include "wallet/ledger.h"

namespace cairn::wallet {

using consensus::SealedTransaction;

namespace {

SealedTransaction decoded(const consensus::Bytes& raw) {
    consensus::Result<SealedTransaction> tx = consensus::decode<SealedTransaction>(raw);
    if (!tx) file_is_damaged("what is no transaction");
    return std::move(*tx);
}

} // namespace

std::vector<OwnCoin> Ledger::coins(int32_t coinbase_maturity) const {
    const std::optional<ScannedBlock> scanned = tip();
    // As the rules count: in the block at tip + 1.
    const Height mature =
        (scanned ? scanned->height : Height(0)) + Height(1) - Height(coinbase_maturity);
    std::vector<OwnCoin> coins;
    Statement row = database_.query(
        "SELECT coins.txid, number, value, script, height, position, made_here FROM coins "
        "JOIN transactions USING(txid) WHERE live = 1 AND NOT EXISTS("
        "SELECT 1 FROM spends JOIN transactions AS spenders ON spender = spenders.txid "
        "WHERE spends.txid = coins.txid AND spends.number = coins.number AND spenders.live = 1)");
    OwnCoin coin;
    int64_t position = 0;
    bool made_here = false; // so it will confirm
    while (row.next(
        coin.point.txid, coin.point.index, coin.out.value, coin.out.script_pubkey, coin.height,
        position, made_here)) {
        const std::optional<KeyPosition> key = find_key(coin.out.script_pubkey);
        if (!key) file_is_damaged("a coin of another key");
        coin.key = *key;
        coin.spendable = coin.height ? position > 0 || *coin.height <= mature : made_here;
        coins.push_back(coin);
    }
    return coins;
}

Balance Ledger::balance(int32_t coinbase_maturity) const {
    Balance balance;
    for (const OwnCoin& coin : coins(coinbase_maturity)) {
        const Amount value = coin.out.value;
        if (coin.spendable) {
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

HistoryEntry Ledger::entry_of(const SealedTransaction& tx) const {
    HistoryEntry entry;
    entry.txid = tx.txid;
    entry.coinbase = tx.is_coinbase();
    Amount paid_in;
    size_t own_inputs = 0;
    for (const consensus::TxIn& input : tx.inputs) {
        Statement coin = database_.query(
            "SELECT value FROM coins WHERE txid = ? AND number = ?", input.prevout.txid,
            input.prevout.index);
        Amount value;
        if (!coin.next(value)) continue;
        paid_in += value;
        ++own_inputs;
    }
    Amount received;
    for (const TxOut& output : tx.outputs) {
        const bool ours = find_key(output.script_pubkey).has_value();
        if (ours) received += output.value;
        if (ours == (own_inputs == 0)) entry.payments.push_back(output);
    }
    entry.net = received - paid_in;
    if (own_inputs > 0 && own_inputs == tx.inputs.size())
        entry.fee = paid_in - consensus::output_sum(tx);
    return entry;
}

std::vector<HistoryEntry> Ledger::history() const {
    return entries_of(database_.query("SELECT raw, height, time, NOT live FROM transactions "
                                      "ORDER BY height IS NULL, height, position, time"));
}

std::vector<HistoryEntry> Ledger::dead() const {
    return entries_of(database_.query("SELECT raw, height, time, 1 FROM transactions "
                                      "WHERE live = 0 ORDER BY time"));
}

std::optional<Txid> Ledger::rival_of(const Txid& txid) const {
    Statement row = database_.query(
        "SELECT rivals.spender FROM spends JOIN spends AS rivals USING(txid, number) "
        "JOIN transactions ON rivals.spender = transactions.txid "
        "WHERE spends.spender = ? AND rivals.spender <> spends.spender AND live",
        txid);
    Txid rival;
    if (!row.next(rival)) return std::nullopt;
    return rival;
}

std::vector<HistoryEntry> Ledger::entries_of(Statement row) const {
    std::vector<HistoryEntry> entries;
    consensus::Bytes raw;
    std::optional<Height> height;
    int64_t time = 0;
    bool dead = false;
    while (row.next(raw, height, time, dead)) {
        HistoryEntry& entry = entries.emplace_back(entry_of(decoded(raw)));
        entry.height = height;
        entry.time = time;
        entry.dead = dead;
    }
    return entries;
}

std::vector<PendingTransaction> Ledger::pending() const {
    std::vector<PendingTransaction> pending;
    Statement row = database_.query("SELECT raw, made_here FROM transactions "
                                    "WHERE height IS NULL AND live = 1 ORDER BY time");
    consensus::Bytes raw;
    bool made_here = false;
    while (row.next(raw, made_here))
        pending.push_back({std::make_shared<const SealedTransaction>(decoded(raw)), made_here});
    return pending;
}

} // namespace cairn::wallet
