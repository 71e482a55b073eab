#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What clients are told without asking again: over WebSockets and as server-sent events, to those
that come again after a reorganisation or a crash, beside those that are too slow; and who may."""
import http.client
import json
import os
import signal
import struct

from framework import REGTEST_ADDRESS, RpcError, expect_equal, expect_in, run, wait_until
from web_socket import CLOSE, PING, PONG, TEXT, Closed, EventStream, Refused, WebSocket, basic

SPENDABLE = "bcrt1qft5p2uhsdcdc3l2ua4ap5qqfg4pjaqlp250x7us7a8qqhrxrxfsqseac85"  # of OP_1
OP_1_HASH = "00204ae81572f06e1b88fd5ced7a1a000945432e83e1551e6f721ee9c00b8cc33260"


def log_of(node, first, count):
    """What the log says of these events, by a client that asks for them."""
    client = WebSocket(node)
    client.call("subscribe", ["blocks"], first)
    events = client.news(count, "block")
    client.close()
    return events


def check_chain(events):
    """Each event follows from the one before: nothing is missing, nothing twice."""
    for before, event in zip(events, events[1:]):
        expect_equal(event["sequence"], before["sequence"] + 1, "the sequence")
        tip = before["hash"] if before["kind"] == "connected" else before["previous"]
        left = event["previous"] if event["kind"] == "connected" else event["hash"]
        expect_equal(left, tip, f"where event {event['sequence']} begins")


def spend(node, height, fee=10_000, scripts=(OP_1_HASH,)):
    """A transaction, in hexadecimal, from the coinbase of that block, which anyone can spend, to
    the first script; the others get nothing."""
    block = node.rpc.getblock(node.rpc.getblockhash(height), 2)
    txid = block["tx"][0]["txid"]
    amount = round(block["tx"][0]["vout"][0]["value"] * 10**8) - fee
    outputs = b"".join(struct.pack("<QB", 0 if i else amount, len(script) // 2)
                       + bytes.fromhex(script) for i, script in enumerate(scripts))
    count = bytes([len(scripts)]) if len(scripts) < 253 else struct.pack("<BH", 253, len(scripts))
    return ("02000000" "0001" "01" + bytes.fromhex(txid)[::-1].hex() + "00000000" "00" "ffffffff"
            + count.hex() + outputs.hex() + "01" "01" "51"
            + "00000000")


def blocks_are_told(test):
    node = test.node(chain="regtest")
    first, second = WebSocket(node), WebSocket(node)
    expect_equal(first.call("getblockcount"), 0, "a call")
    begun = first.call("subscribe", ["blocks"])
    expect_equal(begun["next"], 0, "the first event")
    second.call("subscribe", ["reorganisations"])
    hashes = node.mine(3, REGTEST_ADDRESS)
    told = first.news(3, "block")
    expect_equal([event["hash"] for event in told], hashes, "the blocks")
    expect_equal([event["height"] for event in told], [1, 2, 3], "their heights")
    header = node.rpc.getblockheader(hashes[2])
    expect_equal((told[2]["kind"], told[2]["previous"], told[2]["work"]),
                 ("connected", hashes[1], header["chainwork"]), "the third")
    node.rpc.invalidateblock(hashes[1])
    other = node.mine(1, SPENDABLE)
    told = first.news(3, "block")
    expect_equal([(event["kind"], event["hash"]) for event in told],
                 [("disconnected", hashes[2]), ("disconnected", hashes[1]),
                  ("connected", other[0])], "the reorganisation")
    expect_equal(told[2]["reorganisation"], {"depth": 2, "old_tip": hashes[2]}, "of it")
    expect_equal(second.news(1), [("block", told[2])], "what the other is told")
    assert first.call("unsubscribe", begun["subscription"])
    assert not first.call("unsubscribe", begun["subscription"])
    node.mine(1, REGTEST_ADDRESS)
    expect_equal(first.call("getblockcount"), 3, "a call")
    expect_equal(first.told, [], "nothing is told any more")
    try:
        node.rpc.subscribe(["blocks"])
        raise AssertionError("there is nobody to be told")
    except RpcError as error:
        expect_equal((error.code, error.message), (-1, "Only over a WebSocket"), "over HTTP")


def mempool_and_scripts_are_told(test):
    node = test.node(chain="regtest")
    node.mine(1, SPENDABLE)
    node.mine(101, REGTEST_ADDRESS)
    mempool, owner, other = WebSocket(node), WebSocket(node), WebSocket(node)
    mempool.call("subscribe", ["mempool"])
    owner.call("subscribe", [SPENDABLE])
    other.call("subscribe", ["bcrt1qqyqszqgpqyqszqgpqyqszqgpqyqszqgpvxat9t"])
    for client in (mempool, owner, other):
        live = client.news(1, "mempool")[0]
        expect_equal((live["live"], live["sequence"]),
                     (True, node.rpc.getrawmempool(False, True)["mempool_sequence"]), "the start")
    first = node.rpc.sendrawtransaction(spend(node, 1))
    added = mempool.news(1, "mempool")[0]["changes"]
    expect_equal([(change["kind"], change["txid"]) for change in added], [("added", first)],
                 "the mempool")
    assert "scripts" not in added[0] and added[0]["feerate"] > 0, added
    expect_equal(owner.news(1, "mempool")[0]["changes"][0]["scripts"], [OP_1_HASH], "the script")
    second = node.rpc.sendrawtransaction(spend(node, 1, 50_000))
    changes = []
    while len(changes) < 2:
        changes += mempool.news(1, "mempool")[0]["changes"]
    expect_equal([(change["kind"], change["txid"], change.get("reason")) for change in changes],
                 [("removed", first, "replaced"), ("added", second, None)], "the replacement")
    block = node.mine(1, REGTEST_ADDRESS)[0]
    removed = mempool.news(1, "mempool")[0]["changes"]
    expect_equal([(change["txid"], change["reason"]) for change in removed], [(second, "block")],
                 "what was mined")
    told = owner.news(1, "block")[0]
    expect_equal((told["hash"], told["transactions"]),
                 (block, [{"txid": second, "script": OP_1_HASH}]), "the block")
    late = WebSocket(node)
    late.call("subscribe", [OP_1_HASH], 0)
    expect_equal([event["height"] for event in late.news(2, "block")], [1, 103],
                 "the blocks that touch it")
    expect_equal(other.call("uptime") >= 0 and other.told, [], "what others are told")


def nothing_is_missed(test):
    """A client that comes again after a reorganisation, a kill and a restart."""
    node = test.node(chain="regtest")
    hashes = node.mine(120, REGTEST_ADDRESS)
    client = WebSocket(node)
    client.call("subscribe", ["blocks"], 0)
    seen = client.news(120, "block")
    client.close()
    node.rpc.invalidateblock(hashes[100])
    node.mine(30, SPENDABLE)
    node.kill()
    node.start()
    node.mine(5, REGTEST_ADDRESS)
    client = WebSocket(node)
    client.call("subscribe", ["blocks"], seen[-1]["sequence"] + 1)
    seen += client.news(20 + 30 + 5, "block")
    live = node.mine(1, REGTEST_ADDRESS)
    seen += client.news(1, "block")
    expect_equal(seen[0]["previous"], node.rpc.getblockhash(0), "where it begins")
    expect_equal(seen[-1]["hash"], live[0], "where it ends")
    check_chain(seen)
    expect_equal(log_of(node, 0, len(seen)), seen, "the whole log")
    refused = client.reply(client.begin("subscribe", ["blocks"], len(seen) + 1))
    expect_equal(refused["error"]["code"], -8, "an event that isn't yet")


def catching_up_beside_new_blocks(test):
    """The log is read while it grows."""
    node = test.node(chain="regtest")
    node.mine(300, REGTEST_ADDRESS)
    clients = [WebSocket(node) for _ in range(20)]
    waiting = [client.begin("subscribe", ["blocks"], i * 10) for i, client in enumerate(clients)]
    node.mine(100, REGTEST_ADDRESS)
    for i, client in enumerate(clients):
        client.reply(waiting[i])
        events = client.news(400 - i * 10, "block")
        expect_equal((events[0]["sequence"], events[-1]["sequence"]), (i * 10, 399), "its events")
        check_chain(events)


def events_are_streamed(test):
    node = test.node(chain="regtest")
    hashes = node.mine(5, REGTEST_ADDRESS)
    stream = EventStream(node, "?since=2")
    expect_in("text/event-stream", stream.headers["content-type"])
    told = stream.news(3)
    expect_equal([(number, name, data["hash"]) for number, name, data in told],
                 [("2", "block", hashes[2]), ("3", "block", hashes[3]), ("4", "block", hashes[4])],
                 "the stream")
    expect_equal([data for _, _, data in told], log_of(node, 2, 3), "the same as a WebSocket's")
    again = EventStream(node, "?since=0", headers={"Last-Event-ID": "3"})
    expect_equal(again.news(1)[0][2]["hash"], hashes[4], "after the last one")
    live = EventStream(node, "?topics=blocks%2Cmempool")
    _, name, data = live.news(1)[0]
    expect_equal((name, data["live"]), ("mempool", True), "the start of the mempool's changes")
    block = node.mine(1, SPENDABLE)[0]
    for one in (stream, again, live):
        expect_equal(one.news(1)[0][2]["hash"], block, "live")
    for query in ("?since=9", "?since=x", "?topics=", "?topics=nonsense", "?since=-1"):
        try:
            EventStream(node, query)
        except Refused as refused:
            expect_equal(refused.status, 400, query)
        else:
            raise AssertionError(f"{query} should have been refused")
    node.stop()
    for one in (stream, again, live):
        try:
            one.news(1)
        except Closed:
            continue
        raise AssertionError("the stream should have ended")


def slow_ones_are_dropped(test):
    """Those who don't read lose their connection; all others are told everything."""
    node = test.node(chain="regtest")
    node.mine(20, SPENDABLE)
    node.mine(100, REGTEST_ADDRESS)
    scripts = [f"0020{i:064x}" for i in range(1000)]
    slow = []
    for client in (WebSocket(node), WebSocket(node)):
        for _ in range(16):  # as often as a client may
            client.call("subscribe", scripts)
        slow.append(client)
    expect_equal(slow[0].reply(slow[0].begin("subscribe", ["blocks"]))["error"]["message"],
                 "Too many subscriptions", "once more")
    quick = WebSocket(node)
    quick.call("subscribe", ["blocks"])
    heights = iter(range(1, 21))
    seen = []

    def dropped():
        # Each block touches all the scripts, so that there is much to tell.
        node.rpc.generateblock(REGTEST_ADDRESS, [spend(node, next(heights), scripts=scripts)])
        seen.extend(quick.news(1, "block"))
        return node.output().count('rpc_client_dropped reason="too slow"') == 2
    wait_until(dropped, "the slow clients to be dropped")
    check_chain(seen)
    expect_equal(seen[-1]["height"], node.rpc.getblockcount(), "what the quick one was told of")
    for client in slow:
        try:
            while True:
                client.read_frame()
        except Closed as closed:
            expect_equal(closed.code, None, "its end")


