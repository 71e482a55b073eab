// SPDX-License-Identifier: MIT
// What is tried, each over any seed.
#pragma once

#include "world.h"

#include <span>

namespace cairn::sim {

/// What the command line may change of a scenario.
struct Wishes {
    size_t nodes = 0;  ///< All nodes together.
    size_t blocks = 0; ///< Mined in the course of it, where it mines by chance.
};

struct Scenario {
    std::string_view name;
    std::string_view text; ///< What must hold.
    Wishes standard;
    World::Setup setup; ///< But for the seed.
    void (*run)(World& world, const Wishes& wishes) = nullptr;
    size_t may_fail = 0; ///< Of a hundred seeds.
};

std::span<const Scenario> scenarios();

} // namespace cairn::sim
