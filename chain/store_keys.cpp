// SPDX-License-Identifier: MIT
#include "chain/store_keys.h"

namespace cairn::chain {

using rocksdb::Slice;

namespace {

template <class T>
void append_big_endian(std::string& key, T number) {
    for (int shift = int(sizeof(T)) * 8 - 8; shift >= 0; shift -= 8)
        key.push_back(static_cast<char>(number >> shift));
}

} // namespace

Slice slice(ByteView bytes) {
    if (bytes.empty()) return {}; // no null, of which even no bytes may be compared
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

ByteView view_of(const Slice& bytes) {
    return {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
}

std::string height_key(Height height) {
    std::string key;
    append_big_endian(key, static_cast<uint32_t>(height.value));
    return key;
}

std::string node_key(const consensus::HeaderNode& node) {
    std::string key = height_key(node.height);
    key.append(slice(node.hash.bytes).data(), 32);
    return key;
}

Height height_of(const Slice& node_key) {
    int32_t height = 0;
    for (const uint8_t byte : view_of(node_key).first(4)) height = height << 8 | byte;
    return height;
}

CoinDiskKey::CoinDiskKey(const OutPoint& point) {
    std::ranges::copy(point.txid.bytes, bytes_.begin());
    bytes_[32] = static_cast<uint8_t>(std::min(point.index, uint32_t{0xff}));
    if (point.index < 0xff) return;
    for (size_t i = 0; i < 4; ++i)
        bytes_[33 + i] = static_cast<uint8_t>(point.index >> (24 - 8 * i));
    size_ = bytes_.size();
}

OutPoint point_of(ByteView key) {
    OutPoint point;
    if (key.size() != 33 && key.size() != 37) damaged("key of a coin");
    std::copy_n(key.begin(), 32, point.txid.bytes.begin());
    point.index = key[32];
    if (key.size() == 37) {
        point.index = 0;
        for (const uint8_t byte : key.last(4)) point.index = point.index << 8 | byte;
    }
    return point;
}

std::string event_key(uint64_t number) {
    std::string key;
    append_big_endian(key, number);
    return key;
}

bool coin_key_less(const OutPoint& a, const OutPoint& b) {
    return a < b; // txid bytes, then number: as CoinDiskKey sorts
}

} // namespace cairn::chain
