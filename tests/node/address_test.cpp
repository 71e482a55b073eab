// SPDX-License-Identifier: MIT
// Addresses: their text, and the book that keeps them.
#include "harness.h"
#include "node/messages.h"
#include "node/permissions.h"
#include "places.h"
#include "tests/temporary_folder.h"

#include <boost/test/unit_test.hpp>

#include <fstream>

using namespace cairn;
using namespace cairn::node;
using namespace cairn::node::test;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(address)

BOOST_AUTO_TEST_CASE(text__any_form__round_trips) {
    for (const char* text : {"1.2.3.4:8333", "[::1]:18444", "[2a00:1450::5]:1"})
        BOOST_TEST(NetAddress::from_string(text, 0).value().to_string() == text);
    BOOST_TEST(NetAddress::from_string("1.2.3.4", 7).value().to_string() == "1.2.3.4:7");
    BOOST_TEST(NetAddress::from_string("::ffff:1.2.3.4", 7).value().to_string() == "1.2.3.4:7");
    BOOST_TEST(split_host_port(std::string(255, 'a'), 7).has_value());
    BOOST_TEST(!split_host_port(std::string(256, 'a') + ":8", 7).has_value());
    for (const char* text : {"", "example.org", "1.2.3.4:99999", "1.2.3.4:x", "[::1", "1.2.3"})
        BOOST_TEST(!NetAddress::from_string(text, 7).has_value(), text);
}

BOOST_AUTO_TEST_CASE(text__tor_address__has_its_checksum) {
    // Source: BIP-0155's and Tor's example names.
    const Bytes key =
        *consensus::from_hex("79bcc625184b05194975c28b66b66b0469f7f6556fb1ac3189a79b40dda32f1f");
    const NetAddress address{NetworkId::TorV3, key, 8333};
    BOOST_TEST(address.host() == "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion");
    BOOST_TEST(address.is_routable());
    BOOST_TEST(!address.is_ip());
    BOOST_TEST((NetAddress::from_string(address.host(), 8333) == address));
    const NetAddress garlic{NetworkId::I2p, key, 7};
    BOOST_TEST((NetAddress::from_string(garlic.to_string(), 0) == garlic));
    for (const char* bad :
         {"pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscrye.onion", // its checksum
          "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscry.onion",
          "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.b32.i2p", ".onion", "onion"})
        BOOST_TEST(!NetAddress::from_string(bad, 1).has_value(), bad);
}

BOOST_AUTO_TEST_CASE(anchors__written__are_read_by_their_chain) {
    const tests::TemporaryFolder folder;
    const std::filesystem::path file = folder.path() / "anchors.dat";
    const Magic magic{1, 2, 3, 4};
    const std::vector<TimedAddress> anchors{
        place(1, NOW), {NOW, NODE_NETWORK, {NetworkId::TorV3, Bytes(32, 7), 8333}}};
    Bytes content = anchors_content(magic, anchors);
    const auto written = [&] {
        std::ofstream(file, std::ios::binary)
            .write(
                reinterpret_cast<const char*>(content.data()),
                static_cast<std::streamsize>(content.size()));
        return read_anchors(file, magic);
    };
    BOOST_TEST((written() == anchors));
    BOOST_TEST(read_anchors(file, {4, 3, 2, 1}).empty());
    content[20] ^= 1;
    BOOST_TEST(written().empty());
    content.clear();
    BOOST_TEST(written().empty());
    BOOST_TEST(read_anchors(folder.path() / "absent", magic).empty());
}

BOOST_AUTO_TEST_CASE(routable__private_and_reserved_nets__are_not) {
    for (const char* text :
         {"127.0.0.1", "10.1.2.3", "192.168.1.1", "172.16.0.1", "169.254.1.1", "100.64.0.1",
          "198.51.100.1", "203.0.113.9", "0.1.2.3", "240.0.0.1", "::1", "fe80::1", "fd00::1",
          "2001:db8::1"})
        BOOST_TEST(!NetAddress::from_string(text, 1).value().is_routable(), text);
    for (const char* text : {"5.6.7.8", "172.32.0.1", "2a00::1"})
        BOOST_TEST(NetAddress::from_string(text, 1).value().is_routable(), text);
}

