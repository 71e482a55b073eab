// SPDX-License-Identifier: MIT
#include "node/address_book.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>

namespace cairn::node {

namespace {

constexpr std::array<uint8_t, 8> FILE_MAGIC = {'c', 'a', 'i', 'r', 'n', 'a', 'd', '2'};
constexpr size_t MAX_FILE_BYTES = 16 << 20;
constexpr int64_t HOUR = 3600;
constexpr int64_t DAY = 24 * HOUR;

/// So often is looked for one that will do, however many won't.
constexpr int MAX_CHOICES = 200;

bool is_terrible(const AddressBook::Entry& entry, int64_t now) {
    if (entry.place.time > now + 600) return true;
    const int64_t heard_of = std::max<int64_t>(entry.place.time, entry.last_success);
    const bool old = now - heard_of > AddressBook::HORIZON_SECONDS;
    const bool absent = now - entry.last_success > AddressBook::ABSENT_SECONDS;
    return old || (entry.last_success == 0 && entry.failures >= 3) ||
           (absent && entry.failures >= 10);
}

std::string text_of(const NetAddress& address) {
    return {address.bytes.begin(), address.bytes.end()};
}

/// `content` with its SHA-256d behind it.
Bytes with_sum(Bytes content) {
    const consensus::Hash256 sum = consensus::sha256d(content);
    content.insert(content.end(), sum.bytes.begin(), sum.bytes.end());
    return content;
}

/// What `file` holds before its SHA-256d; nothing if there is no such file, or it is damaged.
Bytes read_with_sum(const std::filesystem::path& file) {
    std::error_code error;
    const auto size = std::filesystem::file_size(file, error);
    if (error || size > MAX_FILE_BYTES) return {};
    std::ifstream stream(file, std::ios::binary);
    Bytes bytes{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    Bytes content(
        bytes.begin(), bytes.end() - static_cast<ptrdiff_t>(std::min<size_t>(bytes.size(), 32)));
    if (with_sum(content) != bytes) content.clear();
    return content;
}

/// Core: its version of serialization stands before each address; this bit is for BIP-0155.
constexpr uint32_t ADDRV2_FORM = 1U << 29;

struct AnchorFile {
    Magic magic{};
    std::vector<TimedAddress> anchors;

    static void wire(auto&& codec, auto& file) {
        codec(file.magic);
        consensus::wire_list(codec, file.anchors, [&](auto& entry) {
            uint32_t form = ADDRV2_FORM;
            codec(form);
            AddrV2Message::wire_entry(codec, entry);
        });
    }
};

} // namespace

AddressBook::Placed* AddressBook::Table::holder(uint64_t slot) const {
    const std::vector<Placed*>& bucket = buckets[slot / BUCKET_SIZE];
    const auto found = std::ranges::find(bucket, slot, &Placed::slot);
    return found == bucket.end() ? nullptr : *found;
}

void AddressBook::Table::put(Placed& entry, uint64_t slot) {
    entry.slot = slot;
    buckets[slot / BUCKET_SIZE].push_back(&entry);
}

void AddressBook::Table::take(const Placed& entry) {
    std::erase(buckets[entry.slot / BUCKET_SIZE], &entry);
}

AddressBook::AddressBook(Random random, std::function<bool(NetworkId)> reaches)
    : random_(random),
      reaches_(std::move(reaches)),
      key0_(random_.next()),
      key1_(random_.next()) {}

uint64_t AddressBook::hash(std::string_view what, uint64_t number) const {
    return consensus::siphash(key0_ ^ number, key1_, consensus::as_bytes(what));
}

uint64_t AddressBook::told_slot(const Entry& entry) const {
    const std::string pair = entry.place.address.group() + "<" + entry.source;
    const uint64_t spread = hash(pair, 1) % BUCKETS_OF_SOURCE;
    const uint64_t bucket = hash(entry.source + "<", 2 + spread) % TOLD_BUCKETS;
    const uint64_t place = hash(text_of(entry.place.address), entry.place.address.port);
    return bucket * BUCKET_SIZE + (place ^ bucket) % BUCKET_SIZE;
}

uint64_t AddressBook::answered_slot(const NetAddress& address) const {
    const uint64_t place = hash(text_of(address), address.port);
    const uint64_t spread = place / BUCKET_SIZE % BUCKETS_OF_GROUP;
    const uint64_t bucket = hash(address.group(), spread) % ANSWERED_BUCKETS;
    return bucket * BUCKET_SIZE + place % BUCKET_SIZE;
}

AddressBook::Placed* AddressBook::find(const NetAddress& address) {
    const auto found = entries_.find(address);
    return found == entries_.end() ? nullptr : &found->second;
}

/// False if somebody good stands in its place.
bool AddressBook::insert(const Entry& entry, int64_t now) {
    Table& table = table_of(entry);
    const uint64_t slot = entry.answered ? answered_slot(entry.place.address) : told_slot(entry);
    if (const Placed* holder = table.holder(slot)) {
        if (!is_terrible(*holder, now)) return false;
        erase(*holder);
    }
    Placed& placed = entries_[entry.place.address];
    static_cast<Entry&>(placed) = entry;
    table.put(placed, slot);
    return true;
}

void AddressBook::erase(const Placed& entry) {
    table_of(entry).take(entry);
    entries_.erase(NetAddress(entry.place.address));
}

bool AddressBook::add(const TimedAddress& place, const std::string& source, int64_t now) {
    if (!place.address.is_routable() || place.address.port == 0) return false;
    if (Placed* known = find(place.address)) {
        // In steps, so that it can't be told when it was heard of. Core: AddSingle.
        const int64_t step = now - place.time < DAY ? HOUR : DAY;
        if (place.time > known->place.time + step) known->place.time = place.time;
        known->place.services |= place.services;
        return false;
    }
    return insert({.place = place, .source = source}, now);
}

void AddressBook::tried(const NetAddress& address, bool online, int64_t now) {
    Placed* entry = find(address);
    if (entry == nullptr) return;
    // If nobody has answered since the last time, it may be our own link that is down.
    if (online && entry->last_try < last_success_) ++entry->failures;
    entry->last_try = now;
}

bool AddressBook::succeeded(const NetAddress& address, uint64_t services, int64_t now) {
    Placed* entry = find(address);
    if (entry == nullptr) return false;
    entry->last_success = last_success_ = now;
    entry->failures = 0;
    entry->place.services = services; // not the time, which would tell others whom we call
    if (entry->answered) return true;
    if (answered_.holder(answered_slot(address)) == nullptr) {
        promote(*entry, now);
        return true;
    }
    if (wanted_.size() < MAX_WANTED && std::ranges::find(wanted_, address) == wanted_.end())
        wanted_.push_back(address);
    return false;
}

/// To the table of those that answered. Who holds its place there goes back among the told.
void AddressBook::promote(Placed& entry, int64_t now) {
    const uint64_t slot = answered_slot(entry.place.address);
    told_.take(entry);
    if (Placed* holder = answered_.holder(slot)) {
        Entry leaving = static_cast<const Entry&>(*holder);
        erase(*holder);
        leaving.answered = false;
        insert(leaving, now);
    }
    entry.answered = true;
    if (entry.answered_since == 0) entry.answered_since = now;
    answered_.put(entry, slot);
}

/// Decide about the places that others want, as far as that can be decided. Returns a holder who
/// is to be asked first.
AddressBook::Placed* AddressBook::settle(int64_t now) {
    Placed* to_ask = nullptr;
    std::erase_if(wanted_, [&](const NetAddress& address) {
        Placed* wants = find(address);
        if (wants == nullptr || wants->answered) return true;
        Placed* holder = answered_.holder(answered_slot(address));
        if (holder != nullptr && !can_call(holder->place.address)) return true;
        if (holder != nullptr && now - holder->last_success < SETTLED_SECONDS) return true;
        const bool asked = holder != nullptr && now - holder->last_try < SETTLED_SECONDS;
        if (holder == nullptr || (asked && now - holder->last_try > ANSWER_SECONDS)) {
            promote(*wants, now);
            return true;
        }
        if (!asked) to_ask = holder;
        return false;
    });
    return to_ask;
}

bool AddressBook::can_call(const NetAddress& address) const {
    return reaches_ ? reaches_(address.network) : address.is_ip();
}

std::optional<NetAddress>
AddressBook::choose(const Table& table, const std::set<std::string>& groups, int64_t now) {
    std::vector<const std::vector<Placed*>*> used;
    for (const auto& bucket : table.buckets)
        if (!bucket.empty()) used.push_back(&bucket);
    double patience = 1; // grows, so that in the end one is taken who failed often
    for (int i = 0; i < MAX_CHOICES && !used.empty(); ++i, patience *= 1.2) {
        const std::vector<Placed*>& bucket = *used[random_.below(used.size())];
        const Placed& entry = *bucket[random_.below(bucket.size())];
        const NetAddress& address = entry.place.address;
        const uint64_t services = entry.place.services;
        if (!can_call(address) || now - entry.last_try < RETRY_SECONDS ||
            (services & NODE_WITNESS) == 0 ||
            (services & (NODE_NETWORK | NODE_NETWORK_LIMITED)) == 0 ||
            groups.contains(address.group()))
            continue;
        const double chance = patience * std::pow(0.66, std::min(entry.failures, 8));
        constexpr uint64_t FINE = 1 << 20;
        if (static_cast<double>(random_.below(FINE)) < chance * FINE) return address;
    }
    return std::nullopt;
}

std::optional<NetAddress>
AddressBook::pick(const std::set<std::string>& groups, int64_t now, bool known) {
    const bool answered_first = known || random_.below(2) == 0;
    const auto first = choose(answered_first ? answered_ : told_, groups, now);
    return first ? first : choose(answered_first ? told_ : answered_, groups, now);
}

std::optional<NetAddress>
AddressBook::pick_oldest(const std::set<std::string>& groups, int64_t now) {
    const Placed* oldest = nullptr;
    for (int i = 0; i < MAX_CHOICES; ++i) {
        const auto address = choose(answered_, groups, now);
        if (!address) break;
        const Placed* entry = find(*address);
        if (oldest == nullptr || entry->answered_since < oldest->answered_since) oldest = entry;
    }
    return oldest != nullptr ? oldest->place.address : choose(told_, groups, now);
}

std::optional<NetAddress> AddressBook::pick_feeler(int64_t now) {
    if (const Placed* holder = settle(now)) return holder->place.address;
    return choose(told_, {}, now);
}

std::vector<TimedAddress> AddressBook::sample(size_t count, int64_t now) {
    std::vector<TimedAddress> all;
    for (const auto& [address, entry] : entries_)
        if (!is_terrible(entry, now)) all.push_back(entry.place);
    count = std::min(count, all.size());
    for (size_t i = 0; i < count; ++i) std::swap(all[i], all[i + random_.below(all.size() - i)]);
    all.resize(count);
    return all;
}

Bytes AddressBook::file_content() const {
    Bytes out;
    consensus::Writer writer(out);
    writer(FILE_MAGIC, key0_, key1_);
    writer.compact_size(entries_.size());
    for (const auto& [address, entry] : entries_) writer(static_cast<const Entry&>(entry));
    for (const auto& [address, entry] : entries_)
        if (entry.answered) writer(entry.answered_since);
    return with_sum(std::move(out));
}

void AddressBook::clear() {
    wanted_.clear();
    told_ = Table(TOLD_BUCKETS);
    answered_ = Table(ANSWERED_BUCKETS);
    entries_.clear();
}

bool AddressBook::load(const std::filesystem::path& file) {
    clear();
    const Bytes body = read_with_sum(file);
    consensus::Reader reader(body);
    if (reader.read<std::array<uint8_t, 8>>() != FILE_MAGIC) return false;
    reader(key0_, key1_);
    const uint64_t count = reader.compact_size();
    std::vector<NetAddress> answered;
    for (uint64_t i = 0; i < count && !reader.failed(); ++i) {
        const auto entry = reader.read<Entry>();
        const NetAddress& address = entry.place.address;
        if (address_bytes(address.network) != address.bytes.size()) reader.fail();
        if (!reader.failed() && address.is_proper() && find(address) == nullptr) insert(entry, 0);
        if (entry.answered) answered.push_back(address);
    }
    for (size_t i = 0; !reader.at_end() && i < answered.size(); ++i) {
        const auto since = reader.read<int64_t>();
        if (Placed* entry = find(answered[i])) entry->answered_since = since;
    }
    if (reader.at_end()) return true;
    clear();
    return false;
}

Bytes anchors_content(const Magic& magic, const std::vector<TimedAddress>& anchors) {
    return with_sum(consensus::encode(AnchorFile{magic, anchors}));
}

std::vector<TimedAddress> read_anchors(const std::filesystem::path& file, const Magic& magic) {
    auto read = consensus::decode<AnchorFile>(read_with_sum(file));
    if (!read || read->magic != magic) return {};
    std::erase_if(
        read->anchors, [](const TimedAddress& anchor) { return !anchor.address.is_proper(); });
    return std::move(read->anchors);
}

} // namespace cairn::node
