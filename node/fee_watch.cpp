// SPDX-License-Identifier: MIT
#include "node/fee_watch.h"

#include "chain/file.h"

#include <chrono>
#include <fstream>
#include <iterator>
#include <spdlog/spdlog.h>

namespace cairn::node {

namespace {

constexpr int64_t SAVE_INTERVAL = 3600;
constexpr int64_t MAX_FILE_AGE =
    int64_t{60} * 3600; ///< Of later prices an older file knows nothing.

int64_t age_of(const std::filesystem::path& file, int64_t now) {
    std::error_code error;
    const auto written = std::filesystem::last_write_time(file, error);
    if (error) return INT64_MAX;
    const auto since = std::chrono::file_clock::to_sys(written).time_since_epoch();
    return now - std::chrono::duration_cast<std::chrono::seconds>(since).count();
}

} // namespace

FeeWatch::FeeWatch(const chain::Chain& chain, std::filesystem::path file)
    : chain_(chain),
      file_(std::move(file)),
      last_save_(chain.options().now()) {
    if (age_of(file_, last_save_) > MAX_FILE_AGE) return;
    std::ifstream in(file_, std::ios::binary);
    const consensus::Bytes bytes{std::istreambuf_iterator<char>(in), {}};
    if (!estimator_.load(bytes)) spdlog::warn("fee_estimates_ignored file={}", file_.string());
}

void FeeWatch::save() {
    const consensus::Bytes bytes =
        ask([](const chain::FeeEstimator& estimator) { return estimator.save(); });
    try {
        chain::replace_file(file_, bytes);
    } catch (const std::runtime_error& error) {
        return spdlog::warn("{}", error.what()); // they are only a convenience
    }
    spdlog::info("Flushed fee estimates to {}.", file_.string());
}

void FeeWatch::stop() {
    {
        // Or it would count as new, and so as quickly mined, when it is back.
        const std::scoped_lock lock(mutex_);
        estimator_.remove_all();
    }
    save();
}

void FeeWatch::tip_changed(const chain::TipChange& change) {
    {
        const std::scoped_lock lock(mutex_);
        for (const chain::BlockChange& connected : change.connected)
            estimator_.connect(connected.node->height, connected.block->transactions);
    }
    const int64_t now = chain_.options().now();
    const int64_t passed = now - last_save_; // below 0 if the clock was ahead
    if (change.initial_download || (passed >= 0 && passed < SAVE_INTERVAL)) return;
    last_save_ = now;
    save();
}

void FeeWatch::transaction_added(const chain::MempoolEvent& event) {
    if (chain_.initial_download()) return; // it waits for blocks that are long there
    const consensus::Height height = chain_.view().height();
    bool late = chain_.best_header().height > height + 1;
    {
        const chain::MempoolReader pool = chain_.mempool();
        const chain::MempoolEntry* entry = pool->find(event.tx->wtxid);
        late |= entry && entry->was_confirmed;
    }
    const std::scoped_lock lock(mutex_);
    estimator_.add(*event.tx, event.feerate, height, late);
}

void FeeWatch::transaction_removed(const chain::MempoolEvent& event) {
    if (event.removed == chain::RemovalReason::Block) return; // tip_changed() tells
    const std::scoped_lock lock(mutex_);
    estimator_.remove(event.tx->txid);
}

} // namespace cairn::node
