// SPDX-License-Identifier: MIT
#include "consensus/chain_file.h"

#include "consensus/address.h"
#include "consensus/interpreter.h"
#include "consensus/pow.h"

#include <algorithm>
#include <limits>

namespace cairn::consensus {

namespace {

constexpr size_t MAX_FILE_BYTES = 4'000'000;
constexpr int64_t FORMAT = 1;
constexpr int64_t MAX_UINT32 = std::numeric_limits<uint32_t>::max();
constexpr int64_t MAX_HEIGHT = std::numeric_limits<int32_t>::max();
/// With these, and a half-life not below the spacing, ASERT's exponent stays within 64 bits.
constexpr int64_t MAX_SPACING = 24 * 3600;
constexpr int64_t MAX_SECONDS = int64_t{1000} * 365 * 24 * 3600;
constexpr size_t MAX_NAME = 64;

// Fields with a value where they are absent ////////////////////////////////////////////////////

int64_t number_or(const JsonField& field, int64_t least, int64_t most, int64_t fallback) {
    return field.present() ? field.number(least, most) : fallback;
}

Height height_or(const JsonField& field, Height fallback) {
    return static_cast<int32_t>(number_or(field, 0, MAX_HEIGHT, fallback.value));
}

bool boolean_or_false(const JsonField& field) {
    return field.present() && field.boolean();
}

std::vector<JsonField> items_or_none(const JsonField& field) {
    return field.present() ? field.items() : std::vector<JsonField>();
}

template <size_t SIZE>
std::array<uint8_t, SIZE> fixed_hex(const JsonField& field) {
    const Bytes bytes = field.hex(SIZE, SIZE);
    std::array<uint8_t, SIZE> result{};
    std::ranges::copy(bytes, result.begin());
    return result;
}

/// Text that is safe as a folder, a section of a configuration file, an argument.
std::string plain_name(const JsonField& field) {
    std::string name = field.text(MAX_NAME);
    const auto plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_';
    };
    if (!std::ranges::all_of(name, plain)) field.fail("letters, digits, - and _");
    return name;
}

/// A target in compact form that some hash can meet and that is not above `limit`.
uint32_t bits_within(const JsonField& field, const Uint256& limit) {
    const uint32_t bits = field.word();
    const std::optional<Uint256> target = target_of(bits);
    if (!target || *target > limit)
        field.fail("8 hexadecimal digits of a target above 0 and at most proof_of_work.limit");
    return bits;
}

// The file's sections, in their order ///////////////////////////////////////////////////////////

void read_identity(JsonFields& file, Params& params) {
    params.name = plain_name(file["name"]);
    const JsonField directory = file["directory"];
    params.directory = directory.present() ? plain_name(directory) : params.name;
    params.magic = fixed_hex<4>(file["magic"]);
    params.p2p_port = static_cast<uint16_t>(file["p2p_port"].number(1, 65535));
    const JsonField rpc_port = file["rpc_port"];
    params.rpc_port = static_cast<uint16_t>(rpc_port.number(1, 65535));
    if (params.rpc_port == params.p2p_port) rpc_port.fail("another port than p2p_port");
}

AddressPrefixes read_address(const JsonField& field) {
    constexpr size_t MAX_HRP = 30; // so that an address stays below BIP-0173's 90 characters
    JsonFields fields(field);
    AddressPrefixes address;
    const JsonField hrp = fields["bech32_hrp"];
    address.bech32_hrp = hrp.text(MAX_HRP);
    const auto allowed = [](char c) { return c > ' ' && (c < 'A' || c > 'Z'); };
    if (!std::ranges::all_of(address.bech32_hrp, allowed))
        hrp.fail("text without capital letters and spaces");
    address.pubkey_hash = fields["pubkey_hash"].hex(1, 4);
    address.script_hash = fields["script_hash"].hex(1, 4);
    address.secret_key = fields["secret_key"].hex(1, 4);
    address.extended_public = fixed_hex<4>(fields["extended_public"]);
    address.extended_secret = fixed_hex<4>(fields["extended_secret"]);
    constexpr int64_t MAX_COIN_TYPE = 0x7fffffff;
    address.coin_type = static_cast<uint32_t>(fields["coin_type"].number(0, MAX_COIN_TYPE));
    fields.finish();
    return address;
}

AsertRule read_asert(JsonFields& fields, int64_t spacing, const Uint256& limit) {
    AsertRule rule{.spacing = spacing};
    rule.half_life = fields["half_life"].number(spacing, MAX_SECONDS);
    rule.start_bits = bits_within(fields["start_bits"], limit);
    return rule;
}

BitcoinRule read_bitcoin(JsonFields& fields, int64_t spacing) {
    BitcoinRule rule{.spacing = spacing};
    const JsonField timespan = fields["timespan"];
    rule.timespan = timespan.number(4, MAX_SECONDS);
    if (rule.timespan % spacing != 0 || rule.timespan < 2 * spacing)
        timespan.fail("a multiple of spacing, at least twice as long");
    rule.min_difficulty_blocks = boolean_or_false(fields["min_difficulty_blocks"]);
    rule.bip94 = boolean_or_false(fields["bip94"]);
    return rule;
}

void read_proof_of_work(const JsonField& field, Params& params) {
    JsonFields fields(field);
    const JsonField limit = fields["limit"];
    params.pow_limit = limit.number_256();
    if (params.pow_limit == 0) limit.fail("a number above 0");
    const int64_t spacing = fields["spacing"].number(1, MAX_SPACING);
    const JsonField rule = fields["rule"];
    const std::string name = rule.text(MAX_NAME);
    if (name == "asert")
        params.pow = read_asert(fields, spacing, params.pow_limit);
    else if (name == "bitcoin")
        params.pow = read_bitcoin(fields, spacing);
    else if (name == "fixed")
        params.pow = FixedRule{.spacing = spacing};
    else
        rule.fail("asert, bitcoin or fixed");
    fields.finish();
}

TxOut read_output(const JsonField& field, const AddressPrefixes& prefixes) {
    JsonFields fields(field);
    TxOut out;
    out.value = fields["amount"].number(0, MAX_MONEY.value);
    const JsonField address = fields["address"];
    const JsonField script = fields["script"];
    if (address.present() == script.present()) field.fail("either an address or a script");
    if (script.present()) {
        out.script_pubkey.assign(script.hex(1, MAX_SCRIPT_SIZE));
    } else {
        const auto known = script_of_address(address.text(MAX_NAME * 2), prefixes);
        if (!known) address.fail("an address with the prefixes of this file");
        out.script_pubkey = *known;
    }
    fields.finish();
    return out;
}

std::vector<TxOut> read_outputs(const JsonField& field, const AddressPrefixes& prefixes) {
    std::vector<TxOut> outputs;
    Amount total;
    for (const JsonField& item : field.items()) {
        outputs.push_back(read_output(item, prefixes));
        total += outputs.back().value;
        if (!money_range(total)) field.fail("at most 21,000,000 coins in all");
    }
    if (outputs.empty()) field.fail("at least one output");
    return outputs;
}

void read_genesis(const JsonField& field, Params& params) {
    constexpr size_t MAX_TEXT = 90; // the coinbase's script has at most 100 bytes
    JsonFields fields(field);
    BlockHeader header;
    header.version = static_cast<int32_t>(number_or(fields["version"], INT32_MIN, INT32_MAX, 1));
    header.time = static_cast<uint32_t>(fields["time"].number(0, MAX_UINT32));
    const JsonField bits = fields["bits"];
    header.bits = bits_within(bits, params.pow_limit);
    const JsonField nonce = fields["nonce"];
    header.nonce = static_cast<uint32_t>(nonce.number(0, MAX_UINT32));
    std::vector<TxOut> outputs = read_outputs(fields["outputs"], params.address);
    params.genesis = make_genesis(header, fields["coinbase"].text(MAX_TEXT), std::move(outputs));
    params.genesis_hash = params.genesis.header.hash();
    params.genesis_spendable = boolean_or_false(fields["spendable"]);
    const JsonField hash = fields["hash"];
    if (hash.hash() != params.genesis_hash)
        hash.fail("the hash of what this section holds, " + params.genesis_hash.to_string());
    if (!meets_target(params.genesis_hash, header.bits, params.pow_limit))
        nonce.fail("a nonce with which the hash meets the bits");
    fields.finish();
}

void read_subsidy(const JsonField& field, Params& params) {
    JsonFields fields(field);
    params.subsidy = fields["amount"].number(0, MAX_MONEY.value);
    params.halving_interval =
        static_cast<int32_t>(fields["halving_interval"].number(0, MAX_HEIGHT));
    params.coinbase_maturity =
        static_cast<int32_t>(number_or(fields["coinbase_maturity"], 1, MAX_HEIGHT, 100));
    fields.finish();
}

ActivationHeights read_activation(const JsonField& field) {
    ActivationHeights heights;
    if (!field.present()) return heights;
    JsonFields fields(field);
    heights.bip34 = height_or(fields["bip34"], heights.bip34);
    heights.bip66 = height_or(fields["bip66"], heights.bip66);
    heights.bip65 = height_or(fields["bip65"], heights.bip65);
    heights.csv = height_or(fields["csv"], heights.csv);
    heights.segwit = height_or(fields["segwit"], heights.segwit);
    fields.finish();
    return heights;
}

int64_t read_start(const JsonField& field) {
    if (!field.is_text()) return field.number(0, MAX_UINT32);
    const std::string word = field.text(MAX_NAME);
    if (word == "always") return Deployment::ALWAYS_ACTIVE;
    if (word == "never") return Deployment::NEVER_ACTIVE;
    field.fail("seconds, \"always\" or \"never\"");
}

Deployment read_deployment(const JsonField& field) {
    JsonFields fields(field);
    Deployment result;
    result.name = plain_name(fields["name"]);
    result.bit = static_cast<int>(fields["bit"].number(0, 28));
    result.start_time = read_start(fields["start_time"]);
    result.timeout = number_or(fields["timeout"], 0, MAX_UINT32, Deployment::NO_TIMEOUT);
    result.min_activation_height = height_or(fields["min_activation_height"], 0);
    result.period = static_cast<int>(number_or(fields["period"], 1, MAX_HEIGHT, result.period));
    const JsonField threshold = fields["threshold"];
    if (!threshold.present() && result.threshold > result.period)
        threshold.fail("a number, since the default is above the period");
    result.threshold = static_cast<int>(number_or(threshold, 1, result.period, result.threshold));
    fields.finish();
    return result;
}

uint32_t read_flags(const JsonField& field) {
    uint32_t flags = 0;
    for (const JsonField& item : field.items()) {
        const std::string name = item.text(MAX_NAME);
        if (name == "P2SH")
            flags |= VERIFY_P2SH;
        else if (name == "WITNESS")
            flags |= VERIFY_WITNESS;
        else if (name == "TAPROOT")
            flags |= VERIFY_TAPROOT;
        else
            item.fail("P2SH, WITNESS or TAPROOT");
    }
    return flags;
}

/// What history asks to be let pass.
void read_exceptions(const JsonField& field, Params& params) {
    if (!field.present()) return;
    JsonFields fields(field);
    for (const JsonField& item : items_or_none(fields["script_flags"])) {
        JsonFields exception(item);
        params.script_exceptions.push_back(
            {.block = BlockHash(exception["block"].hash()),
             .flags = read_flags(exception["flags"])});
        exception.finish();
    }
    for (const JsonField& item : items_or_none(fields["bip30"])) {
        JsonFields exception(item);
        const Height height = height_or(exception["height"], 0);
        params.bip30_exceptions[height] = BlockHash(exception["block"].hash());
        exception.finish();
    }
    if (const JsonField hash = fields["bip34_hash"]; hash.present())
        params.bip34_hash = BlockHash(hash.hash());
    fields.finish();
}

Snapshot read_snapshot(const JsonField& field) {
    JsonFields fields(field);
    Snapshot snapshot;
    snapshot.height = static_cast<int32_t>(fields["height"].number(1, MAX_HEIGHT));
    snapshot.block = BlockHash(fields["block"].hash());
    snapshot.coins_hash = fields["coins_hash"].hash();
    snapshot.chain_tx_count = static_cast<uint64_t>(
        fields["chain_tx_count"].number(1, std::numeric_limits<int64_t>::max()));
    fields.finish();
    return snapshot;
}

std::vector<std::string> read_hosts(const JsonField& field) {
    constexpr size_t MAX_HOST = 260;
    std::vector<std::string> hosts;
    for (const JsonField& item : items_or_none(field)) {
        hosts.push_back(item.text(MAX_HOST));
        if (hosts.back().find(' ') != std::string::npos) item.fail("a host without spaces");
    }
    return hosts;
}

/// What a node trusts or asks first; no rule depends on it.
void read_operation(JsonFields& file, Params& params) {
    if (const JsonField work = file["minimum_chain_work"]; work.present())
        params.minimum_chain_work = work.number_256();
    if (const JsonField hash = file["assumed_valid"]; hash.present())
        params.assumed_valid = BlockHash(hash.hash());
    for (const JsonField& item : items_or_none(file["snapshots"]))
        params.snapshots.push_back(read_snapshot(item));
    params.max_tip_age = number_or(file["max_tip_age"], 0, MAX_SECONDS, params.max_tip_age);
    params.bootstrap_peers = read_hosts(file["bootstrap_peers"]);
    params.dns_seeds = read_hosts(file["dns_seeds"]);
}

} // namespace

