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
    BOOST_TEST(test.chain().read_filter(test.tip()).has_value());
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

BOOST_AUTO_TEST_SUITE_END()
