// SPDX-License-Identifier: MIT
// Messages by which light clients fetch compact filters. Source: BIP-0157.
#pragma once

#include "consensus/block.h"

#include <string_view>
#include <vector>

namespace cairn::node {

constexpr uint8_t BASIC_FILTER = 0;
constexpr int32_t MAX_FILTERS = 1000;        ///< In answer to one getcfilters.
constexpr int32_t MAX_FILTER_HEADERS = 2000; ///< In one cfheaders.
constexpr int32_t CHECKPOINT_INTERVAL = 1000;

/// Payload of getcfilters and getcfheaders.
struct FilterRangeMessage {
    uint8_t type = BASIC_FILTER;
    uint32_t start_height = 0;
    consensus::BlockHash stop;

    static void wire(auto&& codec, auto& m) { codec(m.type, m.start_height, m.stop); }
};

struct GetFilterCheckpointsMessage {
    uint8_t type = BASIC_FILTER;
    consensus::BlockHash stop;

    static constexpr std::string_view COMMAND = "getcfcheckpt";

    static void wire(auto&& codec, auto& m) { codec(m.type, m.stop); }
};

struct FilterMessage {
    uint8_t type = BASIC_FILTER;
    consensus::BlockHash block;
    consensus::Bytes filter;

    static constexpr std::string_view COMMAND = "cfilter";

    static void wire(auto&& codec, auto& m) { codec(m.type, m.block, m.filter); }
};

struct FilterHeadersMessage {
    uint8_t type = BASIC_FILTER;
    consensus::BlockHash stop;
    consensus::Hash256 previous_header;
    std::vector<consensus::Hash256> filter_hashes;

    static constexpr std::string_view COMMAND = "cfheaders";

    static void wire(auto&& codec, auto& m) {
        codec(m.type, m.stop, m.previous_header, m.filter_hashes);
    }
};

struct FilterCheckpointsMessage {
    uint8_t type = BASIC_FILTER;
    consensus::BlockHash stop;
    std::vector<consensus::Hash256> headers;

    static constexpr std::string_view COMMAND = "cfcheckpt";

    static void wire(auto&& codec, auto& m) { codec(m.type, m.stop, m.headers); }
};

} // namespace cairn::node
