"""Each treatment in a whole run: who is shown what, and what the tables tell of it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.chat.scripted import PASS, SCRIPTED, line, token
from tests.minds.runs import Prompt, played, prompts_of, rows

CHAT = "environment_configs.group_chat"
WHISPERER, LISTENER = "agent_1", "agent_2"
AGENTS = tuple(f"agent_{number}" for number in range(1, 5))
SUB_ROUNDS = 3

TREATMENTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "role": {"cohorts": "role"},
    "delay": {"delay": 1},
    "long delay": {"delay": 9},
    "scramble": {"scramble": True},
    "private": {"private_only": True},
    "rule": {"moderator": {"block": ["forbidden"], "max_length": 60}},
    "model": {"moderator": {"model": "offline"}},
    "round robin": {"turns": "round_robin"},
    "random": {"turns": "random"},
    "by request": {"turns": "by_request"},
    "round robin, delayed": {"turns": "round_robin", "delay": 1},
    "random, judged": {"turns": "random", "moderator": {"model": "offline"}},
    "leaving": {"leaving": "round"},
    "leaving in turn": {"leaving": "run", "turns": "round_robin"},
    "attendance": {"attendance": [{"agents": ["agent_3"], "joins": 2}]},
    "early end": {"end_when_all_pass": True},
}


def discussed(folder: Path, script: Mapping[str, Any], **treatment: Any) -> Path:
    """The database of a run of four agents and one group, talking by a script and trading after it."""
    changes: dict[str, Any] = {
        "num_agents": 4,
        "max_rounds": 1,
        f"{CHAT}.type": SCRIPTED,
        f"{CHAT}.group_size": 4,
        f"{CHAT}.topic": "fixed",
        f"{CHAT}.sub_rounds": SUB_ROUNDS,
        f"{CHAT}.script": dict(script),
    }
    for key, value in treatment.items():
        changes[key if key == "max_rounds" else f"{CHAT}.{key}"] = value
    return played(folder / "run.db", changes)


def script_of(name: str, whisper: str) -> dict[str, Any]:
    """The whisperer says something to the listener in the first turn; the listener says nothing at all."""
    script: dict[str, Any] = {
        f"{WHISPERER}/1/1": {"message": whisper, "recipient_id": LISTENER},
        LISTENER: PASS,
    }
    if name == "private":
        script |= {agent: {"message": line(agent, 1, 9), "recipient_id": WHISPERER} for agent in AGENTS[2:]}
        script |= {WHISPERER: {"message": "as I said", "recipient_id": LISTENER}}
    if name.startswith("leaving"):
        script["agent_4/1/2"] = {"message": line("agent_4", 1, 2), "leave": True}
    return script


def in_chat(file: Path, step: str = "perception") -> list[Prompt]:
    return [p for p in prompts_of(file) if p.environment == "group_chat" and p.step == step]


def shows(prompt: Prompt) -> bool:
    """Market prompts after the first act there hold what others did in the market."""
    return prompt.environment == "group_chat" or prompt.step in {"perception", "action"}


@pytest.mark.parametrize("name", TREATMENTS)
def test_a_private_message_changes_nobody_else_s_prompt(name: str, tmp_path: Path) -> None:
    shown = []
    for place, whisper in enumerate(("a fair price is near 70", "sell nothing below 700, my friend")):
        folder = tmp_path / str(place)
        folder.mkdir()
        file = discussed(folder, script_of(name, whisper), **TREATMENTS[name])
        said = {
            row["content"]
            for row in rows(file, f"SELECT content FROM messages WHERE recipient_id = '{LISTENER}'")
        }
        assert (whisper in said) == (name != "role"), "under role the two never meet"
        shown.append([prompt for prompt in prompts_of(file) if shows(prompt)])
    others = [[p for p in run if p.agent_id not in {WHISPERER, LISTENER, "moderator"}] for run in shown]
    assert others[0] == others[1]
    assert {prompt.environment for prompt in others[0]} == {"group_chat", "auction"}
    assert len(others[0]) >= 8
    if name != "role":
        heard = [[p.user for p in run if p.agent_id == LISTENER] for run in shown]
        assert heard[0] != heard[1], "the listener does hear it"


def visible(file: Path) -> dict[str, dict[int, set[str]]]:
    """By agent and sub-round of a prompt: the tokens that the tables say it may see; 99 is the market."""
    found: dict[str, dict[int, set[str]]] = {
        agent: {sub_round: set() for sub_round in (*range(1, SUB_ROUNDS + 1), 99)} for agent in AGENTS
    }
    left = {
        row["agent_id"]: row["sub_round"]
        for row in rows(file, "SELECT * FROM attendance WHERE change = 'left'")
    }
    cohorts = defaultdict(set)
    for row in rows(file, "SELECT * FROM cohorts"):
        cohorts[row["cohort_id"]].add(row["agent_id"])
    for message in rows(file, "SELECT * FROM messages"):
        for agent in cohorts[message["cohort_id"]]:
            own = agent == message["sender_id"]
            if not own and message["recipient_id"] not in {"all", agent}:
                continue
            since = message["sub_round"] if own else message["delivered"]
            if since is None or (not own and since > left.get(agent, 99)):
                continue
            for sub_round in found[agent]:
                if sub_round > since:
                    found[agent][sub_round] |= set(re.findall(r"agent\dr\ds\dx", message["content"]))
    return found


@pytest.mark.parametrize(
    "name", ["plain", "role", "delay", "long delay", "scramble", "rule", "model", "leaving", "attendance"]
)
def test_a_prompt_holds_a_message_if_and_only_if_it_is_visible(name: str, tmp_path: Path) -> None:
    script: dict[str, Any] = {
        "agent_1/1/1": {"message": f"psst {token('agent_1', 1, 1)}", "recipient_id": "agent_3"},
        "agent_3/1/2": {"message": f"forbidden {token('agent_3', 1, 2)}"},
        "agent_4/1/2": {"message": line("agent_4", 1, 2), "leave": name == "leaving"},
    }
    file = discussed(tmp_path, script, **TREATMENTS[name])
    expected = visible(file)
    compared = 0
    for prompt in prompts_of(file):
        if prompt.environment == "group_chat" and prompt.step == "perception":
            place = prompt.sub_round
        elif prompt.environment == "auction" and prompt.step in {"perception", "action"}:
            place = 99
        else:
            continue
        assert set(re.findall(r"agent\dr\ds\dx", prompt.user)) == expected[prompt.agent_id][place], prompt
        compared += 1
    assert compared >= 3 * SUB_ROUNDS + 4


# -- what each treatment is ---------------------------------------------------------------------------------------


def test_switched_off_nobody_talks_and_nobody_is_asked(tmp_path: Path) -> None:
    file = discussed(tmp_path, {}, enabled=False)
    assert {prompt.environment for prompt in prompts_of(file)} == {"auction"}
    for table in ("messages", "cohorts", "topics", "turns", "discussions"):
        assert rows(file, f"SELECT * FROM {table}") == []
    [note] = rows(file, "SELECT message FROM run_events WHERE kind = 'chat_off'")
    assert note["message"] == "group_chat: no discussion, for enabled is false"
    assert (
        rows(file, "SELECT * FROM run_events WHERE kind = 'empty_round' AND message LIKE '%group_chat%'")
        == []
    )


@pytest.mark.parametrize(
    ("side", "talking"), [("buyers", {"agent_1", "agent_3"}), ("sellers", {"agent_2", "agent_4"})]
)
def test_one_side_alone_talks_hears_and_is_asked(side: str, talking: set[str], tmp_path: Path) -> None:
    file = discussed(tmp_path, {}, participants=side)
    prompts = prompts_of(file)
    assert {prompt.agent_id for prompt in prompts if prompt.environment == "group_chat"} == talking
    assert {row["sender_id"] for row in rows(file, "SELECT sender_id FROM messages")} == talking
    for prompt in prompts:
        is_late = prompt.environment == "auction" or prompt.sub_round > 1 or prompt.step == "reflection"
        assert ("the token is" in prompt.user) == (prompt.agent_id in talking and is_late)
    told = {prompt.system for prompt in prompts if prompt.environment == "group_chat"}
    assert all(f"- Only {side} take part in the discussion." in system for system in told)


def test_a_delay_is_told_and_what_is_due_too_late_is_still_heard_in_the_market(tmp_path: Path) -> None:
    file = discussed(tmp_path, {}, delay=2)
    delivered = rows(file, "SELECT DISTINCT sub_round, delivered FROM messages ORDER BY sub_round")
    assert [(row["sub_round"], row["delivered"]) for row in delivered] == [(1, 3), (2, 3), (3, 3)]
    prompts = prompts_of(file)
    for prompt in prompts:
        others = set(re.findall(r"agent\dr\ds\dx", prompt.user)) - {
            token(prompt.agent_id, 1, sub_round) for sub_round in range(1, SUB_ROUNDS + 1)
        }
        in_time = prompt.environment == "auction" or prompt.step == "reflection"
        assert len(others) == (3 * SUB_ROUNDS if in_time else 0)
    assert any(
        "- Messages reach others 2 turns later than they would;" in prompt.system for prompt in prompts
    )


def test_scrambled_words_reach_others_and_the_sender_sees_its_own(tmp_path: Path) -> None:
    file = discussed(tmp_path, {}, scramble=True)
    messages = rows(file, "SELECT * FROM messages")
    assert len(messages) == 4 * SUB_ROUNDS
    for message in messages:
        assert sorted(message["scrambled"].split()) == sorted(message["content"].split())
        assert message["scrambled"] != message["content"]
        assert len(message["scrambled"]) == len(message["content"])
    for prompt in prompts_of(file):
        for message in messages:
            if message["content"] in prompt.user:
                assert prompt.agent_id == message["sender_id"]
            if message["scrambled"] in prompt.user:
                assert prompt.agent_id != message["sender_id"]


def test_a_message_to_all_is_refused_with_valid_names(tmp_path: Path) -> None:
    file = discussed(
        tmp_path, {"agent_1": {"message": "hello", "recipient_id": "agent_2"}}, private_only=True
    )
    assert {row["recipient_id"] for row in rows(file, "SELECT recipient_id FROM messages")} == {"agent_2"}
    refused = rows(file, "SELECT * FROM actions WHERE verdict = 'rejected' AND agent_id = 'agent_3'")
    assert {row["reason"] for row in refused} == {
        "only private messages are allowed, not one to 'all'; valid are: agent_1, agent_2, agent_4"
    }
    outcomes = rows(file, "SELECT agent_id, outcome FROM turns WHERE sub_round = 1 ORDER BY agent_id")
    assert [row["outcome"] for row in outcomes] == ["spoke", "refused", "refused", "refused"]


def test_withheld_messages_are_kept_with_the_reason_and_shown_to_their_sender_alone(tmp_path: Path) -> None:
    script = {"agent_1/1/1": {"message": "let us c-o-l-l-u-d-e zebra"}, "agent_2/1/1": {"message": "z" * 99}}
    file = discussed(tmp_path, script, moderator={"block": ["collude"], "max_length": 60})
    withheld = rows(file, "SELECT * FROM messages WHERE verdict = 'withheld' ORDER BY sender_id")
    assert [(row["sender_id"], row["reason"], row["delivered"]) for row in withheld] == [
        ("agent_1", "it holds a blocked word or phrase", None),
        ("agent_2", "longer than 60 characters (99)", None),
    ]
    readers = {prompt.agent_id for prompt in prompts_of(file) if "zebra" in prompt.user}
    assert readers == {"agent_1"}
    own = next(prompt.user for prompt in prompts_of(file) if "zebra" in prompt.user)
    assert "agent_1 (withheld, nobody else sees it; it holds a blocked word or phrase): let us" in own
    acts = rows(file, "SELECT agent_id, verdict, reason FROM actions WHERE verdict = 'withheld'")
    assert {act["agent_id"] for act in acts} == {"agent_1", "agent_2"}
    turns = rows(file, "SELECT agent_id, reason FROM turns WHERE outcome = 'withheld'")
    assert {turn["agent_id"]: turn["reason"] for turn in turns} == {
        row["sender_id"]: row["reason"] for row in withheld
    }


def test_in_turn_everybody_hears_who_spoke_before(tmp_path: Path) -> None:
    file = discussed(tmp_path, {}, turns="round_robin", max_rounds=2)
    turns = rows(file, "SELECT * FROM turns ORDER BY round, sub_round, place")
    orders: dict[tuple[int, int], list[str]] = defaultdict(list)
    for turn in turns:
        orders[turn["round"], turn["sub_round"]].append(turn["agent_id"])
    assert {round_number: order for (round_number, _), order in orders.items()} == {
        1: list(AGENTS),
        2: [*AGENTS[1:], "agent_1"],
    }
    for prompt in prompts_of(file):
        if prompt.environment == "group_chat" and prompt.step == "perception":
            order = orders[prompt.round, prompt.sub_round]
            before = order[: order.index(prompt.agent_id)]
            now = [agent for agent in AGENTS if token(agent, prompt.round, prompt.sub_round) in prompt.user]
            assert sorted(now) == sorted(before)


def test_who_leaves_moves_nobody_else_s_turn(tmp_path: Path) -> None:
    script = {"agent_1/3/1": {"message": line("agent_1", 3, 1), "leave": True}}
    file = discussed(tmp_path, script, turns="round_robin", leaving="round", max_rounds=3, sub_rounds=2)
    turns = rows(file, "SELECT * FROM turns WHERE round = 3 ORDER BY sub_round, place")
    orders = [[turn["agent_id"] for turn in turns if turn["sub_round"] == number] for number in (1, 2)]
    assert orders == [["agent_3", "agent_4", "agent_1", "agent_2"], ["agent_3", "agent_4", "agent_2"]]


def test_who_asks_most_speaks_first_and_who_asks_for_nothing_is_not_asked(tmp_path: Path) -> None:
    file = discussed(tmp_path, {}, turns="by_request", sub_rounds=9)
    turns = rows(file, "SELECT * FROM turns ORDER BY sub_round, place")
    asked = {(prompt.agent_id, prompt.sub_round) for prompt in in_chat(file)}
    by_turn: dict[int, list[int]] = defaultdict(list)
    for turn in turns:
        assert ((turn["agent_id"], turn["sub_round"]) in asked) == (turn["urgency"] > 0)
        assert (turn["outcome"], turn["reason"]) == (
            ("spoke", None) if turn["urgency"] else ("passed", "asked for no turn")
        )
        if turn["urgency"]:
            by_turn[turn["sub_round"]].append(turn["urgency"])
    assert any(turn["urgency"] == 0 for turn in turns), "the draws hold somebody who wants nothing"
    assert all(wishes == sorted(wishes, reverse=True) for wishes in by_turn.values())


@pytest.mark.parametrize("scope", ["round", "run"])
def test_who_leaves_neither_hears_nor_is_asked(scope: str, tmp_path: Path) -> None:
    script = {"agent_4/1/1": {"message": line("agent_4", 1, 1), "leave": True}}
    file = discussed(tmp_path, script, leaving=scope, max_rounds=2)
    asked = {
        (prompt.round, prompt.sub_round)
        for prompt in prompts_of(file)
        if prompt.agent_id == "agent_4" and prompt.environment == "group_chat"
    }
    assert asked == ({(1, 1)} if scope == "run" else {(1, 1), *((2, turn) for turn in (1, 2, 3))})
    noted = rows(file, "SELECT round, sub_round, change, reason FROM attendance ORDER BY round")
    changes = [tuple(row.values()) for row in noted]
    back = [(2, 0, "joined", "back for the new round")] if scope == "round" else []
    assert changes == [(1, 1, "left", "own decision"), *back]
    market = next(p for p in prompts_of(file) if p.agent_id == "agent_4" and p.environment == "auction")
    assert set(re.findall(r"s\dx", market.user)) == {"s1x"}


def test_attendance_is_as_scheduled(tmp_path: Path) -> None:
    schedule = [{"agents": ["agent_3"], "joins": 2}, {"agents": ["agent_1"], "leaves": 2}]
    file = discussed(tmp_path, {}, attendance=schedule, max_rounds=3)
    talked = {(row["round"], row["sender_id"]) for row in rows(file, "SELECT * FROM messages")}
    assert {agent for round_number, agent in talked if round_number == 1} == {"agent_1", "agent_2", "agent_4"}
    assert {agent for round_number, agent in talked if round_number > 1} == {"agent_2", "agent_3", "agent_4"}
    noted = rows(file, "SELECT round, agent_id, change, reason FROM attendance ORDER BY agent_id")
    assert [tuple(row.values()) for row in noted] == [
        (2, "agent_1", "left", "scheduled"),
        (2, "agent_3", "joined", "scheduled"),
    ]


@pytest.mark.parametrize("turns", ["simultaneous", "round_robin", "by_request"])
def test_a_discussion_ends_when_all_pass(turns: str, tmp_path: Path) -> None:
    script = dict.fromkeys(AGENTS, PASS) | {"agent_2/1/1": {"message": "hello"}}
    file = discussed(tmp_path, script, end_when_all_pass=True, sub_rounds=9, turns=turns)
    [ended] = rows(file, "SELECT sub_rounds, ended FROM discussions")
    last = 2 if rows(file, "SELECT * FROM messages") else 1
    assert (ended["sub_rounds"], ended["ended"]) == (last, "all passed")
    asked = {
        p.sub_round for p in prompts_of(file) if p.environment == "group_chat" and p.step == "perception"
    }
    assert max(asked, default=1) <= last


def test_nothing_ends_while_a_message_is_on_its_way(tmp_path: Path) -> None:
    script = dict.fromkeys(AGENTS, PASS) | {"agent_2/1/1": {"message": "hello"}}
    file = discussed(tmp_path, script, end_when_all_pass=True, sub_rounds=9, delay=3)
    [ended] = rows(file, "SELECT sub_rounds, ended FROM discussions")
    assert (ended["sub_rounds"], ended["ended"]) == (4, "all passed")


def test_a_moderator_judges_on_where_each_agent_has_a_cap(tmp_path: Path) -> None:
    """It is no agent: what one agent may ask at most would silence all of them."""
    changes = {
        "num_agents": 4,
        "environment_order": ["group_chat"],
        "environment_configs.group_chat.moderator": {"model": "offline"},
        "environment_configs.group_chat.steps": ["action"],
        "budget.agent.max_calls": 6,
    }
    file = played(tmp_path / "run.db", changes)
    said = rows(file, "SELECT verdict, reason FROM messages")
    assert len(said) > 6
    assert [row for row in said if row["verdict"] == "withheld"] == []
