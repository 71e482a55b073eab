// SPDX-License-Identifier: MIT
// Writes chain files, and makes new chains.
#include "consensus/address.h"
#include "consensus/chain_file.h"
#include "consensus/interpreter.h"
#include "consensus/pow.h"
#include "consensus/sha256_lanes.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace cairn::consensus {

namespace json = boost::json;

namespace {

// JSON on several lines, an object's fields one a line //////////////////////////////////////////

void print(std::string& out, const json::value& value, size_t depth) {
    constexpr size_t INDENT = 2;
    const auto new_line = [&](size_t levels) { out.append("\n").append(levels * INDENT, ' '); };
    const bool object = value.is_object() && !value.get_object().empty();
    const bool array = value.is_array() && !value.get_array().empty();
    if (!object && !array) {
        out += json::serialize(value);
        return;
    }
    const char* separator = "";
    out += object ? '{' : '[';
    const auto print_item = [&](const json::value& item) { print(out, item, depth + 1); };
    const auto begin_item = [&] {
        out += separator;
        separator = ",";
        new_line(depth + 1);
    };
    if (object) {
        for (const json::key_value_pair& field : value.get_object()) {
            begin_item();
            out += json::serialize(field.key()) + ": ";
            print_item(field.value());
        }
    } else {
        for (const json::value& item : value.get_array()) {
            begin_item();
            print_item(item);
        }
    }
    new_line(depth);
    out += object ? '}' : ']';
}

// The file's sections ///////////////////////////////////////////////////////////////////////////

json::object address_section(const AddressPrefixes& address) {
    return {
        {"bech32_hrp", address.bech32_hrp},
        {"pubkey_hash", to_hex(address.pubkey_hash)},
        {"script_hash", to_hex(address.script_hash)},
        {"secret_key", to_hex(address.secret_key)},
        {"extended_public", to_hex(address.extended_public)},
        {"extended_secret", to_hex(address.extended_secret)},
        {"coin_type", address.coin_type}};
}

json::object rule_section(const AsertRule& rule) {
    return {
        {"rule", "asert"},
        {"spacing", rule.spacing},
        {"half_life", rule.half_life},
        {"start_bits", word_hex(rule.start_bits)}};
}

json::object rule_section(const BitcoinRule& rule) {
    return {
        {"rule", "bitcoin"},
        {"spacing", rule.spacing},
        {"timespan", rule.timespan},
        {"min_difficulty_blocks", rule.min_difficulty_blocks},
        {"bip94", rule.bip94}};
}

json::object rule_section(const FixedRule& rule) {
    return {{"rule", "fixed"}, {"spacing", rule.spacing}};
}

/// The last push of the genesis block's coinbase.
std::string genesis_text(const Block& genesis) {
    std::string text;
    ScriptReader reader(genesis.transactions[0].inputs[0].script_sig);
    while (const std::optional<Instruction> step = reader.next())
        text.assign(step->data.begin(), step->data.end());
    return text;
}

json::object genesis_section(const Params& params) {
    const BlockHeader& header = params.genesis.header;
    json::array outputs;
    for (const TxOut& out : params.genesis.transactions[0].outputs) {
        json::object output{{"amount", out.value.value}};
        const auto address = address_of_script(out.script_pubkey, params.address);
        if (address)
            output["address"] = *address;
        else
            output["script"] = to_hex(out.script_pubkey);
        outputs.push_back(output);
    }
    return {
        {"version", header.version},
        {"time", header.time},
        {"bits", word_hex(header.bits)},
        {"nonce", header.nonce},
        {"coinbase", genesis_text(params.genesis)},
        {"outputs", outputs},
        {"spendable", params.genesis_spendable},
        {"hash", params.genesis_hash.to_string()}};
}

json::object deployment_section(const Deployment& deployment) {
    json::object result{{"name", deployment.name}, {"bit", deployment.bit}};
    if (deployment.start_time == Deployment::ALWAYS_ACTIVE)
        result["start_time"] = "always";
    else if (deployment.start_time == Deployment::NEVER_ACTIVE)
        result["start_time"] = "never";
    else
        result["start_time"] = deployment.start_time;
    if (deployment.timeout != Deployment::NO_TIMEOUT) result["timeout"] = deployment.timeout;
    result["min_activation_height"] = deployment.min_activation_height.value;
    result["period"] = deployment.period;
    result["threshold"] = deployment.threshold;
    return result;
}

json::object exceptions_section(const Params& params) {
    json::object result;
    json::array scripts;
    for (const ScriptFlagException& exception : params.script_exceptions) {
        json::array flags;
        if ((exception.flags & VERIFY_P2SH) != 0) flags.push_back("P2SH");
        if ((exception.flags & VERIFY_WITNESS) != 0) flags.push_back("WITNESS");
        if ((exception.flags & VERIFY_TAPROOT) != 0) flags.push_back("TAPROOT");
        scripts.push_back(json::object{{"block", exception.block.to_string()}, {"flags", flags}});
    }
    if (!scripts.empty()) result["script_flags"] = scripts;
    json::array duplicates;
    for (const auto& [height, block] : params.bip30_exceptions)
        duplicates.push_back(json::object{{"height", height.value}, {"block", block.to_string()}});
    if (!duplicates.empty()) result["bip30"] = duplicates;
    if (!params.bip34_hash.is_null()) result["bip34_hash"] = params.bip34_hash.to_string();
    return result;
}

json::object activation_section(const ActivationHeights& heights) {
    return {
        {"bip34", heights.bip34.value},
        {"bip66", heights.bip66.value},
        {"bip65", heights.bip65.value},
        {"csv", heights.csv.value},
        {"segwit", heights.segwit.value}};
}

void add_operation(json::object& file, const Params& params) {
    if (params.minimum_chain_work != 0)
        file["minimum_chain_work"] = to_hex(params.minimum_chain_work);
    if (!params.assumed_valid.is_null()) file["assumed_valid"] = params.assumed_valid.to_string();
    json::array snapshots;
    for (const Snapshot& snapshot : params.snapshots)
        snapshots.push_back(json::object{
            {"height", snapshot.height.value},
            {"block", snapshot.block.to_string()},
            {"coins_hash", snapshot.coins_hash.to_string()},
            {"chain_tx_count", snapshot.chain_tx_count}});
    if (!snapshots.empty()) file["snapshots"] = snapshots;
    file["max_tip_age"] = params.max_tip_age;
    file["bootstrap_peers"] =
        json::array(params.bootstrap_peers.begin(), params.bootstrap_peers.end());
    file["dns_seeds"] = json::array(params.dns_seeds.begin(), params.dns_seeds.end());
}

} // namespace

