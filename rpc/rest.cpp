// SPDX-License-Identifier: MIT
#include "rpc/rest.h"

#include "rpc/describe.h"
#include "rpc/server/url.h"

#include <algorithm>
#include <charconv>

namespace cairn::rpc {

using namespace consensus;
using server::Answer;
using server::Json;

namespace {

constexpr size_t MAX_OUTPOINTS = 15; ///< Of one getutxos.
constexpr int64_t MAX_HEADERS = 2000;
constexpr int64_t USUAL_HEADERS = 5;
constexpr uint8_t BASIC_FILTER = 0;

enum class Format : uint8_t { Json, Binary, Hex };

/// Why a request gets no answer: thrown to rest_answer().
struct Refusal {
    int status;
    std::string text;
};

[[noreturn]] void refuse(std::string text, int status = 400) {
    throw Refusal{status, std::move(text)};
}

std::optional<int64_t> number_of(std::string_view text) {
    int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool whole = error == std::errc() && end == text.data() + text.size();
    return only_if(whole, number);
}

Json json_of(std::string_view text) {
    return server::parse_json(text).value();
}

/// One request: its path without "/rest/" and format, in parts.
class Request {
public:
    Request(
        const server::Dispatcher& dispatcher,
        const NodeContext& context,
        std::string_view target,
        std::string_view body);

    Answer answer();

private:
    Answer transaction();
    Answer block();
    Answer block_part();
    Answer headers();
    Answer block_hash();
    Answer chain_info();
    Answer deployments();
    Answer mempool();
    Answer filter();
    Answer filter_headers();
    Answer unspent();
    Answer spent();

    /// What the method returns; an error becomes `status`, with `text` if that isn't empty.
    std::string
    call(std::string_view method, std::vector<Json> arguments, int status, std::string text = {});
    /// The same of a method that returns hexadecimal, or a hash, as text.
    std::string text_of(
        std::string_view method, std::vector<Json> arguments, int status, std::string text = {});
    Json hash_part(size_t i) const;
    /// Blocks of the active chain from that one on, as many as are asked for.
    std::vector<const chain::BlockNode*> active_blocks(size_t hash_part, std::string_view count);

    std::string query(std::string_view name, std::string_view otherwise = {}) const {
        return url_.value(name).value_or(std::string(otherwise));
    }

    bool flag(std::string_view name, bool otherwise) const;
    void json_only() const;

    std::string_view part(size_t i) const { return i < parts_.size() ? parts_[i] : ""; }

    static Answer json(std::string text) { return {200, std::move(text) + "\n"}; }

    /// In the format asked for, which is binary or hexadecimal.
    Answer bytes(ByteView bytes) const;

