"""The tasks as a mechanism: what is read, what is refused, and that answering tells nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from random import Random

import pytest

from market_agents.environments import BoundEnvironment
from market_agents.environments.mechanisms.elicitation import TASKS, Elicitation, ElicitationEnvironment, Task
from market_agents.errors import IllegalAction

SAFE_FOUR = ["A"] * 4 + ["B"] * 6
WAITS_SIX = ["later"] * 6 + ["sooner"] * 4


@dataclass
class Player:
    id: str
    role: str = "buyer"
    environments: dict[str, BoundEnvironment] = field(default_factory=dict)


def at_task(task: Task, stakes: float = 1.0) -> tuple[ElicitationEnvironment, Elicitation, Player, Player]:
    """Two players before one task."""
    mechanism = Elicitation([task], stakes)
    environment = ElicitationEnvironment(mechanism=mechanism)
    players = Player("agent_1"), Player("agent_2", "seller")
    environment.join(players)
    mechanism.begin_round(1, Random(1))
    mechanism.begin_sub_round(1)
    return environment, mechanism, *players


@pytest.mark.parametrize(
    ("task", "answer", "value"),
    [
        ("risk", {"choices": SAFE_FOUR}, 0.0),
        ("patience", {"choices": tuple(WAITS_SIX)}, 0.825),
        ("giving", {"share": 0.25}, 0.25),
        ("giving", {"share": 0}, 0.0),
        ("giving", {"share": 1}, 1.0),
    ],
)
def test_an_answer_reveals_a_number(task: Task, answer: dict[str, object], value: float) -> None:
    _, mechanism, one, _ = at_task(task)
    told = one.environments["elicitation"].step(answer)
    assert (told["status"], told["task"]) == ("accepted", task)
    assert not told.keys() & {"revealed", "value", "low", "high", "consistent"}
    assert mechanism.global_state()["revealed"] == {"agent_1": pytest.approx(value)}


@pytest.mark.parametrize(
    ("task", "answer"),
    [
        ("risk", {}),
        ("risk", {"choices": None}),
        ("risk", {"choices": "AAAABBBBBB"}),
        ("risk", {"choices": SAFE_FOUR[1:]}),
        ("risk", {"choices": [*SAFE_FOUR, "B"]}),
        ("risk", {"choices": ["a", *SAFE_FOUR[1:]]}),
        ("risk", {"choices": [1, *SAFE_FOUR[1:]]}),
        ("risk", {"choices": [["A"], *SAFE_FOUR[1:]]}),
        ("risk", {"choices": WAITS_SIX}),
        ("risk", {"choices": SAFE_FOUR, "agent_id": "agent_2"}),
        ("patience", {"choices": SAFE_FOUR}),
        ("patience", {"share": 0.5}),
        ("giving", {"choices": SAFE_FOUR}),
        ("giving", {"share": None}),
        ("giving", {"share": True}),
        ("giving", {"share": "0.5"}),
        ("giving", {"share": -0.01}),
        ("giving", {"share": 1.01}),
        ("giving", {"share": float("nan")}),
        ("giving", {"share": float("inf")}),
        ("giving", {"share": 10**400}),
    ],
)
def test_what_is_no_answer_is_refused_and_changes_nothing(task: Task, answer: dict[str, object]) -> None:
    _, mechanism, one, _ = at_task(task)
    with pytest.raises(IllegalAction):
        one.environments["elicitation"].step(answer)
    assert mechanism.revealed == {}


def test_the_refusal_says_what_would_be_right() -> None:
    _, _, one, _ = at_task("risk")
    with pytest.raises(IllegalAction, match="10 words, one for each row: A or B"):
        one.environments["elicitation"].step({"choices": ["A"]})
    with pytest.raises(IllegalAction, match="unknown key 'share'; the answer to risk has choices"):
        one.environments["elicitation"].step({"share": 0.5})


def test_nobody_answers_a_task_twice() -> None:
    _, mechanism, one, _ = at_task("giving")
    one.environments["elicitation"].step({"share": 0.2})
    with pytest.raises(IllegalAction, match="answered this task already"):
        one.environments["elicitation"].step({"share": 0.9})
    assert mechanism.revealed["agent_1"].value == 0.2


def test_what_one_answers_changes_nothing_that_another_sees() -> None:
    _, _, one, other = at_task("giving")
    before = json.dumps(other.environments["elicitation"].get_global_state())
    one.environments["elicitation"].step({"share": 0.2})
    assert json.dumps(other.environments["elicitation"].get_global_state()) == before
    assert "revealed" not in before


def test_roles_see_the_same() -> None:
    _, _, one, other = at_task("risk")
    assert (
        one.environments["elicitation"].get_global_state()
        == other.environments["elicitation"].get_global_state()
    )


@pytest.mark.parametrize("task", TASKS)
def test_stakes_multiply_amounts_and_nothing_else(task: Task) -> None:
    _, plain, _, _ = at_task(task)
    _, high, _, _ = at_task(task, stakes=20.0)
    numbers = {"sooner", "later", "pie"}
    for row, raised in zip(plain.observe("agent_1")["menu"], high.observe("agent_1")["menu"], strict=True):
        for key, value in row.items():
            if key in {"A", "B"}:
                assert raised[key] == pytest.approx([20 * prize for prize in value])
            else:
                assert raised[key] == pytest.approx(20 * value if key in numbers else value)


def test_tasks_come_in_order_and_begin_again() -> None:
    mechanism = Elicitation(["patience", "risk"])
    mechanism.begin_round(1, Random(1))
    seen = []
    for sub_round in range(1, 6):
        mechanism.begin_sub_round(sub_round)
        seen.append(mechanism.task)
    assert seen == ["patience", "risk", "patience", "risk", "patience"]


def test_a_new_task_forgets_the_last_ones_answers() -> None:
    environment, mechanism, one, _ = at_task("giving")
    one.environments["elicitation"].step({"share": 0.2})
    mechanism.begin_sub_round(2)
    assert mechanism.revealed == {}
    environment.open_turn()
    assert one.environments["elicitation"].step({"share": 0.4})["status"] == "staged"
    acts = environment.close_turn(Random(1))
    assert acts["agent_1"][0].told["status"] == "accepted"
    assert mechanism.revealed["agent_1"].value == 0.4
