// SPDX-License-Identifier: MIT
// An option of the reference is listed as ignored only where ignoring it harms nobody: what would
// be a promise not kept (a proxy, another place for the data) stays an error.
#include "node/option_table.h"

#include <algorithm>
#include <spdlog/fmt/fmt.h>
#include <vector>

namespace cairn::node {

namespace {

using enum Option::Kind;

constexpr std::string_view GENERAL = "Options";
constexpr std::string_view CHAIN = "Chain options";
constexpr std::string_view CONNECTION = "Connection options";
constexpr std::string_view MINING = "Mining options";
constexpr std::string_view RELAY = "Mempool and relay options";
constexpr std::string_view RPC = "JSON-RPC options";
constexpr std::string_view CLIENT = "Options of the client, cairn";
constexpr std::string_view LOGGING = "Logging options";
constexpr std::string_view TESTING = "Testing options";
constexpr std::string_view HIDDEN;

constexpr int64_t MAX_MEGABYTES = 1 << 20;
constexpr int64_t MAX_SECONDS = int64_t{100} * 365 * 24 * 3600;

constexpr Option TABLE[] = {
    {"help", Flag, "", GENERAL, "0", "Print this and exit (also -h, -?)"},
    {"h", Flag, "", HIDDEN, "0", ""},
    {"?", Flag, "", HIDDEN, "0", ""},
    {"version", Flag, "", GENERAL, "0", "Print the version and exit"},
    {"datadir", Text, "<dir>", GENERAL, "", "Where all data is kept (default: ~/.cairn)"},
    {"conf", Text, "<file>", GENERAL, "cairn.conf", "Configuration file, seen from -datadir"},
    {"includeconf", List, "<file>", GENERAL, "",
     "Read this file too, seen from -datadir (in the configuration file only)"},
    {"daemon", Flag, "", GENERAL, "0", "Run in the background; returns once the node is up"},
    {"daemonwait", Flag, "", GENERAL, "0", "The same as -daemon"},
    {"pid", Text, "<file>", GENERAL, "cairnd.pid",
     "File for the process id, seen from the chain's directory"},

    {"startupnotify", List, "<command>", GENERAL, "", "Run this once the node is up"},
    {"blocknotify", List, "<command>", GENERAL, "",
     "Run this for each block that joins the chain, once that is synced; %s is its hash"},
    {"alertnotify", List, "<command>", GENERAL, "",
     "Run this if something needs a look; %s is what, in quotes"},
    {"shutdownnotify", List, "<command>", GENERAL, "",
     "Run this when the node goes down, which waits for its end"},

    {"chain", Text, "<chain>", CHAIN, "cairn",
     "The chain file: a path if it has a / or ends in .json (in the configuration file: seen from "
     "-datadir), else the name of one that comes with Cairn (cairn, which is genesis.json, "
     "regtest, "
     "signet, testnet3, testnet4, mainnet)"},
    {"regtest", Flag, "", CHAIN, "0", "The same as -chain=regtest"},
    {"signet", Flag, "", CHAIN, "0", "The same as -chain=signet"},
    {"testnet", Flag, "", CHAIN, "0", "The same as -chain=testnet3"},
    {"testnet4", Flag, "", CHAIN, "0", "The same as -chain=testnet4"},
    {"dbcache", Number, "<MiB>", CHAIN, "450", "Memory for unspent outputs and the database", 4,
     MAX_MEGABYTES},
    {"par", Number, "<n>", CHAIN, "0",
     "Threads that check scripts (0: one a core, negative: leave so many cores free)", -1024, 1024},
    {"assumevalid", Text, "<hash>", CHAIN, "",
     "Don't run the scripts up to this block (0: run all; default: what the chain file says)"},
    {"minimumchainwork", Text, "<hex>", CHAIN, "",
     "Work that a chain must have to be followed (default: what the chain file says)"},
    {"blockfilterindex", Text, "[<type>]", CHAIN, "basic",
     "Keep compact filters, by which wallets find their coins (0: don't)"},
    {"txindex", Flag, "", CHAIN, "0",
     "Keep an index of all transactions, for getrawtransaction; not with -prune"},
    {"txospenderindex", Flag, "", CHAIN, "0",
     "Keep an index of what spent each output, for gettxspendingprevout; not with -prune"},
    {"coinstatsindex", Flag, "", CHAIN, "0",
     "Keep the statistics of all unspent outputs after each block, for gettxoutsetinfo"},
    {"addressindex", Flag, "", CHAIN, "0",
     "Keep an index of scripts, for getaddresshistory, getaddressbalance and getaddressutxos"},
    {"prune", Number, "<MiB>", CHAIN, "0",
     "Delete old blocks so that blocks and undo data take no more than this, at least 550 (0: keep "
     "all; 1: delete when pruneblockchain is called)",
     0, INT32_MAX},
    {"reindex", Flag, "", CHAIN, "0",
     "Build headers, coins and indexes anew from the blocks on disk"},
    {"reindex-chainstate", Flag, "", CHAIN, "0", "The same as -reindex"},
    {"loadblock", List, "<file>", CHAIN, "", "Import blocks from this file at start"},
    {"exportblocks", Text, "<file>", CHAIN, "",
     "Write the active chain to this file, as -loadblock reads it, and exit"},
    {"stopafterblockimport", Flag, "", CHAIN, "0", "Stop once -loadblock is done"},

    {"port", Number, "<port>", CONNECTION, "", "Port for peers (default: the chain file's)"},
    {"bind", List, "<addr>[:port]", CONNECTION, "", "Listen for peers here (default: everywhere)"},
    {"externalip", List, "<addr>[:port]", CONNECTION, "",
     "Tell peers that this node is to be found here; of Tor or I2P, only peers there (default: "
     "where each peer sees it)"},
    {"listen", Flag, "", CONNECTION, "1",
     "Let peers connect to this node; with -connect only if this or -bind is given"},
    {"connect", List, "<addr>[:port]", CONNECTION, "",
     "Connect to these peers only; -connect=0 to none"},
    {"addnode", List, "<addr>[:port]", CONNECTION, "", "Stay connected to this peer"},
    {"proxy", Text, "<addr>[:port]", CONNECTION, "",
     "Call all peers through this SOCKS5 proxy, and look up no names; peers can't connect then "
     "unless -listen or -bind is given"},
    {"onion", Text, "<addr>[:port]", CONNECTION, "",
     "Call peers at Tor's addresses through this one (default: -proxy; 0: don't)"},
    {"proxyrandomize", Flag, "", CONNECTION, "1",
     "Log into the proxy under another name each time, which Tor keeps apart"},
    {"onlynet", List, "<net>", CONNECTION, "",
     "Call, of those that no option names, only peers of this network: ipv4, ipv6 or onion"},
    {"seednode", List, "<addr>[:port]", CONNECTION, "", "Ask this peer for addresses once"},
    {"dnsseed", Flag, "", CONNECTION, "1", "Ask the chain file's DNS seeds for peers"},
    {"peerblockfilters", Flag, "", CONNECTION, "1",
     "Give compact filters to peers, if they are kept"},
    {"maxconnections", Number, "<n>", CONNECTION, "125", "The most peers at a time", 0, 4096},
    {"bantime", Number, "<seconds>", CONNECTION, "86400", "How long setban bans if it isn't told",
     1, MAX_SECONDS},
    {"maxuploadtarget", Text, "<n>[kKmMgGtT]", CONNECTION, "0",
     "Send no more to peers in a day, if new blocks leave a choice (0: no limit; without a unit "
     "MiB, small letters are powers of 1,000)"},
    {"networkactive", Flag, "", CONNECTION, "1", "Have peers at all (see setnetworkactive)"},
    {"peertimeout", Number, "<seconds>", CONNECTION, "60", "Patience with a silent new peer", 0,
     MAX_SECONDS},
    {"uacomment", List, "<text>", CONNECTION, "", "Add this to the user agent"},
    {"whitelist", List, "<permissions@addr/bits>", CONNECTION, "",
     "Trust peers at these addresses with more: noban, forcerelay, relay, mempool, download, addr, "
     "all; in, out: those who call (default), those we do; none named: noban, mempool, relay"},
    {"whitebind", List, "<[permissions@]addr[:port]>", CONNECTION, "",
     "Listen for peers here, too, and trust those who come in here as with -whitelist"},
    {"whitelistrelay", Flag, "", CONNECTION, "1",
     "Take transactions even with -blocksonly from who has all that -whitelist grants unnamed "
     "(default: off with -blocksonly)"},
    {"whitelistforcerelay", Flag, "", CONNECTION, "0",
     "Announce anew what such a peer sends again; brings -whitelistrelay with it"},

    {"mine", Text, "<address>", MINING, "", "Mine in the background and pay to this address"},
    {"minethreads", Number, "<n>", MINING, "1", "Threads for -mine", 1, 1024},
    {"blockmintxfee", Text, "<coins>", MINING, "0.00000001",
     "Lowest fee per 1,000 vbytes that gets into a block of ours"},
    {"blockmaxweight", Number, "<n>", MINING, "",
     "The most a block of ours weighs (default: what the chain allows)", 0, UINT32_MAX},
    {"blockreservedweight", Number, "<n>", MINING, "8000",
     "Weight kept free in it for header, count and the miner's coinbase", 0, UINT32_MAX},
    {"blockversion", Number, "<n>", TESTING, "", "Version of our blocks (fixed difficulty only)", 0,
     INT32_MAX},

    {"maxmempool", Number, "<MB>", RELAY, "300", "Memory for transactions that wait", 0,
     MAX_MEGABYTES},
    {"mempoolexpiry", Number, "<hours>", RELAY, "336", "Drop what has waited so long", 0,
     MAX_SECONDS / 3600},
    {"persistmempool", Flag, "", RELAY, "1", "Keep the mempool over a restart"},
    {"limitclustercount", Number, "<n>", RELAY, "64",
     "The most waiting transactions that may hang together", 1, 64},
    {"limitclustersize", Number, "<kvB>", RELAY, "101", "The most they may weigh together", 1,
     MAX_MEGABYTES},
    {"minrelaytxfee", Text, "<coins>", RELAY, "0.000001", "Lowest fee per 1,000 vbytes relayed"},
    {"incrementalrelayfee", Text, "<coins>", RELAY, "0.000001",
     "What a replacement must pay more, per 1,000 vbytes"},
    {"bytespersigop", Number, "<n>", RELAY, "20",
     "A signature check weighs at least like so many bytes of witness", 1, UINT32_MAX},
    {"dustrelayfee", Text, "<coins>", RELAY, "0.00003",
     "An output is dust if spending it costs more at this fee per 1,000 vbytes"},
    {"permitbaremultisig", Flag, "", RELAY, "1", "Relay multisig outputs that no hash hides"},
    {"datacarrier", Flag, "", RELAY, "1", "Relay outputs that only carry data"},
    {"datacarriersize", Number, "<bytes>", RELAY, "100000",
     "The most of such data a transaction may carry", 0, UINT32_MAX},
    {"acceptnonstdtxn", Flag, "", RELAY, "0", "Relay transactions of unusual form"},
    {"blocksonly", Flag, "", RELAY, "0", "Take no transactions from peers"},

    {"server", Flag, "", RPC, "1", "Answer JSON-RPC"},
    {"rest", Flag, "", RPC, "0", "Answer REST, too: without a password, to all who may connect"},
    {"restbind", List, "<addr>:<port>", RPC, "",
     "Answer REST here, to all who reach it, and not on JSON-RPC's port"},
    {"metricsbind", List, "<addr>:<port>", RPC, "",
     "Answer /metrics (to users with a password), /health and /ready here, and not on JSON-RPC's "
     "port"},
    {"rpcport", Number, "<port>", RPC, "", "Port of JSON-RPC (default: the chain file's)"},
    {"rpcbind", List, "<addr>[:port]", RPC, "",
     "Listen here (default: loopback); needs -rpcallowip"},
    {"rpcallowip", List, "<addr/bits>", RPC, "", "Answer these clients besides loopback"},
    {"rpccorsorigin", List, "<origin>", RPC, "",
     "Let scripts of this origin's pages call (https://example.org)"},
    {"rpcuser", Text, "<name>", RPC, "", "User name (default: a secret in .cookie at each start)"},
    {"rpcpassword", Text, "<text>", RPC, "", "Password of -rpcuser"},
    {"rpcauth", List, "<user>:<salt>$<hash>", RPC, "", "A user whose password is kept hashed"},
    {"rpcrole", List, "<user>:<role>", RPC, "",
     "What this user may: read, mine (and read) or admin (all, the default)"},
    {"rpcwhitelist", List, "<user>:<method>,...", RPC, "",
     "The only methods that this user may call; of several lists what is in all of them"},
    {"rpcwhitelistdefault", Flag, "", RPC, "",
     "Whether a user without a list may call nothing (default: if another user has one)"},
    {"rpccookiefile", Text, "<file>", RPC, ".cookie", "Seen from the chain's directory"},
    {"rpccookieperms", Text, "<who>", RPC, "owner", "Who may read it: owner, group or all"},
    {"rpcthreads", Number, "<n>", RPC, "4",
     "Threads that answer; as many again are for calls that take long", 1, 256},
    {"rpcservertimeout", Number, "<seconds>", RPC, "30", "Patience with a silent client", 1,
     MAX_SECONDS},

    {"rpcconnect", Text, "<addr>[:port]", CLIENT, "127.0.0.1",
     "Where the node is; -rpcport counts more than a port here"},
    {"rpcwait", Flag, "", CLIENT, "0", "Wait until the node is there and has started"},
    {"rpcwaittimeout", Number, "<seconds>", CLIENT, "0", "How long -rpcwait waits (0: for ever)", 0,
     MAX_SECONDS},
    {"rpcclienttimeout", Number, "<seconds>", CLIENT, "900", "Patience with a call (0: no end)", 0,
     MAX_SECONDS},
    {"rpcwallet", Text, "<name>", CLIENT, "", "Ask under /wallet/NAME, of servers with wallets"},
    {"named", Flag, "", CLIENT, "0", "cairn rpc: parameters are name=value"},
    {"stdin", Flag, "", CLIENT, "0", "cairn rpc: more parameters from standard input, a line each"},
    {"stdinrpcpass", Flag, "", CLIENT, "0",
     "cairn rpc: the password of -rpcuser from the first line of standard input"},
    {"getinfo", Flag, "", CLIENT, "0", "cairn rpc: an overview of the node, in place of a method"},
    {"wallet", Text, "<name>", CLIENT, "default", "Whose money it is about"},
    {"walletdir", Text, "<dir>", CLIENT, "", "Where wallets are (default: wallets in -datadir)"},

    {"debug", List, "[<category>]", LOGGING, "",
     "Log in detail: all, or one of chain, index, main, mine, net and rpc, of which the "
     "reference's "
     "categories are parts (0 or none: don't)"},
    {"debugexclude", List, "<category>", LOGGING, "", "Not this, whatever -debug says"},
    {"logformat", Text, "<format>", LOGGING, "text", "text, or json: an object a line"},
    {"loglevel", Text, "<level>", LOGGING, "debug", "How detailed -debug is: debug or trace"},
    {"debuglogfile", Text, "<file>", LOGGING, "debug.log", "Seen from the chain's directory"},
    {"maxlogmb", Number, "<MB>", LOGGING, "100",
     "Start a new log file at this size; three old ones are kept", 1, MAX_MEGABYTES},
    {"printtoconsole", Flag, "", LOGGING, "", "Log to standard output (default: without -daemon)"},

    {"maxtipage", Number, "<seconds>", TESTING, "",
     "Age of the tip above which the node takes itself to be behind (0: never)", 0, MAX_SECONDS},
    {"mocktime", Number, "<seconds>", TESTING, "0", "Run with the clock at this second", 0,
     UINT32_MAX},
    {"testactivationheight", List, "<rule@height>", TESTING, "",
     "Activate bip34, dersig, cltv, csv or segwit at this height (fixed difficulty only)"},
};

/// What means something to the reference only, a blank between two names.
constexpr std::string_view IGNORED =
    "addresstype allowignoredconf asmap avoidpartialspends blockreconstructionextratxn "
    "blocksxor capturemessages changetype checkaddrman checkblockindex checkblocks checklevel "
    "checkmempool checkpoints cjdnsreachable consolidatefeerate dbbatchsize dblogsize "
    "deprecatedrpc disablewallet discardfee discover fallbackfee fastprune "
    "fixedseeds flushwallet forcednsseed help-debug i2pacceptincoming ipcbind keypool "
    "limitancestorcount limitancestorsize limitdescendantcount limitdescendantsize listenonion "
    "logips logratelimit logsourcelocations logthreadnames logtimemicros "
    "logtimestamps maxapsfee maxorphantx maxreceivebuffer maxsendbuffer maxsigcachesize "
    "maxtimeadjustment mempoolfullrbf mintxfee natpmp paytxfee "
    "peerbloomfilters persistmempoolv1 prevoutfetchthreads printpriority privdb "
    "rpcdoccheck rpcworkqueue settings shrinkdebugfile signer spendzeroconfchange test timeout "
    "torcontrol txconfirmtarget txreconciliation unsafesqlitesync upnp v2transport walletbroadcast "
    "walletcrosschain walletnotify walletrbf walletrejectlongchains";

constexpr size_t INDENT = 6;
constexpr size_t WIDTH = 79 - INDENT;

/// `text` in lines of at most WIDTH letters, each indented.
std::string wrapped(std::string_view text) {
    std::string lines;
    while (!text.empty()) {
        size_t length = text.size();
        if (length > WIDTH) length = text.rfind(' ', WIDTH);
        if (length == std::string_view::npos || length == 0) length = text.size();
        lines += std::string(INDENT, ' ') + std::string(text.substr(0, length)) + '\n';
        text.remove_prefix(std::min(text.size(), length + 1));
    }
    return lines;
}

std::string heading_of(const Option& option) {
    const std::string_view argument = option.argument;
    const bool optional = argument.starts_with('[');
    const std::string_view sign = optional ? "[=" : argument.empty() ? "" : "=";
    return fmt::format("  -{}{}{}\n", option.name, sign, argument.substr(optional ? 1 : 0));
}

std::string description_of(const Option& option) {
    const bool plain_off = option.kind == Flag && option.fallback == "0";
    if (option.fallback.empty() || plain_off) return std::string(option.help);
    return fmt::format("{} (default: {})", option.help, option.fallback);
}

} // namespace

std::span<const Option> option_table() {
    static const std::vector<Option> ALL = [] {
        std::vector<Option> rows(std::begin(TABLE), std::end(TABLE));
        for (size_t at = 0; at < IGNORED.size(); at += rows.back().name.size() + 1)
            rows.push_back({IGNORED.substr(at, IGNORED.find(' ', at) - at), Ignored});
        return rows;
    }();
    return ALL;
}

const Option* find_option(std::string_view name) {
    const std::span<const Option> table = option_table();
    const auto found = std::ranges::find(table, name, &Option::name);
    return found == table.end() ? nullptr : &*found;
}

std::string options_help() {
    std::string text;
    std::string_view group;
    for (const Option& option : TABLE) {
        if (option.group.empty()) continue;
        if (option.group != group) {
            group = option.group;
            text += '\n' + std::string(group) + ":\n\n";
        }
        text += heading_of(option) + wrapped(description_of(option)) + '\n';
    }
    return text;
}

} // namespace cairn::node
