// SPDX-License-Identifier: MIT
// -reindex makes all but the blocks anew, and whatever is damaged is either healed by it or told.
#include "tests/chain/fixture.h"

#include <rocksdb/db.h>

#include <fstream>

using namespace cairn::tests;

namespace {

/// A database with its columns, past the store's own checks.
class Database {
public:
    explicit Database(const TestChain& test) {
        const std::string path = (test.directory() / "chainstate").string();
        std::vector<std::string> names;
        rocksdb::DB::ListColumnFamilies({}, path, &names);
        std::vector<rocksdb::ColumnFamilyDescriptor> columns;
        for (const std::string& name : names)
            columns.emplace_back(name, rocksdb::ColumnFamilyOptions());
        rocksdb::DB* db = nullptr;
        BOOST_REQUIRE(rocksdb::DB::Open({}, path, columns, &handles_, &db).ok());
        db_.reset(db);
    }

    ~Database() {
        for (rocksdb::ColumnFamilyHandle* handle : handles_) db_->DestroyColumnFamilyHandle(handle);
    }

    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    rocksdb::DB* operator->() const { return db_.get(); }

    rocksdb::ColumnFamilyHandle* column(Column column) const {
        return handles_[static_cast<size_t>(column)];
    }

private:
    std::unique_ptr<rocksdb::DB> db_;
    std::vector<rocksdb::ColumnFamilyHandle*> handles_;
};

void flip_byte(const std::filesystem::path& path, std::streamoff at) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(at);
    const int byte = file.get();
    file.seekp(at);
    file.put(static_cast<char>(byte ^ 0x55));
}

/// A chain with payments, a branch, and an invalid block, closed.
void fill(TestChain& test) {
    test.open();
    const std::vector<OutPoint> coins = test.mature_coins(120);
    for (size_t i = 0; i < coins.size(); i += 2)
        test.pay(spend({coins[i]}, {{1'000'000, anyone_script()}, {2'000'000, anyone_script()}}));
    test.mine(3);
    const BlockNode& left = *test.chain().view().at(test.tip().height - Height(2));
    test.invalidate(left);
    test.now = test.tip().header.time + 100; // so that they are other blocks
    test.mine(5);
    test.close();
}

std::string refusal(TestChain& test) {
    try {
        test.open();
    } catch (const StorageError& error) {
        return error.what();
    }
    return {};
}

} // namespace

BOOST_AUTO_TEST_SUITE(reindex)

BOOST_AUTO_TEST_CASE(asked_for__chain_and_coins__are_the_same) {
    TestChain test;
    fill(test);
    test.open();
    const BlockHash tip = test.tip().hash;
    test.close();
    const Hash256 coins = coins_hash(test.directory(), test.params());
    test.options().reindex = true;
    test.open();
    BOOST_TEST((test.tip().hash == tip));
    BOOST_TEST(test.chain().tips().size() == 2u); // the branch is known, and no more invalid
    const BlockRef block = test.chain().read_block(test.tip());
    BOOST_TEST(test.chain().read_undo(test.tip(), *block).has_value());
    test.wait_for_indexes();
    BOOST_TEST(test.chain().indexes().filter(test.tip()).has_value());
    BOOST_TEST((test.chain().read_event(0)->kind == Event::Kind::Connected));
    test.close();
    BOOST_TEST((coins_hash(test.directory(), test.params()) == coins));
}

BOOST_AUTO_TEST_CASE(stopped_on_the_way__goes_on_at_the_next_start) {
    TestChain test;
    fill(test);
    const Hash256 coins = coins_hash(test.directory(), test.params());
    test.options().reindex = true;
    for (int i = 0; i < 5; ++i) {
        Chain chain(test.params(), test.options());
        chain.start();
        test.options().reindex = false; // the store remembers
    }
    test.open();
    test.close();
    BOOST_TEST((coins_hash(test.directory(), test.params()) == coins));
}

