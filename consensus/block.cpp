// SPDX-License-Identifier: MIT
#include "consensus/block.h"

#include "consensus/hash_writer.h"
#include "consensus/sha256_lanes.h"

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

/// The hashes of the pairs of `row`, in its front half; an odd last one is paired with itself.
/// Sets `twins` if the two of some pair are the same without this.
std::span<Hash256> fold(std::span<Hash256> row, bool& twins) {
    const size_t pairs = row.size() / 2;
    for (size_t i = 0; i < pairs; ++i) twins |= row[2 * i] == row[2 * i + 1];
    uint8_t* bytes = row.front().bytes.data();
    sha256d_64_many(bytes, bytes, pairs);
    if (row.size() % 2 == 0) return row.first(pairs);
    const Hash256 last[] = {row.back(), row.back()};
    row[pairs] = sha256d_64(last[0].bytes.data());
    return row.first(pairs + 1);
}

template <class LeafOf>
std::vector<Hash256> leaves_of(const Block& block, LeafOf leaf_of) {
    std::vector<Hash256> leaves;
    leaves.reserve(block.transactions.size());
    for (const SealedTransaction& tx : block.transactions) leaves.push_back(leaf_of(tx));
    return leaves;
}

} // namespace

Hash256 merkle_root_of(std::span<Hash256> leaves, bool* mutated) {
    bool twins = false;
    while (leaves.size() > 1) leaves = fold(leaves, twins);
    if (mutated != nullptr) *mutated = twins;
    return leaves.empty() ? Hash256{} : leaves.front();
}

Hash256 merkle_root(const Block& block, bool* mutated) {
    std::vector<Hash256> leaves =
        leaves_of(block, [](const SealedTransaction& tx) -> Hash256 { return tx.txid; });
    return merkle_root_of(leaves, mutated);
}

Hash256 witness_merkle_root(const Block& block) {
    std::vector<Hash256> leaves =
        leaves_of(block, [](const SealedTransaction& tx) -> Hash256 { return tx.wtxid; });
    if (!leaves.empty()) leaves.front() = Hash256{};
    return merkle_root_of(leaves);
}

} // namespace cairn::consensus
