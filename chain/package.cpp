// SPDX-License-Identifier: MIT
#include "chain/package.h"

#include "chain/policy.h"

#include <algorithm>
#include <set>
#include <spdlog/fmt/fmt.h>

namespace cairn::chain {

using consensus::policy;
using consensus::SealedTransaction;
using consensus::TxIn;

namespace {

constexpr int32_t TRUC_VERSION = 3;
constexpr int64_t MAX_TRUC_VSIZE = 10'000;
constexpr int64_t MAX_TRUC_CHILD_VSIZE = 1'000;

std::string name_of(const MempoolEntry& entry) {
    return fmt::format("tx {} (wtxid={})", entry.tx->txid.to_string(), entry.tx->wtxid.to_string());
}

} // namespace

bool spends_from(const SealedTransaction& tx, const Txid& parent) {
    return std::ranges::any_of(
        tx.inputs, [&](const TxIn& in) { return in.prevout.txid == parent; });
}

Result<> check_package(std::span<const TransactionRef> package) {
    if (package.size() > MAX_PACKAGE_COUNT) return policy("package-too-many-transactions");
    int64_t weight = 0;
    std::set<Txid> later;
    for (const TransactionRef& tx : package) {
        weight += tx->weight();
        later.insert(tx->txid);
    }
    // A single one has a limit of its own.
    if (package.size() > 1 && weight > MAX_PACKAGE_WEIGHT) return policy("package-too-large");
    if (later.size() != package.size()) return policy("package-contains-duplicates");
    std::set<OutPoint> spent;
    bool conflict = false;
    for (const TransactionRef& tx : package) {
        for (const TxIn& in : tx->inputs)
            if (later.contains(in.prevout.txid)) return policy("package-not-sorted");
        later.erase(tx->txid);
        std::set<OutPoint> own; // a transaction that spends one twice fails for itself
        for (const TxIn& in : tx->inputs) {
            conflict = conflict || spent.contains(in.prevout);
            own.insert(in.prevout);
        }
        spent.merge(own);
    }
    if (conflict) return policy("conflict-in-package");
    return {};
}

bool is_child_with_parents(std::span<const TransactionRef> package) {
    const std::span parents = package.first(package.size() - 1);
    return std::ranges::all_of(parents, [&](const TransactionRef& parent) {
        return spends_from(*package.back(), parent->txid) &&
               std::ranges::none_of(parents, [&](const TransactionRef& other) {
                   return spends_from(*other, parent->txid);
               });
    });
}

bool is_truc(const MempoolEntry& entry) {
    return entry.tx->version == TRUC_VERSION;
}

std::optional<TrucViolation> check_truc(const Family& family) {
    const MempoolEntry& entry = family.entry;
    for (const MempoolEntry* parent : family.parents)
        if (is_truc(*parent) != is_truc(entry))
            return TrucViolation{fmt::format(
                "{} {} cannot spend from {} {}", is_truc(entry) ? "version=3" : "non-version=3",
                name_of(entry), is_truc(*parent) ? "version=3" : "non-version=3",
                name_of(*parent))};
    if (!is_truc(entry)) return std::nullopt;
    if (entry.vsize() > MAX_TRUC_VSIZE)
        return TrucViolation{fmt::format(
            "version=3 {} is too big: {} > {} virtual bytes", name_of(entry), entry.vsize(),
            MAX_TRUC_VSIZE)};
    if (family.parents.size() > 1 || !family.grandparents.empty())
        return TrucViolation{fmt::format("{} would have too many ancestors", name_of(entry))};
    if (family.parents.empty()) return std::nullopt;
    if (entry.vsize() > MAX_TRUC_CHILD_VSIZE)
        return TrucViolation{fmt::format(
            "version=3 child {} is too big: {} > {} virtual bytes", name_of(entry), entry.vsize(),
            MAX_TRUC_CHILD_VSIZE)};
    if (family.siblings.empty()) return std::nullopt;
    return TrucViolation{
        fmt::format("{} would exceed descendant count limit", name_of(*family.parents[0])), true};
}

Result<> check_ephemeral_dust(const Family& family, FeeRate dust) {
    const MempoolEntry& entry = family.entry;
    for (const MempoolEntry* parent : family.parents) {
        const std::vector<consensus::TxOut>& outputs = parent->tx->outputs;
        for (uint32_t i = 0; i < outputs.size(); ++i) {
            if (outputs[i].value >= dust_threshold(outputs[i], dust)) continue;
            const OutPoint point{parent->tx->txid, i};
            if (std::ranges::find(entry.tx->inputs, point, &TxIn::prevout) !=
                entry.tx->inputs.end())
                continue;
            return policy(
                "missing-ephemeral-spends",
                fmt::format("{} did not spend parent's ephemeral dust", name_of(entry)));
        }
    }
    return {};
}

} // namespace cairn::chain
