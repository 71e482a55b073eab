// SPDX-License-Identifier: MIT
#include "consensus/header_node.h"

#include "consensus/pow.h"

#include <algorithm>
#include <array>
#include <cassert>

namespace cairn::consensus {

namespace {

/// Where the skip link of a child of `parent` leads. Jumps merge two of a length into one twice as
/// long, so that their lengths depend on the height alone and any ancestor is O(log n) steps away.
/// Source: E. W. Myers, An applicative random-access stack (1983).
const HeaderNode* skip_target(const HeaderNode& parent) {
    const HeaderNode* near = parent.skip != nullptr ? parent.skip : &parent;
    const HeaderNode* far = near->skip != nullptr ? near->skip : near;
    return parent.height - near->height == near->height - far->height ? far : &parent;
}

} // namespace

HeaderNode::HeaderNode(
    const BlockHeader& block_header, const BlockHash& block_hash, const HeaderNode* parent_node)
    : header(block_header),
      hash(block_hash),
      work(work_of(block_header.bits)),
      parent(parent_node),
      max_time(block_header.time) {
    if (parent == nullptr) return;
    height = parent->height + Height(1);
    work += parent->work;
    skip = skip_target(*parent);
    max_time = std::max(max_time, parent->max_time);
}

const HeaderNode* HeaderNode::ancestor(Height at) const {
    if (at > height || at < Height(0)) return nullptr;
    const HeaderNode* node = this;
    while (node->height > at) node = node->skip->height >= at ? node->skip : node->parent;
    return node;
}

int64_t HeaderNode::median_time_past() const {
    constexpr size_t SPAN = 11;
    std::array<uint32_t, SPAN> times{};
    size_t count = 0;
    for (const HeaderNode* node = this; node != nullptr && count < SPAN; node = node->parent)
        times[count++] = node->header.time;
    const auto median = times.begin() + static_cast<ptrdiff_t>(count / 2);
    std::nth_element(times.begin(), median, times.begin() + static_cast<ptrdiff_t>(count));
    return *median;
}

const HeaderNode* last_common_ancestor(const HeaderNode* a, const HeaderNode* b) {
    assert(a != nullptr && b != nullptr);
    const Height lower = std::min(a->height, b->height);
    a = a->ancestor(lower);
    b = b->ancestor(lower);
    while (a != b) {
        // Both stand at one height, so their skips do, too.
        const bool skip = a->skip != b->skip;
        a = skip ? a->skip : a->parent;
        b = skip ? b->skip : b->parent;
        assert(a != nullptr && b != nullptr); // nodes of two trees
    }
    return a;
}

} // namespace cairn::consensus
