// SPDX-License-Identifier: MIT
#include "node/log.h"

#include <cstdio>
#include <memory>
#include <mutex>
#include <spdlog/details/os.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

namespace cairn::node {

namespace fs = std::filesystem;

namespace {

constexpr int OLD_FILES = 3;

/// The message, its control characters shown as '?': one event is one line, whatever a peer sent.
class OneLine final : public spdlog::custom_flag_formatter {
public:
    void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& out)
        override {
        for (const char letter : message.payload) {
            const auto code = static_cast<unsigned char>(letter);
            out.push_back(code < 0x20 || code == 0x7f ? '?' : letter);
        }
    }

    std::unique_ptr<custom_flag_formatter> clone() const override {
        return std::make_unique<OneLine>();
    }
};

std::unique_ptr<spdlog::formatter> line_format() {
    auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
    formatter->add_flag<OneLine>('*').set_pattern("%Y-%m-%dT%H:%M:%S.%fZ %l %*");
    return formatter;
}

/// Like spdlog's rotating sink, which can't be told to open its file anew.
class FileSink final : public spdlog::sinks::base_sink<std::mutex> {
public:
    FileSink(fs::path path, size_t max_bytes) : path_(std::move(path)), max_bytes_(max_bytes) {
        open();
    }

    void reopen() {
        const std::lock_guard lock(mutex_);
        open();
    }

protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
        spdlog::memory_buf_t line;
        formatter_->format(message, line);
        if (size_ != 0 && size_ + line.size() > max_bytes_) rotate();
        // A full disk costs log lines, not the node: it has its own guard for its data.
        size_ += std::fwrite(line.data(), 1, line.size(), file_.get());
    }

    void flush_() override { std::fflush(file_.get()); }

private:
    struct Close {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };

    void open() {
        std::unique_ptr<std::FILE, Close> file(std::fopen(path_.c_str(), "ae"));
        if (!file)
            throw std::system_error(
                errno, std::generic_category(), "Could not open debug log file " + path_.string());
        file_ = std::move(file);
        std::error_code error;
        const uintmax_t size = fs::file_size(path_, error);
        size_ = error ? 0 : size;
    }

    fs::path numbered(int number) const {
        if (number == 0) return path_;
        fs::path name = path_.stem();
        name += "." + std::to_string(number);
        name += path_.extension();
        return path_.parent_path() / name;
    }

    void rotate() {
        std::error_code error;
        for (int number = OLD_FILES; number > 0; --number)
            fs::rename(numbered(number - 1), numbered(number), error);
        open();
    }

    fs::path path_;
    size_t max_bytes_;
    size_t size_ = 0;
    std::unique_ptr<std::FILE, Close> file_;
};

spdlog::level::level_enum level_of(LogLevel level) {
    switch (level) {
    case LogLevel::Trace:
        return spdlog::level::trace;
    case LogLevel::Debug:
        return spdlog::level::debug;
    case LogLevel::Info:
        break;
    }
    return spdlog::level::info;
}

} // namespace

void start_log(const LogOptions& options) {
    std::vector<spdlog::sink_ptr> sinks;
    if (!options.file.empty())
        sinks.push_back(std::make_shared<FileSink>(options.file, options.max_file_bytes));
    if (options.to_console) sinks.push_back(std::make_shared<spdlog::sinks::stdout_sink_mt>());
    auto logger = std::make_shared<spdlog::logger>("cairn", sinks.begin(), sinks.end());
    logger->set_formatter(line_format());
    logger->set_level(level_of(options.level));
    logger->flush_on(spdlog::level::trace);
    spdlog::set_default_logger(std::move(logger));
}

void reopen_log() {
    for (const spdlog::sink_ptr& sink : spdlog::default_logger()->sinks()) {
        if (auto* file = dynamic_cast<FileSink*>(sink.get())) file->reopen();
    }
}

} // namespace cairn::node
