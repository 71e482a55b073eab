// SPDX-License-Identifier: MIT
#include "consensus/version_bits.h"
#include "tests/consensus/builders.h"

using namespace cairn::tests;

BOOST_AUTO_TEST_SUITE(version_bits)

namespace {

constexpr int32_t SIGNAL = 0x20000000 | 1 << 3;
constexpr int32_t SILENT = 0x20000000;

Deployment deployment() {
    return {
        .name = "test",
        .bit = 3,
        .start_time = 1000,
        .timeout = 5000,
        .min_activation_height = 0,
        .period = 10,
        .threshold = 7};
}

/// Blocks in periods of ten, whose median time past is what a test says.
class Periods {
public:
    /// Ten blocks (nine the first time, after genesis) at `time`, `signals` of which signal.
    const HeaderNode* add(uint32_t time, int signals, int32_t signal = SIGNAL) {
        if (tip_ == nullptr) tip_ = tree_.add(nullptr, time, 0x207fffff, SILENT);
        do {
            tip_ = tree_.add(tip_, time, 0x207fffff, signals-- > 0 ? signal : SILENT);
        } while ((tip_->height.value + 1) % 10 != 0);
        return tip_;
    }

    /// Go on after `tip`.
    void go_back(const HeaderNode* tip) { tip_ = tip; }

private:
    HeaderTree tree_;
    const HeaderNode* tip_ = nullptr;
};

std::string_view state(const Deployment& deployment, const HeaderNode* parent) {
    return deployment_state_name(deployment_state(deployment, parent));
}

} // namespace

BOOST_AUTO_TEST_CASE(deployment_state__threshold_reached__locks_in_then_activates) {
    Periods periods;
    BOOST_TEST(state(deployment(), nullptr) == "defined");
    BOOST_TEST(state(deployment(), periods.add(999, 9)) == "defined"); // signals come too early
    BOOST_TEST(state(deployment(), periods.add(1000, 10)) == "started");
    BOOST_TEST(state(deployment(), periods.add(1100, 6)) == "started");
    const HeaderNode* locked = periods.add(1200, 7);
    BOOST_TEST(state(deployment(), locked) == "locked_in");
    BOOST_TEST(state(deployment(), locked->parent) == "started");
    BOOST_TEST(deployment_since(deployment(), locked).value == 40);
    const HeaderNode* active = periods.add(1300, 0);
    BOOST_TEST(state(deployment(), active) == "active");
    BOOST_TEST(state(deployment(), periods.add(9000, 0)) == "active");
    BOOST_TEST(deployment_since(deployment(), active).value == 50);
}

BOOST_AUTO_TEST_CASE(deployment_state__time_out__fails_for_ever) {
    Periods periods;
    periods.add(1000, 0);
    BOOST_TEST(state(deployment(), periods.add(5000, 6)) == "failed");
    BOOST_TEST(state(deployment(), periods.add(5100, 10)) == "failed");
}

BOOST_AUTO_TEST_CASE(deployment_state__threshold_in_last_period__beats_the_time_out) {
    Periods periods;
    periods.add(1000, 0);
    BOOST_TEST(state(deployment(), periods.add(5000, 7)) == "locked_in");
}

BOOST_AUTO_TEST_CASE(deployment_state__minimum_activation_height__delays) {
    Deployment late = deployment();
    late.min_activation_height = 50;
    Periods periods;
    periods.add(1000, 0);
    periods.add(1100, 10);
    BOOST_TEST(state(late, periods.add(1200, 0)) == "locked_in");
    BOOST_TEST(state(late, periods.add(1300, 0)) == "locked_in");
    BOOST_TEST(state(late, periods.add(1400, 0)) == "active");
}

BOOST_AUTO_TEST_CASE(deployment_state__always_and_never__need_no_blocks) {
    Deployment fixed = deployment();
    fixed.start_time = Deployment::ALWAYS_ACTIVE;
    BOOST_TEST(state(fixed, nullptr) == "active");
    fixed.start_time = Deployment::NEVER_ACTIVE;
    BOOST_TEST(state(fixed, nullptr) == "failed");
    BOOST_TEST(deployment_since(fixed, nullptr).value == 0);
}

