// SPDX-License-Identifier: MIT
#include "consensus/transaction_rules.h"

#include "consensus/interpreter.h"

#include <algorithm>
#include <cassert>

namespace cairn::consensus {

namespace {

bool spends_twice(const std::vector<TxIn>& inputs) {
    constexpr size_t FEW = 8; // comparing each with each is faster than memory for a sorted copy
    if (inputs.size() <= FEW) {
        for (size_t i = 1; i < inputs.size(); ++i)
            for (size_t j = 0; j < i; ++j)
                if (inputs[i].prevout == inputs[j].prevout) return true;
        return false;
    }
    std::vector<OutPoint> points;
    points.reserve(inputs.size());
    for (const TxIn& in : inputs) points.push_back(in.prevout);
    std::ranges::sort(points);
    return std::ranges::adjacent_find(points) != points.end();
}

Result<> check_outputs(const Transaction& tx) {
    Amount total;
    for (const TxOut& out : tx.outputs) {
        if (out.value < Amount(0)) return invalid("bad-txns-vout-negative");
        if (out.value > MAX_MONEY) return invalid("bad-txns-vout-toolarge");
        total += out.value; // cannot overflow: both were in range
        if (!money_range(total)) return invalid("bad-txns-txouttotal-toolarge"); // CVE-2010-5139
    }
    return {};
}

} // namespace

Result<> check_transaction(const SealedTransaction& tx, const Params& params) {
    if (tx.inputs.empty()) return invalid("bad-txns-vin-empty");
    if (tx.outputs.empty()) return invalid("bad-txns-vout-empty");
    const auto weight = int64_t{tx.stripped_bytes} * WITNESS_SCALE_FACTOR;
    if (weight > params.max_block_weight) return invalid("bad-txns-oversize");
    if (Result<> outputs = check_outputs(tx); !outputs) return outputs;
    // Unchecked, it crashes the coins or mints money, depending on the store (CVE-2018-17144).
    if (spends_twice(tx.inputs)) return invalid("bad-txns-inputs-duplicate");
    if (tx.is_coinbase()) {
        const size_t size = tx.inputs[0].script_sig.size();
        if (size < 2 || size > 100) return invalid("bad-cb-length");
        return {};
    }
    const bool has_null =
        std::ranges::any_of(tx.inputs, [](const TxIn& in) { return in.prevout.is_null(); });
    if (has_null) return invalid("bad-txns-prevout-null");
    return {};
}

bool is_final(const Transaction& tx, Height height, int64_t lock_time_cutoff) {
    if (tx.lock_time == 0) return true;
    const int64_t reached =
        tx.lock_time < LOCKTIME_THRESHOLD ? int64_t{height.value} : lock_time_cutoff;
    if (int64_t{tx.lock_time} < reached) return true;
    return std::ranges::all_of(
        tx.inputs, [](const TxIn& in) { return in.sequence == TxIn::SEQUENCE_FINAL; });
}

SequenceLocks
sequence_locks(const Transaction& tx, std::span<const Coin> coins, const HeaderNode& parent) {
    constexpr int UNIT_BITS = 9; // 512 seconds
    assert(coins.size() == tx.inputs.size());
    SequenceLocks locks;
    if (static_cast<uint32_t>(tx.version) < 2) return locks;
    for (size_t i = 0; i < tx.inputs.size(); ++i) {
        const uint32_t sequence = tx.inputs[i].sequence;
        if ((sequence & TxIn::SEQUENCE_NO_LOCK) != 0) continue;
        const int64_t length = sequence & TxIn::SEQUENCE_LOCK;
        // BIP-0068: a lock of n is over in the n-th block after, so the last that locks is one
        // less.
        if ((sequence & TxIn::SEQUENCE_IN_TIME) == 0) {
            locks.height = std::max(locks.height, coins[i].height.value + length - 1);
            continue;
        }
        // "the time when the output was created": the median time before its block.
        const Height before = std::max(coins[i].height - Height(1), Height(0));
        const HeaderNode* node = parent.ancestor(before);
        assert(node != nullptr);
        locks.time = std::max(locks.time, node->median_time_past() + (length << UNIT_BITS) - 1);
    }
    return locks;
}

bool locks_passed(const SequenceLocks& locks, const HeaderNode& parent) {
    // Most have no lock in time, and the median is a sort of eleven.
    return locks.height <= parent.height.value &&
           (locks.time < 0 || locks.time < parent.median_time_past());
}

Result<Amount> connect_inputs(
    const Transaction& tx, std::span<const Coin> coins, Height height, const Params& params) {
    if (coins.size() < tx.inputs.size())
        return missing_inputs("bad-txns-inputs-missingorspent", "inputs missing/spent");
    Amount total_in;
    for (const Coin& coin : coins) {
        const int32_t age = height.value - coin.height.value;
        if (coin.coinbase && age < params.coinbase_maturity)
            return premature(
                "bad-txns-premature-spend-of-coinbase",
                "tried to spend coinbase at depth " + std::to_string(age));
        // Each and the sum: a sum of valid amounts can still leave the money range.
        total_in += coin.out.value;
        if (!money_range(coin.out.value) || !money_range(total_in))
            return invalid("bad-txns-inputvalues-outofrange");
    }
    const Amount total_out = output_sum(tx);
    if (total_in < total_out) return invalid("bad-txns-in-belowout");
    return total_in - total_out;
}

int legacy_sigops(const Transaction& tx) {
    constexpr bool ACCURATE = false;
    int count = 0;
    for (const TxIn& in : tx.inputs) count += count_sigops(in.script_sig, ACCURATE);
    for (const TxOut& out : tx.outputs) count += count_sigops(out.script_pubkey, ACCURATE);
    return count;
}

int64_t sigop_cost(const Transaction& tx, std::span<const Coin> coins, uint32_t flags) {
    int64_t cost = int64_t{legacy_sigops(tx)} * WITNESS_SCALE_FACTOR;
    if (tx.is_coinbase()) return cost;
    assert(coins.size() == tx.inputs.size());
    for (size_t i = 0; i < coins.size(); ++i) {
        const TxIn& in = tx.inputs[i];
        const Script& script_pubkey = coins[i].out.script_pubkey;
        if ((flags & VERIFY_P2SH) != 0)
            cost += int64_t{count_p2sh_sigops(in.script_sig, script_pubkey)} * WITNESS_SCALE_FACTOR;
        cost += count_witness_sigops(in.script_sig, script_pubkey, in.witness, flags);
    }
    return cost;
}

} // namespace cairn::consensus
