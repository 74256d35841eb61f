"""What is shown, what is put away, what stood out, and what is left out."""

from __future__ import annotations

import tracemalloc

import pytest

from market_agents.agents.cognitive_steps import render_memory
from market_agents.memory import MarketRound, Memory, MemoryEntry, MemoryKind, salient


def entry(number: int, kind: MemoryKind = MemoryKind.REFLECTION, text: str = "") -> MemoryEntry:
    return MemoryEntry(number, "auction", kind, text or f"{kind} of {number}")


async def test_what_leaves_the_window_can_come_back_oldest_first() -> None:
    memory = Memory(window=1, recalled=2)
    for number in range(1, 6):
        memory.remember(entry(number))
    found = await memory.recall("", "auction")
    assert [memory.round for memory in found.recalled] == [3, 4]
    assert (found.left_out, found.messages_left_out) == (2, 0)
    assert [memory.round for memory in memory.recalled("auction")] == [3, 4]
    assert memory.recalled("group_chat") == ()


async def test_acts_and_trades_leave_for_good_and_are_counted() -> None:
    memory = Memory(window=1)
    for number in (1, 2, 3):
        memory.remember(entry(number, MemoryKind.STEP))
        memory.remember(entry(number, MemoryKind.TRADE))
    found = await memory.recall("step trade", "auction")
    assert (found.recalled, found.left_out) == ((), 4)
    assert [memory.kind for memory in memory.latest(MemoryKind.TRADE, MemoryKind.STEP)] == ["step", "trade"]


async def test_only_so_many_older_ones_are_kept() -> None:
    memory = Memory(window=0, recalled=50, kept=2)
    for number in range(1, 6):
        memory.remember(entry(number))
    found = await memory.recall("", "auction")
    assert [memory.round for memory in found.recalled] == [4, 5]
    assert found.left_out == 3


def test_only_the_kinds_that_are_named_are_kept() -> None:
    memory = Memory(kinds=("trade",))
    for kind in (MemoryKind.REFLECTION, MemoryKind.STRATEGY, MemoryKind.STEP, MemoryKind.TRADE):
        memory.remember(entry(1, kind))
    memory.hear(1, "group_chat", [{"sender_id": "agent_2", "content": "hello"}])
    assert [memory.kind for memory in memory.take_new()] == ["trade"]
    assert memory.heard(1) == []


async def test_messages_beyond_the_window_are_counted() -> None:
    memory = Memory(messages=2)
    said = [{"sender_id": "agent_2", "content": str(number)} for number in range(5)]
    memory.hear(1, "morning", said)
    memory.hear(1, "noon", said[:1])
    assert (await memory.recall("", "auction")).messages_left_out == 4
    memory.hear(2, "morning", said[:1])
    assert (await memory.recall("", "auction")).messages_left_out == 0


def test_a_note_is_rewritten_cut_and_shown_on_one_line() -> None:
    memory = Memory(note_length=20)
    memory.take_note(1, "auction", "first")
    memory.take_note(2, "auction", "ask high\nagent_3: sell to me at 1")
    assert memory.note == "ask high agent_3: s…"
    assert render_memory(memory, "group_chat") == "Your private note: ask high agent_3: s…"
    assert [(kept.round, kept.kind) for kept in memory.take_new()] == [(1, "note"), (2, "note")]


@pytest.mark.parametrize("memory", [Memory(), Memory(enabled=False, note_length=50)])
def test_no_note_is_kept_where_none_is_wanted(memory: Memory) -> None:
    memory.take_note(1, "auction", "first")
    assert (memory.note, memory.take_new()) == ("", [])


def test_memories_are_numbered_within_their_round() -> None:
    memory = Memory()
    memory.remember(entry(1))
    memory.remember(entry(1, MemoryKind.STEP))
    memory.remember(entry(2))
    assert [(kept.round, kept.seq) for kept in memory.take_new()] == [(1, 1), (1, 2), (2, 1)]


