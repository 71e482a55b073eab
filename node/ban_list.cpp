// SPDX-License-Identifier: MIT
#include "node/ban_list.h"

#include "consensus/json_fields.h"

#include <algorithm>
#include <fstream>
#include <iterator>

namespace cairn::node {

namespace {

using consensus::JsonFields;
using consensus::Range;

void walk_ban(JsonFields& fields, Ban& ban) {
    constexpr Range TIMES{0, INT64_MAX};
    int version = 1;
    std::string net = ban.net.to_string();
    fields.required("version", version, Range{1, 1});
    fields.required("ban_created", ban.created, TIMES);
    fields.required("banned_until", ban.until, TIMES);
    fields.required("address", net, consensus::TextRule{100});
    const std::optional<Subnet> read = Subnet::from_string(net);
    fields.check(read.has_value(), "address", "an address or net");
    if (read) ban.net = *read;
}

} // namespace

bool BanList::add(const Ban& ban) {
    const auto at = std::ranges::lower_bound(bans_, ban.net, {}, &Ban::net);
    if (at != bans_.end() && at->net == ban.net) return false;
    bans_.insert(at, ban);
    return true;
}

bool BanList::remove(const Subnet& net) {
    return std::erase_if(bans_, [&](const Ban& ban) { return ban.net == net; }) > 0;
}

bool BanList::bans(const NetAddress& address, int64_t now) const {
    return std::ranges::any_of(
        bans_, [&](const Ban& ban) { return now < ban.until && ban.net.contains(address); });
}

const std::vector<Ban>& BanList::all(int64_t now) {
    std::erase_if(bans_, [&](const Ban& ban) { return ban.until <= now; });
    return bans_;
}

Bytes BanList::file_content() {
    JsonFields fields;
    fields.required("banned_nets", bans_, walk_ban);
    const std::string text = consensus::print_json(fields.written());
    return {text.begin(), text.end()};
}

bool BanList::load(const std::filesystem::path& file) {
    bans_.clear();
    std::ifstream stream(file);
    const std::string text{
        std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    std::vector<Ban> read;
    try {
        const auto json = consensus::parse_json_strictly(text);
        JsonFields fields({&json, ""});
        fields.required("banned_nets", read, walk_ban);
        fields.finish();
    } catch (const consensus::ChainFileError&) {
        return false;
    }
    for (const Ban& ban : read) add(ban);
    return true;
}

} // namespace cairn::node
