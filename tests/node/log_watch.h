// SPDX-License-Identifier: MIT
// What whole nodes log tells tests what happened, and when to go on.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <string>
#include <string_view>

namespace cairn::node::test {

/// Whatever changes in a node is logged: each line is an event after which to look again. Made
/// before the nodes, and gone after them.
class LogWatch {
    struct Lines;

public:
    LogWatch() {
        auto logger = std::make_shared<spdlog::logger>("test", lines_);
        logger->set_level(spdlog::level::debug);
        spdlog::set_default_logger(std::move(logger));
    }

    ~LogWatch() { spdlog::set_default_logger(before_); }

    LogWatch(const LogWatch&) = delete;
    LogWatch& operator=(const LogWatch&) = delete;

    template <class F>
    bool wait_until(F condition) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        for (;;) {
            const uint64_t seen = lines_->count;
            if (condition()) return true;
            std::unique_lock lock(lines_->waiting);
            if (!lines_->came.wait_until(lock, deadline, [&] { return lines_->count != seen; }))
                return false;
        }
    }

    /// Count lines that begin with `text`.
    void count(std::string text) {
        const std::lock_guard lock(lines_->waiting);
        lines_->counted = std::move(text);
        lines_->times = 0;
    }

    int counted() const { return lines_->times; }

    /// While it is there, who writes a line that is counted waits.
    class Hold {
    public:
        explicit Hold(LogWatch& log) : lines_(log.lines_) { lines_->holding = true; }

        ~Hold() {
            const std::lock_guard lock(lines_->waiting);
            lines_->holding = false;
            lines_->released.notify_all();
        }

        Hold(const Hold&) = delete;
        Hold& operator=(const Hold&) = delete;

    private:
        std::shared_ptr<Lines> lines_;
    };

private:
    struct Lines final : spdlog::sinks::base_sink<spdlog::details::null_mutex> {
        void sink_it_(const spdlog::details::log_msg& line) override {
            std::unique_lock lock(waiting);
            const std::string_view text(line.payload.data(), line.payload.size());
            const bool is_counted = !counted.empty() && text.starts_with(counted);
            if (is_counted) ++times;
            ++count; // the last: who has seen it sees the rest
            came.notify_all();
            released.wait(lock, [&] { return !is_counted || !holding; });
        }

        void flush_() override {}

        std::mutex waiting;
        std::condition_variable came;
        std::atomic<uint64_t> count{0};
        std::string counted;
        std::atomic<int> times{0};
        std::atomic<bool> holding{false};
        std::condition_variable released;
    };

    std::shared_ptr<Lines> lines_ = std::make_shared<Lines>();
    std::shared_ptr<spdlog::logger> before_ = spdlog::default_logger();
};

} // namespace cairn::node::test
