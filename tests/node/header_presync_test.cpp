// SPDX-License-Identifier: MIT
#include "consensus/pow.h"
#include "harness.h"
#include "node/header_presync.h"

#include <boost/test/unit_test.hpp>

using namespace cairn::node;
using namespace cairn::node::test;
using cairn::chain::BlockNode;
using cairn::consensus::BlockHeader;
using cairn::consensus::Uint256;

namespace {

constexpr uint32_t BITS = 0x207fffff;
constexpr int64_t NOW = 1'700'100'000;
using Headers = std::vector<BlockHeader>;

/// A chain over a genesis block, and what is to follow it.
struct World {
    World() {
        params.pow = cairn::consensus::FixedRule{60};
        params.pow_limit = *cairn::consensus::target_of(BITS);
    }

    /// `count` headers after genesis; `salt` tells chains apart.
    Headers mine(int count, uint32_t salt = 0, uint32_t bits = BITS) const {
        Headers headers;
        BlockHeader header = genesis.header;
        for (int i = 0; i < count; ++i) {
            header.prev_hash = header.hash();
            header.merkle_root.bytes[0] = static_cast<uint8_t>(salt);
            ++header.time;
            header.bits = bits;
            while (!cairn::consensus::meets_target(header.hash(), bits, params.pow_limit))
                ++header.nonce;
            headers.push_back(header);
        }
        return headers;
    }

    HeaderPresync start(int wanted_blocks, uint64_t seed = 1) const {
        Random random(seed, seed);
        const Uint256 wanted = genesis.work * (wanted_blocks + 1);
        return {genesis, wanted, params, NOW, random};
    }

