// SPDX-License-Identifier: MIT
#include "rpc/node_context.h"

#include "consensus/address.h"
#include "node/network.h"

#include <cassert>

namespace cairn::rpc {

using namespace consensus;

Outcome<node::Network*> network_of(const Call& call) {
    node::Network* network = context_of(call).node.network;
    if (network == nullptr)
        return Error{Code::P2pDisabled, "Error: Peer-to-peer functionality missing or disabled"};
    return network;
}

Hash256 hash_argument(const Call& call, size_t i) {
    const std::optional<Hash256> hash = hash_from_string(call.text(i));
    assert(hash); // The table says Type::Hash.
    return *hash;
}

Outcome<const chain::BlockNode*> block_argument(const Call& call, size_t i) {
    const BlockHash hash(hash_argument(call, i));
    const chain::BlockNode* node = chain_of(call).find_block(hash);
    if (node == nullptr) return Error{Code::InvalidAddressOrKey, "Block not found"};
    return node;
}

Outcome<Script>
script_of_address(const Call& call, const std::string& address, std::string_view prefix) {
    std::optional<Script> script = consensus::script_of_address(address, params_of(call).address);
    if (!script) return Error{Code::InvalidAddressOrKey, std::string(prefix) + "Invalid address"};
    return std::move(*script);
}

Outcome<TransactionRef> transaction_of_hex(const std::string& hex, std::string message) {
    const std::optional<Bytes> bytes = from_hex(hex);
    if (!bytes) return Error{Code::Deserialization, std::move(message)};
    Transaction tx;
    Reader reader(*bytes);
    tx.read(reader);
    if (!reader.at_end()) {
        // Without inputs it looks like one with a witness, until it is read the old way.
        tx = {};
        Reader old_form(*bytes);
        tx.read_without_witness(old_form);
        if (!old_form.at_end()) return Error{Code::Deserialization, std::move(message)};
    }
    return make_transaction(std::move(tx));
}

std::set<Txid> unbroadcast(const Call& call) {
    const node::Network* network = context_of(call).node.network;
    if (network == nullptr) return {};
    const std::vector<Txid> txids = network->unbroadcast();
    return {txids.begin(), txids.end()};
}

std::string reject_text(const Reject& reject) {
    return reject.detail.empty() ? std::string(reject.reason)
                                 : std::string(reject.reason) + ", " + reject.detail;
}

} // namespace cairn::rpc
