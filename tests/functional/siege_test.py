#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A node under siege by slow readers, connections that say nothing, callers who come and go by the
thousand, others who shake hands, ask for what costs much and go, and garbage: it keeps its peers,
relays blocks in time, answers, and its memory stays within its limits. CAIRN_SIEGE asks for more of
it than the usual tenth."""
import asyncio
import os
import random
import struct
import threading
import time

from framework import expect_equal, run, wait_same_tip, wait_until
from open_coins import COIN, REGTEST_ADDRESS, mature_coins, payment
from peers import WITNESS_BLOCK, WTXID, Peer, count_bytes, frame

SHARE = float(os.environ.get("CAIRN_SIEGE", "0.1"))
SLOW_READERS = 30
SILENT = 150
CALLS_A_SECOND = 1_000
ASKERS_A_SECOND = 50
ANNOUNCED = 5_000  # transactions that nobody has, by each third of these
SECONDS = 30 * SHARE
MOST_SECONDS = 4 * SECONDS  # where a busy machine holds the attackers up
GARBAGE = round(10_000 * SHARE)
MAX_CONNECTIONS = 125
MOST_MEGABYTES = 300  # far below what the limits of so many peers add up to; 163 were measured
PATIENCE_SECONDS = 5  # for an answer to an operator
LEAST_HEARD = 0.05  # of those: others make room for callers before they have asked
LEAST_BLOCKS = 3  # from one friend to the other
BLOCK_SECONDS = 3  # until a friend's is everybody's tip; 0.08 were measured
LEAST_RATE = 0.9  # of the calls a second, or it was no siege
MOST_REFUSED = 0.01  # by the system: they never came to the node


def large_block(node):
    """A block of some hundred kilobytes."""
    coins = mature_coins(node, 40)
    for coin in coins:
        node.rpc.sendrawtransaction(payment([coin], [COIN // 5 - 1_000] * 250))
    return node.mine(1, REGTEST_ADDRESS)[0]


def anywhere():
    """Callers of many hosts, so that they use up neither ports nor what one host may do."""
    return f"127.{random.randint(1, 250)}.{random.randint(1, 250)}.{random.randint(1, 250)}"


class Siege:
    """All that the attackers do, on a thread of its own."""

    def __init__(self, victim, block):
        self.victim = victim
        self.hash = bytes.fromhex(block)[::-1]
        self.item = WITNESS_BLOCK.to_bytes(4, "little") + self.hash
        self.open = []  # they stay until the end
        self.calls = self.garbage = self.refused = 0
        self.askers = self.heard = 0  # heard: they got as far as to ask
        self.blocks = 0  # that came through meanwhile; who looks on counts them
        self.seconds = None  # that the callers took, once they are done
        self.failed = None
        self.thread = threading.Thread(target=self.run)

    def run(self):
        try:
            asyncio.run(self.attack())
        except Exception as error:  # pylint: disable=broad-except
            self.failed = error

    async def attack(self):
        await asyncio.gather(*(self.read_slowly() for _ in range(SLOW_READERS)))
        await asyncio.gather(*(self.say_nothing() for _ in range(SILENT)))
        await asyncio.gather(self.come_and_go(), self.ask_and_go(), self.talk_nonsense())

    async def read_slowly(self):
        """Ask for far more than is ever read, and go on asking."""
        try:
            peer = await Peer.call(self.victim, anywhere())
            self.open.append(peer)
            await peer.handshake()
            for _ in range(3):
                peer.send("getdata", count_bytes(2_000) + self.item * 2_000)
            for number in range(1_000):
                peer.send("ping", number.to_bytes(8, "little"))
            peer.writer.transport.pause_reading()
        except (OSError, asyncio.IncompleteReadError):
            self.refused += 1

    async def say_nothing(self):
        try:
            self.open.append(await Peer.call(self.victim, anywhere()))
        except OSError:
            self.refused += 1

    def tells(self, passed):
        """Whether it is hard enough, and has lasted for long enough, to tell whether the node bears
        it. Who calls catches up with what was to be done by then."""
        return (self.calls > LEAST_RATE * CALLS_A_SECOND * passed
                and self.heard > LEAST_HEARD * self.askers and self.blocks > LEAST_BLOCKS)

    async def come_and_go(self):
        begin = time.monotonic()
        while (passed := time.monotonic() - begin) < SECONDS or (
                passed < MOST_SECONDS and not self.tells(passed)):
            due = int(passed * CALLS_A_SECOND) - self.calls
            self.calls += due
            await asyncio.gather(*(self.touch(b"") for _ in range(due)))
            await asyncio.sleep(0.005)
        self.seconds = passed

    async def ask_and_go(self):
        begin = time.monotonic()
        while self.seconds is None:
            due = int((time.monotonic() - begin) * ASKERS_A_SECOND) - self.askers
            self.askers += due
            await asyncio.gather(*(self.ask() for _ in range(due)))
            await asyncio.sleep(0.005)

    async def ask(self):
        """Shake hands, ask, and be gone before the answer."""
        unknown = (struct.pack("<I", WTXID) + random.randbytes(32) for _ in range(ANNOUNCED))
        command, payload = random.choice([
            ("inv", lambda: count_bytes(ANNOUNCED) + b"".join(unknown)),
            ("getcfheaders", lambda: struct.pack("<BI", 0, 0) + self.hash),
            ("getdata", lambda: count_bytes(1) + self.item)])
        try:
            peer = await Peer.call(self.victim, anywhere())
            await peer.handshake()
            peer.send(command, payload())
            await peer.writer.drain()
            peer.close()
            self.heard += 1
        except (OSError, asyncio.IncompleteReadError):
            pass  # it had to make room for another

    async def talk_nonsense(self):
        while self.garbage < GARBAGE:
            count = min(20, GARBAGE - self.garbage)
            await asyncio.gather(*(self.touch(self.nonsense()) for _ in range(count)))
            self.garbage += count

    def nonsense(self):
        """Bytes; or a message that lies about itself, or can't be read."""
        noise = random.randbytes(random.randint(1, 2_000))
        kinds = [noise, self.victim.magic + noise,
                 frame(self.victim.magic, "version", noise),
                 frame(self.victim.magic, "version")[:-4] + noise]
        return random.choice(kinds)

    async def touch(self, data):
        try:
            peer = await Peer.call(self.victim, anywhere())
            peer.writer.write(data)
            peer.close()
            await peer.writer.wait_closed()
        except OSError:
            self.refused += 1


