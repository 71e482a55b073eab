#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How long it takes until all of many WebSocket clients know of a new block, from the moment at
which its miner sends it: with real sockets, and readers in Python, whose time counts too.

    push.py [--check] [CLIENTS [BLOCKS]]

--check    fail where it is more than was asked for; for a machine that does nothing else
"""
import os
import selectors
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "functional"))
# pylint: disable=wrong-import-position
from framework import REGTEST_ADDRESS, expect_equal, run
from web_socket import WebSocket


MOST_MS = 100


def fan_out(test, check, clients=1000, blocks=20):
    node = test.node("-debug=0", chain="regtest")
    selector = selectors.DefaultSelector()
    for _ in range(clients):
        client = WebSocket(node)
        client.call("subscribe", ["blocks"])
        selector.register(client.socket, selectors.EVENT_READ, client)
    times = []
    for _ in range(blocks):
        block = node.rpc.generateblock(REGTEST_ADDRESS, [], False)
        begin = time.monotonic()
        sent = client.begin("submitblock", block["hex"])
        waiting = clients
        while waiting:
            for key, _ in selector.select(60):
                if key.data is client:
                    client.reply(sent)
                told = key.data.news(1, "block")
                waiting -= 1
                last = told[0]["hash"]
                expect_equal(last, block["hash"], "the block")
        times.append((time.monotonic() - begin) * 1000)
    print(f"{clients} clients know of a block after {statistics.median(times):.1f} ms "
          f"(median of {blocks}; the longest {max(times):.1f} ms)", flush=True)
    if check and max(times) > MOST_MS:
        raise AssertionError(f"more than {MOST_MS} ms")


if __name__ == "__main__":
    NUMBERS = [int(word) for word in sys.argv[1:] if word != "--check"]
    CHECK = "--check" in sys.argv
    del sys.argv[1:]

    def push(test):
        fan_out(test, CHECK, *NUMBERS)
    run(push)