def bad_frames_end_a_connection_only(test):
    node = test.node("-rpcservertimeout=3", chain="regtest")
    good = WebSocket(node)
    good.call("subscribe", ["blocks"])
    for opcode, payload, options, code in (
            (TEXT, b"{}", {"masked": False}, 1002), (3, b"", {}, 1002), (0, b"more", {}, 1002),
            (PING, b"x" * 126, {}, 1002), (PING, b"", {"fin": False}, 1002),
            (TEXT, b"\xff\xfe", {}, 1007), (TEXT, b" " * (33 << 20), {}, 1009),
            (CLOSE, b"\x03\xe8", {}, 1000), (CLOSE, b"\x00\x00", {}, 1002)):
        expect_equal(good.call("getblockcount"), 0, "what others ask")  # and it answers pings
        client = WebSocket(node)
        try:
            client.send_frame(opcode, payload, **options)
        except ConnectionError:
            continue  # it has read enough
        try:
            client.read_frame()
        except Closed as closed:
            assert closed.code in (code, None), (opcode, payload[:4], closed.code)
        else:
            raise AssertionError(f"opcode {opcode} should have been refused")
    client = WebSocket(node)
    client.send_frame(TEXT, b"nonsense")
    expect_equal(json.loads(client.read_frame()[1])["error"]["code"], -32700, "nonsense")
    client.send_frame(TEXT, b'{"jsonrpc":"2.0","id":1,"meth', fin=False)
    client.send_frame(PING, b"here?")
    expect_equal(client.read_frame(), (PONG, b"here?"), "between two parts")
    client.send_frame(0, b'od":"getblockcount"}')
    expect_equal(json.loads(client.read_frame()[1])["result"], 0, "two parts")
    client.send_frame(TEXT, b'[{"id":1,"method":"getblockcount"},{"id":2,"method":"nope"}]')
    expect_equal([reply["id"] for reply in json.loads(client.read_frame()[1])], [1, 2], "a batch")
    long = client.begin("waitfornewblock")
    expect_equal(client.call("getblockcount"), 0, "while another call waits")
    expect_equal(good.call("getblockcount"), 0, "what others ask")
    block = node.mine(1, REGTEST_ADDRESS)[0]
    expect_equal(client.reply(long)["result"]["hash"], block, "that call")
    silent = WebSocket(node)
    expect_equal(silent.socket.recv(1)[0] & 0x0f, PING, "what is asked of a silent client")
    wait_until(lambda: not silent.socket.recv(100), "it to be given up")
    expect_equal(good.news(1, "block")[0]["hash"], block, "what others are told")


