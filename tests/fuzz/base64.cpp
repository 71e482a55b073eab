// SPDX-License-Identifier: MIT
// Any text as base64: refused, or as many bytes as its digits say; any header, or token in a query,
// as credentials: nobody's.
#include "rpc/server/auth.h"
#include "rpc/server/url.h"

#include <cstdlib>

using namespace cairn::rpc::server;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const Authenticator NOBODY({.user = "user", .password = "not in any input"});
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto bytes = base64_decode(text)) {
        const size_t digits = text.find_last_not_of('=') + 1;
        if (text.size() % 4 != 0 || bytes->size() != digits * 3 / 4) std::abort();
    }
    if (const auto token = Url(text).value("token"))
        if (NOBODY.user_of(authorization_of_token(*token))) std::abort();
    if (NOBODY.user_of(text) || NOBODY.user_of("Basic " + std::string(text))) std::abort();
    return 0;
}
