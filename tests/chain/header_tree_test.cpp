// SPDX-License-Identifier: MIT
// The tree of headers against a model that searches everything anew at each step.
#include "chain/header_tree.h"
#include "tests/chain/fixture.h"

#include <map>
#include <random>
#include <set>
#include <utility>

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
};

/// A tree, and what must be true of it: found by asking each node for all that is before it.
struct Model : Grove {
    std::mt19937_64 random;
    const BlockNode* tip = &tree.genesis();
    bool behind = false;                       ///< The tip, and a better candidate is there.
    std::set<const BlockNode*> seen{tip};      ///< Their bodies came.
    std::set<const BlockNode*> marked;         ///< As failed.
    std::map<const BlockNode*, int64_t> order; ///< Of complete chains: the lower one came first.
    int64_t last_order = 0;
    int64_t next_precious = -1;
    const BlockNode* pruned = tip;       ///< No way leads below it.
    const BlockNode* assumed = nullptr;  ///< Complete without the bodies before it.
    std::map<std::string, int> outcomes; ///< Of what needs more than its turn.

    explicit Model(uint64_t seed) : random(seed) {}

    size_t pick(size_t count) { return random() % count; }

    bool failed(const BlockNode* node) const {
        for (; node; node = node->parent_node())
            if (marked.contains(node)) return true;
        return false;
    }

    bool complete(const BlockNode* node) const {
        for (; node && node != assumed; node = node->parent_node())
            if (!seen.contains(node)) return false;
        return true;
    }

    /// Whether the tip may ever be there.
    bool eligible(const BlockNode* node) const {
        return complete(node) && !failed(node) && node->descends_from(*pruned) &&
               (!assumed || node->descends_from(*assumed));
    }

    bool better(const BlockNode* a, const BlockNode* b) const {
        return a->work != b->work ? a->work > b->work : order.at(a) < order.at(b);
    }

    /// Chains that became complete are later than all before, and none of them than another.
    void note_complete() {
        ++last_order;
        for (const BlockNode* node : nodes)
            if (complete(node)) order.try_emplace(node, last_order);
    }

    void receive_body(BlockNode& node) {
        if (node.has(BlockNode::HAVE_BODY)) return;
        const BlockNode* base = std::exchange(assumed, nullptr);
        const bool was_complete = complete(base);
        tree.receive_body(node, 1);
        seen.insert(&node);
        if (base && !was_complete && complete(base)) order.erase(base); // it was but assumed to be
        assumed = base;
        note_complete();
    }

    /// The tip may have been marked, or what is better cleared.
    void rebuild() {
        while (failed(tip)) tip = tip->parent_node();
        tree.rebuild_candidates(*tip);
    }

    void mark(BlockNode& node) {
        if (pruned->descends_from(node) || (assumed && assumed->descends_from(node))) return;
        tree.mark_failed(node);
        marked.insert(&node);
        rebuild();
    }

    void clear(const BlockNode& node) {
        tree.clear_failures(node);
        std::erase_if(marked, [&](const BlockNode* each) {
            return each->descends_from(node) || node.descends_from(*each);
        });
        rebuild();
    }

    /// Mostly one that has as much work as the tip.
    void prefer(BlockNode& any) {
        std::vector<BlockNode*> rivals;
        for (BlockNode* node : nodes)
            if (node != tip && node->work == tip->work && eligible(node)) rivals.push_back(node);
        BlockNode& node = rivals.empty() || pick(4) == 0 ? any : *rivals[pick(rivals.size())];
        if (node.work < tip->work) return;
        tree.prefer(node);
        if (order.contains(&node)) order[&node] = next_precious--;
        if (eligible(&node) && &node != tip && node.work == tip->work) ++outcomes["tie preferred"];
    }

    void prune() {
        const int32_t to = tip->height.value - static_cast<int32_t>(pick(12));
        if (to <= pruned->height.value) return;
        pruned = tip->ancestor_node(to);
        tree.prune(*pruned);
        ++outcomes["pruned"];
    }