BOOST_AUTO_TEST_CASE(whitelist__entries__grant_what_they_name) {
    const Whitelist list(
        {"noban,in,out@127.0.0.1", "mempool@10.0.0.0/8", "2a00::/16", "@1.2.3.4"},
        PERMIT_NOBAN | PERMIT_RELAY);
    const auto of = [&](const char* text, bool inbound) {
        return list.permissions_of(NetAddress::from_string(text, 1).value(), inbound);
    };
    BOOST_TEST(of("127.0.0.1", true) == (PERMIT_NOBAN | PERMIT_DOWNLOAD));
    BOOST_TEST(of("127.0.0.1", false) == (PERMIT_NOBAN | PERMIT_DOWNLOAD));
    BOOST_TEST(of("10.200.1.1", true) == PERMIT_MEMPOOL);
    BOOST_TEST(of("10.200.1.1", false) == 0U);
    BOOST_TEST(of("11.0.0.1", true) == 0U);
    BOOST_TEST(of("2a00:1::1", true) == (PERMIT_NOBAN | PERMIT_RELAY));
    BOOST_TEST(of("2a00:1::1", false) == 0U);
    BOOST_TEST(of("1.2.3.4", true) == 0U);
    for (const char* bad :
         {"fly@1.2.3.4", "in,out@1.2.3.4", "noban@", "noban@1.2.3.4/33", "1.2.3.4/x", "1.2.3.4:5"})
        BOOST_CHECK_THROW(Whitelist({bad}, 0), std::runtime_error);
}

BOOST_AUTO_TEST_CASE(book__saved_and_loaded__is_the_same) {
    const tests::TemporaryFolder folder;
    const std::filesystem::path file = folder.path() / "peers.dat";
    const auto write = [&file](ByteView content) {
        std::ofstream(file, std::ios::binary)
            .write(
                reinterpret_cast<const char*>(content.data()),
                static_cast<std::streamsize>(content.size()));
    };
    AddressBook book(Random(1, 2));
    fill(book, 100);
    for (uint32_t i = 0; i < 20; ++i) book.succeeded(place(i, NOW).address, NODE_NETWORK, NOW);
    Bytes content = book.file_content();
    write(content);
    AddressBook loaded(Random(3, 4));
    BOOST_TEST(loaded.load(file));
    BOOST_TEST(loaded.size() == book.size());
    BOOST_TEST((loaded.file_content() == content));
    content.push_back('x');
    write(content);
    BOOST_TEST(!loaded.load(file));
    BOOST_TEST(loaded.size() == 0);
    BOOST_TEST(!loaded.load(folder.path() / "absent"));
}

BOOST_AUTO_TEST_CASE(book__file_with_ipv4_addresses_as_ipv6__is_read_without_them) {
    const tests::TemporaryFolder folder;
    const auto path = folder.path() / "peers.dat";
    AddressBook before(Random(1, 2));
    fill(before, 2);
    NetAddress mapped; // ::ffff:10.0.0.1, as versions before took it from peers
    mapped.bytes = *consensus::from_hex("00000000000000000000ffff0a000001");
    mapped.port = 22;
    before.add({NOW, NODE_NETWORK | NODE_WITNESS, mapped}, "source", NOW);
    BOOST_REQUIRE(before.size() == 3U);
    const Bytes content = before.file_content();
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(content.data()), std::ssize(content));
    AddressBook book(Random(3, 4));
    BOOST_TEST(book.load(path));
    BOOST_TEST(book.size() == 2U);
}

