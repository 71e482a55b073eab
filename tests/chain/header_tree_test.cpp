// SPDX-License-Identifier: MIT
// The tree of headers against a model that searches everything anew at each step.
#include "chain/header_tree.h"
#include "tests/chain/fixture.h"

#include <random>

using namespace cairn::tests;

namespace {

struct Grove {
    Params params = test_params();
    HeaderTree tree{params};
    std::vector<BlockNode*> nodes{&tree.genesis()};
    uint32_t nonce = 0;

    Grove() { tree.receive_body(tree.genesis(), 1); }

    BlockNode& grow(const BlockNode& parent) {
        BlockHeader header;
        header.prev_hash = parent.hash;
        header.bits = 0x207fffff;
        header.nonce = ++nonce;
        nodes.push_back(&tree.insert(header, header.hash(), parent));
        return *nodes.back();
    }

    /// The model: complete means that no body is missing down to genesis.
    static bool complete(const BlockNode* node) {
        for (; node; node = node->parent_node())
            if (!node->has(BlockNode::HAVE_BODY)) return false;
        return true;
    }

    bool failed(const BlockNode* node, const std::set<const BlockNode*>& marked) const {
        for (; node; node = node->parent_node())
            if (marked.contains(node)) return true;
        return false;
    }
};

} // namespace

BOOST_AUTO_TEST_SUITE(header_tree)

BOOST_AUTO_TEST_CASE(random_growth__best_candidate_and_header__are_those_of_the_model) {
    const uint64_t seed = std::random_device()();
    BOOST_TEST_MESSAGE("seed " << seed);
    std::mt19937_64 random(seed);
    Grove grove;
    std::set<const BlockNode*> marked;
    const BlockNode* tip = &grove.tree.genesis();
    for (int round = 0; round < 600; ++round) {
        BlockNode& any = *grove.nodes[random() % grove.nodes.size()];
        const uint64_t what = random() % 20;
        if (what < 9) {
            grove.grow(any);
        } else if (what < 17) {
            if (!any.has(BlockNode::HAVE_BODY)) grove.tree.receive_body(any, 1);
        } else if (what < 19 && any.parent) {
            grove.tree.mark_failed(any);
            marked.insert(&any);
        } else {
            grove.tree.clear_failures(any);
            std::erase_if(marked, [&](const BlockNode* node) {
                return node->descends_from(any) || any.descends_from(*node);
            });
        }
        if (what >= 17) { // the tip may have been marked: back to what is good
            while (grove.failed(tip, marked)) tip = tip->parent_node();
            grove.tree.rebuild_candidates(*tip);
        }
        const BlockNode* best_header = nullptr;
        const BlockNode* best_chain = nullptr;
        for (const BlockNode* node : grove.nodes) {
            BOOST_REQUIRE(node->failed() == grove.failed(node, marked));
            BOOST_REQUIRE((node->chain_tx_count > 0) == Grove::complete(node));
            if (node->failed()) continue;
            if (!best_header || node->work > best_header->work) best_header = node;
            if (Grove::complete(node) && (!best_chain || node->work > best_chain->work))
                best_chain = node;
        }
        BOOST_REQUIRE((grove.tree.best_header().work == best_header->work));
        const BlockNode* candidate = grove.tree.best_candidate();
        BOOST_REQUIRE(candidate);
        BOOST_REQUIRE((candidate->work == best_chain->work));
        if (candidate->work > tip->work) tip = candidate; // stays at its first among equals
        grove.tree.prune_candidates(*tip);
    }
}

BOOST_AUTO_TEST_CASE(leaves__after_growth__are_nodes_without_children) {
    Grove grove;
    const BlockNode& a = grove.grow(grove.tree.genesis());
    const BlockNode& b = grove.grow(a);
    const BlockNode& c = grove.grow(a);
    std::vector<const BlockNode*> leaves = grove.tree.leaves();
    std::ranges::sort(leaves);
    std::vector<const BlockNode*> expected{&b, &c};
    std::ranges::sort(expected);
    BOOST_TEST((leaves == expected));
    BOOST_TEST((grove.tree.find(b.hash) == &b));
    BOOST_TEST((grove.tree.find(BlockHash()) == nullptr));
}

BOOST_AUTO_TEST_CASE(child_of_a_failed_block__fails_at_once) {
    Grove grove;
    BlockNode& a = grove.grow(grove.tree.genesis());
    grove.tree.mark_failed(a);
    BOOST_TEST(grove.grow(a).failed());
    BOOST_TEST((&grove.tree.best_header() == &grove.tree.genesis()));
}

