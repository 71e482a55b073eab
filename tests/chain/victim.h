// SPDX-License-Identifier: MIT
// Processes to be killed: this program again, started for one test case that nothing else runs.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

namespace cairn::tests {

/// Works in a directory until it is killed, or is done.
class Victim {
public:
    /// `test_case`: disabled, and a call of run() alone. `seed`: for whatever it does at random.
    Victim(const std::string& test_case, const std::filesystem::path& directory, uint64_t seed);
    ~Victim(); ///< Kills it.
    Victim(const Victim&) = delete;
    Victim& operator=(const Victim&) = delete;

    /// Until it has done so many steps more; false if it is done before.
    bool wait_for(uint64_t steps);

    /// False if it died otherwise.
    bool kill();

    // In the victim itself //////////////////////////////////////////////////////////////////////

    /// Call `work` with the directory; nothing is done in a process that is no victim.
    static void run(const std::function<void(const std::filesystem::path&)>& work);

    /// Tell the killer that work goes on. Thread: any.
    static void step();

private:
    int pid_ = -1;
    int steps_ = -1; ///< The end to read of a pipe: it writes a byte for every step.
};

} // namespace cairn::tests
