// SPDX-License-Identifier: MIT
#include "chain/import.h"

#include "chain/file.h"
#include "chain/progress.h"

#include <boost/unordered/unordered_flat_map.hpp>

#include <algorithm>
#include <deque>
#include <fstream>
#include <functional>
#include <future>
#include <optional>
#include <span>
#include <spdlog/fmt/fmt.h>

namespace cairn::chain {

namespace {

constexpr size_t HEADERS_AT_ONCE = 2000;
constexpr size_t BLOCKS_IN_FLIGHT = 24;        ///< Some more than the chain validates at once.
constexpr size_t BYTES_IN_FLIGHT = 16'000'000; ///< In memory they take two to three times as much.
constexpr size_t FRAME_BYTES = 8;              ///< Before each block: magic, length.

using Magic = decltype(consensus::Params::magic);

/// A file of blocks, read at any place. What can't be read makes it not good(), for ever.
///
/// Bitcoin Core (from version 28) keeps its own combined with a key, which lies beside them.
class BlockFile {
public:
    BlockFile(const std::filesystem::path& path, const Magic& magic) {
        // Opening a pipe would wait for its other end, and no device is read twice.
        std::error_code error;
        if (std::filesystem::is_regular_file(path, error)) in_.open(path, std::ios::binary);
        size_ = in_.is_open() ? std::filesystem::file_size(path) : 0;
        std::ifstream key(path.parent_path() / "xor.dat", std::ios::binary);
        if (!key.read(reinterpret_cast<char*>(key_.data()), std::streamsize(key_.size())))
            key_ = {};
        // Beside one of Core's may lie one that isn't.
        if (Magic start{}; size_ < start.size() || !read(0, start) || start != magic) key_ = {};
    }

    bool good() const { return in_.is_open() && in_.good(); }

    uint64_t size() const { return size_; }

    /// Fill `to` with what is at `at`. False if that can't be read.
    bool read(uint64_t at, std::span<uint8_t> to) {
        in_.seekg(static_cast<std::streamoff>(at));
        in_.read(reinterpret_cast<char*>(to.data()), static_cast<std::streamsize>(to.size()));
        if (key_ != Key{})
            for (size_t i = 0; i < to.size(); ++i) to[i] ^= key_[(at + i) % key_.size()];
        return in_.good();
    }

    /// Some of what is there from `at` on, for a search: at least `least` bytes, unless the file
    /// has fewer. Empty if that can't be read. Good until the next call.
    ByteView window(uint64_t at, size_t least) {
        if (at < window_at_ || at + least > window_at_ + window_.size()) {
            window_at_ = at;
            window_.resize(std::min<uint64_t>(WINDOW_BYTES, size_ - at));
            if (!read(at, window_)) window_.clear();
        }
        return window_.empty() ? ByteView() : ByteView(window_).subspan(at - window_at_);
    }

private:
    static constexpr size_t WINDOW_BYTES = 1 << 20;
    using Key = std::array<uint8_t, 8>;

    std::ifstream in_;
    uint64_t size_ = 0;
    Key key_{};
    Bytes window_;
    uint64_t window_at_ = 0;
};

/// Where a block lies.
struct Found {
    BlockHeader header;
    BlockHash hash;
    size_t file = 0;
    uint64_t at = 0;
    uint32_t size = 0;
};

class Importer {
public:
    Importer(
        Chain& chain,
        const std::vector<std::filesystem::path>& files,
        const std::atomic<bool>& stop)
        : chain_(chain),
          files_(files),
          stop_(stop) {}

    Result<> run() {
        bool dropped = false;
        try {
            scan();
            sort();
            send_headers();
            send_blocks();
        } catch (const std::future_error&) {
            dropped = true; // the chain is stopping: it dropped what waited
        }
        spdlog::info(
            "import_done blocks={} imported={} known={} refused={}", found_.size(), imported_,
            known_, refused_);
        if (refused_ > 0)
            problem(fmt::format(
                "{} of {} blocks refused, the first {}", refused_, found_.size(), first_refused_));
        if (stop_ || dropped) problem("interrupted");
        if (problems_.empty()) return {};
        spdlog::warn("import_failed reason=\"{}\"", problems_);
        return consensus::invalid("incomplete import", problems_);
    }

private:
    /// Keeps nobody from the rest.
    void problem(const std::string& what) { problems_ += (problems_.empty() ? "" : "; ") + what; }