    /// A snapshot of the coins at `base` comes, or what is before the last one is all there.
    void assume_or_confirm(BlockNode& base) {
        if (!assumed) {
            if (base.work <= tip->work || failed(&base) || !base.descends_from(*pruned)) return;
            if (!complete(&base)) ++outcomes["assumed"];
            tree.assume(base, 1);
            assumed = tip = &base;
            note_complete();
        } else {
            const BlockNode* was = std::exchange(assumed, nullptr);
            if (!complete(was)) {
                assumed = was;
                return;
            }
            tree.confirm();
            ++outcomes["confirmed"];
        }
        tree.rebuild_candidates(*tip);
    }

    /// Of a snapshot's history the lowest body that is missing; else any.
    BlockNode& wanted(BlockNode& any) {
        BlockNode* lowest = nullptr;
        for (BlockNode* node : nodes)
            if (!lowest && assumed && assumed->descends_from(*node) && !seen.contains(node))
                lowest = node;
        return lowest && pick(2) == 0 ? *lowest : any;
    }

    void act() {
        if (behind && pick(4) == 0) return prune();
        BlockNode& any = *nodes[pick(nodes.size())];
        BlockNode& recent = *nodes[nodes.size() - 1 - pick(std::min<size_t>(nodes.size(), 30))];
        const size_t what = pick(28);
        if (what < 5)
            grow(any);
        else if (what < 10)
            grow(recent);
        else if (what < 20)
            receive_body(wanted(any));
        else if (what < 22)
            mark(any);
        else if (what < 23)
            clear(any);
        else if (what < 26)
            prefer(recent);
        else if (what < 27)
            prune();
        else
            assume_or_confirm(recent);
    }

    void compare() {
        const BlockNode* best_header = nullptr;
        const BlockNode* best = nullptr;
        for (const BlockNode* node : nodes) {
            BOOST_REQUIRE(node->failed() == failed(node));
            BOOST_REQUIRE((node->chain_tx_count > 0) == complete(node));
            if (!failed(node) && (!best_header || node->work > best_header->work))
                best_header = node;
            if (eligible(node) && (!best || better(node, best))) best = node;
        }
        BOOST_REQUIRE((tree.best_header().work == best_header->work));
        const BlockNode* candidate = tree.best_candidate();
        BOOST_REQUIRE(candidate);
        BOOST_REQUIRE(eligible(candidate));
        BOOST_REQUIRE((!better(best, candidate) && !better(candidate, best)));
        behind = pick(3) == 0;
        if (behind) return; // the blocks of the candidate are still being validated
        if (candidate != tip && !candidate->descends_from(*tip)) ++outcomes["reorganised"];
        tip = candidate;
        tree.prune_candidates(*tip);
    }
};

} // namespace

BOOST_AUTO_TEST_SUITE(header_tree)

BOOST_AUTO_TEST_CASE(random_operations__best_candidate_and_header__are_those_of_the_model) {
    const uint64_t seed = setting("CAIRN_HEADERS_SEED", std::random_device()());
    BOOST_TEST_MESSAGE("seed " << seed);
    std::mt19937_64 seeds(seed);
    std::map<std::string, int> outcomes;
    for (int tree = 0; tree < 40; ++tree) {
        Model model(seeds());
        model.note_complete();
        for (int round = 0; round < 500; ++round) {
            model.act();
            model.compare();
        }
        for (const auto& [outcome, count] : model.outcomes) outcomes[outcome] += count;
    }
    for (const char* outcome : {"tie preferred", "pruned", "assumed", "confirmed", "reorganised"})
        BOOST_TEST(outcomes[outcome] >= 5, outcome);
    for (const auto& [outcome, count] : outcomes) BOOST_TEST_MESSAGE(outcome << " " << count);
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
    headers.reserve(branch.size());
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
