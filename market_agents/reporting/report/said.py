"""How much was said in a run, counted where messages are kept, and which rounds of it a report tells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from market_agents.reporting.records import EVERYBODY, Member
from market_agents.storage import Database, counted, fetch

MOST_MESSAGES = 3_000
"""Messages that are read and measured, of whole rounds; what a report costs does not grow with the run."""

PLACE = ("environment", "round", "cohort_id")


@dataclass(frozen=True)
class Said:
    """The talk of a whole run in numbers; messages that nobody heard are left out.

    Attributes:
        private: messages to one member alone.
        by_speaker: messages of each agent that took part, in the order of joining.
        people: all agents, by id.
        rounds: those in which agents met, in order.
        told: those of them whose conversations are read.
    """

    run_id: str
    messages: int
    conversations: int
    private: int
    by_speaker: Counter[str]
    people: Mapping[str, Member]
    rounds: Sequence[int]
    told: Sequence[int]


def read_said(database: Database, run_id: str) -> Said:
    """Count what was said, and choose the rounds that are told."""
    people = {
        str(row["agent_id"]): Member(str(row["agent_id"]), str(row["name"]), str(row["role"]))
        for row in sorted(fetch(database, "agents", run_id), key=lambda row: int(str(row["agent_index"])))
    }
    heard = _sums(database, run_id, "sender_id")
    met = {str(who) for who, _ in counted(database, "cohorts", run_id, ("agent_id",))}
    by_speaker = Counter({who: heard.get(who, 0) for who in people if who in met or who in heard})
    places = {
        (str(environment), int(str(number)), str(cohort_id))
        for table in ("cohorts", "messages")
        for environment, number, cohort_id, _ in counted(database, table, run_id, PLACE)
    }
    rounds = sorted({number for _, number, _ in places})
    messages = sum(heard.values())
    recipients = _sums(database, run_id, "recipient_id")
    return Said(
        run_id=run_id,
        messages=messages,
        conversations=len(places),
        private=messages - recipients.get(EVERYBODY, 0),
        by_speaker=by_speaker,
        people=people,
        rounds=rounds,
        told=spread(rounds, max(MOST_MESSAGES * len(rounds) // max(messages, 1), 1)),
    )


def _sums(database: Database, run_id: str, column: str) -> dict[str, int]:
    """Messages that somebody heard, by what they have in a column."""
    found: Counter[str] = Counter()
    for value, verdict, count in counted(database, "messages", run_id, (column, "verdict")):
        if verdict != "withheld":
            found[str(value)] += int(str(count))
    return found


def spread(numbers: Sequence[int], most: int) -> list[int]:
    """At most so many of the numbers, evenly spread from the first to the last; the last alone where one must do."""
    if len(numbers) <= most:
        return list(numbers)
    if most == 1:
        return [numbers[-1]]
    return [numbers[place * (len(numbers) - 1) // (most - 1)] for place in range(most)]
