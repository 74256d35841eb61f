"""The prompts of whole runs: the same first, bounded, within their windows, and without clock or chance."""

from __future__ import annotations

import re
import uuid
from collections import defaultdict
from pathlib import Path

import pytest

from market_agents.agents.cognitive_steps import (
    SHOWN_OF_A_MESSAGE,
    in_figures,
)
from market_agents.plain_text import one_line
from tests.minds.runs import Prompt, orders_of, played, prompts_of, rows


@pytest.fixture(scope="module")
def long_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty rounds of four agents."""
    changes = {"num_agents": 4, "max_rounds": 30, "memory.window": 2}
    return played(tmp_path_factory.mktemp("long") / "run.db", changes)


@pytest.fixture(scope="module")
def asked(long_run: Path) -> list[Prompt]:
    return prompts_of(long_run)


def test_the_system_part_of_an_agent_never_changes(asked: list[Prompt]) -> None:
    systems = defaultdict(set)
    for prompt in asked:
        systems[prompt.agent_id, prompt.environment].add(prompt.system)
    assert len(systems) == 8
    assert {len(found) for found in systems.values()} == {1}


def test_prompts_do_not_grow_with_the_rounds(asked: list[Prompt]) -> None:
    longest: dict[tuple[str, str, bool], int] = defaultdict(int)
    for prompt in asked:
        if prompt.round > 5:
            half = (prompt.environment, prompt.step, prompt.round > 17)
            longest[half] = max(longest[half], prompt.length)
    for environment, step, _ in list(longest):
        early, late = longest[environment, step, False], longest[environment, step, True]
        assert late <= early * 1.15, (environment, step)
    assert max(longest.values()) < 6_000


def test_prompts_have_no_clock_no_random_id_and_no_run_id(long_run: Path, asked: list[Prompt]) -> None:
    (run,) = rows(long_run, "SELECT run_id FROM runs")
    date = re.compile(r"\b20\d\d-\d\d-\d\d|\d\d:\d\d:\d\d|T\d\d:\d\d")
    uuid_like = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-|0x[0-9a-f]{6}")
    assert uuid_like.search(str(uuid.UUID(int=2**127)))
    for prompt in asked:
        text = prompt.system + prompt.user
        assert run["run_id"] not in text
        assert not date.search(text)
        assert not uuid_like.search(text)


def test_two_runs_ask_the_same(tmp_path: Path) -> None:
    first, second = (
        prompts_of(played(tmp_path / f"{name}.db", {"max_rounds": 2, "num_agents": 4})) for name in "ab"
    )
    assert first == second


def test_the_window_of_rounds_is_respected(asked: list[Prompt]) -> None:
    seen = 0
    for prompt in asked:
        remembered = {int(number) for number in re.findall(r"^- Round (\d+), ", prompt.user, re.MULTILINE)}
        assert all(prompt.round - 2 <= number <= prompt.round for number in remembered)
        assert len(re.findall(r"^- Round ", prompt.user, re.MULTILINE)) <= 2
        seen += bool(remembered)
    assert seen > len(asked) / 2


def test_only_messages_of_the_round_are_shown(long_run: Path, asked: list[Prompt]) -> None:
    said: dict[int, set[str]] = defaultdict(set)
    for row in rows(long_run, "SELECT round, sender_id, content FROM messages"):
        said[row["round"]].add(f"{row['sender_id']}: {one_line(row['content'], SHOWN_OF_A_MESSAGE)}")
    for prompt in asked:
        shown = re.findall(r"^agent_\d+: .*$", prompt.user, re.MULTILINE)
        assert set(shown) <= said[prompt.round]


def test_the_last_price_is_told_in_the_next_round_s_chat(long_run: Path, asked: list[Prompt]) -> None:
    last: dict[int, float] = {
        row["round"]: row["price"]
        for row in rows(long_run, "SELECT round, price FROM trades ORDER BY trade_id")
    }
    assert last
    told = 0
    for prompt in asked:
        found = re.search(r"^Last market price you remember: (.*)$", prompt.user, re.MULTILINE)
        earlier = [number for number in last if number < prompt.round]
        if prompt.environment == "group_chat":
            assert bool(found) is bool(earlier)
            told += bool(found)
    assert told > 0


def test_each_is_told_its_own_values_and_no_other_s(tmp_path: Path) -> None:
    file = played(
        tmp_path / "run.db",
        {"num_agents": 6, "max_rounds": 2, "agent_config.base_value_spread": 0.3},
    )
    own: dict[str, str] = {}
    schedules = rows(
        file, "SELECT agent_id, value, cost FROM preference_schedules WHERE round = 1 ORDER BY agent_id, unit"
    )
    first: dict[str, float] = {}
    for row in schedules:
        first.setdefault(row["agent_id"], float(row["value"] if row["value"] is not None else row["cost"]))
    own = {agent: in_figures(amount) for agent, amount in first.items()}
    assert len(set(own.values())) == 6
    for prompt in prompts_of(file):
        told = re.search(r"^Your (?:private )?(?:values|costs) for .*: (.*)$", prompt.user, re.MULTILINE)
        assert told is not None
        if prompt.environment == "group_chat":
            assert told.group(1).split(", ")[0] == own[prompt.agent_id]
        others = {amount for agent, amount in own.items() if agent != prompt.agent_id}
        assert not others & set(re.findall(r"\d+(?:\.\d+)?", told.group(1)))


def test_prompts_are_as_long_for_many_agents_as_for_few(tmp_path: Path) -> None:
    longest = {}
    for agents in (50, 400):
        changes: dict[str, object] = {
            "num_agents": agents,
            "max_rounds": 1,
            "environment_configs.group_chat.group_size": 4,
            "environment_configs.group_chat.sub_rounds": 1,
        }
        found: dict[str, int] = defaultdict(int)
        for prompt in prompts_of(played(tmp_path / f"{agents}.db", changes)):
            found[f"{prompt.environment} {prompt.step}"] = max(
                found[f"{prompt.environment} {prompt.step}"], prompt.length
            )
        longest[agents] = found
    for step, length in longest[400].items():
        assert length <= longest[50][step] * 1.15, step


def test_a_run_s_orders_are_not_empty(long_run: Path) -> None:
    assert {order["round"] for order in orders_of(long_run)} == set(range(1, 31))


def test_orders_are_remembered_at_the_price_that_the_market_took_them_at(
    long_run: Path, asked: list[Prompt]
) -> None:
    taken = {
        (row["agent_id"], row["round"], row["quantity"], f"{float(row['price']):.6f}".rstrip("0").rstrip("."))
        for row in orders_of(long_run)
    }
    remembered = {
        (prompt.agent_id, int(number), int(quantity), price)
        for prompt in asked
        for number, quantity, price in re.findall(
            r"^- In round (\d+), auction: you (?:bid|asked for) (\d+) at ([\d.]+)$", prompt.user, re.MULTILINE
        )
    }
    assert remembered
    assert remembered <= taken
