// SPDX-License-Identifier: MIT
// A chain of headers that isn't worth much costs nothing to make, and must cost us nothing to hear.
// So it is heard twice: first its work is added up and a bit of some headers is kept; once it is
// worth enough it is asked for again, and taken as far as those bits agree. What a peer can make us
// hold is bounded by time before it worked for it, and by a buffer after that.
#pragma once

#include "chain/block_node.h"
#include "consensus/hash.h"
#include "consensus/params.h"
#include "node/random.h"

#include <deque>
#include <optional>
#include <vector>

namespace cairn::node {

/// One chain of one peer. Core: HeadersSyncState. Thread: network.
class HeaderPresync {
public:
    /// Of a chain that leaves ours after `fork`, which outlives this, and that is to have the work
    /// `wanted`. Units: `now` in seconds.
    HeaderPresync(
        const chain::BlockNode& fork,
        consensus::Uint256 wanted,
        const consensus::Params& params,
        int64_t now,
        Random& random);

    /// The block that the next header must follow.
    const consensus::BlockHash& awaited() const { return walk_.hash; }

    /// How far its work was added up; nullopt the second time.
    std::optional<consensus::Height> counted() const {
        return again_ ? std::nullopt : std::optional(walk_.height);
    }

    /// To ask for what follows awaited().
    std::vector<consensus::BlockHash> locator() const;

    struct Step {
        bool goes_on = false;                     ///< Ask for more; else all is over.
        std::vector<consensus::BlockHeader> good; ///< To be taken into the tree.
    };

    /// Headers that follow one on another, each with the work it claims. `all`: the peer has none
    /// after them.
    Step take(const std::vector<consensus::BlockHeader>& headers, bool all);

    /// A bit is kept of one header in so many, and a header waits for so many after it. To get a
    /// false one through, all bits of those must agree by chance.
    static constexpr int32_t PERIOD = 600;
    static constexpr size_t WAITING = 14'400;
    /// Kept at most: of 600 million headers, which no chain had in twenty years.
    static constexpr size_t MAX_BITS = 1 << 20;

private:
    /// A walk along a chain of which only the last header is known.
    struct Walk {
        consensus::BlockHash hash;
        consensus::BlockHeader header;
        consensus::Height height;
        consensus::Uint256 work;
        uint32_t first_time = 0; ///< Of block 1.
    };

    void begin();
    bool step(const std::vector<consensus::BlockHeader>& headers, size_t i);

    bool keeps_bit() const { return walk_.height.value % PERIOD == offset_; }

    bool bit() const { return (secret_(walk_.hash) & 1) != 0; }

    Step count(const std::vector<consensus::BlockHeader>& headers, bool all);
    Step check(const std::vector<consensus::BlockHeader>& headers, bool all);

    const chain::BlockNode& fork_;
    consensus::Uint256 wanted_;
    const consensus::Params& params_;
    int32_t offset_; ///< In a period: nobody may know of which headers a bit is kept,
    consensus::SaltedHasher secret_; ///< nor which.
    size_t most_bits_;
    Walk walk_;
    bool again_ = false;     ///< The second time.
    std::vector<bool> bits_; ///< Packed: a peer may make us keep millions.
    size_t next_bit_ = 0;    ///< To be compared the second time.
    std::deque<consensus::BlockHeader> waiting_;
};

} // namespace cairn::node
