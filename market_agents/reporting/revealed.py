"""Whether personas hold: traits revealed by tasks against those assigned, and their balance over roles."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import sqrt
from statistics import fmean
from typing import Any, Literal

from market_agents.errors import ConfigError
from market_agents.personas import NUMERIC_FIELDS, Persona, TraitBalance, persona_balance
from market_agents.reporting.statistics import rank_correlation
from market_agents.storage import Database, fetch, get_run

FEWEST = 8
"""Agents below which nothing is said about a trait."""

STRONG = 0.5
WEAK = 0.3
"""Rank correlations that count as strong and as weak (Cohen, "Statistical Power Analysis", 1988)."""

ONE_SIDED_FIVE_PERCENT = 1.645

Verdict = Literal["holds", "weak", "fails", "too few", "no spread"]


@dataclass(frozen=True, slots=True)
class TraitCheck:
    """One trait's manipulation check.

    Attributes:
        trait: a numeric field of `Persona`.
        task: what revealed it.
        agents: who took part in the run.
        answered: agents with at least one usable answer; repeated answers of an agent count with their mean.
        consistent: share of the answers without a contradiction in themselves, 0 to 1; None without answers.
        assigned: mean of the assigned trait over those who answered, in the trait's unit.
        revealed: mean of the revealed trait, likewise.
        rank_correlation: Spearman's ρ of revealed with assigned traits; None where either does not vary.
        deviation: mean of |revealed − assigned|, in the trait's unit.
        verdict: ``holds`` if ρ is at least `STRONG` and beyond what chance alone gives in one of twenty
            checks, ρ > 1.645 / √(n − 1); ``weak`` if it is at least `WEAK`; ``fails`` below, and where answers
            do not vary although assigned traits do; ``no spread`` where assigned traits do not vary;
            ``too few`` below `FEWEST` agents.
    """

    trait: str
    task: str
    agents: int
    answered: int
    consistent: float | None
    assigned: float | None
    revealed: float | None
    rank_correlation: float | None
    deviation: float | None
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class PersonaReport:
    """The personas of a run.

    Attributes:
        status: the run's.
        roles: agents by role.
        balance: of every number over the roles; empty where personas are texts without numbers.
        checks: one for each trait that a task revealed, in the order of the tasks; empty where none was set.
    """

    run_id: str
    status: str
    roles: Mapping[str, int]
    balance: tuple[TraitBalance, ...]
    checks: tuple[TraitCheck, ...]

    def as_dict(self) -> Mapping[str, object]:
        """Everything, JSON-ready."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Answer:
    agent_id: str
    task: str
    trait: str
    assigned: float
    revealed: float
    consistent: bool


def persona_report(database: Database, run_id: str) -> PersonaReport:
    """Balance and manipulation checks of a run, finished or not.

    Raises:
        RunRefused: no such run.
    """
    status = get_run(database, run_id).status
    roles: dict[str, int] = defaultdict(int)
    personas: dict[str, list[Persona]] = defaultdict(list)
    rows = sorted(fetch(database, "agents", run_id), key=lambda row: int(str(row["agent_index"])))
    for row in rows:
        roles[str(row["role"])] += 1
        persona = _persona(row["persona"])
        if persona is not None:
            personas[str(row["role"])].append(persona)
    answers: dict[str, list[_Answer]] = defaultdict(list)
    for row in sorted(fetch(database, "observations", run_id), key=_in_time):
        answer = _answer(str(row["agent_id"]), row["content"])
        if answer is not None:
            answers[answer.trait].append(answer)
    return PersonaReport(
        run_id=run_id,
        status=status.value,
        roles=dict(roles),
        balance=persona_balance(personas) if personas else (),
        checks=tuple(_checked(given, len(rows)) for given in answers.values()),
    )


def _persona(stored: object) -> Persona | None:
    if not isinstance(stored, Mapping):
        return None
    try:
        return Persona.from_mapping(stored)
    except ConfigError:
        return None


def _in_time(row: Mapping[str, Any]) -> tuple[int, str, int]:
    return row["round"], row["environment"], row["sub_round"]


def _answer(agent_id: str, content: object) -> _Answer | None:
    if not isinstance(content, Mapping) or content.get("trait") not in NUMERIC_FIELDS:
        return None
    assigned, revealed = content.get("assigned"), content.get("revealed")
    if not isinstance(assigned, int | float) or not isinstance(revealed, int | float):
        return None
    return _Answer(
        agent_id=agent_id,
        task=str(content.get("task")),
        trait=str(content["trait"]),
        assigned=float(assigned),
        revealed=float(revealed),
        consistent=content.get("consistent") is True,
    )


def _checked(answers: Sequence[_Answer], agents: int) -> TraitCheck:
    by_agent: dict[str, list[_Answer]] = defaultdict(list)
    for answer in answers:
        by_agent[answer.agent_id].append(answer)
    assigned = [given[0].assigned for given in by_agent.values()]
    revealed = [fmean(answer.revealed for answer in given) for given in by_agent.values()]
    correlation = rank_correlation(assigned, revealed)
    return TraitCheck(
        trait=answers[0].trait,
        task=answers[0].task,
        agents=agents,
        answered=len(by_agent),
        consistent=sum(answer.consistent for answer in answers) / len(answers),
        assigned=fmean(assigned),
        revealed=fmean(revealed),
        rank_correlation=correlation,
        deviation=fmean(abs(one - other) for one, other in zip(revealed, assigned, strict=True)),
        verdict=_verdict(assigned, correlation),
    )


def _verdict(assigned: Sequence[float], correlation: float | None) -> Verdict:
    if len(assigned) < FEWEST:
        return "too few"
    if len(set(assigned)) < 2:
        return "no spread"
    if correlation is None or correlation < WEAK:
        return "fails"
    by_chance = ONE_SIDED_FIVE_PERCENT / sqrt(len(assigned) - 1)
    return "holds" if correlation >= STRONG and correlation > by_chance else "weak"
