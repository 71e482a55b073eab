// SPDX-License-Identifier: MIT
#include "rpc/server/json.h"
#include "rpc/server/json_writer.h"

#include <boost/test/unit_test.hpp>

#include <limits>

using namespace cairn::rpc::server;

namespace {

std::string written(std::string_view json) {
    const std::optional<Json> value = parse_json(json);
    if (!value) return "not JSON";
    JsonWriter writer;
    value->write(writer);
    return writer.take();
}

} // namespace

BOOST_AUTO_TEST_SUITE(json)

BOOST_AUTO_TEST_CASE(writer__nested_values__commas_and_no_spaces) {
    JsonWriter writer;
    writer.begin_object().key("a").integer(1).key("b").begin_array();
    writer.integer(-2).real(0.5).null().boolean(true).begin_object().end_object();
    writer.end_array().key("c").string("x").key("d").amount(1);
    writer.key("e").begin_array().plain("0f").plain("").end_array().end_object();
    BOOST_TEST(
        writer.text() ==
        R"({"a":1,"b":[-2,0.5,null,true,{}],"c":"x","d":0.00000001,"e":["0f",""]})");
}

BOOST_AUTO_TEST_CASE(writer__amounts__eight_decimals) {
    const std::pair<int64_t, std::string_view> cases[] = {
        {0, "0.00000000"},
        {1, "0.00000001"},
        {12'000, "0.00012000"},
        {5'000'000'000, "50.00000000"},
        {-150'000'000, "-1.50000000"},
        {2'100'000'000'000'000, "21000000.00000000"},
        {std::numeric_limits<int64_t>::min(), "-92233720368.54775808"},
    };
    for (const auto& [satoshis, text] : cases)
        BOOST_TEST(JsonWriter().amount(satoshis).take() == text);
}

BOOST_AUTO_TEST_CASE(writer__doubles__sixteen_digits) {
    BOOST_TEST(JsonWriter().real(1).take() == "1");
    BOOST_TEST(JsonWriter().real(4.656542373906925e-10).take() == "4.656542373906925e-10");
}

BOOST_AUTO_TEST_CASE(writer__strings__escaped_and_valid_utf8) {
    const std::pair<std::string_view, std::string_view> cases[] = {
        {"plain", "\"plain\""},
        {"a\"b\\c\n\t\x01\x7f", R"("a\"b\\c\n\t\u0001\u007f")"},
        {"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\""},
        {"\xff", "\"\xef\xbf\xbd\""},                                 // never a byte of UTF-8
        {"\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\""},                 // overlong
        {"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""}, // a surrogate
        {"\xe2\x82", "\"\xef\xbf\xbd\xef\xbf\xbd\""},                 // cut off
    };
    for (const auto& [text, json] : cases) BOOST_TEST(JsonWriter().string(text).take() == json);
}

BOOST_AUTO_TEST_CASE(parse__valid__numbers_keep_their_text) {
    const std::string_view unchanged[] = {
        "0",
        "-1",
        "1.50",
        "1e-8",
        "0.10000000000000000555",
        "123456789012345678901234567890",
        "9223372036854775807",
        "18446744073709551615",
        R"({"a":[1,{"b":null}],"c":"\u0001","d":false})",
        R"(["x",[],{},true])"};
    for (const std::string_view text : unchanged) BOOST_TEST(written(text) == text);
    BOOST_TEST(written(" [ 1 , 2 ] ") == "[1,2]");
    BOOST_TEST(written(R"("\u20ac\ud83d\ude00")") == "\"\xe2\x82\xac\xf0\x9f\x98\x80\"");
}

BOOST_AUTO_TEST_CASE(parse__broken__nothing) {
    const std::string_view broken[] = {"",    " ",  "{",   "[1,]",     "{\"a\":}", "01",
                                       "1.",  ".5", "nul", "\"\xff\"", "[1] [2]",  "'a'",
                                       "NaN", "+1", "-",   "[1}",      R"("\x")"};
    for (const std::string_view text : broken) BOOST_TEST(!parse_json(text), text);
}

BOOST_AUTO_TEST_CASE(parse__deep_or_huge__refused) {
    const auto nested = [](size_t depth) {
        return std::string(depth, '[') + std::string(depth, ']');
    };
    BOOST_TEST(parse_json(nested(MAX_REQUEST_DEPTH)).has_value());
    BOOST_TEST(!parse_json(nested(MAX_REQUEST_DEPTH + 1)));
    BOOST_TEST(!parse_json(nested(1'000'000)));
    std::string many = "[1";
    for (size_t i = 0; i < MAX_REQUEST_VALUES; ++i) many += ",1";
    BOOST_TEST(!parse_json(many + "]"));
}

BOOST_AUTO_TEST_CASE(satoshis_of__numbers__exact) {
    const std::pair<std::string_view, int64_t> exact[] = {
        {"0", 0},
        {"0.1", 10'000'000},
        {"0.00000001", 1},
        {"1e-8", 1},
        {"1E+2", 10'000'000'000},
        {"20999999.9769", 2'099'999'997'690'000},
        {"0.000000010000", 1},
        {"0.19000000000", 19'000'000},
        {"-1.5", -150'000'000},
        {"0e1000", 0},
        {"92233720368.54775807", std::numeric_limits<int64_t>::max()},
    };
    for (const auto& [text, satoshis] : exact) {
        BOOST_REQUIRE_MESSAGE(satoshis_of(text), text);
        BOOST_TEST(*satoshis_of(text) == satoshis, text);
    }
}

BOOST_AUTO_TEST_CASE(satoshis_of__not_an_amount__nothing) {
    const std::string_view bad[] = {
        "",
        "a",
        ".1",
        "1.",
        "01",
        "1e",
        "1e-9",
        "0.000000001",
        "1e99",
        "--1",
        " 1",
        "1 ",
        "1.1.1",
        "92233720368.54775808",
        "1e10000000000"};
    for (const std::string_view text : bad) BOOST_TEST(!satoshis_of(text), text);
}

BOOST_AUTO_TEST_CASE(integer_of__fraction_or_overflow__nothing) {
    BOOST_TEST(*integer_of("-5") == -5);
    for (const std::string_view text : {"1.0", "1e2", "9223372036854775808", ""})
        BOOST_TEST(!integer_of(text), text);
}

BOOST_AUTO_TEST_SUITE_END()
