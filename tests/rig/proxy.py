"""A TCP proxy on this machine that delays, cuts, resets, swallows, or loses what a server has answered."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from types import TracebackType

from tests.rig.ports import LOOPBACK

_CHUNK = 65_536
_NO_LINGER = struct.pack("ii", 1, 0)


class Proxy:
    """A context manager; connections to ``port`` are carried to a server on this machine.

    Attributes:
        latency: seconds that every chunk waits, in either direction.
        black_hole: whether everything is swallowed, connections staying open.
        swallowing: how many connections are still to be swallowed: the next that a client sends on, for good.
        losing: how many answers are still to be lost: the server has answered, the client sees a reset.
        lost: how many were lost so far.

    Args:
        target: the server's port.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self.latency = 0.0
        self.black_hole = False
        self.swallowing = 0
        self.losing = 0
        self.lost = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._swallowed: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Proxy:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def cut(self) -> None:
        """Close every connection in order, as a server that ends does."""
        self._loop.call_soon_threadsafe(self._end_all, False)

    def reset(self) -> None:
        """Break every connection off, as a machine that goes away does."""
        self._loop.call_soon_threadsafe(self._end_all, True)

    def _serve(self) -> None:
        try:
            self._loop.run_until_complete(self._run())
        finally:
            self._loop.close()

    async def _run(self) -> None:
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._carry, LOOPBACK, 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        self._end_all(True)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection(LOOPBACK, self.target)
        except OSError:
            _end(writer, hard=True)
            return
        self._writers |= {writer, back}
        try:
            await asyncio.gather(
                self._pass(reader, back, partial(self._asked, back)),
                self._pass(there, writer, self._answered),
            )
        except OSError:
            pass
        finally:
            for one in (writer, back):
                self._writers.discard(one)
                self._swallowed.discard(one)
                _end(one, hard=True)

    async def _pass(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, decide: Callable[[], Awaitable[bool]]
    ) -> None:
        while chunk := await source.read(_CHUNK):
            if await decide():
                sink.write(chunk)
                await sink.drain()
        sink.close()

    async def _asked(self, server: asyncio.StreamWriter) -> bool:
        if self.swallowing > 0 and server not in self._swallowed:
            self.swallowing -= 1
            self._swallowed.add(server)
        return server not in self._swallowed and await self._waited()

    async def _waited(self) -> bool:
        await asyncio.sleep(self.latency)
        return not self.black_hole

    async def _answered(self) -> bool:
        if self.losing > 0:
            self.losing -= 1
            self.lost += 1
            raise ConnectionResetError
        return await self._waited()

    def _end_all(self, hard: bool) -> None:
        for writer in list(self._writers):
            _end(writer, hard=hard)


def _end(writer: asyncio.StreamWriter, *, hard: bool) -> None:
    if hard:
        connection = writer.get_extra_info("socket")
        if connection is not None and connection.fileno() >= 0:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        writer.transport.abort()
    else:
        writer.close()
