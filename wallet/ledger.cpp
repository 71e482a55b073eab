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

Txid txid_at(const Statement& row, int column) {
    Txid txid;
    row.fixed_blob(column, txid.bytes.data(), txid.bytes.size());
    return txid;
}

} // namespace

void Ledger::create_tables(Database& database) {
    database.execute(SCHEMA);
}

Ledger::Ledger(Database& database, const keys::ExtendedPublicKey& account) : database_(database) {
    Statement row = database_.query("SELECT branch, issued, used FROM branches ORDER BY branch");
    for (const Branch branch : {Branch::Receive, Branch::Change}) {
        if (!row.step()) throw DatabaseError("the wallet file is damaged: it has no key counts");
        BranchState& state = state_of(branch);
        const auto key = derive(account, static_cast<uint32_t>(branch));
        if (!key) throw DatabaseError("the wallet file is damaged: its account has no addresses");
        state.key = *key;
        state.issued = static_cast<uint32_t>(row.integer(1));
        state.used = static_cast<uint32_t>(row.integer(2));
        watch_ahead(branch);
    }
    Statement coin = database_.query("SELECT txid, number FROM coins");
    while (coin.step())
        own_points_.insert({txid_at(coin, 0), static_cast<uint32_t>(coin.integer(1))});
}

// Keys ////////////////////////////////////////////////////////////////////////////////////////////

std::optional<KeyPosition> Ledger::find_key(const Script& script) const {
    const auto found = keys_.find(script);
    if (found == keys_.end()) return std::nullopt;
    return found->second;
}

Script Ledger::script_of(KeyPosition key) const {
    const auto child = derive(state_of(key.branch).key, key.number);
    // One number in 2^127 has no key: nobody will see this.
    if (!child) throw WalletError("this address number has no key: use another");
    return keys::p2wpkh_script(child->key);
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
        "UPDATE branches SET issued = ?, used = ? WHERE branch = ?", int64_t{state.issued},
        int64_t{state.used}, static_cast<int64_t>(branch));
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
    if (!row.step()) return std::nullopt;
    ScannedBlock block{static_cast<int32_t>(row.integer(0)), {}};
    row.fixed_blob(1, block.hash.bytes.data(), block.hash.bytes.size());
    return block;
}

std::optional<BlockHash> Ledger::scanned_hash(Height height) const {
    Statement row =
        database_.query("SELECT hash FROM blocks WHERE height = ?", int64_t{height.value});
    if (!row.step()) return std::nullopt;
    BlockHash hash;
    row.fixed_blob(0, hash.bytes.data(), hash.bytes.size());
    return hash;
}

void Ledger::set_tip(const ScannedBlock& block) {
    const int64_t height = block.height.value;
    database_.run("INSERT INTO blocks VALUES(?, ?)", height, block.hash.view());
    database_.run("DELETE FROM blocks WHERE height <= ?", height - KEPT_BLOCKS);
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
    const int64_t above = height.value;
    std::vector<Txid> coinbases;
    Statement row =
        database_.query("SELECT txid FROM transactions WHERE height > ? AND position = 0", above);
    while (row.step()) coinbases.push_back(txid_at(row, 0));
    database_.run("UPDATE transactions SET height = NULL WHERE height > ?", above);
    // A coinbase exists only in its block; other transactions may come again in another one.
    for (const Txid& txid : coinbases) abandon(txid);
    database_.run("DELETE FROM blocks WHERE height > ?", above);
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
    std::optional<int64_t> height;
    if (origin.height) height = origin.height->value;
    database_.run(
        "INSERT INTO transactions VALUES(?, ?, ?, ?, ?, ?, 1) ON CONFLICT(txid) DO UPDATE SET "
        "height = excluded.height, position = excluded.position, time = excluded.time, live = 1",
        tx.txid.view(), consensus::ByteView(consensus::encode(tx)), height,
        int64_t{origin.position}, origin.time, int64_t{origin.made_here});
    for (const consensus::TxIn& input : tx.inputs) {
        // All coinbases name the same outpoint, that of no coin: they are no rivals for it.
        if (input.prevout.is_null()) continue;
        database_.run(
            "INSERT OR IGNORE INTO spends VALUES(?, ?, ?)", input.prevout.txid.view(),
            int64_t{input.prevout.index}, tx.txid.view());
    }
    for (uint32_t i = 0; i < tx.outputs.size(); ++i) {
        const TxOut& output = tx.outputs[i];
        const std::optional<KeyPosition> key = find_key(output.script_pubkey);
        if (!key) continue;
        database_.run(
            "INSERT OR IGNORE INTO coins VALUES(?, ?, ?, ?)", tx.txid.view(), int64_t{i},
            output.value.value, consensus::ByteView(output.script_pubkey));
        own_points_.insert({tx.txid, i});
        mark_used(*key);
    }
}

void Ledger::kill_rivals(const SealedTransaction& tx) {
    std::vector<Txid> rivals;
    for (const consensus::TxIn& input : tx.inputs) {
        Statement row = database_.query(
            "SELECT spender FROM spends WHERE txid = ? AND number = ? AND spender <> ?",
            input.prevout.txid.view(), int64_t{input.prevout.index}, tx.txid.view());
        while (row.step()) rivals.push_back(txid_at(row, 0));
    }
    for (const Txid& txid : rivals) abandon(txid);
}

void Ledger::add_own(const SealedTransaction& tx, int64_t time) {
    add(tx, {std::nullopt, 0, time, true});
}

void Ledger::remove_own(const Txid& txid) {
    for (const char* sql :
         {"DELETE FROM coins WHERE txid = ?", "DELETE FROM spends WHERE spender = ?",
          "DELETE FROM transactions WHERE txid = ?"})
        database_.run(sql, txid.view());
    std::erase_if(own_points_, [&](const OutPoint& point) { return point.txid == txid; });
    // Its keys count as unused again, lest many refused payments run ahead of the gap limit.
    for (BranchState& state : branches_) state.used = 0;
    Statement row = database_.query("SELECT script FROM coins");
    while (row.step())
        if (const auto key = find_key(Script(row.blob(0))))
            state_of(key->branch).used = std::max(state_of(key->branch).used, key->number + 1);
    save(Branch::Receive);
    save(Branch::Change);
}

void Ledger::abandon(const Txid& txid) {
    database_.run(
        "WITH RECURSIVE dead(txid) AS (SELECT ? UNION "
        "SELECT spends.spender FROM spends JOIN dead ON spends.txid = dead.txid) "
        "UPDATE transactions SET live = 0 WHERE height IS NULL AND txid IN dead",
        txid.view());
}

} // namespace cairn::wallet