BOOST_AUTO_TEST_CASE(block_version__started_or_locked_in__sets_the_bit) {
    Params params;
    params.deployments = {deployment()};
    Periods periods;
    BOOST_TEST(block_version(nullptr, params) == SILENT);
    BOOST_TEST(block_version(periods.add(1000, 0), params) == SIGNAL);
    BOOST_TEST(block_version(periods.add(1100, 7), params) == SIGNAL);
    BOOST_TEST(block_version(periods.add(1200, 0), params) == SILENT);
}

BOOST_AUTO_TEST_CASE(count_signals__part_of_a_period__counts_up_to_it) {
    Periods periods;
    periods.add(1000, 0);
    const HeaderNode* tip = periods.add(1100, 3);
    const SignalCount whole = count_signals(deployment(), *tip);
    BOOST_TEST(whole.signalling == "###-------");
    BOOST_TEST(!whole.possible);
    const SignalCount part = count_signals(deployment(), *tip->ancestor(15));
    BOOST_TEST(part.elapsed == 6);
    BOOST_TEST(part.count == 3);
    BOOST_TEST(part.signalling == "###---");
    BOOST_TEST(part.possible); // three silent blocks are what ten can bear
}

BOOST_AUTO_TEST_CASE(signals__other_top_bits__do_not_count) {
    HeaderTree tree;
    const HeaderNode* node = tree.add(nullptr, 1, 0x207fffff, 0x40000000 | 1 << 3);
    BOOST_TEST(count_signals(deployment(), *node).count == 0);
    node = tree.add(node, 1, 0x207fffff, 1 << 3);
    BOOST_TEST(count_signals(deployment(), *node).count == 0);
}

BOOST_AUTO_TEST_CASE(unknown_rules__a_period_that_signals__warned_of_once_they_hold) {
    constexpr int32_t UNKNOWN = SILENT | 1 << 4;
    Params params;
    params.deployments = {deployment()};
    UnknownRules rules(params);
    const auto active = [&](const HeaderNode* tip) { return rules.active(*tip); };
    Periods periods;
    BOOST_TEST(active(periods.add(1000, 9, UNKNOWN)).empty()); // nothing counts so early
    BOOST_TEST(active(periods.add(1000, 6, UNKNOWN)).empty());
    BOOST_TEST(active(periods.add(1000, 10, SIGNAL)).empty()); // that one is known
    const HeaderNode* before = periods.add(1000, 0);
    BOOST_TEST(active(before).empty());
    BOOST_TEST(active(periods.add(1000, 7, UNKNOWN)).empty());
    const HeaderNode* held = periods.add(1000, 0);
    BOOST_TEST(active(held->parent).empty());
    BOOST_TEST((active(held) == std::vector{4}));
    BOOST_TEST((active(periods.add(1000, 7, SIGNAL)) == std::vector{4}));
    // After its deployment is active nobody here knows what that bit is for.
    BOOST_TEST((active(periods.add(1000, 0)) == std::vector{3, 4}));
    periods.go_back(before);
    periods.add(1001, 6, UNKNOWN);
    BOOST_TEST(active(periods.add(1001, 0)).empty()); // on another branch they don't
}

BOOST_AUTO_TEST_CASE(unknown_rules__bits_that_miners_may_set__no_rules) {
    Params params;
    params.deployments = {deployment()};
    UnknownRules rules(params);
    Periods periods;
    for (int i = 0; i < 3; ++i) periods.add(1000, 10, SILENT | 1 << 5 | 1 << 13 | 1 << 28);
    BOOST_TEST(rules.active(*periods.add(1000, 0)).empty());
}

BOOST_AUTO_TEST_CASE(unknown_rules__before_the_last_known_one_held__count_for_those) {
    Params params;
    params.deployments = {deployment()};
    params.activation.segwit = 30;
    UnknownRules rules(params);
    Periods periods;
    for (int i = 0; i < 4; ++i) periods.add(1000, 10, SILENT | 1 << 1);
    BOOST_TEST(rules.active(*periods.add(1000, 10, SILENT | 1 << 2)).empty());
    BOOST_TEST((rules.active(*periods.add(1000, 0)) == std::vector{2}));
}

BOOST_AUTO_TEST_SUITE_END()
