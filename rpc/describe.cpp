// SPDX-License-Identifier: MIT
#include "rpc/describe.h"

#include "consensus/address.h"
#include "consensus/pow.h"
#include "consensus/script_text.h"
#include "consensus/standard.h"
#include "wallet/keys/descriptor.h"

namespace cairn::rpc {

using namespace consensus;

std::optional<Script> signet_challenge(const Params& params) {
    return only_if(params.signed_blocks(), params.challenge);
}

double verification_progress(const chain::Chain& chain, const chain::BlockNode& tip) {
    const int32_t known = std::max(chain.best_header().height, tip.height).value;
    return known == 0 ? 1.0 : static_cast<double>(tip.height.value) / known;
}

// Scripts ////////////////////////////////////////////////////////////////////////////////////

namespace {

/// A bare public key has an address by old custom only; what is paid is the key.
std::optional<std::string> address_of(const ScriptView& script) {
    if (match_template(script.bytes).type == OutputType::PubKey) return std::nullopt;
    return address_of_script(script.bytes, script.params->address);
}

} // namespace

const Object<ScriptView> SCRIPT_WITHOUT_HEX{
    {"asm", "Its opcodes by name", [](auto& s) { return script_to_text(s.bytes); }},
    {"desc", "A descriptor of it",
     [](auto& s) { return wallet::keys::descriptor_of(s.bytes, s.params->address); }},
    {"address", "Its address, if it has one", address_of},
    {"type", "Its form, pubkeyhash and the like",
     [](auto& s) { return output_type_name(match_template(s.bytes).type); }}};

const Object<ScriptView> SCRIPT{SCRIPT_WITHOUT_HEX, {"hex", "The script", &ScriptView::bytes}};

// Transactions ///////////////////////////////////////////////////////////////////////////////

namespace {

struct OutputView {
    const TransactionView* of;
    size_t n;

    const TxOut& out() const { return of->tx->outputs[n]; }
};

const Object<OutputView> OUTPUT{
    {"value", "The amount", [](auto& o) { return o.out().value; }},
    {"n", "Its number", &OutputView::n},
    {"scriptPubKey", "Its script",
     [](auto& o) {
         return ScriptView{o.out().script_pubkey, o.of->params};
     },
     SCRIPT}};

struct CoinView {
    const Coin* coin;
    const Params* params;
};

const Object<CoinView> PREVOUT{
    {"generated", "Whether a coinbase made it", [](auto& c) { return c.coin->coinbase; }},
    {"height", "Height of the block that made it", [](auto& c) { return c.coin->height; }},
    {"value", "Its amount", [](auto& c) { return c.coin->out.value; }},
    {"scriptPubKey", "Its script",
     [](auto& c) {
         return ScriptView{c.coin->out.script_pubkey, c.params};
     },
     SCRIPT}};

const Object<Script> SCRIPT_SIG{
    {"asm", "Its opcodes by name", [](auto& script) { return script_to_text(script, true); }},
    {"hex", "The script", std::identity()}};

struct InputView {
    const TransactionView* of;
    size_t n;

    const TxIn& in() const { return of->tx->inputs[n]; }

    bool coinbase() const { return of->tx->is_coinbase(); }

    std::optional<CoinView> prevout() const {
        if (!of->prevouts || !of->spent || coinbase()) return std::nullopt;
        return CoinView{&(*of->spent)[n], of->params};
    }

