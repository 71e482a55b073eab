// SPDX-License-Identifier: MIT
#include "consensus/merkle_proof.h"

#include "consensus/block_rules.h"
#include "consensus/hash_writer.h"

#include <algorithm>
#include <cassert>

namespace cairn::consensus {

namespace {

/// That the smallest transaction takes, of 60 bytes.
constexpr int64_t MIN_TRANSACTION_WEIGHT = int64_t{60} * WITNESS_SCALE_FACTOR;

/// Nodes of a tree over `leaves` leaves, `height` levels above them.
uint64_t width(uint64_t leaves, unsigned height) {
    return (leaves + (uint64_t{1} << height) - 1) >> height;
}

unsigned height_of(uint64_t leaves) {
    unsigned height = 0;
    while (width(leaves, height) > 1) ++height;
    return height;
}

Hash256 parent_of(const Hash256& left, const Hash256& right) {
    return HashWriter()(left, right).double_hash();
}

/// Walks down a tree and writes its proof.
class Prover {
public:
    Prover(const Block& block, const std::vector<bool>& wanted) : wanted_(wanted) {
        for (const SealedTransaction& tx : block.transactions) ids_.push_back(tx.txid);
        proof_.header = block.header;
        proof_.transactions = static_cast<uint32_t>(ids_.size());
        visit(height_of(ids_.size()), 0);
    }

    MerkleProof take() { return std::move(proof_); }

private:
    void visit(unsigned height, uint64_t position) {
        const uint64_t first = position << height;
        const uint64_t last = std::min<uint64_t>((position + 1) << height, wanted_.size());
        const auto begin = wanted_.begin();
        const bool holds = std::any_of(
            begin + static_cast<ptrdiff_t>(first), begin + static_cast<ptrdiff_t>(last),
            [](bool wanted) { return wanted; });
        if (flags_ % 8 == 0) proof_.flags.push_back(0);
        if (holds) proof_.flags.back() |= static_cast<uint8_t>(1 << (flags_ % 8));
        ++flags_;
        if (height == 0 || !holds) return proof_.hashes.push_back(hash(height, position));
        visit(height - 1, 2 * position);
        if (2 * position + 1 < width(ids_.size(), height - 1)) visit(height - 1, 2 * position + 1);
    }

    Hash256 hash(unsigned height, uint64_t position) const {
        if (height == 0) return ids_[position];
        const Hash256 left = hash(height - 1, 2 * position);
        // The last of an odd number stands beside itself.
        const bool pair = 2 * position + 1 < width(ids_.size(), height - 1);
        return parent_of(left, pair ? hash(height - 1, 2 * position + 1) : left);
    }

    const std::vector<bool>& wanted_;
    std::vector<Hash256> ids_;
    MerkleProof proof_;
    size_t flags_ = 0;
};

/// Walks down a proof, in the same way, and computes its root.
class Verifier {
public:
    explicit Verifier(const MerkleProof& proof) : proof_(proof) {}

    std::optional<std::vector<Txid>> run(int64_t max_block_weight) {
        if (proof_.transactions == 0 ||
            proof_.transactions > max_block_weight / MIN_TRANSACTION_WEIGHT ||
            proof_.hashes.size() > proof_.transactions ||
            proof_.flags.size() * 8 < proof_.hashes.size())
            return std::nullopt;
        const Hash256 root = visit(height_of(proof_.transactions), 0);
        // Nothing is left over but what fills the last byte.
        const bool all_used =
            hashes_ == proof_.hashes.size() && (flags_ + 7) / 8 == proof_.flags.size();
        if (bad_ || !all_used || root != proof_.header.merkle_root) return std::nullopt;
        return found_;
    }

private:
    Hash256 visit(unsigned height, uint64_t position) {
        if (bad_ || flags_ >= proof_.flags.size() * 8) return fail();
        const bool holds = (proof_.flags[flags_ / 8] >> (flags_ % 8) & 1) != 0;
        ++flags_;
        if (height == 0 || !holds) {
            if (hashes_ == proof_.hashes.size()) return fail();
            const Hash256& hash = proof_.hashes[hashes_++];
            if (holds) found_.emplace_back(hash);
            return hash;
        }
        const Hash256 left = visit(height - 1, 2 * position);
        if (2 * position + 1 >= width(proof_.transactions, height - 1))
            return parent_of(left, left);
        const Hash256 right = visit(height - 1, 2 * position + 1);
        // Twins would prove a transaction that isn't there (CVE-2012-2459).
        if (left == right) return fail();
        return parent_of(left, right);
    }

    Hash256 fail() {
        bad_ = true;
        return {};
    }

    const MerkleProof& proof_;
    size_t hashes_ = 0;
    size_t flags_ = 0;
    bool bad_ = false;
    std::vector<Txid> found_;
};

} // namespace

MerkleProof make_merkle_proof(const Block& block, const std::vector<bool>& wanted) {
    assert(!wanted.empty() && wanted.size() == block.transactions.size());
    return Prover(block, wanted).take();
}

std::optional<std::vector<Txid>>
check_merkle_proof(const MerkleProof& proof, int64_t max_block_weight) {
    return Verifier(proof).run(max_block_weight);
}

} // namespace cairn::consensus
