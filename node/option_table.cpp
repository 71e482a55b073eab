// SPDX-License-Identifier: MIT
// An option of the reference is listed as ignored only where ignoring it harms nobody: what would
// be a promise not kept (a proxy, another place for the data) stays an error.
#include "node/option_table.h"

#include <algorithm>

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

constexpr Option ignored(std::string_view name) {
    return {name, Ignored, "", HIDDEN, "", ""};
}

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

    {"chain", Text, "<chain>", CHAIN, "genesis",
     "The chain file: a path if it has a / or ends in .json, else the name of one that comes with "
     "Cairn (regtest, signet, testnet3, testnet4, mainnet)"},
    {"regtest", Flag, "", CHAIN, "0", "The same as -chain=regtest"},
    {"signet", Flag, "", CHAIN, "0", "The same as -chain=signet"},
    {"testnet", Flag, "", CHAIN, "0", "The same as -chain=testnet3"},
    {"testnet4", Flag, "", CHAIN, "0", "The same as -chain=testnet4"},
    {"dbcache", Number, "<MiB>", CHAIN, "450", "Memory for unspent outputs and the database"},
    {"par", Number, "<n>", CHAIN, "0",
     "Threads that check scripts (0: one a core, negative: leave so many cores free)"},
    {"assumevalid", Text, "<hash>", CHAIN, "",
     "Don't run the scripts up to this block (0: run all; default: what the chain file says)"},
    {"minimumchainwork", Text, "<hex>", CHAIN, "",
     "Work that a chain must have to be followed (default: what the chain file says)"},
    {"blockfilterindex", Text, "[<type>]", CHAIN, "basic",
     "Keep compact filters, by which wallets find their coins (0: don't)"},
    {"loadblock", List, "<file>", CHAIN, "", "Import blocks from this file at start"},
    {"stopafterblockimport", Flag, "", CHAIN, "0", "Stop once -loadblock is done"},

    {"port", Number, "<port>", CONNECTION, "", "Port for peers (default: the chain file's)"},
    {"bind", List, "<addr>[:port]", CONNECTION, "", "Listen for peers here (default: everywhere)"},
    {"listen", Flag, "", CONNECTION, "1", "Let peers connect to this node"},
    {"connect", List, "<addr>[:port]", CONNECTION, "",
     "Connect to these peers only; -connect=0 to none"},
    {"addnode", List, "<addr>[:port]", CONNECTION, "", "Stay connected to this peer"},
    {"seednode", List, "<addr>[:port]", CONNECTION, "", "Ask this peer for addresses once"},
    {"dnsseed", Flag, "", CONNECTION, "1", "Ask the chain file's DNS seeds for peers"},
    {"maxconnections", Number, "<n>", CONNECTION, "125", "The most peers at a time"},
    {"networkactive", Flag, "", CONNECTION, "1", "Have peers at all (see setnetworkactive)"},
    {"peertimeout", Number, "<seconds>", CONNECTION, "60", "Patience with a silent new peer"},
    {"uacomment", List, "<text>", CONNECTION, "", "Add this to the user agent"},
    {"whitelist", List, "<permissions@addr/bits>", CONNECTION, "",
     "Trust peers at these addresses with more"},

    {"mine", Text, "<address>", MINING, "", "Mine in the background and pay to this address"},
    {"minethreads", Number, "<n>", MINING, "1", "Threads for -mine"},
    {"blockmintxfee", Text, "<coins>", MINING, "0.00000001",
     "Lowest fee per 1,000 vbytes that gets into a block of ours"},

    {"maxmempool", Number, "<MB>", RELAY, "300", "Memory for transactions that wait"},
    {"mempoolexpiry", Number, "<hours>", RELAY, "336", "Drop what has waited so long"},
    {"persistmempool", Flag, "", RELAY, "1", "Keep the mempool over a restart"},
    {"minrelaytxfee", Text, "<coins>", RELAY, "0.000001", "Lowest fee per 1,000 vbytes relayed"},
    {"incrementalrelayfee", Text, "<coins>", RELAY, "0.000001",
     "What a replacement must pay more, per 1,000 vbytes"},
    {"dustrelayfee", Text, "<coins>", RELAY, "0.00003",
     "An output is dust if spending it costs more at this fee per 1,000 vbytes"},
    {"permitbaremultisig", Flag, "", RELAY, "1", "Relay multisig outputs that no hash hides"},
    {"datacarrier", Flag, "", RELAY, "1", "Relay outputs that only carry data"},
    {"datacarriersize", Number, "<bytes>", RELAY, "100000",
     "The most of such data a transaction may carry"},
    {"acceptnonstdtxn", Flag, "", RELAY, "0", "Relay transactions of unusual form"},
    {"blocksonly", Flag, "", RELAY, "0", "Take no transactions from peers"},

    {"server", Flag, "", RPC, "1", "Answer JSON-RPC"},
    {"rpcport", Number, "<port>", RPC, "", "Port of JSON-RPC (default: the chain file's)"},
    {"rpcbind", List, "<addr>[:port]", RPC, "", "Listen here (default: loopback); see -rpcallowip"},
    {"rpcallowip", List, "<addr/bits>", RPC, "", "Answer these clients besides loopback"},
    {"rpcuser", Text, "<name>", RPC, "", "User name (default: a secret in .cookie at each start)"},
    {"rpcpassword", Text, "<text>", RPC, "", "Password of -rpcuser"},
    {"rpcauth", List, "<user>:<salt>$<hash>", RPC, "", "A user whose password is kept hashed"},
    {"rpccookiefile", Text, "<file>", RPC, ".cookie", "Seen from the chain's directory"},
    {"rpcthreads", Number, "<n>", RPC, "4", "Threads that answer"},
    {"rpcservertimeout", Number, "<seconds>", RPC, "30", "Patience with a silent client"},

    {"rpcconnect", Text, "<addr>", CLIENT, "127.0.0.1", "Where the node is; its port: -rpcport"},
    {"walletdir", Text, "<dir>", CLIENT, "", "Where wallets are (default: wallets in -datadir)"},

    {"debug", List, "[<category>]", LOGGING, "", "Log in detail (0 or none: don't)"},
    {"loglevel", Text, "<level>", LOGGING, "debug", "How detailed -debug is: debug or trace"},
    {"debuglogfile", Text, "<file>", LOGGING, "debug.log", "Seen from the chain's directory"},
    {"maxlogmb", Number, "<MB>", LOGGING, "100",
     "Start a new log file at this size; three old ones are kept"},
    {"printtoconsole", Flag, "", LOGGING, "", "Log to standard output (default: without -daemon)"},

    {"maxtipage", Number, "<seconds>", TESTING, "",
     "Age of the tip above which the node takes itself to be behind (0: never)"},
    {"mocktime", Number, "<seconds>", TESTING, "0", "Run with the clock at this second"},
    {"testactivationheight", List, "<rule@height>", TESTING, "",
     "Activate bip34, dersig, cltv, csv or segwit at this height (fixed difficulty only)"},

    ignored("addresstype"),
    ignored("allowignoredconf"),
    ignored("asmap"),
    ignored("avoidpartialspends"),
    ignored("blockreconstructionextratxn"),
    ignored("blocksxor"),
    ignored("capturemessages"),
    ignored("changetype"),
    ignored("checkaddrman"),
    ignored("checkblockindex"),
    ignored("checkblocks"),
    ignored("checklevel"),
    ignored("checkmempool"),
    ignored("checkpoints"),
    ignored("cjdnsreachable"),
    ignored("consolidatefeerate"),
    ignored("dbbatchsize"),
    ignored("dblogsize"),
    ignored("debugexclude"),
    ignored("deprecatedrpc"),
    ignored("disablewallet"),
    ignored("discardfee"),
    ignored("discover"),
    ignored("fallbackfee"),
    ignored("fastprune"),
    ignored("fixedseeds"),
    ignored("flushwallet"),
    ignored("forcednsseed"),
    ignored("help-debug"),
    ignored("i2pacceptincoming"),
    ignored("ipcbind"),
    ignored("keypool"),
    ignored("listenonion"),
    ignored("logips"),
    ignored("logratelimit"),
    ignored("logsourcelocations"),
    ignored("logthreadnames"),
    ignored("logtimemicros"),
    ignored("logtimestamps"),
    ignored("maxapsfee"),
    ignored("maxorphantx"),
    ignored("maxreceivebuffer"),
    ignored("maxsendbuffer"),
    ignored("maxsigcachesize"),
    ignored("maxtimeadjustment"),
    ignored("mempoolfullrbf"),
    ignored("mintxfee"),
    ignored("natpmp"),
    ignored("paytxfee"),
    ignored("peerblockfilters"),
    ignored("peerbloomfilters"),
    ignored("persistmempoolv1"),
    ignored("prevoutfetchthreads"),
    ignored("printpriority"),
    ignored("privdb"),
    ignored("proxyrandomize"),
    ignored("rpcdoccheck"),
    ignored("rpcworkqueue"),
    ignored("settings"),
    ignored("shrinkdebugfile"),
    ignored("signer"),
    ignored("spendzeroconfchange"),
    ignored("test"),
    ignored("timeout"),
    ignored("torcontrol"),
    ignored("txconfirmtarget"),
    ignored("txreconciliation"),
    ignored("unsafesqlitesync"),
    ignored("upnp"),
    ignored("v2transport"),
    ignored("wallet"),
    ignored("walletbroadcast"),
    ignored("walletcrosschain"),
    ignored("walletrbf"),
    ignored("walletrejectlongchains"),
};

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
    std::string heading = "  -" + std::string(option.name);
    if (option.argument.starts_with('[')) {
        heading += "[=" + std::string(option.argument.substr(1));
    } else if (!option.argument.empty()) {
        heading += "=" + std::string(option.argument);
    }
    return heading + '\n';
}

std::string description_of(const Option& option) {
    std::string text(option.help);
    const bool plain_off = option.kind == Flag && option.fallback == "0";
    if (!option.fallback.empty() && !plain_off)
        text += " (default: " + std::string(option.fallback) + ")";
    return text;
}

} // namespace

std::span<const Option> option_table() {
    return TABLE;
}

const Option* find_option(std::string_view name) {
    const auto* found = std::find_if(
        std::begin(TABLE), std::end(TABLE), [&](const Option& row) { return row.name == name; });
    return found == std::end(TABLE) ? nullptr : found;
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
