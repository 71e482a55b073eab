// SPDX-License-Identifier: MIT
// verify_blocks DIR CHAINFILE: checks whole blocks of a known chain, each NAME.raw in DIR with the
// outputs it spends in NAME-undo.raw, by the rules of the height in its name. Prints how many
// inputs a second one core verifies.

#include "consensus/chain_file.h"
#include "tests/known_blocks.h"

#include <chrono>
#include <cstdio>

namespace {

using namespace cairn; // NOLINT(google-build-using-namespace): a program of one page
using Seconds = std::chrono::duration<double>;

/// Throws std::runtime_error if the block is not valid. Returns the time its scripts took.
Seconds verify(const tests::KnownBlock& known, const consensus::Params& params) {
    const consensus::BlockHeader& header = known.block.header;
    if (const auto work = check_header(header, header.hash(), params); !work)
        throw std::runtime_error(known.name + ": " + work.error().reason);
    if (const auto body = tests::check_known_block(known, params); !body)
        throw std::runtime_error(known.name + ": " + body.error().reason);
    const auto start = std::chrono::steady_clock::now();
    if (const auto failure = tests::verify_scripts(known, params))
        throw std::runtime_error(
            known.name + ": transaction " + std::to_string(failure->transaction) + " input " +
            std::to_string(failure->input) + ": " +
            std::string(consensus::script_error_text(failure->error)));
    return std::chrono::steady_clock::now() - start;
}

void run(const char* directory, const char* chain_file) {
    const consensus::Bytes text = tests::read_bytes(chain_file);
    const consensus::Params params =
        consensus::read_chain_file({reinterpret_cast<const char*>(text.data()), text.size()});
    const std::vector<tests::KnownBlock> blocks = tests::read_known_blocks(directory);
    for (const auto& file : tests::block_files(directory, false))
        std::printf("%s: left out, it has no NAME-undo.raw\n", file.stem().c_str());
    if (blocks.empty())
        throw std::runtime_error("no NAME.raw with a NAME-undo.raw in " + std::string(directory));
    size_t inputs = 0;
    Seconds total{};
    for (const tests::KnownBlock& known : blocks) {
        const Seconds time = verify(known, params);
        std::printf(
            "%s height %d: valid, %zu transactions, %zu inputs, %.0f inputs/s\n",
            known.name.c_str(), known.height.value, known.block.transactions.size(),
            known.spent.size(), static_cast<double>(known.spent.size()) / time.count());
        inputs += known.spent.size();
        total += time;
    }
    std::printf(
        "%zu inputs, %.0f inputs/s\nnot checked:\n", inputs,
        static_cast<double>(inputs) / total.count());
    for (const std::string_view what : tests::NOT_CHECKED) std::printf("- %s\n", what.data());
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        (void)std::fputs("usage: verify_blocks DIR CHAINFILE\n", stderr);
        return 2;
    }
    try {
        run(argv[1], argv[2]);
        return 0;
    } catch (const std::exception& error) {
        (void)std::fprintf(stderr, "verify_blocks: %s\n", error.what());
        return 1;
    }
}
