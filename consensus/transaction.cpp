// SPDX-License-Identifier: MIT
#include "consensus/transaction.h"

#include <algorithm>

namespace cairn::consensus {

namespace {

/// The length in compact form at `at`, and where what it measures begins. The bytes were checked
/// when they were read.
std::pair<size_t, const uint8_t*> length_at(const uint8_t* at) {
    const uint8_t first = *at++;
    if (first < 0xfd) return {first, at};
    const size_t width = first == 0xfd ? 2 : first == 0xfe ? 4 : 8;
    uint64_t length = 0;
    std::memcpy(&length, at, width);
    return {length, at + width};
}

} // namespace

ByteView Witness::Iterator::operator*() const {
    const auto [length, data] = length_at(at_);
    return {data, length};
}

Witness::Iterator& Witness::Iterator::operator++() {
    const auto [length, data] = length_at(at_);
    at_ = data + length;
    return *this;
}

ByteView Witness::operator[](size_t i) const {
    Iterator item = begin();
    while (i-- > 0) ++item;
    return *item;
}

void Witness::push_back(ByteView item) {
    Bytes length;
    Writer(length).compact_size(item.size());
    items_.append(length);
    items_.append(item);
    ++count_;
}

void Witness::clear() {
    items_.clear();
    count_ = 0;
}

void Witness::read(Reader& reader) {
    const uint64_t count = reader.compact_size();
    const size_t first = reader.position();
    for (uint64_t i = 0; i < count && !reader.failed(); ++i) reader.sized();
    if (reader.failed()) return clear();
    // Lengths are read in their shortest form only, so these bytes are what write() gives back.
    items_.assign(reader.between(first, reader.position()));
    count_ = static_cast<uint32_t>(count);
}

bool Transaction::has_witness() const {
    return std::ranges::any_of(inputs, [](const TxIn& in) { return !in.witness.empty(); });
}

namespace {

/// Where the parts of a transaction lie in the input, for the hashing of its ids.
struct Layout {
    size_t begin = 0;
    size_t inputs = 0;      ///< Past the marker and flag, if there are any.
    size_t outputs_end = 0; ///< Where the witness begins, if there is one.
    size_t lock_time = 0;
    size_t end = 0;
    bool with_witness = false;
};

void read_witnesses(Transaction& tx, Reader& reader) {
    for (TxIn& in : tx.inputs) reader(in.witness);
    // BIP-0144: a transaction without any witness must be in the old form.
    if (!tx.has_witness()) reader.fail();
}

Layout read_transaction(Transaction& tx, Reader& reader) {
    Layout at;
    at.begin = reader.position();
    reader(tx.version);
    at.inputs = reader.position();
    reader(tx.inputs);
    if (tx.inputs.empty() && !reader.failed()) {
        // No inputs is also what the marker of the form with witness looks like. A flag of 0 then
        // means: no inputs, and no outputs either.
        const auto flag = reader.read<uint8_t>();
        tx.outputs.clear();
        if (flag == 1) {
            at.with_witness = true;
            at.inputs = reader.position();
            reader(tx.inputs, tx.outputs);
        } else if (flag != 0) {
            reader.fail();
        }
    } else {
        reader(tx.outputs);
    }
    at.outputs_end = reader.position();
    if (at.with_witness) read_witnesses(tx, reader);
    at.lock_time = reader.position();
    reader(tx.lock_time);
    at.end = reader.position();
    return at;
}

} // namespace

void Transaction::read(Reader& reader) {
    read_transaction(*this, reader);
}

void Transaction::read_without_witness(Reader& reader) {
    reader(version, inputs, outputs, lock_time);
}

SealedTransaction::SealedTransaction(Transaction tx) : Transaction(std::move(tx)) {
    Bytes bytes;
    Writer writer(bytes);
    write_without_witness(writer);
    stripped_bytes = static_cast<uint32_t>(bytes.size());
    txid = Txid(sha256d(bytes));
    if (!has_witness()) {
        size_bytes = stripped_bytes;
        wtxid = Wtxid(txid);
        return;
    }
    bytes.clear();
    Transaction::write(writer);
    size_bytes = static_cast<uint32_t>(bytes.size());
    wtxid = Wtxid(sha256d(bytes));
}

void SealedTransaction::read(Reader& reader) {
    const Layout at = read_transaction(*this, reader);
    if (reader.failed()) return;
    const ByteView all = reader.between(at.begin, at.end);
    size_bytes = static_cast<uint32_t>(all.size());
    wtxid = Wtxid(sha256d(all));
    if (!at.with_witness) {
        stripped_bytes = size_bytes;
        txid = Txid(wtxid);
        return;
    }
    const ByteView body = reader.between(at.inputs, at.outputs_end);
    stripped_bytes = static_cast<uint32_t>(4 + body.size() + 4);
    txid = Txid(Sha256()
                    .write(all.first(4))
                    .write(body)
                    .write(reader.between(at.lock_time, at.end))
                    .finish_double());
}

TransactionRef make_transaction(Transaction tx) {
    return std::make_shared<const SealedTransaction>(std::move(tx));
}

Amount output_sum(const Transaction& tx) {
    Amount sum;
    for (const TxOut& out : tx.outputs) sum += out.value;
    return sum;
}

uint64_t OutPointHasher::of(const Txid& txid) const {
    return siphash(key0, key1, txid.view());
}

} // namespace cairn::consensus
