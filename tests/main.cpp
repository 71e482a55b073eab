// SPDX-License-Identifier: MIT
// The one main() of the unit test programs: Boost.Test's own.

#define BOOST_TEST_MODULE cairn // NOLINT: Boost.Test reads it
#include "tests/vectors.h"

#include <boost/test/results_collector.hpp>
#include <boost/test/unit_test.hpp>

namespace {

/// Prints the line by which CTest knows a skipped test: last, since it hides failures.
struct TellSkipped {
    ~TellSkipped() {
        namespace unit_test = boost::unit_test;
        const auto all = unit_test::framework::master_test_suite().p_id;
        if (!cairn::tests::vectors_missing.empty() &&
            unit_test::results_collector.results(all).passed())
            BOOST_TEST_MESSAGE("SKIPPED: no published data in " << cairn::tests::vectors_missing);
    }
};

BOOST_TEST_GLOBAL_FIXTURE(TellSkipped);

} // namespace
