// SPDX-License-Identifier: MIT
// What a wallet knows of the chain: its addresses, the transactions that touch them, and up to
// which block it has looked. Kept in the wallet file; nothing in here is secret from its owner's
// machine, and all of it can be found again from the words.
#pragma once

#include "consensus/block.h"
#include "consensus/params.h"
#include "wallet/amount.h"
#include "wallet/keys/extended_key.h"
#include "wallet/sqlite.h"

#include <array>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace cairn::wallet {

using consensus::BlockHash;
using consensus::OutPoint;
using consensus::Script;
using consensus::Txid;
using consensus::TxOut;
using keys::Branch;

/// A failure to tell the user, with its cause and the next step.
struct WalletError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Unused addresses in a row after which a restored wallet stops looking. Source: BIP-0044.
constexpr uint32_t GAP_LIMIT = 20;

/// Blocks whose hashes are kept, to find where a fork began; a deeper one scans from the birthday.
constexpr int32_t KEPT_BLOCKS = 2016;

/// One of the wallet's keys, by its place below the account.
struct KeyPosition {
    Branch branch = Branch::Receive;
    uint32_t number = 0;

    auto operator<=>(const KeyPosition&) const = default;
};

/// An output that is ours and that no live transaction spends.
struct OwnCoin {
    OutPoint point;
    TxOut out;
    KeyPosition key;
    std::optional<Height> height; ///< nullopt: unconfirmed.
    bool spendable = false;       ///< In the block after tip().
};

/// Sums of the unspent coins. Units: satoshis.
struct Balance {
    Amount spendable;   ///< Of these: confirmed, and our own change.
    Amount unconfirmed; ///< Our own change on its way (a part of `spendable`).
    Amount incoming;    ///< Sent by others and not confirmed.
    Amount immature;    ///< Mined, and not yet deep enough.
};

/// One transaction as its owner sees it.
struct HistoryEntry {
    Txid txid;
    std::optional<Height> height; ///< nullopt: unconfirmed, or dead.
    int64_t time = 0;             ///< Of the block, or when it was made or seen here; seconds.
    Amount net;                   ///< What it changed in the balance, the fee included.
    std::optional<Amount> fee;    ///< If all that it spends is ours.
    bool coinbase = false;
    bool dead = false;           ///< Another transaction spent its inputs, or it was abandoned.
    std::vector<TxOut> payments; ///< Outputs to others if we paid, else those to us.
};

/// A transaction that waits for its block.
struct PendingTransaction {
    consensus::TransactionRef tx;
    bool made_here = false;
};

/// The block up to which the chain was looked through.
struct ScannedBlock {
    Height height;
    BlockHash hash;
};

/// Invariants: the watched scripts reach GAP_LIMIT beyond the last used one of each branch; an
///   outpoint has at most one live spender; scanned blocks are consecutive.
/// Thread: one. Lifetime: the database outlives it. Changes reach the disk with the caller's
///   Database::atomically(), or each alone.
class Ledger {
public:
    static void create_tables(Database& database);

    Ledger(Database& database, const keys::ExtendedPublicKey& account);

    /// All watched scripts, for filters.
    const std::vector<Script>& scripts() const { return scripts_; }

    std::optional<KeyPosition> find_key(const Script& script) const;
    keys::PublicKey public_key_of(KeyPosition key) const;
    Script script_of(KeyPosition key) const;

    /// The address to show: the last one handed out, unless it has been paid.
    KeyPosition receive_key();
    /// The next one. Throws WalletError if GAP_LIMIT of them wait for a payment already.
    KeyPosition new_receive_key();
    /// The first change key no transaction uses.
    KeyPosition change_key() const;

    std::optional<ScannedBlock> tip() const;
    std::optional<BlockHash> scanned_hash(Height height) const;

    /// Note that `block` was looked through; it follows tip(), if there is one.
    void set_tip(const ScannedBlock& block);
    /// Take in what is ours of `block`; returns how many transactions that were.
    size_t add_block(const consensus::Block& block, Height height);
    /// Un-scan the blocks above `height`: their transactions wait again.
    void roll_back(Height height);

    /// Take in a transaction signed here, before it is sent.
    void add_own(const consensus::SealedTransaction& tx, int64_t time);
    /// Take in a transaction of a mempool; false if it is known or not ours. It counts only while
    /// no live one spends the same, and what was abandoned here stays so: a block decides.
    bool add_waiting(const consensus::SealedTransaction& tx, int64_t time);
    /// Forget a transaction that no node has seen, as if it had never been made.
    void remove_own(const Txid& txid);
    /// Declare an unconfirmed transaction, and what depends on it, dead: its inputs are free.
    void abandon(const Txid& txid);

    std::vector<OwnCoin> coins(int32_t coinbase_maturity) const;
    Balance balance(int32_t coinbase_maturity) const;
    std::vector<HistoryEntry> history() const; ///< Oldest first, unconfirmed last.
    std::vector<HistoryEntry> dead() const;    ///< Those of history() that are.
    /// `tx` in itself: without height and time.
    HistoryEntry entry_of(const consensus::SealedTransaction& tx) const;
    /// A live transaction that spends what `txid` would.
    std::optional<Txid> rival_of(const Txid& txid) const;
    std::vector<PendingTransaction> pending() const;

private:
    struct BranchState {
        uint32_t issued = 0; ///< Handed out to be paid.
        uint32_t used = 0;   ///< One above the highest that some transaction pays.
        keys::ExtendedPublicKey key;
        uint32_t watched = 0;
    };

    struct Origin {
        std::optional<Height> height;
        uint32_t position = 0; ///< In the block.
        int64_t time = 0;
        bool made_here = false;
    };

    BranchState& state_of(Branch branch) { return branches_[static_cast<size_t>(branch)]; }

    const BranchState& state_of(Branch branch) const {
        return branches_[static_cast<size_t>(branch)];
    }

    void watch_ahead(Branch branch);
    void save(Branch branch);
    void mark_used(KeyPosition key);
    bool is_ours(const consensus::SealedTransaction& tx) const;
    void add(const consensus::SealedTransaction& tx, const Origin& origin);
    void kill_rivals(const consensus::SealedTransaction& tx);
    std::vector<HistoryEntry> entries_of(Statement row) const;

    Database& database_;
    std::array<BranchState, 2> branches_;
    std::map<Script, KeyPosition> keys_;
    std::vector<Script> scripts_;
    std::set<OutPoint> own_points_; ///< All outputs ever ours.
};

} // namespace cairn::wallet
