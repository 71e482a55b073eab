// SPDX-License-Identifier: MIT
#include "consensus/header_node.h"
#include "tests/consensus/builders.h"

#include <algorithm>

using namespace cairn::tests;

BOOST_AUTO_TEST_SUITE(header_node)

BOOST_AUTO_TEST_CASE(construction__child__adds_to_its_parent) {
    HeaderTree tree;
    const HeaderNode* genesis = tree.add(nullptr, 500, 0x1d00ffff);
    const HeaderNode* child = tree.add(genesis, 400, 0x207fffff);
    BOOST_TEST(child->height.value == 1);
    BOOST_TEST(child->work == genesis->work + 2);
    BOOST_TEST(child->max_time == 500U);
    BOOST_TEST(genesis->skip == nullptr);
}

BOOST_AUTO_TEST_CASE(ancestor__every_height__agrees_with_parents) {
    HeaderTree tree;
    const HeaderNode* tip = tree.extend(tree.add(nullptr, 1), 700, 1);
    for (const HeaderNode* from = tip; from != nullptr; from = from->parent)
        for (const HeaderNode* to = from; to != nullptr; to = to->parent)
            if (from->ancestor(to->height) != to) BOOST_FAIL("wrong ancestor");
    BOOST_TEST(tip->ancestor(701) == nullptr);
    BOOST_TEST(tip->ancestor(-1) == nullptr);
}

BOOST_AUTO_TEST_CASE(ancestor__far_back__takes_few_steps) {
    HeaderTree tree;
    const HeaderNode* tip = tree.extend(tree.add(nullptr, 1), 100'000, 1);
    const auto steps_to = [&](Height height) {
        int steps = 0;
        for (const HeaderNode* node = tip; node->height > height; ++steps)
            node = node->skip->height >= height ? node->skip : node->parent;
        return steps;
    };
    int most = 0;
    for (int32_t height = 0; height < 100'000; height += 37)
        most = std::max(most, steps_to(height));
    BOOST_TEST(most < 3 * 17); // 2^17 > 100,000
}

BOOST_AUTO_TEST_CASE(median_time_past__up_to_eleven__is_their_median) {
    HeaderTree tree;
    const HeaderNode* node = tree.add(nullptr, 50);
    BOOST_TEST(node->median_time_past() == 50);
    node = tree.add(node, 10);
    BOOST_TEST(node->median_time_past() == 50); // of an even number the upper one
    for (const uint32_t time : {90U, 20U, 80U, 30U, 70U, 40U, 60U, 55U, 45U})
        node = tree.add(node, time);
    BOOST_TEST(node->median_time_past() == 50);
    node = tree.add(node, 100); // the first, 50, drops out
    BOOST_TEST(node->median_time_past() == 55);
}

BOOST_AUTO_TEST_CASE(last_common_ancestor__branches__is_where_they_part) {
    HeaderTree tree;
    const HeaderNode* genesis = tree.add(nullptr, 1);
    for (const int shared : {0, 1, 6, 100, 255, 256}) {
        const HeaderNode* fork = tree.extend(genesis, shared, 1);
        const HeaderNode* left = tree.extend(fork, 37, 1);
        const HeaderNode* right = tree.extend(fork, 150, 1);
        BOOST_TEST(last_common_ancestor(left, right) == fork);
        BOOST_TEST(last_common_ancestor(right, left) == fork);
        BOOST_TEST(last_common_ancestor(fork, left) == fork);
        BOOST_TEST(left->descends_from(*fork));
        BOOST_TEST(!left->descends_from(*right));
    }
}

BOOST_AUTO_TEST_SUITE_END()
