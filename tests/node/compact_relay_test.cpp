// SPDX-License-Identifier: MIT
// Blocks by short ids (BIP-0152): put together, given, asked for, and what liars get.
#include "harness.h"
#include "node/compact_relay.h"

#include <boost/test/unit_test.hpp>

#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>
#include <sstream>

using namespace cairn;
using namespace cairn::node;
using namespace cairn::node::test;
using namespace std::chrono_literals;

namespace {

Bytes compact(const consensus::Block& block) {
    return consensus::encode(CompactBlockMessage::of(block, 7));
}

/// The same with a witness of the coinbase, which no header in these tests commits to.
consensus::Block with_witness(consensus::Block block) {
    block.transactions[0] = *spoilt(consensus::make_transaction(block.transactions[0]));
    return block;
}

Bytes headers(const consensus::BlockHeader& header) {
    return consensus::encode(HeadersMessage{{header}});
}

/// A node with two waiting transactions, and a peer that it asked to announce by compact blocks.
struct Scene {
    TestNet net;
    TestNode& node = net.add();
    consensus::TransactionRef first = make_payment({}, 1);
    consensus::TransactionRef second = make_payment({}, 2);
    consensus::TransactionRef unknown = make_payment({}, 3);
    PeerId stub = 0;

    Scene() {
        node.chain.mine(2);
        stub = net.connect_stub(node);
        offer(stub, false);
        say("block", consensus::encode(node.chain.next_block()));
        net.submit(node, first);
        net.submit(node, second);
        net.heard(node, stub);
    }

    void say(const std::string& command, const Bytes& payload) {
        net.say(node, stub, command, payload);
        net.settle();
    }

    void offer(PeerId peer, bool announce, uint64_t version = 2) {
        net.say(node, peer, "sendcmpct", consensus::encode(SendCompactMessage{announce, version}));
    }

    /// A peer like `stub`, which is asked to announce, too.
    PeerId bring(ConnectionType type) {
        const PeerId peer = net.connect_stub(node, type);
        offer(peer, false);
        net.say(node, peer, "block", consensus::encode(node.chain.next_block()));
        net.heard(node, peer);
        return peer;
    }

    /// Whether `peer` is asked for the rest, if it tells of `block`.
    bool asks(PeerId peer, const consensus::Block& block) {
        net.say(node, peer, "cmpctblock", compact(block));
        return !net.heard(node, peer, "getblocktxn").empty();
    }

    std::vector<uint32_t> missing() {
        const auto messages = net.heard(node, stub, "getblocktxn");
        BOOST_REQUIRE(messages.size() == 1U);
        return parse<GetBlockTransactionsMessage>(messages[0].payload).value().indexes;
    }

    /// What `peer` was asked for by getdata.
    std::vector<Inventory> asked(PeerId peer) {
        std::vector<Inventory> items;
        for (const Message& message : net.heard(node, peer, "getdata")) {
            const auto content = parse<InventoryMessage>(message.payload);
            items.insert(items.end(), content->items.begin(), content->items.end());
        }
        return items;
    }

    bool is_at(const consensus::Block& block) const {
        return node.chain.tip().hash == block.header.hash();
    }

    std::string reason() const { return node.drops.empty() ? "" : node.drops.back(); }
};

} // namespace

BOOST_AUTO_TEST_SUITE(compact_relay)

BOOST_AUTO_TEST_CASE(messages__written__read_back_and_indexes_are_distances) {
    FakeChain chain;
    const consensus::Block block =
        block_with(chain, {make_payment({}, 1), make_payment({}, 2), make_payment({}, 3)});
    const auto message = parse<CompactBlockMessage>(compact(block)).value();
    BOOST_TEST((message.header == block.header));
    BOOST_TEST(message.short_ids.size() == 3U);
    BOOST_TEST((message.prefilled.at(0).tx.txid == block.transactions[0].txid));
    BOOST_TEST((consensus::encode(message) == compact(block)));

    const GetBlockTransactionsMessage request{block.header.hash(), {0, 1, 5}};
    const Bytes bytes = consensus::encode(request);
    BOOST_TEST(consensus::to_hex(ByteView(bytes).subspan(32)) == "03000003");
    BOOST_TEST((parse<GetBlockTransactionsMessage>(bytes).value().indexes == request.indexes));
    // Beyond any block, at once and as a sum.
    for (const char* indexes : {"01fe00000100", "02fdffff00"}) {
        Bytes wrong(32);
        const Bytes rest = consensus::from_hex(indexes).value();
        wrong.insert(wrong.end(), rest.begin(), rest.end());
        BOOST_TEST(!parse<GetBlockTransactionsMessage>(wrong).has_value(), indexes);
    }
}

