// SPDX-License-Identifier: MIT
#include "wallet/sync.h"

#include "consensus/address.h"
#include "consensus/block_filter.h"
#include "consensus/serialize.h"

#include <algorithm>

namespace cairn::wallet {

namespace json = boost::json;
using consensus::Bytes;

namespace {

constexpr int32_t BLOCKS_PER_BATCH = 200;
constexpr size_t BLOCKS_PER_FETCH = 20; ///< Of those that match: they may be large.
constexpr int32_t HASHES_PER_STEP_BACK = 50;
constexpr int MAX_REORGS_DURING_SYNC = 20;
constexpr size_t MAX_WAITING = 5'000; ///< Transactions of a mempool that are looked through.
constexpr size_t WAITING_PER_BATCH = 200;
// Core: RPC_MISC_ERROR of getblockfilter, RPC_INVALID_ADDRESS_OR_KEY, RPC_INVALID_PARAMETER.
constexpr int NO_FILTERS = -1;
constexpr int NOT_THERE = -5; ///< A block or transaction.
constexpr int NO_SUCH_HEIGHT = -8;
constexpr int MISSING_INPUTS = -25;    ///< Core: RPC_VERIFY_ERROR.
constexpr int ALREADY_CONFIRMED = -27; ///< Core: RPC_VERIFY_ALREADY_IN_UTXO_SET.

/// A member of the node's reply.
const json::value& member(const json::value& object, std::string_view name) {
    const json::value* found = object.is_object() ? object.as_object().if_contains(name) : nullptr;
    if (found == nullptr) throw RpcError(0, "the node's reply has no '" + std::string(name) + "'");
    return *found;
}

Bytes bytes_of(const json::value& hex) {
    std::optional<Bytes> bytes;
    if (hex.is_string()) bytes = consensus::from_hex(hex.as_string());
    if (!bytes) throw RpcError(0, "the node's reply holds no hexadecimal where it should");
    return std::move(*bytes);
}

template <class T>
T decoded(const json::value& hex) {
    consensus::Result<T> value = consensus::decode<T>(bytes_of(hex));
    if (!value) throw RpcError(0, "the node's reply can't be decoded");
    return std::move(*value);
}

template <class T = BlockHash>
T hash_of(const json::value& text) {
    std::optional<T> hash;
    if (text.is_string()) hash = T::from_string(text.as_string());
    if (!hash) throw RpcError(0, "the node's reply holds no hash where it should");
    return *hash;
}

void check_chain(const json::value& genesis, const consensus::Params& params) {
    if (hash_of(genesis) == params.genesis_hash) return;
    throw WalletError(
        "the node is on another chain than '" + params.name +
        "': check -chain, -datadir and -rpcport");
}

/// A block to be looked through: enough to see that it follows the one before it.
struct Candidate {
    BlockHash hash;
    consensus::BlockHeader header;
    Bytes filter;
};

class Sync {
public:
    Sync(NodeRpc& node, WalletFile& wallet, const consensus::Params& params, int64_t now)
        : node_(node),
          wallet_(wallet),
          ledger_(wallet.ledger()),
          params_(params),
          now_(now) {}

    SyncReport run(const SyncProgress& progress) {
        std::set<Txid> dead;
        for (const HistoryEntry& entry : ledger_.dead()) dead.insert(entry.txid);
        ask_node();
        for (int reorgs = 0;;) {
            const std::optional<ScannedBlock> tip = ledger_.tip();
            // What a node hasn't got yet, it hasn't left either.
            if (tip && tip->height > target_ && report_.node_behind) break;
            leave_fork();
            const Height next = next_height();
            if (next > target_) break;
            if (!scan_from(next)) {
                // The node changed its chain under way.
                if (++reorgs > MAX_REORGS_DURING_SYNC)
                    throw RpcError(0, "the node's blocks don't follow each other");
                ask_node();
            }
            if (progress) progress(next_height() - 1, target_);
        }
        if (next_height() > target_ && !ledger_.tip() && !report_.node_behind)
            report_.warnings.push_back(
                "no block was looked through: the wallet was never paid below block " +
                std::to_string(next_height().value) + ", it says, and the chain ends at " +
                std::to_string(target_.value) + "; if that is wrong, restore it from its words");
        const std::set<Txid> waiting = mempool();
        send_again(waiting);
        look_into(waiting);
        tell_cancelled(dead);
        const std::optional<ScannedBlock> tip = ledger_.tip();
        report_.height = tip ? tip->height : target_;
        return std::move(report_);
    }

private:
    Height next_height() const {
        const std::optional<ScannedBlock> tip = ledger_.tip();
        return tip ? tip->height + 1 : wallet_.identity().birthday;
    }

