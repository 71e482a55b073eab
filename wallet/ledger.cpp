// SPDX-License-Identifier: MIT
#include "wallet/ledger.h"

#include "consensus/serialize.h"
#include "wallet/keys/sign.h"

namespace cairn::wallet {

using consensus::SealedTransaction;

namespace {

constexpr const char* SCHEMA = R"(
CREATE TABLE branches(branch INTEGER PRIMARY KEY, issued INTEGER NOT NULL, used INTEGER NOT NULL);
CREATE TABLE blocks(height INTEGER PRIMARY KEY, hash BLOB NOT NULL);
CREATE TABLE transactions(
    txid BLOB PRIMARY KEY, raw BLOB NOT NULL,
    height INTEGER, position INTEGER NOT NULL, -- height: NULL while it waits for a block
    time INTEGER NOT NULL, made_here INTEGER NOT NULL, live INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE coins(
    txid BLOB NOT NULL, number INTEGER NOT NULL, value INTEGER NOT NULL, script BLOB NOT NULL,
    PRIMARY KEY(txid, number)) WITHOUT ROWID;
CREATE TABLE spends(
    txid BLOB NOT NULL, number INTEGER NOT NULL, spender BLOB NOT NULL,
    PRIMARY KEY(txid, number, spender)) WITHOUT ROWID;
CREATE INDEX spends_by_spender ON spends(spender);
INSERT INTO branches VALUES(0, 0, 0), (1, 0, 0);
)";

/// The txids that `row` gives.
std::vector<Txid> txids_of(Statement row) {
    std::vector<Txid> found;
    for (Txid txid; row.next(txid);) found.push_back(txid);
    return found;
}

/// Whether `row` gives any.
bool holds(Statement row) {
    int64_t one = 0;
    return row.next(one);
}

} // namespace

void Ledger::create_tables(Database& database) {
    database.execute(SCHEMA);
}

Ledger::Ledger(Database& database, const keys::ExtendedPublicKey& account) : database_(database) {
    Statement row = database_.query("SELECT issued, used FROM branches ORDER BY branch");
    for (const Branch branch : {Branch::Receive, Branch::Change}) {
        BranchState& state = state_of(branch);
        const auto key = derive(account, static_cast<uint32_t>(branch));
        if (!key || !row.next(state.issued, state.used)) file_is_damaged("no addresses");
        state.key = *key;
        watch_ahead(branch);
    }
    Statement coin = database_.query("SELECT txid, number FROM coins");
    for (OutPoint point; coin.next(point.txid, point.index);) own_points_.insert(point);
}

// Keys ////////////////////////////////////////////////////////////////////////////////////////////

std::optional<KeyPosition> Ledger::find_key(const Script& script) const {
    const auto found = keys_.find(script);
    if (found == keys_.end()) return std::nullopt;
    return found->second;
}

keys::PublicKey Ledger::public_key_of(KeyPosition key) const {
    const auto child = derive(state_of(key.branch).key, key.number);
    // One number in 2^127 has no key: nobody will see this.
    if (!child) throw WalletError("this address number has no key: use another");
    return child->key;
}

Script Ledger::script_of(KeyPosition key) const {
    return keys::p2wpkh_script(public_key_of(key));
}

void Ledger::watch_ahead(Branch branch) {
    BranchState& state = state_of(branch);
    for (; state.watched < state.used + GAP_LIMIT; ++state.watched) {
        const KeyPosition key{branch, state.watched};
        Script script = script_of(key);
        scripts_.push_back(script);
        keys_.emplace(std::move(script), key);
    }
}

void Ledger::save(Branch branch) {
    const BranchState& state = state_of(branch);
    database_.run(
        "UPDATE branches SET issued = ?, used = ? WHERE branch = ?", state.issued, state.used,
        static_cast<int64_t>(branch));
}

void Ledger::mark_used(KeyPosition key) {
    BranchState& state = state_of(key.branch);
    if (key.number < state.used) return;
    state.used = key.number + 1;
    watch_ahead(key.branch);
    save(key.branch);
}

KeyPosition Ledger::receive_key() {
    const BranchState& state = state_of(Branch::Receive);
    if (state.issued > state.used) return {Branch::Receive, state.issued - 1};
    return new_receive_key();
}

KeyPosition Ledger::new_receive_key() {
    BranchState& state = state_of(Branch::Receive);
    const uint32_t number = std::max(state.issued, state.used);
    if (number >= state.used + GAP_LIMIT)
        throw WalletError(
            "the last " + std::to_string(GAP_LIMIT) +
            " addresses have not been paid yet, and a restored wallet would not look beyond them: "
            "use the last one again (cairn address)");
    state.issued = number + 1;
    save(Branch::Receive);
    return {Branch::Receive, number};
}

KeyPosition Ledger::change_key() const {
    return {Branch::Change, state_of(Branch::Change).used};
}

// Blocks //////////////////////////////////////////////////////////////////////////////////////////

std::optional<ScannedBlock> Ledger::tip() const {
    Statement row = database_.query("SELECT height, hash FROM blocks ORDER BY height DESC LIMIT 1");
    ScannedBlock block;
    if (!row.next(block.height, block.hash)) return std::nullopt;
    return block;
}

std::optional<BlockHash> Ledger::scanned_hash(Height height) const {
    Statement row = database_.query("SELECT hash FROM blocks WHERE height = ?", height);
    BlockHash hash;
    if (!row.next(hash)) return std::nullopt;
    return hash;
}

void Ledger::set_tip(const ScannedBlock& block) {
    database_.run("INSERT INTO blocks VALUES(?, ?)", block.height, block.hash);
    database_.run("DELETE FROM blocks WHERE height <= ?", block.height - KEPT_BLOCKS);
}

size_t Ledger::add_block(const consensus::Block& block, Height height) {
    size_t found = 0;
    for (size_t i = 0; i < block.transactions.size(); ++i) {
        const SealedTransaction& tx = block.transactions[i];
        if (!is_ours(tx)) continue;
        add(tx, {height, static_cast<uint32_t>(i), block.header.time, false});
        kill_rivals(tx);
        ++found;
    }
    return found;
}

void Ledger::roll_back(Height height) {
    const std::vector<Txid> coinbases = txids_of(
        database_.query("SELECT txid FROM transactions WHERE height > ? AND position = 0", height));
    database_.run("UPDATE transactions SET height = NULL WHERE height > ?", height);
    // A coinbase exists only in its block; other transactions may come again in another one.
    for (const Txid& txid : coinbases) abandon(txid);
    database_.run("DELETE FROM blocks WHERE height > ?", height);
}

// Transactions ////////////////////////////////////////////////////////////////////////////////////

bool Ledger::is_ours(const SealedTransaction& tx) const {
    for (const consensus::TxIn& input : tx.inputs)
        if (own_points_.contains(input.prevout)) return true;
    for (const TxOut& output : tx.outputs)
        if (keys_.contains(output.script_pubkey)) return true;
    return false;
}

void Ledger::add(const SealedTransaction& tx, const Origin& origin) {
    database_.run(
        "INSERT INTO transactions VALUES(?, ?, ?, ?, ?, ?, 1) ON CONFLICT(txid) DO UPDATE SET "
        "height = excluded.height, position = excluded.position, time = excluded.time, live = 1",
        tx.txid, consensus::encode(tx), origin.height, origin.position, origin.time,
        origin.made_here);
    for (const consensus::TxIn& input : tx.inputs) {
        // All coinbases name the same outpoint, that of no coin: they are no rivals for it.
        if (input.prevout.is_null()) continue;
        database_.run(
            "INSERT OR IGNORE INTO spends VALUES(?, ?, ?)", input.prevout.txid, input.prevout.index,
            tx.txid);
    }
    for (uint32_t i = 0; i < tx.outputs.size(); ++i) {
        const TxOut& output = tx.outputs[i];
        const std::optional<KeyPosition> key = find_key(output.script_pubkey);
        if (!key) continue;
        database_.run(
            "INSERT OR IGNORE INTO coins VALUES(?, ?, ?, ?)", tx.txid, i, output.value,
            output.script_pubkey);
        own_points_.insert({tx.txid, i});
        mark_used(*key);
    }
}

void Ledger::kill_rivals(const SealedTransaction& tx) {
    for (const consensus::TxIn& input : tx.inputs)
        for (const Txid& rival : txids_of(database_.query(
                 "SELECT spender FROM spends WHERE txid = ? AND number = ? AND spender <> ?",
                 input.prevout.txid, input.prevout.index, tx.txid)))
            abandon(rival);
}

void Ledger::add_own(const SealedTransaction& tx, int64_t time) {
    add(tx, {std::nullopt, 0, time, true});
}

bool Ledger::add_waiting(const SealedTransaction& tx, int64_t time) {
    if (!is_ours(tx)) return false;
    bool known = holds(database_.query(
        "SELECT 1 FROM transactions WHERE txid = ? AND (live OR made_here)", tx.txid));
    for (const consensus::TxIn& input : tx.inputs)
        known =
            known || holds(database_.query(
                         "SELECT 1 FROM spends JOIN transactions ON spender = transactions.txid "
                         "WHERE spends.txid = ? AND number = ? AND live",
                         input.prevout.txid, input.prevout.index));
    if (!known) add(tx, {std::nullopt, 0, time, false});
    return !known;
}

void Ledger::remove_own(const Txid& txid) {
    for (const char* sql :
         {"DELETE FROM coins WHERE txid = ?", "DELETE FROM spends WHERE spender = ?",
          "DELETE FROM transactions WHERE txid = ?"})
        database_.run(sql, txid);
    std::erase_if(own_points_, [&](const OutPoint& point) { return point.txid == txid; });
    // Its keys count as unused again, lest many refused payments run ahead of the gap limit.
    for (BranchState& state : branches_) state.used = 0;
    Statement row = database_.query("SELECT script FROM coins");
    for (Script script; row.next(script);)
        if (const auto key = find_key(script))
            state_of(key->branch).used = std::max(state_of(key->branch).used, key->number + 1);
    save(Branch::Receive);
    save(Branch::Change);
}

void Ledger::abandon(const Txid& txid) {
    database_.run(
        "WITH RECURSIVE dead(txid) AS (SELECT ? UNION "
        "SELECT spends.spender FROM spends JOIN dead ON spends.txid = dead.txid) "
        "UPDATE transactions SET live = 0 WHERE height IS NULL AND txid IN dead",
        txid);
}

} // namespace cairn::wallet
