// SPDX-License-Identifier: MIT
// What `cairn devnet` draws.
#include "wallet/devnet_view.h"
#include "wallet/terminal.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>

namespace cairn::wallet {

namespace {

const std::vector<std::string> NODES{
    "title",
    "chain",
    "",
    "  NODE     HEIGHT",
    "  1 mines     121",
    "  2           122",
    "  3        " + std::string(300, 'x')};

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

BOOST_AUTO_TEST_CASE(picture__any_terminal__stays_within_it) {
    const std::vector<std::string> commands(9, std::string(200, 'y'));
    for (size_t columns = 1; columns <= 132; ++columns) {
        for (size_t height = 1; height <= 50; ++height) {
            const auto lines = picture(NODES, commands, "footer", {columns, height});
            BOOST_REQUIRE(lines.size() <= height);
            for (const std::string& line : lines) BOOST_REQUIRE(line.size() <= columns);
        }
    }
}

BOOST_AUTO_TEST_CASE(picture__80x24__holds_nodes_commands_and_footer) {
    const std::vector<std::string> commands(9, "a command");
    const auto lines = picture(NODES, commands, "footer", {80, 24});
    BOOST_TEST(shows(lines, "3        "));
    BOOST_TEST(std::count(lines.begin(), lines.end(), "  a command") == 9);
    BOOST_TEST(lines.back() == "footer");
}

BOOST_AUTO_TEST_CASE(picture__long_command__goes_on_as_a_shell_reads_it) {
    const auto lines = picture(NODES, {"one two three", "last"}, "footer", {11, 24});
    const auto first = std::find(lines.begin(), lines.end(), "  one two \\");
    BOOST_REQUIRE(lines.end() - first > 3);
    BOOST_TEST(first[1] == "      three");
    BOOST_TEST(first[2] == "  last");
}

BOOST_AUTO_TEST_CASE(picture__room_for_half_a_command__leaves_it_out) {
    const auto lines = picture(NODES, {"one two three"}, "footer", {11, 12});
    BOOST_TEST(!shows(lines, "one"));
}

BOOST_AUTO_TEST_CASE(picture__few_lines__leaves_out_commands_and_keeps_the_footer) {
    const auto lines = picture(NODES, {"a command"}, "footer", {80, 9});
    BOOST_TEST(!shows(lines, "a command"));
    BOOST_TEST(lines.back() == "footer");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace cairn::wallet