def stop_says_goodbye(test):
    node = test.node(chain="regtest")
    client = WebSocket(node)
    long = client.begin("waitfornewblock")
    expect_equal(client.call("getblockcount"), 0, "a call")
    node.process.send_signal(signal.SIGTERM)
    expect_equal(client.reply(long)["result"]["height"], 0, "the call that waited")
    try:
        client.read_frame()
    except Closed as closed:
        expect_equal(closed.code, 1001, "going away")
        client.send_frame(CLOSE, struct.pack(">H", 1001))
        client.close()
    expect_equal(node.process.wait(60), 0, "exit code")


def expect_refused(status, connect, *arguments, **options):
    try:
        connect(*arguments, **options)
    except Refused as refused:
        expect_equal(refused.status, status, "status")
        return
    raise AssertionError("it should have been refused")


def roles_and_origins(test):
    salted = ("50358aa884c841648e0700b073c32b2e$"  # "12345", as rpcauth.py hashes it
              "b73e95fff0748cc0b517859d2ca47d9bac1aa78231f3e48fa9222b612bd2083e")
    origin = "https://wallet.example:8443"
    node = test.node(
        *(f"-rpcauth={user}:{salted}" for user in ("reader", "miner", "boss", "listed")),
        "-rpcrole=reader:read", "-rpcrole=miner:mine", "-rpcwhitelistdefault=0",
        "-rpcwhitelist=listed:getblockcount,/events", f"-rpccorsorigin={origin}", chain="regtest")

    def status(user, method, *params):
        connection = http.client.HTTPConnection("127.0.0.1", node.rpc_port)
        connection.request("POST", "/", json.dumps({"method": method, "params": params}),
                           {"Authorization": "Basic " + basic(f"{user}:12345")})
        reply = connection.getresponse()
        reply.read()
        connection.close()
        return reply.status

    for user, statuses in (("reader", (200, 403, 403)), ("miner", (200, 200, 403)),
                           ("boss", (200, 200, 200)), ("listed", (403, 403, 403))):
        found = (status(user, "getblockchaininfo"),
                 status(user, "generatetoaddress", 1, REGTEST_ADDRESS), status(user, "logging"))
        expect_equal(found, statuses, user)
    expect_equal(status("listed", "getblockcount"), 200, "listed")
    client = WebSocket(node, "reader:12345")
    client.call("subscribe", ["blocks"])
    refused = client.reply(client.begin("generatetoaddress", 1, REGTEST_ADDRESS))
    expect_equal(refused["error"]["code"], -2, "to mine")
    EventStream(node, "", "listed:12345").close()
    client = WebSocket(node, "listed:12345")
    expect_equal(client.reply(client.begin("subscribe", ["blocks"]))["error"]["code"], -2, "listed")
    expect_refused(401, WebSocket, node, "reader:1234")
    expect_refused(401, WebSocket, node, "")
    expect_refused(401, EventStream, node, "", "")
    token = basic("reader:12345").replace("=", "%3D")
    WebSocket(node, "", path=f"/?token={token}").call("getblockcount")
    EventStream(node, f"?token={token}", "").close()

    WebSocket(node, headers=[f"Origin: {origin}"])
    WebSocket(node, headers=[f"Origin: http://127.0.0.1:{node.rpc_port}"])
    for other in ("https://evil.example", "null", origin + "1",
                  f"https://127.0.0.1:{node.rpc_port}"):
        expect_refused(403, WebSocket, node, headers=[f"Origin: {other}"])
    check_cors(node, origin)


