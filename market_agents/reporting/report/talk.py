"""What was said: topics, speakers, the network of answers, prices named, and transcripts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from statistics import median

from market_agents.plain_text import one_line
from market_agents.reporting.conversation import Conversation
from market_agents.reporting.records import EVERYBODY, Talk
from market_agents.reporting.report.blocks import Block, Data, Figure, Folded, Lines, Section, Table, Text
from market_agents.reporting.report.charts import BLUE, GREEN, ORANGE, Chart
from market_agents.reporting.report.network import network_chart
from market_agents.reporting.report.said import Said

MOST_SPEAKERS = 30
MOST_ARROWS = 120
MOST_DOTS = 40
TRANSCRIPT_CHARACTERS = 1_500_000
"""What a report holds of transcripts; the rest is where messages are kept."""

SHOWN_OF_A_MESSAGE = 1_000


def talk_section(said: Said, talks: Sequence[Talk], measured: Sequence[Conversation]) -> Section:
    """The section on conversations; says so where there was none.

    Args:
        said: how much was said in the whole run.
        talks: the conversations of the rounds that are told.
        measured: the same, measured.
    """
    if not said.messages:
        return Section("talk", "What was said?", (Text("Nobody talked, or nothing is stored yet."),))
    blocks: list[Block] = [Text(_summary(said)), _speakers(said)]
    blocks += _network(measured)
    blocks += _prices(measured)
    blocks.append(_topics(measured))
    blocks += _transcripts(talks)
    return Section("talk", "What was said?", blocks)


def _summary(said: Said) -> str:
    told = ""
    if len(said.told) < len(said.rounds):
        told = (
            f" What follows, speakers apart, is of {len(said.told)} of {len(said.rounds)} rounds, evenly spread from "
            f"the first to the last; market-agents conversation {said.run_id} measures them all."
        )
    return (
        f"{said.messages} message{'s' * (said.messages != 1)} in {said.conversations} "
        f"conversation{'s' * (said.conversations != 1)}, {said.private} of them to one member alone."
        f"{told} How each measure is defined is told in the documentation, under conversation analysis."
    )


def _speakers(said: Said) -> Figure:
    roles = {who: person.role for who, person in said.people.items()}
    ranked = said.by_speaker.most_common()
    shown = ranked[:MOST_SPEAKERS]
    chart = Chart("agent", "messages", height=240, from_zero=True, counts=True)
    for role, colour in (("buyer", BLUE), ("seller", ORANGE)):
        bars = [(place, 0.0, count) for place, (who, count) in enumerate(shown) if roles.get(who) == role]
        chart.bars(bars, colour, f"{role}s")
    chart.name([who.removeprefix("agent_") for who, _ in shown])
    hidden = f", the {MOST_SPEAKERS} who spoke most of {len(ranked)}" if len(ranked) > MOST_SPEAKERS else ""
    return Figure(
        name="speakers",
        caption=f"Messages by speaker{hidden}. Source: messages, agents.",
        alt=f"{ranked[0][0]} spoke most, {ranked[0][1]} times; {ranked[-1][0]} least, {ranked[-1][1]} times.",
        svg=chart.svg(),
        data=Data(("agent", "role", "messages"), [(who, roles.get(who, ""), count) for who, count in ranked]),
    )


def _network(measured: Sequence[Conversation]) -> Iterator[Block]:
    """Who answered whom, over all conversations, on a circle; the thickest arrows where there are many."""
    arrows: Counter[tuple[str, str]] = Counter()
    for talk in measured:
        for reply in talk.replies.replies:
            arrows[reply.sender_id, reply.receiver_id] += reply.messages
    if not arrows:
        return
    active: Counter[str] = Counter()
    for (sender, receiver), count in arrows.items():
        active[sender] += count
        active[receiver] += count
    people = sorted((who for who, _ in active.most_common(MOST_SPEAKERS)), key=_by_number)
    shown = [(pair, count) for pair, count in arrows.most_common() if set(pair) <= set(people)][:MOST_ARROWS]
    (sender, receiver), most = arrows.most_common(1)[0]
    note = (
        f" The {len(shown)} strongest of {len(arrows)} links are drawn." if len(shown) < len(arrows) else ""
    )
    yield Figure(
        name="answers",
        caption="Who answered whom, over all conversations: a thicker arrow stands for more messages. A message "
        f"answers whoever it is sent to, names, or follows upon.{note} Source: messages.",
        alt=f"{len(arrows)} links between {len(active)} agents; the strongest is from {sender} to {receiver}, "
        f"{most} messages.",
        svg=network_chart(people, shown),
        data=Data(
            ("from", "to", "messages"),
            [(sender, receiver, count) for (sender, receiver), count in arrows.most_common()],
        ),
    )


def _by_number(agent_id: str) -> tuple[int, str]:
    tail = agent_id.rpartition("_")[2]
    return (int(tail) if tail.isdecimal() else 0, agent_id)


def _prices(measured: Sequence[Conversation]) -> Iterator[Block]:
    """Prices named in talk, and the bids and asks that followed."""
    named: dict[int, list[float]] = defaultdict(list)
    orders: dict[int, dict[str, list[float]]] = defaultdict(lambda: {"bid": [], "ask": []})
    for talk in measured:
        named[talk.round] += [mention.price for mention in talk.prices.mentions]
        for side, price in (("bid", talk.prices.bid), ("ask", talk.prices.ask)):
            if price is not None:
                orders[talk.round][side].append(price)
    rows = [
        (
            number,
            median(named[number]) if named[number] else None,
            *(median(prices) if prices else None for prices in orders[number].values()),
        )
        for number in sorted({*named, *orders})
    ]
    if not any(row[1] is not None for row in rows):
        return
    chart = Chart("round", "price, currency", height=260)
    for place, label, colour in (
        (1, "named in talk", GREEN),
        (2, "bid afterwards", BLUE),
        (3, "asked afterwards", ORANGE),
    ):
        points = [(float(row[0] or 0), price) for row in rows if (price := row[place]) is not None]
        chart.line(points, colour, label, dashed=place > 1, dots=len(points) <= MOST_DOTS)
    last = rows[-1]
    yield Figure(
        name="prices_named",
        caption="Prices named in conversations, and what their members then bid and asked in the same round: medians, "
        "currency per unit. Source: messages, orders.",
        alt=f"In round {last[0]} the median price named was {_figure(last[1])}, bids followed at {_figure(last[2])}, "
        f"asks at {_figure(last[3])}.",
        svg=chart.svg(),
        data=Data(("round", "named", "bid", "ask"), rows),
    )


def _figure(value: float | None) -> str:
    return "none" if value is None else f"{value:.2f}"


def _topics(measured: Sequence[Conversation]) -> Table:
    return Table(
        name="conversations",
        caption="Conversations: on topic is the share of messages with a word of the topic, mood the balance of "
        "sentiments from −1 to 1, even the evenness of speaking from 0 to 1. Source: topics, messages, cohorts.",
        data=Data(
            (
                "environment",
                "round",
                "cohort",
                "topic",
                "proposed by",
                "messages",
                "on topic",
                "mood",
                "even",
            ),
            [
                (
                    talk.environment,
                    talk.round,
                    talk.cohort_id,
                    one_line(talk.topic.topic or "", 120),
                    talk.topic.proposer_id or "configuration",
                    talk.speaking.messages,
                    talk.topic.on_topic,
                    talk.tone.sentiment_balance,
                    talk.speaking.evenness,
                )
                for talk in measured
            ],
        ),
        words=5,
        most=12,
    )


def _transcripts(talks: Sequence[Talk]) -> Iterator[Block]:
    """What was said, word by word, as far as there is room."""
    left = TRANSCRIPT_CHARACTERS
    for place, talk in enumerate(talks):
        text = _transcript(talk)
        left -= len(text)
        if left < 0:
            yield Text(
                f"{len(talks) - place} further transcripts are left to the table messages: export has them."
            )
            return
        yield Folded(f"{talk.environment}, round {talk.round}, {talk.cohort_id}: transcript", (Lines(text),))


def _transcript(talk: Talk) -> str:
    names = {member.agent_id: one_line(member.name, 40) for member in talk.members}
    lines = [f"Topic: {one_line(talk.topic or 'not set', 300)}"]
    for message in talk.messages:
        private = "" if message.recipient_id == EVERYBODY else f" to {message.recipient_id} alone"
        said = one_line(message.content, SHOWN_OF_A_MESSAGE)
        name = names.get(message.sender_id, "")
        lines.append(f"{message.sub_round}. {message.sender_id} ({name}){private}: {said}")
    return "\n".join(lines)
