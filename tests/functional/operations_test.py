#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What an operator's tools see of a node: metrics, health, readiness."""
import base64
import hmac
import http.client
import json
import os
import re
import signal
import socket

from framework import (DEFAULT_ADDRESS, REGTEST_ADDRESS, PATIENCE, expect_equal, expect_in,
                       free_port, run, stat_of, wait_until)

SAMPLE = re.compile(r'^(cairn_[a-z_]+)((?:\{(?:[a-z_]+="[^"]*",?)+\})?) (-?[0-9.e+-]+|\+Inf)$')
USER, PASSWORD = "watcher", "secret"


def get(port, path, user=None, body=None):
    """(status, body); `user`: name:password."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        headers = {}
        if user:
            headers["Authorization"] = "Basic " + base64.b64encode(user.encode()).decode()
        connection.request("POST" if body else "GET", path, body, headers)
        reply = connection.getresponse()
        return reply.status, reply.read().decode()
    finally:
        connection.close()


def reader():
    """Options for a user who may only read."""
    proof = hmac.new(b"salt", PASSWORD.encode(), "sha256").hexdigest()
    return [f"-rpcauth={USER}:salt${proof}", f"-rpcrole={USER}:read"]


def figures(port):
    """name{labels} -> value, each line checked against Prometheus' text format."""
    status, text = get(port, "/metrics", f"{USER}:{PASSWORD}")
    expect_equal(status, 200, "status of /metrics")
    found, families = {}, set()
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in families, f"{name} twice"
            assert kind in ("gauge", "counter", "histogram"), line
            families.add(name)
        elif not line.startswith("# HELP "):
            sample = SAMPLE.match(line)
            assert sample, f"no sample: {line}"
            family = re.sub("_(bucket|sum|count)$", "", sample[1])
            assert sample[1] in families or family in families, f"of no family: {line}"
            found[sample[1] + sample[2]] = float(sample[3])
    return found


def metrics_tell_of_all_parts(test):
    node = test.node(*reader(), chain="regtest")
    other = test.node(chain="regtest")
    node.connect(other)
    node.mine(3, REGTEST_ADDRESS)
    for height in (1, 2, 99):
        try:
            node.rpc.getblockhash(height)
        except Exception:  # pylint: disable=broad-except
            assert height == 99
    index = 'cairn_index_height{index="basic block filter index"}'
    wait_until(lambda: figures(node.rpc_port)[index] == 3, "the index, built beside the chain")
    seen = figures(node.rpc_port)
    for name, value in (
            ("cairn_blocks", 3), ("cairn_headers", 3), ("cairn_mempool_transactions", 0),
            ('cairn_peers{direction="outbound"}', 1), ('cairn_peers{direction="inbound"}', 0),
            ('cairn_rpc_seconds_count{method="getblockhash"}', 3),
            ('cairn_rpc_seconds_bucket{method="getblockhash",le="+Inf"}', 3),
            ('cairn_rpc_errors_total{method="getblockhash"}', 1),
            ('cairn_info{version="0.1.0",chain="regtest"}', 1)):
        expect_equal(seen.get(name), value, name)
    for name in ('cairn_validation_seconds_total{stage="connect"}', "cairn_cache_coins",
                 "cairn_cache_max_bytes", "cairn_disk_free_bytes", "cairn_process_seconds_total",
                 'cairn_peer_bytes_total{direction="sent"}', "cairn_mempool_max_bytes"):
        assert seen[name] > 0, f"{name} is {seen[name]}"
    assert "cairn_miner_hashes_total" not in seen, "a node that doesn't mine"


def miner_tells_its_hashes(test):
    node = test.node(*reader(), f"-mine={REGTEST_ADDRESS}", chain="regtest")
    wait_until(lambda: figures(node.rpc_port)["cairn_miner_hashes_total"] > 0, "hashes")


def metrics_need_a_reader(test):
    node = test.node(*reader(), chain="regtest")
    expect_equal(get(node.rpc_port, "/metrics")[0], 401, "without a password")
    expect_equal(get(node.rpc_port, "/metrics", f"{USER}:wrong")[0], 401, "with a wrong one")
    token = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    expect_equal(get(node.rpc_port, f"/metrics?token={token}")[0], 200, "with a token")
    expect_equal(get(node.rpc_port, "/health"), (200, '{"status":"up"}\n'), "health is open")


def readiness_says_what_is_missing(test):
    """On the default chain, whose blocks are 15 seconds apart."""
    node = test.node()  # -connect=0: to have no peers is as it should be
    ready = get(node.rpc_port, "/ready")
    expect_equal((ready[0], json.loads(ready[1])["reason"]), (503, "old tip"), "from of old")
    node.mine(1, DEFAULT_ADDRESS)
    status, body = get(node.rpc_port, "/ready")
    answer = json.loads(body)
    expect_equal((status, answer["ready"], answer["blocks"], answer["tip_age_limit_seconds"]),
                 (200, True, 1, 180), "with a new block")
    later = node.rpc.getblockchaininfo()["time"] + 181
    node.stop()
    node.start(f"-mocktime={later}")
    ready = get(node.rpc_port, "/ready")
    expect_equal((ready[0], json.loads(ready[1])["reason"]), (503, "old tip"), "later")


def readiness_asks_for_peers(test):
    other = test.node(chain="regtest", start=False)
    node = test.node(f"-addnode={other.address}", chain="regtest")
    node.mine(1, REGTEST_ADDRESS)
    ready = get(node.rpc_port, "/ready")
    expect_equal((ready[0], json.loads(ready[1])["reason"]), (503, "no peers"), "alone")
    other.start()
    other.connect(node)
    wait_until(lambda: get(node.rpc_port, "/ready")[0] == 200, "the node to be ready")


