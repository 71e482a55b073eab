// SPDX-License-Identifier: MIT
#include "node/header_presync.h"

#include "consensus/block_rules.h"
#include "consensus/pow.h"
#include "node/header_sync.h"

namespace cairn::node {

using consensus::BlockHeader;
using consensus::Height;

namespace {

/// Blocks that a chain can have after `fork`: its median time rises by a second at least, and is
/// that of eleven of them.
size_t most_blocks(const chain::BlockNode& fork, int64_t now) {
    constexpr int64_t BLOCKS_A_SECOND = 6;
    const int64_t seconds = now + consensus::MAX_FUTURE_BLOCK_SECONDS - fork.median_time_past();
    return static_cast<size_t>(std::max<int64_t>(seconds, 0) * BLOCKS_A_SECOND);
}

} // namespace

HeaderPresync::HeaderPresync(
    const chain::BlockNode& fork,
    consensus::Uint256 wanted,
    const consensus::Params& params,
    int64_t now,
    Random& random)
    : fork_(fork),
      wanted_(std::move(wanted)),
      params_(params),
      offset_(static_cast<int32_t>(random.below(PERIOD))),
      secret_{random.next(), random.next()},
      most_bits_(std::min(most_blocks(fork, now) / PERIOD + 1, MAX_BITS)) {
    begin();
}

void HeaderPresync::begin() {
    walk_ = {fork_.hash, fork_.header, fork_.height, fork_.work};
    if (const auto* first = fork_.ancestor(1)) walk_.first_time = first->header.time;
}

std::vector<consensus::BlockHash> HeaderPresync::locator() const {
    std::vector<consensus::BlockHash> hashes{walk_.hash};
    for (const consensus::BlockHash& hash : locator_of(&fork_))
        if (hash != walk_.hash) hashes.push_back(hash);
    return hashes;
}

/// Onto `header`, if it may be next.
bool HeaderPresync::step(const BlockHeader& header) {
    const consensus::BlockHash hash = header.hash();
    const bool good = header.prev_hash == walk_.hash &&
                      consensus::meets_target(hash, header.bits, params_.pow_limit) &&
                      consensus::bits_may_follow(
                          walk_.header, walk_.height, walk_.first_time, header.bits, params_);
    if (!good) return false;
    walk_.hash = hash;
    walk_.header = header;
    ++walk_.height;
    walk_.work += consensus::work_of(header.bits);
    if (walk_.height == Height(1)) walk_.first_time = header.time;
    return true;
}

HeaderPresync::Step HeaderPresync::take(const std::vector<BlockHeader>& headers, bool all) {
    return again_ ? check(headers, all) : count(headers, all);
}

HeaderPresync::Step HeaderPresync::count(const std::vector<BlockHeader>& headers, bool all) {
    for (const BlockHeader& header : headers) {
        if (!step(header)) return {};
        if (!keeps_bit()) continue;
        if (bits_.size() == most_bits_) return {};
        if (bits_.size() == bits_.capacity()) bits_.reserve(bits_.size() + MAX_BITS / 64);
        bits_.push_back(bit());
    }
    if (walk_.work < wanted_) return {.goes_on = !all};
    again_ = true;
    begin();
    return {.goes_on = true};
}

HeaderPresync::Step HeaderPresync::check(const std::vector<BlockHeader>& headers, bool all) {
    Step result;
    result.good.reserve(headers.size());
    for (const BlockHeader& header : headers) {
        if (!step(header)) return {};
        const bool enough = walk_.work >= wanted_; // from here on it is taken as any other
        if (keeps_bit() && !enough) {
            if (next_bit_ == bits_.size() || bits_[next_bit_++] != bit()) return {};
        }
        waiting_.push_back(header);
        if (enough && waiting_.size() > 1)
            result.good.reserve(result.good.size() + waiting_.size() + headers.size());
        while (!waiting_.empty() && (enough || waiting_.size() > WAITING)) {
            result.good.push_back(waiting_.front());
            waiting_.pop_front();
        }
    }
    result.goes_on = !all && walk_.work < wanted_;
    return result;
}

} // namespace cairn::node
