// SPDX-License-Identifier: MIT
// Anything that may happen to an address book, in any order: what it gives is in it and was asked
// for, it stays within its size, and its file makes the same book.
#include "node/address_book.h"

#include "check.h"
#include "tests/temporary_folder.h"

#include <algorithm>
#include <fstream>

using namespace cairn;
using namespace cairn::node;
using tests::check;

namespace {

/// One of 2^18, in 1,024 groups.
NetAddress read_address(consensus::Reader& reader) {
    const auto group = reader.read<uint16_t>();
    const auto host = reader.read<uint8_t>();
    return NetAddress::ipv4(
        {static_cast<uint8_t>(60 + group % 4), static_cast<uint8_t>(group >> 8), host, 1}, 8333);
}

bool contains(const AddressBook& book, const NetAddress& address) {
    bool found = false;
    book.each([&](const AddressBook::Entry& entry) { found |= entry.place.address == address; });
    return found;
}

/// The file of `book`, read and written again, is the same.
void check_file(const AddressBook& book) {
    static const tests::TemporaryFolder FOLDER;
    static const std::filesystem::path FILE = FOLDER.path() / "peers.dat";
    const Bytes content = book.file_content();
    std::ofstream(FILE, std::ios::binary)
        .write(
            reinterpret_cast<const char*>(content.data()),
            static_cast<std::streamsize>(content.size()));
    AddressBook again(Random(5, 6));
    check(again.load(FILE));
    check(again.size() == book.size());
    check(again.file_content() == content);
}

void check_picks(AddressBook& book, consensus::Reader& reader, int64_t now) {
    const auto known = reader.read<uint8_t>();
    const std::set<std::string> groups{read_address(reader).group()};
    if (const auto picked = book.pick(groups, now, known % 2 == 0))
        check(contains(book, *picked) && !groups.contains(picked->group()));
    if (const auto feeler = book.pick_feeler(now)) check(contains(book, *feeler));
    const std::vector<TimedAddress> sample = book.sample(known, now);
    check(sample.size() <= known);
    check(std::ranges::all_of(
        sample, [&](const TimedAddress& place) { return contains(book, place.address); }));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    consensus::Reader reader(ByteView(data, size));
    AddressBook book(Random(1, 2));
    int64_t now = 1'700'000'000;
    size_t added = 0;
    while (reader.remaining() > 0) {
        const auto action = reader.read<uint8_t>();
        const NetAddress address = read_address(reader);
        const bool is_known = contains(book, address);
        if (action % 8 < 3) {
            const auto time = static_cast<uint32_t>(now - action * 3600);
            const bool is_new = book.add({time, 9, address}, read_address(reader).group(), now);
            check(!is_new || (!is_known && contains(book, address)));
            added += is_new ? 1 : 0;
        } else if (action % 8 == 3) {
            book.tried(address, action > 127, now);
        } else if (action % 8 == 4) {
            check(!book.succeeded(address, 9, now) || is_known);
        } else if (action % 8 == 5) {
            now += int64_t{action} * action * 60;
        } else if (action % 8 == 6) {
            check_picks(book, reader, now);
        } else {
            check_file(book);
        }
        check(book.size() <= added);
    }
    check_file(book);
    return 0;
}