BOOST_AUTO_TEST_CASE(keep__end_of_a_chain__all_before_it_are_to_be_written) {
    Grove grove;
    grove.tree.take_dirty();
    BlockNode& a = grove.grow(grove.tree.genesis());
    BlockNode& b = grove.grow(a);
    grove.grow(b);
    BOOST_TEST(grove.tree.take_dirty().empty());
    grove.tree.clear_failures(a); // changes nothing that is on disk
    BOOST_TEST(grove.tree.take_dirty().empty());
    BOOST_TEST(grove.tree.keep(b));
    BOOST_TEST(grove.tree.take_dirty().size() == 2u);
    BOOST_TEST(!grove.tree.keep(b));
    BOOST_TEST(grove.tree.take_dirty().empty());
}

BOOST_AUTO_TEST_CASE(dirty__each_node_once__without_bodies_if_asked) {
    Grove grove;
    grove.tree.take_dirty();
    BlockNode& bare = grove.grow(grove.tree.genesis());
    BlockNode& full = grove.grow(bare);
    grove.tree.set_status(bare, 0);
    grove.tree.receive_body(full, 3);
    BOOST_TEST((grove.tree.take_dirty(false) == std::vector<const BlockNode*>{&bare}));
    BOOST_TEST((grove.tree.take_dirty() == std::vector<const BlockNode*>{&full}));
    BOOST_TEST(grove.tree.take_dirty().empty());
}

BOOST_AUTO_TEST_CASE(restore__records_in_order__gives_the_same_tree) {
    Grove grove;
    BlockNode& a = grove.grow(grove.tree.genesis());
    BlockNode& b = grove.grow(a);
    BlockNode& c = grove.grow(a);
    grove.tree.receive_body(a, 2);
    grove.tree.receive_body(b, 3);
    grove.tree.receive_body(c, 4);
    grove.tree.mark_failed(c);
    HeaderTree copy(grove.params);
    for (const BlockNode* node : grove.nodes)
        BOOST_REQUIRE(copy.restore(
            node->header, node->hash, node->status & ~uint32_t{BlockNode::FAILED_ANCESTOR},
            node->tx_count));
    copy.rebuild_candidates(copy.genesis());
    BOOST_TEST((copy.best_candidate()->hash == b.hash));
    BOOST_TEST(copy.best_candidate()->chain_tx_count == 6u);
    BOOST_TEST(copy.find(c.hash)->failed());
    BlockHeader orphan;
    orphan.prev_hash = BlockHash(cairn::consensus::sha256(Bytes{1}));
    BOOST_TEST((copy.restore(orphan, orphan.hash(), 0, 0) == nullptr));
}

BOOST_AUTO_TEST_CASE(headers__of_a_low_work_chain__cost_no_disk) {
    TestChain test;
    test.options().minimum_chain_work = 60; // of 29 blocks, and genesis
    test.open();
    const std::vector<BlockRef> branch = make_branch(test, test.tip(), 30, 0);
    std::vector<BlockHeader> headers;
    for (const BlockRef& block : branch) headers.push_back(block->header);
    const auto known_after_restart = [&](size_t i) {
        test.close();
        test.open();
        return test.chain().find_block(headers[i].hash()) != nullptr;
    };
    test.submit_headers({headers.begin(), headers.begin() + 28});
    BOOST_TEST(!known_after_restart(0));
    test.submit_headers({headers.begin(), headers.begin() + 28});
    test.submit(branch[2]); // its body is kept, and what is before it
    BOOST_TEST(known_after_restart(2));
    BOOST_TEST(!known_after_restart(3));
    test.submit_headers(headers);
    BOOST_TEST(known_after_restart(29));
}

BOOST_AUTO_TEST_CASE(headers__of_a_fork_far_below_the_tip__cost_no_disk) {
    TestChain test;
    test.open();
    test.mine(160);
    const auto fork_is_kept = [&](int32_t height) {
        const BlockHeader header =
            make_branch(test, *test.chain().view().at(height), 1, 7)[0]->header;
        test.submit_headers({header});
        test.close();
        test.open();
        return test.chain().find_block(header.hash()) != nullptr;
    };
    BOOST_TEST(!fork_is_kept(10));
    BOOST_TEST(fork_is_kept(20));
}

BOOST_AUTO_TEST_SUITE_END()
