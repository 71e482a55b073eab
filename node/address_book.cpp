// SPDX-License-Identifier: MIT
#include "node/address_book.h"

#include "chain/file.h"

#include <algorithm>
#include <fstream>
#include <iterator>

namespace cairn::node {

namespace {

constexpr std::array<uint8_t, 8> FILE_MAGIC = {'c', 'a', 'i', 'r', 'n', 'a', 'd', '1'};
constexpr size_t MAX_FILE_BYTES = 4 << 20;

} // namespace

bool AddressBook::is_terrible(const Entry& entry, int64_t now) {
    if (entry.place.time > now + 600) return true;
    const bool old = now - entry.place.time > HORIZON_SECONDS;
    return old || (entry.last_success == 0 && entry.failures >= 3) || entry.failures >= 10;
}

bool AddressBook::add(const TimedAddress& place, Random& random) {
    if (!place.address.is_routable() || place.address.port == 0) return false;
    if (const auto found = entries_.find(place.address); found != entries_.end()) {
        TimedAddress& known = found->second.place;
        known.time = std::max(known.time, place.time);
        known.services |= place.services;
        return false;
    }
    const std::string group = place.address.group();
    const bool group_full = group_sizes_[group] >= MAX_PER_GROUP;
    if (group_full || entries_.size() >= MAX_ENTRIES) {
        const NetAddress* victim = pick_victim(group_full ? group : std::string(), random);
        if (victim == nullptr) return false;
        erase(NetAddress(*victim));
    }
    entries_[place.address].place = place;
    ++group_sizes_[group];
    return true;
}

/// An entry that never answered, of `group` if that isn't empty; null if all did.
const NetAddress* AddressBook::pick_victim(const std::string& group, Random& random) const {
    std::vector<const NetAddress*> candidates;
    for (const auto& [address, entry] : entries_)
        if (entry.last_success == 0 && (group.empty() || address.group() == group))
            candidates.push_back(&address);
    return candidates.empty() ? nullptr : candidates[random.below(candidates.size())];
}

void AddressBook::erase(const NetAddress& address) {
    const auto size = group_sizes_.find(address.group());
    if (--size->second == 0) group_sizes_.erase(size);
    entries_.erase(address);
}

void AddressBook::tried(const NetAddress& address, int64_t now) {
    const auto found = entries_.find(address);
    if (found == entries_.end()) return;
    found->second.last_try = now;
    ++found->second.failures;
}

void AddressBook::succeeded(const NetAddress& address, uint64_t services, int64_t now) {
    const auto found = entries_.find(address);
    if (found == entries_.end()) return;
    Entry& entry = found->second;
    entry.last_success = now;
    entry.failures = 0;
    entry.place.time = static_cast<uint32_t>(now);
    entry.place.services = services;
}

std::optional<NetAddress>
AddressBook::pick(const std::set<std::string>& groups, Random& random, int64_t now) const {
    std::vector<const NetAddress*> good;
    std::vector<const NetAddress*> unknown;
    for (const auto& [address, entry] : entries_) {
        if (!address.can_dial() || now - entry.last_try < RETRY_SECONDS ||
            is_terrible(entry, now) || groups.contains(address.group()))
            continue;
        (entry.last_success != 0 ? good : unknown).push_back(&address);
    }
    const bool take_good = !good.empty() && (unknown.empty() || random.below(2) == 0);
    const auto& from = take_good ? good : unknown;
    if (from.empty()) return std::nullopt;
    return *from[random.below(from.size())];
}

std::vector<TimedAddress> AddressBook::sample(size_t count, Random& random, int64_t now) const {
    std::vector<TimedAddress> all;
    for (const auto& [address, entry] : entries_)
        if (!is_terrible(entry, now)) all.push_back(entry.place);
    count = std::min(count, all.size());
    for (size_t i = 0; i < count; ++i) std::swap(all[i], all[i + random.below(all.size() - i)]);
    all.resize(count);
    return all;
}

void AddressBook::save(const std::filesystem::path& file) const {
    Bytes out;
    consensus::Writer writer(out);
    writer(FILE_MAGIC);
    writer.compact_size(entries_.size());
    for (const auto& [address, entry] : entries_) writer(entry);
    writer(consensus::sha256d(out));
    chain::replace_file(file, out);
}

bool AddressBook::load(const std::filesystem::path& file) {
    entries_.clear();
    group_sizes_.clear();
    std::error_code error;
    const auto size = std::filesystem::file_size(file, error);
    constexpr size_t LEAST = FILE_MAGIC.size() + 1 + 32;
    if (error || size < LEAST || size > MAX_FILE_BYTES) return false;
    std::ifstream stream(file, std::ios::binary);
    const Bytes bytes{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    if (bytes.size() != size) return false;
    const ByteView body = ByteView(bytes).first(bytes.size() - 32);
    const ByteView sum = ByteView(bytes).last(32);
    if (!std::ranges::equal(sum, consensus::sha256d(body).bytes)) return false;
    consensus::Reader reader(body);
    if (reader.read<std::array<uint8_t, 8>>() != FILE_MAGIC) return false;
    const uint64_t count = reader.compact_size();
    for (uint64_t i = 0; i < count && !reader.failed(); ++i) {
        const auto entry = reader.read<Entry>();
        const NetAddress& address = entry.place.address;
        if (address_bytes(address.network) != address.bytes.size()) reader.fail();
        if (!reader.failed() && entries_.emplace(address, entry).second)
            ++group_sizes_[address.group()];
    }
    if (reader.at_end()) return true;
    entries_.clear();
    group_sizes_.clear();
    return false;
}

} // namespace cairn::node
