// SPDX-License-Identifier: MIT
#include "chain/accepted.h"

namespace cairn::chain {

bool pays_too_little(const Reject& reject) {
    return reject.reason == "min relay fee not met" || reject.reason == "mempool min fee not met" ||
           reject.reason == "insufficient fee" || reject.reason == "replacement-failed";
}

} // namespace cairn::chain
