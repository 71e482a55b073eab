// SPDX-License-Identifier: MIT
#include "consensus/params.h"

namespace cairn::consensus {

int64_t Params::spacing() const {
    return std::visit([](const auto& rule) { return rule.spacing; }, pow);
}

} // namespace cairn::consensus
