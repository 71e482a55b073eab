// SPDX-License-Identifier: MIT
// The client's side of SOCKS5: asks a proxy for a connection by name, so that nothing is looked up
// here. Source: RFC 1928, RFC 1929.
#pragma once

#include "node/frame.h"
#include "node/net_address.h"

namespace cairn::node {

/// One question. Whoever has the socket sends what this gives, and gives it what comes.
class Socks5 {
public:
    /// `login`: user and password alike, by which Tor keeps connections apart; empty: none.
    /// Requires: at most 255 bytes of each text.
    Socks5(HostPort target, std::string login);

    Bytes greeting() const;

    /// How many bytes received() takes next; 0: the connection is made.
    size_t wants() const { return wants_; }

    /// What to send next. Requires: wants() bytes.
    Outcome<Bytes> received(ByteView in);

private:
    enum class Stage : uint8_t { Method, Login, Answer, Address };

    Bytes request();

    HostPort target_;
    std::string login_;
    Stage stage_ = Stage::Method;
    size_t wants_ = 2;
};

} // namespace cairn::node
