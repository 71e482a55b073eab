// SPDX-License-Identifier: MIT
// Single transactions: looking them up, sending them, taking them apart.
#include "chain/package.h"
#include "consensus/address.h"
#include "consensus/interpreter.h"
#include "consensus/signature.h"
#include "consensus/standard.h"
#include "node/network.h"
#include "rpc/describe.h"
#include "rpc/methods.h"
#include "rpc/raw_transactions.h"

#include <algorithm>

namespace cairn::rpc {

using namespace consensus;
using namespace server;

namespace {

const Error GENESIS_COINBASE{
    Code::InvalidAddressOrKey, "The genesis block coinbase is not considered an ordinary "
                               "transaction and cannot be retrieved"};
const Error NO_SUCH_BLOCK{Code::InvalidAddressOrKey, "Block hash not found"};
const Error NO_BODY{Code::Misc, "Block not available"};
const Error NOT_IN_BLOCK{
    Code::InvalidAddressOrKey, "No such transaction found in the provided block. Use "
                               "gettransaction for wallet transactions."};
const Error NOT_WAITING{
    Code::InvalidAddressOrKey,
    "No such mempool transaction. Use -txindex or provide a block hash to enable blockchain "
    "transaction queries. Use gettransaction for wallet transactions."};
const Error NOT_YET_INDEXED{
    Code::InvalidAddressOrKey,
    "No such mempool transaction. Blockchain transactions are still in the process of being "
    "indexed. Use gettransaction for wallet transactions."};
const Error NOWHERE{
    Code::InvalidAddressOrKey, "No such mempool or blockchain transaction. Use gettransaction for "
                               "wallet transactions."};
const Error FEERATE_TOO_HIGH{
    Code::InvalidParameter, "Fee rates larger than or equal to 1BTC/kvB are not accepted"};
const Error BURNS_TOO_MUCH{
    Code::Verify, "Unspendable output exceeds maximum configured by user (maxburnamount)"};
const Error PAYS_TOO_MUCH{
    Code::Verify, "Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)"};
const Error ALREADY_CONFIRMED{Code::AlreadyInUtxoSet, "Transaction outputs already in utxo set"};
const Error BAD_TRANSACTION_COUNT{
    Code::InvalidParameter, "Array must contain between 1 and 25 transactions."};

const Error BAD_TOPOLOGY{
    Code::Verify, "package topology disallowed. not child-with-parents or parents depend on each "
                  "other."};

const Param MAX_FEERATE{
    "maxfeerate", Type::Amount, "\"0.10\"",
    "Refuse a transaction that pays more coins for 1,000 virtual bytes; 0: no limit"};

const Param MAX_BURN{
    "maxburnamount", Type::Amount, "\"0\"",
    "Refuse a transaction with more coins than these in an unspendable output"};

// getrawtransaction //////////////////////////////////////////////////////////////////////////

/// A transaction, and the block it was found in.
struct Found {
    TransactionRef tx;
    const chain::BlockNode* node = nullptr; ///< Null if it waits.
    std::vector<chain::Coin> spent;         ///< What it spends, if asked for and known.
};

/// With the coins that it spends, if they are known.
std::optional<Found>
find_with_spent(const chain::Chain& chain, const chain::BlockNode& node, const Txid& txid) {
    const BlockRef block = chain.read_block(node);
    if (!block) return std::nullopt;
    const auto& all = block->transactions;
    const auto place = std::ranges::find(all, txid, &consensus::SealedTransaction::txid);
    if (place == all.end()) return std::nullopt;
    const auto i = static_cast<size_t>(place - all.begin());
    Found found{share_transaction(block, i), &node, {}};
    if (i == 0) return found;
    if (std::optional<chain::BlockUndo> undo = chain.read_undo(node, *block))
        found.spent.assign(undo->spent(i).begin(), undo->spent(i).end());
    return found;
}

std::optional<Found> find_in_block(
    const chain::Chain& chain, const chain::BlockNode& node, const Txid& txid, bool with_spent) {
    if (with_spent) return find_with_spent(chain, node, txid);
    const chain::StoredBlockRef block = chain.recent_block(node);
    TransactionRef tx = block ? block->find(txid) : nullptr;
    if (!tx) return std::nullopt;
    return Found{std::move(tx), &node, {}};
}

Outcome<Found> find_indexed(const chain::Chain& chain, const Txid& txid, bool with_spent) {
    const chain::Indexer& indexes = chain.indexes();
    if (!indexes.enabled(chain::IndexId::Transactions)) return NOT_WAITING;
    const bool synced = indexes.catch_up(chain::IndexId::Transactions);
    const chain::BlockNode* node = indexes.find_transaction(txid);
    if (node == nullptr) return synced ? NOWHERE : NOT_YET_INDEXED;
    std::optional<Found> found = find_in_block(chain, *node, txid, with_spent);
    if (!found) return NO_BODY;
    return std::move(*found);
}

Outcome<Found> find_transaction(const Call& call, const Txid& txid, bool with_spent) {
    const chain::Chain& chain = chain_of(call);
    if (!call.has(2)) {
        const consensus::Params& params = chain.params();
        if (!params.genesis_spendable && txid == params.genesis.transactions[0].txid)
            return GENESIS_COINBASE;
        {
            const chain::MempoolReader pool = chain.mempool();
            if (const chain::MempoolEntry* entry = pool->find(txid)) return Found{entry->tx};
        }
        return find_indexed(chain, txid, with_spent);
    }
    if (std::optional<Error> error = check_hash("parameter 3", call.text(2)))
        return std::move(*error);
    const chain::BlockNode* node = chain.find_block(BlockHash(hash_argument(call, 2)));
    if (node == nullptr) return NO_SUCH_BLOCK;
    if (!node->has(chain::BlockNode::HAVE_BODY)) return NO_BODY;
    std::optional<Found> found = find_in_block(chain, *node, txid, with_spent);
    if (!found) return NOT_IN_BLOCK;
    return std::move(*found);
}

/// A transaction found, as getrawtransaction tells it.
struct FoundView {
    TransactionView tx;
    std::optional<bool> in_active_chain; ///< Of the block that the caller named.
    std::optional<HeaderView> block;

