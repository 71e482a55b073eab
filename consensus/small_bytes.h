// SPDX-License-Identifier: MIT
// A block holds thousands of scripts and signatures, nearly all of a few dozen bytes. Kept inside
// their owner they cost no allocation, which is what makes parsing a block as cheap as hashing it.
#pragma once

#include "consensus/bytes.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <utility>

namespace cairn::consensus {

/// A byte string that lives inside the object up to INLINE bytes and on the heap above that.
template <size_t INLINE>
class SmallBytes {
public:
    SmallBytes() = default;

    explicit SmallBytes(ByteView bytes) { assign(bytes); }

    SmallBytes(const SmallBytes& other) { copy(other); }

    SmallBytes(SmallBytes&& other) noexcept { take(other); }

    SmallBytes& operator=(const SmallBytes& other) {
        if (this != &other) copy(other);
        return *this;
    }

    SmallBytes& operator=(SmallBytes&& other) noexcept {
        if (this != &other) {
            release();
            take(other);
        }
        return *this;
    }

    ~SmallBytes() { release(); }

    uint8_t* data() { return on_heap() ? heap_ : inline_; }

    const uint8_t* data() const { return on_heap() ? heap_ : inline_; }

    size_t size() const { return size_; }

    bool empty() const { return size_ == 0; }

    uint8_t* begin() { return data(); }

    uint8_t* end() { return data() + size_; }

    const uint8_t* begin() const { return data(); }

    const uint8_t* end() const { return data() + size_; }

    uint8_t& operator[](size_t i) { return data()[i]; }

    uint8_t operator[](size_t i) const { return data()[i]; }

    uint8_t back() const { return data()[size_ - 1]; }

    /// Bytes on the heap, for memory accounting.
    size_t heap_bytes() const { return on_heap() ? capacity_ : 0; }

    void clear() { size_ = 0; }

    /// Copy `bytes` in, which may not be a part of this.
    void assign(ByteView bytes) {
        resize_for_overwrite(bytes.size());
        if (!bytes.empty()) std::memcpy(data(), bytes.data(), bytes.size());
    }

    /// Change the size; what the string held before is lost, what it holds now is undefined.
    void resize_for_overwrite(size_t size) {
        if (size > capacity_) {
            auto* fresh = new uint8_t[size];
            release();
            heap_ = fresh;
            capacity_ = static_cast<uint32_t>(size);
        }
        size_ = static_cast<uint32_t>(size);
    }

    /// Append `bytes`, which may not be a part of this.
    void append(ByteView bytes) {
        if (bytes.empty()) return;
        const size_t old_size = size_;
        const size_t new_size = old_size + bytes.size();
        if (new_size > capacity_) grow(std::max(new_size, size_t{capacity_} * 2));
        std::memcpy(data() + old_size, bytes.data(), bytes.size());
        size_ = static_cast<uint32_t>(new_size);
    }

    void push_back(uint8_t byte) { append({&byte, 1}); }

    bool operator==(const SmallBytes& other) const { return std::ranges::equal(*this, other); }

    auto operator<=>(const SmallBytes& other) const {
        return std::lexicographical_compare_three_way(begin(), end(), other.begin(), other.end());
    }

private:
    bool on_heap() const { return capacity_ > INLINE; }

    void grow(size_t capacity) {
        auto* fresh = new uint8_t[capacity];
        std::memcpy(fresh, data(), size_);
        release();
        heap_ = fresh;
        capacity_ = static_cast<uint32_t>(capacity);
    }

    void release() {
        if (on_heap()) delete[] heap_;
        capacity_ = INLINE;
    }

    /// A short string with all its room: a fixed number of bytes takes a few moves and no call.
    void copy(const SmallBytes& other) {
        if (on_heap() || other.on_heap()) return assign(other);
        size_ = other.size_;
        std::memcpy(inline_, other.inline_, sizeof inline_);
    }

    void take(SmallBytes& other) {
        size_ = other.size_;
        capacity_ = other.capacity_;
        std::memcpy(inline_, other.inline_, sizeof inline_); // the pointer, if there is one
        other.size_ = 0;
        other.capacity_ = INLINE;
    }

    static_assert(INLINE >= sizeof(uint8_t*));
    uint32_t size_ = 0;
    uint32_t capacity_ = INLINE;

    union {
        uint8_t inline_[INLINE];
        uint8_t* heap_;
    };
};

} // namespace cairn::consensus
