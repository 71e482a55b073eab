// SPDX-License-Identifier: MIT
#include "node/options.h"

#include <algorithm>
#include <cassert>
#include <cctype>
#include <charconv>
#include <optional>
#include <set>
#include <spdlog/fmt/fmt.h>
#include <utility>

namespace cairn::node {

namespace {

using Kind = Option::Kind;

constexpr std::string_view PREFIX = "CAIRN_"; // of environment variables
constexpr std::string_view BLANKS = " \t\r\n";

/// Flags that are another way to say -chain.
constexpr std::pair<std::string_view, std::string_view> CHAIN_SHORTCUTS[] = {
    {"regtest", "regtest"},
    {"signet", "signet"},
    {"testnet", "testnet3"},
    {"testnet4", "testnet4"},
};

template <class... T>
[[noreturn]] void fail(fmt::format_string<T...> format, T&&... values) {
    throw OptionError(fmt::format(format, std::forward<T>(values)...));
}

std::string_view trim(std::string_view text) {
    const size_t first = text.find_first_not_of(BLANKS);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(BLANKS) - first + 1);
}

std::optional<int64_t> parse_number(std::string_view text) {
    int64_t number = 0;
    const char* end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc{} || stopped != end || text.empty()) return std::nullopt;
    return number;
}

std::optional<bool> parse_flag(std::string_view text) {
    if (text.empty() || text == "true") return true;
    if (text == "false") return false;
    const std::optional<int64_t> number = parse_number(text);
    if (!number) return std::nullopt;
    return *number != 0;
}

std::string checked_value(const Option& option, std::string_view spelled, std::string_view value) {
    if (option.kind == Kind::Flag) {
        const std::optional<bool> on = parse_flag(value);
        if (!on) fail("{}={}: expected 0 or 1", spelled, value);
        return *on ? "1" : "0";
    }
    if (option.kind == Kind::Number) {
        const std::optional<int64_t> number = parse_number(value);
        if (!number) fail("{}={}: expected a whole number", spelled, value);
        if (*number < option.low || *number > option.high)
            fail("{}={} is not between {} and {}", spelled, value, option.low, option.high);
    }
    return std::string(value);
}

/// The row that `key` means, and whether it is negated by a leading "no"; null if there is none.
std::pair<const Option*, bool> recognize(std::string_view key) {
    if (const Option* option = find_option(key)) return {option, false};
    if (!key.starts_with("no")) return {nullptr, false};
    return {find_option(key.substr(2)), true};
}

/// Add one setting, from its parts. `spelled`: the key as the source writes it, for errors.
void append(
    SettingList& list,
    std::string_view key,
    std::string_view spelled,
    std::optional<std::string_view> value) {
    const auto [option, negated] = recognize(key);
    if (option == nullptr) fail("Invalid parameter {}", spelled);
    Setting setting{std::string(option->name), "1", false};
    if (negated) {
        const std::optional<bool> on = parse_flag(value.value_or(""));
        if (!on) fail("{}: expected no value", spelled);
        if (!*on && !option->stands_alone()) fail("{}=0 says nothing", spelled);
        const bool counts = option->kind == Kind::Flag || option->kind == Kind::Number;
        setting.negated = *on;
        if (*on) setting.value = counts ? checked_value(*option, spelled, "0") : "";
    } else if (value) {
        setting.value = checked_value(*option, spelled, *value);
    } else if (!option->stands_alone()) {
        fail("{} needs a value: {}={}", spelled, spelled, option->argument);
    }
    list.push_back(std::move(setting));
}

/// Whether `argument` can be the value of a `--name` before it: not an option itself.
bool is_value(std::string_view argument) {
    return !argument.starts_with('-') || parse_number(argument).has_value();
}

void check_place(std::string_view name, std::string_view section) {
    if (name == "conf")
        fail("conf cannot be set in the configuration file; use includeconf= if you want to "
             "include additional config files");
    const bool chooses_chain = std::ranges::any_of(
        CHAIN_SHORTCUTS, [&](const auto& shortcut) { return shortcut.first == name; });
    if (!section.empty() && (chooses_chain || name == "chain" || name == "datadir"))
        fail("{} must stand above the first section", name);
}

/// One line of a configuration file; `section` is the one it stands in, or begins.
void read_line(
    std::string_view line, const std::string& place, std::string& section, Config& config) {
    const std::string_view content = trim(line.substr(0, line.find('#')));
    if (content.empty()) return;
    if (content.starts_with('[')) {
        if (!content.ends_with(']')) fail("expected ] at the end of a section");
        section = trim(content.substr(1, content.size() - 2));
        config.try_emplace(section, Section{{}, place});
        return;
    }
    const size_t equals = content.find('=');
    if (equals == std::string_view::npos) fail("expected name=value, not {}", content);
    const std::string_view key = trim(content.substr(0, equals));
    if (key.ends_with("rpcpassword") && content.size() != trim(line).size())
        fail("using # in rpcpassword can be ambiguous and should be avoided");
    if (key.starts_with('-'))
        fail("{}, options in configuration file must be specified without leading -", key);
    // `name.option=value` is the same as `option=value` in section [name].
    const size_t dot = key.rfind('.');
    const bool dotted = dot != std::string_view::npos;
    const std::string here(dotted ? key.substr(0, dot) : section);
    SettingList& settings = config.try_emplace(here, Section{{}, place}).first->second.settings;
    append(settings, dotted ? key.substr(dot + 1) : key, key, trim(content.substr(equals + 1)));
    check_place(settings.back().name, here);
}

} // namespace

