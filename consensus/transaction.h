// SPDX-License-Identifier: MIT
// Transactions. They are plain values while they are being built and changed; once their ids are
// needed they are sealed, and a sealed transaction is shared and never changed.
#pragma once

#include "consensus/hash.h"
#include "consensus/script.h"
#include "consensus/serialize.h"

#include <memory>
#include <vector>

namespace cairn::consensus {

/// An output of a transaction, as an input names it.
struct OutPoint {
    Txid txid;
    uint32_t index = 0;

    static constexpr uint32_t NULL_INDEX = 0xffffffff;

    auto operator<=>(const OutPoint&) const = default;

    bool is_null() const { return index == NULL_INDEX && txid.is_null(); }

    static void wire(auto&& codec, auto& point) { codec(point.txid, point.index); }
};

/// The witness of one input: a stack of byte strings, kept one after the other with their lengths,
/// as on the wire, so that a usual one costs no allocation. Source: BIP-0141.
class Witness {
public:
    /// Walks the items from the bottom of the stack to its top.
    class Iterator {
    public:
        using value_type = ByteView;
        using difference_type = ptrdiff_t;

        Iterator() = default;

        explicit Iterator(const uint8_t* at) : at_(at) {}

        ByteView operator*() const;
        Iterator& operator++();

        Iterator operator++(int) {
            Iterator old = *this;
            ++*this;
            return old;
        }

        bool operator==(const Iterator&) const = default;

    private:
        const uint8_t* at_ = nullptr;
    };

    size_t size() const { return count_; }

    bool empty() const { return count_ == 0; }

    Iterator begin() const { return Iterator(items_.begin()); }

    Iterator end() const { return Iterator(items_.end()); }

    /// The item `i` places above the bottom. Walks there.
    ByteView operator[](size_t i) const;

    void push_back(ByteView item);
    void clear();

    /// Bytes on the wire, the count included.
    size_t wire_bytes() const { return compact_size_bytes(count_) + items_.size(); }

    size_t heap_bytes() const { return items_.heap_bytes(); }

    void write(auto& writer) const {
        writer.compact_size(count_);
        writer.raw(items_);
    }

    void read(Reader& reader);

    bool operator==(const Witness&) const = default;

private:
    uint32_t count_ = 0;
    SmallBytes<112> items_; ///< A signature and a public key fit.
};

/// One spent output, with what proves the right to spend it.
struct TxIn {
    OutPoint prevout;
    Script script_sig;
    uint32_t sequence = SEQUENCE_FINAL;
    Witness witness; ///< Written after all outputs, not here.

    static constexpr uint32_t SEQUENCE_FINAL = 0xffffffff;
    // Parts of a relative time-lock. Source: BIP-0068.
    static constexpr uint32_t SEQUENCE_NO_LOCK = 1U << 31;
    static constexpr uint32_t SEQUENCE_IN_TIME = 1U << 22; ///< In units of 512 seconds, not blocks.
    static constexpr uint32_t SEQUENCE_LOCK = 0xffff;

    bool operator==(const TxIn&) const = default;

    static void wire(auto&& codec, auto& in) { codec(in.prevout, in.script_sig, in.sequence); }
};

/// An amount and the script that guards it.
struct TxOut {
    Amount value;
    Script script_pubkey;

    bool operator==(const TxOut&) const = default;

    static void wire(auto&& codec, auto& out) { codec(out.value, out.script_pubkey); }
};

/// A transaction as a plain value. Core: CMutableTransaction.
struct Transaction {
    int32_t version = 2; ///< Rules read it as unsigned (BIP-0068).
    std::vector<TxIn> inputs;
    std::vector<TxOut> outputs;
    uint32_t lock_time = 0;

    bool operator==(const Transaction&) const = default;

    bool is_coinbase() const { return inputs.size() == 1 && inputs[0].prevout.is_null(); }

    bool has_witness() const;

    /// With its witness, if it has one (BIP-0144).
    void write(auto& writer) const {
        if (!has_witness()) return write_without_witness(writer);
        constexpr uint8_t MARKER = 0;
        constexpr uint8_t FLAG = 1;
        writer(version, MARKER, FLAG, inputs, outputs);
        for (const TxIn& in : inputs) writer(in.witness);
        writer(lock_time);
    }

    void write_without_witness(auto& writer) const { writer(version, inputs, outputs, lock_time); }

    /// Fails on a superfluous witness, as the reference does.
    void read(Reader& reader);

    /// The form before segregated witness, in which a transaction without inputs can be told from
    /// one with a witness. Only for what people give us as hexadecimal.
    void read_without_witness(Reader& reader);
};

/// A transaction with its ids and sizes, computed once. Core: CTransaction.
///
/// Invariants: the ids belong to the fields, so nobody changes a field: they are held const.
struct SealedTransaction : Transaction {
    SealedTransaction() = default;
    explicit SealedTransaction(Transaction tx);

    Txid txid;
    Wtxid wtxid;
    uint32_t size_bytes = 0;     ///< On the wire, with the witness. Core: GetTotalSize.
    uint32_t stripped_bytes = 0; ///< Without it.

    /// Source: BIP-0141.
    int64_t weight() const { return int64_t{stripped_bytes} * 3 + size_bytes; }

    /// Virtual bytes, rounded up. Core: GetVirtualTransactionSize without sigops.
    int64_t vsize() const { return (weight() + 3) / 4; }

    /// Takes the ids from the bytes as they come in: nothing is serialized a second time.
    void read(Reader& reader);

    void write(auto& writer) const { Transaction::write(writer); }
};

using TransactionRef = std::shared_ptr<const SealedTransaction>;

/// Seal `tx` and share it.
TransactionRef make_transaction(Transaction tx);

/// All outputs of `tx`. Requires: check_transaction(tx) passed, so that it can't overflow.
Amount output_sum(const Transaction& tx);

/// For tables whose keys a stranger chooses: salted by the table that owns it. What its txid makes
/// of an output is a secret, so nobody can aim at another's place; those of one transaction are
/// spread from there.
struct OutPointHasher {
    uint64_t key0 = 0;
    uint64_t key1 = 0;

    /// What all outputs of a transaction share.
    uint64_t of(const Txid& txid) const;

    /// Of output `index`. The factor is odd, so that no two of them meet, in 32 bits either.
    static uint64_t output(uint64_t of_txid, uint32_t index) {
        return of_txid + index * 0x9e3779b97f4a7c15;
    }

    size_t operator()(const OutPoint& point) const { return output(of(point.txid), point.index); }
};

} // namespace cairn::consensus
