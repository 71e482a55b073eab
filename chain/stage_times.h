// SPDX-License-Identifier: MIT
// What validation spends its processor time on: for operators, and for whoever makes it faster.
#pragma once

#include <array>
#include <atomic>
#include <ctime>
#include <string_view>

namespace cairn::chain {

/// The parts of a block's way, on whatever thread they are done.
enum class Stage : uint8_t { Parse, Check, Fetch, Connect, Scripts, Write, Flush };

constexpr std::array<std::string_view, 7> STAGE_NAMES{"parse",   "check", "fetch", "connect",
                                                      "scripts", "write", "flush"};

/// Processor time by stage, of all threads. Thread: any.
class StageTimes {
public:
    /// Counts the time of its thread, from now until it is destroyed.
    class Scope {
    public:
        Scope(StageTimes& times, Stage stage)
            : sum_(times.nanoseconds_[static_cast<size_t>(stage)]),
              start_(thread_nanoseconds()) {}

        ~Scope() { sum_ += thread_nanoseconds() - start_; }

        Scope(const Scope&) = delete;
        Scope& operator=(const Scope&) = delete;

    private:
        static int64_t thread_nanoseconds() {
            timespec time{};
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
            return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
        }

        std::atomic<int64_t>& sum_;
        int64_t start_;
    };

    double seconds(Stage stage) const {
        return static_cast<double>(nanoseconds_[static_cast<size_t>(stage)]) / 1e9;
    }

private:
    std::array<std::atomic<int64_t>, STAGE_NAMES.size()> nanoseconds_{};
};

} // namespace cairn::chain