size_t take_option(std::span<const std::string> arguments, SettingList& settings) {
    const std::string_view argument = arguments[0];
    if (argument.size() < 2 || argument[0] != '-') return 0;
    const bool two_dashes = argument.starts_with("--");
    const std::string_view body = argument.substr(two_dashes ? 2 : 1);
    const std::string_view key = body.substr(0, body.find('='));
    const auto [option, negated] = recognize(key);
    if (option == nullptr) return 0;
    std::optional<std::string_view> value;
    if (key.size() < body.size()) value = body.substr(key.size() + 1);
    const bool takes_next = two_dashes && !value && !negated && !option->stands_alone() &&
                            arguments.size() > 1 && is_value(arguments[1]);
    if (takes_next) value = arguments[1];
    append(settings, key, fmt::format("-{}", key), value);
    if (const Setting& setting = settings.back(); setting.name == "includeconf")
        fail("-includeconf cannot be used from commandline; -includeconf=\"{}\"", setting.value);
    return takes_next ? 2 : 1;
}

CommandLine parse_arguments(std::span<const std::string> arguments) try {
    CommandLine line;
    while (!arguments.empty()) {
        const size_t taken = take_option(arguments, line.settings);
        if (taken == 0) {
            const std::string_view argument = arguments[0];
            if (argument.size() < 2 || argument[0] != '-') break;
            const size_t name = argument.starts_with("--") ? 2 : 1;
            fail("Invalid parameter -{}", argument.substr(name, argument.find('=') - name));
        }
        arguments = arguments.subspan(taken);
    }
    line.rest.assign(arguments.begin(), arguments.end());
    return line;

} catch (const OptionError& error) {

    fail("Error parsing command line arguments: {}", error.what());
}

SettingList parse_environment(std::span<const std::string> environment) try {
    SettingList settings;
    for (const std::string_view line : environment) {
        const size_t equals = line.find('=');
        if (!line.starts_with(PREFIX) || equals == std::string_view::npos) continue;
        const std::string_view spelled = line.substr(0, equals);
        std::string key(spelled.substr(PREFIX.size()));
        std::ranges::transform(key, key.begin(), [](unsigned char letter) {
            return letter == '_' ? '-' : static_cast<char>(std::tolower(letter));
        });
        append(settings, key, spelled, line.substr(equals + 1));
    }
    return settings;

} catch (const OptionError& error) {

    fail("Error reading the environment: {}", error.what());
}

Config parse_config(std::string_view text, std::string_view file_name) {
    Config config;
    std::string section;
    for (size_t number = 1; !text.empty(); ++number) {
        const std::string_view line = text.substr(0, text.find('\n'));
        const std::string place = fmt::format("{}:{}", file_name, number);
        try {
            read_line(line, place, section, config);
        } catch (const OptionError& error) {
            fail("Error reading configuration file: {}: {}", place, error.what());
        }
        text.remove_prefix(std::min(text.size(), line.size() + 1));
    }
    return config;
}

Settings::Settings(std::span<const SettingList> sources) {
    std::set<std::string, std::less<>> closed; // a stronger source has the last word on these
    for (const SettingList& source : sources) {
        std::map<std::string, std::vector<std::string>> given;
        std::set<std::string> ends_here;
        for (const Setting& setting : source) {
            std::vector<std::string>& values = given[setting.name];
            const bool list = find_option(setting.name)->kind == Kind::List;
            if (!list || setting.negated) {
                values.clear();
                ends_here.insert(setting.name);
            }
            if (!list || !setting.negated) values.push_back(setting.value);
        }
        for (auto& [name, values] : given) {
            if (closed.contains(name)) continue;
            std::vector<std::string>& all = values_[name];
            all.insert(all.end(), values.begin(), values.end());
        }
        closed.merge(ends_here);
    }
}

bool Settings::is_set(std::string_view name) const {
    assert(find_option(name) != nullptr);
    return values_.contains(name);
}

std::string Settings::text(std::string_view name) const {
    const auto given = values_.find(name);
    if (given != values_.end() && !given->second.empty()) return given->second.back();
    const Option* option = find_option(name);
    assert(option != nullptr && option->kind != Kind::List);
    return std::string(option->fallback);
}

bool Settings::flag(std::string_view name) const {
    return text(name) == "1";
}

int64_t Settings::number(std::string_view name) const {
    return parse_number(text(name)).value_or(0);
}

std::vector<std::string> Settings::list(std::string_view name) const {
    assert(find_option(name)->kind == Kind::List);
    const auto given = values_.find(name);
    return given == values_.end() ? std::vector<std::string>{} : given->second;
}

std::optional<std::string> chosen_chain(std::span<const SettingList> sources) {
    std::set<std::string_view> taken_back; // by -noregtest
    for (const SettingList& source : sources) {
        const Settings own(std::span(&source, 1));
        std::vector<std::string> chosen;
        if (own.is_set("chain")) chosen.push_back(own.text("chain"));
        for (const auto& [flag, chain] : CHAIN_SHORTCUTS) {
            if (own.is_set(flag) && !own.flag(flag)) taken_back.insert(flag);
            if (own.flag(flag) && !taken_back.contains(flag)) chosen.emplace_back(chain);
        }
        if (chosen.size() > 1)
            fail("Invalid combination of -chain, -regtest and their like: at most one can be used");
        if (!chosen.empty()) return chosen[0];
    }
    return std::nullopt;
}

} // namespace cairn::node
