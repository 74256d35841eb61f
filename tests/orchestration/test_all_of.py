"""Work that is done side by side: all of it, in its order, begun a few at a time."""

from __future__ import annotations

import asyncio
import gc

import pytest

from market_agents.turns import BEGUN_TOGETHER, all_of


async def test_results_come_in_the_order_of_the_work() -> None:
    async def work(number: int) -> int:
        for _ in range(number % 3):
            await asyncio.sleep(0)
        return number

    assert await all_of(work(number) for number in range(30)) == list(range(30))
    assert await all_of(work(number) for number in range(0)) == []


async def test_no_turn_of_the_loop_begins_more_than_a_few() -> None:
    turns, begun = 0, dict[int, int]()

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def work() -> None:
        begun[turns] = begun.get(turns, 0) + 1
        await asyncio.sleep(0)

    counting = asyncio.create_task(count_turns())
    await asyncio.sleep(0)
    await all_of(work() for _ in range(200))
    counting.cancel()
    assert sum(begun.values()) == 200
    assert max(begun.values()) <= BEGUN_TOGETHER


async def test_when_one_fails_the_others_finish() -> None:
    done = []

    async def work(number: int) -> None:
        if number == 1:
            raise ValueError(number)
        await asyncio.sleep(0)
        done.append(number)

    with pytest.raises(ValueError, match="1"):
        await all_of(work(number) for number in range(20))
    assert done == [0, *range(2, 20)]


@pytest.mark.parametrize("turns", [1, 2, 100])
async def test_who_is_cancelled_cancels_what_has_begun_and_begins_nothing_more(turns: int) -> None:
    begun, ended = 0, 0

    async def work() -> None:
        nonlocal begun, ended
        begun += 1
        try:
            await asyncio.Event().wait()
        finally:
            ended += 1

    waiting = asyncio.create_task(all_of(work() for _ in range(40)))  # noqa: RUF006  (awaited below)
    for _ in range(turns):
        await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert begun == ended
    gc.collect()  # a coroutine that was neither begun nor closed would warn now
