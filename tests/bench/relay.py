# SPDX-License-Identifier: MIT
"""A slow way to a node: what is said over it arrives late and at a limited rate, in each direction.
The kernel's own emulation (sch_netem) needs root and a module that is often not there."""
import asyncio
import contextlib
import threading

CHUNK_BYTES = 16_384
BUFFER_SECONDS = 0.05  # what a router holds


class Relay:
    """Listens on a port of its own, for one node behind it, until stop()."""

    def __init__(self, target, bits_a_second, delay_seconds):
        self.target = target
        self.rate, self.delay = bits_a_second / 8, delay_seconds
        self.port = None
        self._loop = self._stopped = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        self._ready.wait()

    def stop(self):
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join()

    async def _serve(self):
        self._loop = asyncio.get_running_loop()
        self._stopped = asyncio.Event()
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stopped.wait()

    async def _accept(self, reader, writer):
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        with contextlib.suppress(asyncio.CancelledError):  # the end, which asyncio would report
            await asyncio.gather(self._carry(reader, far_writer), self._carry(far_reader, writer))

    async def _carry(self, reader, writer):
        """One direction: bytes leave after those before them, and arrive `delay` later."""
        under_way = asyncio.Queue()
        arriving = asyncio.create_task(self._deliver(under_way, writer))
        free_at = self._loop.time()
        try:
            while data := await reader.read(CHUNK_BYTES):
                free_at = max(free_at, self._loop.time()) + len(data) / self.rate
                under_way.put_nowait((free_at + self.delay, data))
                await asyncio.sleep(max(0, free_at - self._loop.time() - BUFFER_SECONDS))
        except OSError:
            pass
        under_way.put_nowait((0, None))
        await arriving

    async def _deliver(self, under_way, writer):
        try:
            while (item := await under_way.get())[1]:
                await asyncio.sleep(max(0, item[0] - self._loop.time()))
                writer.write(item[1])
                await writer.drain()
        except OSError:
            pass
        writer.close()
