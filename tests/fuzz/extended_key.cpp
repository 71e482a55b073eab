// SPDX-License-Identifier: MIT
// Any text as an extended key or a path of one, any bytes as a seed: what is read is written as the
// same, and a secret key and its public one have the same children.
#include "wallet/keys/extended_key.h"

#include "consensus/params.h"
#include "tests/fuzz/check.h"

using namespace cairn;
using namespace cairn::wallet::keys;
using cairn::tests::check;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const consensus::AddressPrefixes prefixes{
        .extended_public = {4, 0x88, 0xb2, 0x1e}, .extended_secret = {4, 0x88, 0xad, 0xe4}};
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto key = read_extended_public(text, prefixes))
        check(to_text(*key, prefixes) == text);
    if (const auto key = read_extended_secret(text, prefixes))
        check(to_text(*key, prefixes) == text);
    if (const auto path = read_key_path(text)) check(read_key_path(to_text(*path)) == path);
    const auto master = master_key({data, size});
    if (!master || size < 4) return 0;
    const uint32_t number = (data[0] << 16 | data[1] << 8 | data[2]) & 0x7fffffff;
    const auto child = derive(*master, number);
    check(!child || derive(public_key(*master), number) == public_key(*child));
    check(!derive(public_key(*master), number | 0x80000000));
    return 0;
}