BOOST_AUTO_TEST_CASE(short_id__is_siphash_of_the_wtxid_under_header_and_nonce) {
    // By the steps of BIP-0152, one after the other.
    FakeChain chain;
    const consensus::Block block = block_with(chain, {make_payment({}, 1)});
    Bytes salted = consensus::encode(block.header);
    for (const uint8_t byte : {7, 0, 0, 0, 0, 0, 0, 0}) salted.push_back(byte);
    const consensus::Hash256 hash = consensus::sha256(salted);
    uint64_t key0 = 0;
    uint64_t key1 = 0;
    for (size_t i = 8; i-- > 0;) {
        key0 = key0 << 8 | hash.bytes[i];
        key1 = key1 << 8 | hash.bytes[8 + i];
    }
    uint64_t id = consensus::siphash(key0, key1, block.transactions[1].wtxid.bytes);
    const CompactBlockMessage message = CompactBlockMessage::of(block, 7);
    for (const uint8_t byte : message.short_ids.at(0)) {
        BOOST_TEST(byte == (id & 0xff));
        id >>= 8;
    }
}

BOOST_AUTO_TEST_CASE(all_here__block_is_put_together_without_a_question) {
    Scene scene;
    const consensus::Block block = block_with(scene.node.chain, {scene.second, scene.first});
    scene.say("cmpctblock", compact(block));
    BOOST_TEST(scene.is_at(block));
    BOOST_TEST(scene.net.heard(scene.node, scene.stub, "getblocktxn").empty());
}

BOOST_AUTO_TEST_CASE(some_missing__only_they_are_asked_for) {
    Scene scene;
    const consensus::Block block =
        block_with(scene.node.chain, {scene.first, scene.unknown, scene.second});
    scene.say("cmpctblock", compact(block));
    const std::vector<uint32_t> missing = scene.missing();
    BOOST_TEST((missing == std::vector<uint32_t>{2}));
    BOOST_TEST(!scene.is_at(block));
    // Nobody else is asked for it meanwhile.
    const PeerId other = scene.net.connect_stub(scene.node);
    scene.net.say(scene.node, other, "headers", headers(block.header));
    BOOST_TEST(scene.asked(other).empty());
    scene.say("blocktxn", consensus::encode(BlockTransactionsMessage::of(block, missing)));
    BOOST_TEST(scene.is_at(block));
}

BOOST_AUTO_TEST_CASE(some_missing__two_callers_and_one_whom_we_called_are_asked) {
    Scene scene;
    const PeerId second = scene.bring(ConnectionType::Inbound);
    const PeerId outbound = scene.bring(ConnectionType::OutboundFullRelay);
    const PeerId low = scene.net.connect_stub(scene.node); // not asked to announce
    scene.offer(low, false);
    const consensus::Block block = block_with(scene.node.chain, {scene.unknown});
    BOOST_TEST(!scene.asks(low, block));
    scene.net.heard(scene.node, low);
    BOOST_TEST(scene.asks(low, block)); // by now it was asked for the block
    BOOST_TEST(scene.asks(second, block));
    BOOST_TEST(!scene.asks(scene.stub, block));
    BOOST_TEST(scene.asks(outbound, block));
    const Bytes rest = consensus::encode(BlockTransactionsMessage::of(block, {1}));
    scene.net.say(scene.node, second, "blocktxn", rest);
    scene.net.settle();
    BOOST_TEST(scene.is_at(block));
    scene.net.say(scene.node, low, "blocktxn", rest); // late: passed over
    scene.net.settle();
    BOOST_TEST(scene.reason() == "");
}

