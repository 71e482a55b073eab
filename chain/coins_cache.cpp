// SPDX-License-Identifier: MIT
#include "chain/coins_cache.h"

#include <algorithm>

namespace cairn::chain {

CoinsCache::CoinsCache(const Store& store, consensus::OutPointHasher salt)
    : store_(store),
      salt_(salt) {
    clear();
}

std::optional<Coin> CoinsCache::find(const OutPoint& point) const {
    const Shard& entries = shard(point);
    const auto found = entries.find(point);
    if (found == entries.end()) return store_.find_coin(point);
    if (found->second.spent) return std::nullopt;
    return found->second.coin;
}

void CoinsCache::apply(const CoinChanges& changes) {
    for (const OutPoint& point : changes.spent) spend(point);
    for (const auto& [point, coin] : changes.created) create(point, coin);
}

void CoinsCache::create(const OutPoint& point, const Coin& coin) {
    const auto [at, is_new] = shard(point).try_emplace(point);
    Entry& entry = at->second;
    // Two coinbases of Bitcoin's early days were created twice, unspent (BIP-0030's exceptions):
    // so for a coinbase, no entry does not mean that the store has none.
    if (is_new) entry.fresh = !coin.coinbase;
    script_bytes_ -= entry.coin.out.script_pubkey.heap_bytes();
    entry.coin = coin;
    entry.spent = false;
    entry.dirty = true;
    script_bytes_ += entry.coin.out.script_pubkey.heap_bytes();
}

void CoinsCache::spend(const OutPoint& point) {
    Shard& entries = shard(point);
    const auto [at, is_new] = entries.try_emplace(point);
    Entry& entry = at->second;
    script_bytes_ -= entry.coin.out.script_pubkey.heap_bytes();
    if (entry.fresh) {
        entries.erase(at);
        return;
    }
    entry.coin = Coin();
    entry.spent = true;
    entry.dirty = true;
}

void CoinsCache::settle(const CoinChanges& changes) {
    for (const OutPoint& point : changes.spent) shard(point).erase(point);
    for (const auto& [point, coin] : changes.created) {
        Shard& entries = shard(point);
        const auto found = entries.find(point);
        if (found == entries.end()) continue;
        found->second.dirty = false;
        found->second.fresh = false;
    }
}

void CoinsCache::write_to(Store::CoinSink& sink) const {
    std::vector<const Shard::value_type*> dirty;
    for (const Shard& entries : shards_) {
        dirty.clear();
        for (const auto& item : entries)
            if (item.second.dirty) dirty.push_back(&item);
        std::ranges::sort(
            dirty, [](const auto* a, const auto* b) { return coin_key_less(a->first, b->first); });
        for (const auto* item : dirty) {
            if (item->second.spent)
                sink.erase(item->first);
            else
                sink.put(item->first, item->second.coin);
        }
    }
}

void CoinsCache::clear() {
    shards_ = std::vector<Shard>(SHARD_COUNT, Shard(0, salt_)); // assign() would keep the memory
    script_bytes_ = 0;
}

size_t CoinsCache::memory_bytes() const {
    size_t slots = 0;
    for (const Shard& entries : shards_) slots += entries.bucket_count();
    return slots * (sizeof(Shard::value_type) + 1) + script_bytes_;
}

size_t CoinsCache::size() const {
    size_t count = 0;
    for (const Shard& entries : shards_) count += entries.size();
    return count;
}

} // namespace cairn::chain
