// SPDX-License-Identifier: MIT
#include "node/notify.h"
#include "node/setup.h"
#include "tests/small_chain.h"
#include "tests/temporary_folder.h"

#include <boost/test/unit_test.hpp>

#include <deque>
#include <fstream>
#include <set>
#include <sys/stat.h>

using namespace cairn;
using namespace cairn::node;
using namespace std::chrono_literals;

namespace {

/// A chain in a folder of its own, never started.
struct QuietChain {
    tests::TemporaryFolder folder;
    Setup setup = read_setup(
        parse_arguments(std::vector<std::string>{"-noconf", "-regtest"}).settings,
        std::vector<std::string>{"HOME=" + folder.path().string()});
    chain::Chain chain{
        setup.params, tests::small_chain(folder.path(), [] { return int64_t{1'700'000'000}; })};
};

} // namespace

BOOST_AUTO_TEST_SUITE(notify)

BOOST_AUTO_TEST_CASE(blocks__more_at_once_than_commands_run__all_are_told) {
    QuietChain quiet;
    const std::filesystem::path told_path = quiet.folder.path() / "told";
    const std::filesystem::path gate_path = quiet.folder.path() / "gate";
    for (const auto& pipe : {told_path, gate_path}) BOOST_REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
    // Open at both ends, nobody waits for another to open it.
    std::fstream told(told_path, std::ios::in | std::ios::out);
    // Until we open the gate, they wait in opening it.
    Notifier notifier(
        quiet.chain,
        {.block = {": < '" + gate_path.string() + "' && echo %s > '" + told_path.string() + "'"}});
    std::deque<chain::BlockNode> nodes;
    chain::TipChange change;
    std::multiset<std::string> hashes;
    for (uint32_t i = 0; i < 100; ++i) {
        consensus::BlockHeader header;
        header.nonce = i;
        const chain::BlockNode& node = nodes.emplace_back(header, header.hash(), nullptr);
        hashes.insert(node.hash.to_string());
        change.connected.push_back({&node, nullptr});
    }
    notifier.tip_changed(change);
    const std::fstream gate(gate_path, std::ios::in | std::ios::out);
    std::multiset<std::string> lines;
    for (std::string line; lines.size() < hashes.size() && std::getline(told, line);)
        lines.insert(line);
    BOOST_TEST((lines == hashes));
}

BOOST_AUTO_TEST_CASE(pulse__no_answer__missed_after_its_patience) {
    Pulse pulse(10s);
    std::vector<std::function<void()>> asked;
    const auto ask = [&](std::function<void()> answer) { asked.push_back(std::move(answer)); };
    const Pulse::Time start;
    BOOST_TEST(pulse.beats(start, ask));
    BOOST_TEST(pulse.beats(start + 1h, ask)); // what it does first may take long
    BOOST_TEST(asked.size() == 1U);
    asked[0]();
    BOOST_TEST(pulse.beats(start + 2h, ask));
    BOOST_TEST(pulse.beats(start + 2h + 10s, ask));
    BOOST_TEST(!pulse.beats(start + 2h + 11s, ask));
    BOOST_TEST(asked.size() == 2U);
    asked[1]();
    BOOST_TEST(pulse.beats(start + 3h, ask));
}

BOOST_AUTO_TEST_SUITE_END()