std::string write_chain_file(const Params& params) {
    json::object file{{"format", 1}, {"name", params.name}};
    if (params.directory != params.name) file["directory"] = params.directory;
    file["magic"] = to_hex(params.magic);
    file["p2p_port"] = params.p2p_port;
    file["rpc_port"] = params.rpc_port;
    file["address"] = address_section(params.address);
    json::object pow{{"limit", to_hex(params.pow_limit)}};
    const json::object rule =
        std::visit([](const auto& any) { return rule_section(any); }, params.pow);
    pow.insert(rule.begin(), rule.end());
    file["proof_of_work"] = pow;
    file["genesis"] = genesis_section(params);
    file["subsidy"] = {
        {"amount", params.subsidy.value},
        {"halving_interval", params.halving_interval},
        {"coinbase_maturity", params.coinbase_maturity}};
    file["max_block_weight"] = params.max_block_weight;
    file["activation"] = activation_section(params.activation);
    json::array deployments;
    for (const Deployment& deployment : params.deployments)
        deployments.push_back(deployment_section(deployment));
    file["deployments"] = deployments;
    if (json::object exceptions = exceptions_section(params); !exceptions.empty())
        file["exceptions"] = exceptions;
    if (params.signed_blocks()) file["challenge"] = to_hex(params.challenge);
    add_operation(file, params);
    std::string text;
    print(text, file, 0);
    return text + "\n";
}

