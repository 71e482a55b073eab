// SPDX-License-Identifier: MIT
#include "chain/import.h"
#include "tests/chain/fixture.h"

#include <fstream>
#include <random>

using namespace cairn::tests;

namespace {

/// A block in the framing of blk*.dat files.
std::string framed(const Params& params, const Block& block) {
    std::string out(params.magic.begin(), params.magic.end());
    const Bytes bytes = cairn::consensus::encode(block);
    const auto size = static_cast<uint32_t>(bytes.size());
    out.append(reinterpret_cast<const char*>(&size), sizeof size);
    out.append(bytes.begin(), bytes.end());
    return out;
}

} // namespace

BOOST_AUTO_TEST_SUITE(import)

BOOST_AUTO_TEST_CASE(files__in_any_order_with_rubbish_between__are_all_connected) {
    TestChain source;
    source.open();
    source.mine(250); // far enough for the bulk mode of a sync
    std::vector<std::string> blocks;
    for (int32_t height = 0; height <= 250; ++height)
        blocks.push_back(
            framed(source.params(), *source.chain().read_block(*source.chain().view().at(height))));
    std::shuffle(blocks.begin(), blocks.end(), std::mt19937_64(7));
    std::string first;
    std::string second(1'000, '\0');
    const auto& magic = source.params().magic;
    for (size_t i = 0; i < blocks.size(); ++i) {
        std::string& file = i % 2 == 0 ? first : second;
        if (i % 20 == 3) file.append(magic.begin(), magic.end()); // looks like a block, isn't
        if (i % 30 == 4) file.append(50, '\xfa');
        file += blocks[i];
    }
    second += blocks[5].substr(0, 100); // cut off
    TestChain test;
    test.open();
    const std::vector<std::filesystem::path> files{
        source.directory() / "blk00000.dat", source.directory() / "blk00001.dat"};
    std::ofstream(files[0], std::ios::binary) << first;
    std::ofstream(files[1], std::ios::binary) << second;
    BOOST_TEST(reason_of(test.import(files)).empty());
    BOOST_TEST((test.tip().hash == source.tip().hash));
    const Params params = test.params();
    source.close();
    test.close();
    BOOST_TEST((coins_hash(test.directory(), params) == coins_hash(source.directory(), params)));
}

BOOST_AUTO_TEST_CASE(files__cut_off_at_the_end__the_others_are_imported) {
    TestChain source;
    source.open();
    source.mine(20);
    std::string first;
    std::string second;
    for (int32_t height = 1; height <= 20; ++height) {
        const std::string block =
            framed(source.params(), *source.chain().read_block(*source.chain().view().at(height)));
        if (height <= 6) first += block;
        if (height >= 6) second += block;
    }
    first.resize(first.size() - 20);
    TestChain test;
    test.open();
    const std::vector<std::filesystem::path> files{
        source.directory() / "blk00000.dat", source.directory() / "blk00001.dat"};
    std::ofstream(files[0], std::ios::binary) << first;
    std::ofstream(files[1], std::ios::binary) << second;
    BOOST_TEST(reason_of(test.import(files)).empty());
    BOOST_TEST((test.tip().hash == source.tip().hash));
}

BOOST_AUTO_TEST_CASE(files__magic_that_repeats_itself__is_found_after_its_own_beginning) {
    Params params = test_params();
    params.magic = {0xab, 0xab, 0xcd, 0xab};
    TestChain source(params);
    source.open();
    source.mine(1);
    const std::filesystem::path file = source.directory() / "blk00000.dat";
    std::ofstream(file, std::ios::binary)
        << "\xab\xab\xcd" // half of one, which ends as the next begins
        << framed(params, *source.chain().read_block(source.tip()));
    TestChain test(params);
    test.open();
    BOOST_TEST(reason_of(test.import({file})).empty());
    BOOST_TEST((test.tip().hash == source.tip().hash));
}

BOOST_AUTO_TEST_CASE(files__some_unreadable__are_named_and_the_others_imported) {
    TestChain source;
    source.open();
    source.mine(1);
    TestChain test;
    test.open();
    const std::filesystem::path absent = test.directory() / "nothing.dat";
    const std::filesystem::path good = test.directory() / "good.dat";
    const std::filesystem::path folder = test.directory() / "folder";
    std::ofstream(good, std::ios::binary)
        << framed(source.params(), *source.chain().read_block(*source.chain().view().at(1)));
    std::filesystem::create_directory(folder);
    const Result<> verdict = test.import({absent, good, folder});
    BOOST_TEST(reason_of(verdict) == "cannot read block file");
    BOOST_TEST(verdict.error().detail == absent.string() + ", " + folder.string());
    BOOST_TEST((test.tip().hash == source.tip().hash));
}

BOOST_AUTO_TEST_CASE(export__of_a_chain__is_its_blocks_framed_by_height) {
    TestChain test;
    test.open();
    test.mine(3);
    std::string expected;
    for (int32_t height = 0; height <= 3; ++height)
        expected +=
            framed(test.params(), *test.chain().read_block(*test.chain().view().at(height)));
    const std::filesystem::path path = test.directory() / "blk00000.dat";
    test.export_to(path);
    std::ifstream file(path, std::ios::binary);
    BOOST_TEST(std::string(std::istreambuf_iterator<char>(file), {}) == expected);
}

BOOST_AUTO_TEST_CASE(export__stopped__leaves_what_was_there) {
    TestChain test;
    test.open();
    test.mine(3);
    const std::filesystem::path path = test.directory() / "blk00000.dat";
    std::ofstream(path) << "old";
    export_block_file(test.chain(), path, true);
    std::ifstream file(path);
    BOOST_TEST(std::string(std::istreambuf_iterator<char>(file), {}) == "old");
    BOOST_TEST(!std::filesystem::exists(path.string() + ".new"));
}

BOOST_AUTO_TEST_CASE(stop__during_an_import__returns) {
    TestChain source;
    source.open();
    source.mine(120);
    std::string file;
    for (int32_t height = 1; height <= 120; ++height)
        file +=
            framed(source.params(), *source.chain().read_block(*source.chain().view().at(height)));
    const auto path = source.directory() / "blocks.dat";
    std::ofstream(path, std::ios::binary) << file;
    TestChain test;
    for (int round = 0; round < 20; ++round) { // at many moments
        test.open();
        test.chain().import_blocks({path}, [](const Result<>&) {});
        while (test.tip().height < Height(5 * round)) test.wait();
        test.close();
    }
    test.open();
    BOOST_TEST(test.tip().height >= Height(95));
}

BOOST_AUTO_TEST_CASE(block__while_the_chain_thread_is_busy__is_parsed_and_checked_beside_it) {
    TestChain source;
    source.open();
    TestChain test;
    test.open();
    const auto check_seconds = [&] {
        return test.chain().statistics().stage_seconds[size_t(Stage::Check)];
    };
    const double before = check_seconds();
    std::promise<void> go; // until then the chain thread stands still
    test.chain().after_all([held = go.get_future().share()] { held.wait(); });
    test.chain().import_block(cairn::consensus::encode(*source.mine()), [](const BlockOutcome&) {});
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (check_seconds() == before && std::chrono::steady_clock::now() < deadline)
        std::this_thread::yield();
    BOOST_TEST(check_seconds() > before);
    go.set_value();
    test.wait();
    BOOST_TEST(test.tip().height == Height(1));
}

BOOST_AUTO_TEST_SUITE_END()
