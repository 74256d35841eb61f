"""The database is looked at for all watchers together, and only while somebody watches."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from contextlib import aclosing

from market_agents.errors import DatabaseAway, RunRefused
from market_agents.ui.watching import Sight, Watch, sight


class Scene:
    """Something to look at."""

    def __init__(self) -> None:
        self.value: int | Exception = 1
        self._looked = threading.Event()

    def look(self, key: str) -> Sight:
        self._looked.set()
        if isinstance(self.value, Exception):
            raise self.value
        return sight((key, self.value), {"value": self.value})

    async def looked_again(self) -> None:
        """Wait for two more looks, of which the second began after now."""
        for _ in range(2):
            self._looked.clear()
            await asyncio.to_thread(self._looked.wait)


async def next_value(stream: AsyncIterator[str]) -> object:
    async for event in stream:
        if event.startswith("event: state"):
            return json.loads(event.partition("data: ")[2])["value"]
    return None


async def test_all_watchers_are_told_each_change() -> None:
    scene = Scene()
    watch = Watch(scene.look, every=0.001)
    async with aclosing(watch.stream("run")) as one, aclosing(watch.stream("run")) as other:
        assert (await next_value(one), await next_value(other)) == (1, 1)
        scene.value = 2
        assert (await next_value(one), await next_value(other)) == (2, 2)


async def test_looking_ends_with_the_last_watcher() -> None:
    scene = Scene()
    watch = Watch(scene.look, every=0.001)
    async with aclosing(watch.stream("run")) as one:
        async with aclosing(watch.stream("run")) as other:
            await next_value(other)
        scene.value = 2
        await next_value(one)
    await asyncio.sleep(0)
    assert not [
        task for task in asyncio.all_tasks() if "keep_looking" in repr(task) and not task.cancelling()
    ]


async def test_a_run_that_is_deleted_is_gone() -> None:
    scene = Scene()
    watch = Watch(scene.look, every=0.001)
    async with aclosing(watch.stream("run")) as stream:
        await next_value(stream)
        scene.value = RunRefused("there is no run")
        rest = [event async for event in stream]
    assert rest == ["event: gone\ndata: {}\n\n"]


async def test_a_database_that_is_away_is_waited_for() -> None:
    scene = Scene()
    watch = Watch(scene.look, every=0.001)
    async with aclosing(watch.stream("run")) as stream:
        await next_value(stream)
        scene.value = DatabaseAway("away")
        await scene.looked_again()
        scene.value = 3
        assert await next_value(stream) == 3


async def test_closing_ends_every_stream() -> None:
    watch = Watch(Scene().look, every=0.001)
    async with aclosing(watch.stream("run")) as stream:
        await next_value(stream)
        watch.close()
        assert [event async for event in stream] == []