    void cannot_read(size_t file) {
        std::error_code error;
        const bool other = std::filesystem::exists(files_[file], error) &&
                           !std::filesystem::is_regular_file(files_[file], error);
        problem(
            "cannot read block file " + files_[file].string() +
            (other ? ", which is no regular file" : ""));
    }

    /// Note every block of all files.
    void scan() {
        uint64_t total = 0;
        for (const std::filesystem::path& file : files_)
            if (std::error_code error; std::filesystem::is_regular_file(file, error))
                total += std::filesystem::file_size(file);
        Progress progress("import_scan_progress", total, "bytes");
        uint64_t before = 0;
        for (size_t i = 0; i < files_.size() && !stop_; ++i) {
            BlockFile file(files_[i], chain_.params().magic);
            const size_t count = found_.size();
            scan(file, i, [&](uint64_t at) { progress.reach(before + at); });
            before += file.size();
            if (!file.good())
                cannot_read(i);
            else if (found_.size() == count && !stop_)
                problem(
                    "no block of this chain in " + files_[i].string() +
                    " (one that Bitcoin Core keeps needs the xor.dat of its folder beside it)");
        }
    }

    void scan(BlockFile& file, size_t number, const std::function<void(uint64_t)>& reached) {
        std::array<uint8_t, FRAME_BYTES + consensus::HEADER_BYTES> head{};
        for (uint64_t at = 0; !stop_ && at + head.size() <= file.size();) {
            reached(at);
            if (!file.read(at, head)) return;
            Magic magic{};
            Found found;
            consensus::Reader reader(head);
            reader(magic, found.size, found.header);
            found.at = at + FRAME_BYTES;
            const bool plausible = magic == chain_.params().magic &&
                                   found.size > consensus::HEADER_BYTES &&
                                   int64_t{found.size} <= chain_.params().max_block_weight;
            const bool whole = found.at + found.size <= file.size();
            if (plausible && !whole)
                spdlog::warn("import_cut_off file={} at={}", files_[number].string(), found.at);
            if (!plausible || !whole) {
                at = find_magic(file, at + 1, reached); // its own end may begin another
                continue;
            }
            found.hash = found.header.hash();
            found.file = number;
            found_.push_back(found);
            at = found.at + found.size;
        }
    }

    /// Where the next magic number is; what is no block (zeros at a file's end) is skipped.
    uint64_t
    find_magic(BlockFile& file, uint64_t at, const std::function<void(uint64_t)>& reached) const {
        const Magic& magic = chain_.params().magic;
        while (!stop_ && at + magic.size() <= file.size()) {
            reached(at);
            const ByteView window = file.window(at, magic.size());
            if (window.empty()) break;
            const auto there =
                std::search(window.begin(), window.end(), magic.begin(), magic.end());
            at += static_cast<uint64_t>(there - window.begin());
            if (there != window.end()) return at;
            at -= magic.size() - 1; // its first bytes may be the last ones here
        }
        return file.size();
    }

    /// Parents before children, level by level. What has no parent here or in the chain stays out.
    void sort() {
        boost::unordered_flat_map<BlockHash, std::vector<size_t>, consensus::BlockHasher> children;
        boost::unordered_flat_map<BlockHash, size_t, consensus::BlockHasher> here;
        std::deque<size_t> next;
        for (size_t i = 0; i < found_.size(); ++i) here.emplace(found_[i].hash, i);
        for (size_t i = 0; i < found_.size(); ++i) {
            if (here[found_[i].hash] != i) continue; // a second copy
            if (here.contains(found_[i].header.prev_hash))
                children[found_[i].header.prev_hash].push_back(i);
            else
                next.push_back(i);
        }
        while (!next.empty()) {
            const size_t i = next.front();
            next.pop_front();
            order_.push_back(i);
            if (const auto found = children.find(found_[i].hash); found != children.end())
                next.insert(next.end(), found->second.begin(), found->second.end());
        }
    }

    void send_headers() {
        std::vector<BlockHeader> batch;
        for (size_t i = 0; i < order_.size() && !stop_; ++i) {
            const Found& found = found_[order_[i]];
            if (!chain_.find_block(found.hash)) batch.push_back(found.header);
            if (batch.size() < HEADERS_AT_ONCE && i + 1 < order_.size()) continue;
            accept(std::exchange(batch, {}));
        }
    }

