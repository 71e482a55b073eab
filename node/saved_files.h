// SPDX-License-Identifier: MIT
// What the network keeps over a restart besides the chain: small files, each replaced as a whole.
// The node works without them, so that a fault of theirs is told and no more.
#pragma once

#include "chain/file.h"

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include <filesystem>
#include <spdlog/spdlog.h>
#include <string>

namespace cairn::node {

/// Files of one directory; without a name for it nothing is kept. Thread: any.
class SavedFiles {
public:
    explicit SavedFiles(std::filesystem::path directory) : directory_(std::move(directory)) {}

    /// Read the file `name` into `content`. If that can't be, what there was is put aside, and the
    /// file written anew, which the log calls `writing`.
    template <class T>
    void load(const std::string& name, T& content, std::string_view writing) {
        const std::filesystem::path file = directory_ / name;
        if (directory_.empty() || content.load(file)) return;
        std::error_code ignored;
        if (std::filesystem::exists(file, ignored)) {
            spdlog::warn("{} is damaged; it is kept as {}.bad", name, file.string());
            std::filesystem::rename(file, file.string() + ".bad", ignored);
        }
        spdlog::info("{} because the file was not found (\"{}\")", writing, file.string());
        save(name, content.file_content());
    }

    void save(const std::string& name, consensus::ByteView content) const {
        if (directory_.empty()) return;
        try {
            chain::replace_file(directory_ / name, content);
        } catch (const std::exception& error) {
            spdlog::warn("{}", error.what());
        }
    }

    /// On another thread, in turn: a disk may take seconds.
    void save_soon(const std::string& name, consensus::Bytes content) {
        boost::asio::post(
            writer_, [this, name, content = std::move(content)] { save(name, content); });
    }

    void join() { writer_.join(); } ///< Until all is written; nothing can be saved soon after it.

    void remove(const std::string& name) const {
        if (directory_.empty()) return;
        std::error_code ignored;
        std::filesystem::remove(directory_ / name, ignored);
    }

private:
    std::filesystem::path directory_;
    boost::asio::thread_pool writer_{1};
};

} // namespace cairn::node