    std::optional<Seconds> time() const {
        if (!block || !block->active) return std::nullopt;
        return Seconds{block->node->header.time};
    }
};

const Object<FoundView> FOUND{
    {"in_active_chain", "Whether the block named is active", &FoundView::in_active_chain},
    {TRANSACTION, &FoundView::tx},
    {"blockhash", "The block it is in",
     [](auto& f) { return f.block ? &f.block->node->hash : nullptr; }},
    {"confirmations", "Blocks from that one to the tip; 0 off the active chain",
     [](auto& f) {
         return only_if(f.block.has_value(), f.block ? std::max(0, confirmations(*f.block)) : 0);
     }},
    {"time", "The block's time", &FoundView::time},
    {"blocktime", "The same", &FoundView::time}};

Reply getrawtransaction(const Call& call) {
    if (std::optional<Error> error = check_hash("parameter 1", call.text(0)))
        return std::move(*error);
    const int64_t verbosity = call.integer(1);
    const Outcome<Found> found =
        find_transaction(call, Txid(hash_argument(call, 0)), verbosity >= 2);
    if (!found) return found.error();
    if (verbosity <= 0) return to_json(encode(*found->tx));
    FoundView view{{found->tx, &params_of(call), {}, true}, std::nullopt, std::nullopt};
    if (!found->spent.empty()) view.tx.spent = found->spent;
    if (found->node != nullptr) view.block = {found->node, chain_of(call).view()};
    if (call.has(2)) view.in_active_chain = view.block->active;
    return to_json(view, FOUND);
}

/// For all that is to tell of it, its block and what that spent have to be read.
Pace pace_of_transaction(const Call& call) {
    if (call.integer(1) > 1) return Pace::Busy;
    return pace_of_index<chain::IndexId::Transactions>(call);
}

const Method GETRAWTRANSACTION{
    .name = "getrawtransaction",
    .summary = "A transaction that waits, or is in a given block; with -txindex in any.",
    .params =
        // The hashes are checked by the handler: the reference calls them by number.
    {{"txid", Type::Hex, REQUIRED, "Its id"},
     {"verbosity|verbose", Type::Level, "0",
      "0: its bytes, 1: what is in it, 2: and what it spends"},
     {"blockhash", Type::Hex, ABSENT, "The block it is in"}},
    .fails =
        {NOT_WAITING, NOT_YET_INDEXED, NOWHERE, NO_SUCH_BLOCK, NO_BODY, NOT_IN_BLOCK,
         GENESIS_COINBASE},
    .example = "$TXID 2 $BLOCKHASH",
    .run =
        {getrawtransaction,
         {returned<Bytes>("verbosity = 0", "The transaction as on the wire"),
          returned<FoundView>("verbosity = 1 or 2", "", FOUND)}},
    .pace = pace_of_transaction,
};

// sendrawtransaction, testmempoolaccept //////////////////////////////////////////////////////

using Verdict = consensus::Result<chain::Accepted>;

/// Whether `accepted` pays more than `max_feerate` (0: no limit) allows.
bool pays_too_much(const chain::Accepted& accepted, Amount max_feerate) {
    return max_feerate > Amount(0) &&
           accepted.fee > chain::FeeRate{max_feerate}.fee(accepted.vsize);
}

/// Whether no opcode in `script` is unknown to old rules, and no push too long. Core: HasValidOps.
bool has_known_opcodes(ByteView script) {
    ScriptReader reader(script);
    while (const std::optional<Instruction> step = reader.next())
        if (step->opcode >= OP_CHECKSIGADD || step->data.size() > MAX_SCRIPT_ELEMENT_SIZE)
            return false;
    return reader.at_end();
}

bool burns_more_than(const Transaction& tx, Amount limit) {
    return std::any_of(tx.outputs.begin(), tx.outputs.end(), [&](const TxOut& out) {
        const bool lost =
            is_unspendable(out.script_pubkey) || !has_known_opcodes(out.script_pubkey);
        return lost && out.value > limit;
    });
}

/// Looks at no more outputs than a standard transaction has, since the chain waits.
bool has_unspent_output(const chain::Chain& chain, const SealedTransaction& tx) {
    constexpr size_t MAX_OUTPUTS = 4'000;
    for (uint32_t i = 0; i < std::min(tx.outputs.size(), MAX_OUTPUTS); ++i)
        if (chain.find_coin({tx.txid, i}, false)) return true;
    return false;
}

Error refusal(const Reject& reject) {
    if (reject.reason == "max-fee-exceeded") return PAYS_TOO_MUCH;
    const bool missing = reject.kind == Reject::Kind::MissingInputs;
    return {missing ? Code::Verify : Code::Rejected, reject_text(reject)};
}

/// What `tx` is answered with, and peers are told, after the mempool's verdict; on the chain
/// thread, so that nothing has changed since.
Reply sent(const Call& call, const TransactionRef& tx, const Verdict& verdict) {
    const chain::Chain& chain = chain_of(call);
    TransactionRef waiting = tx;
    if (!verdict) {
        // The same may wait already, perhaps with another witness: then peers are told of that.
        const auto in_mempool = [&]() -> TransactionRef {
            const chain::MempoolReader pool = chain.mempool();
            const chain::MempoolEntry* entry = pool->find(tx->txid);
            return entry == nullptr ? nullptr : entry->tx;
        };
        waiting = in_mempool();
        if (!waiting && has_unspent_output(chain, *tx)) return ALREADY_CONFIRMED;
        if (!waiting) return refusal(verdict.error());
    }
    node::Network* network = context_of(call).node.network;
    if (network != nullptr && !verdict) network->broadcast(waiting); // else the chain tells it
    return to_json(tx->txid);
}

void sendrawtransaction(const std::shared_ptr<const Call>& call, std::function<void(Reply)> done) {
    const Outcome<TransactionRef> tx = transaction_of_hex(call->text(0), NOT_A_TRANSACTION);
    if (!tx) return done(tx.error());
    const Amount max_feerate = call->satoshis(1);
    if (max_feerate >= COIN) return done(FEERATE_TOO_HIGH);
    if (burns_more_than(**tx, call->satoshis(2))) return done(BURNS_TOO_MUCH);
    chain::AcceptOptions options{
        .must = true, .ours = true}; // There are MAX_WAITING_CALLS at most.
    if (max_feerate > Amount(0)) options.max_fee = chain::FeeRate{max_feerate}.fee((*tx)->vsize());
    chain_of(*call).accept_transaction(
        *tx, options,
        [call, tx = *tx, done = answer_or_stop(std::move(done))](const Verdict& verdict) {
            done(sent(*call, tx, verdict));
        });
}

const Method SENDRAWTRANSACTION{
    .name = "sendrawtransaction",
    .summary = "Check a transaction, keep it in the mempool, and announce it to all peers.",
    .params =
        {{"hexstring", Type::Hex, REQUIRED, "The transaction as on the wire"},
         MAX_FEERATE,
         MAX_BURN},
    .fails =
        {NOT_A_TRANSACTION,
         FEERATE_TOO_HIGH,
         BURNS_TOO_MUCH,
         PAYS_TOO_MUCH,
         ALREADY_CONFIRMED,
         {Code::Verify, "bad-txns-inputs-missingorspent"},
         {Code::Rejected, "the reason of the refusal"}},
    .example = "$TRANSACTION",
    .run = {sendrawtransaction, {returned<Txid>("", "Its id")}},
    .overlaps = true,
};

/// What the mempool says of a transaction.
struct Test {
    TransactionRef tx;
    std::optional<Verdict> verdict;           ///< None if it was not looked at as far as that.
    bool too_much = false;                    ///< It is good, but pays more than the caller wants.
    std::optional<std::string> package_error; ///< What is wrong with all of them.

