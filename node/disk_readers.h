// SPDX-License-Identifier: MIT
// Reads for peers, on threads that do nothing else: blocks that come in don't wait for what
// strangers ask for.
#pragma once

#include "node/live_chain.h"
#include "node/mailbox.h"

#include <boost/asio/thread_pool.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <set>

namespace cairn::node {

/// Invariants: the threads are given as much as they do at once; the rest waits here, in order,
///   where it can be taken back: no more than one read of each peer.
/// Thread: network. Requires: the mailbox is closed, then join() called, before it goes.
class DiskReaders {
public:
    using Done = std::function<void(PeerId, std::optional<Message> answer)>;

    /// `chain` outlives this. `done`: called for each read that wasn't forgotten.
    DiskReaders(const chain::Chain& chain, std::shared_ptr<Mailbox> mailbox, Done done)
        : chain_(chain),
          mailbox_(std::move(mailbox)),
          done_(std::move(done)) {}

    void add(DiskRead read);
    /// The peer is gone.
    void forget(PeerId peer);

    void join() { threads_.join(); }

    static constexpr int THREADS = 2;

private:
    void give_out();
    void part_done(DiskRead read, ReadPart part);

    const chain::Chain& chain_;
    std::shared_ptr<Mailbox> mailbox_;
    Done done_;
    std::deque<DiskRead> waiting_;
    int busy_ = 0;            ///< Threads.
    std::set<PeerId> wanted_; ///< Of whom these read.
    boost::asio::thread_pool threads_{THREADS};
};

} // namespace cairn::node
