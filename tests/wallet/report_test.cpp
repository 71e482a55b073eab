// SPDX-License-Identifier: MIT
#include "wallet/report.h"

#include <boost/test/unit_test.hpp>

namespace cairn::wallet {

BOOST_AUTO_TEST_SUITE(report)

BOOST_AUTO_TEST_CASE(object_text__values__are_json_without_those_for_people) {
    const Fields fields{
        {"text", "a \"b\""},
        {"amount", Amount(12'000)},
        {"height", std::optional<Height>()},
        {"number", -7},
        {"shown", {"3 min", "180"}},
        {"people", {"only", ""}},
        {"list", {"", array_text({{{"n", 1}}, {{"n", 2}}})}}};
    BOOST_TEST(
        object_text(fields) ==
        R"({"text":"a \"b\"","amount":0.00012000,"height":null,"number":-7,"shown":180,)"
        R"("list":[{"n":1},{"n":2}]})");
}

BOOST_AUTO_TEST_CASE(table__rows__have_aligned_columns_without_those_for_programs) {
    const std::vector<Fields> rows{
        {{"name", "a"}, {"hidden", {"", "1"}}, {"tip_age", 5}, {"note", "x"}},
        {{"name", "long one"}, {"hidden", {"", "2"}}, {"tip_age", 1234}}};
    BOOST_TEST(
        table(rows) == "  NAME      TIP AGE  NOTE\n"
                       "  a               5  x\n"
                       "  long one     1234\n");
}

BOOST_AUTO_TEST_CASE(table__rows_of_different_columns__have_a_heading_for_each) {
    const std::vector<Fields> rows{
        {{"name", "a"}, {"height", "-"}, {"error", "broken"}},
        {{"name", "b"}, {"key", "k"}, {"height", 1000}}};
    BOOST_TEST(
        table(rows) == "  NAME  KEY  HEIGHT  ERROR\n"
                       "  a          -       broken\n"
                       "  b     k      1000\n");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace cairn::wallet
