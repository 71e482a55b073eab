// SPDX-License-Identifier: MIT
#include "consensus/block.h"

#include "consensus/hash_writer.h"
#include "consensus/sha256_lanes.h"

#include <cassert>

namespace cairn::consensus {

BlockHash BlockHeader::hash() const {
    return BlockHash(HashWriter()(*this).double_hash());
}

int64_t Block::size_bytes() const {
    size_t size = HEADER_BYTES + compact_size_bytes(transactions.size());
    for (const SealedTransaction& tx : transactions) size += tx.size_bytes;
    return static_cast<int64_t>(size);
}

int64_t Block::stripped_bytes() const {
    size_t size = HEADER_BYTES + compact_size_bytes(transactions.size());
    for (const SealedTransaction& tx : transactions) size += tx.stripped_bytes;
    return static_cast<int64_t>(size);
}

int64_t Block::weight() const {
    return stripped_bytes() * 3 + size_bytes();
}

namespace {

static_assert(sizeof(Hash256) == 32, "two hashes side by side are the 64 bytes that are hashed");

/// Replace `row` by the hashes of its pairs, an odd last one paired with itself. Returns whether
/// the two of some pair are the same without this.
bool fold(std::vector<Hash256>& row) {
    bool twins = false;
    for (size_t i = 0; i + 1 < row.size(); i += 2) twins |= row[i] == row[i + 1];
    if (row.size() % 2 != 0) row.push_back(row.back());
    const size_t pairs = row.size() / 2;
    uint8_t* bytes = row.front().bytes.data();
    sha256d_64_many(bytes, bytes, pairs);
    row.resize(pairs);
    return twins;
}

template <class LeafOf>
std::vector<Hash256> leaves_of(const Block& block, LeafOf leaf_of) {
    std::vector<Hash256> leaves;
    leaves.reserve(block.transactions.size() + 1); // fold() may add one
    for (const SealedTransaction& tx : block.transactions) leaves.push_back(leaf_of(tx));
    return leaves;
}

} // namespace

Hash256 merkle_root_of(std::vector<Hash256> leaves, bool* mutated) {
    bool twins = false;
    while (leaves.size() > 1) twins |= fold(leaves);
    if (mutated != nullptr) *mutated = twins;
    return leaves.empty() ? Hash256{} : leaves.front();
}

std::vector<Hash256> merkle_branch(std::vector<Hash256> leaves, size_t index) {
    assert(index < leaves.size());
    std::vector<Hash256> branch;
    for (; leaves.size() > 1; index /= 2) {
        const size_t beside = index ^ 1;
        branch.push_back(beside < leaves.size() ? leaves[beside] : leaves[index]);
        fold(leaves);
    }
    return branch;
}

Hash256 merkle_root(const Block& block, bool* mutated) {
    return merkle_root_of(
        leaves_of(block, [](const SealedTransaction& tx) -> Hash256 { return tx.txid; }), mutated);
}

Hash256 witness_merkle_root(const Block& block) {
    std::vector<Hash256> leaves =
        leaves_of(block, [](const SealedTransaction& tx) -> Hash256 { return tx.wtxid; });
    if (!leaves.empty()) leaves.front() = Hash256{};
    return merkle_root_of(std::move(leaves));
}

} // namespace cairn::consensus