    const server::Dispatcher& dispatcher_;
    const NodeContext& context_;
    const chain::Chain& chain_;
    const server::Url url_;
    std::vector<std::string_view> parts_;
    std::string_view body_;
    Format format_ = Format::Json;
};

struct Endpoint {
    std::string_view name;
    Answer (Request::*answer)();
};

Request::Request(
    const server::Dispatcher& dispatcher,
    const NodeContext& context,
    std::string_view target,
    std::string_view body)
    : dispatcher_(dispatcher),
      context_(context),
      chain_(context.node.chain),
      url_(target),
      body_(body) {
    std::string_view path = url_.path;
    path.remove_prefix(std::string_view("/rest/").size());
    const size_t dot = std::min(path.rfind('.'), path.size());
    const std::string_view format = path.substr(std::min(dot + 1, path.size()));
    if (format == "bin")
        format_ = Format::Binary;
    else if (format == "hex")
        format_ = Format::Hex;
    else if (format != "json")
        refuse("output format not found (available: .bin, .hex, .json)", 404);
    path = path.substr(0, dot);
    for (;;) {
        const size_t slash = path.find('/');
        parts_.push_back(path.substr(0, slash));
        if (slash == std::string_view::npos) break;
        path.remove_prefix(slash + 1);
    }
}

Answer Request::bytes(ByteView bytes) const {
    if (format_ == Format::Hex) return {200, to_hex(bytes) + "\n", "text/plain"};
    return {200, std::string(bytes.begin(), bytes.end()), "application/octet-stream"};
}

std::string
Request::call(std::string_view method, std::vector<Json> arguments, int status, std::string text) {
    const Reply reply = dispatcher_.run(method, std::move(arguments));
    if (reply) return *reply;
    refuse(text.empty() ? reply.error().message : std::move(text), status);
}

std::string Request::text_of(
    std::string_view method, std::vector<Json> arguments, int status, std::string text) {
    return json_of(call(method, std::move(arguments), status, std::move(text))).text;
}

bool Request::flag(std::string_view name, bool otherwise) const {
    const std::string value = query(name, otherwise ? "true" : "false");
    if (value != "true" && value != "false")
        refuse(
            "The \"" + std::string(name) +
            R"(" query parameter must be either "true" or "false".)");
    return value == "true";
}

void Request::json_only() const {
    if (format_ != Format::Json) refuse("output format not found (available: json)", 404);
}

Json Request::hash_part(size_t i) const {
    if (!hash_from_string(part(i))) refuse("Invalid hash: " + std::string(part(i)));
    return Json::of_text(std::string(part(i)));
}

Answer Request::transaction() {
    const Json txid = hash_part(1);
    const bool as_json = format_ == Format::Json;
    const std::string reply = call(
        "getrawtransaction", {txid, json_of(as_json ? "1" : "0")}, 404, txid.text + " not found");
    return as_json ? json(reply) : bytes(*from_hex(json_of(reply).text));
}

Answer Request::block() {
    const bool brief = part(1) == "notxdetails";
    const Json hash = hash_part(brief ? 2 : 1);
    const char* verbosity = format_ != Format::Json ? "0" : brief ? "1" : "3";
    const bool known = chain_.find_block(BlockHash(*hash_from_string(hash.text))) != nullptr;
    if (!known) refuse(hash.text + " not found", 404);
    const std::string reply = call("getblock", {hash, json_of(verbosity)}, 404);
    return format_ == Format::Json ? json(reply) : bytes(*from_hex(json_of(reply).text));
}

Answer Request::block_part() {
    if (format_ == Format::Json) refuse("JSON output is not supported for this request type");
    const std::optional<int64_t> offset = number_of(query("offset"));
    const std::optional<int64_t> size = number_of(query("size"));
    if (!offset || *offset < 0) refuse("Block part offset missing or invalid");
    if (!size || *size < 0) refuse("Block part size missing or invalid");
    const Json hash = hash_part(1);
    const chain::BlockNode* node = chain_.find_block(BlockHash(*hash_from_string(hash.text)));
    if (node == nullptr) refuse(hash.text + " not found", 404);
    const Bytes block = chain_.read_block_bytes(*node);
    if (block.empty()) refuse(hash.text + " not available", 404);
    const auto end = static_cast<int64_t>(block.size());
    if (*size == 0 || *offset >= end || *size > end - *offset)
        refuse(
            "Bad block part offset/size " + std::to_string(*offset) + "/" + std::to_string(*size) +
            " for " + hash.text);
    return bytes(ByteView(block).subspan(static_cast<size_t>(*offset), static_cast<size_t>(*size)));
}

std::vector<const chain::BlockNode*>
Request::active_blocks(size_t hash_at, std::string_view count_text) {
    const std::optional<int64_t> count = number_of(count_text);
    if (!count || *count < 1 || *count > MAX_HEADERS)
        refuse(
            "Header count is invalid or out of acceptable range (1-2000): " +
            std::string(count_text));
    const BlockHash hash(*hash_from_string(hash_part(hash_at).text));
    const chain::View view = chain_.view();
    std::vector<const chain::BlockNode*> blocks;
    const chain::BlockNode* node = chain_.find_block(hash);
    while (node != nullptr && view.contains(*node) &&
           static_cast<int64_t>(blocks.size()) < *count) {
        blocks.push_back(node);
        node = view.at(node->height + 1);
    }
    return blocks;
}

Answer Request::headers() {
    // The count is a part of the path, of old, or a query.
    const bool old_form = parts_.size() > 2;
    const auto blocks = old_form ? active_blocks(2, part(1))
                                 : active_blocks(1, query("count", std::to_string(USUAL_HEADERS)));
    Bytes all;
    std::string list = "[";
    for (const chain::BlockNode* node : blocks) {
        if (format_ == Format::Json) {
            list += list.size() > 1 ? "," : "";
            list += call("getblockheader", {Json::of_text(node->hash.to_string())}, 404);
        } else {
            const Bytes header = encode(node->header);
            all.insert(all.end(), header.begin(), header.end());
        }
    }
    return format_ == Format::Json ? json(list + "]") : bytes(all);
}

Answer Request::block_hash() {
    const std::optional<int64_t> height = number_of(part(1));
    if (!height || *height < 0 || *height > INT32_MAX)
        refuse("Invalid height: " + std::string(part(1)));
    const std::string hash = text_of("getblockhash", {json_of(std::to_string(*height))}, 404);
    if (format_ == Format::Json) return json(R"({"blockhash":")" + hash + "\"}");
    if (format_ == Format::Hex) return {200, hash + "\n", "text/plain"};
    return bytes(hash_from_string(hash)->bytes);
}

Answer Request::chain_info() {
    json_only();
    return json(call("getblockchaininfo", {}, 400));
}

Answer Request::deployments() {
    json_only();
    if (part(1).empty()) return json(call("getdeploymentinfo", {}, 400));
    return json(call("getdeploymentinfo", {hash_part(1)}, 400));
}

Answer Request::mempool() {
    json_only();
    if (part(1) == "info") return json(call("getmempoolinfo", {}, 400));
    if (part(1) != "contents")
        refuse("Invalid URI format. Expected /rest/mempool/<info|contents>.json");
    const bool verbose = flag("verbose", true);
    const bool sequence = flag("mempool_sequence", false);
    if (verbose && sequence)
        refuse("Verbose results cannot contain mempool sequence values. (hint: set "
               "\"verbose=false\")");
    return json(call(
        "getrawmempool",
        {json_of(verbose ? "true" : "false"), json_of(sequence ? "true" : "false")}, 400));
}

Answer Request::filter() {
    if (part(1) != "basic") refuse("Unknown filtertype " + std::string(part(1)));
    const Json hash = hash_part(2);
    const std::string reply = call("getblockfilter", {hash}, 404);
    const std::string filter = json_of(reply).find("filter")->text;
    if (format_ == Format::Json) return json(R"({"filter":")" + filter + "\"}");
    Bytes out;
    Writer writer(out);
    writer(BASIC_FILTER, *hash_from_string(hash.text), *from_hex(filter));
    return bytes(out);
}

