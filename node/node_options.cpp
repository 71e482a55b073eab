// SPDX-License-Identifier: MIT
#include "node/node_options.h"

#include "consensus/address.h"
#include "consensus/decimal.h"
#include "node/listener.h"
#include "node/net_address.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <spdlog/fmt/fmt.h>

namespace cairn::node {

using chain::FeeRate;
using consensus::BlockHash;
using consensus::Height;

namespace {

/// What a user agent comment may hold. Core: SAFE_CHARS_UA_COMMENT.
constexpr std::string_view SAFE_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                          "0123456789 .,;-_?@";

/// Room for the blocks that are always kept. Core: MIN_DISK_SPACE_FOR_BLOCK_FILES.
constexpr int64_t MIN_PRUNE_MEBIBYTES = 550;

/// Coins, with up to eight decimals, as a fee rate per 1,000 virtual bytes.
FeeRate fee_rate_option(const Settings& settings, std::string_view name) {
    const std::string text = settings.text(name);
    const auto satoshis = consensus::read_decimal(text, 8, consensus::MAX_MONEY.value);
    if (!satoshis)
        throw OptionError(fmt::format("Invalid amount for -{}=<amount>: '{}'", name, text));
    return {*satoshis};
}

/// Room for some of the largest clusters. Source: the reference.
constexpr size_t MIN_MEMPOOL_BYTES = 5'000'000;

/// The categories of -debug or -debugexclude (`name`); what "0" or "none" stands before is dropped.
std::vector<std::string> log_categories(const Settings& settings, std::string_view name) {
    std::vector<std::string> categories;
    for (const std::string& category : settings.list(name)) {
        if (category == "0" || category == "none") {
            categories.clear();
            continue;
        }
        if (!is_log_category(category))
            throw OptionError(fmt::format(
                "-{}={}: expected 0, none, all, one of {}, or a category of the reference, such as "
                "mempool",
                name, category, fmt::join(LOG_MODULES, ", ")));
        categories.push_back(category);
    }
    return categories;
}

/// A number of bytes with its unit, a letter; without one, MiB.
uint64_t bytes_option(const Settings& settings, std::string_view name) {
    constexpr std::pair<std::string_view, uint64_t> UNITS[] = {
        {"", 1 << 20},
        {"k", 1'000},
        {"K", 1 << 10},
        {"m", 1'000'000},
        {"M", 1 << 20},
        {"g", 1'000'000'000},
        {"G", uint64_t{1} << 30},
        {"t", 1'000'000'000'000},
        {"T", uint64_t{1} << 40},
    };
    const std::string text = settings.text(name);
    uint64_t number = 0;
    const char* end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, number);
    const auto* unit = std::ranges::find(
        UNITS, std::string_view(stopped, static_cast<size_t>(end - stopped)),
        &std::pair<std::string_view, uint64_t>::first);
    if (error != std::errc{} || unit == std::end(UNITS) || number > UINT64_MAX / unit->second)
        throw OptionError(fmt::format("Unable to parse -{}: '{}'", name, text));
    return number * unit->second;
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

void check_hosts(std::string_view option, const std::vector<std::string>& hosts) {
    for (const std::string& host : hosts)
        if (!split_host_port(host, 1))
            throw OptionError(
                fmt::format("-{}={}: expected <host> or <host>:<port>", option, host));
}

/// Where peers find us, by the operator.
std::vector<NetAddress> external_addresses(const Settings& settings, uint16_t default_port) {
    std::vector<NetAddress> addresses;
    for (const std::string& text : settings.list("externalip")) {
        const auto address = NetAddress::from_string(text, default_port);
        if (!address)
            throw OptionError(fmt::format("Cannot resolve -externalip address: '{}'", text));
        addresses.push_back(*address);
    }
    return addresses;
}

std::set<NetworkId> only_networks(const Settings& settings, bool has_onion_proxy) {
    std::set<NetworkId> networks;
    for (const std::string& name : settings.list("onlynet")) {
        const auto found = std::ranges::find(NETWORK_NAMES, name);
        if (found == NETWORK_NAMES.end())
            throw OptionError(fmt::format("Unknown network specified in -onlynet: '{}'", name));
        const NetworkId network = NETWORK_IDS[static_cast<size_t>(found - NETWORK_NAMES.begin())];
        if (network == NetworkId::I2p || network == NetworkId::Cjdns)
            throw OptionError(fmt::format("-onlynet={}: no way leads there", name));
        if (network == NetworkId::TorV3 && !has_onion_proxy)
            throw OptionError(
                "Outbound connections restricted to Tor (-onlynet=onion) but the proxy for "
                "reaching the Tor network is not provided: none of -proxy or -onion is given");
        networks.insert(network);
    }
    return networks;
}

/// Where a proxy is; empty: none.
std::string proxy_option(const Settings& settings, std::string_view name) {
    std::string text = settings.text(name);
    if (!on(text)) return "";
    const std::optional<HostPort> place = split_host_port(text, 1);
    if (!place || place->port == 0)
        throw OptionError(fmt::format("Invalid port specified in -{}: '{}'", name, text));
    constexpr std::string_view NEVER_IN_HOSTS = " =/@";
    if (place->host.find("..") != std::string::npos ||
        place->host.find_first_of(NEVER_IN_HOSTS) != std::string::npos)
        throw OptionError(fmt::format("Invalid -{} address or hostname: '{}'", name, text));
    return text;
}

/// Core: FormatSubVersion.
std::string user_agent_of(const std::vector<std::string>& comments) {
    std::string agent = "/Satoshi:31.0.0/Cairn:" CAIRN_VERSION;
    for (size_t i = 0; i < comments.size(); ++i) agent += (i == 0 ? "(" : "; ") + comments[i];
    agent += comments.empty() ? "/" : ")/";
    constexpr size_t LIMIT = VersionMessage::MAX_USER_AGENT_BYTES;
    if (agent.size() > LIMIT)
        throw std::runtime_error(
            "Total length of network version string (" + std::to_string(agent.size()) +
            ") exceeds maximum length (" + std::to_string(LIMIT) +
            "). Reduce the number or size of uacomments.");
    return agent;
}

/// Source: Core, of its texts and the least weight.
void set_block_options(chain::ChainOptions& options, const Setup& setup) {
    constexpr int64_t MIN_RESERVED_WEIGHT = 2'000;
    const Settings& settings = setup.settings;
    options.block_min_feerate = fee_rate_option(settings, "blockmintxfee");
    const int64_t most = setup.params.max_block_weight;
    const int64_t reserved = settings.is_set("blockreservedweight")
                                 ? settings.number("blockreservedweight")
                                 : consensus::reserved_weight(setup.params);
    if (settings.is_set("blockmaxweight"))
        options.block_max_weight = settings.number("blockmaxweight");
    const int64_t weight = options.block_max_weight.value_or(most);
    for (const auto& [name, value] :
         {std::pair("blockmaxweight", weight), std::pair("blockreservedweight", reserved)})
        if (value > most)
            throw OptionError(fmt::format(
                "-{} ({}) exceeds consensus maximum block weight ({})", name, value, most));
    if (reserved < MIN_RESERVED_WEIGHT)
        throw OptionError(fmt::format(
            "-blockreservedweight ({}) is lower than minimum safety value of ({})", reserved,
            MIN_RESERVED_WEIGHT));
    if (reserved > weight)
        throw OptionError(fmt::format(
            "-blockreservedweight ({}) exceeds -blockmaxweight ({})", reserved, weight));
    options.block_reserved_weight = reserved;
    if (!settings.is_set("blockversion")) return;
    if (!setup.params.fixed_difficulty())
        throw OptionError("-blockversion needs a chain of fixed difficulty");
    options.block_version = static_cast<int32_t>(settings.number("blockversion"));
}

} // namespace

uint16_t port_option(const Settings& settings, std::string_view name, uint16_t fallback) {
    if (!settings.is_set(name)) return fallback;
    const int64_t port = settings.number(name);
    if (port < 1 || port > UINT16_MAX)
        throw OptionError(fmt::format("Invalid port specified in -{}: '{}'", name, port));
    return static_cast<uint16_t>(port);
}

chain::ChainOptions chain_options(const Setup& setup) {
    const Settings& settings = setup.settings;
    chain::ChainOptions options;
    options.directory = setup.locations.chain_directory;
    options.cache_bytes = static_cast<size_t>(settings.number("dbcache")) << 20;
    if (const int64_t mebibytes = settings.number("prune"); mebibytes > 1) {
        if (mebibytes < MIN_PRUNE_MEBIBYTES)
            throw OptionError(fmt::format(
                "Prune configured below the minimum of {} MiB.  Please use a higher number.",
                MIN_PRUNE_MEBIBYTES));
        options.prune_bytes = static_cast<uint64_t>(mebibytes) << 20;
    } else if (mebibytes == 1) {
        options.prune_bytes = 0;
    }
    options.reindex = settings.flag("reindex") || settings.flag("reindex-chainstate");
    options.verify_threads = static_cast<int>(settings.number("par"));
    if (const std::string hash = settings.text("assumevalid"); settings.is_set("assumevalid")) {
        const std::string digits = hash.substr(hash.starts_with("0x") ? 2 : 0);
        const std::string padding(64 - std::min<size_t>(digits.size(), 64), '0');
        options.assumed_valid = BlockHash::from_string(padding + digits);
        if (!options.assumed_valid)
            throw OptionError(
                "Invalid assumevalid block hash specified (" + hash +
                "), must be up to 64 hex digits (or 0 to disable)");
    }
    if (const std::string work = settings.text("minimumchainwork"); !work.empty()) {
        options.minimum_chain_work =
            consensus::number_from_hex(work.substr(work.starts_with("0x") ? 2 : 0));
        if (!options.minimum_chain_work)
            throw OptionError(
                "Invalid minimum work specified (" + work + "), must be up to 64 hex digits");
    }
    if (settings.is_set("maxtipage")) options.max_tip_age = settings.number("maxtipage");
    options.max_mempool_bytes = static_cast<size_t>(settings.number("maxmempool")) * 1'000'000;
    if (options.max_mempool_bytes < MIN_MEMPOOL_BYTES)
        throw OptionError("-maxmempool must be at least 5 MB");
    options.mempool_expiry_seconds = settings.number("mempoolexpiry") * 3600;
    options.persist_mempool = settings.flag("persistmempool");
    options.max_cluster_count = static_cast<size_t>(settings.number("limitclustercount"));
    options.max_cluster_vsize = settings.number("limitclustersize") * 1000;
    options.accept_nonstandard = settings.flag("acceptnonstdtxn");
    options.permit_bare_multisig = settings.flag("permitbaremultisig");
    options.max_datacarrier_bytes =
        settings.flag("datacarrier") ? static_cast<size_t>(settings.number("datacarriersize")) : 0;
    options.incremental_feerate = fee_rate_option(settings, "incrementalrelayfee");
    options.min_relay_feerate = fee_rate_option(settings, "minrelaytxfee");
    if (!settings.is_set("minrelaytxfee"))
        options.min_relay_feerate =
            std::max(options.min_relay_feerate, options.incremental_feerate);
    options.dust_feerate = fee_rate_option(settings, "dustrelayfee");
    options.bytes_per_sigop = settings.number("bytespersigop");
    set_block_options(options, setup);
    const std::string filters = settings.text("blockfilterindex");
    options.block_filters = on(filters);
    if (options.block_filters && filters != "1" && filters != "basic")
        throw OptionError("Unknown -blockfilterindex value " + filters + ".");
    options.coin_statistics_index = settings.flag("coinstatsindex");
    options.address_index = settings.flag("addressindex");
    for (const auto& [name, index] :
         {std::pair("txindex", &options.transaction_index),
          std::pair("txospenderindex", &options.spender_index)}) {
        *index = settings.flag(name);
        if (*index && options.prune_bytes)
            throw OptionError(fmt::format("Prune mode is incompatible with -{}.", name));
    }
    return options;
}

/// What -whitelist and -whitebind grant where they name nothing.
uint32_t implied_permissions(const Settings& settings) {
    uint32_t permissions = PERMIT_NOBAN | PERMIT_DOWNLOAD | PERMIT_MEMPOOL;
    const bool forces = settings.flag("whitelistforcerelay");
    // Who wants no transactions must say whose he does want.
    if (settings.is_set("whitelistrelay") ? settings.flag("whitelistrelay")
                                          : forces || !settings.flag("blocksonly"))
        permissions |= PERMIT_RELAY;
    if (forces) permissions |= PERMIT_FORCE_RELAY;
    return permissions;
}

NetworkOptions network_options(const Setup& setup) {
    const Settings& settings = setup.settings;
    NetworkOptions options;
    options.proxy = proxy_option(settings, "proxy");
    options.onion_proxy =
        settings.is_set("onion") ? proxy_option(settings, "onion") : options.proxy;
    options.proxy_randomize = settings.flag("proxyrandomize");
    // Who names the only peers wants no others, and who hides behind a proxy shows himself to
    // nobody, unless another option says so.
    options.bind = settings.list("bind");
    options.white_bind = settings.list("whitebind");
    const bool named = !options.bind.empty() || !options.white_bind.empty();
    const bool open = named || (!settings.is_set("connect") && options.proxy.empty());
    options.listen = settings.is_set("listen") ? settings.flag("listen") : open;
    if (named && !options.listen)
        throw OptionError("Cannot set -bind or -whitebind together with -listen=0");
    options.port = port_option(settings, "port", setup.params.p2p_port);
    options.external = external_addresses(settings, options.port);
    options.connect = settings.list("connect");
    std::erase(options.connect, "0");
    options.connect_only = settings.is_set("connect");
    check_hosts("connect", options.connect);
    options.add_nodes = settings.list("addnode");
    check_hosts("addnode", options.add_nodes);
    options.seed_nodes = settings.list("seednode");
    check_hosts("seednode", options.seed_nodes);
    options.only_networks = only_networks(settings, !options.onion_proxy.empty());
    const bool by_ip = options.reaches(NetworkId::Ipv4) || options.reaches(NetworkId::Ipv6);
    options.dns_seed = settings.flag("dnsseed") && by_ip; // they know of no others
    options.max_connections = static_cast<int>(settings.number("maxconnections"));
    options.user_agent_comments = user_agent_comments(settings);
    options.peer_timeout = std::chrono::seconds(settings.number("peertimeout"));
    if (options.peer_timeout.count() == 0)
        throw OptionError("peertimeout must be a positive integer.");
    options.serve_filters = settings.flag("peerblockfilters");
    if (options.serve_filters && settings.is_set("peerblockfilters") &&
        !on(settings.text("blockfilterindex")))
        throw OptionError("Cannot set -peerblockfilters without -blockfilterindex.");
    options.blocks_only = settings.flag("blocksonly");
    options.whitelist = settings.list("whitelist");
    options.implied_permissions = implied_permissions(settings);
    options.directory = setup.locations.chain_directory;
    options.ban_seconds = settings.number("bantime");
    options.max_upload_bytes = bytes_option(settings, "maxuploadtarget");
    return options;
}

ProtocolOptions protocol_options(
    const NetworkOptions& options, const chain::Chain& chain, const Listener& listener) {
    ProtocolOptions result;
    result.user_agent = user_agent_of(options.user_agent_comments);
    result.services = NODE_WITNESS | NODE_NETWORK_LIMITED;
    if (!chain.options().prune_bytes) result.services |= NODE_NETWORK;
    if (options.serve_filters && chain.options().block_filters)
        result.services |= NODE_COMPACT_FILTERS;
    if (options.listen) result.external = options.external;
    // What others see of who hides behind a proxy isn't his address, and none to tell of.
    if (options.proxy.empty()) result.announced_port = listener.public_port();
    result.blocks_only = options.blocks_only;
    result.peer_timeout = options.peer_timeout;
    result.max_upload_bytes = options.max_upload_bytes;
    result.min_relay_feerate = chain.options().min_relay_feerate;
    result.max_transaction_weight = chain.options().accept_nonstandard
                                        ? chain.params().max_block_weight
                                        : consensus::max_standard_weight(chain.params());
    return result;
}

LogOptions log_options(const Setup& setup) {
    const Settings& settings = setup.settings;
    LogOptions options;
    if (on(settings.text("debuglogfile"))) options.file = setup.chain_path("debuglogfile");
    options.max_file_bytes = static_cast<size_t>(settings.number("maxlogmb")) * 1'000'000;
    const bool background = settings.flag("daemon") || settings.flag("daemonwait");
    options.to_console =
        settings.is_set("printtoconsole") ? settings.flag("printtoconsole") : !background;
    const std::string level = settings.text("loglevel");
    if (level != "info" && level != "debug" && level != "trace" && !level.empty())
        throw OptionError("-loglevel=" + level + ": expected info, debug or trace");
    if (level != "info") options.detailed = log_categories(settings, "debug");
    options.excluded = log_categories(settings, "debugexclude");
    if (level == "trace") options.level = spdlog::level::trace;
    const std::string format = settings.text("logformat");
    if (format != "text" && format != "json")
        throw OptionError("-logformat=" + format + ": expected text or json");
    options.json = format == "json";
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
        if (!setup.params.fixed_difficulty())
            throw OptionError("-testactivationheight needs a chain of fixed difficulty");
        *rule->second = height;
    }
}

} // namespace cairn::node
