// SPDX-License-Identifier: MIT
#include "chain/mempool_file.h"

#include "chain/file.h"

#include <fstream>
#include <spdlog/spdlog.h>

namespace cairn::chain {

using consensus::Bytes;
using consensus::Reader;
using consensus::SealedTransaction;
using consensus::Writer;

namespace {

constexpr uint64_t VERSION_PLAIN = 1;
constexpr uint64_t VERSION_OBFUSCATED = 2;
constexpr size_t KEY_BYTES = 8;

void write_map(Writer& writer, const std::map<Txid, Amount>& priorities) {
    writer.compact_size(priorities.size());
    for (const auto& [txid, amount] : priorities) writer(txid, amount);
}

std::map<Txid, Amount> read_map(Reader& reader) {
    std::map<Txid, Amount> priorities;
    const uint64_t count = reader.compact_size();
    for (uint64_t i = 0; i < count && !reader.failed(); ++i) {
        const auto txid = reader.read<Txid>();
        priorities[txid] = reader.read<Amount>();
    }
    return priorities;
}

/// Version 2 hides everything after its key by it, so that no scanner finds "viruses" in there.
bool reveal(Bytes& bytes) {
    constexpr size_t KEY_START = 8 + 1; // after the version, and the key's length
    if (bytes.size() < KEY_START + KEY_BYTES || bytes[8] != KEY_BYTES) return false;
    const Bytes key(bytes.begin() + KEY_START, bytes.begin() + KEY_START + KEY_BYTES);
    for (size_t i = KEY_START + KEY_BYTES; i < bytes.size(); ++i) bytes[i] ^= key[i % KEY_BYTES];
    return true;
}

std::optional<SavedMempool> parse(Bytes bytes) {
    const auto version = Reader(bytes).read<uint64_t>();
    if (version != VERSION_PLAIN && version != VERSION_OBFUSCATED) return std::nullopt;
    if (version == VERSION_OBFUSCATED && !reveal(bytes)) return std::nullopt;
    Reader reader(bytes);
    reader.raw(version == VERSION_PLAIN ? 8 : 8 + 1 + KEY_BYTES);
    SavedMempool saved;
    const auto count = reader.read<uint64_t>();
    for (uint64_t i = 0; i < count && !reader.failed(); ++i) {
        auto tx = std::make_shared<SealedTransaction>();
        SavedMempool::Item item;
        reader(*tx, item.time, item.priority);
        item.tx = std::move(tx);
        saved.items.push_back(std::move(item));
    }
    saved.priorities = read_map(reader);
    const auto unbroadcast = reader.read<std::vector<Txid>>();
    saved.unbroadcast.insert(unbroadcast.begin(), unbroadcast.end());
    if (reader.failed()) return std::nullopt;
    return saved;
}

} // namespace

SavedMempool to_save(const Mempool& pool, const std::vector<Txid>& unbroadcast) {
    SavedMempool saved{{}, pool.priorities(), {unbroadcast.begin(), unbroadcast.end()}};
    saved.items.reserve(pool.size());
    for (const MempoolEntry* entry : pool.in_mining_order())
        saved.items.push_back({entry->tx, entry->time, entry->modified_fee - entry->fee});
    return saved;
}

void save_mempool(const std::filesystem::path& path, const SavedMempool& saved) {
    Bytes bytes;
    Writer writer(bytes);
    std::map<Txid, Amount> priorities = saved.priorities;
    writer(VERSION_PLAIN, uint64_t{saved.items.size()});
    for (const auto& [tx, time, priority] : saved.items) {
        writer(*tx, time, priority);
        priorities.erase(tx->txid);
    }
    write_map(writer, priorities);
    writer(std::vector(saved.unbroadcast.begin(), saved.unbroadcast.end()));
    replace_file(path, bytes);
    spdlog::info("mempool_saved transactions={}", saved.items.size());
}

std::optional<SavedMempool> read_mempool(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return std::nullopt;
    Bytes bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    return parse(std::move(bytes));
}

std::optional<SavedMempool> load_mempool(const std::filesystem::path& path) {
    std::optional<SavedMempool> saved = read_mempool(path);
    std::error_code ignored;
    if (saved || !std::filesystem::exists(path, ignored)) return saved;
    std::filesystem::rename(path, path.string() + ".bad", ignored);
    spdlog::warn("mempool.dat is damaged; it is kept as {}.bad", path.string());
    return std::nullopt;
}

} // namespace cairn::chain
