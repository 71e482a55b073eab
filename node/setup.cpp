// SPDX-License-Identifier: MIT
#include "node/setup.h"

#include "consensus/chain_file.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>
#include <unistd.h>
#include <utility>

namespace cairn::node {

namespace fs = std::filesystem;

namespace {

/// The reference's names for chains whose files are called otherwise.
constexpr std::pair<std::string_view, std::string_view> CHAIN_ALIASES[] = {
    {"cairn", "genesis"},
    {"main", "mainnet"},
    {"test", "testnet3"},
    {"testnet", "testnet3"},
};

/// A text file; what is as large as this (a device, the wrong file) is none of ours.
std::optional<std::string> read_file(const fs::path& path) {
    constexpr size_t MAX_FILE_BYTES = 4'000'000;
    std::error_code error;
    if (fs::is_directory(path, error)) return std::nullopt;
    std::ifstream file(path, std::ios::binary);
    if (!file) return std::nullopt;
    std::string text(MAX_FILE_BYTES + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<size_t>(file.gcount()));
    if (text.size() > MAX_FILE_BYTES)
        throw OptionError(path.string() + " has more than 4,000,000 bytes");
    return text;
}

fs::path home_directory(std::span<const std::string> environment) {
    for (const std::string_view line : environment) {
        if (line.starts_with("HOME=/")) return line.substr(5);
    }
    throw OptionError("HOME is not set; say where the data is with -datadir");
}

fs::path data_directory(const Settings& settings, std::span<const std::string> environment) {
    const std::string given = settings.text("datadir");
    return given.empty() ? home_directory(environment) / ".cairn" : fs::absolute(given);
}

consensus::Params read_chain(const fs::path& path) {
    const std::optional<std::string> text = read_file(path);
    if (!text) throw OptionError("Chain file " + path.string() + " could not be opened");
    try {
        return consensus::read_chain_file(*text);
    } catch (const consensus::ChainFileError& error) {
        throw OptionError("Chain file " + path.string() + ": " + error.what());
    }
}

/// Whether -chain=`chain` is the chain file's path, not its name.
bool is_path(std::string_view chain) {
    return chain.find('/') != std::string_view::npos || chain.ends_with(".json");
}

/// The configuration file with what it includes, read in the order in which it is needed: what
/// stands above the sections chooses the chain, and the chain its section.
class ConfigFiles {
public:
    ConfigFiles(fs::path directory, std::vector<std::string>& warnings)
        : directory_(std::move(directory)),
          warnings_(warnings) {}

    void read(const fs::path& path, bool must_exist) {
        const std::optional<std::string> text = read_file(path);
        if (text) {
            config_ = parse_config(*text, path.string());
        } else if (must_exist) {
            throw OptionError(
                "Error reading configuration file: specified config file \"" + path.string() +
                "\" could not be opened.");
        }
    }

    /// Read the files that a section names; what they say comes after all that was read before.
    void include_from(const std::string& name) {
        const SettingList own = section(name);
        for (const Setting& setting : own) {
            if (setting.name == "includeconf" && !setting.negated) include(setting.value);
        }
    }

    SettingList& section(const std::string& name) { return config_[name].settings; }

    /// Warn of sections that no chain reads; `name`: of the present one.
    void check_sections(const std::string& name) {
        for (const auto& [other, section] : config_) {
            if (other.empty() || other == name || is_chain(other)) continue;
            warnings_.push_back(section.place + " Section [" + other + "] is not recognized.");
        }
    }

private:
    void include(const std::string& name) {
        const std::optional<std::string> text = read_file(directory_ / name);
        if (!text)
            throw OptionError(
                "Error reading configuration file: Failed to include configuration file " + name);
        for (auto& [section, added] : parse_config(*text, (directory_ / name).string())) {
            SettingList& settings =
                config_.try_emplace(section, Section{{}, added.place}).first->second.settings;
            for (Setting& setting : added.settings) {
                if (setting.name != "includeconf")
                    settings.push_back(std::move(setting));
                else
                    warnings_.push_back(
                        "-includeconf cannot be used from included files; ignoring -includeconf=" +
                        setting.value);
            }
        }
    }

    fs::path directory_;
    std::vector<std::string>& warnings_;
    Config config_;
};

} // namespace

fs::path Setup::chain_path(std::string_view option_name) const {
    return locations.chain_directory / settings.text(option_name);
}

std::vector<std::string> environment_lines() {
    std::vector<std::string> lines;
    for (char** line = environ; *line != nullptr; ++line) lines.emplace_back(*line);
    return lines;
}

Setup read_setup(const SettingList& arguments, std::span<const std::string> environment) {
    Setup setup;
    const SettingList from_environment = parse_environment(environment);
    const Settings early(std::vector{arguments, from_environment});
    const fs::path config_directory = data_directory(early, environment);
    ConfigFiles files(config_directory, setup.warnings);
    if (const std::string conf = early.text("conf"); !conf.empty()) {
        setup.locations.config_file = config_directory / conf;
        files.read(setup.locations.config_file, early.is_set("conf"));
    }

    files.include_from("");
    // Not from the working directory, so that chain file and data directory can move together.
    for (Setting& setting : files.section(""))
        if (setting.name == "chain" && is_path(setting.value))
            setting.value = config_directory / setting.value;
    const std::vector sources{arguments, from_environment, files.section("")};
    const Settings without_section(sources);
    const std::optional<std::string> chain = chosen_chain(sources);
    setup.chain_chosen = chain.has_value();
    setup.locations.chain_file = fs::absolute(
        find_chain_file(chain.value_or(without_section.text("chain")), chain_folders()));
    setup.params = read_chain(setup.locations.chain_file);
    setup.locations.data_directory = data_directory(without_section, environment);
    setup.locations.chain_directory = setup.locations.data_directory / setup.params.directory;

    files.include_from(setup.params.name);
    files.check_sections(setup.params.name);
    setup.settings = Settings(std::vector{
        arguments, from_environment, files.section(setup.params.name), files.section("")});
    return setup;
}

fs::path find_chain_file(const std::string& chain, std::span<const fs::path> folders) {
    if (is_path(chain)) return chain;
    std::string name = chain;
    for (const auto& [alias, real] : CHAIN_ALIASES) {
        if (chain == alias) name = real;
    }
    const fs::path candidates[] = {
        name + ".json", fs::path("genesis") / (name + ".json"),
        fs::path("genesis") / ("bitcoin-" + name + ".json")};
    std::string looked_in;
    for (const fs::path& folder : folders) {
        for (const fs::path& candidate : candidates) {
            std::error_code error;
            if (fs::is_regular_file(folder / candidate, error)) return folder / candidate;
        }
        looked_in += (looked_in.empty() ? "" : ", ") + folder.string();
    }
    const fs::path here = fs::path(".") / candidates[0];
    throw OptionError(
        "No chain file for -chain=" + chain + ": there is no " + candidates[0].string() + ", " +
        candidates[1].string() + " or " + candidates[2].string() + " in " + looked_in +
        (fs::exists(here) ? "; the file here is -chain=" + here.string() : ""));
}

bool is_chain(const std::string& name) {
    try {
        return read_chain(find_chain_file(name, chain_folders())).name == name;
    } catch (const OptionError&) {
        return false;
    }
}

std::vector<fs::path> chain_folders() {
    std::vector<fs::path> folders;
    std::error_code error;
    const fs::path program = fs::read_symlink("/proc/self/exe", error);
    if (!error) folders.push_back(program.parent_path().parent_path() / "share" / "cairn");
    folders.emplace_back(CAIRN_SOURCE_DIR);
    return folders;
}

} // namespace cairn::node