Block make_genesis(const BlockHeader& header, std::string_view text, std::vector<TxOut> outputs) {
    // As Bitcoin's, where the first two numbers stand for the bits and an extra nonce.
    constexpr int64_t FIRST_BITS = 0x1d00ffff;
    constexpr std::array<uint8_t, 1> EXTRA_NONCE = {4};
    Transaction coinbase{.version = 1};
    TxIn in{.prevout = {.txid = {}, .index = OutPoint::NULL_INDEX}};
    push_number(in.script_sig, FIRST_BITS);
    push_data(in.script_sig, EXTRA_NONCE);
    push_data(in.script_sig, as_bytes(text));
    coinbase.inputs.push_back(std::move(in));
    coinbase.outputs = std::move(outputs);
    Block block{.header = header};
    block.transactions.emplace_back(std::move(coinbase));
    block.header.merkle_root = merkle_root(block);
    return block;
}

Params read_chain_file(std::string_view text) {
    if (text.size() > MAX_FILE_BYTES)
        throw ChainFileError(
            "chain file: has " + std::to_string(text.size()) + " bytes, expected at most " +
            std::to_string(MAX_FILE_BYTES));
    const boost::json::value root = parse_json_strictly(text);
    JsonFields file(JsonField(&root, ""));
    if (const JsonField format = file["format"]; format.number(0, MAX_HEIGHT) != FORMAT)
        format.fail("1, the only format that this program knows");
    Params params;
    read_identity(file, params);
    params.address = read_address(file["address"]);
    read_proof_of_work(file["proof_of_work"], params);
    read_genesis(file["genesis"], params);
    read_subsidy(file["subsidy"], params);
    // Below, not even a coinbase would fit.
    constexpr int64_t LEAST_WEIGHT = 4'000;
    constexpr auto MOST_WEIGHT = static_cast<int64_t>(MAX_WIRE_SIZE);
    params.max_block_weight =
        number_or(file["max_block_weight"], LEAST_WEIGHT, MOST_WEIGHT, params.max_block_weight);
    params.activation = read_activation(file["activation"]);
    for (const JsonField& item : items_or_none(file["deployments"]))
        params.deployments.push_back(read_deployment(item));
    read_exceptions(file["exceptions"], params);
    if (const JsonField challenge = file["challenge"]; challenge.present())
        params.challenge.assign(challenge.hex(1, MAX_SCRIPT_SIZE));
    read_operation(file, params);
    file.finish();
    return params;
}

} // namespace cairn::consensus
