// SPDX-License-Identifier: MIT
// Blocks, transactions and scripts as JSON, and the schema of that JSON. The one place that knows
// these shapes; all methods that show such a thing use it.
#pragma once

#include "chain/chain.h"
#include "rpc/server/json_writer.h"
#include "rpc/server/method.h"

#include <optional>
#include <string>
#include <vector>

namespace cairn::rpc {

using server::Field;
using server::JsonWriter;

/// "1d00ffff"
std::string bits_text(uint32_t bits);

/// The target of `bits` as 64 digits.
std::string target_text(uint32_t bits);

/// An output descriptor of `script` with its checksum: pk, multi, rawtr where it says so, else
/// addr or raw. Source: BIP-0380. Core: InferDescriptor without keys.
std::string descriptor_of(consensus::ByteView script, const consensus::Params& params);

/// The eight letters that follow '#'; nullopt for characters that no descriptor has. BIP-0380.
std::optional<std::string> descriptor_checksum(std::string_view descriptor);

/// A scriptPubKey object.
void write_script(JsonWriter& writer, consensus::ByteView script, const consensus::Params& params);

/// The members of such an object, without braces.
void write_script_members(
    JsonWriter& writer, consensus::ByteView script, const consensus::Params& params, bool hex);

/// How much of a transaction is told.
struct TransactionDetail {
    const std::vector<chain::Coin>* spent = nullptr; ///< The coins it spends: then with its fee,
    bool prevouts = false;                           ///< ... and with each of them.
    bool hex = true;
};

/// The members of a transaction, without braces, so that the caller may add to them.
void write_transaction(
    JsonWriter& writer,
    const consensus::SealedTransaction& tx,
    const consensus::Params& params,
    const TransactionDetail& detail);

/// The members of a block header, without braces.
void write_header(JsonWriter& writer, const chain::BlockNode& node, const chain::View& view);

/// A block at getblock's verbosity 1, 2 or 3.
void write_block(
    JsonWriter& writer,
    const consensus::Block& block,
    const chain::BlockNode& node,
    const chain::Chain& chain,
    int64_t verbosity);

std::vector<Field> script_fields();
std::vector<Field> transaction_fields(bool prevouts);
std::vector<Field> header_fields();
std::vector<Field> block_fields(int64_t verbosity);

/// `fields` and then `more`.
std::vector<Field> join(std::vector<Field> fields, std::vector<Field> more);

} // namespace cairn::rpc
