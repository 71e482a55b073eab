// SPDX-License-Identifier: MIT
// verifychain: whether what is on disk is still what was validated.
#include "consensus/block_rules.h"
#include "consensus/interpreter.h"
#include "rpc/describe.h"
#include "rpc/methods.h"
#include "rpc/node_context.h"

#include <algorithm>
#include <set>
#include <span>
#include <spdlog/spdlog.h>

namespace cairn::rpc {

using namespace consensus;
using namespace server;

namespace {

/// How much is looked at; each level does what those before it do.
enum Level : int64_t {
    BODIES, ///< Are read.
    RULES,  ///< That need nothing else.
    UNDO,   ///< Data is there.
    COINS,  ///< That blocks made and spent are those of the tip.
    SCRIPTS ///< And all rules that need coins.
};

/// Goes through blocks from the tip backwards.
class Verifier {
public:
    Verifier(const Call& call, int64_t level) : chain_(chain_of(call)), level_(level) {}

    bool verify(const chain::BlockNode& node) {
        const BlockRef block = chain_.read_block(node);
        if (!block) return false;
        if (level_ >= RULES && !obeys_rules(*block, node)) return false;
        if (level_ < UNDO) return true;
        const auto undo = chain_.read_undo(node, *block);
        if (!undo || undo->ends.size() + 1 != block->transactions.size()) return false;
        if (level_ >= COINS && !coins_fit(*block)) return false;
        return level_ < SCRIPTS || connects(*block, node, *undo);
    }

private:
    bool obeys_rules(const Block& block, const chain::BlockNode& node) const {
        return block.header.hash() == node.hash && check_block(block, chain_.params()) &&
               accept_block(block, *node.parent, chain_.params());
    }

    /// Whether what `block` spent is no coin, and what it made is one unless it was spent since.
    bool coins_fit(const Block& block) {
        for (size_t at = block.transactions.size(); at-- > 0;) {
            const SealedTransaction& tx = block.transactions[at];
            for (uint32_t i = 0; i < tx.outputs.size(); ++i) {
                const OutPoint point{tx.txid, i};
                const bool lost = is_unspendable(tx.outputs[i].script_pubkey);
                // What was spent since is of no more use: blocks before can't have made it.
                if (!agrees(point, !lost && spent_.erase(point) == 0)) return false;
            }
            if (tx.is_coinbase()) continue;
            for (const TxIn& input : tx.inputs)
                if (spent_.insert(input.prevout); !agrees(input.prevout, false)) return false;
        }
        return true;
    }

    /// Whether `point` is a coin or is none, as expected. While the tip moves on nothing can be
    /// said.
    bool agrees(const OutPoint& point, bool expected) const {
        const chain::BlockNode* tip = nullptr;
        const bool is_coin = chain_.find_coin(point, false, &tip).has_value();
        return tip != &tip_ || is_coin == expected;
    }

    bool
    connects(const Block& block, const chain::BlockNode& node, const chain::BlockUndo& undo) const {
        ConnectState state(node, chain_.params());
        for (size_t i = 0; i < block.transactions.size(); ++i) {
            const SealedTransaction& tx = block.transactions[i];
            const std::span<const Coin> coins = undo.spent(i);
            if (!connect_transaction(state, tx, coins)) return false;
            if (i > 0 && !scripts_pass(tx, coins, state.flags)) return false;
        }
        return connect_coinbase(state, block.transactions[0]).has_value();
    }

    static bool
    scripts_pass(const SealedTransaction& tx, std::span<const Coin> coins, uint32_t flags) {
        std::vector<TxOut> spent;
        for (const Coin& coin : coins) spent.push_back(coin.out);
        const SighashMidstates midstates(tx, spent);
        for (size_t i = 0; i < tx.inputs.size(); ++i)
            if (verify_input(tx, i, spent[i], flags, midstates) != ScriptError::Ok) return false;
        return true;
    }

    const chain::Chain& chain_;
    const int64_t level_;
    const chain::BlockNode& tip_ = chain_.view().tip();
    std::set<OutPoint> spent_; ///< By the blocks that were looked at.
};

bool verifychain(const Call& call) {
    const chain::View view = chain_of(call).view();
    const int64_t level = std::clamp<int64_t>(call.integer(0), BODIES, SCRIPTS);
    const int64_t wanted = call.integer(1);
    Verifier verifier(call, level);
    const chain::BlockNode* node = &view.tip();
    // Genesis needs no proof, and what was deleted can't have any.
    for (int64_t i = 0; (wanted <= 0 || i < wanted) && node->parent != nullptr; ++i) {
        if (node->pruned() || given_up(call)) break;
        if (!verifier.verify(*node)) {
            spdlog::error(
                "verifychain_failed height={} hash={}", node->height.value, node->hash.to_string());
            return false;
        }
        node = view.at(node->height - 1);
    }
    return true;
}

const Method VERIFYCHAIN{
    .name = "verifychain",
    .role = Role::Admin,
    .summary = "Check the last blocks again, as they are on disk.",
    .params =
        {{"checklevel", Type::Int32, "3",
          "0: read them, 1: check them, 2: read their undo data, 3: compare with the unspent "
          "outputs, 4: run their scripts"},
         {"nblocks", Type::Int32, "6", "How many; 0: all"}},
    .example = "4 0",
    .run = {verifychain, "Whether all is well"},
    .pace = slow,
};

} // namespace

Groups verify_chain_methods() {
    return {{"Blockchain", {&VERIFYCHAIN}}};
}

} // namespace cairn::rpc
