// SPDX-License-Identifier: MIT
// What `cairn devnet` draws.
#include "wallet/devnet_view.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>

namespace cairn::wallet {

namespace {

NetworkStatus three_nodes() {
    NetworkStatus network{"cairn", "data", {}};
    const std::string tip = "00000000" + std::string(48, 'a') + "0123abcd";
    for (int number = 1; number <= 3; ++number) {
        NodeStatus node;
        node.number = number;
        node.mining = number == 1;
        node.height = 120 + number;
        node.tip = tip;
        node.peers = 2;
        node.mempool = 7;
        node.tip_age = std::chrono::seconds(12);
        network.nodes.push_back(node);
    }
    return network;
}

bool shows(const std::vector<std::string>& lines, const std::string& text) {
    return std::any_of(lines.begin(), lines.end(), [&](const std::string& line) {
        return line.find(text) != std::string::npos;
    });
}

} // namespace

BOOST_AUTO_TEST_SUITE(devnet_view)

BOOST_AUTO_TEST_CASE(age_text__spans__uses_the_unit_that_leaves_few_digits) {
    using std::chrono::seconds;
    const std::pair<int64_t, std::string> cases[] = {
        {-5, "0 s"},       {0, "0 s"},        {119, "119 s"},
        {120, "2 min"},    {7199, "119 min"}, {7200, "2 h"},
        {172'799, "47 h"}, {172'800, "2 d"},  {86'400'000, "1000 d"}};
    for (const auto& [age, text] : cases) BOOST_TEST(age_text(seconds(age)) == text);
}

BOOST_AUTO_TEST_CASE(status_lines__running_node__shows_all_columns) {
    const std::vector<std::string> lines = status_lines(three_nodes());
    BOOST_TEST(lines.size() == 4);
    BOOST_TEST(
        lines.at(0) == "  node       height  tip                 peers  mempool   last block");
    BOOST_TEST(
        lines.at(1) == "  1 mines       121  00000000..0123abcd      2        7     12 s ago");
}

BOOST_AUTO_TEST_CASE(status_lines__node_that_died__says_so_in_its_line) {
    NetworkStatus network = three_nodes();
    network.nodes.at(1).problem = "down";
    BOOST_TEST(status_lines(network).at(2) == "  2        down");
}

BOOST_AUTO_TEST_CASE(picture__any_terminal__stays_within_it) {
    NetworkStatus network = three_nodes();
    network.nodes.at(2).problem = std::string(300, 'x');
    const std::vector<std::string> commands(9, std::string(200, 'y'));
    for (size_t columns = 1; columns <= 132; ++columns) {
        for (size_t height = 1; height <= 50; ++height) {
            const auto lines = picture(network, commands, "footer", {columns, height});
            BOOST_REQUIRE(lines.size() <= height);
            for (const std::string& line : lines) BOOST_REQUIRE(line.size() <= columns);
        }
    }
}

BOOST_AUTO_TEST_CASE(picture__80x24__holds_nodes_commands_and_footer) {
    const std::vector<std::string> commands(9, "a command");
    const auto lines = picture(three_nodes(), commands, "footer", {80, 24});
    BOOST_TEST(shows(lines, "3        "));
    BOOST_TEST(std::count(lines.begin(), lines.end(), "  a command") == 9);
    BOOST_TEST(lines.back() == "footer");
}

BOOST_AUTO_TEST_CASE(picture__long_command__goes_on_as_a_shell_reads_it) {
    const auto lines = picture(three_nodes(), {"one two three", "last"}, "footer", {11, 24});
    const auto first = std::find(lines.begin(), lines.end(), "  one two \\");
    BOOST_REQUIRE(lines.end() - first > 3);
    BOOST_TEST(first[1] == "      three");
    BOOST_TEST(first[2] == "  last");
}

BOOST_AUTO_TEST_CASE(picture__room_for_half_a_command__leaves_it_out) {
    const auto lines = picture(three_nodes(), {"one two three"}, "footer", {11, 12});
    BOOST_TEST(!shows(lines, "one"));
}

BOOST_AUTO_TEST_CASE(picture__few_lines__leaves_out_commands_and_keeps_the_footer) {
    const auto lines = picture(three_nodes(), {"a command"}, "footer", {80, 9});
    BOOST_TEST(!shows(lines, "a command"));
    BOOST_TEST(lines.back() == "footer");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace cairn::wallet
