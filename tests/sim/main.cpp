// SPDX-License-Identifier: MIT
// The simulator's command line: one scenario over one seed or several.
#include "scenarios.h"

#include <charconv>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

using namespace cairn::sim;

namespace {

constexpr const char* USAGE = R"(Usage: sim --scenario NAME [OPTION...]
  --scenario NAME  what is tried; --list shows all
  --nodes N        how many nodes (default: the scenario's)
  --blocks N       how many blocks, where they are mined by chance (default: the scenario's)
  --seed S         which run (default 1); the same seed gives the same run
  --seeds N        so many runs, from that seed on (default 1)
  --twice          each run twice, which must be the same
  --out DIRECTORY  write blocks.csv, spread.csv and messages.csv there
  --log FILE       write every event there
  --max-seconds N  fail if it takes more processor time
  --max-mb N       fail if it takes more memory
  --list           name all scenarios
  --help           this text
)";

struct Options {
    const Scenario* scenario = nullptr;
    Wishes wishes;
    uint64_t seed = 1;
    uint64_t seeds = 1;
    uint64_t max_seconds = 0;
    uint64_t max_mb = 0;
    bool twice = false;
    std::string out;
    std::string log;
};

[[noreturn]] void fail(const std::string& what) {
    fmt::print(stderr, "sim: {}\n", what);
    std::exit(2);
}

uint64_t number(std::string_view option, std::string_view text, uint64_t least) {
    uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    constexpr uint64_t MOST = 1'000'000'000;
    if (error != std::errc() || end != text.data() + text.size() || value < least || value > MOST)
        fail(fmt::format("{} takes a number from {} on, not '{}'", option, least, text));
    return value;
}

const Scenario* find_scenario(std::string_view name) {
    for (const Scenario& scenario : scenarios())
        if (scenario.name == name) return &scenario;
    fail(fmt::format("no scenario '{}'; --list names all", name));
}

void list() {
    for (const Scenario& scenario : scenarios())
        fmt::print(
            "{:<14}{:>5} nodes  {}\n", scenario.name, scenario.standard.nodes, scenario.text);
}

Options read_options(int count, char** words) {
    Options options;
    Wishes wishes;
    for (int i = 1; i < count; ++i) {
        const std::string_view option = words[i];
        if (option == "--help" || option == "--list") {
            if (option == "--list")
                list();
            else
                fmt::print("{}", USAGE);
            std::exit(0);
        }
        if (option == "--twice") {
            options.twice = true;
            continue;
        }
        const std::string_view value = i + 1 < count ? words[++i] : "";
        if (option == "--scenario")
            options.scenario = find_scenario(value);
        else if (option == "--nodes")
            wishes.nodes = number(option, value, 2);
        else if (option == "--blocks")
            wishes.blocks = number(option, value, 1);
        else if (option == "--seed")
            options.seed = number(option, value, 0);
        else if (option == "--seeds")
            options.seeds = number(option, value, 1);
        else if (option == "--max-seconds")
            options.max_seconds = number(option, value, 1);
        else if (option == "--max-mb")
            options.max_mb = number(option, value, 1);
        else if (option == "--out")
            options.out = value;
        else if (option == "--log")
            options.log = value;
        else
            fail(fmt::format("unknown option '{}'; --help names all", option));
        if (value.empty()) fail(fmt::format("{} needs a value", option));
    }
    if (options.scenario == nullptr) fail("--scenario NAME is needed; --list names all");
    options.wishes = options.scenario->standard;
    if (wishes.nodes > 0) options.wishes.nodes = wishes.nodes;
    if (wishes.blocks > 0) options.wishes.blocks = wishes.blocks;
    return options;
}

struct Outcome {
    std::string digest;
    std::vector<std::string> failures;
    std::vector<std::string> notes;
};

Outcome run_once(const Options& options, uint64_t seed, bool show) {
    World::Setup setup = options.scenario->setup;
    setup.seed = seed;
    World world(setup);
    if (!options.log.empty()) world.trace.write_to(options.log);
    options.scenario->run(world, options.wishes);
    if (show) fmt::print("{}", world.report.text(world.ledger, world.totals()));
    if (!options.out.empty()) world.report.write(options.out, world.ledger, world.totals());
    return {world.trace.digest(), world.failures(), world.notes};
}

/// Whether it went as it should.
bool run_seed(const Options& options, uint64_t seed) {
    Outcome outcome = run_once(options, seed, options.seeds == 1);
    if (options.twice && run_once(options, seed, false).digest != outcome.digest)
        outcome.failures.emplace_back("the second run was another");
    const bool good = outcome.failures.empty();
    fmt::print(
        "{} nodes={} seed={} digest={} {}\n", options.scenario->name, options.wishes.nodes, seed,
        outcome.digest, good ? "good" : "FAILED");
    for (const std::string& note : outcome.notes) fmt::print("  {}\n", note);
    if (good) return true;
    constexpr size_t SHOWN = 10;
    for (size_t i = 0; i < std::min(outcome.failures.size(), SHOWN); ++i)
        fmt::print("  {}\n", outcome.failures[i]);
    if (outcome.failures.size() > SHOWN)
        fmt::print("  and {} more\n", outcome.failures.size() - SHOWN);
    fmt::print(
        "  again: tests/sim/run --scenario {} --nodes {} --blocks {} --seed {}\n",
        options.scenario->name, options.wishes.nodes, std::max<size_t>(options.wishes.blocks, 1),
        seed);
    return false;
}

/// Whether it took no more than it may.
bool report_usage(const Options& options) {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = static_cast<double>(usage.ru_utime.tv_sec) +
                         static_cast<double>(usage.ru_utime.tv_usec) / 1e6;
    const double megabytes = static_cast<double>(usage.ru_maxrss) / 1024;
    fmt::print("{:.1f} s of processor time, {:.0f} MB at most\n", seconds, megabytes);
    const auto exceeds = [](double used, uint64_t limit) {
        return limit > 0 && used > static_cast<double>(limit);
    };
    return !exceeds(seconds, options.max_seconds) && !exceeds(megabytes, options.max_mb);
}

} // namespace

int main(int count, char** words) {
    const Options options = read_options(count, words);
    spdlog::set_level(spdlog::level::off);
    uint64_t failed = 0;
    for (uint64_t i = 0; i < options.seeds; ++i)
        if (!run_seed(options, options.seed + i)) ++failed;
    const uint64_t allowed = options.seeds * options.scenario->may_fail / 100;
    if (options.seeds > 1)
        fmt::print("{} of {} seeds failed, {} may\n", failed, options.seeds, allowed);
    const bool cheap = report_usage(options);
    if (!cheap) fmt::print("FAILED: that is too much\n");
    return failed <= allowed && cheap ? 0 : 1;
}