    bool allowed() const { return verdict.has_value() && verdict->has_value() && !too_much; }

    std::optional<std::string> reason() const {
        if (too_much) return "max-fee-exceeded";
        if (!verdict || *verdict) return std::nullopt;
        return is_missing() ? "missing-inputs" : verdict->error().reason;
    }

    std::optional<std::string> details() const {
        if (!verdict || *verdict || is_missing()) return std::nullopt;
        return reject_text(verdict->error());
    }

    bool is_missing() const { return verdict->error().kind == Reject::Kind::MissingInputs; }
};

const Object<chain::Accepted> FEES{
    {"base", "The fee", &chain::Accepted::fee},
    {"effective-feerate", "The price of 1,000 virtual bytes, with those that had to pay for it",
     [](auto& a) { return only_if(!a.effective_of.empty(), a.effective_feerate); }},
    {"effective-includes", "Wtxids of what that price is of",
     [](auto& a) { return only_if(!a.effective_of.empty(), a.effective_of); }}};

const Object<Test> TEST{
    {"txid", "Its id", [](auto& t) { return t.tx->txid; }},
    {"wtxid", "The hash with the witness", [](auto& t) { return t.tx->wtxid; }},
    {"package-error", "What is wrong with all together", &Test::package_error},
    {"allowed", "Whether it would be taken",
     [](auto& t) { return only_if(t.verdict.has_value(), t.allowed()); }},
    {"vsize", "Virtual bytes",
     [](auto& t) { return only_if(t.allowed(), t.allowed() ? (*t.verdict)->vsize : 0); }},
    {"fees", "What it pays", [](auto& t) { return t.allowed() ? &**t.verdict : nullptr; }, FEES},
    {"reject-reason", "Why not", &Test::reason},
    {"reject-details", "Why not, in more words", &Test::details}};

/// Argument 0, an array of hexadecimal texts.
Outcome<std::vector<TransactionRef>> transactions_argument(const Call& call) {
    const std::vector<Json>& texts = call.arguments[0].items;
    if (texts.empty() || texts.size() > chain::MAX_PACKAGE_COUNT) return BAD_TRANSACTION_COUNT;
    std::vector<TransactionRef> transactions;
    for (const Json& text : texts) {
        Outcome<TransactionRef> tx = transaction_of_hex(
            text.text, {Code::Deserialization, "TX decode failed: " + text.text +
                                                   " Make sure the tx has at least one input."});
        if (!tx) return tx.error();
        transactions.push_back(std::move(*tx));
    }
    return transactions;
}

Outcome<std::vector<Test>> testmempoolaccept(const Call& call) {
    const Amount max_feerate = call.satoshis(1);
    const auto transactions = transactions_argument(call);
    if (!transactions) return transactions.error();
    if (max_feerate >= COIN) return FEERATE_TOO_HIGH;
    chain::PackageOutcome outcome;
    if (transactions->size() == 1) {
        const TransactionRef& tx = transactions->front();
        outcome.each.insert_or_assign(
            tx->wtxid, wait_for<Verdict>(
                           call, &chain::Chain::accept_transaction, tx,
                           chain::AcceptOptions{.test_only = true, .must = true}));
    } else {
        outcome = wait_for<chain::PackageOutcome>(
            call, &chain::Chain::accept_package, *transactions,
            chain::AcceptOptions{.test_only = true, .must = true});
    }
    std::vector<Test> tests;
    bool stopped = false; // what comes after one that pays too much is not told of
    for (const TransactionRef& tx : *transactions) {
        Test& test = tests.emplace_back(Test{tx, {}, false, {}});
        const auto found = outcome.each.find(tx->wtxid);
        if (found != outcome.each.end() && !stopped) {
            test.verdict = found->second;
            test.too_much = stopped = found->second && pays_too_much(*found->second, max_feerate);
        }
        if (outcome.each.empty()) test.package_error = reject_text(outcome.verdict.error());
    }
    return tests;
}

const Method TESTMEMPOOLACCEPT{
    .name = "testmempoolaccept",
    .summary = "Whether the mempool would take transactions, all of them and none paying for "
               "another; nothing is kept.",
    .params =
        {{"rawtxs",
          Type::Array,
          REQUIRED,
          "Up to 25 transactions as on the wire",
          {{"", Type::Hex, "A transaction"}}},
         MAX_FEERATE},
    .fails = {BAD_TRANSACTION_COUNT, FEERATE_TOO_HIGH, DECODE_FAILED},
    .example = "[\"$TRANSACTION\"]",
    .run = {testmempoolaccept, TEST},
    .pace = waits,
};

// submitpackage //////////////////////////////////////////////////////////////////////////////

/// What became of one transaction of a package.
struct Submitted {
    TransactionRef tx;
    std::optional<Verdict> verdict;

