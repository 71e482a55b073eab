// SPDX-License-Identifier: MIT
#include "chain/mempool_file.h"

#include "chain/file.h"
#include "chain/store.h"

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
constexpr size_t VERSION_BYTES = 8;
constexpr size_t KEY_BYTES = 8;

void write_map(Writer& writer, const std::map<Txid, Amount>& priorities) {
    writer.compact_size(priorities.size());
    for (const auto& [txid, amount] : priorities) writer(txid, amount);
}

std::map<Txid, Amount> read_map(Reader& reader) {
    std::map<Txid, Amount> priorities;
    const uint64_t count = reader.compact_size();
    for (uint64_t i = 0; i < count; ++i) {
        const auto txid = reader.read<Txid>();
        const auto amount = reader.read<Amount>();
        if (reader.failed()) break;
        priorities[txid] = amount;
    }
    return priorities;
}

/// Throws StorageError if it is none that is known.
uint64_t version_of(const Bytes& bytes) {
    const auto version = Reader(bytes).read<uint64_t>();
    if (version != VERSION_PLAIN && version != VERSION_OBFUSCATED)
        throw StorageError("it is none of a known version");
    return version;
}

/// Version 2 hides everything after its key by it, so that no scanner finds "viruses" in there.
bool reveal(Bytes& bytes) {
    constexpr size_t KEY_START = VERSION_BYTES + 1; // after the version, and the key's length
    if (bytes.size() < KEY_START + KEY_BYTES || bytes[VERSION_BYTES] != KEY_BYTES) return false;
    const Bytes key(bytes.begin() + KEY_START, bytes.begin() + KEY_START + KEY_BYTES);
    for (size_t i = KEY_START + KEY_BYTES; i < bytes.size(); ++i) bytes[i] ^= key[i % KEY_BYTES];
    return true;
}

/// What comes after the version, as far as it is whole.
SavedMempool parse(Reader& reader) {
    SavedMempool saved;
    const auto count = reader.read<uint64_t>();
    for (uint64_t i = 0; i < count; ++i) {
        auto tx = std::make_shared<SealedTransaction>();
        SavedMempool::Item item;
        reader(*tx, item.time, item.priority);
        if (reader.failed()) break;
        item.tx = std::move(tx);
        saved.items.push_back(std::move(item));
    }
    saved.priorities = read_map(reader);
    const auto unbroadcast = reader.read<std::vector<Txid>>();
    saved.unbroadcast.insert(unbroadcast.begin(), unbroadcast.end());
    saved.damaged = reader.failed();
    return saved;
}

/// All of the file. Throws StorageError, before it is read as a whole, if it is none of ours.
Bytes read_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::ios_base::failure("open", {errno, std::generic_category()});
    Bytes bytes(VERSION_BYTES);
    file.read(reinterpret_cast<char*>(bytes.data()), VERSION_BYTES);
    (void)version_of(bytes); // anything may come after it, without end
    bytes.insert(bytes.end(), std::istreambuf_iterator<char>(file), {});
    if (version_of(bytes) == VERSION_OBFUSCATED && !reveal(bytes))
        throw StorageError("its key is missing");
    return bytes;
}

void tell_bad(const std::filesystem::path& path, std::string_view what) {
    spdlog::warn("mempool_file_bad file={} reason=\"{}\"", path.string(), what);
}

/// Damaged, with nothing in it, if the file is none of ours; nullopt if the system doesn't let us
/// read it.
std::optional<SavedMempool> read(const std::filesystem::path& path) {
    SavedMempool saved{.damaged = true};
    try {
        const Bytes bytes = read_file(path);
        Reader reader(bytes);
        if (reader.read<uint64_t>() == VERSION_OBFUSCATED) reader.raw(1 + KEY_BYTES);
        saved = parse(reader);
        if (saved.damaged)
            tell_bad(path, fmt::format("damaged after {} transactions", saved.items.size()));
    } catch (const StorageError& error) {
        tell_bad(path, error.what());
    } catch (const std::ios_base::failure& error) {
        tell_bad(path, error.what());
        return std::nullopt;
    }
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
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error)) {
        tell_bad(path, error ? error.message() : "it is no file");
        return std::nullopt;
    }
    std::optional<SavedMempool> saved = read(path);
    if (saved && saved->damaged && saved->items.empty()) return std::nullopt;
    return saved;
}

std::optional<SavedMempool> load_mempool(const std::filesystem::path& path) {
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored)) return std::nullopt;
    std::optional<SavedMempool> saved = read(path);
    if (!saved || !saved->damaged) return saved;
    std::filesystem::rename(path, path.string() + ".bad", ignored);
    spdlog::warn("mempool.dat is damaged; it is kept as {}.bad", path.string());
    if (saved->items.empty()) return std::nullopt;
    return saved;
}

} // namespace cairn::chain
