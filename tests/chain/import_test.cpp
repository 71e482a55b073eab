// SPDX-License-Identifier: MIT
#include "chain/import.h"
#include "chain/progress.h"
#include "tests/chain/fixture.h"

#include <fstream>
#include <random>
#include <spdlog/sinks/ostream_sink.h>

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

/// The blocks of the active chain from `first` on, in files' framing.
std::vector<std::string> framed_chain(TestChain& source, int32_t first = 1) {
    std::vector<std::string> blocks;
    for (int32_t height = first; height <= source.tip().height.value; ++height)
        blocks.push_back(
            framed(source.params(), *source.chain().read_block(*source.chain().view().at(height))));
    return blocks;
}

/// What is wrong with an import of `content`, less the file's name.
std::string problem_with(TestChain& test, const std::string& content) {
    const std::filesystem::path file = test.directory() / "blk00000.dat";
    std::ofstream(file, std::ios::binary) << content;
    const Result<> verdict = test.import({file});
    if (verdict) return {};
    BOOST_TEST(reason_of(verdict) == "incomplete import");
    std::string detail = verdict.error().detail;
    if (const size_t at = detail.find(file.string()); at != std::string::npos)
        detail.replace(at, file.string().size(), "FILE");
    return detail;
}

/// As Core's files are, from its version 28 on.
std::string combined(std::string content, std::string_view key) {
    for (size_t i = 0; i < content.size(); ++i)
        content[i] = static_cast<char>(content[i] ^ key[i % key.size()]);
    return content;
}

} // namespace

BOOST_AUTO_TEST_SUITE(import)

