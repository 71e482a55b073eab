// SPDX-License-Identifier: MIT
#include "chain/attempt.h"

namespace cairn::chain {

MempoolChange Attempt::change() const {
    MempoolChange change{.added = {}, .removed = replaced};
    for (const Candidate& each : candidates) change.added.push_back(&each.entry);
    return change;
}

Amount Attempt::fees() const {
    Amount sum;
    for (const Candidate& each : candidates) sum += each.entry.modified_fee;
    return sum;
}

int64_t Attempt::vsize() const {
    int64_t sum = 0;
    for (const Candidate& each : candidates) sum += each.entry.vsize();
    return sum;
}

Accepted Attempt::accepted(const MempoolEntry& entry) const {
    Accepted accepted{entry.fee, entry.vsize(), entry.feerate(), {entry.tx->wtxid}};
    if (together) {
        accepted.effective_feerate = FeeRate::of(fees(), vsize());
        accepted.effective_of.clear();
        for (const Candidate& each : candidates)
            accepted.effective_of.push_back(each.entry.tx->wtxid);
    }
    for (const MempoolEntry* each : replaced) accepted.replaced.push_back(each->tx->txid);
    return accepted;
}

} // namespace cairn::chain