    const chain::Accepted* accepted() const { return verdict && *verdict ? &**verdict : nullptr; }

    std::optional<std::string> error() const {
        if (!verdict) return "package-not-validated";
        if (*verdict) return std::nullopt;
        return reject_text(verdict->error());
    }
};

const Object<Submitted> SUBMITTED{
    {"txid", "Its id", [](auto& s) { return s.tx->txid; }},
    {"other-wtxid", "The same with another witness, which waits already",
     [](auto& s) { return s.accepted() ? s.accepted()->waits_as : std::nullopt; }},
    {"vsize", "Virtual bytes",
     [](auto& s) {
         return only_if(s.accepted() != nullptr, s.accepted() ? s.accepted()->vsize : 0);
     }},
    {"fees", "What it pays", &Submitted::accepted, FEES},
    {"error", "Why it is not taken", &Submitted::error}};

struct PackageView {
    std::string message;
    std::vector<std::pair<std::string, Submitted>> each;
    std::vector<Txid> replaced;
};

const Object<PackageView> PACKAGE{
    {"package_msg", "success, or what is wrong", &PackageView::message},
    {"tx-results", "By wtxid", &PackageView::each, SUBMITTED},
    {"replaced-transactions", "Ids of what went for them", &PackageView::replaced}};

Outcome<PackageView> submitpackage(const Call& call) {
    const auto package = transactions_argument(call);
    if (!package) return package.error();
    const Amount max_feerate = call.satoshis(1);
    if (max_feerate >= COIN) return FEERATE_TOO_HIGH;
    for (const TransactionRef& tx : *package)
        if (burns_more_than(*tx, call.satoshis(2))) return BURNS_TOO_MUCH;
    if (!chain::is_child_with_parents(*package)) return BAD_TOPOLOGY;
    chain::AcceptOptions options{.must = true, .ours = true};
    if (max_feerate > Amount(0)) options.max_feerate = chain::FeeRate{max_feerate};
    const auto outcome =
        wait_for<chain::PackageOutcome>(call, &chain::Chain::accept_package, *package, options);
    PackageView view{
        outcome.verdict ? "success" : reject_text(outcome.verdict.error()), {}, outcome.replaced};
    node::Network* network = context_of(call).node.network;
    for (const TransactionRef& tx : *package) {
        Submitted submitted{tx, std::nullopt};
        if (const auto found = outcome.each.find(tx->wtxid); found != outcome.each.end())
            submitted.verdict = found->second;
        const chain::Accepted* accepted = submitted.accepted();
        if (network != nullptr && accepted != nullptr && !accepted->is_new() && !accepted->waits_as)
            network->broadcast(tx);
        view.each.emplace_back(tx->wtxid.to_string(), std::move(submitted));
    }
    return view;
}

const Method SUBMITPACKAGE{
    .name = "submitpackage",
    .summary = "Put a transaction with its parents into the mempool: it may pay for one of them.",
    .params =
        {{"package",
          Type::Array,
          REQUIRED,
          "Up to 25 transactions as on the wire, the child last",
          {{"", Type::Hex, "A transaction"}}},
         MAX_FEERATE,
         MAX_BURN},
    .fails = {BAD_TRANSACTION_COUNT, FEERATE_TOO_HIGH, BURNS_TOO_MUCH, BAD_TOPOLOGY, DECODE_FAILED},
    .example = "[\"$TRANSACTION\"]",
    .run = {submitpackage, PACKAGE},
    .pace = waits,
};

// decoderawtransaction, decodescript /////////////////////////////////////////////////////////

Outcome<TransactionView> decoderawtransaction(const Call& call) {
    const Outcome<TransactionRef> tx =
        transaction_of_hex(call.text(0), DECODE_FAILED, hex_form(call, 1));
    if (!tx) return tx.error();
    return TransactionView{.tx = *tx, .params = &params_of(call), .hex = false};
}

const Method DECODERAWTRANSACTION{
    .name = "decoderawtransaction",
    .summary = "What is in a transaction.",
    .params = {{"hexstring", Type::Hex, REQUIRED, "The transaction as on the wire"}, IS_WITNESS},
    .fails = {DECODE_FAILED},
    .example = "$TRANSACTION",
    .run = {decoderawtransaction, TRANSACTION},
};

bool can_be_hashed(ByteView script, OutputType type) {
    switch (type) {
    case OutputType::Multisig:
    case OutputType::Nonstandard:
    case OutputType::PubKey:
    case OutputType::PubKeyHash:
    case OutputType::WitnessV0KeyHash:
    case OutputType::WitnessV0ScriptHash:
        return has_known_opcodes(script) && has_op_success(script) == false &&
               !is_unspendable(script);
    default:
        return false;
    }
}

/// The witness program that stands for `script`; nullopt where there is none.
std::optional<Script> witness_script_of(ByteView script, const OutputTemplate& found) {
    const auto compressed = [](const Bytes& key) { return is_compressed_pubkey(key); };
    switch (found.type) {
    case OutputType::PubKey:
    case OutputType::Multisig:
        if (!std::all_of(found.parts.begin(), found.parts.end(), compressed)) return std::nullopt;
        if (found.type == OutputType::PubKey) return pay_to_witness(0, hash160(found.parts[0]));
        break;
    case OutputType::PubKeyHash:
        return pay_to_witness(0, found.parts[0]);
    case OutputType::Nonstandard:
        break;
    default:
        return std::nullopt;
    }
    return pay_to_witness(0, sha256(script).view());
}

/// A script, and what stands for it.
struct ScriptForms {
    Bytes script;
    const Params* params;
    std::optional<Script> witness; ///< The witness program that stands for it.
    bool can_be_hashed = false;
};

std::string p2sh_address(ByteView script, const Params& params) {
    return *address_of_script(pay_to_script_hash(hash160(script)), params.address);
}

const Object<ScriptForms> SEGWIT_FORM{
    {SCRIPT,
     [](auto& s) {
         return ScriptView{*s.witness, s.params};
     }},
    {"p2sh-segwit", "Address of that program's hash",
     [](auto& s) { return p2sh_address(*s.witness, *s.params); }}};

const Object<ScriptForms> SCRIPT_FORMS{
    {SCRIPT_WITHOUT_HEX,
     [](auto& s) {
         return ScriptView{s.script, s.params};
     }},
    {"p2sh", "Address of its hash",
     [](auto& s) { return only_if(s.can_be_hashed, p2sh_address(s.script, *s.params)); }},
    {"segwit", "The witness program that stands for it",
     [](auto& s) { return s.witness ? &s : nullptr; }, SEGWIT_FORM}};

Outcome<ScriptForms> decodescript(const Call& call) {
    const std::optional<Bytes> bytes = from_hex(call.text(0));
    if (!bytes)
        return Error{
            Code::InvalidParameter,
            "argument must be hexadecimal string (not '" + call.text(0) + "')"};
    const OutputTemplate found = match_template(*bytes);
    ScriptForms forms{*bytes, &params_of(call)};
    forms.can_be_hashed = can_be_hashed(*bytes, found.type);
    if (forms.can_be_hashed) forms.witness = witness_script_of(*bytes, found);
    return forms;
}

const Method DECODESCRIPT{
    .name = "decodescript",
    .summary = "What a script says, and the addresses that stand for it.",
    .params = {{"hexstring", Type::Hex, REQUIRED, "The script"}},
    .example = "76a914000000000000000000000000000000000000000088ac",
    .run = {decodescript, SCRIPT_FORMS},
};

} // namespace

Groups transaction_methods() {
    return {
        {"Rawtransactions",
         {&GETRAWTRANSACTION, &SENDRAWTRANSACTION, &SUBMITPACKAGE, &DECODERAWTRANSACTION,
          &DECODESCRIPT}},
        {"Mempool", {&TESTMEMPOOLACCEPT}}};
}

} // namespace cairn::rpc
