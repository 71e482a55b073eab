// SPDX-License-Identifier: MIT
#pragma once

#include <mutex>
#include <shared_mutex>

namespace cairn::chain {

/// A std::shared_mutex whose writer gets its turn however many readers come and go: glibc's own
/// lets a stream of overlapping readers keep it out for ever. New readers wait behind a writer.
class FairSharedMutex {
public:
    void lock() {
        const std::scoped_lock turn(gate_);
        mutex_.lock();
    }

    void unlock() { mutex_.unlock(); }

    void lock_shared() {
        const std::scoped_lock turn(gate_);
        mutex_.lock_shared();
    }

    void unlock_shared() { mutex_.unlock_shared(); }

private:
    std::mutex gate_;
    std::shared_mutex mutex_;
};

} // namespace cairn::chain