def lines_of(path):
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        return file.read().splitlines()


def commands_are_run(test):
    started, blocks, down = (os.path.join(test.directory, name) for name in ("up", "new", "down"))
    node = test.node(f"-startupnotify=echo up >> '{started}'",
                     f"-blocknotify=echo %s >> '{blocks}'",
                     f"-shutdownnotify=sleep 0.2; echo down >> '{down}'",
                     "-blocknotify=kill -TERM $$", "-blocknotify=false", chain="regtest")
    wait_until(lambda: lines_of(started) == ["up"], "the command of the start")
    mined = node.mine(1, REGTEST_ADDRESS) + node.mine(5, REGTEST_ADDRESS)
    # The first one ended the initial download, so it isn't told of, or is: either is a start.
    wait_until(lambda: set(mined[1:]) <= set(lines_of(blocks)) <= set(mined), "all blocks")
    expect_equal(node.stop(), 0, "exit code")
    expect_equal(lines_of(down), ["down"], "the command of the end, waited for")


def commands_inherit_nothing(test):
    """A command that outlives the node holds none of its ports and files, and can be stopped."""
    pid_file = os.path.join(test.directory, "pid")
    node = test.node(f"-startupnotify=cd '{test.directory}'; echo $$ > new; mv new pid; "
                     "exec sleep 1000", chain="regtest")
    wait_until(lambda: os.path.exists(pid_file), "the command")
    pid = int(lines_of(pid_file)[0])

    def sleeps():  # while it is loaded it has other files
        name, fields = stat_of(pid)
        return (name, fields[0]) == ("sleep", "S")
    try:
        wait_until(sleeps, "the command to rest")
        files = os.listdir(f"/proc/{pid}/fd")
        expect_equal(sorted(files), ["0", "1", "2"], "files of the command")
        with open(f"/proc/{pid}/status", encoding="utf-8") as status:
            lines = status.read().splitlines()
        masks = dict(line.split(":\t") for line in lines if ":\t" in line)
        expect_equal(int(masks["SigBlk"], 16), 0, "signals blocked")
        expect_equal(node.stop(), 0, "exit code of the node beside it")
        node.start()
    finally:
        os.kill(pid, signal.SIGKILL)


def service_manager_hears_of_the_node(test):
    path = os.path.join(test.directory, "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        manager.settimeout(PATIENCE)
        node = test.node(chain="regtest", start=False)
        os.environ.update(NOTIFY_SOCKET=path, WATCHDOG_USEC="200000")
        try:
            node.start()
        finally:
            del os.environ["NOTIFY_SOCKET"], os.environ["WATCHDOG_USEC"]
        heard = [manager.recv(100) for _ in range(4)]
        expect_equal(heard, [b"READY=1"] + [b"WATCHDOG=1"] * 3, "what it hears")
        node.process.send_signal(signal.SIGTERM)
        while heard[-1] == b"WATCHDOG=1":
            heard.append(manager.recv(100))
        expect_equal(heard[-1], b"STOPPING=1", "at the end")


def logs_as_json(test):
    node = test.node("-logformat=json", "-debug=0", "-debug=rpc", chain="regtest")
    node.mine(1, REGTEST_ADDRESS)
    node.rpc.logging(["chain"], ["rpc"])
    node.mine(1, REGTEST_ADDRESS)
    node.stop()
    lines = [json.loads(line) for line in lines_of(os.path.join(node.chain_directory, "debug.log"))]
    assert all(set(line) == {"time", "level", "module", "message"} for line in lines)
    details = [line["message"] for line in lines if line["level"] == "debug"]
    calls = [text for text in details if "method=generatetoaddress" in text]
    blocks = [text for text in details if text.startswith("block_connected")]
    expect_equal((len(calls), len(blocks)), (1, 1), "calls before, blocks after the change")
    assert "height=2" in blocks[0], blocks


def addresses_of_their_own(test):
    metrics, rest = free_port(), free_port()
    node = test.node(*reader(), "-rest", f"-metricsbind=127.0.0.1:{metrics}",
                     f"-restbind=127.0.0.1:{rest}", chain="regtest")
    user = f"{USER}:{PASSWORD}"
    node.mine(1, REGTEST_ADDRESS)
    for port, path, status in (
            (metrics, "/metrics", 200), (metrics, "/health", 200), (metrics, "/ready", 200),
            (metrics, "/rest/chaininfo.json", 404), (metrics, "/", 404),
            (rest, "/rest/chaininfo.json", 200), (rest, "/metrics", 404), (rest, "/", 404),
            (node.rpc_port, "/metrics", 404), (node.rpc_port, "/rest/chaininfo.json", 404)):
        expect_equal(get(port, path, user)[0], status, f"{path} at {port}")
    call = '{"method":"getblockcount"}'
    expect_equal(get(metrics, "/", user, call)[0], 404, "JSON-RPC at -metricsbind")
    expect_equal(get(node.rpc_port, "/", user, call)[0], 200, "JSON-RPC at its own")
    code, _, error = test.cairnd(f"-datadir={test.directory}", "-regtest", "-metricsbind=nowhere")
    expect_equal(code, 1, "exit code")
    expect_in("Invalid -metricsbind address: 'nowhere'", error)


run(metrics_tell_of_all_parts, miner_tells_its_hashes, metrics_need_a_reader,
    readiness_says_what_is_missing, readiness_asks_for_peers, commands_are_run,
    commands_inherit_nothing, service_manager_hears_of_the_node, logs_as_json,
    addresses_of_their_own)