    std::optional<std::vector<Bytes>> witness() const {
        if (in().witness.empty()) return std::nullopt;
        std::vector<Bytes> items;
        for (const ByteView item : in().witness) items.emplace_back(item.begin(), item.end());
        return items;
    }
};

const Object<InputView> INPUT{
    {"coinbase", "The script of a coinbase",
     [](auto& i) { return only_if(i.coinbase(), i.in().script_sig); }},
    {"txid", "The transaction that is spent from",
     [](auto& i) { return only_if(!i.coinbase(), i.in().prevout.txid); }},
    {"vout", "The number of its output",
     [](auto& i) { return only_if(!i.coinbase(), i.in().prevout.index); }},
    {"scriptSig", "The script", [](auto& i) { return only_if(!i.coinbase(), i.in().script_sig); },
     SCRIPT_SIG},
    {"txinwitness", "The items of the witness", &InputView::witness},
    {"prevout", "The output that is spent, where so much detail is asked for and known",
     &InputView::prevout, PREVOUT},
    {"sequence", "Core: nSequence", [](auto& i) { return i.in().sequence; }}};

/// A view of each element of `all`.
template <class View>
std::vector<View> views(const TransactionView& tx, const auto& all) {
    std::vector<View> list;
    for (size_t n = 0; n < all.size(); ++n) list.push_back({&tx, n});
    return list;
}

std::optional<Amount> fee_of(const TransactionView& view) {
    if (!view.spent || view.tx->is_coinbase()) return std::nullopt;
    Amount fee = -output_sum(*view.tx);
    for (const Coin& coin : *view.spent) fee += coin.out.value;
    return fee;
}

uint32_t version_of(const Transaction& tx) {
    return static_cast<uint32_t>(tx.version);
}

const Object<SealedTransaction> FACTS{
    {"txid", "Its id", &SealedTransaction::txid},
    {"hash", "The hash with the witness", &SealedTransaction::wtxid},
    {"version", "Its version", version_of},
    {"size", "Bytes", &SealedTransaction::size_bytes},
    {"vsize", "Virtual bytes", &SealedTransaction::vsize},
    {"weight", "Weight units", &SealedTransaction::weight},
    {"locktime", "Height or time before which no block may hold it", &Transaction::lock_time}};

const SealedTransaction& transaction_of(const TransactionView& view) {
    return *view.tx;
}

} // namespace

const Object<TransactionView> TRANSACTION{
    {FACTS, transaction_of},
    {"vin", "Inputs", [](auto& t) { return views<InputView>(t, t.tx->inputs); }, INPUT},
    {"vout", "Outputs", [](auto& t) { return views<OutputView>(t, t.tx->outputs); }, OUTPUT},
    {"fee", "What it pays, if the coins it spends are known", fee_of},
    {"hex", "The transaction", [](auto& t) { return only_if(t.hex, encode(*t.tx)); }}};

// Blocks /////////////////////////////////////////////////////////////////////////////////////

const Object<Target> TARGET{
    {"bits", "Its target in compact form", [](auto& t) { return HexText{word_hex(t.bits)}; }},
    {"target", "Its target", [](auto& t) { return target_of(t.bits).value_or(Uint256(0)); }},
    {"difficulty", "How many times harder than bits 1d00ffff",
     [](auto& t) { return difficulty_of(t.bits); }}};

int32_t confirmations(const HeaderView& h) {
    return h.active ? (h.chain.height() - h.node->height).value + 1 : -1;
}

namespace {

HexText version_hex(const HeaderView& h) {
    return {word_hex(static_cast<uint32_t>(h.node->header.version))};
}

std::optional<BlockHash> hash_of(const HeaderNode* node) {
    if (node == nullptr) return std::nullopt;
    return node->hash;
}

const Object<SealedTransaction> COINBASE{
    {"version", "Its version", version_of},
    {"locktime", "Its lock time", &Transaction::lock_time},
    {"sequence", "Its input's sequence", [](auto& tx) { return tx.inputs[0].sequence; }},
    {"coinbase", "Its input's script", [](auto& tx) { return tx.inputs[0].script_sig; }},
    {"witness", "The witness's first item", [](auto& tx) {
         const Witness& witness = tx.inputs[0].witness;
         return only_if(!witness.empty(), witness.empty() ? ByteView() : witness[0]);
     }}};

/// Of a block, however it was read.
struct BlockSizes {
    int64_t stripped_bytes;
    int64_t size_bytes;
    TransactionRef coinbase;
};

const Object<BlockSizes> SIZES{
    {"strippedsize", "Bytes without witnesses", &BlockSizes::stripped_bytes},
    {"size", "Bytes", &BlockSizes::size_bytes},
    {"weight", "Weight units", [](auto& f) { return f.stripped_bytes * 3 + f.size_bytes; }},
    {"coinbase_tx", "The coinbase", [](auto& f) -> const SealedTransaction& { return *f.coinbase; },
     COINBASE}};

BlockSizes sizes(const BlockView& view) {
    const Block& block = *view.block;
    return {block.stripped_bytes(), block.size_bytes(), share_transaction(view.block, 0)};
}

BlockSizes outlined_sizes(const OutlinedBlock& view) {
    const consensus::BlockOutline& outline = view.block->outline;
    return {outline.stripped_bytes(), outline.size_bytes(), view.block->transaction(0)};
}

std::vector<Txid> ids(const OutlinedBlock& view) {
    const auto& transactions = view.block->outline.transactions;
    std::vector<Txid> all;
    all.reserve(transactions.size());
    for (const consensus::TransactionOutline& tx : transactions) all.push_back(tx.txid);
    return all;
}

std::vector<TransactionView> transactions(const BlockView& view) {
    std::vector<TransactionView> all;
    for (size_t i = 0; i < view.block->transactions.size(); ++i) {
        all.push_back({share_transaction(view.block, i), view.params, {}, view.prevouts});
        if (view.undo) all.back().spent = view.undo->spent(i);
    }
    return all;
}

} // namespace

const Object<HeaderView> HEADER{
    {"hash", "Its hash", [](auto& h) { return h.node->hash; }},
    {"confirmations", "Blocks from it to the tip; -1 off the active chain", confirmations},
    {"height", "Its height", [](auto& h) { return h.node->height; }},
    {"version", "Its version", [](auto& h) { return h.node->header.version; }},
    {"versionHex", "The same in hexadecimal", version_hex},
    {"merkleroot", "The root over its transactions",
     [](auto& h) { return h.node->header.merkle_root; }},
    {"time", "As the miner claims", [](auto& h) { return Seconds{h.node->header.time}; }},
    {"mediantime", "Median of it and the ten before",
     [](auto& h) { return Seconds{h.node->median_time_past()}; }},
    {"nonce", "Its nonce", [](auto& h) { return h.node->header.nonce; }},
    {TARGET, [](auto& h) { return Target{h.node->header.bits}; }},
    {"chainwork", "Expected hashes of the chain up to it", [](auto& h) { return h.node->work; }},
    {"nTx", "Transactions in it; 0 if not known yet",
     [](auto& h) { return h.node->tx_count.load(); }},
    {"previousblockhash", "The block before it", [](auto& h) { return hash_of(h.node->parent); }},
    {"nextblockhash", "The block after it, if it is active",
     [](auto& h) { return hash_of(h.active ? h.chain.at(h.node->height + 1) : nullptr); }}};

const Object<OutlinedBlock> BLOCK{
    {HEADER, &OutlinedBlock::header},
    {SIZES, outlined_sizes},
    {"tx", "Ids of the transactions", ids}};

const Object<BlockView> DETAILED_BLOCK{
    {HEADER, &BlockView::header},
    {SIZES, sizes},
    {"tx", "The transactions", transactions, TRANSACTION}};

} // namespace cairn::rpc
