// SPDX-License-Identifier: MIT
#include "consensus/block_rules.h"

#include "consensus/block_signing.h"
#include "consensus/interpreter.h"
#include "consensus/pow.h"
#include "consensus/sha256_lanes.h"

#include <algorithm>
#include <array>

namespace cairn::consensus {

Result<> check_header(const BlockHeader& header, const BlockHash& hash, const Params& params) {
    if (!meets_target(hash, header.bits, params.pow_limit))
        return invalid("high-hash", "proof of work failed");
    return {};
}

namespace {

bool too_old(int32_t version, Height height, const ActivationHeights& active) {
    return (version < 2 && height >= active.bip34) || (version < 3 && height >= active.bip66) ||
           (version < 4 && height >= active.bip65);
}

/// BIP-0094: the first block of a period may not lie long before the last of the one before, which
/// would stretch a period's measured time.
bool warps_time(const BlockHeader& header, const HeaderNode& parent, const Params& params) {
    const auto* rule = std::get_if<BitcoinRule>(&params.pow);
    if (rule == nullptr || !rule->bip94) return false;
    if ((parent.height.value + 1) % rule->interval() != 0) return false;
    return int64_t{header.time} < parent.header.time - MAX_TIMEWARP_SECONDS;
}

} // namespace

Result<> accept_header(
    const BlockHeader& header, const HeaderNode& parent, const Params& params, int64_t now) {
    if (header.bits != next_bits(parent, header.time, params))
        return invalid("bad-diffbits", "incorrect proof of work");
    if (int64_t{header.time} <= parent.median_time_past())
        return invalid("time-too-old", "block's timestamp is too early");
    if (warps_time(header, parent, params))
        return invalid("time-timewarp-attack", "block's timestamp is too early on diff adjustment");
    if (int64_t{header.time} > now + MAX_FUTURE_BLOCK_SECONDS)
        return premature("time-too-new", "block timestamp too far in the future");
    if (too_old(header.version, parent.height + Height(1), params.activation))
        return invalid("bad-version(0x" + word_hex(static_cast<uint32_t>(header.version)) + ")");
    return {};
}

Result<> check_merkle_root(const Block& block) {
    bool has_twins = false;
    if (merkle_root(block, &has_twins) != block.header.merkle_root)
        return mutated("bad-txnmrklroot", "hashMerkleRoot mismatch");
    // The same root stands for a shorter list, which may be valid (CVE-2012-2459).
    if (has_twins) return mutated("bad-txns-duplicate", "duplicate transaction");
    return {};
}

namespace {

/// Where there is no coinbase, what is 64 bytes long may be two hashes of the header's real tree,
/// read as a transaction. Core: IsBlockMutated.
bool may_be_inner_node(const SealedTransaction& tx) {
    return tx.stripped_bytes == 64;
}

Result<> check_transactions(const Block& block, const Params& params) {
    const std::vector<SealedTransaction>& txs = block.transactions;
    if (!txs[0].is_coinbase()) {
        const bool doubtful = std::ranges::any_of(txs, may_be_inner_node);
        return (doubtful ? mutated : invalid)("bad-cb-missing", "first tx is not coinbase");
    }
    const auto is_coinbase = [](const SealedTransaction& tx) { return tx.is_coinbase(); };
    if (std::any_of(txs.begin() + 1, txs.end(), is_coinbase))
        return invalid("bad-cb-multiple", "more than one coinbase");
    for (const SealedTransaction& tx : txs) {
        Result<> verdict = check_transaction(tx, params);
        if (verdict) continue;
        verdict.error().detail = "transaction " + tx.txid.to_string();
        return verdict;
    }
    return {};
}

} // namespace

Result<> check_block(const Block& block, const Params& params, BlockProof proof) {
    Result<> root = check_merkle_root(block);
    if (proof == BlockProof::Required)
        if (const Result<> signature = check_block_signature(block, params); !signature) {
            Reject reject = signature.error();
            // Core's order. But anyone can take the signature out of a block on its way.
            if (!root) reject.kind = Reject::Kind::Mutated;
            return reject;
        }
    if (!root) return root;
    const auto least_weight =
        static_cast<int64_t>(block.transactions.size()) * WITNESS_SCALE_FACTOR;
    if (block.transactions.empty() || least_weight > params.max_block_weight ||
        block.stripped_bytes() * WITNESS_SCALE_FACTOR > params.max_block_weight)
        return invalid("bad-blk-length", "size limits failed");
    if (Result<> txs = check_transactions(block, params); !txs) return txs;
    int64_t sigops = 0;
    for (const SealedTransaction& tx : block.transactions) sigops += legacy_sigops(tx);
    if (sigops * WITNESS_SCALE_FACTOR > max_block_sigop_cost(params))
        return invalid("bad-blk-sigops", "out-of-bounds SigOpCount");
    return {};
}

namespace {

/// BIP-0034: the coinbase's script begins with the height, in its shortest push.
bool starts_with_height(const Script& script_sig, Height height) {
    Script expected;
    push_number(expected, height.value);
    return script_sig.size() >= expected.size() &&
           std::equal(expected.begin(), expected.end(), script_sig.begin());
}

/// What BIP-0141 asks of a block's witnesses; `active`: whether a commitment counts.
Result<> check_witness_commitment(const Block& block, bool active) {
    const Transaction& coinbase = block.transactions[0];
    const std::optional<size_t> index = active ? witness_commitment_index(coinbase) : std::nullopt;
    if (index) {
        const Witness& witness = coinbase.inputs[0].witness;
        if (witness.size() != 1 || witness[0].size() != 32)
            return mutated("bad-witness-nonce-size", "invalid witness reserved value size");
        const Hash256 expected =
            Sha256().write(witness_merkle_root(block).bytes).write(witness[0]).finish_double();
        const ByteView found = ByteView(coinbase.outputs[*index].script_pubkey).subspan(6, 32);
        if (!std::ranges::equal(found, expected.bytes))
            return mutated("bad-witness-merkle-match", "witness merkle commitment mismatch");
        return {};
    }
    const auto has_witness = [](const SealedTransaction& tx) { return tx.has_witness(); };
    if (std::ranges::any_of(block.transactions, has_witness))
        return mutated("unexpected-witness", "unexpected witness data found");
    return {};
}

} // namespace

bool is_mutated(const Block& block, bool has_segwit) {
    if (!check_merkle_root(block)) return true;
    if (!block.transactions[0].is_coinbase())
        return std::ranges::any_of(block.transactions, may_be_inner_node);
    return !check_witness_commitment(block, has_segwit);
}

Result<> accept_block(const Block& block, const HeaderNode& parent, const Params& params) {
    const Height height = parent.height + Height(1);
    const ActivationHeights& active = params.activation;
    const int64_t cutoff = height >= active.csv ? parent.median_time_past() // BIP-0113
                                                : int64_t{block.header.time};
    for (const SealedTransaction& tx : block.transactions)
        if (!is_final(tx, height, cutoff))
            return invalid("bad-txns-nonfinal", "transaction " + tx.txid.to_string());
    if (height >= active.bip34 &&
        !starts_with_height(block.transactions[0].inputs[0].script_sig, height))
        return invalid("bad-cb-height", "block height mismatch in coinbase");
    if (Result<> witness = check_witness_commitment(block, height >= active.segwit); !witness)
        return witness;
    // Last, because until the commitment is known to match, anyone may have added witness bytes.
    if (block.weight() > params.max_block_weight)
        return invalid("bad-blk-weight", "weight limit failed");
    return {};
}

uint32_t block_script_flags(const BlockHash& hash, Height height, const Params& params) {
    // BIP-0016, BIP-0141 and BIP-0341 hold for the whole history but for a few blocks, so they need
    // no heights.
    uint32_t flags = VERIFY_P2SH | VERIFY_WITNESS | VERIFY_TAPROOT;
    for (const Exceptions::ScriptRules& exception : params.exceptions.script_flags)
        if (exception.block == hash) flags = exception.flags;
    const ActivationHeights& active = params.activation;
    if (height >= active.bip66) flags |= VERIFY_DERSIG;
    if (height >= active.bip65) flags |= VERIFY_CHECKLOCKTIMEVERIFY;
    if (height >= active.csv) flags |= VERIFY_CHECKSEQUENCEVERIFY;
    if (height >= active.segwit) flags |= VERIFY_NULLDUMMY; // BIP-0147, switched on with it
    return flags;
}

namespace {

/// Whether outputs of the block at `node` may exist already. Core: ConnectBlock's fEnforceBIP30.
bool may_overwrite(const HeaderNode& node, const Params& params) {
    const Exceptions::Overwrite overwrite{node.height, node.hash};
    if (std::ranges::count(params.exceptions.bip30, overwrite) != 0) return false;
    // Where every coinbase but that of genesis begins with its height, no two are the same.
    if (params.activation.bip34 <= Height(1)) return false;
    // Some coinbases before BIP-0034 begin with what is the height of a much later block; from the
    // first such height on, only looking helps.
    constexpr Height FIRST_HEIGHT_FORETOLD = 1'983'702;
    if (node.height >= FIRST_HEIGHT_FORETOLD) return true;
    const HeaderNode* activation =
        node.parent != nullptr ? node.parent->ancestor(params.activation.bip34) : nullptr;
    return activation == nullptr || activation->hash != params.exceptions.bip34_hash;
}

} // namespace

Result<> connect_outputs(
    const ConnectState& state,
    const Block& block,
    const std::function<bool(const OutPoint&)>& exists) {
    if (!may_overwrite(state.node, state.params)) return {};
    for (const SealedTransaction& tx : block.transactions)
        for (uint32_t i = 0; i < tx.outputs.size(); ++i)
            if (exists({tx.txid, i}))
                return invalid("bad-txns-BIP30", "tried to overwrite transaction");
    return {};
}

namespace {

/// The rules that a coinbase, which spends nothing, can't break.
Result<>
connect_payment(ConnectState& state, const SealedTransaction& tx, std::span<const Coin> coins) {
    const Result<Amount> fee = connect_inputs(tx, coins, state.node.height, state.params);
    if (!fee) { // what may yet come to a transaction is too late here
        const Reject& why = fee.error();
        return invalid(why.reason, why.detail + " in transaction " + tx.txid.to_string());
    }
    state.fees += *fee;
    if (!money_range(state.fees)) return invalid("bad-txns-accumulated-fee-outofrange");
    if (state.node.height < state.params.activation.csv) return {};
    const HeaderNode& parent = *state.node.parent;
    if (!locks_passed(sequence_locks(tx, coins, parent), parent))
        return invalid("bad-txns-nonfinal", "contains a non-BIP68-final transaction");
    return {};
}

} // namespace

Result<>
connect_transaction(ConnectState& state, const SealedTransaction& tx, std::span<const Coin> coins) {
    if (!tx.is_coinbase())
        if (Result<> verdict = connect_payment(state, tx, coins); !verdict) return verdict;
    state.sigop_cost += sigop_cost(tx, coins, state.flags);
    if (state.sigop_cost > max_block_sigop_cost(state.params))
        return invalid("bad-blk-sigops", "too many sigops");
    return {};
}

Result<> connect_coinbase(const ConnectState& state, const Transaction& coinbase) {
    const Amount allowed = block_subsidy(state.node.height, state.params) + state.fees;
    const Amount claimed = output_sum(coinbase);
    if (claimed <= allowed) return {};
    return invalid(
        "bad-cb-amount", "coinbase pays too much: " + std::to_string(claimed.value) + " of " +
                             std::to_string(allowed.value));
}

namespace {

/// BIP-0141: OP_RETURN, a push of 36 bytes, and the commitment's header.
constexpr std::array<uint8_t, 6> COMMITMENT_PREFIX = {OP_RETURN, 0x24, 0xaa, 0x21, 0xa9, 0xed};

} // namespace

std::optional<size_t> witness_commitment_index(const Transaction& coinbase) {
    constexpr size_t LEAST = COMMITMENT_PREFIX.size() + 32;
    // "If there are more than one, the one with highest output index is the commitment."
    for (size_t i = coinbase.outputs.size(); i-- > 0;) {
        const ByteView script = coinbase.outputs[i].script_pubkey;
        if (script.size() >= LEAST &&
            std::ranges::equal(script.first(COMMITMENT_PREFIX.size()), COMMITMENT_PREFIX))
            return i;
    }
    return std::nullopt;
}

Script witness_commitment_script(const Hash256& witness_root) {
    std::array<uint8_t, 64> root_and_reserved{};
    std::ranges::copy(witness_root.bytes, root_and_reserved.begin());
    Script script(COMMITMENT_PREFIX);
    script.append(sha256d_64(root_and_reserved.data()).bytes);
    return script;
}

} // namespace cairn::consensus
