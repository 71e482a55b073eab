// SPDX-License-Identifier: MIT
#include "chain/checked_block.h"

#include "chain/chainstate.h"
#include "consensus/block_rules.h"

namespace cairn::chain {

void CheckedBlock::check(Chainstate& chainstate) {
    once_.run([&] {
        begun = true;
        const consensus::Params& params = chainstate.params();
        StageTimes& times = chainstate.verify_pool().times();
        if (!block) {
            const StageTimes::Scope account(times, Stage::Parse);
            Result<Block> read = consensus::decode<Block>(wire);
            if (!read) {
                verdict = read.error();
                return;
            }
            block = std::make_shared<const Block>(std::move(*read));
        }
        const BlockNode* parent = chainstate.tree().find(block->header.prev_hash);
        {
            const StageTimes::Scope account(times, Stage::Check);
            hash = block->header.hash();
            verdict = consensus::check_header(block->header, hash, params);
            if (verdict) verdict = consensus::check_block(*block, params);
            if (verdict && parent) place = consensus::accept_block(*block, *parent, params);
        }
        if (place && *place) fetched = chainstate.fetch_coins(*block);
    });
}

} // namespace cairn::chain
