// SPDX-License-Identifier: MIT
// A small method table, so that the server is tested without a chain behind it.
#pragma once

#include "rpc/server/method.h"

#include <functional>
#include <mutex>
#include <vector>

namespace cairn::rpc::server {

/// What the sample methods share.
struct SampleContext : Context {
    std::mutex mutex;
    std::vector<std::function<void(Reply)>> waiting; ///< Of calls of `later`.
    int count = 0;                                   ///< Calls of `count`.
};

/// add, greet, fail, throw, later, count.
std::vector<Group> sample_methods();

} // namespace cairn::rpc::server
