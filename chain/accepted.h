// SPDX-License-Identifier: MIT
// What becomes of transactions that are handed to the chain.
#pragma once

#include "chain/mempool.h"
#include "consensus/result.h"

#include <map>
#include <optional>
#include <vector>

namespace cairn::chain {

using consensus::Reject;
using consensus::Result;

/// Outcome of a transaction that was, or with `test_only` would be, accepted.
struct Accepted {
    Amount fee;
    int64_t vsize = 0;
    FeeRate effective_feerate;
    std::vector<consensus::Wtxid> effective_of; ///< That is their feerate; empty: it waited before.
    std::vector<Txid> replaced{};
    std::optional<consensus::Wtxid> waits_as{}; ///< Before, and with another witness.

    bool is_new() const { return !effective_of.empty(); }
};

/// Outcome of transactions that were, or with `test_only` would be, accepted together.
struct PackageOutcome {
    Result<> verdict; ///< "transaction failed": that of one is what counts.
    std::map<consensus::Wtxid, Result<Accepted>> each{}; ///< As far as they were looked at.
    std::vector<Txid> replaced{};
};

/// What a submitter asks of accept_transaction().
struct AcceptOptions {
    bool test_only = false;
    std::optional<FeeRate> max_feerate{}; ///< What pays more is refused.
    std::optional<Amount> max_fee{};      ///< The same, of one that would be accepted otherwise.
    bool must = false; ///< Look at it however much waits: something else limits who asks so.
    bool ours = false; ///< We are its first source: observers are told transaction_unsent().
};

/// Why a transaction left the mempool.
enum class RemovalReason : uint8_t { Block, Conflict, Replaced, Expiry, SizeLimit, Reorg };

/// A transaction came or went.
struct MempoolEvent {
    TransactionRef tx;
    FeeRate feerate;                      ///< What it really pays, if it was added.
    std::optional<RemovalReason> removed; ///< nullopt: it was added.
    SpentScripts spent_scripts;           ///< Empty if a block took it.
    bool saved = false; ///< It waited here before, and was read from a file of what did.
};

/// Whether a transaction that was refused may come in with a child that pays for it.
bool pays_too_little(const Reject& reject);

} // namespace cairn::chain
