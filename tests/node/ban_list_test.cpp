// SPDX-License-Identifier: MIT
// Bans: whom they mean and for how long, and the file that keeps them.
#include "node/ban_list.h"
#include "tests/temporary_folder.h"

#include <boost/test/unit_test.hpp>

#include <fstream>

using namespace cairn;
using namespace cairn::node;

namespace {

constexpr const char* ONION = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion";

Ban ban(const char* net, int64_t until = 200) {
    return {Subnet::from_string(net).value(), 100, until};
}

bool bans(const BanList& list, const char* address, int64_t now = 150) {
    return list.bans(NetAddress::from_string(address, 1).value(), now);
}

/// The nets of all bans, in order.
std::string nets(BanList& list, int64_t now = 150) {
    std::string text;
    for (const Ban& ban : list.all(now)) text += ban.net.to_string() + " ";
    return text;
}

} // namespace

BOOST_AUTO_TEST_SUITE(ban_list)

BOOST_AUTO_TEST_CASE(ban__a_net__means_all_in_it_until_it_is_over) {
    BanList list;
    BOOST_TEST(list.add(ban("10.1.0.0/16")));
    BOOST_TEST(list.add(ban(ONION)));
    BOOST_TEST(!list.add(ban("10.1.2.3/16"))); // the same one
    BOOST_TEST(bans(list, "10.1.200.3"));
    BOOST_TEST(bans(list, ONION));
    BOOST_TEST(!bans(list, "10.2.0.1"));
    BOOST_TEST(!bans(list, "10.1.200.3", 200));
    BOOST_TEST(nets(list) == "10.1.0.0/16 " + std::string(ONION) + " ");
    BOOST_TEST(!list.remove(ban("10.1.0.0/17").net));
    BOOST_TEST(list.remove(ban("10.1.0.0/16").net));
    BOOST_TEST(!bans(list, "10.1.200.3"));
    BOOST_TEST(nets(list, 200) == "");
}

BOOST_AUTO_TEST_CASE(ban__all__are_sorted_by_net) {
    BanList list;
    for (const char* net : {ONION, "2001:4d48::/19", "192.168.0.1", "127.0.0.0/32", "127.0.0.0/24"})
        list.add(ban(net));
    BOOST_TEST(
        nets(list) ==
        "127.0.0.0/24 127.0.0.0/32 192.168.0.1/32 2001:4000::/19 " + std::string(ONION) + " ");
}

BOOST_AUTO_TEST_CASE(file__of_the_reference__is_read_and_written_alike) {
    const tests::TemporaryFolder folder;
    const std::filesystem::path file = folder.path() / "banlist.json";
    const std::string text = R"({
  "banned_nets": [
    {
      "version": 1,
      "ban_created": 100,
      "banned_until": 200,
      "address": "10.0.0.0/8"
    }
  ]
}
)";
    std::ofstream(file) << text;
    BanList list;
    BOOST_TEST(list.load(file));
    BOOST_TEST(bans(list, "10.9.9.9"));
    const Bytes content = list.file_content();
    BOOST_TEST(std::string(content.begin(), content.end()) == text);
}

BOOST_AUTO_TEST_CASE(file__damaged_or_absent__is_no_ban) {
    const tests::TemporaryFolder folder;
    const std::filesystem::path file = folder.path() / "banlist.json";
    BanList list;
    BOOST_TEST(!list.load(file));
    const std::string of_nowhere =
        R"({"version": 1, "ban_created": 1, "banned_until": 2, "address": "x"})";
    for (const std::string& text :
         {std::string(), std::string("{}"), std::string("[]"),
          std::string(R"({"banned_nets": [{"version": 1}]})"),
          R"({"banned_nets": [)" + of_nowhere + "]}"}) {
        std::ofstream(file) << text;
        list.add(ban("10.0.0.0/8"));
        BOOST_TEST(!list.load(file), text);
        BOOST_TEST(nets(list) == "");
    }
}

BOOST_AUTO_TEST_SUITE_END()
