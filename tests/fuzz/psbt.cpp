// SPDX-License-Identifier: MIT
// Any bytes as a PSBT: refused in words, or one that is written and read again as the same, knows
// nothing new of itself, and whose inputs can be asked for what satisfies them.
#include "wallet/keys/psbt.h"

#include "tests/fuzz/check.h"

using namespace cairn;
using namespace cairn::wallet::keys;
using cairn::tests::check;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::string why;
    std::optional<Psbt> psbt = read_psbt({data, size}, why);
    check(psbt.has_value() == why.empty());
    if (!psbt) return 0;
    const consensus::Bytes written = encode_psbt(*psbt);
    std::optional<Psbt> again = read_psbt(written, why);
    check(again && encode_psbt(*again) == written);
    combine(*psbt, *again);
    check(encode_psbt(*psbt) == written);
    const consensus::SighashMidstates midstates = midstates_of(*psbt);
    for (size_t i = 0; i < psbt->inputs.size(); ++i) {
        if (const auto spent = psbt->spent(i)) (void)solve(*psbt, i, *spent, midstates, true);
        check(!finalize(*psbt, i, midstates) || finalize(*psbt, i, midstates));
    }
    check(extract(*psbt).inputs.size() == psbt->inputs.size());
    return 0;
}
