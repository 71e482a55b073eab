// SPDX-License-Identifier: MIT
// What proves that a transaction is in a block.
#include "consensus/merkle_proof.h"
#include "rpc/describe.h"
#include "rpc/methods.h"
#include "rpc/named_block.h"

#include <algorithm>
#include <set>

namespace cairn::rpc {

using namespace consensus;
using namespace server;

namespace {

/// More outputs than fit into a block nobody has. Core: MAX_OUTPUTS_PER_BLOCK.
constexpr uint32_t MAX_OUTPUTS = 111'111;

const Error NO_TXIDS{Code::InvalidParameter, "Parameter 'txids' cannot be empty"};
const Error NOT_IN_BLOCK_YET{Code::InvalidAddressOrKey, "Transaction not yet in block"};
const Error NOT_ALL_THERE{
    Code::InvalidAddressOrKey, "Not all transactions found in specified or retrieved block"};
const Error BAD_PROOF{Code::Deserialization, "Proof decode failed"};
const Error NOT_IN_CHAIN{Code::InvalidAddressOrKey, "Block not found in chain"};

/// Argument 0.
Outcome<std::set<Txid>> txids_argument(const Call& call) {
    std::set<Txid> txids;
    for (const Json& json : call.arguments[0].items) {
        if (std::optional<Error> error = check_hash("txid", json.text)) return std::move(*error);
        if (!txids.insert(*Txid::from_string(json.text)).second)
            return Error{
                Code::InvalidParameter, "Invalid parameter, duplicated txid: " + json.text};
    }
    if (txids.empty()) return NO_TXIDS;
    return txids;
}

/// The block that holds one of `txids`, by the index or else by a coin that is left of it.
const chain::BlockNode* find_block_of(const Call& call, const std::set<Txid>& txids) {
    const chain::Chain& chain = chain_of(call);
    const chain::Indexer& indexes = chain.indexes();
    if (indexes.enabled(chain::IndexId::Transactions) &&
        indexes.catch_up(chain::IndexId::Transactions))
        return indexes.find_transaction(*txids.begin());
    for (const Txid& txid : txids) {
        if (given_up(call)) return nullptr;
        for (uint32_t i = 0; i < MAX_OUTPUTS; ++i) {
            const chain::BlockNode* tip = nullptr;
            if (const auto coin = chain.find_coin({txid, i}, false, &tip))
                return tip->ancestor_node(coin->height);
        }
    }
    return nullptr;
}

/// A block has to be read, and without index and block all outputs may have to be tried.
Pace pace_of_proof(const Call& call) {
    const auto& indexes = chain_of(call).indexes();
    const bool indexed = indexes.enabled(chain::IndexId::Transactions);
    return call.has(1) || indexed ? Pace::Busy : Pace::Slow;
}

Outcome<Bytes> gettxoutproof(const Call& call) {
    const Outcome<std::set<Txid>> txids = txids_argument(call);
    if (!txids) return txids.error();
    const chain::BlockNode* node = nullptr;
    if (call.has(1)) {
        const Outcome<const chain::BlockNode*> named = block_argument(call, 1);
        if (!named) return named.error();
        node = *named;
    } else {
        node = find_block_of(call, *txids);
        if (node == nullptr) return NOT_IN_BLOCK_YET;
    }
    const BlockRef block = chain_of(call).read_block(*node);
    if (!block) return body_missing(*node);
    std::vector<bool> wanted;
    for (const SealedTransaction& tx : block->transactions)
        wanted.push_back(txids->contains(tx.txid));
    if (static_cast<size_t>(std::ranges::count(wanted, true)) != txids->size())
        return NOT_ALL_THERE;
    return encode(make_merkle_proof(*block, wanted));
}

const Method GETTXOUTPROOF{
    .name = "gettxoutproof",
    .summary = "A proof that a block holds transactions.",
    .params =
        {{"txids",
          Type::Array,
          REQUIRED,
          "Transactions of one block",
          {{"", Type::Hash, "Its id"}}},
         {"blockhash", Type::Hash, ABSENT,
          "The block; without it one of them has an unspent output, or there is -txindex"}},
    .fails =
        {NO_TXIDS,
         {Code::InvalidParameter, "Invalid parameter, duplicated txid: ..."},
         BLOCK_NOT_FOUND,
         NOT_IN_BLOCK_YET,
         NOT_AVAILABLE,
         PRUNED,
         NOT_ALL_THERE},
    .example = "[\"$TXID\"] $BLOCKHASH",
    .run = {gettxoutproof, "The proof"},
    .pace = pace_of_proof,
};

Outcome<std::vector<Txid>> verifytxoutproof(const Call& call) {
    const std::optional<Bytes> bytes = from_hex(call.text(0));
    const auto proof = decode<MerkleProof>(bytes.value_or(Bytes()));
    if (!proof) return BAD_PROOF;
    const std::optional<std::vector<Txid>> shown =
        check_merkle_proof(*proof, params_of(call).max_block_weight);
    if (!shown) return std::vector<Txid>();
    const chain::BlockNode* node = chain_of(call).find_block(proof->header.hash());
    if (node == nullptr || !chain_of(call).view().contains(*node) || node->tx_count == 0)
        return NOT_IN_CHAIN;
    // With the count of another tree an inner node could pose as a transaction.
    if (node->tx_count != proof->transactions) return std::vector<Txid>();
    return *shown;
}

const Method VERIFYTXOUTPROOF{
    .name = "verifytxoutproof",
    .summary = "The transactions that a proof shows to be in a block of the chain.",
    .params = {{"proof", Type::Hex, REQUIRED, "Of gettxoutproof"}},
    .fails = {BAD_PROOF, NOT_IN_CHAIN},
    .example = "$PROOF",
    .run = {verifytxoutproof, "Their ids; none if the proof is wrong"},
};

} // namespace

Groups proof_methods() {
    return {{"Blockchain", {&GETTXOUTPROOF, &VERIFYTXOUTPROOF}}};
}

} // namespace cairn::rpc