BOOST_AUTO_TEST_CASE(under_way__callers_get_their_turn) {
    TestChain test;
    test.open();
    test.mine(1'500);
    test.close();
    test.options().reindex = true;
    Chain chain(test.params(), test.options());
    std::promise<Height> made_on;
    chain.start();
    chain.make_template(anyone_script(), [&made_on](const BlockTemplate& made) {
        made_on.set_value(made.parent->height);
    });
    BOOST_TEST(made_on.get_future().get() < Height(1'500));
    std::promise<void> done;
    chain.after_all([&done] { done.set_value(); });
    done.get_future().wait();
    BOOST_TEST(chain.view().height() == Height(1'500));
}

BOOST_AUTO_TEST_CASE(older_format__is_reindexed_without_being_asked) {
    TestChain test;
    fill(test);
    const Hash256 coins = coins_hash(test.directory(), test.params());
    {
        const Database db(test);
        db->Put({}, "format", rocksdb::Slice("\0\0\0\0", 4));
        db->DropColumnFamily(db.column(Column::Coins)); // else they might have been kept
    }
    test.open();
    test.close();
    BOOST_TEST((coins_hash(test.directory(), test.params()) == coins));
}

BOOST_AUTO_TEST_CASE(damaged_coins__are_told__and_made_anew) {
    TestChain test;
    fill(test);
    const Hash256 coins = coins_hash(test.directory(), test.params());
    test.options().reindex = true; // tables of all columns, instead of a log
    test.open();
    test.close();
    std::vector<rocksdb::LiveFileMetaData> files;
    Database(test)->GetLiveFilesMetaData(&files);
    std::erase_if(files, [](const auto& file) { return file.column_family_name != "coins"; });
    BOOST_REQUIRE(!files.empty());
    for (const auto& file : files)
        std::filesystem::resize_file(file.db_path + file.name, file.size - 10);
    test.options().reindex = false;
    BOOST_TEST(refusal(test).find("-reindex") != std::string::npos);
    test.options().reindex = true;
    test.open();
    test.close();
    BOOST_TEST((coins_hash(test.directory(), test.params()) == coins));
}

BOOST_AUTO_TEST_CASE(damaged_body__is_left_out__until_it_comes_again) {
    TestChain test;
    test.open();
    test.mine(50);
    const BlockHash tip = test.tip().hash;
    std::vector<BlockRef> blocks;
    for (int32_t height = 1; height <= 50; ++height)
        blocks.push_back(test.chain().read_block(*test.chain().view().at(height)));
    Block big = make_block(test.tip(), test.params());
    Transaction coinbase = big.transactions[0];
    coinbase.outputs.push_back({0, Script(Bytes(2'000, cairn::consensus::OP_RETURN))});
    big.transactions[0] = cairn::consensus::SealedTransaction(std::move(coinbase));
    blocks.push_back(finish(std::move(big)));
    BOOST_REQUIRE(test.submit(blocks.back()).on_active_chain);
    const BlockHash last = test.tip().hash;
    test.close();
    test.options().reindex = true; // moves the bodies from the log into files
    test.open();
    test.close();
    for (const auto& file : std::filesystem::directory_iterator(test.directory() / "chainstate"))
        if (file.path().extension() == ".blob")
            flip_byte(file.path(), std::streamoff(file.file_size() / 2));
    test.open();
    BOOST_TEST((test.tip().hash == tip));
    test.options().reindex = false;
    BOOST_TEST(test.submit(blocks.back()).on_active_chain);
    BOOST_TEST((test.tip().hash == last));
}

namespace {

/// The table of the largest size in `column`, of a store that is not in use.
std::filesystem::path table_of(const TestChain& test, const std::string& column) {
    std::vector<rocksdb::LiveFileMetaData> files;
    Database(test)->GetLiveFilesMetaData(&files);
    std::erase_if(files, [&](const auto& file) { return file.column_family_name != column; });
    BOOST_REQUIRE(!files.empty());
    const auto& largest =
        *std::ranges::max_element(files, {}, [](auto& file) { return file.size; });
    return largest.db_path + largest.name;
}

/// A chain of fill(), with all in tables, that each case may damage anew.
class DamagedChain {
public:
    DamagedChain() {
        fill(test_);
        test_.options().reindex = true;
        test_.open();
        for (const BlockNode* node = &test_.tip(); node->parent; node = node->parent_node())
            blocks_.push_back(test_.chain().read_block(*node));
        tip_ = test_.tip().hash;
        test_.close();
        coins_ = coins_hash(test_.directory(), test_.params());
        test_.options().reindex = false;
        copy(store(), sound());
    }

    TestChain& test() { return test_; }

    std::filesystem::path store() const { return test_.directory() / "chainstate"; }

    /// Undo what the last case did.
    void renew() {
        std::filesystem::remove_all(store());
        copy(sound(), store());
    }

    /// -reindex, and what is lost comes again: then all is as it was, and stays. Returns how many
    /// blocks were there.
    int32_t heal() {
        test_.options().reindex = true;
        test_.open();
        test_.options().reindex = false;
        const int32_t kept = test_.tip().height.value;
        for (auto block = blocks_.rbegin(); block != blocks_.rend(); ++block) test_.submit(*block);
        BOOST_TEST((test_.tip().hash == tip_));
        test_.close();
        BOOST_TEST(!std::filesystem::exists(store().string() + ".damaged"));
        {
            const Database db(test_); // nothing in it keeps RocksDB from its own work
            for (const Column column : {Column::Meta, Column::Blocks})
                BOOST_TEST(db->CompactRange({}, db.column(column), nullptr, nullptr).ok());
        }
        BOOST_TEST(refusal(test_).empty());
        test_.close();
        BOOST_TEST((coins_hash(test_.directory(), test_.params()) == coins_));
        return kept;
    }

private:
    static void copy(const std::filesystem::path& from, const std::filesystem::path& to) {
        std::filesystem::copy(from, to, std::filesystem::copy_options::recursive);
    }

    std::filesystem::path sound() const { return test_.directory() / "sound"; }

    TestChain test_;
    std::vector<BlockRef> blocks_; ///< Highest first.
    BlockHash tip_;
    Hash256 coins_;
};

} // namespace

BOOST_AUTO_TEST_CASE(damaged_table__of_what_is_kept__is_done_without) {
    DamagedChain chain;
    for (const std::string column : {"default", "blocks"}) {
        chain.renew();
        const std::filesystem::path table = table_of(chain.test(), column);
        const auto size = std::streamoff(std::filesystem::file_size(table));
        std::vector<std::function<void()>> kinds{
            [&] { std::filesystem::remove(table); },
            [&] { std::filesystem::resize_file(table, 0); },
            [&] { std::filesystem::resize_file(table, uint64_t(size) - 10); }};
        for (const std::streamoff at : // data; index, properties and the like; footer
             {std::streamoff(0), size / 2, size - 1'500, size - 900, size - 500, size - 150,
              size - 60, size - 45, size - 1})
            if (at >= 0) kinds.emplace_back([&table, at] { flip_byte(table, at); });
        for (const auto& damage : kinds) {
            chain.renew();
            damage();
            chain.heal();
        }
        if (column != "blocks") continue;
        chain.renew();
        flip_byte(table, size / 3); // of its many blocks of data
        const int32_t kept = chain.heal();
        BOOST_TEST_MESSAGE(kept << " blocks kept");
        BOOST_TEST((0 < kept && kept < 129));
    }
}

BOOST_AUTO_TEST_CASE(damaged_beyond_reading__bodies_are_lost__and_come_again) {
    DamagedChain chain;
    const auto each = [&](std::string_view name, const auto& damage) {
        chain.renew();
        for (const auto& file : std::filesystem::directory_iterator(chain.store()))
            if (file.path().filename().string().starts_with(name)) damage(file.path());
        BOOST_TEST(!refusal(chain.test()).empty());
        BOOST_TEST(chain.heal() == 0);
    };
    each("MANIFEST", [](const auto& path) { std::filesystem::remove(path); });
    each("MANIFEST", [](const auto& path) { std::filesystem::resize_file(path, 100); });
    each("CURRENT", [](const auto& path) { std::filesystem::resize_file(path, 0); });
}

BOOST_AUTO_TEST_CASE(damaged_blobs__truncated_or_gone__are_done_without) {
    DamagedChain chain;
    const auto each = [&](const auto& damage) {
        chain.renew();
        for (const auto& file : std::filesystem::directory_iterator(chain.store()))
            if (file.path().extension() == ".blob") damage(file.path());
        chain.heal();
    };
    each([](const auto& path) { std::filesystem::remove(path); });
    each([](const auto& path) { std::filesystem::resize_file(path, 40); });
}

BOOST_AUTO_TEST_SUITE_END()
