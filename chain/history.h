// SPDX-License-Identifier: MIT
// Validates, behind the tip, the blocks before a snapshot that was loaded: whoever made it, and
// whoever put its hash into the chain file, is trusted only until then.
#pragma once

#include "chain/chainstate.h"

namespace cairn::chain {

/// Connects blocks to the store's other set of coins, from where it stands up to the snapshot's
/// block, and compares. Good: the set is dropped. Not good: Chainstate::reject_snapshot().
///
/// Invariants: the cache over the other set is the coin set as of tip_. What is on disk belongs
///   together, so that a crash costs no more than the blocks since the last flush().
/// Thread: chain. In small steps, so that it holds up nothing.
class History {
public:
    /// `stop`: once true, a hash that is being made is given up. `wake`: called on any thread when
    /// advance() should be.
    History(Chainstate& chainstate, const std::atomic<bool>& stop, std::function<void()> wake);

    /// One step, if it need not wait for a body, scripts or a hash.
    void advance();

    void flush();

private:
    /// Of -dbcache: little, as nobody waits for it.
    static constexpr size_t CACHE_SHARE = 8;

    void move_to(const BlockNode& node, const CoinTable& changes);
    void connect(BlockNode& node);
    void commit();
    void disconnect();
    void hash_coins();
    void compare();
    void count_transactions();
    [[noreturn]] void fail(const std::string& why);

    Chainstate& chainstate_;
    const std::atomic<bool>& stop_;
    std::function<void()> wake_;
    const BlockNode* base_; ///< Null once all is done.
    const BlockNode* tip_;
    CoinsCache coins_;
    BlockNode* node_ = nullptr;                ///< The block in flight,
    std::unique_ptr<ConnectingBlock> next_;    ///< and what it does.
    std::future<std::optional<Hash256>> hash_; ///< Of all coins, at the end; nullopt: given up.
    std::future<void> hashing_;                ///< Last: it waits for the thread.
};

} // namespace cairn::chain