BOOST_AUTO_TEST_CASE(files__a_block_is_refused__is_told_with_place_and_reason) {
    TestChain source;
    source.open();
    source.mine(20);
    std::string file;
    size_t bad = 0; // where the bad block begins, behind magic and length
    for (const std::string& block : framed_chain(source)) {
        if (file.size() > 2'000 && bad == 0) bad = file.size() + 8;
        file += block;
    }
    file[bad + 80 + 10] ^= 1; // in its coinbase
    TestChain test;
    test.open();
    BOOST_TEST(
        problem_with(test, file) == "1 of 20 blocks refused, the first at byte " +
                                        std::to_string(bad) +
                                        " of FILE: bad-txnmrklroot, hashMerkleRoot mismatch");
    BOOST_TEST(test.tip().height < source.tip().height);
    file[bad + 80 + 10] ^= 1;
    BOOST_TEST(problem_with(test, file).empty()); // what was refused, and what is known already
    BOOST_TEST((test.tip().hash == source.tip().hash));
}

BOOST_AUTO_TEST_CASE(files__of_another_chain_or_of_none__are_told) {
    TestChain test;
    test.open();
    std::string rubbish(3'000'000, '\0');
    std::mt19937_64 random(7);
    for (char& c : rubbish) c = static_cast<char>(random());
    for (const std::string& content : {std::string(), std::string("\xfa\xbf\xb5"), rubbish})
        BOOST_TEST(problem_with(test, content).starts_with("no block of this chain in FILE"));
}

BOOST_AUTO_TEST_CASE(files__combined_with_a_key_beside_them__are_imported) {
    TestChain source;
    source.open();
    source.mine(30);
    std::string first;
    std::string second(1'500'000, '\0'); // room, so that it is searched through
    const std::vector<std::string> blocks = framed_chain(source);
    for (size_t i = 0; i < blocks.size(); ++i) (i < 10 ? first : second) += blocks[i];
    second.insert(0, blocks[9]);
    const std::string key = "\x01\xfe\x33\x44\x55\x66\x77\x88";
    TestChain test;
    test.open();
    BOOST_TEST(!problem_with(test, combined(second, key)).empty());
    std::ofstream(test.directory() / "xor.dat", std::ios::binary) << key;
    BOOST_TEST(problem_with(test, first).empty()); // one that isn't, beside those that are
    BOOST_TEST(test.tip().height == Height(10));
    BOOST_TEST(problem_with(test, combined(second, key)).empty());
    BOOST_TEST((test.tip().hash == source.tip().hash));
}

BOOST_AUTO_TEST_CASE(files__a_bad_script_below_the_assumed_block__is_not_noticed) {
    TestChain source;
    source.open();
    // None of the later work is known but by the file.
    const auto& [fork, bad, later] = bury_bad_script(source);
    std::string file;
    for (const std::string& block : framed_chain(source)) file += block;
    file += framed(source.params(), *bad);
    for (const BlockRef& block : later) file += framed(source.params(), *block);
    for (const bool below : {true, false}) {
        TestChain test;
        test.options().assumed_valid = below ? bad->header.hash() : fork->hash;
        test.open();
        const std::string problem = problem_with(test, file);
        if (below) {
            BOOST_TEST(problem == "");
            BOOST_TEST((test.tip().hash == later.back()->header.hash()));
        } else {
            BOOST_TEST(problem.find("block-script-verify-flag-failed") != std::string::npos);
            BOOST_TEST((test.tip().hash == fork->hash));
        }
    }
}

BOOST_AUTO_TEST_CASE(files__stopped__says_so) {
    TestChain test;
    test.open();
    const std::filesystem::path file = test.directory() / "zeros.dat";
    std::ofstream(file).close();
    std::filesystem::resize_file(file, 1UL << 40); // a hole: nobody reads all of it
    std::atomic<bool> stop{false};
    auto verdict = std::async(
        std::launch::async, [&] { return import_block_files(test.chain(), {file}, stop); });
    BOOST_TEST((verdict.wait_for(std::chrono::milliseconds(10)) == std::future_status::timeout));
    stop = true;
    BOOST_TEST(verdict.get().error().detail == "interrupted");
}

BOOST_AUTO_TEST_CASE(progress__every_ten_seconds__tells_how_far_it_is_and_how_long_it_takes) {
    std::ostringstream out;
    const auto before = spdlog::default_logger();
    spdlog::set_default_logger(std::make_shared<spdlog::logger>(
        "", std::make_shared<spdlog::sinks::ostream_sink_mt>(out)));
    spdlog::set_pattern("%v");
    const Progress::Clock::time_point start{};
    Progress progress("some_progress", 200, "bytes", start);
    const auto reach = [&](size_t done, int second) {
        progress.reach(done, start + std::chrono::seconds(second));
    };
    reach(40, 9);
    reach(50, 10);
    reach(90, 19);
    reach(100, 30);
    reach(300, 60); // more than was thought
    spdlog::set_default_logger(before);
    BOOST_TEST(
        out.str() == "some_progress bytes=50 of=200 eta_seconds=30\n"
                     "some_progress bytes=100 of=200 eta_seconds=30\n"
                     "some_progress bytes=300 of=300 eta_seconds=0\n");
}

BOOST_AUTO_TEST_CASE(files__in_any_order_with_rubbish_between__are_all_connected) {
    TestChain source;
    source.open();
    source.mine(250); // far enough for the bulk mode of a sync
    std::vector<std::string> blocks = framed_chain(source, 0);
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
    const std::vector<std::string> blocks = framed_chain(source);
    for (size_t i = 0; i < blocks.size(); ++i) {
        if (i <= 5) first += blocks[i];
        if (i >= 5) second += blocks[i];
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
    BOOST_TEST(
        verdict.error().detail == "cannot read block file " + absent.string() +
                                      "; cannot read block file " + folder.string() +
                                      ", which is no regular file");
    BOOST_TEST((test.tip().hash == source.tip().hash));
}

BOOST_AUTO_TEST_CASE(export__of_a_chain__is_its_blocks_framed_by_height) {
    TestChain test;
    test.open();
    test.mine(3);
    std::string expected;
    for (const std::string& block : framed_chain(test, 0)) expected += block;
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
    for (const std::string& block : framed_chain(source)) file += block;
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
