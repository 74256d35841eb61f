"""How a run sounds: records for every section of a round, colour on a terminal, plain lines elsewhere, JSON in a file.

Nothing that an agent says is ever markup or an escape code here.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Protocol

from colorama import just_fix_windows_console
from rich.console import Console
from rich.text import Text

from market_agents.economics.equilibrium import Equilibrium
from market_agents.economics.ticks import TickScale
from market_agents.environments import Event
from market_agents.environments.mechanisms.auction import (
    MarketOrderPlaced,
    OrderPlaced,
    OrderRejected,
    RoundResult,
    TradeMade,
)
from market_agents.environments.mechanisms.group_chat import (
    AttendanceChanged,
    CohortFormed,
    DiscussionEnded,
    MessagePosted,
    TopicSet,
)
from market_agents.inference import current_scope
from market_agents.output import counted, known_secrets, plural, write_nowhere
from market_agents.plain_text import one_line
from market_agents.redaction import Redactor

log = logging.getLogger("market_agents.simulation")

SHOWN_PER_SECTION = 6
"""Lines of one kind that the console shows in a section; the log file and the database hold them all."""

NARROWEST = 40

MOST_OF_A_WARNING = 1_000
"""Characters of a warning that the console shows, on as many lines as they need."""

_STYLES = {
    "round": "bold magenta",
    "environment": "bold",
    "cohort": "dim",
    "topic": "cyan",
    "message": "cyan",
    "perception": "blue",
    "action": "yellow",
    "trade": "bold green",
    "market": "green",
    "reflection": "magenta",
    "abstention": "yellow",
    "attendance": "dim",
    "refusal": "yellow",
    "note": "dim",
}
_LABELS = {
    "topic": "topic",
    "message": "says",
    "perception": "thinks",
    "action": "orders",
    "trade": "trade",
    "reflection": "learns",
    "abstention": "passes",
    "refusal": "refused",
}
_NOUNS = {
    "cohort": "cohort",
    "topic": "topic",
    "message": "message",
    "perception": "perception",
    "action": "order",
    "refusal": "refused order",
    "trade": "trade",
    "reflection": "reflection",
    "abstention": "abstention",
    "attendance": "attendance change",
}
_LIMITED = frozenset(_NOUNS)
_PLACE = ("round", "environment", "sub_round", "agent_id", "step")


class Watcher(Protocol):
    """Somebody who looks on while a run goes, and never holds it up."""

    def begin_round(self, number: int, rounds: int) -> None:
        """A round begins, and the one before it is over."""

    def begin_environment(self, name: str) -> None:
        """An environment's part of the round begins."""

    def open_market(self, good: str, equilibrium: Equilibrium) -> None:
        """A good can be traded; prices in ticks."""

    def trade(self, good: str, price: int) -> None:
        """A trade was made; the price in ticks."""

    def message(self, sender: str, content: str) -> None:
        """Somebody said something."""


