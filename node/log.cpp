// SPDX-License-Identifier: MIT
#include "node/log.h"

#include <memory>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/dist_sink.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <stdexcept>
#include <string>
#include <vector>

namespace cairn::node {

namespace {

constexpr size_t OLD_FILES = 3;

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

/// All that is written to. It has a lock of its own, so what stands in it can be exchanged.
class Outputs final : public spdlog::sinks::dist_sink_mt {
public:
    explicit Outputs(LogOptions options) : options_(std::move(options)) {}

    void open() {
        std::vector<spdlog::sink_ptr> sinks;
        const std::string file = options_.file.string();
        // spdlog would make the folder; a mistake in its name must not go unnoticed.
        if (!file.empty() && !std::filesystem::is_directory(options_.file.parent_path()))
            throw std::runtime_error("Could not open debug log file " + file);
        if (!file.empty())
            sinks.push_back(std::make_shared<spdlog::sinks::rotating_file_sink_st>(
                file, options_.max_file_bytes, OLD_FILES));
        if (options_.to_console) sinks.push_back(std::make_shared<spdlog::sinks::stdout_sink_st>());
        for (const spdlog::sink_ptr& output : sinks) output->set_formatter(line_format());
        set_sinks(std::move(sinks));
    }

private:
    const LogOptions options_;
};

} // namespace

void start_log(const LogOptions& options) try {
    const auto outputs = std::make_shared<Outputs>(options);
    outputs->open();
    auto logger = std::make_shared<spdlog::logger>("cairn", outputs);
    logger->set_level(options.level);
    logger->flush_on(spdlog::level::trace);
    spdlog::set_default_logger(std::move(logger));

} catch (const spdlog::spdlog_ex& error) {

    throw std::runtime_error(
        "Could not open debug log file " + options.file.string() + ": " + error.what());
}

void reopen_log() {
    for (const spdlog::sink_ptr& sink : spdlog::default_logger()->sinks())
        if (auto* outputs = dynamic_cast<Outputs*>(sink.get())) outputs->open();
}

} // namespace cairn::node
