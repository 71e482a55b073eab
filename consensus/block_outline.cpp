// SPDX-License-Identifier: MIT
#include "consensus/block_outline.h"

namespace cairn::consensus {

namespace {

uint64_t skip_inputs(Reader& reader) {
    const uint64_t count = reader.compact_size();
    for (uint64_t i = 0; i < count && !reader.failed(); ++i) {
        reader.raw(sizeof(Hash256) + sizeof(uint32_t)); // the output it spends
        reader.sized();
        reader.raw(sizeof(TxIn::sequence));
    }
    return count;
}

void skip_outputs(Reader& reader) {
    const uint64_t count = reader.compact_size();
    for (uint64_t i = 0; i < count && !reader.failed(); ++i) {
        reader.raw(sizeof(TxOut::value));
        reader.sized();
    }
}

void skip_witnesses(Reader& reader, uint64_t inputs) {
    for (uint64_t i = 0; i < inputs && !reader.failed(); ++i)
        for (uint64_t items = reader.compact_size(); items > 0 && !reader.failed(); --items)
            reader.sized();
}

TransactionOutline read_outline(Reader& reader) {
    TransactionOutline outline{.begin = reader.position()};
    const ByteView version = reader.raw(sizeof(Transaction::version));
    size_t body = reader.position();
    uint64_t inputs = skip_inputs(reader);
    const bool with_witness = inputs == 0; // what looks like no inputs is the marker (BIP-0144)
    if (with_witness) {
        if (reader.read<uint8_t>() != 1) reader.fail(); // the flag
        body = reader.position();
        inputs = skip_inputs(reader);
    }
    skip_outputs(reader);
    const size_t body_end = reader.position();
    if (with_witness) skip_witnesses(reader, inputs);
    const ByteView lock_time = reader.raw(sizeof(Transaction::lock_time));
    if (reader.failed()) return {};
    const ByteView all = reader.between(outline.begin, reader.position());
    const ByteView body_bytes = reader.between(body, body_end);
    outline.size_bytes = static_cast<uint32_t>(all.size());
    outline.stripped_bytes =
        static_cast<uint32_t>(version.size() + body_bytes.size() + lock_time.size());
    outline.txid =
        with_witness
            ? Txid(Sha256().write(version).write(body_bytes).write(lock_time).finish_double())
            : Txid(sha256d(all));
    return outline;
}

int64_t sum(const BlockOutline& outline, uint32_t TransactionOutline::*size) {
    size_t bytes = HEADER_BYTES + compact_size_bytes(outline.transactions.size());
    for (const TransactionOutline& tx : outline.transactions) bytes += tx.*size;
    return static_cast<int64_t>(bytes);
}

} // namespace

std::optional<BlockOutline> outline_of(ByteView block) {
    constexpr size_t LEAST_BYTES = 60; // of a transaction with an input and an output
    Reader reader(block);
    BlockOutline outline;
    reader(outline.header);
    const uint64_t count = reader.compact_size();
    outline.transactions.reserve(std::min<uint64_t>(count, reader.remaining() / LEAST_BYTES));
    for (uint64_t i = 0; i < count && !reader.failed(); ++i)
        outline.transactions.push_back(read_outline(reader));
    if (!reader.at_end()) return std::nullopt;
    return outline;
}

int64_t BlockOutline::size_bytes() const {
    return sum(*this, &TransactionOutline::size_bytes);
}

int64_t BlockOutline::stripped_bytes() const {
    return sum(*this, &TransactionOutline::stripped_bytes);
}

Hash256 merkle_root(const BlockOutline& outline) {
    std::vector<Hash256> leaves;
    leaves.reserve(outline.transactions.size());
    for (const TransactionOutline& tx : outline.transactions) leaves.push_back(tx.txid);
    return merkle_root_of(leaves);
}

} // namespace cairn::consensus
