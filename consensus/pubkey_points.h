// SPDX-License-Identifier: MIT
// The points of compressed public keys, several at a time. A key's bytes hold X only, and Y is a
// square root: an eighth of the time that a signature takes. The vector instructions of a CPU find
// many roots in the time of a few. What they find is a guess that libsecp256k1 checks for a curve's
// point, so no verdict hangs on the code here.
#pragma once

#include "consensus/transaction.h"

#include <array>
#include <cstdint>
#include <vector>

namespace cairn::consensus {

/// How roots can be found.
enum class RootFinder : uint8_t { None, Avx2, Avx512Ifma };

/// The fastest that this CPU has.
RootFinder best_root_finder();

/// The keys that the inputs of a job will ask for. First all add(), then solve(), then find(),
/// which any thread may call.
class PubkeyPoints {
public:
    using Uncompressed = std::array<uint8_t, 65>;

    explicit PubkeyPoints(RootFinder finder = best_root_finder()) : finder_(finder) {}

    /// The keys that `input`, which spends `spent`, may have signatures checked with, as far as the
    /// usual forms of scripts show them. Past MAX_KEYS they are left out.
    void add(const TxIn& input, const TxOut& spent);

    void solve();

    /// The 65 bytes of the compressed `pubkey`; nullptr if they aren't known. If there is no such
    /// point, they may still be given, and are none either.
    const Uncompressed* find(ByteView pubkey) const;

    static constexpr size_t MAX_KEYS = 64; ///< Of some 0.5 us each.

private:
    void add_key_or_script(ByteView item);
    void add_pushes(ByteView script);
    void add_key(uint8_t prefix, ByteView x);

    RootFinder finder_;
    std::vector<Uncompressed> points_; ///< Those of solve() begin with 4, others with 2 or 3.
};

} // namespace cairn::consensus