    void ask_node() {
        const std::vector<json::value> replies =
            node_.batch({{"getblockhash", {0}}, {"getblockchaininfo", {}}});
        check_chain(replies[0], params_);
        target_ = static_cast<int32_t>(member(replies[1], "blocks").to_number<int64_t>());
        const json::value& behind = member(replies[1], "initialblockdownload");
        const bool downloading = behind.is_bool() && behind.as_bool();
        report_.node_behind =
            downloading || member(replies[1], "headers").to_number<int64_t>() > target_.value;
    }

    std::vector<BlockHash> hashes(Height first, Height last) {
        std::vector<RpcCall> calls;
        for (Height height = first; height <= last; ++height)
            calls.push_back({"getblockhash", {height.value}});
        std::vector<BlockHash> found;
        for (const json::value& reply : node_.batch(calls)) found.push_back(hash_of(reply));
        return found;
    }

    /// Undo scanned blocks until the last one is on the node's chain.
    void leave_fork() {
        const std::optional<ScannedBlock> tip = ledger_.tip();
        if (!tip) return;
        Height height = tip->height;
        while (height > target_ && ledger_.scanned_hash(height)) --height;
        while (ledger_.scanned_hash(height)) {
            const Height first = std::max(height.value - HASHES_PER_STEP_BACK + 1, 0);
            const std::vector<BlockHash> theirs = hashes(first, height);
            for (size_t i = theirs.size(); i-- > 0; --height)
                if (ledger_.scanned_hash(height) == theirs[i]) return undo_above(*tip, height);
        }
        // The fork is older than what was kept: look through everything again.
        undo_above(*tip, wallet_.identity().birthday - 1);
    }

    void undo_above(const ScannedBlock& tip, Height height) {
        if (tip.height <= height) return;
        wallet_.database().atomically([&] { ledger_.roll_back(height); });
    }

    std::vector<Candidate> candidates(Height first) {
        const Height last = std::min(target_, first + (BLOCKS_PER_BATCH - 1));
        const std::vector<BlockHash> names = hashes(first, last);
        std::vector<RpcCall> calls;
        for (const BlockHash& hash : names) {
            calls.push_back({"getblockheader", {json::string(hash.to_string()), false}});
            calls.push_back({"getblockfilter", {json::string(hash.to_string())}});
        }
        const std::vector<json::value> replies = node_.batch(calls);
        std::vector<Candidate> found;
        for (size_t i = 0; i < names.size(); ++i)
            found.push_back(
                {names[i], decoded<consensus::BlockHeader>(replies[2 * i]),
                 bytes_of(member(replies[2 * i + 1], "filter"))});
        return found;
    }

    /// Nothing if the node has left these blocks meanwhile.
    std::vector<Candidate> candidates_if_still_there(Height first) {
        try {
            return candidates(first);
        } catch (const RpcError& error) {
            if (error.code == NOT_THERE || error.code == NO_SUCH_HEIGHT) return {};
            if (error.code != NO_FILTERS) throw;
            throw WalletError(
                std::string("the node has no block filters (") + error.what() +
                "), by which a wallet finds its coins: start it without -blockfilterindex=0");
        }
    }

