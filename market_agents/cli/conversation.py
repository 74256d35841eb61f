"""``conversation``: what was said in a run, measured."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import groupby

from market_agents.cli.common import (
    add_database_flag,
    add_run_argument,
    guarded,
    open_database_of_run,
    parser_for,
)
from market_agents.cli.tables import table
from market_agents.output import say
from market_agents.plain_text import one_line
from market_agents.reporting import Conversation, ConversationReport, JudgeScore, conversation_report

SHOWN = 20
"""Conversations of one environment that the tables show, the latest; JSON has them all."""

ID_WIDTH = 10
TOPIC_WIDTH = 30


def main(argv: Sequence[str]) -> int:
    """Measure a run's conversations."""
    parser = parser_for(
        "conversation",
        "Who spoke, who answered whom, which prices were named and where they went, by round and cohort; "
        "also of a run that is not finished.",
    )
    add_run_argument(parser)
    parser.add_argument(
        "--json",
        action="store_true",
        help="print everything as one JSON object on one line, with the network",
    )
    add_database_flag(parser)
    arguments = parser.parse_args(argv)

    def work() -> int:
        with open_database_of_run(arguments) as database:
            report = conversation_report(database, arguments.run_id)
        # Escapes keep what agents said whole in JSON, and harmless on a terminal.
        say(json.dumps(report.as_dict(), ensure_ascii=True) if arguments.json else in_tables(report))
        return 0

    return guarded(work)


def in_tables(report: ConversationReport) -> str:
    """The report as tables of at most 80 columns."""
    so_far = "" if report.status == "completed" else " so far"
    count = len(report.conversations)
    counted = f"{count} conversation{'' if count == 1 else 's'}"
    lines = [f"run {report.run_id}: {report.status}, {counted}{so_far}"]
    for environment, group in groupby(report.conversations, key=lambda talk: talk.environment):
        talks = list(group)
        shown = talks[-SHOWN:]
        lines += ["", one_line(environment, 78), "", _speaking(shown), "", _prices(shown), "", _tone(shown)]
        if len(talks) > len(shown):
            lines += ["", f"({len(talks) - len(shown)} earlier conversations: --json has them all)"]
    lines += _judged(report.judgements)
    if report.conversations:
        lines += ["", "What each column means: docs/conversation-analysis.md; --json has the rest"]
    return "\n".join(lines)


def _speaking(talks: Sequence[Conversation]) -> str:
    headings = ["round", "cohort", "most said", "most asked", "msgs", "private", "silent", "gini", "even"]
    rows = [
        [
            *_place(talk),
            one_line(max(talk.speaking.shares, key=talk.speaking.shares.__getitem__, default="–"), ID_WIDTH),
            one_line(_most_answered(talk), ID_WIDTH),
            str(talk.speaking.messages),
            str(talk.speaking.private),
            str(talk.speaking.silent),
            _number(talk.speaking.gini),
            _number(talk.speaking.evenness),
        ]
        for talk in talks
    ]
    return table(headings, rows, left=4)


def _prices(talks: Sequence[Conversation]) -> str:
    headings = ["round", "cohort", "named", "open", "close", "gap", "bid", "ask", "agreed", "conv."]
    rows = [
        [
            *_place(talk),
            str(len(talk.prices.mentions)),
            _money(talk.prices.opening),
            _money(talk.prices.closing),
            _money(talk.prices.closing_gap),
            _money(talk.prices.bid),
            _money(talk.prices.ask),
            "–" if talk.agreement.within is None else f"{talk.agreement.within:.0%}",
            _number(talk.agreement.convergence),
        ]
        for talk in talks
    ]
    return table(headings, rows, left=2)


def _tone(talks: Sequence[Conversation]) -> str:
    headings = ["round", "cohort", "topic", "on topic", "mood", "confidence"]
    rows = [
        [
            *_place(talk),
            one_line(talk.topic.topic or "–", TOPIC_WIDTH),
            "–" if talk.topic.on_topic is None else f"{talk.topic.on_topic:.0%}",
            _number(talk.tone.sentiment_balance),
            _number(talk.tone.confidence),
        ]
        for talk in talks
    ]
    return table(headings, rows, left=3)


def _judged(scores: Sequence[JudgeScore]) -> list[str]:
    """What judges thought, the latest first seen last; nothing where nobody judged."""
    rows = [
        [
            str(score.round),
            one_line(score.environment, ID_WIDTH),
            one_line(score.cohort_id, ID_WIDTH),
            one_line(score.judge, 20),
            ", ".join(f"{one_line(name, 16)} {_number(value)}" for name, value in score.scores.items()),
        ]
        for score in scores[-SHOWN:]
    ]
    return ["", table(["round", "where", "who", "judge", "scores"], rows, left=5)] if rows else []


def _place(talk: Conversation) -> tuple[str, str]:
    return str(talk.round), one_line(talk.cohort_id, ID_WIDTH)


def _most_answered(talk: Conversation) -> str:
    """Who got most answers; of several the first in the order of joining."""
    answers = {member.agent_id: 0 for member in talk.members}
    for reply in talk.replies.replies:
        answers[reply.receiver_id] = answers.get(reply.receiver_id, 0) + reply.messages
    most = max(answers, key=answers.__getitem__, default="")
    return most if answers.get(most) else "–"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _money(value: float | None) -> str:
    """Four digits and a sign, so that the columns fit; JSON has the rest."""
    if value is None:
        return "–"
    size = abs(value)
    if size >= 1e5:
        return f"{value:.0e}"
    return f"{value:.{2 if size < 100 else 1 if size < 1000 else 0}f}"
