// SPDX-License-Identifier: MIT
// Properties of coin selection over random wallets; a failure prints its seed.
#include "consensus/standard.h"
#include "wallet/coin_selection.h"
#include "wallet/keys/sign.h"

#include <boost/test/unit_test.hpp>

#include <numeric>
#include <random>
#include <set>

namespace cairn::wallet {

namespace {

SelectionTarget target_for(Amount payments, FeeRate rate) {
    SelectionTarget target;
    target.payments = payments;
    target.rate = rate;
    target.fixed_weight = 42 + 31 * 4;
    target.input_weight = keys::P2WPKH_INPUT_WEIGHT;
    target.change_weight = 31 * 4;
    target.change_dust = 294;
    return target;
}

Amount sum_chosen(const std::vector<Amount>& values, const Selection& selection) {
    Amount sum;
    for (const size_t i : selection.chosen) sum += values.at(i);
    return sum;
}

Amount least_fee(const SelectionTarget& target, const Selection& selection) {
    return target.rate.fee_of_weight(
        target.fixed_weight + static_cast<int64_t>(selection.chosen.size()) * target.input_weight +
        (selection.change > Amount(0) ? target.change_weight : 0));
}

Amount change_cost(const SelectionTarget& target) {
    return target.rate.fee_of_weight(target.change_weight) +
           target.rate.fee_of_weight(target.input_weight);
}

std::vector<Amount> random_values(std::mt19937_64& random) {
    std::vector<Amount> values(random() % 60);
    const int64_t scale = int64_t{1} << (random() % 40 + 1);
    for (Amount& value : values) value = static_cast<int64_t>(random() % scale) + 1;
    return values;
}

} // namespace

BOOST_AUTO_TEST_SUITE(coin_selection)

BOOST_AUTO_TEST_CASE(select_coins__random_wallets__money_adds_up) {
    const uint64_t first_seed = std::random_device{}();
    for (uint64_t seed = first_seed; seed < first_seed + 300; ++seed) {
        BOOST_TEST_CONTEXT("seed " << seed) {
            std::mt19937_64 random(seed);
            const std::vector<Amount> values = random_values(random);
            Amount all;
            for (const Amount value : values) all += value;
            const auto wanted = static_cast<int64_t>(random() % (all.value + 1000)) + 1;
            const SelectionTarget target =
                target_for(wanted, {static_cast<int64_t>(random() % 100'000) + 1});
            const auto selection = select_coins(values, target);
            if (!selection) {
                // Then not even all coins that are worth their input suffice.
                Amount useful;
                int64_t count = 0;
                for (const Amount value : values)
                    if (value > target.rate.fee_of_weight(target.input_weight)) {
                        useful += value;
                        ++count;
                    }
                BOOST_TEST(
                    useful.value <
                    wanted +
                        target.rate.fee_of_weight(target.fixed_weight + count * target.input_weight)
                            .value);
                continue;
            }
            const std::set<size_t> distinct(selection->chosen.begin(), selection->chosen.end());
            BOOST_TEST(distinct.size() == selection->chosen.size());
            BOOST_TEST(
                sum_chosen(values, *selection).value ==
                wanted + selection->fee.value + selection->change.value);
            const Amount least = least_fee(target, *selection);
            BOOST_TEST(selection->fee.value >= least.value);
            if (selection->change > Amount(0)) {
                BOOST_TEST(selection->fee.value == least.value);
                BOOST_TEST(selection->change.value >= target.change_dust.value);
                BOOST_TEST(selection->change.value > change_cost(target).value);
            } else {
                // Nothing is given away that change could have saved.
                BOOST_TEST(
                    (selection->fee - least).value <=
                    std::max(target.change_dust, change_cost(target)).value +
                        target.rate.fee_of_weight(target.change_weight).value + 1);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(select_coins__coins_that_fit_exactly__make_no_change) {
    const FeeRate rate{1000};
    SelectionTarget target = target_for(0, rate);
    const Amount fee = rate.fee_of_weight(target.fixed_weight + 2 * keys::P2WPKH_INPUT_WEIGHT);
    const std::vector<Amount> values{50'000, 30'000, 20'000, 9'000'000};
    target.payments = Amount(50'000) - fee; // 30,000 and 20,000, though 50,000 alone is near
    const auto selection = select_coins(values, target);
    BOOST_TEST_REQUIRE(selection.has_value());
    BOOST_TEST(selection->change.value == 0);
    BOOST_TEST(sum_chosen(values, *selection).value == 50'000);
}

BOOST_AUTO_TEST_CASE(select_coins__one_coin_suffices__spends_the_smallest_such) {
    const std::vector<Amount> values{1'000'000, 5'000'000, 2'000'000, 90'000'000};
    const auto selection = select_coins(values, target_for(1'500'000, {1000}));
    BOOST_TEST_REQUIRE(selection.has_value());
    BOOST_TEST((selection->chosen == std::vector<size_t>{2}));
    BOOST_TEST(selection->change.value > 0);
}

BOOST_AUTO_TEST_CASE(select_coins__change_not_worth_it__goes_to_the_fee) {
    const SelectionTarget target = target_for(100'000, {10'000});
    const std::vector<Amount> values{101'700}; // fee about 1,100, 600 left, change costs 990
    const auto selection = select_coins(values, target);
    BOOST_TEST_REQUIRE(selection.has_value());
    BOOST_TEST(selection->change.value == 0);
    BOOST_TEST(selection->fee.value == 1'700);
}

BOOST_AUTO_TEST_CASE(select_coins__dust_coins__are_never_spent_at_a_loss) {
    const std::vector<Amount> values{100, 200, 300, 1'000'000};
    const auto selection = select_coins(values, target_for(500'000, {10'000}));
    BOOST_TEST_REQUIRE(selection.has_value());
    BOOST_TEST((selection->chosen == std::vector<size_t>{3}));
}

BOOST_AUTO_TEST_CASE(select_coins__ten_thousand_equal_coins__ends_soon) {
    const std::vector<Amount> values(10'000, Amount(10'000));
    const auto selection = select_coins(values, target_for(9'000'000, {1000}));
    BOOST_TEST_REQUIRE(selection.has_value());
    BOOST_TEST(sum_chosen(values, *selection).value >= 9'000'000);
}

/// Each is worth its fee, so a search that recurses by coins would need 100,000 frames.
BOOST_AUTO_TEST_CASE(select_coins__more_coins_than_fit__takes_the_largest_or_none) {
    const SelectionTarget target = target_for(0, {1000});
    const size_t most = target.max_inputs();
    BOOST_TEST(
        target.fixed_weight + target.change_weight +
            static_cast<int64_t>(most) * target.input_weight <=
        400'000);
    std::vector<Amount> values;
    for (int i = 0; i < 100'000; ++i) values.emplace_back(100'000 + i);
    const auto all = select_all(values, target);
    BOOST_TEST_REQUIRE(all.has_value());
    BOOST_TEST(all->chosen.size() == most);
    BOOST_TEST(all->left == values.size() - most);
    BOOST_TEST(*std::ranges::min_element(all->chosen) == values.size() - most);
    const Amount can = sum_chosen(values, *all) - all->fee;
    const auto selection = select_coins(values, target_for(can, {1000}));
    BOOST_TEST_REQUIRE(selection.has_value());
    BOOST_TEST(selection->chosen.size() <= most);
    BOOST_TEST(!select_coins(values, target_for(can + Amount(1), {1000})).has_value());
    BOOST_TEST(!select_coins(values, target_for(9'000'000'000, {1000})).has_value());
}

BOOST_AUTO_TEST_CASE(select_all__coins__leaves_out_those_that_cost_more_than_they_bring) {
    const SelectionTarget target = target_for(0, {10'000});
    const auto selection = select_all({100'000, 500, 200'000}, target);
    BOOST_TEST_REQUIRE(selection.has_value());
    BOOST_TEST(selection->chosen.size() == 2U);
    BOOST_TEST(selection->fee.value == least_fee(target, *selection).value);
    BOOST_TEST(!select_all({}, target).has_value());
    BOOST_TEST(!select_all({700}, target).has_value()); // brings 20, the rest costs more
}

// Values: Core's GetDustThreshold at 3,000 satoshis per 1,000 vB.
BOOST_AUTO_TEST_CASE(dust_threshold__standard_outputs__are_the_known_ones) {
    const std::array<uint8_t, 20> hash20{};
    const std::array<uint8_t, 32> hash32{};
    BOOST_TEST(dust_threshold(consensus::pay_to_pubkey_hash(hash20)).value == 546);
    BOOST_TEST(dust_threshold(consensus::pay_to_script_hash(hash20)).value == 540);
    BOOST_TEST(dust_threshold(consensus::pay_to_witness(0, hash20)).value == 294);
    BOOST_TEST(dust_threshold(consensus::pay_to_witness(0, hash32)).value == 330);
    BOOST_TEST(dust_threshold(consensus::pay_to_witness(1, hash32)).value == 330);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace cairn::wallet