    /// Look through a batch of blocks; false if they don't follow what was looked through before.
    bool scan_from(Height first) {
        const std::vector<Candidate> blocks = candidates_if_still_there(first);
        size_t done = 0;
        fetched_.clear();
        wallet_.database().atomically([&] {
            for (const Candidate& block : blocks) {
                const std::optional<ScannedBlock> before = ledger_.tip();
                if (block.header.hash() != block.hash)
                    throw RpcError(0, "a header has another hash");
                if (before && block.header.prev_hash != before->hash) return;
                const Height height = first + static_cast<int32_t>(done++);
                look_into(std::span(blocks).subspan(done - 1), height);
                ledger_.set_tip({height, block.hash});
            }
        });
        return done > 0 && done == blocks.size();
    }

    bool matches(const Candidate& candidate, std::span<const Script> scripts) {
        const consensus::Result<bool> matches =
            consensus::filter_matches(candidate.filter, candidate.hash, scripts);
        if (!matches) throw RpcError(0, "the node's block filter can't be decoded");
        return *matches;
    }

    /// The first of `candidates`; the others are those that will follow.
    void look_into(std::span<const Candidate> candidates, Height height) {
        if (height == Height(0) && !params_.genesis_spendable) return;
        std::optional<consensus::Block> block;
        // A payment found may bring new addresses under watch, which this block may pay, too.
        for (size_t watched = 0; watched != ledger_.scripts().size();) {
            const std::span<const Script> fresh =
                std::span(ledger_.scripts()).subspan(block ? watched : 0);
            watched = ledger_.scripts().size();
            if (!matches(candidates[0], fresh)) return;
            if (!block) block = fetch(candidates);
            ledger_.add_block(*block, height);
        }
    }

    /// The first of `candidates`, and in the same round trip others that will be needed.
    consensus::Block fetch(std::span<const Candidate> candidates) {
        const BlockHash& hash = candidates[0].hash;
        if (!fetched_.contains(hash)) {
            std::vector<RpcCall> calls;
            for (const Candidate& one : candidates)
                if (calls.size() < BLOCKS_PER_FETCH && matches(one, ledger_.scripts()))
                    calls.push_back({"getblock", {json::string(one.hash.to_string()), 0}});
            for (const json::value& reply : node_.batch(calls)) {
                auto block = decoded<consensus::Block>(reply);
                const BlockHash found = block.header.hash();
                fetched_.emplace(found, std::move(block));
            }
        }
        auto block = fetched_.extract(hash);
        if (block.empty() ||
            consensus::merkle_root(block.mapped()) != block.mapped().header.merkle_root)
            throw RpcError(0, "the node sent another block than the one asked for");
        return std::move(block.mapped());
    }

    std::set<Txid> mempool() {
        const json::value ids = node_.call("getrawmempool");
        if (!ids.is_array()) throw RpcError(0, "the node's reply holds no list of its mempool");
        std::set<Txid> waiting;
        for (const json::value& id : ids.as_array()) waiting.insert(hash_of<Txid>(id));
        return waiting;
    }

    /// A node that was restarted or had no room may have lost what waits; a reorganisation may
    /// have killed it.
    void send_again(const std::set<Txid>& waiting) {
        for (const PendingTransaction& pending : ledger_.pending()) {
            if (waiting.contains(pending.tx->txid)) continue;
            const HistoryEntry entry = ledger_.entry_of(*pending.tx);
            const bool pays = entry.net < Amount(0);
            try {
                const json::string raw(consensus::to_hex(consensus::encode(*pending.tx)));
                node_.call("sendrawtransaction", {raw});
                if (pays) tell_resent(entry, " was sent only now");
            } catch (const RpcError& error) {
                if (error.code == 0 && pays)
                    return tell_resent(
                        entry, std::string(" was sent now, perhaps: ") + error.what());
                if (error.code == 0) throw;
                if (error.code == ALREADY_CONFIRMED) continue; // by a block that came just now
                refused(pending, error);
            }
        }
    }

