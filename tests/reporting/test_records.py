"""Reading conversations from storage, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from market_agents.errors import RunRefused
from market_agents.reporting import JUDGED, JudgeScore, Order, conversation_report, read_talks
from market_agents.storage import Database, Lease, Row, open_database, record_event, write_step
from tests.storage.samples import agent, message, new_run, one_of_each, order

CONFIG = {
    "environment_order": ["before", "group_chat", "auction"],
    "environment_configs": {"group_chat": {"turns": "sequential"}},
}


@pytest.fixture
def database(made_database_url: str) -> Iterator[Database]:
    with open_database(made_database_url) as database:
        yield database


@pytest.fixture
def lease(database: Database) -> Iterator[Lease]:
    with new_run(database, "run", config=CONFIG) as lease:
        yield lease


def cohort(number: int, *members: int, round_number: int = 1) -> list[Row]:
    return [
        {
            "environment": "group_chat",
            "round": round_number,
            "cohort_id": f"cohort_{number}",
            "agent_id": f"agent_{member}",
        }
        for member in members
    ]


def market(round_number: int, low: int | None, high: int | None) -> Row:
    row = one_of_each()["auction_rounds"][0]
    ends = {"equilibrium_price_low": low, "equilibrium_price_high": high}
    return {
        **row,
        "round": round_number,
        **{name: None if end is None else Decimal(end) for name, end in ends.items()},
    }


def test_a_conversation_with_its_market(database: Database, lease: Lease) -> None:
    thought = {"environment": "group_chat", "round": 1, "sub_round": 1, "agent_id": "agent_2"}
    write_step(
        lease,
        "r1",
        {
            "agents": [agent(1, "buyer"), agent(2, "seller"), agent(3, "buyer")],
            "cohorts": cohort(1, 2, 1),
            "topics": one_of_each()["topics"],
            "perceptions": [{**thought, "monologue": "", "strategy": "", "confidence": 0.25}],
            "messages": [
                message(2, "95", sender_id="agent_2", metadata={"sentiment": " calm "}),
                message(1, "90", metadata={"confidence": 0.75, "sentiment": ""}),
            ],
            "orders": [
                order(1),
                order(2, agent_id="agent_3"),
                order(3, status="rejected"),
                order(4, environment="before"),
                order(5, round=2),
                order(6, agent_id="agent_2", side="ask", price=Decimal(99), status="expired"),
                order(7, price=None, side=None, status="rejected"),
            ],
            "auction_rounds": [market(1, 90, 110)],
        },
    )
    [talk] = read_talks(database, "run")
    assert [member.agent_id for member in talk.members] == ["agent_1", "agent_2"]
    assert (talk.topic, talk.proposer_id, talk.in_turn) == ("Apple prices", "agent_1", True)
    assert [(said.message_id, said.sentiment, said.confidence) for said in talk.messages] == [
        (1, None, 0.75),
        (2, "calm", 0.25),
    ]
    assert (talk.good, talk.equilibrium) == ("apple", (90.0, 110.0))
    assert talk.orders == (Order("agent_1", "bid", 101.5), Order("agent_2", "ask", 99.0))


@pytest.mark.parametrize("turns", ["simultaneous", "round_robin", "random", "by_request"])
def test_whoever_speaks_one_after_another_has_heard_all_before(database: Database, turns: str) -> None:
    config = {**CONFIG, "environment_configs": {"group_chat": {"turns": turns}}}
    with new_run(database, "run", config=config) as lease:
        write_step(lease, "r1", {"messages": [message(1)]})
    assert read_talks(database, "run")[0].in_turn is (turns != "simultaneous")


def test_of_several_goods_the_first_market_s_is_followed(database: Database) -> None:
    """Its equilibrium, its orders, and the prices of messages that may speak of it."""
    config = {
        "environment_order": ["group_chat", "plums", "apples"],
        "environment_configs": {"group_chat": {}},
    }
    said = ["4 plums at 60", "an apple for 90", "I think 61", "2 apples?"]
    with new_run(database, "run", config=config) as lease:
        rows: dict[str, list[Row]] = {
            "messages": [message(number, text) for number, text in enumerate(said, 1)],
            "orders": [
                order(1, environment="apples"),
                order(2, environment="plums", good="plum", price=Decimal(59)),
            ],
            "auction_rounds": [
                {**market(1, 90, 110), "environment": "apples"},
                {**market(1, 55, 65), "environment": "plums", "good": "plum"},
            ],
        }
        write_step(lease, "r1", rows)
    [talk] = read_talks(database, "run")
    assert (talk.good, talk.other_goods, talk.equilibrium) == ("plum", ("apple",), (55.0, 65.0))
    assert [placed.price for placed in talk.orders] == [59.0]
    [found] = conversation_report(database, "run").conversations
    assert [mention.price for mention in found.prices.mentions] == [60.0, 61.0]


def test_cohorts_stand_by_number_in_each_round(database: Database, lease: Lease) -> None:
    rows = [
        *cohort(10, 4),
        *cohort(2, 3),
        *cohort(1, 1, 2),
        *cohort(1, 1, round_number=2),
    ]
    write_step(lease, "r1", {"agents": [agent(1, "buyer")], "cohorts": rows})
    talks = read_talks(database, "run")
    assert [(talk.round, talk.cohort_id) for talk in talks] == [
        (1, "cohort_1"),
        (1, "cohort_2"),
        (1, "cohort_10"),
        (2, "cohort_1"),
    ]
    assert all(talk.messages == () and talk.topic is None for talk in talks)


def test_whoever_spoke_is_a_member_even_unknown_to_the_run(database: Database, lease: Lease) -> None:
    write_step(lease, "r1", {"messages": [message(1, sender_id="ghost", recipient_id="nobody")]})
    [talk] = read_talks(database, "run")
    assert [(member.agent_id, member.name, member.role) for member in talk.members] == [
        ("ghost", "ghost", "")
    ]
    [found] = conversation_report(database, "run").conversations
    assert [(reply.sender_id, reply.receiver_id) for reply in found.replies.replies] == [("ghost", "nobody")]


@pytest.mark.parametrize("given", [True, -0.1, 1.5, "high", None, [0.5]])
def test_a_confidence_that_is_none_is_passed_over(database: Database, lease: Lease, given: object) -> None:
    write_step(lease, "r1", {"messages": [message(1, metadata={"confidence": given, "sentiment": 3})]})
    [said] = read_talks(database, "run")[0].messages
    assert (said.sentiment, said.confidence) == (None, None)


def test_half_an_interval_is_none(database: Database, lease: Lease) -> None:
    write_step(lease, "r1", {"messages": [message(1)], "auction_rounds": [market(1, 90, None)]})
    assert read_talks(database, "run")[0].equilibrium is None


def test_a_run_without_chat_and_one_that_does_not_exist(database: Database, lease: Lease) -> None:
    write_step(lease, "r1", {"agents": [agent(1, "buyer")], "orders": [order(1)]})
    report = conversation_report(database, "run")
    assert (report.status, report.conversations) == ("running", ())
    with pytest.raises(RunRefused, match="there is no run 'other'"):
        conversation_report(database, "other")


def test_judgements_are_found_with_their_conversation(database: Database, lease: Lease) -> None:
    write_step(lease, "r1", {"messages": [message(1), message(2, cohort_id="cohort_2")]})
    score = JudgeScore("group_chat", 1, "cohort_2", "bargaining", "a person", {"candour": 4.0})
    record_event(lease, level="info", kind=JUDGED, message="judged", data=score.as_data())
    for nonsense in (
        None,
        {},
        {**score.as_data(), "scores": {"candour": "high"}},
        {**score.as_data(), "judge": 3},
    ):
        record_event(lease, level="info", kind=JUDGED, message="judged", data=nonsense)
    record_event(lease, level="info", kind="note", message="other", data=score.as_data())
    one, other = conversation_report(database, "run").conversations
    assert one.judgements == ()
    assert other.judgements == (score,)
