// SPDX-License-Identifier: MIT
// Runs a fuzz target without libFuzzer: every seed file, mutations of it, and random bytes, always
// the same ones. It finds what is broken at once; searching is the business of the preset `fuzz`.

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

using Input = std::vector<uint8_t>;

Input random_input(std::mt19937& random) {
    Input input(random() % 512);
    for (uint8_t& byte : input) byte = uint8_t(random());
    return input;
}

Input mutated(Input input, std::mt19937& random) {
    for (uint32_t changes = 1 + random() % 4; changes > 0 && !input.empty(); --changes) {
        const size_t at = random() % input.size();
        if (random() % 8 == 0) {
            input.resize(at);
        } else {
            input[at] = uint8_t(random());
        }
    }
    return input;
}

std::vector<Input> read_seeds(const char* directory) {
    std::vector<Input> seeds;
    if (!std::filesystem::is_directory(directory)) return seeds;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
        std::ifstream file(entry.path(), std::ios::binary);
        seeds.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
    return seeds;
}

} // namespace

int main(int argc, char** argv) {
    constexpr int RANDOM_INPUTS = 2000;
    constexpr int MUTATIONS_PER_SEED = 200;
    std::mt19937 random(1); // NOLINT: the same inputs each time, so that a failure can be repeated
    int runs = 0;
    const auto run = [&](const Input& input) {
        LLVMFuzzerTestOneInput(input.data(), input.size());
        ++runs;
    };
    for (int i = 1; i < argc; ++i) {
        for (const Input& seed : read_seeds(argv[i])) {
            run(seed);
            for (int n = 0; n < MUTATIONS_PER_SEED; ++n) run(mutated(seed, random));
        }
    }
    for (int n = 0; n < RANDOM_INPUTS; ++n) run(random_input(random));
    std::printf("%d inputs\n", runs);
    return 0;
}