class SimulationLogger:
    """What a run tells while it goes; every method writes one record with its kind and place.

    Attributes:
        scale: between ticks and currency.
        watcher: is told of some things besides; None where nobody looks on.
    """

    def __init__(self, scale: TickScale) -> None:
        self.scale = scale
        self.watcher: Watcher | None = None
        self._place: dict[str, object] = {}

    def run(self, text: str) -> None:
        """Something about the run as a whole."""
        self._tell("note", text)

    def round(self, number: int, rounds: int) -> None:
        """A round begins."""
        self._place = {"round": number}
        self._tell("round", f"Round {number} of {rounds}")
        if self.watcher is not None:
            self.watcher.begin_round(number, rounds)

    def finished(self, rounds: int) -> None:
        """The last round is over."""
        self._place = {}
        self._tell("round", f"Finished after {counted(rounds, 'round')}")

    def environment(self, name: str, round_number: int) -> None:
        """An environment's part of a round begins."""
        self._place = {"round": round_number, "environment": name}
        self._tell("environment", name)
        if self.watcher is not None:
            self.watcher.begin_environment(name)

    def turn(self, sub_round: int) -> None:
        """What is told from now on belongs to a sub-round; 0 is what precedes the first."""
        self._place["sub_round"] = sub_round

    def opening(self, good: str, equilibrium: Callable[[], Equilibrium]) -> None:
        """A market opens; its equilibrium, in ticks, is found only where somebody looks on."""
        if self.watcher is not None:
            self.watcher.open_market(good, equilibrium())

    def perception(self, agent_id: str, strategy: str) -> None:
        """What an agent intends."""
        self._tell("perception", strategy, agent_id, "perception")

    def reflection(self, agent_id: str, update: str) -> None:
        """What an agent will do from now on."""
        self._tell("reflection", update, agent_id, "reflection")

    def abstention(self, agent_id: str, verdict: str, reason: str | None, step: str = "action") -> None:
        """An agent did nothing, and why."""
        self._tell("abstention", f"{verdict}{': ' + reason if reason else ''}", agent_id, step)

    def warning(self, text: str) -> None:
        """Something that should not be overlooked."""
        log.warning("%s", text, extra={"kind": "warning", **self._place})

    def events(self, events: Iterable[Event]) -> None:
        """What a mechanism decided."""
        if self.watcher is not None or log.isEnabledFor(logging.INFO):
            for event in events:
                self._event(event)
                if self.watcher is not None:
                    _show(event, self.watcher)

    def _event(self, event: Event) -> None:
        match event:
            case OrderPlaced():
                text = f"{event.side.value} {event.quantity} at {self._price(event.price)}"
                self._tell("action", text, event.agent_id, "action")
            case MarketOrderPlaced():
                text = f"{event.side.value} {event.quantity} at the best open prices"
                self._tell("action", text, event.agent_id, "action")
            case OrderRejected():
                self._tell("refusal", event.reason, event.agent_id, "action")
            case TradeMade():
                parties = f"{event.buyer_id} buys {event.quantity} from {event.seller_id}"
                text = f"{parties} at {self._price(event.price)}"
                self._tell("trade", text)
            case CohortFormed():
                self._tell("cohort", f"{event.cohort_id}: {', '.join(event.members)}")
            case TopicSet():
                by = f" by {event.proposer_id}" if event.proposer_id else ""
                self._tell("topic", f"{event.cohort_id}{by}: {event.topic}")
            case MessagePosted():
                self._tell("message", f"{_remark(event)}{event.content}", event.sender_id, "action")
            case AttendanceChanged():
                self._tell("attendance", f"{event.change} the discussions: {event.reason}", event.agent_id)
            case DiscussionEnded() if event.ended != "time":
                text = f"{event.cohort_id} ends after {counted(event.sub_rounds, 'turn')}: {event.ended}"
                self._tell("cohort", text)
            case _:
                pass

    def market(self, good: str, result: RoundResult) -> None:
        """How a market's round went."""
        if result.mean_price is None:
            text = f"{good}: no trade"
        else:
            efficiency = "–" if result.efficiency is None else f"{result.efficiency:.1%}"
            text = (
                f"{good}: {counted(len(result.trades), 'trade')}, {counted(result.volume, 'unit')}, mean price "
                f"{self.scale.to_currency(result.mean_price):.2f}, efficiency {efficiency}"
            )
        self._tell("market", text)

    def _price(self, ticks: int) -> str:
        return str(self.scale.to_decimal(ticks))

    def _tell(self, kind: str, text: str, agent_id: str | None = None, step: str | None = None) -> None:
        log.info("%s", text, extra={"kind": kind, "agent_id": agent_id, "step": step, **self._place})


def _show(event: Event, watcher: Watcher) -> None:
    match event:
        case TradeMade():
            watcher.trade(event.good, event.price)
        case MessagePosted():
            watcher.message(event.sender_id, _remark(event) + event.content)
        case _:
            pass


def _remark(message: MessagePosted) -> str:
    """What is to be said of a message besides its words."""
    remarks = [] if message.recipient_id == "all" else [f"to {message.recipient_id}"]
    if message.withheld is not None:
        remarks.append(f"withheld: {message.withheld}")
    elif message.delivered is not None and message.delivered > message.sub_round:
        remarks.append(f"delivered with turn {message.delivered}")
    if message.scrambled is not None:
        remarks.append("scrambled")
    return f"({', '.join(remarks)}) " if remarks else ""


