// SPDX-License-Identifier: MIT
// Lets the fee estimator see what comes, what is mined and what gives up, and keeps what it has
// learned over a restart.
#pragma once

#include "chain/chain.h"
#include "chain/fee_estimator.h"

#include <mutex>

namespace cairn::node {

/// Thread: any; as an observer the chain's.
class FeeWatch final : public chain::ChainObserver {
public:
    /// Goes on from `file`, if that isn't too old.
    FeeWatch(const chain::Chain& chain, std::filesystem::path file);

    /// What `ask` says of the estimator.
    template <class Ask>
    auto ask(Ask ask) const {
        const std::scoped_lock lock(mutex_);
        return ask(estimator_);
    }

    /// Throws chain::StorageError.
    void save();

    /// Save it at the end, once the chain has stopped.
    void stop();

    void tip_changed(const chain::TipChange& change) override;
    void transaction_added(const chain::MempoolEvent& event) override;
    void transaction_removed(const chain::MempoolEvent& event) override;

private:
    const chain::Chain& chain_;
    const std::filesystem::path file_;
    mutable std::mutex mutex_; ///< Over the estimator: whoever asks wants an answer at once.
    chain::FeeEstimator estimator_;
    int64_t last_save_ = 0;
};

} // namespace cairn::node
