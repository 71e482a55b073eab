// SPDX-License-Identifier: MIT
#include "rpc/node_context.h"

#include "consensus/address.h"
#include "node/network.h"
#include "rpc/server/auth.h"

#include <cassert>

namespace cairn::rpc {

using namespace consensus;

Error still_syncing(const chain::Indexer::Status& index) {
    return {
        Code::InternalError,
        "Unable to get data because " + std::string(index.name) +
            " is still syncing. Current height: " + std::to_string(index.height().value)};
}

Hash256 hash_argument(const Call& call, size_t i) {
    const std::optional<Hash256> hash = hash_from_string(call.text(i));
    assert(hash); // The table says Type::Hash.
    return *hash;
}

Outcome<const chain::BlockNode*> block_argument(const Call& call, size_t i) {
    const BlockHash hash(hash_argument(call, i));
    const chain::BlockNode* node = chain_of(call).find_block(hash);
    if (node == nullptr) return BLOCK_NOT_FOUND;
    return node;
}

std::optional<Script> script_of_text(const std::string& text, const Params& params) {
    if (auto script = script_of_address(text, params.address)) return script;
    const std::optional<Bytes> bytes = from_hex(text);
    if (!bytes || bytes->empty()) return std::nullopt;
    return Script(ByteView(*bytes));
}

std::string to_base64(ByteView bytes) {
    return server::base64_encode({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

std::optional<Bytes> from_base64(std::string_view text) {
    const std::optional<std::string> bytes = server::base64_decode(text);
    if (!bytes) return std::nullopt;
    return Bytes(bytes->begin(), bytes->end());
}

Outcome<TransactionRef>
transaction_of_hex(const std::string& hex, const Error& otherwise, HexForm form) {
    const std::optional<Bytes> bytes = from_hex(hex);
    if (!bytes) return otherwise;
    const auto read_as = [&](auto read) -> TransactionRef {
        Transaction tx;
        Reader reader(*bytes);
        (tx.*read)(reader);
        return reader.at_end() ? make_transaction(std::move(tx)) : nullptr;
    };
    TransactionRef tx;
    if (form != HexForm::WithoutWitness) tx = read_as(&Transaction::read);
    // Without inputs it looks like one with a witness, until it is read the old way.
    if (!tx && form != HexForm::WithWitness) tx = read_as(&Transaction::read_without_witness);
    if (!tx) return otherwise;
    return tx;
}

std::set<Txid> unbroadcast(const Call& call) {
    const node::Network* network = context_of(call).node.network;
    if (network == nullptr) return {};
    const std::vector<Txid> txids = network->unbroadcast();
    return {txids.begin(), txids.end()};
}

std::function<void(Reply)> answer_or_stop(std::function<void(Reply)> done) {
    struct Answer {
        explicit Answer(std::function<void(Reply)> to_give) : give(std::move(to_give)) {}

        ~Answer() {
            if (give) give(server::STOPPING);
        }

        Answer(const Answer&) = delete;
        Answer& operator=(const Answer&) = delete;

        std::function<void(Reply)> give;
    };

    return [answer = std::make_shared<Answer>(std::move(done))](Reply reply) {
        std::exchange(answer->give, nullptr)(std::move(reply));
    };
}

std::string reject_text(const Reject& reject) {
    return reject.detail.empty() ? std::string(reject.reason)
                                 : std::string(reject.reason) + ", " + reject.detail;
}

} // namespace cairn::rpc
