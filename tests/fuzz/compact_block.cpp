// SPDX-License-Identifier: MIT
// A compact block, honest or with some of its bytes changed, put together from some transactions
// that are here and others that are sent: an honest one becomes the block, any other is refused or
// becomes what its header commits to.
#include "node/compact_block.h"

#include "check.h"
#include "consensus/block_rules.h"

using namespace cairn;
using namespace cairn::node;
using tests::check;

namespace {

constexpr uint32_t TRANSACTIONS = 32;

consensus::TransactionRef make_transaction(uint32_t number) {
    consensus::Transaction tx;
    tx.inputs.resize(1);
    tx.inputs[0].prevout.index = number;
    if (number % 2 == 1) tx.inputs[0].witness.push_back(Bytes(number, 7));
    tx.outputs.push_back({consensus::Amount(number), {}});
    return consensus::make_transaction(std::move(tx));
}

/// Of the transactions whose bits are set, after a coinbase that commits to their witnesses.
consensus::Block
make_block(const std::vector<consensus::TransactionRef>& all, uint32_t bits, int32_t version) {
    consensus::Block block;
    block.header.version = version;
    consensus::Transaction coinbase;
    coinbase.inputs.resize(1);
    coinbase.inputs[0].prevout.index = consensus::OutPoint::NULL_INDEX;
    coinbase.inputs[0].witness.push_back(Bytes(32));
    block.transactions.emplace_back(coinbase);
    for (uint32_t i = 0; i < TRANSACTIONS; ++i)
        if ((bits >> i & 1) != 0) block.transactions.push_back(*all[i]);
    coinbase.outputs.push_back(
        {{}, consensus::witness_commitment_script(consensus::witness_merkle_root(block))});
    block.transactions[0] = consensus::SealedTransaction(std::move(coinbase));
    block.header.merkle_root = consensus::merkle_root(block);
    return block;
}

/// What is sent for the places `missing`: of `block`, or anything where it has no such place.
std::vector<consensus::SealedTransaction>
sent_for(const std::vector<uint32_t>& missing, const consensus::Block& block) {
    std::vector<consensus::SealedTransaction> sent;
    sent.reserve(missing.size());
    for (const uint32_t i : missing)
        sent.push_back(block.transactions[i % block.transactions.size()]);
    return sent;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const std::vector<consensus::TransactionRef> ALL = [] {
        std::vector<consensus::TransactionRef> all;
        for (uint32_t i = 0; i < TRANSACTIONS; ++i) all.push_back(make_transaction(i));
        return all;
    }();
    consensus::Reader reader(ByteView(data, size));
    const auto bits = reader.read<uint32_t>();
    const auto here = reader.read<uint32_t>();
    const consensus::Block block = make_block(ALL, bits, reader.read<int32_t>());
    Bytes bytes = consensus::encode(CompactBlockMessage::of(block, reader.read<uint64_t>()));
    if (reader.failed()) return 0;
    const Bytes honest = bytes;
    while (reader.remaining() > 2) {
        const size_t place = reader.read<uint16_t>() % bytes.size();
        bytes[place] ^= reader.read<uint8_t>();
    }
    const bool is_honest = bytes == honest;

    const auto message = parse<CompactBlockMessage>(bytes);
    check(message || !is_honest);
    if (!message) return 0;
    consensus::Result<PartialBlock> partial = PartialBlock::of(*message, consensus::Params());
    check(partial.has_value() || !is_honest);
    if (!partial) return 0;
    for (uint32_t i = 0; i < TRANSACTIONS; ++i)
        if ((here >> i & 1) != 0) partial->offer(ALL[i]);
    const std::vector<uint32_t> missing = partial->missing();
    const size_t count = message->short_ids.size() + message->prefilled.size();
    for (size_t i = 0; i < missing.size(); ++i) {
        check(missing[i] < count && (i == 0 || missing[i - 1] < missing[i]));
        check(
            !is_honest ||
            (here >> block.transactions[missing[i]].inputs[0].prevout.index & 1) == 0);
    }
    check(missing.empty() || !partial->fill({}));
    check(partial->fill(sent_for(missing, block)));
    const consensus::BlockRef whole = partial->assemble(true);
    if (is_honest) check(whole && consensus::encode(*whole) == consensus::encode(block));
    if (!whole) return 0;
    check(whole->transactions.size() == count);
    check(consensus::merkle_root(*whole) == whole->header.merkle_root);
    if (whole->header.merkle_root != block.header.merkle_root) return 0;
    const consensus::Block same{block.header, whole->transactions}; // down to the last witness
    check(consensus::encode(same) == consensus::encode(block));
    return 0;
}