BOOST_AUTO_TEST_CASE(second_comes_before_the_rest_of_the_first__both_are_had) {
    Scene scene;
    const consensus::Block first = block_with(scene.node.chain, {scene.unknown});
    consensus::Block second = block_with(scene.node.chain, {make_payment({}, 4)});
    second.header.prev_hash = first.header.hash();
    work(second.header);
    scene.say("cmpctblock", compact(first));
    scene.say("cmpctblock", compact(second));
    const std::vector<Inventory> items = scene.asked(scene.stub);
    BOOST_REQUIRE(items.size() == 1U);
    BOOST_TEST((items[0] == Inventory{InventoryType::WitnessBlock, first.header.hash()}));
    scene.say("blocktxn", consensus::encode(BlockTransactionsMessage::of(first, {1})));
    scene.say("block", consensus::encode(first));
    scene.say("blocktxn", consensus::encode(BlockTransactionsMessage::of(second, {1})));
    BOOST_TEST(scene.is_at(second));
}

BOOST_AUTO_TEST_CASE(rival_comes_before_the_rest_of_the_first__nobody_waits_for_that) {
    Scene scene; // its sender told of the first before it had validated that
    scene.say("cmpctblock", compact(block_with(scene.node.chain, {scene.unknown})));
    BOOST_TEST(scene.node.protocol.peers().at(scene.stub).blocks.in_flight.size() == 1U);
    const consensus::Block rival = block_with(scene.node.chain, {scene.first});
    scene.say("cmpctblock", compact(rival));
    BOOST_TEST(scene.is_at(rival));
    BOOST_TEST(scene.node.protocol.peers().at(scene.stub).blocks.in_flight.empty());
    BOOST_TEST(scene.asked(scene.stub).empty());
}

BOOST_AUTO_TEST_CASE(block_is_late_and_had_from_another__its_sender_owes_nothing_more) {
    for (const bool had_begun : {false, true}) {
        Scene scene; // stub tells of it by headers, and gives the rest late, or nothing before
        const consensus::Block block = block_with(scene.node.chain, {scene.unknown});
        scene.say("headers", headers(block.header));
        BOOST_TEST(scene.asked(scene.stub).size() == 1U);
        if (had_begun) scene.say("cmpctblock", compact(block));
        const PeerId other = scene.net.connect_stub(scene.node);
        scene.net.say(scene.node, other, "headers", headers(block.header));
        scene.net.advance(3s);
        BOOST_TEST(scene.asked(other).size() == 1U);
        scene.net.say(scene.node, other, "block", consensus::encode(block));
        BOOST_TEST(scene.is_at(block));
        if (!had_begun) scene.say("cmpctblock", compact(block));
        scene.net.advance(15min);
        BOOST_TEST(scene.net.is_connected(scene.node, scene.stub));
    }
}

BOOST_AUTO_TEST_CASE(sent_again__what_waits_is_not_looked_at_again) {
    Scene scene;
    const consensus::Block block = block_with(scene.node.chain, {scene.unknown});
    const PeerId caller = scene.net.connect_stub(scene.node); // unasked, and not expected
    const size_t before = scene.node.chain.visits_;
    for (const PeerId peer : {scene.stub, caller}) // of the first the rest is asked for
        for (int i = 0; i < 5; ++i) scene.net.say(scene.node, peer, "cmpctblock", compact(block));
    BOOST_TEST(scene.node.chain.visits_ == before + 2);
    BOOST_TEST(scene.missing().size() == 1U);
}

BOOST_AUTO_TEST_CASE(left_the_mempool__still_serves_a_block) {
    Scene scene;
    scene.net.perform(scene.node, scene.node.protocol.transaction_removed(scene.unknown));
    const consensus::Block block = block_with(scene.node.chain, {scene.unknown});
    scene.say("cmpctblock", compact(block));
    BOOST_TEST(scene.is_at(block));
}

BOOST_AUTO_TEST_CASE(wrong_transactions__block_is_asked_for_whole) {
    Scene scene;
    const consensus::Block block = block_with(scene.node.chain, {scene.unknown});
    scene.say("cmpctblock", compact(block));
    BOOST_TEST(scene.missing().size() == 1U);
    // As if another transaction had had its short id: the merkle root tells.
    scene.say(
        "blocktxn",
        consensus::encode(BlockTransactionsMessage{block.header.hash(), {*scene.first}}));
    const std::vector<Inventory> items = scene.asked(scene.stub);
    BOOST_REQUIRE(items.size() == 1U);
    BOOST_TEST((items[0] == Inventory{InventoryType::WitnessBlock, block.header.hash()}));
    scene.say("block", consensus::encode(block));
    BOOST_TEST(scene.is_at(block));
    BOOST_TEST(scene.reason() == "");
}

