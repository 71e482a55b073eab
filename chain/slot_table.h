// SPDX-License-Identifier: MIT
// The hash table of what is kept by the hundred thousand: coins and waiting transactions.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace cairn::chain {

/// Values by salted hashes: what a value is found by lies where it points to. `NONE` is no value.
///
/// Open addressing, linear probing. Our own, so that growing moves little, and so that slots, and
/// then what they point to, can be fetched into the processor's cache before they are needed: one
/// after the other, each would wait for main memory.
/// Thread: one; any number may read.
template <class Value, Value NONE>
class SlotTable {
public:
    /// The value of this hash for which `is` holds; NONE if it isn't here.
    template <class Is>
    Value find(uint32_t hash, const Is& is) const {
        if (slots_.empty()) return NONE;
        for (size_t i = hash;; ++i) {
            const Slot& slot = slots_[i & mask()];
            if (slot.value == NONE || (slot.hash == hash && is(slot.value))) return slot.value;
        }
    }

    /// Before likely() or find().
    void prefetch(uint32_t hash) const {
        if (!slots_.empty()) __builtin_prefetch(&slots_[hash & mask()]);
    }

    /// What find() will probably look at, to be prefetched; NONE if that isn't clear.
    Value likely(uint32_t hash) const {
        const Slot slot = slots_.empty() ? Slot{} : slots_[hash & mask()];
        return slot.hash == hash ? slot.value : NONE;
    }

    /// Requires: `value` isn't here with this hash. It may be with others.
    void insert(uint32_t hash, Value value) {
        if (used_ >= slots_.size() / 4 * 3) grow(slots_.size() * 2);
        place({hash, value});
        ++used_;
    }

    /// Requires: `value` is here, with this hash.
    void erase(uint32_t hash, Value value) {
        size_t hole = hash & mask();
        const auto is_other = [&](const Slot& s) { return s.value != value || s.hash != hash; };
        while (is_other(slots_[hole])) hole = (hole + 1) & mask();
        // Those behind move up, as far as each may, so that no search ends early.
        for (size_t i = (hole + 1) & mask(); slots_[i].value != NONE; i = (i + 1) & mask()) {
            if (((i - slots_[i].hash) & mask()) < ((i - hole) & mask())) continue; // belongs behind
            slots_[hole] = slots_[i];
            hole = i;
        }
        slots_[hole] = {};
        --used_;
    }

    /// Make room for so many in all.
    void reserve(size_t values) {
        if (values * 3 / 2 > slots_.size()) grow(values * 3 / 2);
    }

    size_t memory_bytes() const { return slots_.capacity() * sizeof(Slot); }

    /// Of one value, just after the table has grown.
    static constexpr size_t MOST_BYTES_EACH = (sizeof(std::pair<uint32_t, Value>) * 8 + 2) / 3;

private:
    struct Slot {
        uint32_t hash = 0;
        Value value = NONE;
    };

    size_t mask() const { return slots_.size() - 1; } ///< Their number is a power of two.

    void place(const Slot& slot) {
        size_t i = slot.hash;
        while (slots_[i & mask()].value != NONE) ++i;
        slots_[i & mask()] = slot;
    }

    void grow(size_t size) {
        constexpr size_t FEWEST = 16;
        const std::vector<Slot> before =
            std::exchange(slots_, std::vector<Slot>(std::bit_ceil(std::max(FEWEST, size))));
        for (const Slot& slot : before)
            if (slot.value != NONE) place(slot);
    }

    std::vector<Slot> slots_;
    size_t used_ = 0;
};

} // namespace cairn::chain
