// SPDX-License-Identifier: MIT
// -reindex makes all but the blocks anew, and whatever is damaged is either healed by it or told.
#include "chain/store_keys.h"
#include "tests/chain/faulty_disk.h"
#include "tests/chain/fixture.h"
#include "tests/chain/victim.h"

#include <rocksdb/db.h>

#include <fstream>
#include <random>

using namespace cairn::tests;

namespace {

/// A database with its columns, past the store's own checks.
class Database {
public:
    explicit Database(const TestChain& test) {
        const std::string path = (test.directory() / "chainstate").string();
        std::vector<std::string> names;
        rocksdb::DB::ListColumnFamilies({}, path, &names);
        open(path, names);
    }

    /// A new one.
    Database(const std::filesystem::path& path, const std::vector<std::string>& columns) {
        open(path, columns);
    }

    ~Database() {
        for (rocksdb::ColumnFamilyHandle* handle : handles_) db_->DestroyColumnFamilyHandle(handle);
    }

    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    rocksdb::DB* operator->() const { return db_.get(); }

    const std::vector<rocksdb::ColumnFamilyHandle*>& columns() const { return handles_; }

    rocksdb::ColumnFamilyHandle* column(Column column) const {
        return handles_[static_cast<size_t>(column)];
    }

private:
    void open(const std::string& path, const std::vector<std::string>& names) {
        rocksdb::DBOptions options;
        options.create_if_missing = true;
        options.create_missing_column_families = true;
        std::vector<rocksdb::ColumnFamilyDescriptor> columns;
        for (const std::string& name : names) {
            columns.emplace_back(name, rocksdb::ColumnFamilyOptions());
            columns.back().options.enable_blob_files = name == "blocks" || name == "undo";
        }
        rocksdb::DB* db = nullptr;
        BOOST_REQUIRE(rocksdb::DB::Open(options, path, columns, &handles_, &db).ok());
        db_.reset(db);
    }

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

// The tables that are checked at the start are those that RocksDB begins to merge as it opens them.
BOOST_AUTO_TEST_CASE(stopped_on_the_way__tables_are_merged__goes_on) {
    TestChain test;
    test.open();
    test.mine(1);
    test.close();
    test.options().reindex = true;
    std::make_unique<Chain>(test.params(), test.options()).reset(); // not started
    test.options().reindex = false;
    {
        const Database database(test);
        rocksdb::ColumnFamilyHandle* const meta = database.column(Column::Meta);
        database->SetOptions(meta, {{"disable_auto_compactions", "true"}});
        for (int i = 0; i < 100; ++i) {
            database->Put({}, meta, "rebuild", "");
            database->Flush({}, meta);
        }
    }
    BOOST_REQUIRE_EQUAL(refusal(test), "");
    BOOST_TEST((test.tip().height == Height(1)));
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

namespace {

// Format 1: coins were written with each block at the tip, so that the events had no end of their
// own, and the address index didn't say which coins a transaction spent. It began without what
// later got columns of its own.
const std::vector<std::string> FIRST_COLUMNS{"default", "headers", "blocks", "undo",
                                             "coins",   "filters", "events"};
const std::vector<std::string> LAST_COLUMNS{
    "default",     "headers", "blocks",       "undo",     "coins",           "events",
    "other_coins", "filters", "transactions", "spenders", "coin_statistics", "addresses"};

struct OldAddressRecord {
    Txid txid;
    std::vector<AddressRecord::Output> received;
    Amount spent;

    static void wire(auto&& codec, auto& record) {
        codec(record.txid, record.received, record.spent);
    }
};

Bytes old_address_record(ByteView bytes) {
    const auto record = cairn::consensus::decode<AddressRecord>(bytes).value();
    OldAddressRecord old{record.txid, record.received, 0};
    for (const AddressRecord::Input& input : record.spent) old.spent += input.value;
    return cairn::consensus::encode(old);
}

/// Have the store of `test`, which is not in use, be one of format 1.
void make_old(const TestChain& test, const std::vector<std::string>& columns) {
    const std::filesystem::path store = test.directory() / "chainstate";
    const std::filesystem::path copy = test.directory() / "copy";
    {
        const Database from(test);
        const Database to(copy, columns);
        for (rocksdb::ColumnFamilyHandle* target : to.columns()) {
            const std::string name = target->GetName();
            const auto source = std::ranges::find(
                from.columns(), name, [](const auto* handle) { return handle->GetName(); });
            const std::unique_ptr<rocksdb::Iterator> it(from->NewIterator({}, *source));
            for (it->SeekToFirst(); it->Valid(); it->Next()) {
                if (name == "events" && it->key() == LOG_END_KEY) continue;
                Bytes value(view_of(it->value()).begin(), view_of(it->value()).end());
                if (name == "default" && it->key() == "format")
                    value = cairn::consensus::encode(uint32_t{1});
                if (name == "addresses" && it->key().size() > 1) value = old_address_record(value);
                BOOST_REQUIRE(to->Put({}, target, it->key(), slice(value)).ok());
            }
        }
    }
    std::filesystem::remove_all(store);
    std::filesystem::rename(copy, store);
}

/// A chain of fill() with all indexes, and what it is.
struct KnownChain {
    KnownChain() {
        keep_all_indexes(test.options());
        fill(test);
        test.open();
        test.wait_for_indexes();
        tip = test.tip().hash;
        for (const BlockNode* node = &test.tip(); node->parent; node = node->parent_node())
            blocks.insert(blocks.begin(), test.chain().read_block(*node));
        test.close();
        coins = coins_hash(test.directory(), test.params());
        rows = index_rows(test.directory(), test.params(), blocks);
    }

    /// It starts, and everything is as it was.
    void check() {
        test.open();
        test.wait_for_indexes();
        BOOST_TEST((test.tip().hash == tip));
        test.close();
        std::string format;
        BOOST_TEST(Database(test)->Get({}, "format", &format).ok());
        BOOST_TEST((format == slice(cairn::consensus::encode(STORE_FORMAT)).ToString()));
        BOOST_TEST((coins_hash(test.directory(), test.params()) == coins));
        BOOST_TEST((index_rows(test.directory(), test.params(), blocks) == rows));
    }

    TestChain test;
    BlockHash tip;
    std::vector<BlockRef> blocks;
    Hash256 coins;
    IndexRows rows;
};

/// Open the chain in `directory`, each write to the disk a step.
void work(const std::filesystem::path& directory) {
    const auto disk = std::make_shared<FaultyDisk>(directory / "chainstate", 1);
    const std::unique_ptr<rocksdb::Env> env = rocksdb::NewCompositeEnv(disk);
    disk->watch({}, {}, Victim::step);
    TestChain test;
    test.options().directory = directory;
    test.options().env = env.get();
    keep_all_indexes(test.options());
    test.open();
    test.wait_for_indexes();
    test.close();
}

} // namespace

BOOST_AUTO_TEST_CASE(older_format__is_reindexed_without_being_asked) {
    KnownChain known;
    for (const auto& columns : {FIRST_COLUMNS, LAST_COLUMNS}) {
        make_old(known.test, columns);
        known.check();
    }
}

BOOST_AUTO_TEST_CASE(victim, *boost::unit_test::disabled()) {
    Victim::run(work);
}

BOOST_AUTO_TEST_CASE(older_format__killed_while_it_is_reindexed__goes_on) {
    const uint64_t seed = setting("CAIRN_CRASH_SEED", std::random_device()());
    BOOST_TEST_MESSAGE("seed " << seed);
    std::mt19937_64 random(seed);
    KnownChain known;
    make_old(known.test, LAST_COLUMNS);
    const std::filesystem::path store = known.test.directory() / "chainstate";
    const std::filesystem::path old = known.test.directory() / "old";
    std::filesystem::rename(store, old);
    int kills = 0;
    for (uint64_t round = 0; round < setting("CAIRN_CRASH_ROUNDS", 10); ++round) {
        std::filesystem::remove_all(store);
        std::filesystem::copy(old, store, std::filesystem::copy_options::recursive);
        for (uint64_t i = 0; i <= round % 3; ++i) {
            Victim victim("reindex/victim", known.test.directory(), 0);
            const bool at_work = victim.wait_for(1 + random() % (1 << random() % 11));
            if (victim.kill() && at_work) ++kills;
        }
        known.check();
    }
    BOOST_TEST_MESSAGE(kills << " kills");
    BOOST_TEST(kills > 0);
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
        std::ranges::reverse(blocks_);
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
        for (const BlockRef& block : blocks_) test_.submit(block);
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
    std::vector<BlockRef> blocks_; ///< Lowest first.
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