def besieged__keeps_its_peers_and_its_limits(test):
    victim, called, caller = (test.node(chain="regtest") for _ in range(3))
    victim.connect(called)
    caller.connect(victim)
    block = large_block(victim)
    wait_same_tip(test.nodes)
    friends = {peer["id"] for peer in victim.rpc.getpeerinfo()}
    expect_equal(len(friends), 2, "peers")
    before = victim.memory_megabytes()

    siege = Siege(victim, block)
    siege.thread.start()
    slowest, most, latest = 0, 0, 0
    while siege.thread.is_alive():
        start = time.monotonic()
        peers = victim.rpc.getpeerinfo()
        slowest = max(slowest, time.monotonic() - start)
        most = max(most, len(peers))
        assert friends <= {peer["id"] for peer in peers}, "a friend was dropped"
        called.mine(1, REGTEST_ADDRESS)  # comes to the third through the besieged one
        start = time.monotonic()
        wait_same_tip(test.nodes)
        latest = max(latest, time.monotonic() - start)
        siege.blocks += 1
        time.sleep(0.1)
    siege.thread.join()
    assert siege.failed is None, f"the attackers failed: {siege.failed!r}"
    grown = victim.memory_megabytes("VmHWM") - before
    rate = siege.calls / siege.seconds
    print(f"{siege.calls} calls, {rate:.0f} a second, {siege.garbage} with garbage, "
          f"{siege.heard} of {siege.askers} asked, "
          f"{siege.refused} refused; {most} peers at most, {grown:.0f} MB more, "
          f"{siege.blocks} blocks, the slowest after {latest:.2f} s, "
          f"the slowest answer after {slowest:.2f} s", flush=True)
    assert rate > LEAST_RATE * CALLS_A_SECOND, f"only {rate:.0f} calls a second"
    assert siege.refused < MOST_REFUSED * (siege.calls + siege.garbage), "hardly any got through"
    assert siege.heard > LEAST_HEARD * siege.askers, "hardly any of those who ask was heard"
    assert siege.blocks > LEAST_BLOCKS, "hardly any block came through"
    assert latest < BLOCK_SECONDS, f"a block took {latest:.1f} s"
    assert MAX_CONNECTIONS // 2 < most <= MAX_CONNECTIONS, f"{most} peers"
    assert slowest < PATIENCE_SECONDS, f"an answer took {slowest:.1f} s"
    assert grown < MOST_MEGABYTES, f"{grown:.0f} MB more, of {MOST_MEGABYTES} allowed"
    wait_until(lambda: friends <= {peer["id"] for peer in victim.rpc.getpeerinfo()}, "its friends")
    expect_equal(victim.stop(), 0, "exit code")


run(besieged__keeps_its_peers_and_its_limits)
