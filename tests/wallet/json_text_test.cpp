// SPDX-License-Identifier: MIT
#include "wallet/json_text.h"

#include <boost/test/unit_test.hpp>

namespace cairn::wallet {

BOOST_AUTO_TEST_SUITE(json_text)

BOOST_AUTO_TEST_CASE(json_member__of_an_object__is_its_text_untouched) {
    const std::string json = R"({ "error":null, "result" : {"result":[1,0.00012000]}, "id":"}," })";
    BOOST_TEST(json_member(json, "result") == R"({"result":[1,0.00012000]})");
    BOOST_TEST(json_member(json, "error") == "null");
    BOOST_TEST(json_member(json, "id") == R"("},")");
    BOOST_TEST(json_member(json, "nothing").empty());
    BOOST_TEST(json_member(R"({"a":"say \"b\":","b":2})", "b") == "2");
}

BOOST_AUTO_TEST_CASE(indent_json__nested__keeps_every_digit) {
    BOOST_TEST(
        indent_json(R"({"a":0.00012000,"b":[1,{}, [ ]],"c":"x, {y}: \" z"})") ==
        "{\n  \"a\": 0.00012000,\n  \"b\": [\n    1,\n    {},\n    []\n  ],\n"
        "  \"c\": \"x, {y}: \\\" z\"\n}");
    BOOST_TEST(indent_json("17") == "17");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace cairn::wallet