BOOST_AUTO_TEST_CASE(spoilt_witness__unasked__is_passed_over) {
    Scene scene;
    const consensus::Block block = block_with(scene.node.chain, {scene.second, scene.first});
    scene.say("cmpctblock", compact(with_witness(block)));
    BOOST_TEST(!scene.is_at(block));
    BOOST_TEST(scene.reason() == "");
    scene.say("cmpctblock", compact(block));
    BOOST_TEST(scene.is_at(block));
}

BOOST_AUTO_TEST_CASE(spoilt_witness__asked__block_is_asked_for_whole_and_then_of_another) {
    Scene scene;
    const PeerId honest = scene.net.connect_stub(scene.node);
    const consensus::Block block = block_with(scene.node.chain, {scene.first});
    for (const PeerId peer : {scene.stub, honest})
        scene.net.say(scene.node, peer, "headers", headers(block.header));
    BOOST_TEST(scene.asked(scene.stub).size() == 1U);
    scene.say("cmpctblock", compact(with_witness(block)));
    const std::vector<Inventory> items = scene.asked(scene.stub);
    BOOST_REQUIRE(items.size() == 1U);
    BOOST_TEST((items[0] == Inventory{InventoryType::WitnessBlock, block.header.hash()}));
    scene.say("block", consensus::encode(with_witness(block)));
    BOOST_TEST(scene.reason() == "bad-witness-merkle-match");
    scene.net.advance(1s);
    BOOST_TEST(scene.asked(honest).size() == 1U);
    scene.net.say(scene.node, honest, "block", consensus::encode(block));
    BOOST_TEST(scene.is_at(block));
}

BOOST_AUTO_TEST_CASE(spoilt_witness__again_and_again__is_no_progress) {
    Scene scene;
    const consensus::Block block = block_with(scene.node.chain, {scene.first});
    scene.say("headers", headers(block.header));
    for (int i = 0; i < 3; ++i) {
        scene.say("cmpctblock", compact(with_witness(block)));
        scene.net.advance(25s);
    }
    BOOST_TEST(scene.reason() == "timeout downloading block");
}

BOOST_AUTO_TEST_CASE(wrong_transactions__twice__dropped) {
    Scene scene;
    const consensus::Block block = block_with(scene.node.chain, {scene.unknown});
    scene.say("cmpctblock", compact(block));
    const BlockTransactionsMessage wrong{block.header.hash(), {*scene.first}};
    scene.say("blocktxn", consensus::encode(wrong));
    BOOST_TEST(scene.reason() == "");
    scene.say("blocktxn", consensus::encode(wrong));
    BOOST_TEST(scene.reason() == "previous compact block reconstruction attempt failed");
}

BOOST_AUTO_TEST_CASE(two_with_one_short_id__neither_is_guessed) {
    FakeChain chain;
    const consensus::TransactionRef one = make_payment({}, 1);
    const consensus::TransactionRef two = make_payment({}, 2);
    const consensus::Block block = block_with(chain, {one, two});
    CompactBlockMessage message = CompactBlockMessage::of(block, 7);
    message.short_ids[1] = message.short_ids[0];
    PartialBlock partial = *PartialBlock::of(message, chain.params());
    partial.offer(one);
    BOOST_TEST((partial.missing() == std::vector<uint32_t>{1, 2}));
    BOOST_TEST(!partial.fill({*one}));
    BOOST_TEST(partial.fill({*one, *two}));
    BOOST_TEST((consensus::encode(*partial.assemble(true)) == consensus::encode(block)));
}

