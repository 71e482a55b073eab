// SPDX-License-Identifier: MIT
// The coin cache against the simplest model there is, a map, under random operations.
#include "chain/coins_cache.h"
#include "tests/chain/fixture.h"

#include <map>
#include <random>

using namespace cairn::tests;

namespace {

struct World {
    TemporaryFolder folder;
    Params params = test_params();
    Store store{{folder.path()}, params};
    CoinsCache cache{store, {1, 2}};
    std::map<OutPoint, Coin> model;
    std::map<OutPoint, Coin> frozen_model; ///< As of the last begin_flush().
    bool writing = false;                  ///< Between begin_flush() and end_flush().
    std::vector<FetchedCoins> fetched;     ///< At any time before, to be added at any time.
    std::mt19937_64 random;

    explicit World(uint64_t seed) : random(seed) {}

    uint64_t below(uint64_t n) { return random() % n; }

    OutPoint point() {
        OutPoint point;
        point.txid.bytes[0] = static_cast<uint8_t>(below(200)); // few, so that they meet again
        point.index = below(10) == 0 ? 254 + static_cast<uint32_t>(below(4)) : 0;
        return point;
    }

    Coin coin() {
        Coin made{{static_cast<int64_t>(below(1000)), {}}, static_cast<int32_t>(below(500)), false};
        made.coinbase = below(4) == 0;
        made.out.script_pubkey = Script(std::vector<uint8_t>(below(90), 7));
        return made;
    }

    /// A block's worth of changes; each point at most once.
    std::unique_ptr<CoinTable> step() {
        auto changes = std::make_unique<CoinTable>(cache.salt());
        std::map<OutPoint, bool> touched;
        for (uint64_t i = below(12); i > 0; --i) {
            const OutPoint at = point();
            if (!touched.emplace(at, true).second) continue;
            if (model.erase(at) > 0) {
                changes->spend(changes->key(at));
            } else {
                const Coin& made = model.emplace(at, coin()).first->second;
                changes->create(changes->key(at), made);
            }
        }
        return changes;
    }

    void begin_flush() {
        cache.freeze();
        frozen_model = model;
        writing = true;
    }

    void end_flush() {
        store.ingest_coins({}, cache.frozen_changes());
        writing = false;
    }

    bool same_in_cache() {
        for (int i = 0; i < 200; ++i) {
            const OutPoint at = point();
            const auto found = model.find(at);
            const std::optional<Coin> coin = cache.find(at);
            if (coin.has_value() != (found != model.end())) return false;
            if (coin && *coin != found->second) return false;
        }
        return true;
    }

    bool same_in_store(const std::map<OutPoint, Coin>& expected) const {
        std::map<OutPoint, Coin> stored;
        CoinCursor coins = store.coins();
        while (auto next = coins.next()) stored.insert(std::move(*next));
        return stored == expected;
    }

    void fetch_or_add() {
        if (below(2) == 0) {
            std::vector<OutPoint> points;
            for (int i = 0; i < 20; ++i)
                if (const OutPoint at = point(); !cache.knows(at)) points.push_back(at);
            fetched.push_back({store.find_coins(points), cache.generation()});
        } else if (!fetched.empty()) {
            const size_t which = below(fetched.size());
            cache.add(fetched[which]);
            fetched.erase(fetched.begin() + std::ptrdiff_t(which));
        }
    }
};

} // namespace

BOOST_AUTO_TEST_SUITE(coins_cache)

BOOST_AUTO_TEST_CASE(random_operations__like_a_map__at_every_step) {
    const uint64_t seed = setting("CAIRN_COINS_SEED", std::random_device()());
    BOOST_TEST_MESSAGE("seed " << seed);
    World world(seed);
    for (int round = 0; round < 1000; ++round) {
        const std::unique_ptr<CoinTable> changes = world.step();
        world.cache.apply(*changes);
        BOOST_REQUIRE(world.same_in_cache());
        const uint64_t what = world.below(10);
        if (what == 9) {
            if (world.writing)
                world.end_flush();
            else
                world.begin_flush();
            if (!world.writing) BOOST_REQUIRE(world.same_in_store(world.frozen_model));
        } else if (what == 8) { // at once
            if (world.writing) world.end_flush();
            world.begin_flush();
            world.end_flush();
            BOOST_REQUIRE(world.same_in_store(world.model));
        }
        world.fetch_or_add();
        BOOST_REQUIRE(world.same_in_cache());
    }
}

BOOST_AUTO_TEST_CASE(created_and_spent__between_flushes__never_reaches_the_store) {
    World world(1);
    const OutPoint at = world.point();
    Coin coin = world.coin();
    coin.coinbase = false;
    CoinTable created(world.cache.salt());
    created.create(created.key(at), coin);
    world.cache.apply(created);
    CoinTable spent(world.cache.salt());
    spent.spend(spent.key(at));
    world.cache.apply(spent);
    BOOST_TEST(world.cache.size() == 0u);
    world.cache.freeze();
    int calls = 0;
    world.cache.frozen_changes().visit(0, 0xff, [&calls](const CoinChange&) { ++calls; });
    BOOST_TEST(calls == 0);
}

BOOST_AUTO_TEST_CASE(memory__grows_with_tables_and_long_scripts__and_is_given_back) {
    World world(1);
    BOOST_TEST(world.cache.memory_bytes() < 10'000u);
    Coin coin = world.coin();
    coin.out.script_pubkey = Script(std::vector<uint8_t>(5'000));
    CoinTable changes(world.cache.salt());
    for (int i = 0; i < 1'000; ++i) {
        OutPoint at;
        at.txid.bytes[0] = static_cast<uint8_t>(i);
        at.index = static_cast<uint32_t>(i);
        changes.create(changes.key(at), coin);
    }
    world.cache.apply(changes);
    BOOST_TEST(world.cache.size() == 1'000u);
    BOOST_TEST(world.cache.memory_bytes() > 5'000'000u);
    world.cache.freeze();
    BOOST_TEST(world.cache.memory_bytes() > 5'000'000u);
    world.cache.freeze();
    BOOST_TEST(world.cache.memory_bytes() < 10'000u);
}

BOOST_AUTO_TEST_SUITE_END()
