// SPDX-License-Identifier: MIT
// What each index keeps of a block. How they are kept up to date is in indexer.h.
#pragma once

#include "chain/chainstate.h"
#include "consensus/muhash.h"

#include <array>
#include <string>

namespace cairn::chain {

/// A block that is indexed.
struct IndexedBlock {
    const BlockNode& node;
    const Block& block;
    const BlockUndo& undo;
    const Chainstate& chainstate; ///< For its parameters and earlier blocks.
};

/// What an index keeps of a block.
struct IndexedEntries {
    Entries entries; ///< Under keys that no block before it in the chain gave.
    Bytes record;    ///< The block's own, for an index that has one of each.
};

/// The indexes, in the order of the table.
enum class IndexId : uint8_t { Transactions, CoinStatistics, Filters, Spenders, Addresses };

/// An index. All that `make` says of a block follows from the block and its undo data, so blocks
/// can be looked at side by side.
struct IndexRow {
    std::string_view name; ///< As the reference tells it.
    Column column;
    bool ChainOptions::*option;
    void (*make)(const IndexedBlock&, IndexedEntries& out);
    /// If each block has a record under its own key (node_key()): completes it by the one of the
    /// block before, which is empty for genesis. Such a record stays when its block leaves the
    /// chain.
    void (*follow)(ByteView previous, Bytes& record) = nullptr;
};

const std::array<IndexRow, 5>& index_table();

// Values in the indexes ////////////////////////////////////////////////////////////////////////

/// A basic compact filter and its header (BIP-0157).
struct FilterEntry {
    Bytes filter;
    Hash256 header;
};

FilterEntry filter_of_record(ByteView record);

/// Of the hash of a block's filter.
std::string filter_hash_key(const BlockNode& node);

/// The transaction that spent an output.
struct Spender {
    Txid txid;
    Height height;

    static void wire(auto&& codec, auto& spender) { codec(spender.txid, spender.height); }
};

/// The coins after a block, and what it did to them.
struct BlockCoins {
    consensus::MuHash::Product set;
    uint64_t coins = 0;
    uint64_t bogo_size = 0;
    Amount total;
    Amount unspendable; ///< Of all that was ever mined.
    // In this block:
    Amount spent;       ///< By its transactions,
    Amount made;        ///< by them,
    Amount coinbase;    ///< and by its coinbase.
    Amount genesis;     ///< Genesis' outputs, where they are no coins.
    Amount overwritten; ///< By a coinbase that is the same as an earlier one (BIP-0030).
    Amount scripts;     ///< To scripts that nobody can satisfy.
    Amount unclaimed;   ///< What the coinbase might have taken and did not.

    static void wire(auto&& codec, auto& c) {
        codec(c.set, c.coins, c.bogo_size, c.total, c.unspendable);
        codec(c.spent, c.made, c.coinbase, c.genesis, c.overwritten, c.scripts, c.unclaimed);
    }
};

/// What a transaction did to a script's coins.
struct AddressRecord {
    struct Output {
        uint32_t index = 0;
        Amount value;

        static void wire(auto&& codec, auto& out) { codec(out.index, out.value); }
    };

    struct Input {
        OutPoint point;
        Amount value;

        static void wire(auto&& codec, auto& in) { codec(in.point, in.value); }
    };

    Txid txid;
    std::vector<Output> received;
    std::vector<Input> spent;

    static void wire(auto&& codec, auto& record) {
        codec(record.txid, record.received, record.spent);
    }
};

/// Before all keys of `script` in the address index, which go on with the height.
std::string address_key(const consensus::Script& script);

} // namespace cairn::chain
