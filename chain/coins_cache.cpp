// SPDX-License-Identifier: MIT
#include "chain/coins_cache.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <random>

namespace cairn::chain {

consensus::OutPointHasher random_salt() {
    std::random_device random;
    const auto word = [&random] { return uint64_t{random()} << 32 | random(); };
    return {word(), word()};
}

CoinTable::CoinTable(consensus::OutPointHasher salt, size_t shards)
    : salt_(salt),
      shards_(shards) {}

const CoinTable::Slot* CoinTable::slot(const CoinKey& key) const {
    const std::vector<Slot>& slots = shard(key.hash).slots;
    if (slots.empty()) return nullptr;
    for (size_t i = key.hash;; ++i) {
        const Slot& each = slots[i & (slots.size() - 1)];
        if (each.at == EMPTY) return nullptr;
        if (each.hash == key.hash && entry(each.at).point == key.point) return &each;
    }
}

CoinTable::Entry* CoinTable::find(const CoinKey& key) const {
    const Slot* found = slot(key);
    return found ? &entry(found->at) : nullptr;
}

void CoinTable::prefetch(std::span<const CoinKey> keys) const {
    for (const CoinKey& key : keys) {
        const std::vector<Slot>& slots = shard(key.hash).slots;
        if (!slots.empty()) __builtin_prefetch(&slots[key.hash & (slots.size() - 1)]);
    }
    for (const CoinKey& key : keys) {
        const std::vector<Slot>& slots = shard(key.hash).slots;
        if (slots.empty()) continue;
        const Slot& likely = slots[key.hash & (slots.size() - 1)];
        if (likely.at != EMPTY && likely.hash == key.hash) prefetch(entry(likely.at));
    }
}

void CoinTable::prefetch(const Entry& entry) {
    constexpr size_t LINE = 64;
    const auto* const start = reinterpret_cast<const char*>(&entry);
    __builtin_prefetch(start);
    __builtin_prefetch(start + LINE);
    __builtin_prefetch(start + sizeof(Entry) - 1);
}

void CoinTable::place(std::vector<Slot>& slots, const Slot& slot) {
    size_t i = slot.hash;
    while (slots[i & (slots.size() - 1)].at != EMPTY) ++i;
    slots[i & (slots.size() - 1)] = slot;
}

void CoinTable::grow(std::vector<Slot>& slots, size_t size) {
    std::vector<Slot> larger(std::bit_ceil(std::max<size_t>(16, size)));
    for (const Slot& slot : slots)
        if (slot.at != EMPTY) place(larger, slot);
    slots.swap(larger);
}

void CoinTable::reserve(size_t entries) {
    assert(shards_.size() == 1);
    grow(shards_[0].slots, entries * 3 / 2);
}

CoinTable::Entry& CoinTable::insert(const CoinKey& key) {
    uint32_t at = used_;
    if (free_.empty()) {
        if (used_ == chunks_.size() * CHUNK) chunks_.push_back(std::make_unique<Entry[]>(CHUNK));
        ++used_;
    } else {
        at = free_.back();
        free_.pop_back();
    }
    auto& [slots, used] = shard(key.hash);
    if (used >= slots.size() / 4 * 3) grow(slots, slots.size() * 2);
    place(slots, {key.hash, at});
    ++used;
    Entry& made = entry(at);
    made.point = key.point;
    made.hash = key.hash;
    return made;
}

void CoinTable::erase(const Slot& slot) {
    Entry& erased = entry(slot.at);
    auto& [slots, used] = shard(slot.hash);
    script_bytes_ -= erased.coin.out.script_pubkey.heap_bytes();
    erased = {};
    free_.push_back(slot.at);
    // Those behind move up, as far as each may, so that no search ends early.
    const size_t mask = slots.size() - 1;
    auto hole = static_cast<size_t>(&slot - slots.data());
    for (size_t i = (hole + 1) & mask; slots[i].at != EMPTY; i = (i + 1) & mask) {
        if (((i - slots[i].hash) & mask) < ((i - hole) & mask)) continue; // it belongs behind
        slots[hole] = slots[i];
        hole = i;
    }
    slots[hole] = {};
    --used;
}

void CoinTable::set_coin(Entry& entry, const Coin& coin) {
    script_bytes_ -= entry.coin.out.script_pubkey.heap_bytes();
    entry.coin = coin;
    script_bytes_ += entry.coin.out.script_pubkey.heap_bytes();
}

void CoinTable::create(const CoinKey& key, const Coin& coin) {
    Entry* entry = find(key);
    if (!entry) {
        entry = &insert(key);
        // Two coinbases of Bitcoin's early days were created twice, unspent (BIP-0030's
        // exceptions): so for a coinbase, no entry does not mean that there is none below.
        entry->fresh = !coin.coinbase;
    }
    set_coin(*entry, coin);
    entry->spent = false;
    entry->dirty = true;
}

void CoinTable::spend(const CoinKey& key) {
    const Slot* found = slot(key);
    if (found && entry(found->at).fresh) return erase(*found);
    Entry& spent = found ? entry(found->at) : insert(key);
    set_coin(spent, {});
    spent.spent = true;
    spent.dirty = true;
}

std::vector<CoinTable::Sorted>
CoinTable::sorted_dirty(uint8_t first_byte, uint8_t last_byte) const {
    // To look at the entries, which lie anywhere, at every comparison would take several times as
    // long as this. What the prefix leaves open are the outputs of one transaction, nearly always,
    // and those lie in their order already.
    std::vector<Sorted> order;
    order.reserve(size());
    for (uint32_t at = 0; at < used_; ++at) {
        const ByteView txid = entry(at).point.txid.view();
        if (!entry(at).dirty || txid[0] < first_byte || txid[0] > last_byte) continue;
        uint64_t prefix = 0;
        for (const uint8_t byte : txid.first(sizeof prefix)) prefix = prefix << 8 | byte;
        order.push_back({prefix, at});
    }
    std::ranges::sort(order);
    const auto less = [this](const Sorted& a, const Sorted& b) {
        return coin_key_less(entry(a.at).point, entry(b.at).point);
    };
    for (auto first = order.begin(); first != order.end();) {
        auto last = first;
        while (last != order.end() && last->prefix == first->prefix) ++last;
        if (last - first > 1 && !std::is_sorted(first, last, less)) std::sort(first, last, less);
        first = last;
    }
    return order;
}

CoinChanges CoinTable::changes() const {
    return {
        size(),
        [this](uint8_t first, uint8_t last, const std::function<void(const CoinChange&)>& put) {
            visit_sorted(first, last, [&put](const Entry& entry) { put(entry.change()); });
        }};
}

size_t CoinTable::memory_bytes() const {
    size_t slots = 0;
    for (const Shard& shard : shards_) slots += shard.slots.capacity();
    return chunks_.size() * CHUNK * sizeof(Entry) + slots * sizeof(Slot) +
           free_.capacity() * sizeof(uint32_t) + script_bytes_;
}

CoinsCache::CoinsCache(const Store& store, consensus::OutPointHasher salt, CoinSet set)
    : CoinsView(salt),
      store_(store),
      set_(set) {}

std::unique_ptr<CoinTable> CoinsCache::new_generation() const {
    return std::make_unique<CoinTable>(salt(), SHARDS);
}

const CoinTable::Entry* CoinsCache::entry(const CoinKey& key) const {
    const CoinTable::Entry* found = active_->find(key);
    return found ? found : frozen_->find(key);
}

std::optional<Coin> CoinsCache::look_up(const CoinKey& key) const {
    const CoinTable::Entry* found = entry(key);
    if (!found) return store_.find_coin(key.point, set_);
    if (found->spent) return std::nullopt;
    return found->coin;
}

void CoinsCache::prefetch(std::span<const CoinKey> keys) const {
    active_->prefetch(keys);
    if (frozen_->size() > 0) frozen_->prefetch(keys);
}

bool CoinsCache::knows(const OutPoint& point) const {
    return entry(active_->key(point)) != nullptr;
}

void CoinsCache::add(const FetchedCoins& fetched) {
    // What changed since then is known here, and counts, unless it was dropped: the generation that
    // was active then may be the frozen one now, not older.
    if (fetched.generation + 1 < generation_) return;
    for (const auto& [point, coin] : fetched.coins)
        if (const CoinKey key = active_->key(point); !entry(key)) active_->add(key, coin);
}

void CoinsCache::apply(const CoinTable& changes) {
    std::vector<const CoinTable::Entry*> part;
    std::vector<CoinKey> keys;
    const auto apply_part = [&] {
        active_->prefetch(keys);
        for (const CoinTable::Entry* change : part) {
            if (change->spent)
                active_->spend(change->key());
            else
                active_->create(change->key(), change->coin);
        }
        part.clear();
        keys.clear();
    };
    changes.visit_dirty([&](const CoinTable::Entry& change) {
        part.push_back(&change);
        keys.push_back(change.key());
        if (keys.size() == CoinTable::AT_ONCE) apply_part();
    });
    apply_part();
}

std::unique_ptr<const CoinTable> CoinsCache::freeze() {
    std::unique_ptr<const CoinTable> before = std::move(frozen_);
    frozen_ = std::move(active_);
    active_ = new_generation();
    ++generation_;
    return before;
}

void CoinsCache::forget() {
    active_ = new_generation();
    frozen_ = new_generation();
    generation_ += 2; // what add() is given now was read before
}

} // namespace cairn::chain
