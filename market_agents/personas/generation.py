"""Draws personas from the tables: age, then what depends on age, trader type, then what depends on type."""

from __future__ import annotations

from random import Random

from market_agents.personas import tables
from market_agents.personas.persona import Persona
from market_agents.personas.tables import Interval, Triangle

_RISK_CELLS = tuple(
    (trader_type, interval, weight)
    for interval, row in tables.RISK_AVERSION_BY_TYPE.items()
    for trader_type, weight in zip(tables.TRADER_TYPES, row, strict=True)
    if weight
)
_CELL_WEIGHTS = tuple(weight for _, _, weight in _RISK_CELLS)
_BAND_WEIGHTS = tuple(band.weight for band in tables.AGE_BANDS)
_OCCUPATIONS = tuple(tables.OCCUPATIONS)
_OCCUPATION_WEIGHTS = tuple(zip(*tables.OCCUPATIONS.values(), strict=True))


def generate_persona(rng: Random, role: str) -> Persona:
    """Draw a persona from the tables in `market_agents.personas.tables`.

    The role changes nothing but the noun in ``trader_type`` ("careful buyer", "careful seller", else
    "careful trader"): from the same state of ``rng`` a buyer and a seller are otherwise the same person.
    The number of draws is always the same, and each takes one ``rng.random()``, whose sequence Python keeps
    across versions. Traits are rounded to two decimals, so that they are equal on every platform.

    Args:
        rng: the only source of chance; give each agent its own stream.
        role: the agent's role in the market.
    """
    name = f"{rng.choices(tables.GIVEN_NAMES)[0]} {rng.choices(tables.INITIALS)[0]}."
    band = rng.choices(range(len(tables.AGE_BANDS)), _BAND_WEIGHTS)[0]
    age = _age(rng, band)
    trader_type, risk_interval, _ = rng.choices(_RISK_CELLS, _CELL_WEIGHTS)[0]
    return Persona(
        name=name,
        age=age,
        occupation=rng.choices(_OCCUPATIONS, _OCCUPATION_WEIGHTS[band])[0],
        trader_type=f"{trader_type} {tables.ROLE_NOUNS.get(role, tables.GENERAL_NOUN)}",
        experience=_experience(rng, age),
        risk_aversion=_even(rng, risk_interval),
        loss_aversion=_triangular(rng, tables.LOSS_AVERSION),
        patience=_triangular(rng, tables.PATIENCE_BY_AGE[band]),
        honesty=_triangular(rng, tables.HONESTY_BY_TYPE[trader_type]),
        fairness=_triangular(rng, tables.FAIRNESS),
        confidence=_triangular(rng, tables.CONFIDENCE_BY_TYPE[trader_type]),
        talkativeness=_triangular(rng, tables.TALKATIVENESS_BY_TYPE[trader_type]),
        values=rng.choices(tables.VALUES)[0],
        habits=rng.choices(tables.HABITS_BY_TYPE[trader_type])[0],
    )


def _age(rng: Random, band: int) -> int:
    youngest, oldest, _ = tables.AGE_BANDS[band]
    return rng.choices(range(youngest, oldest + 1))[0]


def _experience(rng: Random, age: int) -> int:
    return int(rng.triangular(*_ends_first(tables.EXPERIENCE_SHARE)) * (age - tables.EXPERIENCE_FROM_AGE))


def _even(rng: Random, interval: Interval) -> float:
    return _rounded(rng.uniform(interval.low, interval.high))


def _triangular(rng: Random, triangle: Triangle) -> float:
    return _rounded(rng.triangular(*_ends_first(triangle)))


def _ends_first(triangle: Triangle) -> tuple[float, float, float]:
    return triangle.low, triangle.high, triangle.mode


def _rounded(number: float) -> float:
    # Adding zero turns -0.0, which would print and hash differently, into 0.0.
    return round(number, 2) + 0.0