    /// What others have sent and no block holds yet. All that waits is fetched, each time, so that
    /// the node doesn't learn which of it is known here.
    void look_into(const std::set<Txid>& waiting) {
        report_.mempool_unseen = true;
        if (waiting.size() > MAX_WAITING) {
            report_.warnings.push_back(
                "the node's mempool holds " + std::to_string(waiting.size()) +
                " transactions, too many to look for payments to this wallet: they show once a "
                "block holds them");
            return;
        }
        std::vector<consensus::SealedTransaction> found;
        std::vector<RpcCall> calls;
        for (const Txid& txid : waiting) {
            calls.push_back({"getrawtransaction", {json::string(txid.to_string())}});
            if (calls.size() < WAITING_PER_BATCH && txid != *waiting.rbegin()) continue;
            try {
                for (const json::value& reply : node_.batch(calls))
                    found.push_back(decoded<consensus::SealedTransaction>(reply));
            } catch (const RpcError& error) {
                // What was sent must be told, so that isn't thrown away; else only a block may have
                // come just now. The next sync looks into it.
                if (error.code != NOT_THERE && report_.resent.empty()) throw;
                return;
            }
            calls.clear();
        }
        report_.mempool_unseen = false;
        wallet_.database().atomically([&] {
            // One may spend the output of another, or bring new addresses under watch.
            for (bool more = true; more;) {
                more = false;
                for (const consensus::SealedTransaction& tx : found)
                    more = ledger_.add_waiting(tx, now_) || more;
            }
        });
    }

    /// "TXID (1.00000000 to ADDRESS)"
    std::string text_of(const HistoryEntry& entry) const {
        std::string text;
        for (const TxOut& payment : entry.payments)
            text += (text.empty() ? "" : ", ") + to_text(payment.value) + " to " +
                    consensus::address_of_script(payment.script_pubkey, params_.address)
                        .value_or("a script");
        return entry.txid.to_string() + " (" + (text.empty() ? "to this wallet" : text) + ")";
    }

    void tell_resent(const HistoryEntry& entry, const std::string& what) {
        report_.resent.push_back(entry.txid);
        report_.warnings.push_back("the payment " + text_of(entry) + what);
    }

    /// `before`: what was dead when this sync began.
    void tell_cancelled(const std::set<Txid>& before) {
        for (const HistoryEntry& entry : ledger_.dead()) {
            if (before.contains(entry.txid) || entry.net >= Amount(0)) continue;
            const std::optional<Txid> rival = ledger_.rival_of(entry.txid);
            report_.warnings.push_back(
                "the payment " + text_of(entry) + " was cancelled: " +
                (rival ? rival->to_string() + " has spent its coins" : "its coins are gone"));
        }
    }

    void refused(const PendingTransaction& pending, const RpcError& error) {
        // Someone else's payment, replaced or without its block: if it lives on, a mempool or a
        // later block will bring it back. Other reasons pass: its coins are not to be spent anew.
        const std::string reason = error.what();
        const bool has_rival = error.code == MISSING_INPUTS ||
                               reason.find("conflict") != std::string::npos ||
                               reason.find("replacement") != std::string::npos;
        if (!pending.made_here && has_rival) return ledger_.abandon(pending.tx->txid);
        const std::string txid = pending.tx->txid.to_string();
        report_.warnings.push_back(
            "the node doesn't take " + txid + " (" + reason +
            "); it will be sent again. `cairn "
            "abandon " +
            txid + "` gives it up and frees its coins");
    }

    NodeRpc& node_;
    WalletFile& wallet_;
    Ledger& ledger_;
    const consensus::Params& params_;
    int64_t now_;
    Height target_;
    SyncReport report_;
    std::map<BlockHash, consensus::Block> fetched_; ///< Not yet looked into.
};

} // namespace

Height node_height(NodeRpc& node, const consensus::Params& params) {
    const std::vector<json::value> replies =
        node.batch({{"getblockhash", {0}}, {"getblockcount", {}}});
    check_chain(replies[0], params);
    if (!replies[1].is_int64()) throw RpcError(0, "the node's reply holds no height");
    return static_cast<int32_t>(replies[1].as_int64());
}

SyncReport sync_wallet(
    NodeRpc& node,
    WalletFile& wallet,
    const consensus::Params& params,
    int64_t now,
    const SyncProgress& progress) {
    return Sync(node, wallet, params, now).run(progress);
}

} // namespace cairn::wallet
