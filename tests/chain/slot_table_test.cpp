// SPDX-License-Identifier: MIT
#include "chain/slot_table.h"

#include <boost/test/unit_test.hpp>

#include <map>
#include <random>

namespace {

constexpr uint32_t NONE = 0xffffffff;
using Table = cairn::chain::SlotTable<uint32_t, NONE>;

bool has(const Table& table, uint32_t hash, uint32_t value) {
    return table.find(hash, [value](uint32_t each) { return each == value; }) == value;
}

} // namespace

BOOST_AUTO_TEST_SUITE(slot_table)

BOOST_AUTO_TEST_CASE(find__empty_table__none) {
    const Table table;
    table.prefetch(7);
    BOOST_TEST(table.likely(7) == NONE);
    BOOST_TEST(!has(table, 7, 1));
}

BOOST_AUTO_TEST_CASE(find__equal_hashes__asks_which_value_is_meant) {
    Table table;
    for (uint32_t value = 0; value < 10; ++value) table.insert(5, value);
    for (uint32_t value = 0; value < 10; ++value) BOOST_TEST(has(table, 5, value));
    BOOST_TEST(!has(table, 5, 10));
    BOOST_TEST(!has(table, 5 + 16, 3)); // the same slot, another hash
    BOOST_TEST(table.likely(5) == 0u);
}

BOOST_AUTO_TEST_CASE(erase__value_of_several_hashes__keeps_the_others) {
    Table table;
    table.insert(5, 0);
    table.insert(6, 1); // next to ...
    table.insert(5, 1); // ... and behind it
    table.erase(5, 1);
    BOOST_TEST(!has(table, 5, 1));
    BOOST_TEST(has(table, 6, 1));
    BOOST_TEST(has(table, 5, 0));
}

// Hashes that meet in few slots, so that runs are long, wrap around the end, and move when one of
// their values goes.
BOOST_AUTO_TEST_CASE(insert_erase__at_random__same_as_a_map) {
    constexpr uint32_t PLACES = 24;
    std::mt19937 random(11);
    Table table;
    std::map<uint32_t, uint32_t> hashes; // by value
    for (uint32_t step = 0; step < 20'000; ++step) {
        const bool grows = hashes.size() < 12 || (hashes.size() < 200 && random() % 2 == 0);
        if (grows) {
            const uint32_t hash = random() % PLACES - PLACES / 2;
            hashes[step] = hash;
            table.insert(hash, step);
        } else {
            auto gone = hashes.lower_bound(random() % step);
            if (gone == hashes.end()) gone = hashes.begin();
            table.erase(gone->second, gone->first);
            BOOST_REQUIRE(!has(table, gone->second, gone->first));
            hashes.erase(gone);
        }
        if (step % 100 == 0)
            for (const auto& [value, hash] : hashes) BOOST_REQUIRE(has(table, hash, value));
    }
}

BOOST_AUTO_TEST_CASE(memory_bytes__just_grown__no_more_than_is_said) {
    constexpr uint32_t COUNT = 12'289; // one more than three quarters of 16,384
    Table table;
    for (uint32_t value = 0; value < COUNT; ++value) table.insert(value * 2'654'435'761U, value);
    BOOST_TEST(table.memory_bytes() <= COUNT * Table::MOST_BYTES_EACH + 16);
    const size_t bytes = table.memory_bytes();
    table.reserve(COUNT);
    BOOST_TEST(table.memory_bytes() == bytes);
    for (uint32_t value = 0; value < COUNT; ++value)
        BOOST_REQUIRE(has(table, value * 2'654'435'761U, value));
}

BOOST_AUTO_TEST_SUITE_END()
