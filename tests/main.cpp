// SPDX-License-Identifier: MIT
// The one main() of the unit test programs: Boost.Test's own.

#define BOOST_TEST_MODULE cairn // NOLINT: Boost.Test reads it
#include <boost/test/unit_test.hpp>