BOOST_AUTO_TEST_CASE(blocktxn__of_another_number_or_unasked__dropped_or_passed_over) {
    Scene scene;
    const consensus::Block block = block_with(scene.node.chain, {scene.unknown});
    scene.say("cmpctblock", compact(block));
    scene.say("blocktxn", consensus::encode(BlockTransactionsMessage{{}, {}}));
    BOOST_TEST(scene.reason() == "");
    scene.say("blocktxn", consensus::encode(BlockTransactionsMessage{block.header.hash(), {}}));
    BOOST_TEST(scene.reason() == "invalid compact block/non-matching block transactions");
}

BOOST_AUTO_TEST_CASE(blocktxn__unasked__is_not_parsed) {
    Scene scene;
    std::ostringstream log;
    const std::shared_ptr<spdlog::logger> before = spdlog::default_logger();
    spdlog::set_default_logger(std::make_shared<spdlog::logger>(
        "", std::make_shared<spdlog::sinks::ostream_sink_st>(log)));
    spdlog::set_level(spdlog::level::debug);
    const consensus::Block block = block_with(scene.node.chain, {scene.unknown});
    scene.say("cmpctblock", compact(block));
    const auto fails_to_parse = [&](const consensus::BlockHash& hash) {
        log.str({});
        Bytes cut = consensus::encode(BlockTransactionsMessage{hash, {*scene.unknown}});
        cut.pop_back();
        scene.say("blocktxn", cut);
        return log.str().find("ProcessMessages(blocktxn, ") != std::string::npos;
    };
    BOOST_TEST(!fails_to_parse({}));
    BOOST_TEST(fails_to_parse(block.header.hash()));
    spdlog::set_default_logger(before);
}

BOOST_AUTO_TEST_CASE(getblocktxn__beyond_the_block_or_of_nothing__dropped) {
    for (const auto& [indexes, reason] :
         {std::pair(std::vector<uint32_t>{0, 1}, "getblocktxn with out-of-bounds tx indices"),
          std::pair(std::vector<uint32_t>{}, "getblocktxn without indexes")}) {
        Scene scene;
        const GetBlockTransactionsMessage request{scene.node.chain.tip().hash, indexes};
        scene.say("getblocktxn", consensus::encode(request));
        BOOST_TEST(scene.reason() == reason);
    }
}

BOOST_AUTO_TEST_CASE(cmpctblock__no_form_of_any_block__dropped) {
    Scene scene;
    CompactBlockMessage message = CompactBlockMessage::of(block_with(scene.node.chain, {}), 7);
    message.prefilled[0].index = 1; // of one transaction
    scene.say("cmpctblock", consensus::encode(message));
    BOOST_TEST(scene.reason() == "invalid compact block");
}

BOOST_AUTO_TEST_CASE(cmpctblock__bad_header__dropped) {
    Scene scene;
    consensus::Block block = block_with(scene.node.chain, {});
    block.header.version = BAD_HEADER;
    work(block.header);
    scene.say("cmpctblock", compact(block));
    BOOST_TEST(!scene.net.is_connected(scene.node, scene.stub));
}

BOOST_AUTO_TEST_CASE(cmpctblock__new_header__waits_for_its_verdict_and_nothing_more_is_read) {
    for (const int32_t version : {4, BAD_HEADER}) {
        Scene scene;
        const PeerId trusted =
            scene.net.connect_stub(scene.node, ConnectionType::Inbound, PERMIT_NOBAN);
        consensus::Block block = block_with(scene.node.chain, {});
        block.header.version = version;
        work(block.header);
        Actions held;
        scene.net.hold<AcceptHeaders>(held);
        scene.net.say(scene.node, trusted, "cmpctblock", compact(block));
        BOOST_TEST(held.size() == 1U);
        BOOST_TEST(!scene.node.protocol.takes_messages(trusted));
        scene.net.intercept = nullptr;
        scene.net.perform(scene.node, held);
        BOOST_TEST(scene.is_at(block) == (version != BAD_HEADER));
        BOOST_TEST(scene.node.protocol.takes_messages(trusted)); // it was passed over
    }
}

BOOST_AUTO_TEST_CASE(cmpctblock__unknown_parent__headers_are_asked_for) {
    Scene scene;
    scene.net.advance(3min); // the question of the beginning is forgotten
    scene.net.heard(scene.node, scene.stub);
    FakeChain other;
    other.mine(6);
    scene.say("cmpctblock", compact(block_with(other, {})));
    BOOST_TEST(scene.net.heard(scene.node, scene.stub, "getheaders").size() == 1U);
    BOOST_TEST(scene.reason() == "");
}

