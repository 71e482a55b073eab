// SPDX-License-Identifier: MIT
// Blocks by the short ids of their transactions, and how one is put together from what is here
// already. Source: BIP-0152, version 2.
#pragma once

#include "consensus/params.h"
#include "consensus/result.h"
#include "node/messages.h"

#include <optional>
#include <vector>

namespace cairn::node {

/// Ascending indexes, each of which is told as its distance from the one after the last.
class IndexWalk {
public:
    void operator()(auto& codec, auto& index) {
        consensus::CompactNumber distance{index - next_};
        codec(distance);
        if constexpr (consensus::READS<decltype(codec)>) {
            // Beyond what a block can hold, at once or as a sum.
            if (distance.value > UINT16_MAX || next_ + distance.value > UINT16_MAX)
                return codec.fail();
            index = static_cast<uint32_t>(next_ + distance.value);
        }
        next_ = uint64_t{index} + 1;
    }

private:
    uint64_t next_ = 0; ///< The first that is possible.
};

/// cmpctblock: a block by the short ids of its transactions, of which the other side should have
/// most; those that it can't have are there in full.
struct CompactBlockMessage {
    using ShortId = std::array<uint8_t, 6>;

    struct Prefilled {
        uint32_t index = 0; ///< In the block.
        consensus::SealedTransaction tx;
    };

    consensus::BlockHeader header;
    uint64_t nonce = 0; ///< Salts the short ids.
    std::vector<ShortId> short_ids;
    std::vector<Prefilled> prefilled; ///< By index.

    /// `block`, with the coinbase in full.
    static CompactBlockMessage of(const consensus::Block& block, uint64_t nonce);

    /// Gives the short id of any wtxid in this block.
    class Shortener {
    public:
        Shortener(const consensus::BlockHeader& header, uint64_t nonce);

        ShortId operator()(const consensus::Wtxid& wtxid) const;

    private:
        std::array<uint64_t, 2> key_{};
    };

    static void wire(auto&& codec, auto& m) {
        codec(m.header, m.nonce, m.short_ids);
        IndexWalk walk;
        consensus::wire_list(codec, m.prefilled, [&](auto& entry) {
            walk(codec, entry.index);
            codec(entry.tx);
        });
    }
};

/// getblocktxn: asks for what was not to be had of a compact block.
struct GetBlockTransactionsMessage {
    consensus::BlockHash block;
    std::vector<uint32_t> indexes; ///< Ascending.

    static void wire(auto&& codec, auto& m) {
        codec(m.block);
        IndexWalk walk;
        consensus::wire_list(codec, m.indexes, [&](auto& index) { walk(codec, index); });
    }
};

/// blocktxn: its answer.
struct BlockTransactionsMessage {
    consensus::BlockHash block;
    std::vector<consensus::SealedTransaction> transactions;

    /// Those of `block` at `indexes`, which are in it.
    static BlockTransactionsMessage
    of(const consensus::Block& block, const std::vector<uint32_t>& indexes);

    static void wire(auto&& codec, auto& m) { codec(m.block, m.transactions); }
};

/// A block of which some transactions may be missing.
class PartialBlock {
public:
    /// Errors: Invalid for what is no compact form of any block.
    static consensus::Result<PartialBlock>
    of(const CompactBlockMessage& message, const consensus::Params& params);

    consensus::BlockHash hash() const { return header_.hash(); }

    /// `tx` is here: it is taken if it is in the block, as far as a short id can tell.
    void offer(const consensus::TransactionRef& tx);

    /// Where transactions are missing, ascending.
    std::vector<uint32_t> missing() const;

    /// Put in what was missing(); false if it isn't as many.
    bool fill(std::vector<consensus::SealedTransaction> transactions);

    /// The block; null if these aren't its transactions and witnesses: two had the same short id,
    /// or the sender spoilt one, and the block is to be had whole only. `has_segwit`: at its
    /// height. Requires: nothing is missing.
    consensus::BlockRef assemble(bool has_segwit) const;

private:
    struct Slot {
        CompactBlockMessage::ShortId id;
        uint32_t index = 0;
        bool ambiguous = false; ///< Two that are here have its id.

        auto operator<=>(const Slot&) const = default;
    };

    explicit PartialBlock(const CompactBlockMessage& message)
        : header_(message.header),
          shorten_(message.header, message.nonce) {}

    consensus::BlockHeader header_;
    CompactBlockMessage::Shortener shorten_;
    std::vector<consensus::TransactionRef> transactions_; ///< Null where missing.
    std::vector<Slot> slots_; ///< By id: a stranger chose them, so they are not hashed.
};

} // namespace cairn::node
