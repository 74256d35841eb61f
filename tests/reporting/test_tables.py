"""The tables of ``conversation`` and ``personas``, cell by cell."""

from __future__ import annotations

from dataclasses import replace

import pytest

from market_agents.cli import conversation, personas
from market_agents.personas import TraitBalance
from market_agents.reporting import (
    Conversation,
    ConversationReport,
    PersonaReport,
    Talk,
    TraitCheck,
    agreement,
    mentions,
    price_path,
    reply_network,
    speaking,
    tone,
    topic_use,
)
from tests.reporting.talks import orders, talk

CHECK = TraitCheck("patience", "patience", 12, 9, 0.75, 0.8, 0.7, 0.6123, 0.0987, "holds")


def measured(one: Talk, environment: str = "group_chat", round_number: int = 1) -> Conversation:
    return Conversation(
        environment=environment,
        round=round_number,
        cohort_id=one.cohort_id,
        members=one.members,
        topic=topic_use(one),
        speaking=speaking(one),
        replies=reply_network(one),
        tone=tone(one),
        prices=price_path(one),
        agreement=agreement(mentions(one)),
    )


def shown(*talks: Conversation, status: str = "completed") -> list[list[str]]:
    """The words of each line that is not empty."""
    text = conversation.in_tables(ConversationReport("one", status, talks))
    return [line.split() for line in text.splitlines() if line]


def test_a_conversation_in_three_lines() -> None:
    one = talk(
        (1, "1", "near 90"),
        (1, "2", "near 96, Ada"),
        (2, "1", "near 94 strawberries, no: near 95"),
        topic="Prices near you",
        equilibrium=(80.0, 94.0),
        orders=orders((1, "bid", 1234.5)),
    )
    lines = shown(measured(one))
    rows = [line for line in lines if line[:2] == ["1", "cohort_1"]]
    assert rows == [
        ["1", "cohort_1", "agent_1", "agent_1", "3", "0", "1", "0.44", "0.58"],
        ["1", "cohort_1", "3", "90.00", "95.00", "1.00", "1234", "–", "67%", "–"],
        ["1", "cohort_1", "Prices", "near", "you", "100%", "–", "–"],
    ]


def test_silence_is_dashes_and_zeros() -> None:
    rows = [line for line in shown(measured(talk())) if line[0] == "1"]
    assert rows == [
        ["1", "cohort_1", "–", "–", "0", "0", "3", "–", "–"],
        ["1", "cohort_1", "0", "–", "–", "–", "–", "–", "–", "–"],
        ["1", "cohort_1", "–", "–", "–", "–"],
    ]


def test_each_environment_has_tables_of_its_own() -> None:
    lines = shown(measured(talk()), measured(talk(), "second"), status="running")
    assert lines[0] == ["run", "one:", "running,", "2", "conversations", "so", "far"]
    assert [line for line in lines if line in (["group_chat"], ["second"])] == [["group_chat"], ["second"]]


@pytest.mark.parametrize(
    ("price", "cell"),
    [("0.01", "0.01"), ("99.99", "99.99"), ("104.26", "104.3"), ("99999", "99999"), ("123456", "1e+05")],
)
def test_money_keeps_to_its_column(price: str, cell: str) -> None:
    rows = [line for line in shown(measured(talk((1, "1", f"near {price}")))) if line[0] == "1"]
    assert rows[1][3] == rows[1][4] == cell


def test_personas_side_by_side() -> None:
    report = PersonaReport(
        "one",
        "completed",
        {"buyer": 6, "seller": 6},
        (
            TraitBalance("patience", {"buyer": 0.8, "seller": 0.7}, 1.234),
            TraitBalance("age", {"buyer": 40}, None),
        ),
        (CHECK, replace(CHECK, trait="fairness", rank_correlation=None, consistent=None, verdict="fails")),
    )
    lines = [line.split() for line in personas.in_tables(report).splitlines()]
    assert ["patience", "0.80", "0.70", "1.23"] in lines
    assert ["age", "40.00", "–", "–"] in lines
    assert ["patience", "holds", "9/12", "0.80", "0.70", "0.61", "0.10", "75%"] in lines
    assert ["fairness", "fails", "9/12", "0.80", "0.70", "–", "0.10", "–"] in lines


def test_a_run_before_its_first_row() -> None:
    text = personas.in_tables(PersonaReport("one", "running", {}, (), ()))
    assert text.startswith("run one: running, so far; no agents\n")
    assert "texts without numbers" not in text
    assert "No task revealed a trait" in text
