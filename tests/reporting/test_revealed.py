"""Manipulation checks and balance from stored rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from market_agents.reporting import TraitCheck, persona_report
from market_agents.storage import Database, Lease, Row, open_database, write_step
from tests.personas.people import amara
from tests.storage.samples import agent, new_run


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with open_database(f"sqlite:///{tmp_path / 'market.db'}") as database:
        yield database


@pytest.fixture
def lease(database: Database) -> Iterator[Lease]:
    with new_run(database, "run") as lease:
        yield lease


def population(count: int, **changes: object) -> list[Row]:
    roles = ("buyer", "seller")
    return [
        agent(number, roles[number % 2], persona=amara(**changes).to_dict()) for number in range(1, count + 1)
    ]


def answers(pairs: Iterable[tuple[object, object]], *, sub_round: int = 1, **changes: object) -> list[Row]:
    """Observations of agents 1, 2, …, each with its assigned and revealed number."""
    return [
        {
            "environment": "elicitation",
            "round": 1,
            "sub_round": sub_round,
            "agent_id": f"agent_{number}",
            "content": {
                "status": "accepted",
                "task": "risk",
                "trait": "risk_aversion",
                "assigned": assigned,
                "revealed": revealed,
                "consistent": True,
                **changes,
            },
        }
        for number, (assigned, revealed) in enumerate(pairs, 1)
    ]


def checked(lease: Lease, observations: list[Row], agents: int = 12) -> TraitCheck:
    write_step(lease, "all", {"agents": population(agents), "observations": observations})
    [check] = persona_report(lease.database, "run").checks
    return check


def test_correlation_and_deviation_by_hand(lease: Lease) -> None:
    assigned = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
    revealed = [0.2, 0.1, 0.3, 0.4, 0.5, 0.6, 0.7, 1.0]
    check = checked(lease, answers(zip(assigned, revealed, strict=True)))
    # Σd² = 2, so ρ = 1 − 6·2 / (8·63).
    assert check.rank_correlation == pytest.approx(1 - 12 / 504)
    assert check.deviation == pytest.approx(0.4 / 8)
    assert (check.agents, check.answered, check.verdict) == (12, 8, "holds")
    assert check.assigned == pytest.approx(0.45)
    assert check.revealed == pytest.approx(0.475)


@pytest.mark.parametrize(
    ("pairs", "verdict"),
    [
        ([(n / 10, n) for n in range(7)], "too few"),
        ([(n / 10, n) for n in range(8)], "holds"),
        ([(0.5, n) for n in range(8)], "no spread"),
        ([(n / 10, 0.3) for n in range(8)], "fails"),
        ([(n / 10, -n) for n in range(8)], "fails"),
        # ρ = 0.64 and 0.55: with eight agents chance alone exceeds 0.62 in one of twenty checks.
        ([(1, 4), (2, 2), (3, 1), (4, 3), (5, 7), (6, 8), (7, 5), (8, 6)], "holds"),
        ([(1, 4), (2, 1), (3, 5), (4, 2), (5, 8), (6, 3), (7, 6), (8, 7)], "weak"),
        ([(1, 4), (2, 8), (3, 1), (4, 6), (5, 2), (6, 7), (7, 5), (8, 3)], "fails"),
    ],
)
def test_the_verdict(lease: Lease, pairs: list[tuple[float, float]], verdict: str) -> None:
    assert checked(lease, answers(pairs)).verdict == verdict


def test_repeated_answers_count_with_their_mean(lease: Lease) -> None:
    first = answers([(n / 10, n) for n in range(8)])
    second = answers([(n / 10, n + 2) for n in range(8)], sub_round=2, consistent=False)
    check = checked(lease, first + second)
    assert (check.answered, check.consistent) == (8, 0.5)
    assert check.revealed == pytest.approx(4.5)


@pytest.mark.parametrize(
    "content",
    [
        None,
        [],
        {"status": "rejected", "reason": "x"},
        {"trait": "name", "assigned": 1, "revealed": 1},
        {"trait": ["patience"], "assigned": 1, "revealed": 1},
        {"trait": "patience", "assigned": None, "revealed": 1},
        {"trait": "patience", "assigned": 1, "revealed": "1"},
    ],
)
def test_what_reveals_nothing_is_passed_over(lease: Lease, content: object) -> None:
    row: Row = {"environment": "auction", "round": 1, "sub_round": 1, "agent_id": "agent_1"}
    write_step(lease, "all", {"agents": population(2), "observations": [{**row, "content": content or {}}]})
    assert persona_report(lease.database, "run").checks == ()


def test_the_balance_is_that_of_the_stored_personas(lease: Lease) -> None:
    people = [
        agent(1, "buyer", persona=amara(age=30).to_dict()),
        agent(2, "seller", persona=amara(age=20).to_dict()),
        agent(3, "buyer", persona=amara(age=40).to_dict()),
        agent(4, "seller", persona=amara(age=24).to_dict()),
        agent(5, "broker", persona={"text": "somebody"}),
    ]
    write_step(lease, "all", {"agents": people})
    report = persona_report(lease.database, "run")
    assert report.roles == {"buyer": 2, "seller": 2, "broker": 1}
    assert report.balance[0].means == {"buyer": 35, "seller": 22}
    assert report.balance[0].standardised_difference == pytest.approx(2.41404, abs=1e-5)


def test_personas_without_numbers_have_no_balance(lease: Lease) -> None:
    write_step(
        lease, "all", {"agents": [agent(1, "buyer", persona={"text": "somebody"}), agent(2, "seller")]}
    )
    assert persona_report(lease.database, "run").balance == ()
