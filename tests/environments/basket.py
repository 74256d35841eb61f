"""The smallest mechanism with a conflict: a basket of strawberries that runs out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

from market_agents.environments import BoundEnvironment, Environment, Event, Mechanism, Observation
from market_agents.errors import IllegalAction


@dataclass(eq=False)
class Person:
    id: str
    role: str = "buyer"
    environments: dict[str, BoundEnvironment] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Taken(Event):
    agent_id: str
    number: int


class Basket(Mechanism[int]):
    def __init__(self, stock: int = 100) -> None:
        super().__init__()
        self.stock = stock
        self.taken: dict[str, int] = {}
        self.turns = 0

    def join(self, agent_id: str, role: str) -> None:
        self.taken.setdefault(agent_id, 0)

    def check(self, agent_id: str, action: Mapping[str, object]) -> int:
        number = action.get("take")
        if not isinstance(number, int) or number < 1:
            raise IllegalAction("take is a whole number from 1")
        return number

    def apply(self, agent_id: str, action: int) -> Observation:
        if action > self.stock:
            raise IllegalAction(f"only {self.stock} left")
        self.stock -= action
        self.taken[agent_id] += action
        self.emit(Taken(agent_id, action))
        return {"status": "accepted", **self.observe(agent_id)}

    def observe(self, agent_id: str) -> Observation:
        return {"stock": self.stock, "mine": self.taken[agent_id]}

    def global_state(self) -> Observation:
        return {"stock": self.stock, "taken": dict(self.taken)}

    def end_turn(self) -> None:
        self.turns += 1


def people(number: int) -> list[Person]:
    return [Person(f"agent_{index}") for index in range(1, number + 1)]


def around(stock: int, guests: list[Person]) -> tuple[Environment[int], Basket]:
    basket = Basket(stock)
    environment = Environment("basket", basket)
    environment.join(guests)
    return environment, basket


def takers(environment: Environment[int]) -> list[str]:
    """Who took something since the last look, in order."""
    return [event.agent_id for event in environment.mechanism.take_events() if isinstance(event, Taken)]


def rng(seed: int = 0) -> Random:
    return Random(seed)