def check_cors(node, origin):
    def ask(method, headers, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", node.rpc_port)
        connection.request(method, "/", body, headers)
        reply = connection.getresponse()
        reply.read()
        connection.close()
        return reply.status, reply.headers["access-control-allow-origin"], reply.headers

    preflight = {"Origin": origin, "Access-Control-Request-Method": "POST",
                 "Access-Control-Request-Headers": "authorization,content-type"}
    status, allowed, headers = ask("OPTIONS", preflight)
    expect_equal((status, allowed), (204, origin), "a preflight")
    expect_in("POST", headers["access-control-allow-methods"])
    expect_in("Authorization", headers["access-control-allow-headers"])
    expect_equal(headers["vary"], "Origin", "what the answer depends on")
    status, allowed, _ = ask("OPTIONS", dict(preflight, Origin="https://evil.example"))
    expect_equal((status, allowed), (403, None), "of another page")
    call = '{"method":"getblockcount"}'
    secret = {"Authorization": "Basic " + basic("reader:12345")}
    for headers, wanted in (({"Origin": origin}, (401, origin)),
                            ({"Origin": origin, **secret}, (200, origin)),
                            ({"Origin": "https://evil.example", **secret}, (403, None)),
                            (secret, (200, None))):
        expect_equal(ask("POST", headers, call)[:2], wanted, headers)
    expect_equal(EventStream(node, "", headers={"Origin": origin}).headers[
        "access-control-allow-origin"], origin, "a stream")


def bad_options_are_told(test):
    for option, sentence in (("-rpcrole=reader:read", "expected USER:read"),
                             ("-rpccorsorigin=example.org", "expected an origin"),
                             ("-rpccorsorigin=https://example.org/", "expected an origin")):
        node = test.node(chain="regtest", start=False)
        code, _, error = test.cairnd(*node.arguments(option))
        expect_equal(code, 1, option)
        expect_in(sentence, error)


if __name__ == "__main__":
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    run(blocks_are_told, mempool_and_scripts_are_told, nothing_is_missed,
        catching_up_beside_new_blocks, events_are_streamed, slow_ones_are_dropped,
        bad_frames_end_a_connection_only, stop_says_goodbye, roles_and_origins,
        bad_options_are_told)