BOOST_AUTO_TEST_CASE(next_block_announced_by_header__is_asked_for_compact) {
    Scene scene;
    const consensus::Block block = block_with(scene.node.chain, {scene.first});
    scene.say("headers", headers(block.header));
    const std::vector<Inventory> items = scene.asked(scene.stub);
    BOOST_REQUIRE(items.size() == 1U);
    BOOST_TEST((items[0].type == InventoryType::CompactBlock));
    scene.say("cmpctblock", compact(block));
    BOOST_TEST(scene.is_at(block));
}

BOOST_AUTO_TEST_CASE(version_one__is_not_spoken) {
    Scene scene;
    const PeerId old = scene.net.connect_stub(scene.node);
    scene.offer(old, true, 1);
    scene.net.say(scene.node, old, "headers", headers(scene.node.chain.tip().header));
    scene.net.mine(scene.node, 1);
    BOOST_TEST(scene.net.heard(scene.node, old, "cmpctblock").empty());
}

BOOST_AUTO_TEST_CASE(sendcmpct__neither_yes_nor_no__dropped) {
    Scene scene;
    Bytes offer = consensus::encode(SendCompactMessage{true});
    offer[0] = 2;
    scene.say("sendcmpct", offer);
    BOOST_TEST(scene.reason() == "invalid sendcmpct announce field");
}

BOOST_AUTO_TEST_CASE(new_tip__goes_compact_to_those_who_asked_and_know_its_parent) {
    Scene scene;
    scene.offer(scene.stub, true);
    scene.say("headers", headers(scene.node.chain.tip().header));
    const PeerId stranger = scene.net.connect_stub(scene.node);
    scene.offer(stranger, true);
    scene.net.heard(scene.node, stranger);
    scene.net.mine(scene.node, 1);
    const auto messages = scene.net.heard(scene.node, scene.stub, "cmpctblock");
    BOOST_REQUIRE(messages.size() == 1U);
    const auto message = parse<CompactBlockMessage>(messages[0].payload).value();
    BOOST_TEST((message.header.hash() == scene.node.chain.tip().hash));
    BOOST_TEST(scene.net.heard(scene.node, stranger, "cmpctblock").empty());
}

BOOST_AUTO_TEST_CASE(not_validated_yet__goes_compact_once_of_each_height_and_its_rest_is_given) {
    Scene scene;
    scene.offer(scene.stub, true);
    const PeerId plain = scene.net.connect_stub(scene.node);
    scene.net.say(scene.node, plain, "sendheaders");
    scene.net.stub_version = BlockAnnouncer::INVALID_COMPACT_VERSION - 1;
    const PeerId strict = scene.net.connect_stub(scene.node); // bans for what proves invalid
    scene.offer(strict, true);
    for (const PeerId peer : {scene.stub, plain, strict}) {
        scene.net.say(scene.node, peer, "headers", headers(scene.node.chain.tip().header));
        scene.net.heard(scene.node, peer);
    }
    // They break a rule that only their coins would tell, so they never become the tip.
    const auto checked = [&](uint32_t salt) {
        FakeChain& chain = scene.node.chain;
        const auto block = std::make_shared<consensus::Block>(chain.next_block(salt, BAD_BLOCK));
        chain.accept_headers({block->header});
        const chain::BlockNode& node = *chain.find_block(block->header.hash());
        scene.net.perform(
            scene.node, scene.node.protocol.block_checked(node, block, scene.net.now));
        return &node;
    };
    const chain::BlockNode* node = checked(0);
    BOOST_TEST(scene.net.heard(scene.node, scene.stub, "cmpctblock").size() == 1U);
    for (const PeerId peer : {plain, strict})
        BOOST_TEST(scene.net.heard(scene.node, peer).empty()); // only once it is valid
    checked(1);
    BOOST_TEST(scene.net.heard(scene.node, scene.stub).empty());
    bool served = false;
    scene.net.intercept = [&](TestNode&, const Action& action) {
        const auto* read = std::get_if<DiskRead>(&action);
        served |= read != nullptr && read->block == node;
        return read != nullptr;
    };
    const_cast<chain::BlockNode*>(node)->status |= chain::BlockNode::HAVE_BODY;
    const_cast<chain::BlockNode*>(node)->tx_count = 1;
    scene.say("getblocktxn", consensus::encode(GetBlockTransactionsMessage{node->hash, {0}}));
    BOOST_TEST(served);
}

