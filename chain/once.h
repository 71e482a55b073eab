// SPDX-License-Identifier: MIT
// What is to be done once, by whoever comes first.
#pragma once

#include <mutex>

namespace cairn::chain {

/// As std::once_flag, for work that may throw: then the next one does it. Of std::call_once nobody
/// else returns after that on machines other than x86-64, and under ThreadSanitizer (GCC bug
/// 66146).
///
/// Thread: any.
class Once {
public:
    /// Do `work` unless that is done, or wait for who is about it.
    void run(const auto& work) {
        const std::lock_guard lock(mutex_);
        if (done_) return;
        work();
        done_ = true;
    }

private:
    std::mutex mutex_;
    bool done_ = false;
};

} // namespace cairn::chain