BOOST_AUTO_TEST_CASE(book__flood_from_one_source__reaches_a_small_part) {
    AddressBook book(Random(1, 2));
    fill(book, 3000);
    const size_t before = book.size();
    BOOST_TEST(before > 2900u);
    for (uint32_t i = 0; i < 100'000; ++i) {
        TimedAddress one = place(3000 + i % 10'000, NOW);
        one.address.port = static_cast<uint16_t>(1 + i / 10'000);
        book.add(one, "liar", NOW);
    }
    const size_t part = AddressBook::BUCKETS_OF_SOURCE * AddressBook::BUCKET_SIZE;
    BOOST_TEST(book.size() - before <= part); // and nobody had to go
    uint32_t added = 0;
    for (uint32_t i = 0; i < 100; ++i)
        added += book.add(place(14'000 + i, NOW), std::to_string(i), NOW) ? 1 : 0;
    BOOST_TEST(added > 80); // others find room
}

BOOST_AUTO_TEST_CASE(book__flood_of_one_group__reaches_one_bucket_for_each_source) {
    AddressBook book(Random(1, 2));
    for (uint32_t i = 0; i < 5000; ++i) {
        TimedAddress one = place(1, NOW);
        one.address.port = static_cast<uint16_t>(i + 1);
        book.add(one, "one source", NOW);
    }
    BOOST_TEST(book.size() <= AddressBook::BUCKET_SIZE);
}

BOOST_AUTO_TEST_CASE(book__bad_address__makes_room_for_another) {
    AddressBook book(Random(1, 2));
    const auto with_port = [](uint32_t port) {
        TimedAddress one = place(1, NOW);
        one.address.port = static_cast<uint16_t>(port);
        return one;
    };
    uint32_t port = 1;
    while (port < 5000 && book.add(with_port(port), "source", NOW)) ++port;
    const TimedAddress late = with_port(port); // its place is taken
    BOOST_TEST(!book.add(late, "source", NOW));
    BOOST_TEST(book.add(place(2, NOW), "other source", NOW));
    for (int64_t now = NOW; now < NOW + 3; ++now) {
        book.succeeded(place(2, NOW).address, NODE_NETWORK, now); // so it isn't our link
        for (uint32_t other = 1; other < port; ++other)
            book.tried(with_port(other).address, true, now);
    }
    BOOST_TEST(book.add(late, "source", NOW));
    BOOST_TEST(book.size() == port);
}

BOOST_AUTO_TEST_CASE(book__who_answered__is_given_a_week) {
    AddressBook book(Random(1, 2));
    fill(book, 2);
    const NetAddress gone = place(1, NOW).address;
    BOOST_TEST(book.succeeded(gone, NODE_NETWORK, NOW));
    const auto fail_often = [&](int64_t now) {
        for (int i = 0; i < 10; ++i) {
            book.succeeded(place(0, NOW).address, NODE_NETWORK, ++now); // so it isn't our link
            book.tried(gone, true, ++now);
        }
        return book.sample(2, now).size();
    };
    BOOST_TEST(fail_often(NOW) == 2U);
    BOOST_TEST(fail_often(NOW + AddressBook::ABSENT_SECONDS) == 1U);
}

BOOST_AUTO_TEST_CASE(book__own_link_is_down__nobody_is_to_blame) {
    for (const bool some_last : {false, true}) {
        AddressBook book(Random(1, 2));
        fill(book, 50);
        BOOST_TEST(book.succeeded(place(0, NOW).address, NODE_NETWORK, NOW));
        int64_t now = NOW;
        for (int round = 0; round < 20; ++round) {
            now += AddressBook::RETRY_SECONDS;
            for (uint32_t i = 0; i < 50; ++i) book.tried(place(i, NOW).address, some_last, now);
        }
        now += AddressBook::RETRY_SECONDS;
        BOOST_TEST(book.sample(50, now).size() == 50U); // none is thought terrible
        BOOST_TEST(book.pick({}, now).has_value());
    }
}

BOOST_AUTO_TEST_CASE(book__who_failed_often__is_seldom_picked_but_not_never) {
    AddressBook book(Random(1, 2));
    fill(book, 20);
    const NetAddress good = place(0, NOW).address;
    const NetAddress bad = place(1, NOW).address;
    int64_t now = NOW;
    for (int failure = 0; failure < 10; ++failure) {
        book.succeeded(good, NODE_NETWORK, ++now);
        book.tried(bad, true, ++now);
    }
    now += AddressBook::RETRY_SECONDS;
    int picked = 0;
    for (int i = 0; i < 1000; ++i) picked += book.pick({}, now) == bad ? 1 : 0;
    BOOST_TEST(picked < 10); // evenly it would be a fortieth part
    std::set<std::string> others;
    for (uint32_t i = 0; i < 20; ++i)
        if (i != 1) others.insert(place(i, NOW).address.group());
    BOOST_TEST((book.pick(others, now) == bad));
}

BOOST_AUTO_TEST_CASE(book__liar_fills_his_buckets__has_their_share_of_picks) {
    AddressBook book(Random(1, 2));
    fill(book, 1000);
    std::set<NetAddress> lies;
    for (uint32_t i = 0; i < 100'000; ++i) {
        TimedAddress one = place(3000 + i % 10'000, NOW);
        one.address.port = static_cast<uint16_t>(1 + i / 10'000);
        if (book.add(one, "liar", NOW)) lies.insert(one.address);
    }
    BOOST_TEST(lies.size() > 3000U); // of 4,000 in the book
    int picked = 0;
    for (int i = 0; i < 1000; ++i) picked += lies.contains(book.pick({}, NOW).value()) ? 1 : 0;
    BOOST_TEST(picked < 200);
}

BOOST_AUTO_TEST_CASE(book__most_of_those_who_answered_are_new__who_did_first_is_found) {
    const tests::TemporaryFolder folder;
    const auto path = folder.path() / "peers.dat";
    const auto load = [&](AddressBook& book, const Bytes& content) {
        std::ofstream(path, std::ios::binary)
            .write(reinterpret_cast<const char*>(content.data()), std::ssize(content));
        return book.load(path);
    };
    constexpr uint64_t SERVICES = NODE_NETWORK | NODE_WITNESS;
    const NetAddress first = place(0, NOW).address;
    AddressBook book(Random(1, 2));
    fill(book, 31);
    for (uint32_t i = 0; i < 31; ++i) book.succeeded(place(i, NOW).address, SERVICES, NOW + i);
    book.succeeded(first, SERVICES, NOW + 100); // again
    AddressBook loaded(Random(3, 4));
    Bytes content = book.file_content();
    BOOST_REQUIRE(load(loaded, content));
    for (AddressBook* one : {&book, &loaded}) {
        int found = 0;
        for (int i = 0; i < 100; ++i) found += one->pick_oldest({}, NOW) == first ? 1 : 0;
        BOOST_TEST(found > 90); // a choice of one in all finds 3
        BOOST_TEST((one->pick_oldest({first.group()}, NOW) != first));
    }
    // A file from before this was kept.
    content.resize(content.size() - 32 - 31 * sizeof(int64_t));
    const consensus::Hash256 sum = consensus::sha256d(content);
    content.insert(content.end(), sum.bytes.begin(), sum.bytes.end());
    BOOST_TEST(load(loaded, content));
    BOOST_TEST(loaded.size() == 31U);
    BOOST_TEST(loaded.pick_oldest({}, NOW).has_value());
}

BOOST_AUTO_TEST_CASE(book__who_answered__keeps_his_place_while_he_is_there) {
    AddressBook book(Random(1, 2));
    // Of one group: so two of them soon want one place among those that answered.
    std::vector<NetAddress> all;
    for (uint32_t i = 1; i < 1000; ++i) {
        TimedAddress one = place(1, NOW);
        one.address.port = static_cast<uint16_t>(i);
        if (book.add(one, std::to_string(i), NOW)) all.push_back(one.address);
    }
    int64_t now = NOW;
    constexpr uint64_t SERVICES = NODE_NETWORK | NODE_WITNESS;
    for (const NetAddress& address : all) book.succeeded(address, SERVICES, now);
    // All have just answered: nobody need be asked, so this is one of the others.
    const auto first = book.pick_feeler(now + AddressBook::RETRY_SECONDS);
    BOOST_REQUIRE(first.has_value());
    now += AddressBook::SETTLED_SECONDS + 1;
    book.succeeded(*first, SERVICES, now); // it wants a place again
    const auto holder = book.pick_feeler(now);
    BOOST_REQUIRE(holder.has_value());
    BOOST_TEST((*holder != *first));
    book.tried(*holder, true, now);
    const Bytes before = book.file_content();
    BOOST_TEST((book.pick_feeler(now + AddressBook::ANSWER_SECONDS + 1) != holder));
    // It did not answer, so the other has its place now, and nobody else's is wanted.
    BOOST_TEST((book.file_content() != before));
}

BOOST_AUTO_TEST_CASE(book__holders_nobody_can_ask__keep_no_others_waiting) {
    AddressBook book(Random(1, 2));
    const auto add_all = [&](const NetAddress& base) {
        for (uint16_t port = 1; port < 1000; ++port) {
            NetAddress address = base;
            address.port = port;
            if (book.add({NOW, NODE_NETWORK | NODE_WITNESS, address}, std::to_string(port), NOW))
                book.succeeded(address, NODE_NETWORK | NODE_WITNESS, NOW);
        }
    };
    add_all({NetworkId::TorV3, Bytes(32, 7), 1}); // without a proxy they can't be called
    const int64_t later = NOW + AddressBook::SETTLED_SECONDS + 1;
    (void)book.pick_feeler(later);
    add_all(place(1, NOW).address);
    const auto holder = book.pick_feeler(later);
    BOOST_REQUIRE(holder.has_value());
    BOOST_TEST(holder->is_ip());
    BOOST_TEST((book.pick({holder->group()}, later) == std::nullopt)); // nor is one of them picked
}

BOOST_AUTO_TEST_CASE(book__told_again__is_fresher_in_steps) {
    AddressBook book(Random(1, 2));
    const auto time_of = [&] { return book.sample(1, NOW + 7200).at(0).time; };
    book.add(place(0, NOW), "source", NOW);
    book.add(place(0, NOW + 1800), "source", NOW + 1800);
    BOOST_TEST(time_of() == NOW);
    book.add(place(0, NOW + 3601), "source", NOW + 3601);
    BOOST_TEST(time_of() == NOW + 3601);
}

BOOST_AUTO_TEST_CASE(book__what_cannot_be_reached__is_not_kept) {
    AddressBook book(Random(1, 2));
    for (const char* text : {"127.0.0.1", "192.168.1.1", "::1"}) {
        const auto address = NetAddress::from_string(text, 1).value();
        BOOST_TEST(!book.add({NOW, NODE_NETWORK, address}, "source", NOW));
    }
    BOOST_TEST(book.size() == 0);
}

BOOST_AUTO_TEST_CASE(book__pick__avoids_groups_in_use_and_failures_of_late) {
    AddressBook book(Random(1, 2));
    fill(book, 3);
    const std::string used = place(1, NOW).address.group();
    const std::string also = place(0, NOW).address.group();
    BOOST_TEST((book.pick({used, also}, NOW).value() == place(2, NOW).address));
    book.tried(place(2, NOW).address, true, NOW);
    BOOST_TEST(!book.pick({used, also}, NOW + 1).has_value());
    BOOST_TEST(book.pick({used, also}, NOW + AddressBook::RETRY_SECONDS).has_value());
}

BOOST_AUTO_TEST_CASE(subnet__forms__contain_what_they_say) {
    const auto inside = [](std::string_view subnet, const char* address) {
        const std::optional<Subnet> parsed = Subnet::from_string(subnet);
        BOOST_REQUIRE_MESSAGE(parsed, subnet);
        return parsed->contains(NetAddress::of(boost::asio::ip::make_address(address), 0));
    };
    BOOST_TEST(inside("127.0.0.0/8", "127.9.9.9"));
    BOOST_TEST(!inside("127.0.0.0/8", "128.0.0.1"));
    BOOST_TEST(inside("192.168.1.0/255.255.255.0", "192.168.1.77"));
    BOOST_TEST(!inside("192.168.1.0/255.255.255.0", "192.168.2.77"));
    BOOST_TEST(inside("10.0.0.7", "10.0.0.7"));
    BOOST_TEST(!inside("10.0.0.7", "10.0.0.8"));
    BOOST_TEST(inside("10.0.0.7", "::ffff:10.0.0.7"));
    BOOST_TEST(inside("fc00::/7", "fd00::1"));
    BOOST_TEST(!inside("fc00::/7", "fe80::1"));
    BOOST_TEST(inside("0.0.0.0/0", "8.8.8.8"));
    BOOST_TEST(!inside("0.0.0.0/0", "fd00::1"));
    for (const std::string_view bad :
         {"", "x", "1.2.3.4/33", "1.2.3.4/-1", "1.2.3.4/255.0.255.0", "::/129", "1.2.3.4/"})
        BOOST_TEST(!Subnet::from_string(bad), bad);
}

BOOST_AUTO_TEST_SUITE_END()
