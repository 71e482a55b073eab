// SPDX-License-Identifier: MIT
#include "node/log.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <pthread.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/dist_sink.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace cairn::node {

namespace {

constexpr size_t OLD_FILES = 3;

using Level = spdlog::level::level_enum;
using ModuleLevels = std::array<std::atomic<Level>, LOG_MODULES.size()>;

ModuleLevels& levels() {
    static ModuleLevels all{Level::info, Level::info, Level::info,
                            Level::info, Level::info, Level::info};
    return all;
}

/// What the reference logs apart, and the module of such work; empty: nobody does it here.
constexpr std::pair<std::string_view, std::string_view> REFERENCE_CATEGORIES[] = {
    {"addrman", "net"},
    {"bench", "chain"},
    {"blockstorage", "chain"},
    {"cmpctblock", "net"},
    {"coindb", "chain"},
    {"estimatefee", "chain"},
    {"http", "rpc"},
    {"i2p", "net"},
    {"ipc", ""},
    {"kernel", "chain"},
    {"leveldb", ""},
    {"libevent", ""},
    {"lock", ""},
    {"mempool", "chain"},
    {"mempoolrej", "net"},
    {"privatebroadcast", ""},
    {"proxy", "net"},
    {"prune", "chain"},
    {"qt", ""},
    {"rand", ""},
    {"reindex", "chain"},
    {"scan", ""},
    {"selectcoins", ""},
    {"tor", "net"},
    {"txpackages", "net"},
    {"txreconciliation", ""},
    {"validation", "chain"},
    {"walletdb", ""},
    {"zmq", ""},
};

size_t module_index(std::string_view name) {
    return static_cast<size_t>(std::ranges::find(LOG_MODULES, name) - LOG_MODULES.begin());
}

/// The calling thread's.
size_t own_module() {
    static thread_local const size_t INDEX = [] {
        std::array<char, 16> name{};
        ::pthread_getname_np(::pthread_self(), name.data(), name.size());
        const std::string_view text(name.data());
        const size_t found = module_index(text.substr(0, text.find('-')));
        return found < LOG_MODULES.size() ? found : module_index("main");
    }();
    return INDEX;
}

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

/// One JSON object a line: {"time":..,"level":..,"module":..,"message":..}. What isn't ASCII is
/// written as the bytes' own numbers, so that no peer can spoil the file for its readers.
class JsonLines final : public spdlog::formatter {
public:
    void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
        const auto text = [&out](std::string_view part) {
            out.append(part.data(), part.data() + part.size());
        };
        text(R"({"time":")");
        time_.format(message, out);
        const spdlog::string_view_t level = spdlog::level::to_string_view(message.level);
        text(R"(","level":")");
        out.append(level);
        text(R"(","module":")");
        text(LOG_MODULES[own_module()]);
        text(R"(","message":")");
        for (const char letter : message.payload) {
            const auto code = static_cast<unsigned char>(letter);
            if (code < 0x20 || code >= 0x7f) {
                fmt::format_to(std::back_inserter(out), "\\u{:04x}", code);
            } else {
                if (letter == '"' || letter == '\\') out.push_back('\\');
                out.push_back(letter);
            }
        }
        text("\"}\n");
    }

    std::unique_ptr<formatter> clone() const override { return std::make_unique<JsonLines>(); }

private:
    spdlog::pattern_formatter time_{"%Y-%m-%dT%H:%M:%S.%fZ", spdlog::pattern_time_type::utc, ""};
};

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
        for (const spdlog::sink_ptr& output : sinks)
            output->set_formatter(options_.json ? std::make_unique<JsonLines>() : line_format());
        set_sinks(std::move(sinks));
    }

protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
        if (message.level >= levels()[own_module()]) spdlog::sinks::dist_sink_mt::sink_it_(message);
    }

private:
    const LogOptions options_;
};

} // namespace

void start_log(const LogOptions& options) try {
    const auto outputs = std::make_shared<Outputs>(options);
    outputs->open();
    auto logger = std::make_shared<spdlog::logger>("cairn", outputs);
    logger->flush_on(spdlog::level::trace);
    spdlog::set_default_logger(std::move(logger));
    set_log_level("all", Level::info);
    for (const std::string& category : options.detailed) set_log_level(category, options.level);
    for (const std::string& category : options.excluded) set_log_level(category, Level::info);

} catch (const spdlog::spdlog_ex& error) {

    throw std::runtime_error(
        "Could not open debug log file " + options.file.string() + ": " + error.what());
}

bool is_log_category(std::string_view category) {
    const auto known = [&](const auto& row) { return row.first == category; };
    return category.empty() || category == "1" || category == "all" ||
           module_index(category) < LOG_MODULES.size() ||
           std::ranges::any_of(REFERENCE_CATEGORIES, known);
}

void set_log_level(std::string_view category, Level level) {
    const bool all = category.empty() || category == "1" || category == "all";
    for (const auto& [name, module] : REFERENCE_CATEGORIES)
        if (name == category) category = module;
    Level lowest = Level::off;
    for (size_t i = 0; i < LOG_MODULES.size(); ++i) {
        if (all || LOG_MODULES[i] == category) levels()[i] = level;
        lowest = std::min(lowest, levels()[i].load());
    }
    spdlog::set_level(lowest); // what all of them drop costs nothing
}

bool logs_details(std::string_view module) {
    return levels()[module_index(module)] <= Level::debug;
}

void reopen_log() {
    for (const spdlog::sink_ptr& sink : spdlog::default_logger()->sinks())
        if (auto* outputs = dynamic_cast<Outputs*>(sink.get())) outputs->open();
}

} // namespace cairn::node
