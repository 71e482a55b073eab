// SPDX-License-Identifier: MIT
#include "wallet/spend.h"

#include "consensus/interpreter.h"
#include "consensus/serialize.h"
#include "wallet/coin_selection.h"
#include "wallet/keys/sign.h"
#include "wallet/sync.h"

#include <algorithm>
#include <cmath>

namespace cairn::wallet {

namespace json = boost::json;
using consensus::Params;
using consensus::Transaction;

namespace {

constexpr uint32_t REPLACEABLE = 0xfffffffd; ///< BIP-0125; also lets lock_time count.
constexpr int NOT_IN_MEMPOOL = -5;           ///< Core: RPC_INVALID_ADDRESS_OR_KEY.
constexpr uint32_t LOCK_TIME_JITTER = 100;   ///< Blocks.

/// Of a transaction with up to 252 inputs and outputs: version, counts, lock time, and the marker
/// and flag of its witness. Core and BIP-0141.
constexpr int64_t FRAME_WEIGHT = (4 + 1 + 1 + 4) * 4 + 2;
constexpr int64_t LONG_COUNT_WEIGHT = 8; ///< A count above 252 takes two bytes more.

/// Coins per 1,000 vB, as the node says it; 0 where it doesn't.
FeeRate rate_of(const json::value& reply, const char* name) {
    const json::value* rate = reply.is_object() ? reply.as_object().if_contains(name) : nullptr;
    if (rate == nullptr || !rate->is_number()) return {};
    const double per_kvb = std::round(rate->to_number<double>() * consensus::COIN);
    if (!(per_kvb > 0) || per_kvb > 1e12) return {};
    return {static_cast<int64_t>(per_kvb)};
}

int64_t output_weight(const Script& script) {
    return static_cast<int64_t>(consensus::encode(TxOut{0, script}).size()) * 4;
}

std::vector<OwnCoin> spendable_coins(
    const Ledger& ledger,
    const PaymentRequest& request,
    bool confirmed_only,
    const Params& params) {
    std::vector<OwnCoin> coins = ledger.coins(params.coinbase_maturity);
    std::erase_if(coins, [&](const OwnCoin& coin) {
        return !coin.spendable || (confirmed_only && !coin.height) ||
               request.avoided.contains(coin.point);
    });
    return coins;
}

SelectionTarget target_of(
    const PaymentRequest& request, const Script& change, size_t coin_count, const Params& params) {
    SelectionTarget target;
    target.max_weight = consensus::max_standard_weight(params);
    target.payments = request.amount.value_or(Amount(0));
    target.rate = request.rate;
    target.fixed_weight =
        FRAME_WEIGHT + output_weight(request.script) + (coin_count > 252 ? LONG_COUNT_WEIGHT : 0);
    target.input_weight = keys::P2WPKH_INPUT_WEIGHT;
    target.change_weight = output_weight(change);
    target.change_dust = dust_threshold(change);
    return target;
}

/// Where the chain is, so that a miner who would redo the last blocks for their fees can't take
/// this transaction along; now and then a little lower, as others do whose payments were delayed.
uint32_t lock_time_after(const Ledger& ledger) {
    const std::optional<ScannedBlock> tip = ledger.tip();
    auto height = tip ? static_cast<uint32_t>(tip->height.value) : 0;
    if (random_below(10) == 0) height -= std::min(height, random_below(LOCK_TIME_JITTER));
    return height;
}

template <class T>
void shuffle(std::vector<T>& items) {
    for (size_t i = items.size(); i > 1; --i)
        std::swap(items[i - 1], items[random_below(static_cast<uint32_t>(i))]);
}

/// Of the amounts beyond what `most`, the largest coins that fit, hold.
[[noreturn]] void too_many_coins(const std::vector<OwnCoin>& coins, const Selection& most) {
    Amount sum;
    for (const size_t i : most.chosen) sum += coins[i].out.value;
    throw WalletError(
        "the amount takes more than " + std::to_string(most.chosen.size()) +
        " coins, which is what one transaction has room for: at most " + to_text(sum - most.fee) +
        " can be sent at once; sending all to an address of this wallet joins its largest coins");
}

[[noreturn]] void
not_enough(const Ledger& ledger, const PaymentRequest& request, const Params& params) {
    const Balance balance = ledger.balance(params.coinbase_maturity);
    std::string message = "not enough money: " + to_text(balance.spendable) + " can be spent";
    message += request.amount ? ", " + to_text(*request.amount) + " and the fee are needed"
                              : ", which doesn't pay the fee";
    if (balance.incoming > Amount(0))
        message += "; " + to_text(balance.incoming) + " is on its way, wait for its block";
    if (balance.immature > Amount(0))
        message += "; " + to_text(balance.immature) + " is new and matures after " +
                   std::to_string(params.coinbase_maturity) + " blocks";
    if (!request.avoided.empty())
        message += "; other payments from this wallet wait in the node's mempool, made by a copy "
                   "of it, and spend " +
                   std::to_string(request.avoided.size()) + " of its coins";
    throw WalletError(message);
}

/// Those of the draft's coins that a transaction in the node's mempool spends.
std::vector<OutPoint> spent_in_mempool(NodeRpc& node, const PaymentDraft& draft) {
    json::array points;
    for (const OwnCoin& coin : draft.inputs)
        points.push_back(
            json::object{{"txid", coin.point.txid.to_string()}, {"vout", coin.point.index}});
    const json::value reply =
        node.call("gettxspendingprevout", {points, json::object{{"mempool_only", true}}});
    if (!reply.is_array() || reply.as_array().size() != draft.inputs.size())
        throw RpcError(0, "the node doesn't say which coins its mempool spends");
    std::vector<OutPoint> spent;
    for (size_t i = 0; i < draft.inputs.size(); ++i) {
        const json::value& one = reply.as_array()[i];
        if (one.is_object() && one.as_object().contains("spendingtxid"))
            spent.push_back(draft.inputs[i].point);
    }
    return spent;
}

} // namespace

FeeRate fee_rate_from(NodeRpc& node, int blocks) {
    const json::value info = node.call("getmempoolinfo");
    const FeeRate least = std::max(rate_of(info, "mempoolminfee"), rate_of(info, "minrelaytxfee"));
    if (least == FeeRate{}) throw RpcError(0, "the node doesn't say which fee it relays for");
    try {
        return std::max(rate_of(node.call("estimatesmartfee", {blocks}), "feerate"), least);
    } catch (const RpcError& error) {
        if (error.code == 0) throw;
        return least;
    }
}

PaymentDraft draft_payment(Ledger& ledger, const PaymentRequest& request, const Params& params) {
    const Amount dust = dust_threshold(request.script);
    if (request.amount && (*request.amount < dust || *request.amount == Amount(0)))
        throw WalletError(
            "the amount is too small to be relayed: send at least " +
            to_text(std::max(dust, Amount(1))));
    const Script change_script = ledger.script_of(ledger.change_key());

    // Coins in a block first: what depends on nothing confirms sooner.
    std::optional<Selection> selection;
    std::optional<Selection> most;
    std::vector<OwnCoin> coins;
    for (const bool confirmed_only : {true, false}) {
        if (selection || (confirmed_only && !request.amount)) continue;
        coins = spendable_coins(ledger, request, confirmed_only, params);
        std::vector<Amount> values;
        values.reserve(coins.size());
        for (const OwnCoin& coin : coins) values.push_back(coin.out.value);
        const SelectionTarget target = target_of(request, change_script, coins.size(), params);
        selection = request.amount ? select_coins(values, target) : select_all(values, target);
        if (!selection) most = select_all(values, target);
    }
    if (!selection && most && most->left > 0 &&
        request.amount <= ledger.balance(params.coinbase_maturity).spendable)
        too_many_coins(coins, *most);
    if (!selection) not_enough(ledger, request, params);

    PaymentDraft draft;
    draft.left = selection->left;
    draft.fee = selection->fee;
    draft.change = selection->change;
    Amount sum;
    shuffle(selection->chosen);
    for (const size_t i : selection->chosen) {
        sum += coins[i].out.value;
        draft.tx.inputs.push_back({coins[i].point, {}, REPLACEABLE, {}});
        draft.inputs.push_back(coins[i]);
    }
    draft.amount = sum - draft.fee - draft.change;
    if (draft.amount < dust) not_enough(ledger, request, params);
    draft.tx.outputs.push_back({draft.amount, request.script});
    if (draft.change > Amount(0)) draft.tx.outputs.push_back({draft.change, change_script});
    shuffle(draft.tx.outputs);
    draft.tx.lock_time = lock_time_after(ledger);
    return draft;
}

PaymentDraft
draft_unspent(NodeRpc& node, Ledger& ledger, PaymentRequest request, const Params& params) {
    for (;;) {
        PaymentDraft draft = draft_payment(ledger, request, params);
        const std::vector<OutPoint> spent = spent_in_mempool(node, draft);
        if (spent.empty()) return draft;
        request.avoided.insert(spent.begin(), spent.end());
    }
}

consensus::TransactionRef
sign_payment(const PaymentDraft& draft, const keys::ExtendedSecretKey& account) {
    Transaction tx = draft.tx;
    std::vector<TxOut> spent;
    for (const OwnCoin& coin : draft.inputs) spent.push_back(coin.out);
    const consensus::SighashMidstates midstates(tx, spent);
    for (size_t i = 0; i < tx.inputs.size(); ++i) {
        const KeyPosition at = draft.inputs[i].key;
        const auto key = derive(account, {static_cast<uint32_t>(at.branch), at.number});
        if (!key || keys::p2wpkh_script(keys::public_key(key->key)) != spent[i].script_pubkey)
            throw WalletError("the wallet file is damaged: a coin doesn't belong to its key");
        keys::sign_p2wpkh(tx, i, key->key, midstates);
        const consensus::ScriptError error =
            consensus::verify_input(tx, i, spent[i], consensus::STANDARD_FLAGS, midstates);
        if (error != consensus::ScriptError::Ok)
            throw std::logic_error("a signature made here is not valid");
    }
    return consensus::make_transaction(std::move(tx));
}

void send_payment(
    NodeRpc& node, WalletFile& wallet, const consensus::TransactionRef& tx, int64_t now) {
    wallet.database().atomically([&] { wallet.ledger().add_own(*tx, now); });
    try {
        const json::string raw(consensus::to_hex(consensus::encode(*tx)));
        node.call("sendrawtransaction", {raw});
    } catch (const RpcError& error) {
        if (error.code == 0) throw;
        wallet.database().atomically([&] { wallet.ledger().remove_own(tx->txid); });
        throw;
    }
}

void abandon_payment(
    NodeRpc& node, WalletFile& wallet, const Txid& txid, const Params& params, bool force) {
    const auto pending = wallet.ledger().pending();
    if (std::ranges::none_of(pending, [&](const auto& waits) { return waits.tx->txid == txid; }))
        throw WalletError("the wallet has no unconfirmed transaction " + txid.to_string());
    try {
        node_height(node, params); // of another chain, it couldn't say
        node.call("getmempoolentry", {txid.to_string()});
        throw WalletError(
            txid.to_string() +
            " waits in the node's mempool, and the next block may hold it: nothing "
            "was given up");
    } catch (const RpcError& error) {
        if (error.code != NOT_IN_MEMPOOL && !force)
            throw WalletError(
                std::string(error.what()) + "; so it isn't known whether it still waits to be "
                                            "mined: --force gives it up all the same");
    }
    wallet.ledger().abandon(txid);
}

} // namespace cairn::wallet
