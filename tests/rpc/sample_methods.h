// SPDX-License-Identifier: MIT
// A small method table, so that the server is tested without a chain behind it.
#pragma once

#include "rpc/server/method.h"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <vector>

namespace cairn::rpc::server {

/// What the sample methods share.
struct SampleContext : Context {
    std::mutex mutex;
    std::vector<std::function<void(Reply)>> waiting; ///< Of calls of `later`.
    std::stop_token left;                            ///< Of the last of them.
    int count = 0;                                   ///< Calls of `count`.

    std::condition_variable changed; ///< What follows.
    int held = 0;                    ///< Calls of `hold` that have begun and not ended.
    bool let_go = false;             ///< They end.
};

/// add, greet, fail, throw, later, count, repeat, hold, nap.
std::vector<Group> sample_methods();

} // namespace cairn::rpc::server
