#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What peers cost, and how fast they are, between real nodes over loopback: sync, swarm, hop, idle.

    network.py [--small] [--check] [--directory=DIR] [sync] [swarm] [hop] [idle]

--small    in seconds, to see that all of this still works
--check    fail where a figure is not what was asked for; for a machine that does nothing else
DIR        keeps the chain of bench_import, which takes a minute to make
"""
import asyncio
import datetime
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "functional"))
# pylint: disable=wrong-import-position
from framework import BIN, Test, wait_relaying, wait_same_tip, wait_until
from open_coins import COIN, REGTEST_ADDRESS, mature_coins, payment
from peers import Peer
from relay import Relay

CHAIN = os.path.join(HERE, "chain.json")
# Nothing in the way of what is measured.
FAST = ["-nodebug", "-dbcache=1000", "-blockfilterindex=0", "-peerblockfilters=0"]
CORES = os.cpu_count()


class Bench:
    def __init__(self, small, check, directory):
        self.small, self.check, self.directory = small, check, directory
        self.failed = False

    def expect(self, good, what):
        print(f"  {what}: {'as asked' if good else 'NOT AS ASKED'}", flush=True)
        self.failed |= self.check and not good

    def blocks(self):
        """(file, last block with payments) of the chain, made if it isn't there."""
        file, last = (os.path.join(self.directory, name) for name in ("blocks.dat", "last"))
        if not os.path.exists(last):
            subprocess.run([os.path.join(BIN, "bench_import"), "--assumed-only",
                            f"--directory={self.directory}", *["--small"] * self.small],
                           check=True, stdout=subprocess.DEVNULL)
        with open(last, encoding="utf-8") as text:
            return file, text.read().strip()

    def full_node(self, test, *options):
        """A node that has imported the chain; (node, seconds that took)."""
        node = test.node(*FAST, *options, chain=CHAIN, start=False)
        start = time.monotonic()
        node.start(f"-loadblock={self.blocks()[0]}")
        wait_until(lambda: node.rpc.getblockcount() >= self.height(), "the import", 600)
        return node, time.monotonic() - start

    def height(self):
        return 2_100 + (2 + 3 + 1 if self.small else 34 + 300 + 1)


def sync(bench, test):
    """From one node to an empty one, all signatures checked."""
    server, imported = bench.full_node(test)
    fresh = test.node(*FAST, f"-addnode={server.address}", chain=CHAIN, start=False)
    cost = server.processor_seconds()
    start = time.monotonic()
    fresh.start()
    wait_until(lambda: fresh.rpc.getblockcount() == bench.height(), "the sync", 600)
    taken = time.monotonic() - start
    cost = server.processor_seconds() - cost
    ratio = taken / (imported + cost / CORES)
    print(f"sync: {taken:.2f} s; import {imported:.2f} s; serving {cost:.2f} processor seconds; "
          f"ratio {ratio:.2f}")
    bench.expect(ratio <= 1.15, "at most 1.15")
    sent = server.rpc.getnettotals()["totalbytessent"] / os.path.getsize(bench.blocks()[0])
    print(f"  sent: {sent:.2f} of the chain's file")
    bench.expect(sent < 1.1, "each block once")


def swarm(bench, test):
    """From four nodes, each behind a slow way."""
    rate, delay = 20e6, 0.1
    assumed = f"-assumevalid={bench.blocks()[1]}"  # so that the ways are the limit
    servers = [bench.full_node(test, assumed)[0] for _ in range(4)]
    relays = [Relay(server.port, rate, delay) for server in servers]
    fresh = test.node(*FAST, assumed, *(f"-addnode=127.0.0.1:{relay.port}" for relay in relays),
                      chain=CHAIN, start=False)
    begin = time.monotonic()
    fresh.start()

    def received():
        return [peer["bytesrecv_per_msg"].get("block", 0) for peer in fresh.rpc.getpeerinfo()]
    wait_until(lambda: sum(received()) > 0, "the first block")
    first = time.monotonic()
    wait_until(lambda: fresh.rpc.getblockcount() == bench.height(), "the sync", 600)
    taken = time.monotonic() - first
    each = received()
    share = sum(each) * 8 / taken / (rate * len(relays))
    print(f"swarm: {sum(each) / 1e6:.1f} MB in {taken:.2f} s, {first - begin:.2f} s after the "
          f"start: {share:.2f} of what the ways carry; from each "
          + ", ".join(f"{count / 1e6:.1f}" for count in each))
    if not bench.small:
        bench.expect(share >= 0.9, "at least 0.9")
    for relay in relays:
        relay.stop()


