// SPDX-License-Identifier: MIT
// A node that lives in the test: real blocks, filters and transactions, no proof of work, no
// sockets. It can be made to reorganise, to refuse and to go silent.
#pragma once

#include "consensus/params.h"
#include "wallet/rpc_client.h"
#include "wallet/wallet_file.h"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace cairn::wallet {

class FakeNode : public NodeRpc {
public:
    explicit FakeNode(const consensus::Params& params);

    boost::json::value call(std::string_view method, boost::json::array params = {}) override;
    std::vector<boost::json::value> batch(const std::vector<RpcCall>& calls) override;

    /// A block over the tip whose coinbase pays `amount` to `script`.
    BlockHash
    mine(const Script& script, Amount amount, std::vector<consensus::Transaction> others = {});
    /// A block that pays nobody we know, `count` times.
    void mine_empty(int count = 1);
    /// Put `tx` into the mempool.
    void wait(const consensus::Transaction& tx);
    /// A block with all that waits.
    void mine_mempool();
    /// Drop blocks from the tip; what they held besides coinbases waits again.
    void drop_blocks(int count, bool back_to_mempool = true);

    Height height() const { return static_cast<int32_t>(chain_.size()) - 1; }

    std::map<Txid, consensus::TransactionRef> mempool;
    std::set<std::string> blocks_fetched;
    std::set<std::string> transactions_fetched;
    std::optional<RpcError> refusal;           ///< What sendrawtransaction answers.
    std::optional<int> fail_after;             ///< Calls until the connection breaks.
    bool behind = false;                       ///< Says that it is catching up.
    std::optional<double> estimate;            ///< Of estimatesmartfee, coins per 1,000 vB.
    std::function<void()> before_filters;      ///< Called once, between hashes and filters.
    std::function<void()> before_transactions; ///< Called once, after the mempool was listed.

private:
    struct Entry {
        consensus::Block block;
        BlockHash hash;
        consensus::Bytes filter;
    };

    boost::json::value answer(std::string_view method, const boost::json::array& params);
    boost::json::value accept(const boost::json::value& hex);
    const Entry& entry(const boost::json::value& hash) const;

    std::vector<Entry> chain_;
    std::map<OutPoint, TxOut> outputs_;
    uint32_t salt_ = 0;
};

/// The parameters of a chain file of the sources.
const consensus::Params& regtest_params();
const consensus::Params& default_params();

/// A wallet of fixed words in `folder`, cheap to unlock.
std::filesystem::path make_test_wallet(
    const std::filesystem::path& folder, const consensus::Params& params, Height birthday = 0);

constexpr std::string_view TEST_WORDS = "abandon abandon abandon abandon abandon abandon abandon "
                                        "abandon abandon abandon abandon about";
constexpr std::string_view TEST_PASSPHRASE = "correct horse";

/// A script nobody of the tests holds.
Script foreign_script(uint8_t number = 1);

} // namespace cairn::wallet
