"""The database looked at now and then, once for all who watch the same; changes are told as server-sent events."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.concurrency import run_in_threadpool

from market_agents.errors import MarketAgentsError, RunRefused

logger = logging.getLogger(__name__)

EVERY_SECONDS = 1.0
HEARTBEAT_SECONDS = 15.0
RETRY_MS = 2000


@dataclass(frozen=True)
class Sight:
    """What was seen of something.

    Attributes:
        version: differs whenever what was seen differs.
        told: what watchers are told.
    """

    version: str
    told: Mapping[str, Any]


def sight(seen: object, told: Mapping[str, Any]) -> Sight:
    """A sight, its version taken from all that was seen."""
    return Sight(hashlib.sha256(repr(seen).encode()).hexdigest()[:16], told)


@dataclass
class _Watched:
    watchers: int = 0
    sight: Sight | None = None
    gone: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None


class Watch:
    """Looks at each thing that somebody watches, and tells its watchers.

    Args:
        look: sees a thing, given its key; runs in a thread, and may take its time.
        every: seconds from one look to the next.
    """

    def __init__(self, look: Callable[[str], Sight], every: float = EVERY_SECONDS) -> None:
        self._look = look
        self._every = every
        self._watched: dict[str, _Watched] = {}
        self._closed = False

    def close(self) -> None:
        """End every stream."""
        self._closed = True
        for watched in self._watched.values():
            watched.changed.set()

    async def stream(self, key: str) -> AsyncGenerator[str, None]:
        """Server-sent events: the present sight at once, then each change, and a heartbeat in between."""
        watched = self._watched.setdefault(key, _Watched())
        watched.watchers += 1
        if watched.task is None:
            watched.task = asyncio.create_task(self._keep_looking(key, watched))
        try:
            yield f"retry: {RETRY_MS}\n\n"
            last = ""
            while not self._closed:
                if watched.sight is not None and watched.sight.version != last:
                    last = watched.sight.version
                    yield _event(watched.sight)
                elif watched.gone:
                    yield "event: gone\ndata: {}\n\n"
                    return
                elif not await self._change(watched):
                    yield ": still here\n\n"
        finally:
            watched.watchers -= 1
            if not watched.watchers:
                self._watched.pop(key, None)
                watched.task.cancel()

    async def _change(self, watched: _Watched) -> bool:
        try:
            await asyncio.wait_for(watched.changed.wait(), HEARTBEAT_SECONDS)
        except TimeoutError:
            return False
        return True

    async def _keep_looking(self, key: str, watched: _Watched) -> None:
        while not self._closed:
            try:
                found = await run_in_threadpool(self._look, key)
            except RunRefused:
                watched.gone = True
                watched.changed.set()
                return
            except MarketAgentsError as error:
                logger.warning("nothing new can be seen: %s", error)
            else:
                if watched.sight is None or found.version != watched.sight.version:
                    watched.sight = found
                    changed, watched.changed = watched.changed, asyncio.Event()
                    changed.set()
            await asyncio.sleep(self._every)


def _event(seen: Sight) -> str:
    data = json.dumps({"version": seen.version, **seen.told}, ensure_ascii=True)
    return f"event: state\ndata: {data}\n\n"
