// SPDX-License-Identifier: MIT
// Partially signed transactions in replies.
#pragma once

#include "rpc/describe.h"
#include "wallet/keys/psbt.h"

namespace cairn::rpc {

/// Nothing instead of an empty list, so that its field is absent.
template <class List>
std::optional<List> unless_empty(List list) {
    const bool any = !list.empty(); // before it is moved
    return only_if(any, std::move(list));
}

struct PsbtView {
    wallet::keys::Psbt psbt;
    const consensus::Params* params;
};

extern const Object<PsbtView> PSBT;

} // namespace cairn::rpc