def changed_at(node, block):
    """When its log says that the block became the tip, in milliseconds."""
    def found():
        with open(os.path.join(node.chain_directory, "debug.log"), encoding="utf-8") as log:
            return re.findall(rf"^(\S+)Z .*tip_changed .*hash={block}", log.read(), re.M)
    stamp = wait_until(found, "a line in the log")[0]
    return datetime.datetime.fromisoformat(stamp).timestamp() * 1e3


def hop(bench, test):
    """A block of known transactions, announced compact at once."""
    count, rounds = (100, 2) if bench.small else (2_000, 7)
    first, second = (test.node("-dbcache=1000", chain="regtest") for _ in range(2))
    second.connect(first)
    coins = mature_coins(first, count // 100)  # the later of these blocks are announced compact
    wait_same_tip(test.nodes)
    wait_relaying(test.nodes)
    amount = COIN // 2 - 1_000
    split = [first.rpc.sendrawtransaction(payment([coin], [amount] * 100)) for coin in coins]
    wait_until(lambda: len(second.rpc.getrawmempool()) == len(split), "the coins")
    first.mine(1, REGTEST_ADDRESS)
    points = [(txid, i) for txid in split for i in range(100)]
    taken = []
    for _ in range(rounds):
        amount -= 1_000
        points = [(first.rpc.sendrawtransaction(payment([point], [amount])), 0)
                  for point in points]
        wait_until(lambda: second.rpc.getmempoolinfo()["size"] == count, "the payments")
        block = first.mine(1, REGTEST_ADDRESS)[0]
        wait_same_tip(test.nodes)
        assert first.rpc.getblock(block)["nTx"] == count + 1, "the block isn't full"
        taken.append(changed_at(second, block) - changed_at(first, block))
    print(f"hop: {count} known transactions, median {statistics.median(taken):.1f} ms of "
          + ", ".join(f"{each:.1f}" for each in taken))
    bench.expect(statistics.median(taken) < 10, "under 10 ms")
    announced = second.rpc.getpeerinfo()[0]
    assert announced["bip152_hb_to"] and "blocktxn" not in announced["bytesrecv_per_msg"], \
        "it wasn't announced compact, or something was missing"


def idle(bench, test):
    """Peers that only answer pings."""
    count, seconds = (40, 2) if bench.small else (125, 60)
    node = test.node("-nodebug", "-maxconnections=200", chain="regtest")
    before = node.memory_megabytes()
    closed = asyncio.Event()
    loop = asyncio.new_event_loop()

    async def stay():
        peers = [await (await Peer.call(node)).handshake() for _ in range(count)]
        tasks = [asyncio.create_task(peer.serve()) for peer in peers]
        await closed.wait()
        for task in tasks:
            task.cancel()
    thread = threading.Thread(target=loop.run_until_complete, args=(stay(),))
    thread.start()
    try:
        wait_until(lambda: node.rpc.getconnectioncount() == count, "all to be connected")
        cost = node.processor_seconds()
        time.sleep(seconds)
        percent = (node.processor_seconds() - cost) / seconds * 100
        grown = node.memory_megabytes() - before
    finally:
        loop.call_soon_threadsafe(closed.set)
        thread.join()
    print(f"idle: {count} peers cost {grown:.1f} MB and {percent:.2f} % of a core")
    bench.expect(grown < 60 and percent < 2, "under 60 MB and 2 %")


PARTS = {"sync": sync, "swarm": swarm, "hop": hop, "idle": idle}


def main(arguments):
    flags = [each for each in arguments if each.startswith("-")]
    parts = [each for each in arguments if each not in flags] or list(PARTS)
    directories = [flag.partition("=")[2] for flag in flags if flag.startswith("--directory=")]
    if not set(parts) <= set(PARTS) or \
            any(flag not in ("--small", "--check") and "--directory=" not in flag
                for flag in flags):
        print(__doc__)
        return 2
    with tempfile.TemporaryDirectory(prefix="cairn-bench-") as temporary:
        bench = Bench("--small" in flags, "--check" in flags, (directories + [temporary])[0])
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
