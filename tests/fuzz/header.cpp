// SPDX-License-Identifier: MIT
// Chains of headers with any times: each rule's next target is one that a hash can meet, and is no
// easier than the limit; every ancestor is found.
#include "consensus/block_rules.h"
#include "consensus/pow.h"

#include <cstdlib>
#include <deque>

using namespace cairn::consensus;

namespace {

constexpr uint32_t LIMIT_BITS = 0x1f00ffff;

PowRule rule_of(uint8_t choice) {
    switch (choice % 4) {
    case 0:
        return AsertRule{.spacing = 15, .half_life = 3600, .start_bits = LIMIT_BITS};
    case 1:
        return BitcoinRule{.spacing = 10, .timespan = 50};
    case 2:
        return BitcoinRule{
            .spacing = 10, .timespan = 50, .min_difficulty_blocks = true, .bip94 = true};
    default:
        return FixedRule{};
    }
}

void check_chain(const Params& params, Reader& reader) {
    std::deque<HeaderNode> chain;
    BlockHeader header{.bits = LIMIT_BITS};
    const HeaderNode* tip = nullptr;
    do {
        reader(header.time);
        if (tip != nullptr) header.bits = next_bits(*tip, header.time, params);
        const std::optional<Uint256> target = target_of(header.bits);
        if (!target || *target > params.pow_limit) std::abort();
        tip = &chain.emplace_back(header, BlockHash{}, tip);
        (void)accept_header(header, *tip, params, header.time);
    } while (!reader.failed() && reader.remaining() > 0);
    for (size_t i = 0; i < chain.size(); ++i)
        if (tip->ancestor(static_cast<int32_t>(i)) != &chain[i]) std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    Reader reader({data, size});
    if (const auto header = decode<BlockHeader>({data, size})) {
        if (encode(*header).size() != HEADER_BYTES) std::abort();
        (void)check_header(*header, header->hash(), Params{});
    }
    Params params;
    params.pow_limit = target_of(LIMIT_BITS).value();
    params.pow = rule_of(reader.read<uint8_t>());
    check_chain(params, reader);
    return 0;
}
