// SPDX-License-Identifier: MIT
// How a package comes in: each of it by itself where it can, and the rest together.
#include "chain/admission.h"
#include "chain/attempt.h"

namespace cairn::chain {

using consensus::policy;
using consensus::Reject;

namespace {

/// One of a package, or several, are to blame.
const Reject TRANSACTION_FAILED = policy("transaction failed");

} // namespace

PackageOutcome Admission::accept_package(
    const std::vector<TransactionRef>& package, const AcceptOptions& options) {
    PackageOutcome outcome;
    outcome.verdict = check_package(package);
    if (!outcome.verdict) return outcome;
    const auto attempt = [&] {
        return Attempt{.max_feerate = options.max_feerate, .time = chainstate_.options().now()};
    };
    if (options.test_only) {
        Attempt test = attempt();
        test.may_replace = false;
        return accept_together(test, package, true);
    }
    std::vector<TransactionRef> rest;
    for (const TransactionRef& tx : package) {
        if (const MempoolEntry* entry = pool_.find(tx->txid)) {
            Accepted waiting{entry->fee, entry->vsize(), entry->feerate(), {}};
            if (entry->tx->wtxid != tx->wtxid) waiting.waits_as = entry->tx->wtxid;
            outcome.each.insert_or_assign(tx->wtxid, std::move(waiting));
            continue;
        }
        Attempt single = attempt();
        const Result<Accepted> accepted = accept_alone(single, tx, false);
        outcome.each.insert_or_assign(tx->wtxid, accepted);
        if (accepted)
            outcome.replaced.insert(
                outcome.replaced.end(), accepted->replaced.begin(), accepted->replaced.end());
        else if (
            package.size() > 1 && (pays_too_little(accepted.error()) ||
                                   accepted.error().kind == Reject::Kind::MissingInputs))
            rest.push_back(tx);
        else
            outcome.verdict = TRANSACTION_FAILED;
    }
    if (rest.size() == 1) outcome.verdict = TRANSACTION_FAILED;
    if (outcome.verdict && !rest.empty()) {
        Attempt again = attempt();
        again.together = true;
        PackageOutcome result = accept_together(again, rest, false);
        outcome.verdict = result.verdict;
        for (auto& [wtxid, each] : result.each) outcome.each.insert_or_assign(wtxid, each);
        outcome.replaced.insert(
            outcome.replaced.end(), result.replaced.begin(), result.replaced.end());
    }
    enforce_limits();
    for (const TransactionRef& tx : package) {
        const auto found = outcome.each.find(tx->wtxid);
        if (found == outcome.each.end() || !found->second || pool_.find(tx->txid)) continue;
        found->second = policy("mempool full");
        outcome.verdict = TRANSACTION_FAILED;
    }
    return outcome;
}

PackageOutcome Admission::accept_together(
    Attempt& attempt, const std::vector<TransactionRef>& package, bool test_only) {
    PackageOutcome outcome;
    const auto failed = [&](const TransactionRef& tx, const Reject& reject) {
        outcome.verdict = TRANSACTION_FAILED;
        outcome.each.insert_or_assign(tx->wtxid, reject);
        return outcome;
    };
    for (const TransactionRef& tx : package)
        if (Result<> verdict = examine(attempt, tx); !verdict) return failed(tx, verdict.error());
    outcome.verdict = check_families(attempt);
    if (!outcome.verdict) return outcome;
    if (attempt.together)
        if (Result<> verdict = check_fee(attempt.fees(), attempt.vsize()); !verdict)
            return failed(package.back(), verdict.error());
    outcome.verdict = judge_conflicts(attempt);
    if (!outcome.verdict) return outcome;
    if (!attempt.replaced.empty()) // as in accept_alone()
        for (const Candidate& candidate : attempt.candidates)
            if (Result<> verdict = check_scripts(candidate); !verdict)
                return failed(candidate.entry.tx, verdict.error());
    outcome.verdict = judge_order(attempt);
    if (!outcome.verdict) return outcome;
    for (const Candidate& candidate : attempt.candidates)
        if (Result<> verdict = check_dust(attempt, candidate.entry); !verdict) {
            failed(candidate.entry.tx, verdict.error());
            outcome.verdict = policy("unspent-dust");
            return outcome;
        }
    for (const Candidate& candidate : attempt.candidates) {
        if (Result<> verdict = check_scripts(candidate); !verdict) {
            if (!test_only) outcome.each.clear();
            return failed(candidate.entry.tx, verdict.error());
        }
        outcome.each.insert_or_assign(candidate.entry.tx->wtxid, attempt.accepted(candidate.entry));
    }
    outcome.replaced = attempt.accepted(attempt.last()).replaced;
    if (!test_only) commit(attempt);
    return outcome;
}

} // namespace cairn::chain