    /// One that is refused doesn't keep the others, which may be of another branch.
    void accept(std::vector<BlockHeader> headers) {
        while (!headers.empty() && !stop_) {
            auto done = std::make_shared<std::promise<HeadersOutcome>>();
            std::future<HeadersOutcome> answer = done->get_future();
            chain_.import_headers(
                headers, [done](const HeadersOutcome& outcome) { done->set_value(outcome); });
            done.reset(); // the chain has the last hold on it: dropped, it wakes us
            const HeadersOutcome outcome = answer.get();
            const size_t tried = std::min(headers.size(), outcome.accepted + 1);
            headers.erase(headers.begin(), headers.begin() + std::ptrdiff_t(tried));
        }
    }

    void send_blocks() {
        known_ = found_.size() - order_.size(); // second copies
        Progress progress("import_progress", order_.size());
        std::optional<BlockFile> file;
        size_t open_file = SIZE_MAX;
        for (const size_t i : order_) {
            if (stop_) break;
            const Found& found = found_[i];
            if (std::exchange(open_file, found.file) != found.file)
                file.emplace(files_[found.file], chain_.params().magic);
            while (in_flight_.size() >= BLOCKS_IN_FLIGHT ||
                   (!in_flight_.empty() && bytes_in_flight_ + found.size > BYTES_IN_FLIGHT))
                wait_for_first();
            Bytes bytes(found.size);
            if (!file->read(found.at, bytes)) {
                cannot_read(found.file);
                break;
            }
            send(found, std::move(bytes));
            progress.step();
        }
        while (!in_flight_.empty()) wait_for_first();
    }

    void send(const Found& found, Bytes block) {
        auto done = std::make_shared<std::promise<BlockOutcome>>();
        in_flight_.push_back({done->get_future(), found});
        bytes_in_flight_ += found.size;
        chain_.import_block(
            std::move(block), [done](const BlockOutcome& outcome) { done->set_value(outcome); });
    }

    void wait_for_first() {
        const BlockOutcome outcome = in_flight_.front().outcome.get();
        const Found& found = in_flight_.front().found;
        if (!outcome.verdict)
            refuse(found, outcome.verdict.error());
        else if (outcome.node->failed()) // one before it turned out to be, while it waited
            refuse(found, consensus::invalid("bad-prevblk"));
        else
            ++(outcome.known ? known_ : imported_);
        bytes_in_flight_ -= found.size;
        in_flight_.pop_front();
    }

    /// Those after the first are likely to follow from it.
    void refuse(const Found& found, const consensus::Reject& reject) {
        if (refused_++ > 0) return;
        first_refused_ = fmt::format(
            "at byte {} of {}: {}{}{}", found.at, files_[found.file].string(), reject.reason,
            reject.detail.empty() ? "" : ", ", reject.detail);
    }

    struct InFlight {
        std::future<BlockOutcome> outcome; ///< Ready once the chain has it.
        const Found& found;
    };

    Chain& chain_;
    const std::vector<std::filesystem::path>& files_;
    const std::atomic<bool>& stop_;
    std::string problems_; ///< Sentences, by a semicolon.
    std::vector<Found> found_;
    std::vector<size_t> order_;
    std::deque<InFlight> in_flight_;
    size_t bytes_in_flight_ = 0;
    size_t imported_ = 0;
    size_t known_ = 0;
    size_t refused_ = 0;
    std::string first_refused_; ///< Where, and why.
};

} // namespace

Result<> import_block_files(
    Chain& chain, const std::vector<std::filesystem::path>& files, const std::atomic<bool>& stop) {
    return Importer(chain, files, stop).run();
}

void export_block_file(
    const Chain& chain, const std::filesystem::path& file, const std::atomic<bool>& stop) {
    const View view = chain.view();
    const int32_t count = view.height().value + 1;
    spdlog::info("exporting blocks={} file={}", count, file.string());
    Progress progress("export_progress", size_t(count));
    FileReplacement out(file);
    for (int32_t height = 0; height < count; ++height) {
        if (stop) return;
        const Bytes block = chain.read_block_bytes(*view.at(height));
        if (block.empty())
            throw StorageError(fmt::format("cannot export block {}: it is not stored", height));
        out.write(consensus::encode(chain.params().magic));
        out.write(consensus::encode(static_cast<uint32_t>(block.size())));
        out.write(block);
        progress.step();
    }
    out.commit();
    spdlog::info("exported blocks={} file={}", count, file.string());
}

} // namespace cairn::chain
