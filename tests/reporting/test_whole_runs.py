"""Reports of real runs: the same from either database, true to the rows, and without any trace in them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market_agents.reporting import (
    Conversation,
    ConversationReport,
    agreement,
    conversation_report,
    mentions,
    persona_report,
    price_path,
    prices_in,
    reply_network,
    speaking,
    tone,
    topic_use,
)
from market_agents.storage import open_database
from tests.end_to_end.stage import fingerprint, play, query, table
from tests.reporting.talks import orders, talk

CHAT = "environment_configs.group_chat"
TALK: dict[str, object] = {
    "num_agents": 7,
    f"{CHAT}.group_size": 3,
    f"{CHAT}.sub_rounds": 2,
    "environment_order": ["group_chat", "auction"],
}


def report_of(url: str, run_id: str) -> ConversationReport:
    with open_database(url, create=False) as database:
        return conversation_report(database, run_id)


def without_names(report: ConversationReport) -> object:
    return json.loads(json.dumps({**report.as_dict(), "run_id": ""}, allow_nan=False))


def test_either_database_gives_the_same_report(tmp_path: Path, sqlite_url: str, postgres_url: str) -> None:
    reports = [
        without_names(report_of(url, play(tmp_path, url, TALK).run_id)) for url in (sqlite_url, postgres_url)
    ]
    assert reports[0] == reports[1]


def test_the_report_is_true_to_the_rows(tmp_path: Path, database_url: str) -> None:
    result = play(tmp_path, database_url, TALK)
    report = report_of(database_url, result.run_id)
    said = table(database_url, "messages", result.run_id)
    assert sum(one.speaking.messages for one in report.conversations) == len(said) > 0
    assert len(report.conversations) == 2 * 3
    by_place = {(one.round, one.cohort_id): one for one in report.conversations}
    for row in table(database_url, "topics", result.run_id):
        topic = by_place[row["round"], row["cohort_id"]].topic
        assert (topic.topic, topic.proposer_id) == (row["topic"], row["proposer_id"])
    for row in table(database_url, "auction_rounds", result.run_id):
        for one in report.conversations:
            if one.round == row["round"]:
                assert one.prices.equilibrium_low == pytest.approx(float(row["equilibrium_price_low"]))
                assert one.prices.equilibrium_high == pytest.approx(float(row["equilibrium_price_high"]))
    sent = [row for row in table(database_url, "orders", result.run_id) if row["status"] != "rejected"]
    assert sum(one.prices.bids + one.prices.asks for one in report.conversations) == len(sent)


def test_members_and_shares_add_up(tmp_path: Path, sqlite_url: str) -> None:
    result = play(tmp_path, sqlite_url, TALK)
    rows = query(sqlite_url, "SELECT round, cohort_id, agent_id FROM cohorts ORDER BY agent_id")
    for one in report_of(sqlite_url, result.run_id).conversations:
        here = [r["agent_id"] for r in rows if (r["round"], r["cohort_id"]) == (one.round, one.cohort_id)]
        assert sorted(member.agent_id for member in one.members) == here
        assert sum(one.speaking.shares.values()) == pytest.approx(1)
        linked = sum(reply.messages for reply in one.replies.replies)
        assert linked + one.replies.unlinked == one.speaking.messages
        assert sum(one.tone.sentiments.values()) == one.speaking.messages
        assert one.tone.confidence is not None


def test_a_market_before_the_talk_is_not_what_followed_it(tmp_path: Path, sqlite_url: str) -> None:
    result = play(tmp_path, sqlite_url, {**TALK, "environment_order": ["auction", "group_chat"]})
    assert query(sqlite_url, "SELECT COUNT(*) AS n FROM orders")[0]["n"] > 0
    for one in report_of(sqlite_url, result.run_id).conversations:
        assert (one.prices.bids, one.prices.asks, one.prices.word_and_deed) == (0, 0, None)
        assert one.prices.equilibrium_low is not None


def test_two_chats_of_a_round_stay_apart_and_in_order(tmp_path: Path, sqlite_url: str) -> None:
    changes = {
        **TALK,
        "environment_order": ["later", "group_chat", "auction"],
        "environment_configs.later": {"type": "group_chat", "steps": ["action"]},
    }
    report = report_of(sqlite_url, play(tmp_path, sqlite_url, changes).run_id)
    names = [one.environment for one in report.conversations]
    assert names == sorted(names, key=["later", "group_chat"].index)
    assert set(names) == {"later", "group_chat"}
    first = [one for one in report.conversations if one.environment == "later"]
    assert all(one.tone.confidence is None for one in first), "nobody perceived there"


def test_reading_leaves_no_trace(tmp_path: Path, sqlite_url: str) -> None:
    result = play(
        tmp_path, sqlite_url, {**TALK, "environment_order": ["elicitation", "group_chat", "auction"]}
    )
    before = fingerprint(sqlite_url, result.run_id), table(sqlite_url, "run_events", result.run_id)
    with open_database(sqlite_url, create=False) as database:
        first = conversation_report(database, result.run_id), persona_report(database, result.run_id)
        again = conversation_report(database, result.run_id), persona_report(database, result.run_id)
    assert first == again
    assert (fingerprint(sqlite_url, result.run_id), table(sqlite_url, "run_events", result.run_id)) == before


@given(
    st.lists(
        st.tuples(
            st.integers(1, 4), st.sampled_from("123"), st.text(max_size=60), st.sampled_from(["", "1", "2"])
        ),
        max_size=15,
    ),
    st.text(max_size=40),
    st.none() | st.just((90.0, 110.0)),
    st.lists(st.tuples(st.integers(1, 3), st.sampled_from(["bid", "ask"]), st.floats(0.01, 1e9)), max_size=5),
    st.booleans(),
)
@settings(deadline=None)
def test_whatever_is_said_can_be_measured_and_written_as_json(
    lines: list[tuple[int, str, str, str]],
    topic: str,
    equilibrium: tuple[float, float] | None,
    placed: list[tuple[int, str, float]],
    in_turn: bool,
) -> None:
    said = [(turn, who, text, to) if to else (turn, who, text) for turn, who, text, to in sorted(lines)]
    one = talk(*said, topic=topic, equilibrium=equilibrium, orders=orders(*placed), in_turn=in_turn)
    named = mentions(one)
    measured = Conversation(
        environment=one.environment,
        round=one.round,
        cohort_id=one.cohort_id,
        members=one.members,
        topic=topic_use(one),
        speaking=speaking(one),
        replies=reply_network(one),
        tone=tone(one),
        prices=price_path(one),
        agreement=agreement(named),
    )
    json.dumps(ConversationReport("run", "completed", (measured,)).as_dict(), allow_nan=False)
    assert len(named) == sum(len(prices_in(message.content, one.good)) for message in one.messages)
    for share in (
        measured.agreement.within,
        measured.replies.density,
        measured.replies.reciprocity,
        measured.topic.on_topic,
    ):
        assert share is None or 0 <= share <= 1
