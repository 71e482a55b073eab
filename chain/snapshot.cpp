// SPDX-License-Identifier: MIT
#include "chain/snapshot.h"

#include "chain/coin_statistics.h"
#include "chain/coins_cache.h"
#include "chain/connecting_block.h"
#include "consensus/coin_compression.h"

#include <fstream>
#include <spdlog/fmt/fmt.h>

namespace cairn::chain {

using consensus::invalid;
using consensus::Reader;
using consensus::Snapshot;
using consensus::Txid;
using consensus::Writer;

namespace {

struct SnapshotHeader {
    static constexpr std::array<uint8_t, 5> MAGIC{'u', 't', 'x', 'o', 0xff};
    static constexpr uint16_t VERSION = 2;
    static constexpr size_t BYTES = 51;

    std::array<uint8_t, 5> magic = MAGIC;
    uint16_t version = VERSION;
    std::array<uint8_t, 4> network{};
    BlockHash base;
    uint64_t coins = 0;

    static void wire(auto&& codec, auto& header) {
        codec(header.magic, header.version, header.network, header.base, header.coins);
    }
};

void stop_if(const std::atomic<bool>& stop) {
    if (stop) throw StorageError("stopped");
}

/// The coins of a scan, less what blocks did to them.
class RolledBack {
public:
    RolledBack(CoinCursor& coins, const CoinTable& undone) : coins_(coins) {
        undone.visit_sorted(
            0, 0xff, [this](const CoinTable::Entry& entry) { changes_.push_back(&entry); });
    }

    std::optional<std::pair<OutPoint, Coin>> next() {
        for (;;) {
            if (!next_) next_ = coins_.next();
            if (at_ == changes_.size() || (next_ && next_->first < changes_[at_]->point))
                return std::exchange(next_, std::nullopt);
            const CoinTable::Entry& change = *changes_[at_++];
            if (next_ && next_->first == change.point) next_.reset();
            if (!change.spent) return std::pair(change.point, change.coin);
        }
    }

private:
    CoinCursor& coins_;
    std::vector<const CoinTable::Entry*> changes_;
    size_t at_ = 0;
    std::optional<std::pair<OutPoint, Coin>> next_;
};

/// What taking the blocks from `tip` down to `base` off again does to the coins.
Result<CoinTable> take_off(
    const Chain& chain,
    const BlockNode& tip,
    const BlockNode& base,
    const std::atomic<bool>& stop) {
    CoinTable changes(random_salt());
    for (const BlockNode* node = &tip; node != &base; node = node->parent_node()) {
        stop_if(stop);
        const consensus::BlockRef block = chain.read_block(*node);
        const std::optional<BlockUndo> undo = block ? chain.read_undo(*node, *block) : std::nullopt;
        if (!undo)
            return invalid("snapshot-pruned", "block " + node->hash.to_string() + " is not stored");
        disconnect_coins(*block, *undo, changes);
    }
    return changes;
}

/// Writes coins in the order of their keys.
class SnapshotWriter {
public:
    explicit SnapshotWriter(FileReplacement& out) : out_(out) {}

    void add(const OutPoint& point, const Coin& coin) {
        if (point.txid != txid_) finish_transaction();
        txid_ = point.txid;
        ++count_;
        Writer writer(coins_);
        writer.compact_size(point.index);
        write_compressed(writer, coin);
    }

    void finish_transaction() {
        if (count_ == 0) return;
        Bytes head;
        Writer{head}(txid_).compact_size(std::exchange(count_, 0));
        out_.write(head);
        out_.write(coins_);
        coins_.clear();
    }

private:
    FileReplacement& out_;
    Txid txid_;
    uint64_t count_ = 0; ///< Coins of it so far,
    Bytes coins_;        ///< and these.
};

/// Reads coins as they were written.
class SnapshotReader {
public:
    explicit SnapshotReader(const std::filesystem::path& file) : in_(file, std::ios::binary) {}

    bool is_open() const { return in_.is_open(); }

