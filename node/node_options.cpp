// SPDX-License-Identifier: MIT
#include "node/node_options.h"

#include "consensus/address.h"

#include <algorithm>
#include <charconv>
#include <map>

namespace cairn::node {

using chain::FeeRate;
using consensus::BlockHash;
using consensus::Height;

namespace {

constexpr int64_t YEAR_SECONDS = int64_t{365} * 24 * 3600;
constexpr int64_t MAX_MEGABYTES = 1 << 20;

/// What a user agent comment may hold. Core: SAFE_CHARS_UA_COMMENT.
constexpr std::string_view SAFE_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                          "0123456789 .,;-_?@";

/// Coins, with up to eight decimals, as a fee rate per 1,000 virtual bytes.
FeeRate fee_rate_option(const Settings& settings, std::string_view name) {
    const std::string text = settings.text(name);
    const size_t point = std::min(text.find('.'), text.size());
    std::string digits = text.substr(0, point);
    std::string decimals = text.substr(std::min(point + 1, text.size()));
    const size_t given = digits.size() + decimals.size();
    decimals.resize(std::max<size_t>(decimals.size(), 8), '0');
    digits += decimals;
    int64_t satoshis = 0;
    const char* end = digits.data() + digits.size();
    const auto [stopped, error] = std::from_chars(digits.data(), end, satoshis);
    const bool plain = digits.find_first_not_of("0123456789") == std::string::npos;
    if (given == 0 || decimals.size() > 8 || !plain || error != std::errc{} || stopped != end ||
        !consensus::money_range(satoshis))
        throw OptionError("Invalid amount for -" + std::string(name) + "=<amount>: '" + text + "'");
    return {satoshis};
}

/// Up to 64 hexadecimal digits, with or without 0x.
std::optional<consensus::Uint256> hex_option(std::string text) {
    if (text.starts_with("0x")) text.erase(0, 2);
    return consensus::number_from_hex(text);
}

bool on(const std::string& text) {
    return !text.empty() && text != "0";
}

std::vector<std::string> user_agent_comments(const Settings& settings) {
    std::vector<std::string> comments = settings.list("uacomment");
    for (const std::string& comment : comments) {
        if (comment.find_first_not_of(SAFE_LETTERS) != std::string::npos)
            throw OptionError("User Agent comment (" + comment + ") contains unsafe characters.");
    }
    return comments;
}

} // namespace

int64_t number_option(const Settings& settings, std::string_view name, int64_t low, int64_t high) {
    const int64_t number = settings.number(name);
    if (number < low || number > high)
        throw OptionError(
            "-" + std::string(name) + "=" + std::to_string(number) + " is not between " +
            std::to_string(low) + " and " + std::to_string(high));
    return number;
}

uint16_t port_option(const Settings& settings, std::string_view name, uint16_t fallback) {
    if (!settings.is_set(name)) return fallback;
    const int64_t port = settings.number(name);
    if (port < 1 || port > UINT16_MAX)
        throw OptionError(
            "Invalid port specified in -" + std::string(name) + ": '" + std::to_string(port) + "'");
    return static_cast<uint16_t>(port);
}

chain::ChainOptions chain_options(const Setup& setup) {
    const Settings& settings = setup.settings;
    chain::ChainOptions options;
    options.directory = setup.locations.chain_directory;
    options.cache_bytes = static_cast<size_t>(number_option(settings, "dbcache", 4, MAX_MEGABYTES))
                          << 20;
    options.verify_threads = static_cast<int>(number_option(settings, "par", -1024, 1024));
    if (settings.is_set("assumevalid")) {
        const std::string text = settings.text("assumevalid");
        options.assumed_valid = BlockHash::from_string(text);
        if (!on(text)) options.assumed_valid = BlockHash{};
        if (!options.assumed_valid)
            throw OptionError(
                "Invalid assumevalid block hash specified (" + text +
                "), must be up to 64 hex digits (or 0 to disable)");
    }
    if (settings.is_set("minimumchainwork")) {
        const std::string text = settings.text("minimumchainwork");
        options.minimum_chain_work = hex_option(text);
        if (!options.minimum_chain_work)
            throw OptionError(
                "Invalid minimum work specified (" + text + "), must be up to 64 hex digits");
    }
    if (settings.is_set("maxtipage"))
        options.max_tip_age = number_option(settings, "maxtipage", 0, 100 * YEAR_SECONDS);
    options.max_mempool_bytes =
        static_cast<size_t>(number_option(settings, "maxmempool", 0, MAX_MEGABYTES)) * 1'000'000;
    options.mempool_expiry_seconds =
        number_option(settings, "mempoolexpiry", 0, 100 * YEAR_SECONDS / 3600) * 3600;
    options.persist_mempool = settings.flag("persistmempool");
    options.accept_nonstandard = settings.flag("acceptnonstdtxn");
    options.permit_bare_multisig = settings.flag("permitbaremultisig");
    const int64_t data_bytes = number_option(settings, "datacarriersize", 0, UINT32_MAX);
    options.max_datacarrier_bytes =
        settings.flag("datacarrier") ? static_cast<size_t>(data_bytes) : 0;
    options.min_relay_feerate = fee_rate_option(settings, "minrelaytxfee");
    options.incremental_feerate = fee_rate_option(settings, "incrementalrelayfee");
    options.dust_feerate = fee_rate_option(settings, "dustrelayfee");
    options.block_min_feerate = fee_rate_option(settings, "blockmintxfee");
    options.block_filters = on(settings.text("blockfilterindex"));
    return options;
}

NetworkOptions network_options(const Setup& setup) {
    const Settings& settings = setup.settings;
    NetworkOptions options;
    options.listen = settings.flag("listen");
    options.bind = settings.list("bind");
    options.port = port_option(settings, "port", setup.params.p2p_port);
    options.connect = settings.list("connect");
    std::erase(options.connect, "0");
    options.connect_only = settings.is_set("connect");
    options.add_nodes = settings.list("addnode");
    options.seed_nodes = settings.list("seednode");
    options.dns_seed = settings.flag("dnsseed");
    options.max_connections = static_cast<int>(number_option(settings, "maxconnections", 0, 4096));
    options.user_agent_comments = user_agent_comments(settings);
    options.peer_timeout =
        std::chrono::seconds(number_option(settings, "peertimeout", 1, 100 * YEAR_SECONDS));
    options.blocks_only = settings.flag("blocksonly");
    options.whitelist = settings.list("whitelist");
    options.address_file = setup.locations.chain_directory / "peers.dat";
    return options;
}

LogOptions log_options(const Setup& setup) {
    const Settings& settings = setup.settings;
    LogOptions options;
    if (on(settings.text("debuglogfile"))) options.file = setup.chain_path("debuglogfile");
    options.max_file_bytes =
        static_cast<size_t>(number_option(settings, "maxlogmb", 1, MAX_MEGABYTES)) * 1'000'000;
    const bool background = settings.flag("daemon") || settings.flag("daemonwait");
    options.to_console =
        settings.is_set("printtoconsole") ? settings.flag("printtoconsole") : !background;
    const std::vector<std::string> categories = settings.list("debug");
    const bool detailed =
        std::any_of(categories.begin(), categories.end(), [](const std::string& category) {
            return on(category) && category != "none";
        });
    if (detailed) {
        const bool trace = settings.text("loglevel") == "trace";
        options.level = trace ? LogLevel::Trace : LogLevel::Debug;
    }
    return options;
}

std::optional<consensus::Script> mining_payout(const Setup& setup) {
    const std::string address = setup.settings.text("mine");
    if (!on(address)) return std::nullopt;
    if (setup.params.signed_blocks())
        throw OptionError("-mine: the blocks of this chain need a signature, whose key is not "
                          "the node's to have");
    consensus::AddressError error;
    auto script = consensus::script_of_address(address, setup.params.address, &error);
    if (!script)
        throw OptionError(
            "-mine=" + address + " is no address of chain " + setup.params.name + ": " +
            error.message);
    return script;
}

void apply_test_heights(Setup& setup) {
    consensus::ActivationHeights& heights = setup.params.activation;
    const std::map<std::string_view, Height*> rules{
        {"bip34", &heights.bip34}, {"dersig", &heights.bip66},  {"cltv", &heights.bip65},
        {"csv", &heights.csv},     {"segwit", &heights.segwit},
    };
    for (const std::string& text : setup.settings.list("testactivationheight")) {
        const size_t at = text.find('@');
        const auto mistake = [&](std::string_view what) {
            return OptionError(
                "Invalid " + std::string(what) + " (" + text +
                ") for -testactivationheight=name@height.");
        };
        if (at == std::string::npos) throw mistake("format");
        int32_t height = 0;
        const char* end = text.data() + text.size();
        const auto [stopped, error] = std::from_chars(text.data() + at + 1, end, height);
        if (error != std::errc{} || stopped != end || height < 0 || height == INT32_MAX)
            throw mistake("height value");
        const auto rule = rules.find(std::string_view(text).substr(0, at));
        if (rule == rules.end()) throw mistake("name");
        if (!std::holds_alternative<consensus::FixedRule>(setup.params.pow))
            throw OptionError("-testactivationheight needs a chain of fixed difficulty");
        *rule->second = height;
    }
}

} // namespace cairn::node
