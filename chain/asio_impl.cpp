// SPDX-License-Identifier: MIT
// Asio's own code, compiled here once (BOOST_ASIO_SEPARATE_COMPILATION) as target asio_impl, which
// every target that uses Asio links: so no other file pays for it.
#include <boost/asio/impl/src.hpp>
