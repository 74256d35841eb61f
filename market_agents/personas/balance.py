"""Whether roles got comparable personas: the means of every number by role, and how far apart they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import sqrt
from statistics import fmean, variance

from market_agents.personas.persona import NUMERIC_FIELDS, Persona


@dataclass(frozen=True, slots=True)
class TraitBalance:
    """One row of the balance table.

    Attributes:
        trait: a numeric field of `Persona`.
        means: its mean by role, in the field's unit; roles without a persona are left out.
        standardised_difference: difference of two roles' means in standard deviations, the earlier role
            minus the later; among more than two roles the largest in absolute value. None where it is
            undefined: no two roles have two personas each, or means differ without any spread within roles.
    """

    trait: str
    means: Mapping[str, float]
    standardised_difference: float | None


def persona_balance(personas_by_role: Mapping[str, Sequence[Persona]]) -> tuple[TraitBalance, ...]:
    """The balance table of a population, one row a numeric field in the order of `NUMERIC_FIELDS`.

    The standardised difference is (m₁ − m₂) / √((s₁² + s₂²) / 2) with sample variances s², which unlike a
    t-statistic does not grow with the number of personas. A usual reading is that up to 0.1 in absolute
    value is negligible (Austin, "An Introduction to Propensity Score Methods", Multivariate Behavioral
    Research 46, 2011); small populations go beyond it by chance alone.

    Args:
        personas_by_role: the personas of each role.
    """
    return tuple(_row(trait, personas_by_role) for trait in NUMERIC_FIELDS)


def balance_in_words(table: Sequence[TraitBalance]) -> str:
    """A balance table on one line: the trait that differs most between roles, and by how much.

    Args:
        table: as from `persona_balance`.
    """
    distances = [(abs(row.standardised_difference or 0.0), row) for row in table]
    distance, worst = max(distances, key=lambda entry: entry[0], default=(0.0, None))
    if worst is None or all(row.standardised_difference is None for row in table):
        return "personas by role: too few to compare"
    means = ", ".join(f"{role} {mean:.2f}" for role, mean in worst.means.items())
    return f"personas by role: {worst.trait.replace('_', ' ')} apart by {distance:.2f} SD ({means})"


def _row(trait: str, personas_by_role: Mapping[str, Sequence[Persona]]) -> TraitBalance:
    samples = {
        role: [float(getattr(persona, trait)) for persona in personas]
        for role, personas in personas_by_role.items()
        if personas
    }
    pairs = (_standardised_difference(one, other) for one, other in combinations(samples.values(), 2))
    known = [difference for difference in pairs if difference is not None]
    return TraitBalance(
        trait=trait,
        means={role: fmean(sample) for role, sample in samples.items()},
        standardised_difference=max(known, key=abs, default=None),
    )


def _standardised_difference(one: Sequence[float], other: Sequence[float]) -> float | None:
    if min(len(one), len(other)) < 2:
        return None
    distance = fmean(one) - fmean(other)
    spread = sqrt((variance(one) + variance(other)) / 2)
    if spread == 0:
        return 0.0 if distance == 0 else None
    return distance / spread