class ConsoleHandler(logging.Handler):
    """Shows records on a console, each on one line of its width, a few of each kind per section."""

    def __init__(self, console: Console, redact: Redactor | None = None) -> None:
        super().__init__()
        self._console = console
        self.redact = redact or Redactor()
        self._counts: Counter[str] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        """Show a record."""
        try:
            self._show(record)
        except (OSError, ValueError):
            # A console that went away must not end a run that may have cost money.
            self.handleError(record)

    def _show(self, record: logging.LogRecord) -> None:
        kind = str(getattr(record, "kind", "note"))
        if record.levelno >= logging.WARNING:
            # A warning is worth all the lines it takes.
            self._console.print(
                Text(f"! {one_line(self.redact(record.getMessage()), MOST_OF_A_WARNING)}", style="bold red"),
                soft_wrap=not self._console.is_terminal,  # in a file or a pipe a warning is one line
            )
            return
        if kind in {"round", "environment", "market"}:
            self._close_section()
        if kind in _LIMITED:
            self._counts[kind] += 1
            if self._counts[kind] > SHOWN_PER_SECTION:
                return
        self._line(_composed(record, kind), _STYLES.get(kind, ""))

    def _close_section(self) -> None:
        hidden = {
            kind: count - SHOWN_PER_SECTION
            for kind, count in self._counts.items()
            if count > SHOWN_PER_SECTION
        }
        if hidden:
            counted = ", ".join(
                f"{count} more {plural(_NOUNS[kind], count)}" for kind, count in hidden.items()
            )
            self._line(f"    … {counted}", "dim")
        self._counts.clear()

    def _line(self, text: str, style: str) -> None:
        width = max(self._console.width, NARROWEST) - 1
        indent = len(text) - len(text.lstrip(" "))
        line = text[:indent] + one_line(self.redact(text), width - indent)
        self._console.print(Text(line, style=style), soft_wrap=True)


def _composed(record: logging.LogRecord, kind: str) -> str:
    message = record.getMessage()
    if kind == "round":
        return f"━━ {message} ━━"
    if kind == "environment":
        return f"  {message}"
    who = getattr(record, "agent_id", None)
    label = _LABELS.get(kind, "")
    return "    " + " ".join(part for part in (who, f"{label}:" if label else "", message) if part)


class JsonLinesHandler(logging.FileHandler):
    """Writes every record as one JSON object on one line, with its place in the run.

    A record that names no place, such as a warning of the door to models, belongs to the step that it is written in.

    Attributes:
        run_id: the run that records belong to; None before there is one.
    """

    def __init__(self, path: Path, redact: Redactor | None = None) -> None:
        super().__init__(path, encoding="utf-8", errors="backslashreplace")
        self.redact = redact or Redactor()
        self.run_id: str | None = None

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON."""
        scope = current_scope()
        place = {key: getattr(record, key, getattr(scope, key, None)) for key in _PLACE}
        fields = {"kind": getattr(record, "kind", None), "run_id": self.run_id, **place}
        content = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            **{key: value for key, value in fields.items() if value is not None},
            "message": self.redact(record.getMessage()),
        }
        if record.exc_info:
            content["error"] = self.redact(logging.Formatter().formatException(record.exc_info))
        return json.dumps(content, ensure_ascii=False)


class _LastingConsole(Console):
    """A console whose reader may go away, as in ``2>&1 | head -1``, without ending the process."""

    def on_broken_pipe(self) -> None:
        """Fall silent; rich would end the process."""
        self.quiet = True
        write_nowhere(self.file)


def console_for(stream: IO[str]) -> Console:
    """A console that never reads agents' text as markup and respects ``NO_COLOR``."""
    return _LastingConsole(file=stream, highlight=False, markup=False, emoji=False)


def set_up_logging(console: Console, *, quiet: bool, log_file: Path | None) -> None:
    """Decide how the package sounds in this process; called by the command line alone."""
    just_fix_windows_console()
    logging.raiseExceptions = False
    root = logging.getLogger("market_agents")
    root.setLevel(logging.INFO)
    root.propagate = False
    for handler in list(root.handlers):
        root.removeHandler(handler)
        handler.close()
    redact = known_secrets()
    shown = ConsoleHandler(console, redact)
    shown.setLevel(logging.WARNING if quiet else logging.INFO)
    root.addHandler(shown)
    if log_file is not None:
        root.addHandler(JsonLinesHandler(log_file, redact))


def show_banner(console: Console) -> None:
    """The program's name in large letters, where there is room."""
    if console.is_terminal and console.width >= 80:
        # Fonts are read from disk: only a terminal that shows them pays.
        from pyfiglet import figlet_format

        console.print(Text(figlet_format("MarketAgents", font="small", width=80).rstrip(), style="bold cyan"))
        console.print()


def log_for_run(run_id: str, redact: Redactor) -> None:
    """Name the run in records from now on, and hide in them what it knows to be secret."""
    for handler in logging.getLogger("market_agents").handlers:
        if isinstance(handler, ConsoleHandler | JsonLinesHandler):
            handler.redact = redact
        if isinstance(handler, JsonLinesHandler):
            handler.run_id = run_id
