// SPDX-License-Identifier: MIT
// Any bytes as a transaction: what is read is written back the same, and has the ids that sealing
// it anew gives.
#include "consensus/transaction_rules.h"

#include <cstdlib>

using namespace cairn::consensus;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const ByteView bytes(data, size);
    const Result<SealedTransaction> tx = decode<SealedTransaction>(bytes);
    if (!tx) return 0;
    const Bytes written = encode(*tx);
    if (!std::ranges::equal(written, bytes)) std::abort();
    if (tx->size_bytes != size) std::abort();
    const SealedTransaction again(static_cast<const Transaction&>(*tx));
    if (again.txid != tx->txid || again.wtxid != tx->wtxid) std::abort();
    if (again.stripped_bytes != tx->stripped_bytes) std::abort();
    (void)legacy_sigops(*tx);
    if (check_transaction(SealedTransaction(*tx), Params{}) && !money_range(output_sum(*tx)))
        std::abort();
    return 0;
}
