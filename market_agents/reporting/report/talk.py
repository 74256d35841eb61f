"""What was said: topics, speakers, the network of answers, prices named, and transcripts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from math import cos, pi, sin
from statistics import median

from market_agents.plain_text import one_line
from market_agents.reporting.conversation import Conversation
from market_agents.reporting.records import EVERYBODY, Talk
from market_agents.reporting.report.blocks import Block, Data, Figure, Folded, Lines, Section, Table, Text
from market_agents.reporting.report.charts import BLUE, GREEN, INK, ORANGE, PURPLE, as_svg, chart, finish

MOST_SPEAKERS = 30
MOST_ARROWS = 120
TRANSCRIPT_CHARACTERS = 1_500_000
"""What a report holds of transcripts; the rest is where messages are kept."""

SHOWN_OF_A_MESSAGE = 1_000


def talk_section(talks: Sequence[Talk], measured: Sequence[Conversation]) -> Section:
    """The section on conversations; says so where there was none."""
    if not any(talk.messages for talk in talks):
        return Section("talk", "What was said?", (Text("Nobody talked, or nothing is stored yet."),))
    blocks: list[Block] = [Text(_summary(talks)), _speakers(talks)]
    blocks += _network(measured)
    blocks += _prices(measured)
    blocks.append(_topics(measured))
    blocks += _transcripts(talks)
    return Section("talk", "What was said?", blocks)


def _summary(talks: Sequence[Talk]) -> str:
    messages = sum(len(talk.messages) for talk in talks)
    private = sum(message.recipient_id != EVERYBODY for talk in talks for message in talk.messages)
    return (
        f"{messages} messages in {len(talks)} conversations, {private} of them to one member alone. How each measure "
        "is defined is told in the documentation, under conversation analysis."
    )


def _speakers(talks: Sequence[Talk]) -> Figure:
    said: Counter[str] = Counter()
    roles: dict[str, str] = {}
    for talk in talks:
        for member in talk.members:
            roles[member.agent_id] = member.role
            said[member.agent_id] += 0
        said.update(message.sender_id for message in talk.messages)
    ranked = said.most_common()
    shown = ranked[:MOST_SPEAKERS]
    with chart(height=2.4) as (figure, axes):
        for role, colour in (("buyer", BLUE), ("seller", ORANGE)):
            bars = [(place, count) for place, (who, count) in enumerate(shown) if roles.get(who) == role]
            if bars:
                axes.bar(*zip(*bars, strict=True), color=colour, label=f"{role}s")
        axes.set_xticks(range(len(shown)), [who.removeprefix("agent_") for who, _ in shown])
        finish(axes, "agent", "messages", whole="y")
        svg = as_svg(figure)
    hidden = f", the {MOST_SPEAKERS} who spoke most of {len(ranked)}" if len(ranked) > MOST_SPEAKERS else ""
    return Figure(
        name="speakers",
        caption=f"Messages by speaker{hidden}. Source: messages, agents.",
        alt=f"{ranked[0][0]} spoke most, {ranked[0][1]} times; {ranked[-1][0]} least, {ranked[-1][1]} times.",
        svg=svg,
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
    heaviest = shown[0][1] if shown else 1
    spots = {
        who: (cos(pi / 2 - 2 * pi * place / len(people)), sin(pi / 2 - 2 * pi * place / len(people)))
        for place, who in enumerate(people)
    }
    with chart(5.0, 4.6) as (figure, axes):
        axes.grid(visible=False)
        axes.axis("off")
        axes.set_aspect("equal")
        for (sender, receiver), count in reversed(shown):
            axes.annotate(
                "",
                xy=spots[receiver],
                xytext=spots[sender],
                arrowprops={
                    "arrowstyle": "-|>",
                    "color": PURPLE,
                    "alpha": 0.25 + 0.65 * count / heaviest,
                    "linewidth": 0.5 + 2.0 * count / heaviest,
                    "shrinkA": 9,
                    "shrinkB": 9,
                    "connectionstyle": "arc3,rad=0.12",
                },
            )
        for who, (across, up) in spots.items():
            axes.plot(across, up, "o", color=BLUE, markersize=5)
            axes.text(
                across * 1.12, up * 1.12, who.removeprefix("agent_"), ha="center", va="center", color=INK
            )
        axes.set_xlim(-1.3, 1.3)
        axes.set_ylim(-1.3, 1.3)
        svg = as_svg(figure)
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
        svg=svg,
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
    with chart(height=2.6) as (figure, axes):
        for place, label, colour, mark in (
            (1, "named in talk", GREEN, "o-"),
            (2, "bid afterwards", BLUE, "^--"),
            (3, "asked afterwards", ORANGE, "v--"),
        ):
            points = [(row[0], row[place]) for row in rows if row[place] is not None]
            if points:
                axes.plot(
                    *zip(*points, strict=True), mark, color=colour, label=label, markersize=4, linewidth=1.2
                )
        finish(axes, "round", "price, currency", whole="x")
        svg = as_svg(figure)
    last = rows[-1]
    yield Figure(
        name="prices_named",
        caption="Prices named in conversations, and what their members then bid and asked in the same round: medians, "
        "currency per unit. Source: messages, orders.",
        alt=f"In round {last[0]} the median price named was {_figure(last[1])}, bids followed at {_figure(last[2])}, "
        f"asks at {_figure(last[3])}.",
        svg=svg,
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