Answer Request::filter_headers() {
    if (part(1) != "basic") refuse("Unknown filtertype " + std::string(part(1)));
    const bool old_form = parts_.size() > 3;
    const auto blocks = old_form ? active_blocks(3, part(2))
                                 : active_blocks(2, query("count", std::to_string(USUAL_HEADERS)));
    if (!chain_.indexes().enabled(chain::IndexId::Filters)) refuse(NO_FILTERS.message);
    std::vector<Hash256> all;
    for (const chain::BlockNode* node : blocks) {
        const std::optional<chain::FilterEntry> entry = chain_.indexes().filter(*node);
        if (!entry) refuse("Filter not found.", 404);
        all.push_back(entry->header);
    }
    if (format_ == Format::Json) return json(server::to_json(all));
    Bytes out;
    Writer writer(out);
    for (const Hash256& header : all) writer(header);
    return bytes(out);
}

/// A coin as getutxos shows it.
struct UnspentView {
    Coin coin;
    const Params* params;
};

const Object<UnspentView> UNSPENT{
    {"height", "Height of the block that made it", [](auto& u) { return u.coin.height; }},
    {"value", "Its amount", [](auto& u) { return u.coin.out.value; }},
    {"scriptPubKey", "Its script",
     [](auto& u) {
         return ScriptView{u.coin.out.script_pubkey, u.params};
     },
     SCRIPT}};

struct UnspentReply {
    const chain::BlockNode* tip = nullptr;
    std::string bitmap;
    std::vector<UnspentView> found;
};

const Object<UnspentReply> UNSPENT_REPLY{
    {"chainHeight", "Height of the tip", [](auto& r) { return r.tip->height; }},
    {"chaintipHash", "The tip", [](auto& r) { return r.tip->hash; }},
    {"bitmap", "Of each output asked for whether it is unspent", &UnspentReply::bitmap},
    {"utxos", "Those that are", &UnspentReply::found, UNSPENT}};

/// "TXID-N"
OutPoint point_of(std::string_view text) {
    const size_t dash = std::min(text.find('-'), text.size());
    const auto txid = Txid::from_string(text.substr(0, dash));
    const std::string_view digits = text.substr(std::min(dash + 1, text.size()));
    const std::optional<int64_t> index = number_of(digits);
    if (!txid || !index || digits[0] == '-' || *index > UINT32_MAX) refuse("Parse error");
    return {*txid, static_cast<uint32_t>(*index)};
}

