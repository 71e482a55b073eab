// SPDX-License-Identifier: MIT
#include "consensus/block_signing.h"

#include "consensus/block_rules.h"
#include "consensus/interpreter.h"

#include <array>
#include <cassert>

namespace cairn::consensus {

namespace {

/// Marks the push that holds the solution. BIP-0325: the signet header.
constexpr std::array<uint8_t, 4> SOLUTION_HEADER = {0xec, 0xc7, 0xda, 0xa2};

constexpr uint32_t SOLUTION_FLAGS = VERIFY_P2SH | VERIFY_WITNESS | VERIFY_DERSIG | VERIFY_NULLDUMMY;

bool starts_with_header(ByteView data) {
    return data.size() >= SOLUTION_HEADER.size() &&
           std::ranges::equal(data.first(SOLUTION_HEADER.size()), SOLUTION_HEADER);
}

/// `script` with what it pushes changed by `change(Bytes&)`; each push in its shortest form.
template <class Change>
Script change_pushes(const Script& script, Change change) {
    Script result;
    ScriptReader reader(script);
    while (const std::optional<Instruction> step = reader.next()) {
        Bytes data(step->data.begin(), step->data.end());
        if (data.empty()) {
            push_opcode(result, step->opcode);
            continue;
        }
        change(data);
        push_data(result, data);
    }
    return result;
}

/// A commitment's script in two parts: without its solution, and the solution.
struct Commitment {
    Script script;
    std::optional<Bytes> solution;
};

/// Take the first solution out of `script`, leaving its header behind.
Commitment split_solution(const Script& script) {
    constexpr auto HEADER = static_cast<ptrdiff_t>(SOLUTION_HEADER.size());
    Commitment result;
    result.script = change_pushes(script, [&](Bytes& data) {
        // The header alone is no solution: it needs at least one byte behind it.
        const bool empty = data.size() <= SOLUTION_HEADER.size();
        if (result.solution || empty || !starts_with_header(data)) return;
        result.solution.emplace(data.begin() + HEADER, data.end());
        data.erase(data.begin() + HEADER, data.end());
    });
    if (!result.solution) result.script = script; // byte for byte, whatever its pushes look like
    return result;
}

/// The merkle root of `block` with `coinbase` in place of its own.
Hash256 root_with(const Block& block, Transaction coinbase) {
    std::vector<Hash256> leaves;
    leaves.reserve(block.transactions.size());
    leaves.push_back(SealedTransaction(std::move(coinbase)).txid);
    for (size_t i = 1; i < block.transactions.size(); ++i)
        leaves.push_back(block.transactions[i].txid);
    return merkle_root_of(leaves);
}

Transaction make_to_spend(const BlockHeader& header, const Hash256& root, const Script& challenge) {
    Bytes block_data;
    Writer writer(block_data);
    writer(header.version, header.prev_hash, root, header.time);
    Transaction tx{.version = 0};
    tx.inputs.push_back(
        {.prevout = {.txid = {}, .index = OutPoint::NULL_INDEX},
         .script_sig = make_script(OP_0, block_data),
         .sequence = 0});
    tx.outputs.push_back({.value = 0, .script_pubkey = challenge});
    return tx;
}

Transaction make_to_sign(const Transaction& to_spend) {
    const SealedTransaction spent(to_spend);
    Transaction tx{.version = 0};
    tx.inputs.push_back({.prevout = {.txid = spent.txid, .index = 0}, .sequence = 0});
    tx.outputs.push_back({.value = 0, .script_pubkey = make_script(OP_RETURN)});
    return tx;
}

/// The script of the witness commitment's output. Requires: there is one.
Script& commitment_script(Transaction& coinbase) {
    const std::optional<size_t> index = witness_commitment_index(coinbase);
    assert(index);
    return coinbase.outputs[*index].script_pubkey;
}

void replace_coinbase(Block& block, Transaction coinbase) {
    block.transactions[0] = SealedTransaction(std::move(coinbase));
    block.header.merkle_root = merkle_root(block);
}

} // namespace

std::optional<SigningPair> signing_pair(const Block& block, const Script& challenge) {
    if (block.transactions.empty()) return std::nullopt;
    Transaction coinbase = block.transactions[0];
    if (!witness_commitment_index(coinbase)) return std::nullopt;
    Script& script = commitment_script(coinbase);
    Commitment commitment = split_solution(script);
    script = std::move(commitment.script);

    SigningPair pair;
    pair.to_spend = make_to_spend(block.header, root_with(block, std::move(coinbase)), challenge);
    pair.to_sign = make_to_sign(pair.to_spend);
    if (!commitment.solution) return pair; // a challenge such as OP_TRUE needs none
    Reader reader(*commitment.solution);
    reader(pair.to_sign.inputs[0].script_sig, pair.to_sign.inputs[0].witness);
    if (!reader.at_end()) return std::nullopt;
    return pair;
}

Result<> check_block_signature(const Block& block, const Params& params) {
    if (!params.signed_blocks() || block.header.hash() == params.genesis_hash) return {};
    const std::optional<SigningPair> pair = signing_pair(block, params.challenge);
    if (!pair) return invalid("bad-signet-blksig", "no solution that could be read");
    const SighashMidstates midstates(pair->to_sign, pair->to_spend.outputs);
    const ScriptError error =
        verify_input(pair->to_sign, 0, pair->to_spend.outputs[0], SOLUTION_FLAGS, midstates);
    if (error == ScriptError::Ok) return {};
    return invalid("bad-signet-blksig", std::string(script_error_text(error)));
}

void reserve_solution(Block& block) {
    Transaction coinbase = block.transactions.at(0);
    Script& script = commitment_script(coinbase);
    ScriptReader reader(script);
    while (const std::optional<Instruction> step = reader.next())
        if (starts_with_header(step->data)) return;
    push_data(script, SOLUTION_HEADER);
    replace_coinbase(block, std::move(coinbase));
}

void set_solution(Block& block, const TxIn& signed_input) {
    Transaction coinbase = block.transactions.at(0);
    Script& script = commitment_script(coinbase);
    bool found = false;
    script = change_pushes(script, [&](Bytes& data) {
        if (found || !starts_with_header(data)) return;
        data.resize(SOLUTION_HEADER.size());
        Writer writer(data);
        writer(signed_input.script_sig, signed_input.witness);
        found = true;
    });
    assert(found);
    replace_coinbase(block, std::move(coinbase));
}

} // namespace cairn::consensus
