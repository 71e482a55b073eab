// SPDX-License-Identifier: MIT
#include "chain/coins_cache.h"

#include <algorithm>
#include <span>

namespace cairn::chain {

CoinTable::CoinTable(consensus::OutPointHasher salt, size_t shards)
    : salt_(salt),
      shards_(shards) {}

const CoinTable::Slot* CoinTable::slot(const CoinKey& key) const {
    const std::vector<Slot>& slots = shards_[shard_of(key)].slots;
    if (slots.empty()) return nullptr;
    const auto hash = static_cast<uint32_t>(key.hash);
    for (size_t i = hash;; ++i) {
        const Slot& each = slots[i & (slots.size() - 1)];
        if (each.at == EMPTY) return nullptr;
        if (each.hash == hash && entry(each.at).point == key.point) return &each;
    }
}

CoinTable::Entry* CoinTable::find(const CoinKey& key) const {
    const Slot* found = slot(key);
    return found ? &entry(found->at) : nullptr;
}

void CoinTable::prefetch(const std::vector<CoinKey>& keys) const {
    constexpr size_t AT_ONCE = 16; // about what a processor can wait for
    for (size_t first = 0; first < keys.size(); first += AT_ONCE) {
        const std::span part =
            std::span(keys).subspan(first, std::min(AT_ONCE, keys.size() - first));
        for (const CoinKey& key : part) {
            const std::vector<Slot>& slots = shards_[shard_of(key)].slots;
            __builtin_prefetch(slots.data() + (key.hash & (slots.size() - 1)));
        }
        for (const CoinKey& key : part) {
            const std::vector<Slot>& slots = shards_[shard_of(key)].slots;
            if (slots.empty()) continue;
            const Slot& likely = slots[key.hash & (slots.size() - 1)];
            if (likely.at == EMPTY) continue;
            const Entry& each = entry(likely.at);
            __builtin_prefetch(&each);
            __builtin_prefetch(&each.coin.height); // the end: it spans two lines
        }
    }
}

void CoinTable::place(std::vector<Slot>& slots, const Slot& slot) {
    size_t i = slot.hash;
    while (slots[i & (slots.size() - 1)].at != EMPTY) ++i;
    slots[i & (slots.size() - 1)] = slot;
}

std::pair<CoinTable::Entry*, bool> CoinTable::at(const CoinKey& key) {
    if (Entry* found = find(key)) return {found, false};
    uint32_t at = used_;
    if (free_.empty()) {
        if (used_ == chunks_.size() * CHUNK) chunks_.push_back(std::make_unique<Entry[]>(CHUNK));
        ++used_;
    } else {
        at = free_.back();
        free_.pop_back();
    }
    auto& [slots, used] = shards_[shard_of(key)];
    if (used >= slots.size() / 4 * 3) {
        std::vector<Slot> larger(std::max<size_t>(16, slots.size() * 2));
        for (const Slot& slot : slots)
            if (slot.at != EMPTY) place(larger, slot);
        slots.swap(larger);
    }
    place(slots, {static_cast<uint32_t>(key.hash), at});
    ++used;
    Entry& made = entry(at);
    made.point = key.point;
    return {&made, true};
}

void CoinTable::erase(const CoinKey& key) {
    const Slot* found = slot(key);
    if (!found) return;
    Entry& erased = entry(found->at);
    script_bytes_ -= erased.coin.out.script_pubkey.heap_bytes();
    erased = {};
    free_.push_back(found->at);
    // Those behind move up, as far as each may, so that no search ends early.
    auto& [slots, used] = shards_[shard_of(key)];
    const size_t mask = slots.size() - 1;
    auto hole = static_cast<size_t>(found - slots.data());
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
    const auto [entry, is_new] = at(key);
    // Two coinbases of Bitcoin's early days were created twice, unspent (BIP-0030's exceptions):
    // so for a coinbase, no entry does not mean that there is none below.
    if (is_new) entry->fresh = !coin.coinbase;
    set_coin(*entry, coin);
    entry->spent = false;
    entry->dirty = true;
}

void CoinTable::spend(const CoinKey& key) {
    Entry& entry = *at(key).first;
    if (entry.fresh) return erase(key);
    set_coin(entry, {});
    entry.spent = true;
    entry.dirty = true;
}

std::vector<const CoinTable::Entry*> CoinTable::sorted_dirty() const {
    // By the first bytes of their keys, which nearly always decide: to look at the entries, which
    // lie anywhere, would take several times as long.
    struct Item {
        uint32_t prefix;
        uint32_t at;
    };

    std::vector<Item> items;
    items.reserve(size());
    for (uint32_t at = 0; at < used_; ++at) {
        const Entry& each = entry(at);
        if (!each.dirty) continue;
        const auto& bytes = each.point.txid.bytes;
        const auto prefix =
            uint32_t{bytes[0]} << 24 | uint32_t{bytes[1]} << 16 | bytes[2] << 8 | bytes[3];
        items.push_back({prefix, at});
    }
    std::ranges::sort(items, [this](const Item& a, const Item& b) {
        if (a.prefix != b.prefix) return a.prefix < b.prefix;
        return coin_key_less(entry(a.at).point, entry(b.at).point);
    });
    std::vector<const Entry*> sorted;
    sorted.reserve(items.size());
    for (const Item& item : items) sorted.push_back(&entry(item.at));
    return sorted;
}

size_t CoinTable::memory_bytes() const {
    size_t slots = 0;
    for (const Shard& shard : shards_) slots += shard.slots.capacity();
    return chunks_.size() * CHUNK * sizeof(Entry) + slots * sizeof(Slot) +
           free_.capacity() * sizeof(uint32_t) + script_bytes_;
}

CoinsCache::CoinsCache(const Store& store, consensus::OutPointHasher salt)
    : CoinsView(salt),
      store_(store) {}

std::unique_ptr<CoinTable> CoinsCache::new_generation() const {
    return std::make_unique<CoinTable>(salt(), SHARDS);
}

const CoinTable::Entry* CoinsCache::entry(const CoinKey& key) const {
    const CoinTable::Entry* found = active_->find(key);
    return found ? found : frozen_->find(key);
}

std::optional<Coin> CoinsCache::look_up(const CoinKey& key) const {
    const CoinTable::Entry* found = entry(key);
    if (!found) return store_.find_coin(key.point);
    if (found->spent) return std::nullopt;
    return found->coin;
}

void CoinsCache::prefetch(const std::vector<CoinKey>& keys) const {
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
    std::vector<CoinKey> keys;
    keys.reserve(changes.size());
    changes.visit_dirty(
        [&](const CoinTable::Entry& change) { keys.push_back(active_->key(change.point)); });
    active_->prefetch(keys);
    auto key = keys.begin();
    changes.visit_dirty([&](const CoinTable::Entry& change) {
        if (change.spent)
            active_->spend(*key++);
        else
            active_->create(*key++, change.coin);
    });
}

void CoinsCache::settle(const CoinTable& changes) {
    changes.visit_dirty([this](const CoinTable::Entry& change) {
        CoinTable::Entry* entry = active_->find(active_->key(change.point));
        if (!entry) return;
        entry->dirty = false; // a tombstone stays: the frozen generation may hold the coin
        entry->fresh = false;
    });
}

std::unique_ptr<const CoinTable> CoinsCache::freeze() {
    std::unique_ptr<const CoinTable> before = std::move(frozen_);
    frozen_ = std::move(active_);
    active_ = new_generation();
    ++generation_;
    return before;
}

void CoinsCache::write_frozen(Store::CoinSink& sink) const {
    for (const CoinTable::Entry* entry : frozen_->sorted_dirty()) {
        if (entry->spent)
            sink.erase(entry->point);
        else
            sink.put(entry->point, entry->coin);
    }
}

} // namespace cairn::chain
