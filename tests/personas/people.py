"""Personas for the tests of this room."""

from __future__ import annotations

from functools import cache

from market_agents.personas import Persona, generate_persona
from market_agents.rng import RandomStreams

AMARA: dict[str, object] = {
    "name": "Amara K.",
    "age": 34,
    "occupation": "electrician",
    "trader_type": "careful buyer",
    "experience": 6,
    "risk_aversion": 0.45,
    "loss_aversion": 2.25,
    "patience": 0.9,
    "honesty": 0.8,
    "fairness": 0.25,
    "confidence": 0.5,
    "talkativeness": 0.4,
    "values": "fair dealing",
    "habits": "checks each offer twice",
}


def amara(**changes: object) -> Persona:
    return Persona.from_mapping(AMARA | changes)


def person(index: int, role: str = "buyer", seed: int = 11) -> Persona:
    return generate_persona(RandomStreams(seed).stream("personas", f"agent_{index}"), role)


@cache
def crowd() -> tuple[Persona, ...]:
    """5,000 personas, each from its own stream as in a run."""
    return tuple(person(index) for index in range(5_000))
