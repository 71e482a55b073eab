# SPDX-License-Identifier: MIT
"""Peers that a test plays itself: bytes over asyncio, so that thousands fit into one process. What
they say is built here and not by the node, and they may say anything."""
import asyncio
import hashlib
import random
import struct
import time

PROTOCOL_VERSION = 70016
HEADER_BYTES = 24
NETWORK, WITNESS = 1, 8  # services
WITNESS_BLOCK, WTXID = 0x40000002, 5  # in inventories


def frame(magic, command, payload=b""):
    checksum = hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]
    return magic + struct.pack("<12sI4s", command.encode(), len(payload), checksum) + payload


def count_bytes(number):
    """A CompactSize."""
    return bytes([number]) if number < 253 else b"\xfd" + struct.pack("<H", number)


def version_payload():
    nobody = struct.pack("<Q16sH", 0, b"", 0)
    return (struct.pack("<iQq", PROTOCOL_VERSION, NETWORK | WITNESS, int(time.time())) + nobody
            + nobody + struct.pack("<Q", random.getrandbits(64)) + b"\x06/test/"
            + struct.pack("<iB", 0, 1))


class Peer:
    """One connection. It says nothing by itself but what serve() answers."""

    def __init__(self, magic, reader, writer):
        self.magic, self.reader, self.writer = magic, reader, writer

    @staticmethod
    async def call(node, source="127.0.0.1"):
        reader, writer = await asyncio.open_connection("127.0.0.1", node.port,
                                                       local_addr=(source, 0))
        return Peer(node.magic, reader, writer)

    async def handshake(self, *features):
        self.send("version", version_payload())
        for feature in features:
            self.send(feature)
        self.send("verack")
        while (await self.receive())[0] != "verack":
            pass
        return self

    def send(self, command, payload=b""):
        self.writer.write(frame(self.magic, command, payload))

    async def receive(self):
        """(command, payload); an IncompleteReadError when the connection ends."""
        header = await self.reader.readexactly(HEADER_BYTES)
        command, length = struct.unpack("<4x12sI4x", header)
        return command.rstrip(b"\0").decode(), await self.reader.readexactly(length)

    async def serve(self):
        """Answer pings until the connection ends."""
        try:
            while True:
                command, payload = await self.receive()
                if command == "ping":
                    self.send("pong", payload)
        except (OSError, asyncio.IncompleteReadError):
            self.close()

    def close(self):
        self.writer.close()