Answer Request::unspent() {
    bool with_mempool = part(1) == "checkmempool";
    std::vector<OutPoint> points;
    for (size_t i = with_mempool ? 2 : 1; i < parts_.size(); ++i)
        points.push_back(point_of(parts_[i]));
    if (!body_.empty()) {
        if (!points.empty())
            refuse("Combination of URI scheme inputs and raw post data is not allowed");
        const std::optional<Bytes> given =
            format_ == Format::Hex ? from_hex(body_) : Bytes(body_.begin(), body_.end());
        Reader reader(given ? ByteView(*given) : ByteView());
        if (format_ == Format::Json) reader.fail();
        reader(with_mempool, points);
        if (!reader.at_end()) refuse("Parse error");
    }
    if (points.empty()) refuse("Error: empty request");
    if (points.size() > MAX_OUTPOINTS)
        refuse(
            "Error: max outpoints exceeded (max: " + std::to_string(MAX_OUTPOINTS) +
            ", tried: " + std::to_string(points.size()) + ")");
    UnspentReply reply{.tip = &chain_.view().tip()};
    for (const OutPoint& point : points) {
        std::optional<Coin> coin = chain_.find_coin(point, with_mempool, &reply.tip);
        reply.bitmap += coin ? '1' : '0';
        if (coin) reply.found.push_back({std::move(*coin), &chain_.params()});
    }
    if (format_ == Format::Json) return json(server::to_json(reply, UNSPENT_REPLY));
    Bytes bitmap((points.size() + 7) / 8);
    for (size_t i = 0; i < points.size(); ++i)
        if (reply.bitmap[i] == '1') bitmap[i / 8] |= static_cast<uint8_t>(1 << (i % 8));
    Bytes out;
    Writer writer(out);
    writer(reply.tip->height, reply.tip->hash, bitmap);
    writer.compact_size(reply.found.size());
    for (const UnspentView& found : reply.found)
        writer(uint32_t{0}, found.coin.height, found.coin.out); // the first was a version once
    return bytes(out);
}

struct SpentView {
    TxOut out;
    const Params* params;
};

const Object<SpentView> SPENT{
    {"value", "Its amount", [](auto& s) { return s.out.value; }},
    {"scriptPubKey", "Its script",
     [](auto& s) {
         return ScriptView{s.out.script_pubkey, s.params};
     },
     SCRIPT}};

Answer Request::spent() {
    const Json hash = hash_part(1);
    const chain::BlockNode* node = chain_.find_block(BlockHash(*hash_from_string(hash.text)));
    const BlockRef block = node != nullptr ? chain_.read_block(*node) : nullptr;
    if (!block) refuse(hash.text + " not found", 404);
    const auto undo = chain_.read_undo(*node, *block);
    if (!undo && node->height > Height(0)) refuse(hash.text + " undo not available", 404);
    // Each transaction's, none of the coinbase.
    std::vector<std::vector<TxOut>> outputs(1);
    std::vector<std::vector<SpentView>> views(1);
    for (size_t i = 1; undo && i <= undo->ends.size(); ++i) {
        outputs.emplace_back();
        views.emplace_back();
        for (const Coin& coin : undo->spent(i)) {
            outputs.back().push_back(coin.out);
            views.back().push_back({coin.out, &chain_.params()});
        }
    }
    if (format_ == Format::Json) return json(server::to_json(views, SPENT));
    Bytes out;
    Writer writer(out);
    writer(outputs);
    return bytes(out);
}

Answer Request::answer() {
    static constexpr Endpoint ENDPOINTS[] = {
        {"tx", &Request::transaction},
        {"block", &Request::block},
        {"blockpart", &Request::block_part},
        {"headers", &Request::headers},
        {"blockhashbyheight", &Request::block_hash},
        {"chaininfo", &Request::chain_info},
        {"deploymentinfo", &Request::deployments},
        {"mempool", &Request::mempool},
        {"blockfilter", &Request::filter},
        {"blockfilterheaders", &Request::filter_headers},
        {"getutxos", &Request::unspent},
        {"spenttxouts", &Request::spent}};
    const auto* found = std::ranges::find(ENDPOINTS, part(0), &Endpoint::name);
    if (found == std::end(ENDPOINTS)) refuse("Not Found", 404);
    return (this->*found->answer)();
}

} // namespace

Answer rest_answer(
    const server::Dispatcher& dispatcher,
    const NodeContext& context,
    std::string_view target,
    std::string_view body) {
    try {
        return Request(dispatcher, context, target, body).answer();
    } catch (Refusal& refusal) {
        return {refusal.status, std::move(refusal.text) + "\r\n", "text/plain"};
    } catch (const std::exception& failure) {
        return {500, std::string(failure.what()) + "\r\n", "text/plain"};
    }
}

} // namespace cairn::rpc
