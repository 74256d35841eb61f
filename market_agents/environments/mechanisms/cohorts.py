"""Who talks with whom: cohorts drawn by chance or by role."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from random import Random
from typing import Literal

CohortRule = Literal["chance", "role"]


def form_cohorts(
    roles: Mapping[str, str], group_size: int | None, rule: CohortRule, rng: Random
) -> tuple[tuple[str, ...], ...]:
    """Divide agents into cohorts whose sizes differ by at most one.

    Args:
        roles: role by agent id, in the order of joining.
        group_size: the largest cohort; None for one cohort of all (one of each role under ``role``).
        rule: ``chance`` mixes everybody, ``role`` keeps buyers with buyers and sellers with sellers.
        rng: this round's stream.

    Returns:
        The cohorts; within each, agents stand in the order of joining.
    """
    pools: dict[str, list[str]] = {}
    for agent_id, role in roles.items():
        pools.setdefault(role if rule == "role" else "", []).append(agent_id)
    place = {agent_id: index for index, agent_id in enumerate(roles)}
    cohorts = []
    for pool in pools.values():
        rng.shuffle(pool)
        cohorts += [
            tuple(sorted(part, key=place.__getitem__)) for part in _split(pool, group_size or len(pool))
        ]
    return tuple(cohorts)


def keep_cohorts(
    kept: Sequence[tuple[str, ...]],
    roles: Mapping[str, str],
    group_size: int | None,
    rule: CohortRule,
    rng: Random,
) -> tuple[tuple[str, ...], ...]:
    """Leave cohorts together: those who are gone are taken out, newcomers fill the smallest cohorts with room.

    Args:
        kept: the cohorts so far.
        roles: role by agent id of those who talk now, in the order of joining.
        group_size: as in `form_cohorts`.
        rule: as in `form_cohorts`.
        rng: this round's stream; used only where newcomers find no room.
    """
    cohorts = [tuple(member for member in cohort if member in roles) for cohort in kept]
    cohorts = [cohort for cohort in cohorts if cohort]
    settled = {member for cohort in cohorts for member in cohort}
    place = {agent_id: index for index, agent_id in enumerate(roles)}
    left_over = {}
    for newcomer, role in roles.items():
        if newcomer in settled:
            continue
        fits = [
            number
            for number, cohort in enumerate(cohorts)
            if (group_size is None or len(cohort) < group_size)
            and (rule == "chance" or roles[cohort[0]] == role)
        ]
        if not fits:
            left_over[newcomer] = role
            continue
        smallest = min(fits, key=lambda number: len(cohorts[number]))
        cohorts[smallest] = tuple(sorted((*cohorts[smallest], newcomer), key=place.__getitem__))
    return (*cohorts, *(form_cohorts(left_over, group_size, rule, rng) if left_over else ()))


def _split(pool: Sequence[str], group_size: int) -> list[Sequence[str]]:
    count = -(-len(pool) // group_size)
    bounds = [len(pool) * part // count for part in range(count + 1)]
    return [pool[low:high] for low, high in pairwise(bounds)]
