// SPDX-License-Identifier: MIT
#include "node/socks5.h"

#include <cassert>
#include <spdlog/fmt/fmt.h>

namespace cairn::node {

namespace {

constexpr uint8_t VERSION = 5;
constexpr uint8_t NO_LOGIN = 0;
constexpr uint8_t BY_PASSWORD = 2;
constexpr uint8_t IPV4 = 1;
constexpr uint8_t NAME = 3;
constexpr uint8_t IPV6 = 4;

void append_sized(Bytes& out, std::string_view text) {
    assert(text.size() <= UINT8_MAX);
    out.push_back(static_cast<uint8_t>(text.size()));
    out.insert(out.end(), text.begin(), text.end());
}

} // namespace

Socks5::Socks5(HostPort target, std::string login)
    : target_(std::move(target)),
      login_(std::move(login)) {}

Bytes Socks5::greeting() const {
    if (login_.empty()) return {VERSION, 1, NO_LOGIN};
    return {VERSION, 2, NO_LOGIN, BY_PASSWORD};
}

Bytes Socks5::request() {
    stage_ = Stage::Answer;
    wants_ = 5; // up to the first byte of the address, which may be its length
    constexpr uint8_t CONNECT = 1;
    Bytes out{VERSION, CONNECT, 0, NAME};
    append_sized(out, target_.host);
    out.push_back(static_cast<uint8_t>(target_.port >> 8));
    out.push_back(static_cast<uint8_t>(target_.port));
    return out;
}

Outcome<Bytes> Socks5::received(ByteView in) {
    assert(in.size() == wants_);
    switch (stage_) {
    case Stage::Method:
        if (in[0] != VERSION) return Disconnect{"the proxy speaks no SOCKS5"};
        if (in[1] == NO_LOGIN) return request();
        if (in[1] == BY_PASSWORD && !login_.empty()) {
            stage_ = Stage::Login;
            Bytes out{1};
            append_sized(out, login_);
            append_sized(out, login_);
            return out;
        }
        return Disconnect{"the proxy wants a login of another kind"};
    case Stage::Login:
        if (in[1] != 0) return Disconnect{"the proxy refuses our login"};
        return request();
    case Stage::Answer:
        if (in[0] != VERSION || in[1] != 0)
            return Disconnect{fmt::format("the proxy can't connect, code {}", in[1])};
        if (in[3] != IPV4 && in[3] != IPV6 && in[3] != NAME)
            return Disconnect{"the proxy names an address of no known kind"};
        stage_ = Stage::Address;
        wants_ = (in[3] == IPV4 ? 3 : in[3] == IPV6 ? 15 : in[4]) + sizeof(target_.port);
        return Bytes{};
    case Stage::Address: // at which the proxy reaches it: nobody asks
        wants_ = 0;
        return Bytes{};
    }
    assert(false);
}

} // namespace cairn::node
