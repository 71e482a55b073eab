// SPDX-License-Identifier: MIT
#include "consensus/chain_file.h"

#include "consensus/address.h"
#include "consensus/interpreter.h"
#include "consensus/json_fields.h"
#include "consensus/pow.h"

#include <regex>
#include <set>

namespace cairn::consensus {

namespace {

constexpr int64_t MAX_UINT32 = UINT32_MAX;
constexpr int64_t MAX_SECONDS = int64_t{1000} * 365 * 24 * 3600;
constexpr Range UINT32_RANGE{0, MAX_UINT32};
constexpr Range PORTS{1, 65535};
constexpr Range HEIGHTS{0, INT32_MAX};
constexpr Range POSITIVE{1, INT32_MAX};
constexpr Range AMOUNTS{0, MAX_MONEY.value};
constexpr Range PREFIX_BYTES{1, 4};
constexpr int64_t MAX_INTERVAL = 1'000'000; ///< Blocks from target to target.
constexpr Range SCRIPT_BYTES{1, MAX_SCRIPT_SIZE};

/// Text that is safe as a folder, a section of a configuration file, an argument.
constexpr TextRule PLAIN_NAME{
    64,
    [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_';
    },
    "letters, digits, - and _"};

/// Eighteen characters, so that an address of the longest program (40 bytes) has at most the 90
/// of BIP-0173.
constexpr TextRule HRP{
    18, [](char c) { return c > ' ' && (c < 'A' || c > 'Z'); },
    "text without capital letters and spaces"};

constexpr TextRule HOST{
    255, [](char c) { return c != ' ' && c != ':'; }, "a host without spaces and port"};
constexpr TextRule WORD{64};
constexpr TextRule ADDRESS{128};
constexpr TextRule COINBASE_TEXT{90}; ///< The coinbase's script has at most 100 bytes.

// Fields with a form of their own ///////////////////////////////////////////////////////////////

/// Where a node is.
struct Peer {};

void read_json(const JsonField& field, std::string& value, Peer) {
    read_json(field, value, TextRule{262});
    const std::regex form(R"((\[[0-9a-fA-F:.]+\]|[^ :\[\]]+)(:([0-9]{1,5}))?)");
    std::smatch parts;
    const bool formed = std::regex_match(value, parts, form);
    const int port = formed && parts[3].matched ? std::stoi(parts[3]) : 1;
    if (!formed || port < PORTS.least || port > PORTS.most)
        field.fail("host, host:port or [IPv6]:port, with a port from 1 to 65535");
}

boost::json::value write_json(const std::string& value, Peer) {
    return write_json(value, WORD);
}

/// A target in compact form that some hash can meet and that is not above `limit`.
struct Bits {
    uint32_t& value;
    const Uint256& limit;
};

void read_json(const JsonField& field, const Bits& bits) {
    std::array<uint8_t, 4> bytes{};
    read_json(field, bytes);
    for (const uint8_t byte : bytes) bits.value = bits.value << 8 | byte;
    const std::optional<Uint256> target = target_of(bits.value);
    if (!target || *target > bits.limit)
        field.fail("8 hexadecimal digits of a target above 0 and at most proof_of_work.limit");
}

boost::json::value write_json(const Bits& bits) {
    return write_json(word_hex(bits.value), WORD);
}

/// Where a deployment starts: seconds or a word.
struct StartTime {
    int64_t& value;
};

constexpr std::pair<const char*, int64_t> START_WORDS[] = {
    {"always", Deployment::ALWAYS_ACTIVE}, {"never", Deployment::NEVER_ACTIVE}};

void read_json(const JsonField& field, const StartTime& start) {
    if (!field.text()) return read_json(field, start.value, UINT32_RANGE);
    for (const auto& [word, value] : START_WORDS)
        if (field.text() == word) return void(start.value = value);
    field.fail(R"(seconds, "always" or "never")");
}

boost::json::value write_json(const StartTime& start) {
    for (const auto& [word, value] : START_WORDS)
        if (start.value == value) return write_json(word, WORD);
    return start.value;
}

/// Script flags by name.
struct Flags {
    uint32_t& value;
};

constexpr std::pair<const char*, ScriptFlags> FLAG_NAMES[] = {
    {"P2SH", VERIFY_P2SH}, {"WITNESS", VERIFY_WITNESS}, {"TAPROOT", VERIFY_TAPROOT}};

void read_json(const JsonField& field, const Flags& flags) {
    for (const JsonField& item : field.items()) {
        const uint32_t before = flags.value;
        for (const auto& [name, flag] : FLAG_NAMES)
            if (item.text() == name) flags.value |= flag;
        if (flags.value == before) item.fail("P2SH, WITNESS or TAPROOT, once");
    }
    // The interpreter can't tell what WITNESS alone would mean.
    if ((flags.value & VERIFY_WITNESS) != 0 && (flags.value & VERIFY_P2SH) == 0)
        field.fail("P2SH where there is WITNESS");
}

boost::json::value write_json(const Flags& flags) {
    boost::json::array names;
    for (const auto& [name, flag] : FLAG_NAMES)
        if ((flags.value & flag) != 0) names.emplace_back(name);
    return names;
}

// The file's sections, in their order ///////////////////////////////////////////////////////////

void walk_address(JsonFields& file, AddressPrefixes& address) {
    file.required("bech32_hrp", address.bech32_hrp, HRP);
    file.required("pubkey_hash", address.pubkey_hash, PREFIX_BYTES);
    file.required("script_hash", address.script_hash, PREFIX_BYTES);
    file.check(
        address.script_hash != address.pubkey_hash, "script_hash",
        "other bytes than those of pubkey_hash");
    file.required("secret_key", address.secret_key, PREFIX_BYTES);
    file.required("extended_public", address.extended_public);
    file.required("extended_secret", address.extended_secret);
    file.required("coin_type", address.coin_type, HEIGHTS);
}

void walk_rule(JsonFields& file, AsertRule& rule, const Uint256& limit) {
    // Not below the spacing: then, with the bounds of both, its exponent stays within 64 bits.
    file.required("half_life", rule.half_life, Range{rule.spacing, MAX_SECONDS});
    file.required("start_bits", Bits{rule.start_bits, limit});
}

void walk_rule(JsonFields& file, BitcoinRule& rule, const Uint256& /*limit*/) {
    file.required("timespan", rule.timespan, Range{4, MAX_SECONDS});
    file.check(
        rule.timespan % rule.spacing == 0 && rule.timespan >= 2 * rule.spacing, "timespan",
        "a multiple of spacing, at least twice as long");
    file.check(
        rule.timespan / rule.spacing <= MAX_INTERVAL, "timespan",
        "at most 1,000,000 times the spacing");
    file.defaulted("min_difficulty_blocks", rule.min_difficulty_blocks);
    file.defaulted("bip94", rule.bip94);
}

void walk_rule(JsonFields& /*file*/, FixedRule& /*rule*/, const Uint256& /*limit*/) {}

void walk_proof_of_work(JsonFields& file, Params& params) {
    constexpr Range SPACINGS{1, 86'400};
    static const std::pair<std::string, PowRule> RULES[] = {
        {"asert", AsertRule()}, {"bitcoin", BitcoinRule()}, {"fixed", FixedRule()}};
    file.required("limit", params.pow_limit);
    file.check(params.pow_limit != 0, "limit", "a number above 0");
    std::string name = RULES[params.pow.index()].first;
    file.required("rule", name, WORD);
    const auto rule = std::ranges::find(RULES, name, &std::pair<std::string, PowRule>::first);
    file.check(rule != std::end(RULES), "rule", "asert, bitcoin or fixed");
    if (file.reading()) params.pow = rule->second;
    std::visit(
        [&](auto& chosen) {
            file.required("spacing", chosen.spacing, SPACINGS);
            walk_rule(file, chosen, params.pow_limit);
        },
        params.pow);
}

/// An output's script as an address, where it has one.
void walk_output(JsonFields& file, TxOut& out, const AddressPrefixes& prefixes) {
    file.required("amount", out.value, AMOUNTS);
    std::string address;
    if (!file.reading()) address = address_of_script(out.script_pubkey, prefixes).value_or("");
    file.optional("address", address, ADDRESS);
    if (file.reading() || address.empty()) file.optional("script", out.script_pubkey, SCRIPT_BYTES);
    if (!file.reading()) return;
    file.check(address.empty() != out.script_pubkey.empty(), "", "either an address or a script");
    if (address.empty()) return;
    const std::optional<Script> script = script_of_address(address, prefixes);
    file.check(script.has_value(), "address", "an address with the prefixes of this file");
    out.script_pubkey = *script;
}

void walk_genesis(JsonFields& file, Params& params) {
    BlockHeader& header = params.genesis.header;
    std::vector<TxOut> outputs;
    std::string text;
    if (file.reading()) {
        header.version = 1;
    } else {
        outputs = params.genesis.transactions[0].outputs;
        const ByteView said = *last_push(params.genesis.transactions[0].inputs[0].script_sig);
        text.assign(said.begin(), said.end());
    }
    file.defaulted("version", header.version, Range{INT32_MIN, INT32_MAX});
    file.required("time", header.time, UINT32_RANGE);
    file.required("bits", Bits{header.bits, params.pow_limit});
    file.required("nonce", header.nonce, UINT32_RANGE);
    file.required("coinbase", text, COINBASE_TEXT);
    Amount total;
    file.required("outputs", outputs, [&](JsonFields& item, TxOut& out) {
        walk_output(item, out, params.address);
        total = std::min(total + out.value, MAX_MONEY + Amount(1));
    });
    file.check(money_range(total), "outputs", "at most 21,000,000 coins in all");
    file.check(!outputs.empty(), "outputs", "at least one output");
    file.defaulted("spendable", params.genesis_spendable);
    BlockHash hash = params.genesis_hash;
    file.required("hash", hash);
    if (!file.reading()) return;
    params.genesis = make_genesis(header, text, std::move(outputs));
    params.genesis_hash = header.hash();
    file.check(
        hash == params.genesis_hash, "hash",
        "the hash of what this section holds, " + params.genesis_hash.to_string());
    file.check(
        meets_target(hash, header.bits, params.pow_limit), "nonce",
        "a nonce with which the hash meets the bits");
}

void walk_subsidy(JsonFields& file, Params& params) {
    file.required("amount", params.subsidy, AMOUNTS);
    file.required("halving_interval", params.halving_interval, HEIGHTS);
    file.defaulted("coinbase_maturity", params.coinbase_maturity, POSITIVE);
}

void walk_activation(JsonFields& file, ActivationHeights& heights) {
    file.defaulted("bip34", heights.bip34, HEIGHTS);
    file.defaulted("bip66", heights.bip66, HEIGHTS);
    file.defaulted("bip65", heights.bip65, HEIGHTS);
    file.defaulted("csv", heights.csv, HEIGHTS);
    file.defaulted("segwit", heights.segwit, HEIGHTS);
}

void walk_deployment(JsonFields& file, Deployment& deployment) {
    file.required("name", deployment.name, PLAIN_NAME);
    file.required("bit", deployment.bit, Range{0, 28});
    file.required("start_time", StartTime{deployment.start_time});
    if (file.reading() || deployment.timeout != Deployment::NO_TIMEOUT)
        file.defaulted("timeout", deployment.timeout, UINT32_RANGE);
    file.defaulted("min_activation_height", deployment.min_activation_height, HEIGHTS);
    file.defaulted("period", deployment.period, POSITIVE);
    file.defaulted("threshold", deployment.threshold, Range{1, deployment.period});
    file.check(
        deployment.threshold <= deployment.period, "threshold",
        "a number, since the default is above the period");
}

void walk_exceptions(JsonFields& file, Exceptions& exceptions) {
    file.optional(
        "script_flags", exceptions.script_flags,
        [](JsonFields& item, Exceptions::ScriptRules& rules) {
            item.required("block", rules.block);
            item.required("flags", Flags{rules.flags});
        });
    file.optional("bip30", exceptions.bip30, [](JsonFields& item, Exceptions::Overwrite& block) {
        item.required("height", block.height, HEIGHTS);
        item.required("block", block.block);
    });
    file.optional("bip34_hash", exceptions.bip34_hash);
}

void walk_snapshot(JsonFields& file, Snapshot& snapshot) {
    file.required("height", snapshot.height, POSITIVE);
    file.required("block", snapshot.block);
    file.required("coins_hash", snapshot.coins_hash);
    file.required("chain_tx_count", snapshot.chain_tx_count, Range{1, INT64_MAX});
}

/// The folders of a data directory are those of its chains and these.
void check_folder(JsonFields& file, const std::string& name, std::string_view field) {
    file.check(
        name[0] != '-' && name != "wallets" && name != "devnet", field,
        "a name that does not begin with - and is neither wallets nor devnet");
}

/// The whole file: rules first, then what a node trusts or asks first.
void walk_file(JsonFields& file, Params& params) {
    int format = 1;
    file.required("format", format, HEIGHTS);
    file.check(format == 1, "format", "1, the only format that this program knows");
    file.required("name", params.name, PLAIN_NAME);
    check_folder(file, params.name, "name");
    if (file.reading()) params.directory = params.name;
    if (file.reading() || params.directory != params.name)
        file.defaulted("directory", params.directory, PLAIN_NAME);
    check_folder(file, params.directory, "directory");
    file.required("magic", params.magic);
    file.required("p2p_port", params.p2p_port, PORTS);
    file.required("rpc_port", params.rpc_port, PORTS);
    file.check(params.rpc_port != params.p2p_port, "rpc_port", "another port than p2p_port");
    file.required("address", params.address, walk_address);
    file.required("proof_of_work", params, walk_proof_of_work);
    file.required("genesis", params, walk_genesis);
    file.required("subsidy", params, walk_subsidy);
    // Below, not even a coinbase would fit.
    constexpr Range WEIGHTS{4'000, MAX_WIRE_SIZE};
    file.defaulted("max_block_weight", params.max_block_weight, WEIGHTS);
    file.defaulted("activation", params.activation, walk_activation);
    std::set<std::string> names;
    file.defaulted("deployments", params.deployments, [&](JsonFields& item, Deployment& row) {
        walk_deployment(item, row);
        item.check(names.insert(row.name).second, "name", "a name that no other deployment has");
    });
    file.optional("exceptions", params.exceptions, walk_exceptions);
    file.optional("challenge", params.challenge, SCRIPT_BYTES);
    file.optional("minimum_chain_work", params.minimum_chain_work);
    file.optional("assumed_valid", params.assumed_valid);
    file.optional("snapshots", params.snapshots, walk_snapshot);
    file.defaulted("max_tip_age", params.max_tip_age, Range{0, MAX_SECONDS});
    file.defaulted("bootstrap_peers", params.bootstrap_peers, Peer());
    file.defaulted("dns_seeds", params.dns_seeds, HOST);
}

} // namespace

Params read_chain_file(std::string_view text) {
    constexpr size_t MAX_FILE_BYTES = 4'000'000;
    if (text.size() > MAX_FILE_BYTES)
        throw ChainFileError(
            "chain file: has " + std::to_string(text.size()) + " bytes, expected at most " +
            std::to_string(MAX_FILE_BYTES));
    const boost::json::value root = parse_json_strictly(text);
    Params params;
    read_json({&root, ""}, params, walk_file);
    return params;
}

std::string write_chain_file(Params params) {
    return print_json(write_json(params, walk_file));
}

Block make_genesis(const BlockHeader& header, std::string_view text, std::vector<TxOut> outputs) {
    // As Bitcoin's, where the first two numbers stand for the bits and an extra nonce.
    constexpr int64_t FIRST_BITS = 0x1d00ffff;
    constexpr std::array<uint8_t, 1> EXTRA_NONCE = {4};
    Transaction coinbase{.version = 1};
    coinbase.inputs.push_back(
        {.prevout = {.txid = {}, .index = OutPoint::NULL_INDEX},
         .script_sig = make_script(FIRST_BITS, EXTRA_NONCE, as_bytes(text))});
    coinbase.outputs = std::move(outputs);
    Block block{.header = header};
    block.transactions.emplace_back(std::move(coinbase));
    block.header.merkle_root = merkle_root(block);
    return block;
}

} // namespace cairn::consensus
