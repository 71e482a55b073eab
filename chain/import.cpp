// SPDX-License-Identifier: MIT
#include "chain/import.h"

#include "chain/file.h"
#include "chain/progress.h"

#include <boost/unordered/unordered_flat_map.hpp>

#include <deque>
#include <fstream>
#include <future>
#include <spdlog/fmt/fmt.h>

namespace cairn::chain {

namespace {

constexpr size_t HEADERS_AT_ONCE = 2000;
constexpr size_t BLOCKS_IN_FLIGHT = 24;        ///< Some more than the chain validates at once.
constexpr size_t BYTES_IN_FLIGHT = 16'000'000; ///< In memory they take two to three times as much.

/// Where a block lies.
struct Found {
    BlockHeader header;
    BlockHash hash;
    size_t file = 0;
    std::streamoff at = 0;
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
        for (size_t i = 0; i < files_.size() && !stop_; ++i) scan(i);
        sort();
        send_headers();
        send_blocks();
        if (unreadable_.empty()) return {};
        return consensus::invalid("cannot read block file", unreadable_);
    }

private:
    /// Keeps nobody from the other files.
    void cannot_read(size_t file) {
        unreadable_ += (unreadable_.empty() ? "" : ", ") + files_[file].string();
    }

    /// Move to after the next magic number; what is no block (zeros at a file's end) is skipped.
    bool find_magic(std::istream& in) const {
        uint32_t magic = 0;
        for (const uint8_t byte : chain_.params().magic) magic = magic << 8 | byte;
        uint32_t last_bytes = 0;
        for (char c = 0; in.get(c);) {
            last_bytes = last_bytes << 8 | static_cast<uint8_t>(c);
            if (last_bytes == magic) return true;
        }
        return false;
    }

    /// Note every block of a file.
    void scan(size_t file) {
        std::ifstream in(files_[file], std::ios::binary);
        if (in.peek(); in.bad() || !in.is_open()) return cannot_read(file); // bad: a directory
        const std::streamoff end = in.seekg(0, std::ios::end).tellg();
        in.seekg(0);
        while (!stop_ && find_magic(in)) {
            const std::streamoff start = in.tellg();
            Bytes head(4 + consensus::HEADER_BYTES);
            if (!in.read(reinterpret_cast<char*>(head.data()), std::streamsize(head.size()))) break;
            consensus::Reader reader(head);
            Found found;
            reader(found.size, found.header);
            const bool plausible = found.size > consensus::HEADER_BYTES &&
                                   int64_t{found.size} <= chain_.params().max_block_weight &&
                                   start + 4 + std::streamoff{found.size} <= end;
            if (!plausible) {
                // It only looked like one, or was cut off. Its own end may begin another.
                in.seekg(start + 1 - std::streamoff(chain_.params().magic.size()));
                continue;
            }
            found.hash = found.header.hash();
            found.file = file;
            found.at = start + 4;
            found_.push_back(found);
            in.seekg(found.at + std::streamoff{found.size});
        }
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
        Progress progress("import_progress", order_.size());
        std::ifstream in;
        size_t open_file = SIZE_MAX;
        for (const size_t i : order_) {
            if (stop_) break;
            const Found& found = found_[i];
            if (found.file != open_file) {
                in = std::ifstream(files_[found.file], std::ios::binary);
                open_file = found.file;
            }
            while (in_flight_.size() >= BLOCKS_IN_FLIGHT ||
                   (!in_flight_.empty() && bytes_in_flight_ + found.size > BYTES_IN_FLIGHT))
                wait_for_first();
            Bytes bytes(found.size);
            in.seekg(found.at);
            if (!in.read(reinterpret_cast<char*>(bytes.data()), std::streamsize(bytes.size()))) {
                cannot_read(found.file);
                break;
            }
            send(std::move(bytes));
            progress.step();
        }
        while (!in_flight_.empty()) wait_for_first();
    }

    void send(Bytes block) {
        auto done = std::make_shared<std::promise<void>>();
        in_flight_.push_back({done->get_future(), block.size()});
        bytes_in_flight_ += block.size();
        chain_.import_block(std::move(block), [done](const BlockOutcome&) { done->set_value(); });
    }

    void wait_for_first() {
        in_flight_.front().done.get();
        bytes_in_flight_ -= in_flight_.front().bytes;
        in_flight_.pop_front();
    }

    struct InFlight {
        std::future<void> done; ///< Ready once the chain has it.
        size_t bytes = 0;
    };

    Chain& chain_;
    const std::vector<std::filesystem::path>& files_;
    const std::atomic<bool>& stop_;
    std::string unreadable_; ///< Files, by a comma.
    std::vector<Found> found_;
    std::vector<size_t> order_;
    std::deque<InFlight> in_flight_;
    size_t bytes_in_flight_ = 0;
};

} // namespace

Result<> import_block_files(
    Chain& chain, const std::vector<std::filesystem::path>& files, const std::atomic<bool>& stop) {
    try {
        return Importer(chain, files, stop).run();
    } catch (const std::future_error&) {
        return {}; // the chain is stopping: it dropped what waited
    }
}

void export_block_file(
    const Chain& chain, const std::filesystem::path& file, const std::atomic<bool>& stop) {
    const View view = chain.view();
    const int32_t count = view.height().value + 1;
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