    /// Errors: Invalid "snapshot-metadata".
    Result<SnapshotHeader> header(const consensus::Params& params) {
        const auto header = reader(SnapshotHeader::BYTES).read<SnapshotHeader>();
        at_ += SnapshotHeader::BYTES;
        left_ = total_ = header.coins;
        if (header.magic != SnapshotHeader::MAGIC)
            return metadata(
                "Invalid UTXO set snapshot magic bytes. Please check if this is indeed a snapshot "
                "file or if you are using an outdated snapshot format.");
        if (header.version != SnapshotHeader::VERSION)
            return metadata(fmt::format(
                "Version of snapshot {} does not match any of the supported versions.",
                header.version));
        if (header.network != params.magic)
            return metadata(fmt::format(
                "The network of the snapshot does not match the network of this node ({}).",
                params.name));
        return header;
    }

    uint64_t left() const { return left_; }

    std::string done() const { return fmt::format("after deserializing {} coins", total_ - left_); }

    /// Errors: Invalid "snapshot-refused".
    Result<std::pair<OutPoint, Coin>> next() {
        Reader in = reader(MAX_ITEM_BYTES);
        if (in_transaction_ == 0) {
            in(point_.txid);
            in_transaction_ = in.compact_number();
            if (in_transaction_ > left_)
                return refused(
                    "Mismatch in coins count in snapshot metadata and actual snapshot data");
        }
        point_.index = static_cast<uint32_t>(in.compact_number());
        Coin coin;
        read_compressed(in, coin);
        if (in.failed() || in_transaction_ == 0)
            return refused("Bad snapshot format or truncated snapshot " + done() + ".");
        at_ += in.position();
        --in_transaction_;
        --left_;
        return std::pair(point_, coin);
    }

    bool at_end() { return reader(1).remaining() == 0; }

    static consensus::Reject refused(const std::string& why) {
        return invalid("snapshot-refused", "Population failed: " + why);
    }

private:
    static constexpr size_t MAX_ITEM_BYTES = 32 + 9 + 9 + consensus::MAX_COMPRESSED_COIN_BYTES;
    static constexpr size_t READ_BYTES = 1 << 20;

    static consensus::Reject metadata(const std::string& why) {
        return invalid("snapshot-metadata", why);
    }

    /// At least the next `size` bytes, if there are so many.
    Reader reader(size_t size) {
        if (in_.good() && buffer_.size() - at_ < size) {
            buffer_.erase(buffer_.begin(), buffer_.begin() + std::ptrdiff_t(at_));
            at_ = 0;
            const size_t before = buffer_.size();
            buffer_.resize(before + READ_BYTES);
            in_.read(reinterpret_cast<char*>(buffer_.data() + before), READ_BYTES);
            buffer_.resize(before + size_t(in_.gcount()));
        }
        return Reader(ByteView(buffer_).subspan(at_));
    }

