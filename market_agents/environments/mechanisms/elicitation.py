"""Tasks that reveal preferences: a menu of lotteries, a dictator's split, a menu of payments now or in a month."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Final, Literal

from market_agents.economics.menus import (
    LATER_PAYMENT,
    PROBABILITIES,
    RISKY_PRIZES,
    SAFE_PRIZES,
    SOONER_PAYMENTS,
    Lottery,
    Payment,
    Revealed,
    revealed_discount_factor,
    revealed_risk_aversion,
)
from market_agents.environments.environment import Environment, Mechanism, Observation
from market_agents.errors import IllegalAction

Task = Literal["risk", "giving", "patience"]
TASKS: Final[tuple[Task, ...]] = ("risk", "giving", "patience")

PIE: Final = 10.0
"""What the dictator divides, before stakes."""

_CENTS = 2


class Elicitation(Mechanism[Revealed]):
    """The rules: one task a sub-round, answered once, alone and unseen. Nothing is paid.

    Args:
        tasks: the tasks in their order; where there are more sub-rounds than tasks, they begin again.
        stakes: what all amounts are multiplied with.
    """

    settings = frozenset({"tasks", "stakes"})

    def __init__(self, tasks: Sequence[Task] = TASKS, stakes: float = 1.0) -> None:
        super().__init__()
        self.tasks = tuple(tasks)
        self.stakes = stakes
        self.revealed: dict[str, Revealed] = {}

    @property
    def task(self) -> Task:
        """The task of the current sub-round."""
        return self.tasks[(max(self.sub_round, 1) - 1) % len(self.tasks)]

    def join(self, agent_id: str, role: str) -> None:
        """Everybody may answer, whatever the role."""

    def begin_round(self, round_number: int, rng: Random) -> None:
        """Start a round with its first task."""
        super().begin_round(round_number, rng)
        self.begin_sub_round(0)

    def begin_sub_round(self, sub_round: int) -> None:
        """Turn to the next task."""
        super().begin_sub_round(sub_round)
        self.revealed = {}

    def check(self, agent_id: str, action: Mapping[str, object]) -> Revealed:  # noqa: ARG002  (the same for everybody)
        """Read ``{"choices": [ten words]}`` or, in the dictator's task, ``{"share": 0 … 1}``."""
        wanted = "share" if self.task == "giving" else "choices"
        unknown = [key for key in action if key != wanted]
        if unknown:
            raise IllegalAction(
                f"unknown key {str(unknown[0])[:40]!r}; the answer to {self.task} has {wanted}"
            )
        if self.task == "giving":
            return _share_given(action.get("share"))
        if self.task == "risk":
            return revealed_risk_aversion(_lotteries(action.get("choices")))
        return revealed_discount_factor(_payments(action.get("choices")))

    def apply(self, agent_id: str, action: Revealed) -> Observation:
        """Take the answer; what it reveals is not told."""
        if agent_id in self.revealed:
            raise IllegalAction(f"{agent_id} has answered this task already")
        self.revealed[agent_id] = action
        return {"status": "accepted", "task": self.task}

    def observe(self, agent_id: str) -> Observation:  # noqa: ARG002  (the same for everybody)
        """The task and its menu, amounts in currency; nothing of what others answered."""
        return {
            "round": self.round,
            "sub_round": self.sub_round,
            "task": self.task,
            "menu": self._menu(),
        }

    def global_state(self) -> Observation:
        """The experimenter's view: the task, and what the answers to it reveal."""
        return {
            "round": self.round,
            "sub_round": self.sub_round,
            "task": self.task,
            "revealed": {agent_id: revealed.value for agent_id, revealed in self.revealed.items()},
        }

    def _menu(self) -> list[dict[str, object]]:
        if self.task == "giving":
            return [{"pie": self._amount(PIE)}]
        if self.task == "patience":
            later = self._amount(LATER_PAYMENT)
            return [
                {"row": row, "sooner": self._amount(sooner), "later": later}
                for row, sooner in enumerate(SOONER_PAYMENTS, 1)
            ]
        return [
            {
                "row": row,
                "chance": chance,
                "A": [self._amount(prize) for prize in SAFE_PRIZES],
                "B": [self._amount(prize) for prize in RISKY_PRIZES],
            }
            for row, chance in enumerate(PROBABILITIES, 1)
        ]

    def _amount(self, money: float) -> float:
        return round(money * self.stakes, _CENTS)


class ElicitationEnvironment(Environment[Revealed]):
    """The tasks with a name and participants."""

    def __init__(self, name: str = "elicitation", mechanism: Elicitation | None = None) -> None:
        super().__init__(name, mechanism or Elicitation())


def _share_given(share: object) -> Revealed:
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
        raise IllegalAction("share is the part that you give to the other, a number from 0 to 1")
    given = float(share) + 0.0
    return Revealed(given, given, given, consistent=True)


def _lotteries(choices: object) -> list[Lottery]:
    words = _words(choices, ("A", "B"), len(PROBABILITIES))
    return ["A" if word == "A" else "B" for word in words]


def _payments(choices: object) -> list[Payment]:
    words = _words(choices, ("sooner", "later"), len(SOONER_PAYMENTS))
    return ["later" if word == "later" else "sooner" for word in words]


def _words(choices: object, known: tuple[str, str], rows: int) -> list[object]:
    words = list(choices) if isinstance(choices, list | tuple) else []
    if len(words) != rows or any(word != known[0] and word != known[1] for word in words):
        raise IllegalAction(f"choices are {rows} words, one for each row: {known[0]} or {known[1]}")
    return words
