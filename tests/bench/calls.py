#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How fast JSON-RPC answers, by wrk over loopback: small, blocks, batch, coins.

    calls.py [--small] [--check] [--directory=DIR] [small] [blocks] [batch] [coins]

--small    in seconds, to see that all of this still works
--check    fail where a figure is not what was asked for; for a machine that does nothing else
DIR        keeps the chain of bench_import, which takes a minute to make
"""
import base64
import http.client
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "functional"))
# pylint: disable=wrong-import-position
from framework import BIN, PATIENCE, Test, wait_until

CHAIN = os.path.join(HERE, "chain.json")
CONNECTIONS = 32
THREADS = 4  # what -rpcthreads is by default
SKIPPED = 77

# Each request is another line of a file, at random; a single one is written once, since else the
# client takes more time than the server.
SCRIPT = """
local bodies = {}
for line in io.lines(os.getenv("BODIES")) do bodies[#bodies + 1] = line end
wrk.method = "POST"
wrk.headers["Authorization"] = os.getenv("AUTHORIZATION")
wrk.headers["Content-Type"] = "application/json"
if #bodies == 1 then
    wrk.body = bodies[1]
else
    math.randomseed(1)
    request = function() return wrk.format(nil, "/", nil, bodies[math.random(#bodies)]) end
end
"""


def call(method, *params):
    return json.dumps({"jsonrpc": "1.0", "id": 1, "method": method, "params": params})


class Bench:
    def __init__(self, small, check, directory, temporary):
        self.small, self.check = small, check
        self.directory, self.temporary = directory, temporary
        self.failed = False
        self.script = os.path.join(temporary, "wrk.lua")
        with open(self.script, "w", encoding="utf-8") as file:
            file.write(SCRIPT)

    def expect(self, good, what):
        print(f"  {what}: {'as asked' if good else 'NOT AS ASKED'}", flush=True)
        self.failed |= self.check and not good

    def load(self, port, bodies, authorization=""):
        """(requests a second, milliseconds that 99 of 100 take at most)."""
        file = os.path.join(self.temporary, "bodies")
        with open(file, "w", encoding="utf-8") as lines:
            lines.write("\n".join(bodies) + "\n")
        output = subprocess.run(
            ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{1 if self.small else 5}s", "--latency",
             "--timeout", "60s", "-s", self.script, f"http://127.0.0.1:{port}/"],
            env={**os.environ, "BODIES": file, "AUTHORIZATION": authorization},
            check=True, capture_output=True, text=True).stdout
        assert "Non-2xx" not in output and "Socket errors" not in output, output
        rate = float(re.search(r"Requests/sec:\s+([\d.]+)", output)[1])
        number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", output).groups()
        return rate, float(number) * {"us": 1e-3, "ms": 1, "s": 1e3}[unit]

    def blocks_node(self, test, *options):
        """A node with full blocks; (node, their heights)."""
        payments = 100 if self.small else 2_000
        file = os.path.join(self.directory, "blocks.dat")
        if not os.path.exists(file):
            subprocess.run([os.path.join(BIN, "bench_import"), "--assumed-only",
                            f"--directory={self.directory}",
                            "--small" if self.small else "--full-blocks"],
                           check=True, stdout=subprocess.DEVNULL)
        with open(os.path.join(self.directory, "last"), encoding="utf-8") as text:
            last = text.read().strip()
        node = test.node("-nodebug", "-dbcache=1000", "-txindex", f"-assumevalid={last}",
                         *options, chain=CHAIN, start=False)
        node.start(f"-loadblock={file}")
        wait_until(lambda: node.rpc.getblockcount() > 2_100 and all(
            index["synced"] for index in node.rpc.getindexinfo().values()), "the import", 600)
        full = [height for height in range(1, node.rpc.getblockcount() + 1)
                if node.rpc.getblockheader(node.rpc.getblockhash(height))["nTx"] == payments + 1]
        assert full, "no block is full"
        return node, full[-200:]


def authorization_of(node):
    with open(os.path.join(node.chain_directory, ".cookie"), encoding="utf-8") as file:
        return "Basic " + base64.b64encode(file.read().strip().encode()).decode()


def small(bench, test):
    """The shortest call, beside a server that does nothing."""
    node = test.node("-nodebug", chain="regtest")
    body = call("getblockcount")
    reply = json.dumps({"result": 0, "error": None, "id": 1}, separators=(",", ":")) + "\n"
    ratios, rates = [], []
    with subprocess.Popen([os.path.join(BIN, "bench_bare_http"), str(THREADS), reply],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as bare:
        port = int(bare.stdout.readline())
        for _ in range(1 if bench.small else 5):
            limit, _ = bench.load(port, [body])
            rate, slow = bench.load(node.rpc_port, [body], authorization_of(node))
            ratios.append(rate / limit)
            rates.append(rate)
        bare.stdin.close()
    ratio, rate = statistics.median(ratios), statistics.median(rates)
    print(f"small: {rate:,.0f} getblockcount a second, {ratio:.2f} of a bare server; "
          f"99 of 100 within {slow:.2f} ms")
    bench.expect(ratio >= 0.8 and rate >= 70_000, "at least 0.8, and 70,000")


def blocks(bench, test):
    """getblock of many full blocks in random order."""
    node, full = bench.blocks_node(test)
    bodies = [call("getblock", node.rpc.getblockhash(height), 1) for height in full]
    rate, slow = bench.load(node.rpc_port, bodies, authorization_of(node))
    print(f"blocks: {rate:,.0f} getblock a second of {len(full)} blocks; 99 of 100 within "
          f"{slow:.1f} ms")
    bench.expect(rate >= 1_500, "at least 1,500")


def batch(bench, test):
    """A batch of 1,000 getrawtransaction, of transactions all over the chain."""
    node, full = bench.blocks_node(test)
    txids = [txid for height in full[::20]
             for txid in node.rpc.getblock(node.rpc.getblockhash(height))["tx"][1:]]
    chosen = txids[::max(1, len(txids) // 1_000)][:1_000]
    body = "[" + ",".join(call("getrawtransaction", txid) for txid in chosen) + "]"
    taken, answers = ask_often(node, body)
    assert all(each["error"] is None for each in answers)
    each = taken / len(chosen) * 1e6
    print(f"batch: {each:.1f} us each of {len(chosen)} getrawtransaction")
    bench.expect(each < 20, "under 20 us")


def coins(bench, test):
    """All unspent outputs, summed up by the index."""
    node, _ = bench.blocks_node(test, "-coinstatsindex")
    taken, answer = ask_often(node, call("gettxoutsetinfo", "muhash"))
    assert answer["result"]["height"] == node.rpc.getblockcount()
    print(f"coins: {taken * 1e3:.2f} ms for gettxoutsetinfo of {answer['result']['txouts']} coins")
    bench.expect(taken < 0.005, "under 5 ms")


def ask_often(node, body):
    """(median of the seconds until the answer is read, the answer), over one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", node.rpc_port, timeout=PATIENCE)
    taken = []
    for _ in range(20):
        start = time.monotonic()
        connection.request("POST", "/", body, {"Authorization": authorization_of(node)})
        answer = connection.getresponse().read()
        taken.append(time.monotonic() - start)
    connection.close()
    return statistics.median(taken), json.loads(answer)


PARTS = {"small": small, "blocks": blocks, "batch": batch, "coins": coins}


def main(arguments):
    flags = [each for each in arguments if each.startswith("-")]
    parts = [each for each in arguments if each not in flags] or list(PARTS)
    directories = [flag.partition("=")[2] for flag in flags if flag.startswith("--directory=")]
    if not set(parts) <= set(PARTS) or \
            any(flag not in ("--small", "--check") and "--directory=" not in flag
                for flag in flags):
        print(__doc__)
        return 2
    if shutil.which("wrk") is None:
        print("no wrk here")
        return SKIPPED
    with tempfile.TemporaryDirectory(prefix="cairn-bench-") as temporary:
        bench = Bench("--small" in flags, "--check" in flags, (directories + [temporary])[0],
                      temporary)
        for part in parts:
            test, failed = Test(), True
            try:
                PARTS[part](bench, test)
                failed = False
            finally:
                bench.failed |= test.finish(failed)
    return 1 if bench.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
