// SPDX-License-Identifier: MIT
// Virtual time: what happens next, and the record of what happened. Nothing in the simulator asks
// the system for time or randomness, so a run follows from its seed.
#pragma once

#include "consensus/hash_writer.h"
#include "node/clock.h"
#include "node/random.h"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>
#include <vector>

namespace cairn::sim {

using node::Time;
using Duration = std::chrono::microseconds;
using namespace std::chrono_literals;

/// Tasks by the time they are due; those of one moment in the order they were given.
class Timeline {
public:
    using Task = std::function<void()>; ///< Two words that are copied as they are cost no memory.

    Time now() const { return now_; }

    int64_t seconds() const { return node::seconds_of(now_); }

    void at(Time when, Task task) {
        events_.push_back({std::max(when, now_), next_number_++, std::move(task)});
        std::push_heap(events_.begin(), events_.end(), is_later);
    }

    void after(Duration delay, Task task) { at(now_ + delay, std::move(task)); }

    /// All that is due until `end`, which it then is.
    void run_until(Time end) {
        while (!events_.empty() && events_.front().at <= end) {
            std::pop_heap(events_.begin(), events_.end(), is_later);
            const Event event = std::move(events_.back());
            events_.pop_back();
            now_ = event.at;
            event.task();
        }
        now_ = end;
    }

    uint64_t events() const { return next_number_; }

    /// When all runs begin. A round number, long after the first headers.
    static constexpr Time START{std::chrono::seconds(1'700'000'000)};

private:
    struct Event {
        Time at;
        uint64_t number;
        Task task;
    };

    static bool is_later(const Event& a, const Event& b) {
        return std::pair(a.at, a.number) > std::pair(b.at, b.number);
    }

    std::vector<Event> events_; ///< A heap, the next one in front.
    uint64_t next_number_ = 0;
    Time now_ = START;
};

/// What happened, as one hash; and line by line in a file, if one is wanted.
class Trace {
public:
    explicit Trace(const Timeline& timeline) : timeline_(timeline) {}

    void write_to(const std::string& path) { file_.reset(std::fopen(path.c_str(), "w")); }

    /// `what` happened at `node`, with `other` and these bytes.
    void add(std::string_view what, uint64_t node, uint64_t other, consensus::ByteView bytes) {
        const uint64_t content = consensus::siphash(0, 0, bytes);
        const int64_t microseconds = (timeline_.now() - Timeline::START).count();
        writer_(microseconds, node, other, content);
        writer_.raw(consensus::as_bytes(what));
        if (file_ == nullptr) return;
        std::fprintf(
            file_.get(), "%lld.%06lld %llu %.*s %llu %zu %016llx\n",
            static_cast<long long>(microseconds / 1'000'000),
            static_cast<long long>(microseconds % 1'000'000), static_cast<unsigned long long>(node),
            static_cast<int>(what.size()), what.data(), static_cast<unsigned long long>(other),
            bytes.size(), static_cast<unsigned long long>(content));
    }

    /// Of all so far. Nothing may be added after it.
    std::string digest() { return writer_.single_hash().to_string(); }

private:
    struct Close {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };

    const Timeline& timeline_;
    consensus::HashWriter writer_;
    std::unique_ptr<std::FILE, Close> file_;
};

} // namespace cairn::sim
