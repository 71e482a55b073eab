// SPDX-License-Identifier: MIT
// What is said to a proxy, byte by byte.
#include "node/socks5.h"

#include <boost/test/unit_test.hpp>

using namespace cairn;
using namespace cairn::node;

namespace {

const Bytes REQUEST{5, 1, 0, 3, 3, 'a', '.', 'b', 0x20, 0x8d};
const Bytes LOGIN{1, 2, 'm', 'e', 2, 'm', 'e'};

Socks5 question(const std::string& login = "") {
    return {{"a.b", 8333}, login};
}

/// All that `socks` sends when all this comes; how it ends if it fails.
std::string played(Socks5 socks, Bytes input) {
    Bytes sent = socks.greeting();
    ByteView rest = input;
    while (socks.wants() != 0) {
        if (rest.size() < socks.wants()) return "waits";
        const ByteView next = rest.first(socks.wants());
        rest = rest.subspan(socks.wants());
        const Outcome<Bytes> out = socks.received(next);
        if (!out) return out.error().reason;
        sent.insert(sent.end(), out->begin(), out->end());
    }
    return rest.empty() ? consensus::to_hex(sent) : "left over";
}

Bytes joined(std::initializer_list<Bytes> parts) {
    Bytes all;
    for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
    return all;
}

} // namespace

BOOST_AUTO_TEST_SUITE(socks5)

BOOST_AUTO_TEST_CASE(connect__any_form_of_answer__is_read_to_its_end) {
    const Bytes expected = joined({{5, 1, 0}, REQUEST});
    const Bytes answers[] = {
        {5, 0, 0, 1, 1, 2, 3, 4, 0, 80},
        {5, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 80},
        {5, 0, 0, 3, 2, 'x', 'y', 0, 80},
    };
    for (const Bytes& answer : answers)
        BOOST_TEST(played(question(), joined({{5, 0}, answer})) == consensus::to_hex(expected));
}

BOOST_AUTO_TEST_CASE(connect__login__is_given_if_the_proxy_wants_it) {
    const Bytes answer{5, 0, 0, 1, 1, 2, 3, 4, 0, 80};
    BOOST_TEST(
        played(question("me"), joined({{5, 2, 1, 0}, answer})) ==
        consensus::to_hex(joined({{5, 2, 0, 2}, LOGIN, REQUEST})));
    BOOST_TEST(
        played(question("me"), joined({{5, 0}, answer})) ==
        consensus::to_hex(joined({{5, 2, 0, 2}, REQUEST})));
}

BOOST_AUTO_TEST_CASE(connect__refused__says_why) {
    BOOST_TEST(played(question(), {4, 0}) == "the proxy speaks no SOCKS5");
    for (const uint8_t method : {2, 255})
        BOOST_TEST(played(question(), {5, method}) == "the proxy wants a login of another kind");
    BOOST_TEST(played(question("me"), {5, 2, 1, 1}) == "the proxy refuses our login");
    BOOST_TEST(played(question(), {5, 0, 5, 4, 0, 1, 0}) == "the proxy can't connect, code 4");
    BOOST_TEST(
        played(question(), {5, 0, 5, 0, 0, 2, 0}) == "the proxy names an address of no known kind");
    BOOST_TEST(played(question(), {5, 0, 5, 0, 0, 1, 0, 0}) == "waits");
}

BOOST_AUTO_TEST_SUITE_END()