    cairn::consensus::Params params;
    BlockNode genesis{BlockHeader{.time = 1'700'000'000, .bits = BITS}, {}, nullptr};
};

/// Give `presync` all of `headers` as peers do; what comes out of it in good order.
Headers give(HeaderPresync& presync, const Headers& headers, bool& goes_on) {
    Headers good;
    goes_on = true;
    for (size_t at = 0; at < headers.size() && goes_on; at += MAX_HEADERS) {
        const size_t end = std::min(at + MAX_HEADERS, headers.size());
        HeaderPresync::Step step =
            presync.take({headers.begin() + long(at), headers.begin() + long(end)}, false);
        good.insert(good.end(), step.good.begin(), step.good.end());
        goes_on = step.goes_on;
        if (headers[at].prev_hash != presync.awaited() && presync.awaited() == headers[0].prev_hash)
            break; // it was worth enough: from the start
    }
    return good;
}

bool same(const Headers& a, const Headers& b) {
    return std::ranges::equal(a, b, {}, &BlockHeader::hash, &BlockHeader::hash);
}

} // namespace

BOOST_AUTO_TEST_SUITE(header_presync)

BOOST_AUTO_TEST_CASE(take__worth_enough__the_same_chain_is_taken_the_second_time) {
    World world;
    world.genesis.hash = world.genesis.header.hash();
    const Headers chain = world.mine(20'000);
    HeaderPresync presync = world.start(19'000);
    bool goes_on = false;
    BOOST_TEST(give(presync, chain, goes_on).empty());
    BOOST_TEST(goes_on);
    BOOST_TEST((presync.awaited() == world.genesis.hash));
    // None before a buffer's worth agrees, all once they are worth enough.
    const Headers early(chain.begin(), chain.begin() + HeaderPresync::WAITING);
    HeaderPresync other = presync;
    BOOST_TEST(give(other, early, goes_on).empty());
    BOOST_TEST(goes_on);
    BOOST_TEST(same(give(presync, chain, goes_on), chain));
    BOOST_TEST(!goes_on);
}

BOOST_AUTO_TEST_CASE(take__another_chain_the_second_time__none_of_it_is_taken) {
    World world;
    world.genesis.hash = world.genesis.header.hash();
    const Headers chain = world.mine(20'000);
    const Headers other = world.mine(20'000, 1);
    for (uint64_t seed = 0; seed < 10; ++seed) {
        HeaderPresync presync = world.start(20'000, seed);
        bool goes_on = false;
        give(presync, chain, goes_on);
        BOOST_TEST(goes_on);
        BOOST_TEST(give(presync, other, goes_on).empty());
        BOOST_TEST(!goes_on);
    }
}

BOOST_AUTO_TEST_CASE(take__longer_chain_of_less_work_the_second_time__ends_where_no_bit_is_kept) {
    constexpr uint32_t HARDER = 0x20007fff;
    World world;
    world.genesis.hash = world.genesis.header.hash();
    world.params.pow = cairn::consensus::BitcoinRule{.min_difficulty_blocks = true};
    const Headers hard = world.mine(700, 0, HARDER);
    const Headers easy = world.mine(20'000);
    for (uint64_t seed = 0; seed < 10; ++seed) { // one bit is kept, which agrees for some
        HeaderPresync presync = world.start(100'000, seed);
        bool goes_on = false;
        give(presync, hard, goes_on);
        BOOST_TEST((goes_on && !presync.counted()));
        BOOST_TEST(give(presync, easy, goes_on).empty());
        BOOST_TEST(!goes_on);
    }
}

BOOST_AUTO_TEST_CASE(take__what_breaks_a_rule__ends_it) {
    World world;
    world.genesis.hash = world.genesis.header.hash();
    const auto ends = [&](const std::function<void(Headers&)>& change) {
        Headers chain = world.mine(10);
        change(chain);
        HeaderPresync presync = world.start(1'000);
        return !presync.take(chain, false).goes_on;
    };
    BOOST_TEST(!ends([](Headers&) {}));
    BOOST_TEST(ends([](Headers& chain) { chain.erase(chain.begin()); }));
    BOOST_TEST(ends([](Headers& chain) { chain.back().bits = 0x207ffffe; }));
    HeaderPresync presync = world.start(1'000);
    BOOST_TEST(!presync.take(world.mine(10), true).goes_on); // the peer has no more
}

BOOST_AUTO_TEST_CASE(take__more_than_time_allows__ends_it) {
    World world;
    world.genesis.hash = world.genesis.header.hash();
    Random random(1, 1);
    const int64_t at_genesis = world.genesis.header.time;
    HeaderPresync presync(world.genesis, ~Uint256(0), world.params, at_genesis, random);
    bool goes_on = false;
    const Headers chain = world.mine(45'000); // two hours may hold 43,200
    give(presync, {chain.begin(), chain.begin() + 43'000}, goes_on);
    BOOST_TEST(goes_on);
    give(presync, {chain.begin() + 43'000, chain.end()}, goes_on);
    BOOST_TEST(!goes_on);
}

namespace {

/// Answer what `node` asks of `stub` from `source`, until it asks no more. Returns how often.
int answer(TestNet& net, TestNode& node, PeerId stub, const FakeChain& source) {
    int answers = 0;
    for (;;) {
        const std::vector<Message> asked = net.heard(node, stub, "getheaders");
        if (asked.empty()) return answers;
        ++answers;
        const auto question = cairn::consensus::decode<LocatorMessage>(asked.back().payload);
        BOOST_REQUIRE(question);
        const auto known = std::ranges::find_if(question->locator, [&](const auto& hash) {
            return source.find_block(hash) != nullptr;
        });
        BOOST_REQUIRE((known != question->locator.end()));
        Headers headers;
        for (auto at = source.find_block(*known)->height + cairn::consensus::Height(1);
             headers.size() < MAX_HEADERS && source.view().at(at); ++at)
            headers.push_back(source.view().at(at)->header);
        net.say(node, stub, "headers", cairn::consensus::encode(HeadersMessage{headers}));
    }
}

} // namespace

BOOST_AUTO_TEST_CASE(headers__long_chain_over_the_minimum__heard_twice_then_taken) {
    TestNet net;
    TestNode& node = net.add();
    FakeChain source;
    source.mine(5'000);
    node.chain.minimum_work_ = source.view().at(4'500)->work;
    const PeerId stub = net.connect_stub(node, ConnectionType::OutboundFullRelay);
    BOOST_TEST(answer(net, node, stub, source) == 6);
    BOOST_TEST((node.chain.best_header().hash == source.tip().hash));
    BOOST_TEST(net.is_connected(node, stub));
}

BOOST_AUTO_TEST_CASE(headers__started_in_1970_and_then_set__are_taken) {
    TestNet net;
    const int64_t date = seconds_of(net.now);
    net.now = Time(std::chrono::hours(1));
    TestNode& node = net.add();
    node.protocol.set_wall_ahead(std::chrono::seconds(date));
    FakeChain source;
    source.mine(5'000);
    node.chain.minimum_work_ = source.view().at(4'500)->work;
    answer(net, node, net.connect_stub(node, ConnectionType::OutboundFullRelay), source);
    BOOST_TEST((node.chain.best_header().hash == source.tip().hash));
}

BOOST_AUTO_TEST_CASE(headers__chain_below_the_minimum__leaves_nothing) {
    TestNet net;
    TestNode& node = net.add();
    for (const int length : {100, 2'000, 5'000}) {
        FakeChain source;
        source.mine(length, 1);
        node.chain.minimum_work_ = source.tip().work + 1;
        const PeerId stub = net.connect_stub(node, ConnectionType::OutboundFullRelay);
        answer(net, node, stub, source);
        BOOST_TEST(node.chain.find_block(source.view().at(1)->hash) == nullptr);
        net.say(node, stub, "block", source.body(source.view().at(1)->hash));
        BOOST_TEST(node.chain.find_block(source.view().at(1)->hash) == nullptr);
        BOOST_TEST(net.is_connected(node, stub));
    }
}

BOOST_AUTO_TEST_CASE(headers__below_the_minimum_from_a_trusted_peer__are_taken) {
    TestNet net;
    TestNode& node = net.add();
    FakeChain source;
    source.mine(100);
    node.chain.minimum_work_ = source.tip().work + 1;
    const PeerId stub = net.connect_stub(node, ConnectionType::Inbound, PERMIT_NOBAN);
    answer(net, node, stub, source);
    BOOST_TEST((node.chain.best_header().hash == source.tip().hash));
}

BOOST_AUTO_TEST_CASE(headers__work_that_nobody_did__costs_its_sender) {
    TestNet net;
    TestNode& node = net.add();
    FakeChain source;
    source.mine(100);
    node.chain.minimum_work_ = source.tip().work + 1;
    const PeerId stub = net.connect_stub(node, ConnectionType::OutboundFullRelay);
    Headers headers{source.view().at(1)->header, source.view().at(2)->header};
    headers.back().bits = 0x01010000; // all the work there is
    bool taken = false;
    net.intercept = [&](TestNode&, const Action& action) {
        taken = taken || std::holds_alternative<AcceptHeaders>(action);
        return false;
    };
    net.say(node, stub, "headers", cairn::consensus::encode(HeadersMessage{headers}));
    net.settle();
    BOOST_TEST(!taken);
    BOOST_REQUIRE(!node.drops.empty());
    BOOST_TEST(node.drops.back() == "header with invalid proof of work");
}

BOOST_AUTO_TEST_CASE(headers__chain_is_gone_meanwhile__the_other_is_heard_from_its_start) {
    TestNet net;
    TestNode& node = net.add();
    FakeChain before;
    FakeChain after;
    before.mine(4'000, 1);
    after.mine(5'000, 2);
    node.chain.minimum_work_ = after.view().at(4'500)->work;
    const PeerId stub = net.connect_stub(node, ConnectionType::OutboundFullRelay);
    net.heard(node, stub);
    Headers headers;
    for (int32_t at = 1; at <= int32_t(MAX_HEADERS); ++at)
        headers.push_back(before.view().at(at)->header);
    net.say(node, stub, "headers", cairn::consensus::encode(HeadersMessage{headers}));
    answer(net, node, stub, after); // from genesis, since it doesn't know what it is asked for
    BOOST_TEST((node.chain.best_header().hash == after.tip().hash));
}

BOOST_AUTO_TEST_SUITE_END()
