// SPDX-License-Identifier: MIT
// Messages that name blocks and transactions by their hashes: inv, getdata, notfound.
#pragma once

#include "consensus/block.h"

#include <vector>

namespace cairn::node {

constexpr size_t MAX_INVENTORY = 50'000; ///< In one message.

/// What an inventory's hash names. Source: BIP-0144, BIP-0339.
enum class InventoryType : uint32_t {
    Transaction = 1,
    Block = 2,
    FilteredBlock = 3, ///< BIP-0037, not served.
    CompactBlock = 4,
    WtxidTransaction = 5,
    WitnessTransaction = 0x40000001,
    WitnessBlock = 0x40000002,
};

/// The hash of one block or transaction.
struct Inventory {
    InventoryType type = InventoryType::Transaction;
    consensus::Hash256 hash;

    bool operator==(const Inventory&) const = default;

    bool is_transaction() const {
        return type == InventoryType::Transaction || type == InventoryType::WtxidTransaction ||
               type == InventoryType::WitnessTransaction;
    }

    bool is_block() const {
        return type == InventoryType::Block || type == InventoryType::WitnessBlock ||
               type == InventoryType::CompactBlock;
    }

    static void wire(auto&& codec, auto& item) { codec(item.type, item.hash); }
};

/// Payload of inv, getdata and notfound.
struct InventoryMessage {
    std::vector<Inventory> items;

    static void wire(auto&& codec, auto& m) { codec(m.items); }
};

} // namespace cairn::node
