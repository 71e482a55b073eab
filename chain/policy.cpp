// SPDX-License-Identifier: MIT
#include "chain/policy.h"

#include "consensus/block_rules.h"
#include "consensus/interpreter.h"
#include "consensus/standard.h"

#include <spdlog/fmt/fmt.h>

namespace cairn::chain {

using consensus::ByteView;
using consensus::OutputTemplate;
using consensus::OutputType;
using consensus::Params;
using consensus::policy;
using consensus::Transaction;
using consensus::TxIn;
using consensus::TxOut;
using consensus::Witness;

namespace {

constexpr int32_t MIN_STANDARD_VERSION = 1;
constexpr int32_t MAX_STANDARD_VERSION = 3;
constexpr size_t MAX_SCRIPT_SIG_BYTES = 1650; ///< A 15-of-15 P2SH multisig with compressed keys.
constexpr int MAX_P2SH_SIGOPS = 15;
constexpr int MAX_LEGACY_SIGOPS = 2500; ///< Of a transaction. Source: BIP-0054.
constexpr size_t MAX_BARE_MULTISIG_KEYS = 3;
constexpr size_t MAX_P2WSH_SCRIPT_BYTES = 3600;
constexpr size_t MAX_P2WSH_STACK_ITEMS = 100;
constexpr size_t MAX_STACK_ITEM_BYTES = 80; ///< P2WSH and tapscript alike.
constexpr uint8_t ANNEX_TAG = 0x50;
constexpr uint8_t TAPROOT_LEAF_MASK = 0xfe;
constexpr uint8_t TAPSCRIPT_LEAF = 0xc0;

bool standard_multisig(const OutputTemplate& output) {
    const auto keys = static_cast<int>(output.parts.size());
    return keys >= 1 && output.parts.size() <= MAX_BARE_MULTISIG_KEYS && output.required >= 1 &&
           output.required <= keys;
}

Result<> check_outputs(const Transaction& tx, const ChainOptions& options) {
    size_t data_bytes_left = options.max_datacarrier_bytes;
    for (const TxOut& out : tx.outputs) {
        const OutputTemplate output = consensus::match_template(out.script_pubkey);
        switch (output.type) {
        case OutputType::Nonstandard:
            return policy("scriptpubkey");
        case OutputType::Multisig:
            if (!standard_multisig(output)) return policy("scriptpubkey");
            if (!options.permit_bare_multisig) return policy("bare-multisig");
            break;
        case OutputType::NullData:
            if (out.script_pubkey.size() > data_bytes_left) return policy("datacarrier");
            data_bytes_left -= out.script_pubkey.size();
            break;
        default:
            break;
        }
    }
    return {};
}

bool small_items(const Witness& witness, size_t count) {
    // By an iterator, since witness[i] walks there: there may be 400,000 empty items.
    for (auto item = witness.begin(); count > 0; ++item, --count)
        if ((*item).size() > MAX_STACK_ITEM_BYTES) return false;
    return true;
}

bool standard_p2wsh_witness(const Witness& witness) {
    const size_t items = witness.size() - 1; // the last is the script
    return witness[items].size() <= MAX_P2WSH_SCRIPT_BYTES && items <= MAX_P2WSH_STACK_ITEMS &&
           small_items(witness, items);
}

bool standard_taproot_witness(const Witness& witness) {
    const ByteView last = witness[witness.size() - 1];
    const bool several = witness.size() >= 2;
    if (several && !last.empty() && last[0] == ANNEX_TAG) return false;
    if (!several) return true; // key path
    if (last.empty()) return false;
    if ((last[0] & TAPROOT_LEAF_MASK) != TAPSCRIPT_LEAF) return true;
    return small_items(witness, witness.size() - 2); // below script and control block
}

bool standard_witness(const TxIn& in, ByteView script_pubkey) {
    const OutputType type = consensus::match_template(script_pubkey).type;
    if (type == OutputType::Anchor) return false; // needs none: it would only be stuffed
    const bool p2sh = type == OutputType::ScriptHash;
    if (p2sh) {
        const std::optional<ByteView> redeem = consensus::last_push(in.script_sig);
        if (!redeem) return false;
        script_pubkey = *redeem;
    }
    const auto program = consensus::witness_program(script_pubkey);
    if (!program) return false;
    if (program->version == 0 && program->program.size() == 32)
        return standard_p2wsh_witness(in.witness);
    if (program->version == 1 && program->program.size() == 32 && !p2sh)
        return standard_taproot_witness(in.witness);
    return true;
}

} // namespace

int64_t policy_weight(int64_t weight, int64_t sigop_cost, int64_t bytes_per_sigop) {
    return std::max(weight, sigop_cost * bytes_per_sigop);
}

Amount dust_threshold(const TxOut& out, FeeRate dust) {
    if (consensus::is_unspendable(out.script_pubkey)) return 0;
    // An input that spends it: outpoint, sequence, length, and a signature with its key.
    constexpr int64_t LEGACY_INPUT = 32 + 4 + 1 + 107 + 4;
    constexpr int64_t WITNESS_INPUT = 32 + 4 + 1 + 107 / consensus::WITNESS_SCALE_FACTOR + 4;
    const auto size = static_cast<int64_t>(consensus::encode(out).size());
    const bool witness = consensus::witness_program(out.script_pubkey).has_value();
    return dust.fee(size + (witness ? WITNESS_INPUT : LEGACY_INPUT));
}

size_t count_dust(const Transaction& tx, FeeRate dust) {
    return static_cast<size_t>(std::ranges::count_if(
        tx.outputs, [dust](const TxOut& out) { return out.value < dust_threshold(out, dust); }));
}

int64_t reserved_sigop_cost(const Params& params) {
    constexpr int64_t LEAST = 8; // a coinbase that pays to two P2PKH
    return std::max(LEAST, consensus::max_block_sigop_cost(params) / 200);
}

int64_t max_standard_sigop_cost(const Params& params) {
    return std::min(
        MAX_STANDARD_TX_SIGOP_COST,
        consensus::max_block_sigop_cost(params) - reserved_sigop_cost(params));
}

Result<> check_standard(
    const consensus::SealedTransaction& tx, const ChainOptions& options, const Params& params) {
    if (tx.version < MIN_STANDARD_VERSION || tx.version > MAX_STANDARD_VERSION)
        return policy("version");
    if (tx.weight() > consensus::max_standard_weight(params)) return policy("tx-size");
    for (const TxIn& in : tx.inputs) {
        if (in.script_sig.size() > MAX_SCRIPT_SIG_BYTES) return policy("scriptsig-size");
        if (!consensus::is_push_only(in.script_sig)) return policy("scriptsig-not-pushonly");
    }
    if (Result<> verdict = check_outputs(tx, options); !verdict) return verdict;
    if (count_dust(tx, options.dust_feerate) > MAX_DUST_OUTPUTS) return policy("dust");
    return {};
}

Result<> check_inputs_standard(const Transaction& tx, std::span<const Coin> coins) {
    const auto nonstandard = [](size_t input, std::string_view why) {
        return policy("bad-txns-nonstandard-inputs", fmt::format("input {} {}", input, why));
    };
    int sigops = 0;
    for (size_t i = 0; i < tx.inputs.size(); ++i) {
        const ByteView script_sig = tx.inputs[i].script_sig;
        const ByteView script_pubkey = coins[i].out.script_pubkey;
        const OutputType type = consensus::match_template(script_pubkey).type;
        if (type == OutputType::Nonstandard) return nonstandard(i, "script unknown");
        if (type == OutputType::WitnessUnknown)
            return nonstandard(i, "witness program is undefined");
        const int p2sh_sigops = consensus::count_p2sh_sigops(script_sig, script_pubkey);
        if (type == OutputType::ScriptHash) {
            if (!consensus::last_push(script_sig))
                return nonstandard(i, "P2SH redeemscript missing");
            if (p2sh_sigops > MAX_P2SH_SIGOPS)
                return nonstandard(i, "p2sh redeemscript sigops exceed limit");
        }
        sigops += consensus::count_sigops(script_sig, true) +
                  consensus::count_sigops(script_pubkey, true) + p2sh_sigops;
    }
    if (sigops > MAX_LEGACY_SIGOPS)
        return policy("bad-txns-nonstandard-inputs", "non-witness sigops exceed bip54 limit");
    return {};
}

bool has_standard_witness(const Transaction& tx, std::span<const Coin> coins) {
    for (size_t i = 0; i < tx.inputs.size(); ++i)
        if (!tx.inputs[i].witness.empty() &&
            !standard_witness(tx.inputs[i], coins[i].out.script_pubkey))
            return false;
    return true;
}

bool needs_witness(const Transaction& tx, std::span<const Coin> coins) {
    for (size_t i = 0; i < tx.inputs.size(); ++i) {
        ByteView script = coins[i].out.script_pubkey;
        if (consensus::match_template(script).type == OutputType::Anchor) continue;
        if (consensus::is_pay_to_script_hash(script))
            script = consensus::last_push(tx.inputs[i].script_sig).value_or(ByteView());
        if (consensus::witness_program(script)) return true;
    }
    return false;
}

} // namespace cairn::chain
