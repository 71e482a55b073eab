// SPDX-License-Identifier: MIT
// Any text as a descriptor: refused in words, or one that is written and read again as the same,
// and has scripts. Any bytes as a script: its descriptor means that script.
#include "wallet/keys/descriptor.h"

#include "consensus/chain_file.h"
#include "tests/fuzz/check.h"

using namespace cairn;
using namespace cairn::wallet::keys;
using cairn::tests::check;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const consensus::AddressPrefixes prefixes{
        .bech32_hrp = "bc",
        .pubkey_hash = {0},
        .script_hash = {5},
        .secret_key = {0x80},
        .extended_public = {4, 0x88, 0xb2, 0x1e},
        .extended_secret = {4, 0x88, 0xad, 0xe4}};
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto read = read_descriptors(text, prefixes)) {
        for (const Descriptor& one : *read) {
            (void)one.scripts(0);
            const auto again = read_descriptors(with_checksum(one.text()), prefixes, true);
            check(again && again->size() == 1 && (*again)[0].text() == one.text());
        }
    } else {
        check(!read.error().why.empty());
    }
    const consensus::Script script(consensus::ByteView(data, size));
    const auto described = read_descriptors(descriptor_of(script, prefixes), prefixes, true);
    check(described && described->at(0).scripts(0)->at(0).script == script);
    return 0;
}
