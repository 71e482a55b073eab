// SPDX-License-Identifier: MIT
#include "wallet/amount.h"

#include <boost/test/unit_test.hpp>

namespace cairn::wallet {

BOOST_AUTO_TEST_SUITE(amount)

BOOST_AUTO_TEST_CASE(read_amount__plain_decimals__are_exact) {
    const std::pair<const char*, int64_t> amounts[] = {
        {"0", 0},
        {"1", 100'000'000},
        {"0.1", 10'000'000},
        {".5", 50'000'000},
        {"7.", 700'000'000},
        {"0.00000001", 1},
        {"0.29", 29'000'000},
        {"20999999.97690000", 2'099'999'997'690'000},
        {"21000000", 2'100'000'000'000'000},
        {"00001.50", 150'000'000},
    };
    for (const auto& [text, satoshis] : amounts) {
        const auto amount = read_amount(text);
        BOOST_TEST_REQUIRE(amount.has_value(), text);
        BOOST_TEST(amount->value == satoshis, text);
    }
}

BOOST_AUTO_TEST_CASE(read_amount__anything_else__is_refused) {
    for (const char* text :
         {"",
          ".",
          "-1",
          "+1",
          "1e3",
          "1,5",
          "0x10",
          "1.2.3",
          " 1",
          "1 ",
          "all",
          "0.000000001",
          "inf",
          "21000000.1",
          "nan",
          "21000001",
          "1.0.",
          "1.000000000",
          "99999999999999999999999999",
          "184467440737.09551616"})
        BOOST_TEST(!read_amount(text).has_value(), text);
}

BOOST_AUTO_TEST_CASE(to_text__every_amount__reads_back_the_same) {
    for (const int64_t satoshis : {0L, 1L, 99'999'999L, 100'000'000L, 2'099'999'997'690'000L}) {
        BOOST_TEST(read_amount(to_text(Amount(satoshis)))->value == satoshis);
    }
    BOOST_TEST(to_text(Amount(12'000)) == "0.00012000");
    BOOST_TEST(to_text(Amount(-150'000'000)) == "-1.50000000");
}

BOOST_AUTO_TEST_CASE(read_fee_rate__satoshis_per_byte__become_per_thousand) {
    BOOST_TEST(read_fee_rate("1")->per_kvb == 1000);
    BOOST_TEST(read_fee_rate("2.5")->per_kvb == 2500);
    BOOST_TEST(read_fee_rate("0.001")->per_kvb == 1);
    BOOST_TEST(to_text(FeeRate{2500}) == "2.5");
    BOOST_TEST(to_text(FeeRate{1}) == "0.001");
    BOOST_TEST(to_text(FeeRate{1000}) == "1");
    for (const char* text : {"", "0", "0.0001", "-1", "1000001", "x"})
        BOOST_TEST(!read_fee_rate(text).has_value(), text);
}

BOOST_AUTO_TEST_CASE(fee_of_weight__part_of_a_byte_or_satoshi__is_rounded_up) {
    BOOST_TEST(FeeRate{1000}.fee_of_weight(400).value == 100);
    BOOST_TEST(FeeRate{1000}.fee_of_weight(401).value == 101);
    BOOST_TEST(FeeRate{1001}.fee_of_weight(400).value == 101);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace cairn::wallet