BOOST_AUTO_TEST_CASE(served__compact_near_the_tip_and_whole_below) {
    Scene scene;
    scene.node.chain.mine(12);
    const auto served = [&](const std::string& command, const Bytes& request) {
        scene.net.heard(scene.node, scene.stub);
        scene.say(command, request);
        const auto messages = scene.net.heard(scene.node, scene.stub);
        BOOST_REQUIRE(messages.size() == 1U);
        return messages[0].command;
    };
    const auto hash_at = [&](int32_t depth) {
        return scene.node.chain.view().at(scene.node.chain.height() - depth)->hash;
    };
    const auto by_getdata = [&](int32_t depth) {
        const Inventory item{InventoryType::CompactBlock, hash_at(depth)};
        return served("getdata", consensus::encode(InventoryMessage{{item}}));
    };
    const auto by_getblocktxn = [&](int32_t depth) {
        const GetBlockTransactionsMessage request{hash_at(depth), {0}};
        return served("getblocktxn", consensus::encode(request));
    };
    BOOST_TEST(by_getdata(5) == "cmpctblock");
    BOOST_TEST(by_getdata(6) == "block");
    BOOST_TEST(by_getblocktxn(10) == "blocktxn");
    BOOST_TEST(by_getblocktxn(11) == "block");
}

BOOST_AUTO_TEST_CASE(three_newest_bringers__are_asked_to_announce_one_outbound_among_them) {
    Scene scene;
    std::vector<PeerId> peers = {
        scene.net.connect_stub(scene.node, ConnectionType::OutboundFullRelay)};
    for (int i = 0; i < 3; ++i) peers.push_back(scene.net.connect_stub(scene.node));
    for (const PeerId peer : peers) {
        scene.offer(peer, false);
        scene.net.heard(scene.node, peer);
        scene.net.say(scene.node, peer, "block", consensus::encode(scene.node.chain.next_block()));
        const auto told = scene.net.heard(scene.node, peer, "sendcmpct");
        BOOST_REQUIRE(told.size() == 1U);
        BOOST_TEST(parse<SendCompactMessage>(told[0].payload).value().announce);
    }
    // The first is the only outbound one: the second had to go for the fourth.
    BOOST_TEST(scene.net.heard(scene.node, peers[0], "sendcmpct").empty());
    const auto told = scene.net.heard(scene.node, peers[1], "sendcmpct");
    BOOST_REQUIRE(told.size() == 1U);
    BOOST_TEST(!parse<SendCompactMessage>(told[0].payload).value().announce);
}

BOOST_AUTO_TEST_CASE(invalid_block__told_compactly__its_sender_stays) {
    Scene scene; // who passes it on need not have validated it
    scene.say("cmpctblock", compact(scene.node.chain.next_block(0, BAD_BLOCK)));
    BOOST_TEST(scene.net.is_connected(scene.node, scene.stub));
    scene.say("block", consensus::encode(scene.node.chain.next_block(1, BAD_BLOCK)));
    BOOST_TEST(scene.reason() == "bad-cb-amount");
    BOOST_TEST(scene.node.chain.height() == 3);
}

BOOST_AUTO_TEST_CASE(two_nodes__exchange_blocks_compactly) {
    TestNet net;
    TestNode& a = net.add();
    TestNode& b = net.add();
    net.connect(b, a);
    net.advance(1s);
    std::map<std::string, int> sent;
    net.intercept = [&](TestNode&, const Action& action) {
        if (const auto* send = std::get_if<Send>(&action)) ++sent[send->message.command];
        return false;
    };
    for (int i = 0; i < 5; ++i) {
        net.mine(a, 1);
        net.advance(1s);
    }
    BOOST_TEST((a.chain.tip().hash == b.chain.tip().hash));
    BOOST_TEST(sent["cmpctblock"] == 5);
    BOOST_TEST(sent["block"] == 0);
}

BOOST_AUTO_TEST_SUITE_END()
