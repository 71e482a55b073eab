// SPDX-License-Identifier: MIT
// Any entries in a peers.dat of the right form and sum: refused, or addresses that can be written,
// read and asked for.
#include "consensus/hash.h"
#include "node/address_book.h"
#include "tests/temporary_folder.h"

#include <cstdlib>
#include <fstream>

using namespace cairn;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const tests::TemporaryFolder FOLDER;
    static const std::filesystem::path PEERS = FOLDER.path() / "peers.dat";
    std::string content = "cairnad2" + std::string(reinterpret_cast<const char*>(data), size);
    const auto sum = consensus::sha256d(consensus::as_bytes(content));
    content.append(sum.bytes.begin(), sum.bytes.end());
    std::ofstream(PEERS, std::ios::binary) << content;
    node::AddressBook book(node::Random(1, 2));
    if (!book.load(PEERS)) return book.size() == 0 ? 0 : (std::abort(), 0);
    (void)book.pick({}, 1'000'000);
    (void)book.pick_feeler(1'000'000);
    for (const node::TimedAddress& place : book.sample(100, 1'000'000))
        (void)place.address.to_string();
    return 0;
}