namespace {

/// The prefixes of the default chain but for the bech32 one: what people see begin with C and c.
AddressPrefixes default_prefixes(const std::string& hrp) {
    AddressPrefixes prefixes;
    prefixes.bech32_hrp = hrp;
    prefixes.pubkey_hash = {0x1c};
    prefixes.script_hash = {0x58};
    prefixes.secret_key = {0x9c};
    prefixes.extended_public = {0x04, 0x88, 0xb2, 0x1e}; // xpub and xprv, which all wallets know
    prefixes.extended_secret = {0x04, 0x88, 0xad, 0xe4};
    prefixes.coin_type = NEW_CHAIN_COIN_TYPE;
    return prefixes;
}

/// Find the nonce; where there is none the time goes on by a second.
void mine_genesis(Params& params) {
    constexpr uint64_t ALL_NONCES = uint64_t{1} << 32;
    BlockHeader& header = params.genesis.header;
    const std::optional<Uint256> target = target_of(header.bits);
    if (!target) throw ChainFileError("start_bits: no target has these bits");
    for (;; ++header.time) {
        const auto nonce = HeaderMidstate(header).scan(0, ALL_NONCES, *target);
        if (!nonce) continue;
        header.nonce = *nonce;
        params.genesis_hash = header.hash();
        return;
    }
}

std::vector<TxOut> premine_outputs(const NewChain& chain, const AddressPrefixes& prefixes) {
    std::vector<TxOut> outputs;
    for (const NewChain::Premine& premine : chain.premine) {
        const auto script = script_of_address(premine.address, prefixes);
        if (!script)
            throw ChainFileError("premine: " + premine.address + " is no address of this chain");
        outputs.push_back({.value = premine.amount, .script_pubkey = *script});
    }
    if (outputs.empty()) {
        outputs.emplace_back(); // a coinbase has at least one: of nothing, to nobody
        push_opcode(outputs[0].script_pubkey, OP_RETURN);
    }
    return outputs;
}

/// Magic and ports by the genesis hash, where none were asked for.
void choose_network(Params& params, const NewChain& chain) {
    const auto& hash = params.genesis_hash.bytes;
    // The high bit set, as in Bitcoin's: such bytes are rare in other protocols.
    for (size_t i = 0; i < params.magic.size(); ++i) params.magic[i] = hash[i] | 0x80;
    // Above the well-known ports, below those that systems give out by themselves.
    constexpr int FIRST_PORT = 20'000;
    constexpr int PAIRS = 6'000;
    const int pair = (hash[4] << 8 | hash[5]) % PAIRS;
    const auto rpc_port = static_cast<uint16_t>(FIRST_PORT + 2 * pair);
    params.rpc_port = chain.rpc_port != 0 ? chain.rpc_port : rpc_port;
    params.p2p_port = chain.p2p_port != 0 ? chain.p2p_port : static_cast<uint16_t>(rpc_port + 1);
}

} // namespace

std::string new_chain_file(const NewChain& chain) {
    /// Easy enough that a signer needs a handful of hashes. Core: regtest's limit.
    constexpr uint32_t SIGNED_BITS = 0x207fffff;
    const bool signed_blocks = !chain.challenge.empty();
    Params params;
    params.name = chain.name;
    params.directory = chain.name;
    params.address = default_prefixes(chain.bech32_hrp);
    BlockHeader header{.version = 1, .time = chain.time};
    header.bits = signed_blocks ? SIGNED_BITS : chain.start_bits;
    params.pow_limit = target_of(header.bits).value_or(Uint256());
    if (signed_blocks)
        params.pow = FixedRule{.spacing = chain.spacing};
    else
        params.pow = AsertRule{chain.spacing, chain.half_life, chain.start_bits};
    params.genesis = make_genesis(
        header, chain.coinbase_text.empty() ? chain.name : chain.coinbase_text,
        premine_outputs(chain, params.address));
    params.genesis_spendable = !chain.premine.empty();
    mine_genesis(params);
    choose_network(params, chain);
    params.subsidy = chain.subsidy;
    params.halving_interval = chain.halving_interval;
    params.coinbase_maturity = chain.coinbase_maturity;
    params.deployments = {{.name = "taproot", .bit = 2, .start_time = Deployment::ALWAYS_ACTIVE}};
    params.challenge = chain.challenge;
    params.max_tip_age = 0;
    params.bootstrap_peers = chain.bootstrap_peers;
    std::string text = write_chain_file(params);
    (void)read_chain_file(text); // names what of `chain` can't be
    return text;
}

} // namespace cairn::consensus
