// SPDX-License-Identifier: MIT
// Expected hashes are those of MuHash3072 in the test framework of Bitcoin Core.
#include "consensus/muhash.h"

#include <boost/test/unit_test.hpp>

using namespace cairn::consensus;

BOOST_AUTO_TEST_SUITE(muhash)

BOOST_AUTO_TEST_CASE(digest__of_nothing__known_hash) {
    BOOST_TEST(
        MuHash().digest().to_string() ==
        "dd5ad2a105c2d29495f577245c357409002329b9f4d6182c0af3dc2f462555c8");
}

BOOST_AUTO_TEST_CASE(digest__two_members__known_hash) {
    Bytes member(32, 0);
    MuHash set;
    set.insert(member);
    member[0] = 1;
    set.insert(member);
    BOOST_TEST(
        set.digest().to_string() ==
        "9c96c6aa15a783f3e6c3d61634e5b9579118f92e0bf562ca3506ddf6b43ac647");
}

BOOST_AUTO_TEST_CASE(digest__members_in_any_order__same_known_hash) {
    MuHash up;
    MuHash down;
    for (uint8_t i = 0; i < 16; ++i) {
        up.insert(Bytes(i, i));
        down.insert(Bytes(15 - i, static_cast<uint8_t>(15 - i)));
    }
    BOOST_TEST(
        up.digest().to_string() ==
        "d3c2173e8f11f7f60510c56e1a896efcf438e97b4171783ae2945f0a545556ee");
    BOOST_TEST((down.digest() == up.digest()));
}

BOOST_AUTO_TEST_CASE(remove__members_in_and_not_yet_in__as_if_they_had_never_been) {
    MuHash two;
    two.insert(Bytes{1});
    two.insert(Bytes{2});
    MuHash set(two.product());
    set.insert(Bytes{3});
    MuHash gone;
    gone.insert(Bytes{4});
    gone.insert(Bytes{3});
    set.remove(gone);
    set.insert(Bytes{4});
    BOOST_TEST((set.digest() == two.digest()));
    set.remove(two);
    BOOST_TEST((set.digest() == MuHash().digest()));
    set.insert(two);
    BOOST_TEST((set.product() == two.product()));
}

BOOST_AUTO_TEST_SUITE_END()
