// SPDX-License-Identifier: MIT
// Blocks, transactions and scripts in replies. The one place that knows these shapes; all methods
// that show such a thing use it.
#pragma once

#include "chain/chain.h"
#include "rpc/server/field.h"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace cairn::rpc::server {

// The protocol's types as JSON.

template <std::derived_from<consensus::Hash256> T>
struct Form<T> : FormBy<Type::Hash, &JsonWriter::plain, &consensus::Hash256::to_string> {};

template <std::convertible_to<consensus::ByteView> T>
struct Form<T> {
    static constexpr Type TYPE = Type::Hex;

    static void write(JsonWriter& writer, consensus::ByteView bytes) {
        writer.plain(consensus::to_hex(bytes));
    }
};

template <>
struct Form<consensus::Uint256> {
    static constexpr Type TYPE = Type::Hash;

    static void write(JsonWriter& writer, const consensus::Uint256& number) {
        writer.plain(consensus::to_hex(number));
    }
};

template <>
struct Form<consensus::Amount>
    : FormBy<Type::Amount, &JsonWriter::amount, &consensus::Amount::value> {};

template <>
struct Form<chain::FeeRate> {
    static constexpr Type TYPE = Type::Amount;

    static void write(JsonWriter& writer, chain::FeeRate rate) {
        writer.amount(rate.per_kvb.value);
    }
};

template <>
struct Form<consensus::Height>
    : FormBy<Type::Integer, &JsonWriter::integer, &consensus::Height::value> {};

} // namespace cairn::rpc::server

namespace cairn::rpc {

using server::HexText;
using server::Object;
using server::Seconds;

/// `value`, or nothing: for fields that are absent at times.
template <class T>
std::optional<T> only_if(bool holds, T value) {
    if (!holds) return std::nullopt;
    return value;
}

/// How far the chain up to `tip` is, of what is known to exist.
double verification_progress(const chain::Chain& chain, const chain::BlockNode& tip);

/// The script that signs the chain's blocks (BIP-0325), where they are signed.
std::optional<consensus::Script> signet_challenge(const consensus::Params& params);

/// A script that lives elsewhere, and the chain whose addresses it has.
struct ScriptView {
    consensus::ByteView bytes;
    const consensus::Params* params;
};

extern const Object<ScriptView> SCRIPT;
extern const Object<ScriptView> SCRIPT_WITHOUT_HEX;

/// The target of a block, or of the next one.
struct Target {
    uint32_t bits = 0;
};

extern const Object<Target> TARGET;

struct TransactionView {
    consensus::TransactionRef tx;
    const consensus::Params* params;
    /// The coins it spends: then with its fee,
    std::optional<std::span<const chain::Coin>> spent{};
    bool prevouts = false; ///< ... and with each of them.
    bool hex = true;
};

extern const Object<TransactionView> TRANSACTION;

struct HeaderView {
    const chain::BlockNode* node;
    chain::View chain;
    bool active = chain.contains(*node);
};

extern const Object<HeaderView> HEADER;

/// Blocks from it to the tip; -1 off the active chain.
int32_t confirmations(const HeaderView& header);

struct BlockView {
    HeaderView header;
    consensus::BlockRef block;
    const consensus::Params* params;
    std::optional<chain::BlockUndo> undo; ///< Empty: nothing is told of the coins spent,
    bool prevouts = false;                ///< ... or only what transactions pay.
};

extern const Object<BlockView> DETAILED_BLOCK; ///< With all transactions.

struct OutlinedBlock {
    HeaderView header;
    chain::StoredBlockRef block;
};

extern const Object<OutlinedBlock> BLOCK; ///< With the ids of transactions.

} // namespace cairn::rpc