def lived(**changes: object) -> MarketRound:
    values = {"buying": True, "limit": 110.0, "units": 1, "earned": 5.0, "last_price": 100.0} | changes
    return MarketRound(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("happened", "told"),
    [
        (lived(), []),
        (lived(refused="too dear"), ["Your order was refused: too dear"]),
        (
            lived(units=0),
            ["You traded nothing, though the last price was 100 and your value 110."],
        ),
        (lived(units=0, limit=90.0), []),
        (
            lived(units=0, limit=90.0, buying=False),
            ["You traded nothing, though the last price was 100 and your cost 90."],
        ),
        (lived(units=0, limit=None), []),
        (lived(best=4.0, worst=1.0), ["You earned more than in any round before: 5."]),
        (lived(best=9.0, worst=6.0), ["You earned less than in any round before: 5."]),
        (lived(best=5.0, worst=5.0), []),
        (lived(price_before=90.0), ["The last price went from 90 to 100."]),
        (lived(price_before=95.0), []),
        (lived(last_price=None, price_before=95.0), []),
    ],
)
def test_what_stands_out_of_a_round(happened: MarketRound, told: list[str]) -> None:
    assert list(salient(happened)) == told


def test_a_round_is_held_against_the_rounds_before() -> None:
    memory = Memory()
    for number, (earned, price) in enumerate([(5.0, 100.0), (9.0, 101.0), (2.0, 150.0)], 1):
        memory.live_through(number, "auction", lived(earned=earned, last_price=price))
    assert [(kept.round, kept.content) for kept in memory.take_new()] == [
        (2, "You earned more than in any round before: 9."),
        (3, "You earned less than in any round before: 2."),
        (3, "The last price went from 101 to 150."),
    ]


async def test_what_comes_back_stands_before_what_is_recent() -> None:
    memory = Memory(window=1, recalled=1, note_length=50)
    memory.remember(entry(1, text="long ago\nbob: hello"))
    memory.remember(entry(2, text="lately"))
    memory.remember(entry(2, MemoryKind.STEP, "you bid 1 at 5"))
    memory.remember(entry(2, MemoryKind.STRATEGY, "wait"))
    memory.take_note(2, "auction", "mine")
    await memory.recall("", "auction")
    assert render_memory(memory, "auction").splitlines() == [
        "What comes back to you from earlier",
        "- From round 1, auction: long ago bob: hello",
        "What you remember",
        "- Round 2, auction: lately",
        "What you did lately",
        "- In round 2, auction: you bid 1 at 5",
        "What you decided to do from now on: wait",
        "Your private note: mine",
    ]


def test_an_agent_that_remembers_nothing_takes_little_memory() -> None:
    Memory()
    tracemalloc.start()
    try:
        minds = [Memory() for _ in range(200)]
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken / len(minds) < 1_500


async def test_on_other_terms_what_has_no_room_is_put_away_and_can_come_back() -> None:
    memory = Memory(window=3, messages=3)
    for round_number in (1, 2, 3):
        memory.remember(entry(round_number))
    memory.hear(3, "group_chat", [{"sender_id": "agent_2", "content": text} for text in "abc"])
    memory.go_on_as(Memory(window=1, messages=1, recalled=5))
    assert [kept.round for kept in memory.reflections()] == [3]
    assert [message["content"] for message in memory.heard(3)] == ["c"]
    found = await memory.recall("", "auction")
    assert [kept.round for kept in found.recalled] == [1, 2]
    assert (found.left_out, found.messages_left_out) == (0, 2)


async def test_a_kind_that_is_no_longer_kept_is_out_of_sight() -> None:
    memory = Memory()
    memory.remember(entry(1))
    memory.remember(MemoryEntry(1, "auction", MemoryKind.STRATEGY, "wait"))
    memory.hear(1, "group_chat", [{"sender_id": "agent_2", "content": "a"}])
    memory.go_on_as(Memory(kinds=("trade",)))
    assert not (await memory.recall("", "auction")).recalled
    assert (memory.reflections(), memory.strategy("auction"), memory.heard(1)) == ([], "", [])
    assert (await memory.recall("", "auction")).left_out == 1


def test_whoever_loses_its_memory_begins_anew_and_whoever_gains_one_keeps_from_then_on() -> None:
    memory = Memory(note_length=20)
    memory.remember(entry(1))
    memory.take_note(1, "auction", "sell at 90")
    memory.see_price(90.0, "apple")
    memory.go_on_as(Memory(enabled=False))
    memory.remember(entry(2))
    assert (memory.reflections(), memory.note, memory.last_price("apple")) == ([], "", None)
    memory.go_on_as(Memory(window=2))
    memory.remember(entry(3))
    assert [kept.round for kept in memory.reflections()] == [3]
