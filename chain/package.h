// SPDX-License-Identifier: MIT
// Rules for transactions that come or stay with those they depend on: packages, TRUC (BIP-0431)
// and ephemeral dust. Source: the reference's policy.
#pragma once

#include "chain/chain.h"

#include <span>

namespace cairn::chain {

constexpr size_t MAX_PACKAGE_COUNT = 25;
constexpr int64_t MAX_PACKAGE_WEIGHT = 404'000;

/// Whether `package` is one: parents come first, nothing twice, no two spend the same.
/// Errors: Policy.
Result<> check_package(std::span<const TransactionRef> package);

/// Whether the last of `package` spends from all others, and these from none of them.
bool is_child_with_parents(std::span<const TransactionRef> package);

bool spends_from(const consensus::SealedTransaction& tx, const Txid& parent);

/// Whether it is of version 3, with the rules of BIP-0431.
bool is_truc(const MempoolEntry& entry);

/// A transaction and those around it, waiting or on their way in.
struct Family {
    const MempoolEntry& entry;
    Mempool::Entries parents;
    Mempool::Entries grandparents; ///< Of one that is_truc().
    Mempool::Entries siblings;     ///< Likewise: other children of its parents.
};

/// What is wrong by the rules of version 3 (TRUC), under which a transaction has at most one parent
/// and one child, which is small, so that it can be replaced cheaply.
struct TrucViolation {
    std::string text;
    bool only_sibling = false; ///< That its parent has another child is all.
};

std::optional<TrucViolation> check_truc(const Family& family);

/// A parent's dust has to be spent with what else of it is, so that it never stays. Errors: Policy.
Result<> check_ephemeral_dust(const Family& family, FeeRate dust);

} // namespace cairn::chain
