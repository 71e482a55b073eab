// SPDX-License-Identifier: MIT
// How long work takes that other tests beside it don't slow down.
#pragma once

#include <ctime>

namespace cairn::tests {

/// Seconds of the processor that `work` takes on this thread.
template <class Work>
double processor_seconds(const Work& work) {
    const auto now = [] {
        timespec time{};
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
    };
    const double start = now();
    work();
    return now() - start;
}

} // namespace cairn::tests
