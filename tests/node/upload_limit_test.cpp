// SPDX-License-Identifier: MIT
// What is given when little more may be sent.
#include "harness.h"
#include "node/messages.h"

#include <boost/test/unit_test.hpp>

using namespace cairn;
using namespace cairn::node;
using namespace cairn::node::test;
using namespace std::chrono_literals;

namespace {

constexpr uint64_t DAY_OF_BLOCKS = uint64_t{144} * 4'000'000;
const Time START(1'000'000s);

} // namespace

BOOST_AUTO_TEST_SUITE(upload_limit)

BOOST_AUTO_TEST_CASE(count__sent__is_forgotten_after_a_day) {
    UploadLimit limit(1000);
    limit.sent(400, START);
    limit.sent(400, START + 1h);
    BOOST_TEST(limit.bytes_left(START + 2h) == 200u);
    BOOST_TEST(limit.time_left(START + 2h).count() == 22 * 3600);
    BOOST_TEST(!limit.is_reached(START + 2h));
    limit.sent(400, START + 2h);
    BOOST_TEST(limit.is_reached(START + 23h));
    BOOST_TEST(!limit.is_reached(START + 24h));
    BOOST_TEST(limit.bytes_left(START + 24h) == 1000u);
    limit.sent(1, START + 25h);
    BOOST_TEST(limit.bytes_left(START + 25h) == 999u);
}

BOOST_AUTO_TEST_CASE(old_blocks__new_ones_need_the_rest__are_refused) {
    consensus::Params params;
    params.pow = consensus::BitcoinRule{}; // a block of 4,000,000 bytes in ten minutes
    UploadLimit limit(DAY_OF_BLOCKS + 1000);
    BOOST_TEST(!limit.refuses_old(START, params));
    limit.sent(1000, START);
    BOOST_TEST(limit.refuses_old(START, params));
    BOOST_TEST(!limit.is_reached(START));
    BOOST_TEST(!limit.refuses_old(START + 11min, params)); // one less till the day is over
    BOOST_TEST(!UploadLimit(0).refuses_old(START, params));
    BOOST_TEST(!UploadLimit(0).is_reached(START));
}

BOOST_AUTO_TEST_CASE(getdata__old_block_past_the_limit__drops) {
    for (const uint32_t permissions : {0u, uint32_t{PERMIT_DOWNLOAD}}) {
        TestNet net;
        ProtocolOptions options;
        options.max_upload_bytes = 1'000'000;
        TestNode& node = net.add(options);
        node.chain.mine(10'100); // a week of minutes is 10,080
        const PeerId stub = net.connect_stub(node, ConnectionType::Inbound, permissions);
        const auto ask = [&](int32_t height) {
            const Inventory item{InventoryType::WitnessBlock, node.chain.view().at(height)->hash};
            net.say(node, stub, "getdata", consensus::encode(InventoryMessage{{item}}));
            return net.heard(node, stub, "block").size();
        };
        BOOST_TEST(ask(21) == 1u);
        BOOST_TEST(ask(19) == (permissions == 0 ? 0u : 1u));
        BOOST_TEST(net.is_connected(node, stub) == (permissions != 0));
    }
}

BOOST_AUTO_TEST_SUITE_END()
