// SPDX-License-Identifier: MIT
// Signature hashes against a second implementation.
#include "consensus/standard.h"
#include "tests/naive_sighash.h"

#include <cstdlib>

using namespace cairn::tests;

namespace {

std::optional<SighashRequest> read_request(Reader& reader) {
    SighashRequest r;
    uint8_t options = 0;
    Hash256 annex_hash;
    reader(r.input, r.type, r.context.codeseparator_position, options, r.context.leaf_hash);
    reader(annex_hash, r.code, r.tx);
    if (reader.failed() || r.tx.inputs.empty()) return std::nullopt;
    for (size_t i = 0; i < r.tx.inputs.size(); ++i) reader(r.spent.emplace_back());
    r.input %= static_cast<uint32_t>(r.tx.inputs.size());
    r.tapscript = (options & 1) != 0;
    if ((options & 2) != 0) r.context.annex_hash = annex_hash;
    return r;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    Reader reader({data, size});
    std::optional<SighashRequest> read = read_request(reader);
    if (!read) return 0;
    SighashRequest& r = *read;
    if (legacy_sighash(r.tx, r.input, r.code, r.type) != naive_legacy(r)) std::abort();

    // The midstates are made for what the spent outputs may ask.
    Script& spent_script = r.spent[r.input].script_pubkey;
    spent_script = pay_to_witness(0, r.context.leaf_hash.bytes);
    const SighashMidstates v0(r.tx, r.spent);
    if (witness_sighash(r.tx, r.input, r.code, r.spent[r.input].value, r.type, v0) !=
        naive_witness(r))
        std::abort();

    spent_script = pay_to_witness(1, r.context.leaf_hash.bytes);
    const SighashMidstates v1(r.tx, r.spent);
    const auto version = r.tapscript ? SigVersion::Tapscript : SigVersion::Taproot;
    const auto type = static_cast<uint8_t>(r.type);
    if (taproot_sighash(r.tx, r.input, type, version, v1, r.context) != naive_taproot(r))
        std::abort();
    return 0;
}
