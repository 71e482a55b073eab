// SPDX-License-Identifier: MIT
#include "chain/coins_cache.h"

#include <algorithm>
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

uint32_t CoinTable::number(const CoinKey& key) const {
    return shard(key.hash).find(
        key.hash, [&](uint32_t at) { return entry(at).point == key.point; });
}

CoinTable::Entry* CoinTable::find(const CoinKey& key) const {
    const uint32_t at = number(key);
    return at == NONE ? nullptr : &entry(at);
}

void CoinTable::prefetch(std::span<const CoinKey> keys) const {
    for (const CoinKey& key : keys) shard(key.hash).prefetch(key.hash);
    for (const CoinKey& key : keys)
        if (const uint32_t at = shard(key.hash).likely(key.hash); at != NONE) prefetch(entry(at));
}

void CoinTable::prefetch(const Entry& entry) {
    constexpr size_t LINE = 64;
    const auto* const start = reinterpret_cast<const char*>(&entry);
    __builtin_prefetch(start);
    __builtin_prefetch(start + LINE);
    __builtin_prefetch(start + sizeof(Entry) - 1);
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
    shard(key.hash).insert(key.hash, at);
    Entry& made = entry(at);
    made.point = key.point;
    made.hash = key.hash;
    return made;
}

void CoinTable::erase(uint32_t at) {
    Entry& erased = entry(at);
    shard(erased.hash).erase(erased.hash, at);
    script_bytes_ -= erased.coin.out.script_pubkey.heap_bytes();
    erased = {};
    free_.push_back(at);
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
    const uint32_t at = number(key);
    if (at != NONE && entry(at).fresh) return erase(at);
    Entry& spent = at != NONE ? entry(at) : insert(key);
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
    size_t bytes = chunks_.size() * CHUNK * sizeof(Entry) + free_.capacity() * sizeof(uint32_t);
    for (const Shard& shard : shards_) bytes += shard.memory_bytes();
    return bytes + script_bytes_;
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