    std::ifstream in_;
    Bytes buffer_;
    size_t at_ = 0; ///< Of it, up to here was read.
    uint64_t total_ = 0;
    uint64_t left_ = 0;
    uint64_t in_transaction_ = 0; ///< Left of the current one.
    OutPoint point_;
};

} // namespace

Result<SnapshotSummary> write_snapshot(
    const Chain& chain,
    const CoinScan& scan,
    const BlockNode& base,
    FileReplacement& out,
    const std::atomic<bool>& stop) {
    const Result<CoinTable> undone = take_off(chain, *scan.tip, base, stop);
    if (!undone) return undone.error();
    SnapshotHeader header{.network = chain.params().magic, .base = base.hash};
    out.write(consensus::encode(header));
    SnapshotWriter writer(out);
    CoinStatistics sum(CoinHash::Serialized);
    RolledBack coins(*scan.coins, *undone);
    while (const auto next = coins.next()) {
        stop_if(stop);
        writer.add(next->first, next->second);
        sum.add(next->first, next->second);
    }
    writer.finish_transaction();
    header.coins = sum.coins;
    out.overwrite_start(consensus::encode(header));
    return SnapshotSummary{&base, sum.coins, *sum.hash()};
}

Result<const Snapshot*> check_snapshot(const Chain& chain, const BlockHash& base) {
    const auto refused = [](const std::string& why) { return invalid("snapshot-refused", why); };
    const std::vector<Snapshot>& known = chain.params().snapshots;
    const auto entry = std::ranges::find(known, base, &Snapshot::block);
    if (entry == known.end()) {
        std::string heights;
        for (const Snapshot& each : known)
            heights += (heights.empty() ? "" : ", ") + std::to_string(each.height.value);
        return refused(fmt::format(
            "assumeutxo block hash in snapshot metadata not recognized (hash: {}). The following "
            "snapshot heights are available: {}.",
            base.to_string(), heights));
    }
    const BlockNode* node = chain.find_block(base);
    if (!node)
        return refused(fmt::format(
            "The base block header ({}) must appear in the headers chain. Make sure all headers "
            "are syncing, and call loadtxoutset again.",
            base.to_string()));
    if (node->failed())
        return refused(fmt::format(
            "The base block header ({}) is part of an invalid chain.", base.to_string()));
    if (!chain.best_header().descends_from(*node))
        return refused(
            "A forked headers-chain with more work than the chain with the snapshot base block "
            "header exists. Please proceed to sync without AssumeUtxo.");
    if (chain.assumed())
        return refused("Can't activate a snapshot-based chainstate more than once");
    if (chain.mempool()->size() > 0)
        return refused("Can't activate a snapshot when mempool not empty");
    if (node->work <= chain.view().tip().work)
        return refused("Population failed: Work does not exceed active chainstate.");
    return &*entry;
}

namespace {

/// Read the coins into the other set, and compare their hash.
Result<SnapshotSummary> read_coins(
    const Chain& chain,
    Store& store,
    SnapshotReader& in,
    const Snapshot& entry,
    const std::atomic<bool>& stop) {
    std::optional<CoinTable> table;
    const auto flush = [&] {
        if (table)
            store.ingest_coins({entry.block, entry.height}, table->changes(), CoinSet::Other);
        table.emplace(random_salt(), CoinsCache::SHARDS);
    };
    flush();
    while (in.left() > 0) {
        stop_if(stop);
        const auto coin = in.next();
        if (!coin) return coin.error();
        const auto& [point, value] = *coin;
        if (value.height > entry.height || point.index == OutPoint::NULL_INDEX)
            return SnapshotReader::refused("Bad snapshot data " + in.done());
        if (!consensus::money_range(value.out.value))
            return SnapshotReader::refused(
                "Bad snapshot data " + in.done() + " - bad tx out value");
        table->create(table->key(point), value);
        if (table->memory_bytes() > chain.options().cache_bytes / 4) flush();
    }
    if (!in.at_end())
        return SnapshotReader::refused("Bad snapshot - coins left over " + in.done() + ".");
    flush();
    CoinStatistics sum(CoinHash::Serialized);
    CoinCursor coins = store.coins(CoinSet::Other);
    while (const auto next = coins.next()) {
        stop_if(stop);
        sum.add(next->first, next->second);
    }
    const Hash256 hash = *sum.hash();
    if (hash != entry.coins_hash)
        return SnapshotReader::refused(fmt::format(
            "Bad snapshot content hash: expected {}, got {}.", entry.coins_hash.to_string(),
            hash.to_string()));
    return SnapshotSummary{chain.find_block(entry.block), sum.coins, hash};
}

} // namespace

Result<SnapshotSummary> read_snapshot(
    const Chain& chain,
    Store& store,
    const std::filesystem::path& file,
    const std::atomic<bool>& stop) {
    SnapshotReader in(file);
    if (!in.is_open()) return invalid("snapshot-unreadable");
    const Result<SnapshotHeader> header = in.header(chain.params());
    if (!header) return header.error();
    const Result<const Snapshot*> entry = check_snapshot(chain, header->base);
    if (!entry) return entry.error();
    store.drop_other_coins(); // what a crash left
    Result<SnapshotSummary> read = read_coins(chain, store, in, **entry, stop);
    if (!read) store.drop_other_coins();
    return read;
}

} // namespace cairn::chain
