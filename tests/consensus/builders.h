// SPDX-License-Identifier: MIT
// What the tests of the rules start from: chains of headers, and transactions and blocks that are
// valid until a test breaks them.
#pragma once

#include "consensus/block_rules.h"
#include "consensus/chain_file.h"
#include "consensus/pow.h"
#include "tests/vectors.h"

#include <deque>
#include <string>

namespace cairn::tests {

using namespace cairn::consensus; // NOLINT(google-build-using-namespace): all of it is under test

/// The chain of a file of this repository: "genesis.json", "genesis/bitcoin-regtest.json".
inline Params chain_params(const std::string& file) {
    return read_chain_file(read_file(std::string(CAIRN_SOURCE_DIR "/") + file));
}

inline Params regtest() {
    return chain_params("genesis/bitcoin-regtest.json");
}

/// The reason of a refusal; "" for none.
template <class T>
std::string reason_of(const Result<T>& result) {
    return result ? std::string() : result.error().reason;
}

/// A tree of headers that owns its nodes.
class HeaderTree {
public:
    /// A block after `parent` (null: a genesis block). Its hash names its place, nothing more.
    const HeaderNode*
    add(const HeaderNode* parent, uint32_t time, uint32_t bits = 0x207fffff, int32_t version = 4) {
        BlockHeader header{.version = version, .time = time, .bits = bits};
        header.nonce = static_cast<uint32_t>(nodes_.size()); // so that no two hashes are the same
        if (parent != nullptr) header.prev_hash = parent->hash;
        return &nodes_.emplace_back(header, header.hash(), parent);
    }

    /// `count` blocks after `parent`, `spacing` seconds apart; returns the last.
    const HeaderNode*
    extend(const HeaderNode* parent, int count, uint32_t spacing, uint32_t bits = 0x207fffff) {
        for (int i = 0; i < count; ++i) parent = add(parent, parent->header.time + spacing, bits);
        return parent;
    }

private:
    std::deque<HeaderNode> nodes_;
};

inline OutPoint some_outpoint(uint8_t n) {
    OutPoint point;
    point.txid.bytes.fill(n);
    point.index = n;
    return point;
}

/// One input, one output of one coin to OP_TRUE.
inline Transaction valid_transaction() {
    Transaction tx;
    tx.inputs.push_back({.prevout = some_outpoint(1)});
    tx.outputs.push_back({.value = COIN, .script_pubkey = Script(Bytes{OP_1})});
    return tx;
}

/// A coinbase for `height` that claims `value`.
inline Transaction valid_coinbase(Height height, Amount value = 50 * COIN) {
    Transaction tx;
    tx.inputs.push_back({.prevout = {.txid = {}, .index = OutPoint::NULL_INDEX}});
    push_number(tx.inputs[0].script_sig, height.value);
    push_opcode(tx.inputs[0].script_sig, OP_0); // two bytes at least
    tx.outputs.push_back({.value = value, .script_pubkey = Script(Bytes{OP_1})});
    return tx;
}

/// Set the witness commitment of a block whose coinbase has one, and the merkle root.
inline void commit(Block& block) {
    Transaction coinbase = block.transactions[0];
    if (const auto index = witness_commitment_index(coinbase))
        coinbase.outputs[*index].script_pubkey =
            witness_commitment_script(witness_merkle_root(block));
    block.transactions[0] = SealedTransaction(std::move(coinbase));
    block.header.merkle_root = merkle_root(block);
}

/// A block after `parent`: a coinbase with a witness commitment, and a transaction with a witness.
inline Block valid_block(const HeaderNode& parent) {
    Block block;
    block.header = {.version = 4, .prev_hash = parent.hash, .time = parent.header.time + 600};
    block.header.bits = parent.header.bits;
    Transaction coinbase = valid_coinbase(parent.height + Height(1));
    coinbase.inputs[0].witness.push_back(Bytes(32));
    coinbase.outputs.push_back({.value = 0, .script_pubkey = witness_commitment_script({})});
    Transaction payment = valid_transaction();
    payment.inputs[0].witness.push_back(Bytes{1});
    block.transactions.emplace_back(std::move(coinbase));
    block.transactions.emplace_back(std::move(payment));
    commit(block);
    return block;
}

/// Change transaction `i` of `block` and seal it anew; the commitments are left as they are.
template <class Change>
void change_transaction(Block& block, size_t i, Change change) {
    Transaction tx = block.transactions[i];
    change(tx);
    block.transactions[i] = SealedTransaction(std::move(tx));
}

} // namespace cairn::tests
