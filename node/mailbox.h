// SPDX-License-Identifier: MIT
// A way into a thread's io_context that may outlast it.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <functional>
#include <mutex>

namespace cairn::node {

/// Posts tasks to an io_context: what is posted after close() is lost. Thread: any.
class Mailbox {
public:
    explicit Mailbox(boost::asio::io_context& io) : io_(&io) {}

    void post(std::function<void()> task) {
        const std::lock_guard lock(mutex_);
        if (io_ != nullptr) boost::asio::post(*io_, std::move(task));
    }

    void close() {
        const std::lock_guard lock(mutex_);
        io_ = nullptr;
    }

private:
    std::mutex mutex_;
    boost::asio::io_context* io_;
};

} // namespace cairn::node
