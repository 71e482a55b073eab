// SPDX-License-Identifier: MIT
#include "node/disk_readers.h"

#include "chain/verify_pool.h"

#include <boost/asio/post.hpp>

#include <spdlog/spdlog.h>

namespace cairn::node {

void DiskReaders::add(DiskRead read) {
    waiting_.push_back(std::move(read));
    give_out();
}

void DiskReaders::forget(PeerId peer) {
    std::erase_if(waiting_, [&](const DiskRead& read) { return read.peer == peer; });
    wanted_.erase(peer);
}

void DiskReaders::give_out() {
    for (; busy_ < THREADS && !waiting_.empty(); waiting_.pop_front()) {
        ++busy_;
        wanted_.insert(waiting_.front().peer);
        auto work = [this, read = std::move(waiting_.front())]() mutable {
            chain::name_thread("net-read");
            spdlog::debug("reading {} peer={}", read.block->hash.to_string(), read.peer);
            ReadPart part;
            try {
                part = read_part(chain_, read);
            } catch (const chain::StorageError&) { // the chain told of it: the node stops
            }
            mailbox_->post([this, read = std::move(read), part = std::move(part)]() mutable {
                part_done(std::move(read), std::move(part));
            });
        };
        boost::asio::post(threads_, std::move(work));
    }
}

void DiskReaders::part_done(DiskRead read, ReadPart part) {
    --busy_;
    if (wanted_.erase(read.peer) > 0) {
        if (part.finished)
            done_(read.peer, std::move(part.answer));
        else
            waiting_.push_back(std::move(read)); // others first
    }
    give_out();
}

} // namespace cairn::node
