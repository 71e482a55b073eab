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

/// Onto number `i` of `headers`, if it may be next.
bool HeaderPresync::step(const std::vector<BlockHeader>& headers, size_t i) {
    const BlockHeader& header = headers[i];
    const bool good = header.prev_hash == walk_.hash &&
                      consensus::bits_may_follow(
                          walk_.header, walk_.height, walk_.first_time, header.bits, params_);
    if (!good) return false;
    walk_.hash = i + 1 < headers.size() ? headers[i + 1].prev_hash : header.hash();
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
    for (size_t i = 0; i < headers.size(); ++i) {
        if (!step(headers, i)) return {};
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
    for (size_t i = 0; i < headers.size(); ++i) {
        if (!step(headers, i)) return {};
        const bool enough = walk_.work >= wanted_; // from here on it is taken as any other
        if (keeps_bit() && !enough) {
            if (next_bit_ == bits_.size() || bits_[next_bit_++] != bit()) return {};
        }
        waiting_.push_back(headers[i]);
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
