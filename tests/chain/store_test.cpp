// SPDX-License-Identifier: MIT
#include "chain/coins_cache.h"
#include "chain/header_tree.h"
#include "chain/store_keys.h"
#include "tests/chain/fixture.h"

#include <rocksdb/db.h>

#include <fstream>
#include <future>
#include <map>
#include <random>

using namespace cairn::tests;

namespace {

/// What opening `directory` says, or nothing.
std::string refusal(const std::filesystem::path& directory, const Params& params) {
    try {
        const Store store({directory}, params);
    } catch (const StorageError& error) {
        return error.what();
    }
    return {};
}

bool mentions(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

} // namespace

BOOST_AUTO_TEST_SUITE(store)

BOOST_AUTO_TEST_CASE(open__already_open__says_so) {
    const TemporaryFolder folder;
    const Params params = test_params();
    const Store store({folder.path()}, params);
    BOOST_TEST(mentions(refusal(folder.path(), params), "another process is using"));
}

BOOST_AUTO_TEST_CASE(open__newer_format_or_column__says_so) {
    const Params params = test_params();
    const TemporaryFolder folder;
    { const Store store({folder.path()}, params); }
    BOOST_TEST(refusal(folder.path(), params).empty());
    std::vector<rocksdb::ColumnFamilyDescriptor> columns;
    std::vector<std::string> names;
    rocksdb::DB::ListColumnFamilies({}, folder.path().string(), &names);
    columns.reserve(names.size());
    for (const std::string& name : names)
        columns.emplace_back(name, rocksdb::ColumnFamilyOptions());
    const auto with_database = [&](const auto& change) {
        std::vector<rocksdb::ColumnFamilyHandle*> handles;
        rocksdb::DB* raw = nullptr;
        BOOST_REQUIRE(rocksdb::DB::Open({}, folder.path().string(), columns, &handles, &raw).ok());
        const std::unique_ptr<rocksdb::DB> db(raw);
        change(*db);
        for (rocksdb::ColumnFamilyHandle* handle : handles) db->DestroyColumnFamilyHandle(handle);
    };
    const auto put_format = [](rocksdb::DB& db, uint32_t format) {
        const cairn::consensus::Bytes bytes = cairn::consensus::encode(format);
        db.Put({}, "format", slice(bytes));
    };
    with_database([&](rocksdb::DB& db) { put_format(db, STORE_FORMAT + 1); });
    BOOST_TEST(mentions(refusal(folder.path(), params), "written by a newer version"));
    with_database([&](rocksdb::DB& db) {
        put_format(db, STORE_FORMAT);
        rocksdb::ColumnFamilyHandle* handle = nullptr;
        db.CreateColumnFamily({}, "later", &handle);
        db.DestroyColumnFamilyHandle(handle);
    });
    BOOST_TEST(mentions(refusal(folder.path(), params), "newer version (it has \"later\")"));
}

BOOST_AUTO_TEST_CASE(open__of_another_chain__says_so) {
    const TemporaryFolder folder;
    Params params = test_params();
    { const Store store({folder.path()}, params); }
    params.genesis_hash.bytes[0] ^= 1;
    BOOST_TEST(mentions(refusal(folder.path(), params), "another chain"));
}

BOOST_AUTO_TEST_CASE(open__no_such_place__is_a_storage_error) {
    const TemporaryFolder folder;
    folder.write("file", "in the way");
    BOOST_TEST(mentions(refusal(folder.path() / "file" / "x", test_params()), "cannot create"));
}

BOOST_AUTO_TEST_CASE(records__written_and_read__are_the_same) {
    const TemporaryFolder folder;
    const Params params = test_params();
    Store store({folder.path()}, params);
    HeaderTree tree(params);
    const BlockNode& node = tree.genesis();
    const Coin coin{{5'000'000'000, anyone_script()}, 123'456, true};
    const BlockUndo undo{{coin, coin, {{0, {}}, 0, false}}, {1, 3}};
    const TipRecord tip{node.hash, 7, 99};
    const Event event{Event::Kind::Disconnected, 5, node.hash, {}, {}};
    const OutPoint high{params.genesis.transactions[0].txid, 70'000};
    const OutPoint low{params.genesis.transactions[0].txid, 254};
    StoreBatch batch;
    BOOST_TEST(batch.empty());
    store.put_header(batch, node);
    store.put_block(batch, node, cairn::consensus::encode(params.genesis));
    store.put_undo(batch, node, undo);
    store.put(batch, Column::Filters, node.hash.bytes, Bytes{1, 2, 3});
    store.put_event(batch, 98, event);
    store.put_log_end(batch, 99);
    BOOST_TEST(store.log_end() == 0u);
    store.write(batch, Durability::Synced);
    CoinTable coins_made({1, 2});
    coins_made.create(coins_made.key(high), coin);
    coins_made.create(coins_made.key(low), coin);
    store.ingest_coins(tip, coins_made.changes());
    BOOST_TEST((store.read_block(node) == cairn::consensus::encode(params.genesis)));
    BOOST_TEST((store.read_undo(node) == undo));
    BOOST_TEST((store.get(Column::Filters, node.hash.bytes) == Bytes{1, 2, 3}));
    BOOST_TEST((store.find_coin(high) == coin));
    BOOST_TEST(store.tip()->next_event == 99u);
    BOOST_TEST((*store.read_event(98) == event));
    BOOST_TEST(!store.read_event(97));
    BOOST_TEST(store.log_end() == 99u);
    std::vector<uint32_t> order;
    CoinCursor coins = store.coins();
    while (const auto next = coins.next()) order.push_back(next->first.index);
    BOOST_TEST((order == std::vector<uint32_t>{254, 70'000}));
    int headers = 0;
    store.load_headers([&](const HeaderRecord& record, const BlockHash& hash) {
        BOOST_TEST((record.header == node.header));
        BOOST_TEST((hash == node.hash));
        ++headers;
    });
    BOOST_TEST(headers == 1);
    BOOST_TEST(store.disk_bytes() > 0u);
}

BOOST_AUTO_TEST_CASE(damaged_bytes__are_an_error__not_a_value) {
    BOOST_TEST(reason_of(decode_coin({})) == "decode failed");
    BOOST_TEST(reason_of(decode_undo(Bytes{1})) == "decode failed");
    const Bytes too_long = [] {
        Bytes bytes;
        encode_coin({}, bytes);
        bytes.push_back(0);
        return bytes;
    }();
    BOOST_TEST(reason_of(decode_coin(too_long)) == "decode failed");
}

BOOST_AUTO_TEST_CASE(ingest__many_coins__replace_and_erase_at_once) {
    const TemporaryFolder folder;
    const Params params = test_params();
    Store store({folder.path()}, params);
    std::vector<OutPoint> points(1'000);
    for (size_t i = 0; i < points.size(); ++i)
        points[i].txid = Txid(cairn::consensus::sha256(Bytes{uint8_t(i), uint8_t(i >> 8)}));
    std::ranges::sort(points, coin_key_less);
    const Coin coin{{1, anyone_script()}, 1, false};
    const auto visit = [&](uint8_t first, uint8_t last, size_t step, const auto& each) {
        for (size_t i = 0; i < points.size(); i += step)
            if (const uint8_t byte = points[i].txid.view()[0]; byte >= first && byte <= last)
                each(points[i]);
    };
    const auto create = [&](uint8_t first, uint8_t last, const auto& put) {
        visit(first, last, 1, [&](const OutPoint& point) { put({point, &coin}); });
    };
    const auto spend = [&](uint8_t first, uint8_t last, const auto& put) {
        visit(first, last, 2, [&](const OutPoint& point) { put({point, nullptr}); });
    };
    store.ingest_coins({{}, 1, 0}, {1'000, create});
    store.ingest_coins({{}, 2, 0}, {500, spend});
    BOOST_TEST(store.tip()->height == Height(2));
    size_t left = 0;
    for (CoinCursor coins = store.coins(); coins.next();) ++left;
    BOOST_TEST(left == 500u);
    BOOST_TEST(std::filesystem::is_empty(folder.path() / "ingest"));
}

BOOST_AUTO_TEST_CASE(ingest__runs_with_keys_alike__last_of_each_key_in_order) {
    const TemporaryFolder folder;
    Store store({folder.path()}, test_params());
    std::mt19937 random(1);
    std::map<Bytes, Bytes> expected;
    std::vector<Entries> runs(20);
    for (Entries& run : runs) {
        for (uint8_t i = 0; i < 100; ++i) {
            Bytes key(1 + random() % 12); // as long as what is compared first, shorter and longer
            for (uint8_t& byte : key) byte = random() % 8 == 0 ? 0xff : 0;
            const Bytes value{static_cast<uint8_t>(random()), i};
            run.put(key, value);
            expected[key] = value;
        }
        run.sort();
    }
    store.ingest(Column::Transactions, runs);
    std::vector<std::pair<Bytes, Bytes>> found;
    const auto visit = [&](ByteView key, ByteView value) {
        found.emplace_back(Bytes(key.begin(), key.end()), Bytes(value.begin(), value.end()));
        return true;
    };
    store.visit(Column::Transactions, {}, visit);
    BOOST_TEST((found == std::vector<std::pair<Bytes, Bytes>>(expected.begin(), expected.end())));
}

BOOST_AUTO_TEST_CASE(write_beside__who_reads_or_writes_meanwhile__waits_for_it) {
    const TemporaryFolder folder;
    const Params params = test_params();
    Store store({folder.path()}, params);
    HeaderTree tree(params);
    const BlockNode& node = tree.genesis();
    const Bytes body = cairn::consensus::encode(params.genesis);
    std::promise<void> go;
    store.write_beside(StoreBatch(), [&, held = go.get_future().share()](StoreBatch& batch) {
        held.wait();
        store.put_block(batch, node, body);
    });
    std::future<Bytes> read = std::async([&] { return store.read_block(node); });
    std::future<void> written = std::async([&] {
        StoreBatch batch;
        store.put_log_end(batch, 7);
        store.write(batch, Durability::Synced);
    });
    BOOST_TEST((written.wait_for(std::chrono::milliseconds(20)) == std::future_status::timeout));
    go.set_value();
    BOOST_TEST((read.get() == body));
    written.get();
    BOOST_TEST(store.log_end() == 7u);
    store.write_beside(StoreBatch(), [](StoreBatch&) { throw StorageError("no more"); });
    StoreBatch batch;
    BOOST_CHECK_THROW(store.write(batch, Durability::Logged), StorageError);
}

BOOST_AUTO_TEST_CASE(ingest__fails_on_the_way__leaves_no_files) {
    const TemporaryFolder folder;
    const Params params = test_params();
    Store store({folder.path()}, params);
    const Coin coin{{1, anyone_script()}, 1, false};
    const auto fail = [&](uint8_t first, uint8_t /*last*/, const auto& put) {
        OutPoint point;
        point.txid.bytes[0] = first;
        put({point, &coin});
        if (first > 0) throw StorageError("no more"); // the thread beside
    };
    BOOST_CHECK_THROW(store.ingest_coins({{}, 1, 0}, {1, fail}), StorageError);
    BOOST_TEST(std::filesystem::is_empty(folder.path() / "ingest"));
    BOOST_TEST(!store.tip());
}

BOOST_AUTO_TEST_CASE(ingest__larger_than_the_disk__is_refused_before) {
    const TemporaryFolder folder;
    Store store({folder.path()}, test_params());
    BOOST_CHECK_EXCEPTION(
        store.ingest_coins(
            {}, {size_t{1} << 50, [](uint8_t, uint8_t, const auto&) { BOOST_ERROR("began"); }}),
        StorageError,
        [](const StorageError& error) { return mentions(error.what(), "disk space is too low"); });
}

BOOST_AUTO_TEST_CASE(open__after_a_crash_in_an_ingestion__drops_its_files_unless_in_use) {
    const TemporaryFolder folder;
    const Params params = test_params();
    const std::filesystem::path left = folder.path() / "ingest" / "coins" / "0.sst";
    const auto leave = [&] {
        std::filesystem::create_directories(left.parent_path());
        std::ofstream(left) << "rubbish";
    };
    leave();
    const Store store({folder.path()}, params);
    BOOST_TEST(!std::filesystem::exists(left));
    leave();
    BOOST_TEST(!refusal(folder.path(), params).empty());
    BOOST_TEST(std::filesystem::exists(left)); // the other process writes it
}

BOOST_AUTO_TEST_SUITE_END()
