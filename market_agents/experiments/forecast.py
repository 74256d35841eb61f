"""What a run will ask, cost and take: rehearsed with the stand-in, then carried on to all rounds and agents."""

from __future__ import annotations

import math
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from market_agents.agents.generation import asked_entries
from market_agents.config import LLMConfig, SimulationConfig, base_url, read_environment
from market_agents.inference.asks import Usage
from market_agents.inference.prices import MILLION, Price, cost_of, price_of
from market_agents.inference.rehearsal import RehearsalDoor, RehearsedAsk
from market_agents.meta_orchestrator import MetaOrchestrator

MOST_AGENTS = 60
MOST_ROUNDS = 6
LATENCY_SECONDS = 2.0
BATCH_SECONDS = (120.0, 1800.0, 86_400.0)
"""How long a batch is taken to last: providers promise a day, and mostly need much less."""

_BYTES_A_TOKEN = (5.5, 4.0, 3.0)
_GROWTH = (0.7, 1.0, 2.0)
_CALLS = (0.8, 1.0, 1.25)
_TALKATIVE = 2.0


@dataclass(frozen=True)
class Span:
    """An amount that is not known yet: surely not below ``low``, likely ``likely``, hardly above ``high``."""

    low: float = 0.0
    likely: float = 0.0
    high: float = 0.0

    def __add__(self, other: Span) -> Span:
        return Span(self.low + other.low, self.likely + other.likely, self.high + other.high)

    def times(self, factor: float) -> Span:
        """The same, so many times."""
        return Span(self.low * factor, self.likely * factor, self.high * factor)


@dataclass(frozen=True)
class EntryForecast:
    """What one entry of ``llm_configs`` will be asked.

    Attributes:
        name: the entry's.
        model: what is asked for.
        calls: HTTP requests, repeats after unusable answers included.
        prompt_tokens: in.
        completion_tokens: out.
        cost: US dollars; None where the price is unknown.
        price: where the cost comes from; None where it is unknown, or nothing is charged.
        is_free: whether it is the stand-in.
        batched: how many of the asks go in batches.
        batch_prices: US dollars for a million tokens in and out there; None where nothing goes there, or unknown.
    """

    name: str
    model: str
    calls: Span
    prompt_tokens: Span
    completion_tokens: Span
    cost: Span | None
    price: Price | None
    is_free: bool
    batched: float = 0.0
    batch_prices: tuple[Decimal, Decimal] | None = None


@dataclass(frozen=True)
class Forecast:
    """What a run will come to.

    Attributes:
        entries: those that are asked, by name.
        seconds: wall-clock time at the configured limits and the assumed latency.
        waves: calls or batches that wait for one another, one after the other.
        batches: how many of these are batches.
        rehearsed_agents: how many agents were rehearsed; with more, amounts are in proportion.
        rehearsed_rounds: likewise; later rounds are taken to be like the last rehearsed one.
    """

    entries: Sequence[EntryForecast]
    seconds: Span
    waves: int
    batches: int
    rehearsed_agents: int
    rehearsed_rounds: int

    @property
    def calls(self) -> Span:
        """HTTP requests to all entries."""
        return sum((entry.calls for entry in self.entries), Span())

    @property
    def cost(self) -> Span | None:
        """US dollars; None where any price is unknown."""
        costs = [entry.cost for entry in self.entries]
        known = [cost for cost in costs if cost is not None]
        return sum(known, Span()) if len(known) == len(costs) else None

    @property
    def unpriced(self) -> tuple[str, ...]:
        """Models whose price is unknown."""
        return tuple(sorted({entry.model for entry in self.entries if entry.cost is None}))


def forecast(
    config: SimulationConfig, *, folder: Path | None = None, latency: float = LATENCY_SECONDS
) -> Forecast:
    """Rehearse a run without asking anybody, and carry on from there.

    Args:
        config: as from `load_config`.
        folder: where ``.env`` is; the working directory by default.
        latency: seconds that one call is taken to last.
    """
    agents = min(config.num_agents, MOST_AGENTS)
    rounds = min(config.max_rounds, max(MOST_ROUNDS, min(config.memory.window + 1, 2 * MOST_ROUNDS)))
    asks = _rehearse(config.model_copy(update={"num_agents": agents, "max_rounds": rounds}))
    weights = _weights(config, asks, rounds)
    scale = config.num_agents / agents
    variables = read_environment(folder or Path.cwd())
    entries = [
        _entry_forecast(
            config, entry, variables, [(ask, scale * weights[ask.environment, ask.round]) for ask in own]
        )
        for entry in asked_entries(config)
        if (own := [ask for ask in asks if ask.entry == entry.name])
    ]
    seconds, waves, batches = _time(config, asks, weights, scale, latency)
    return Forecast(entries, seconds, waves, batches, agents, rounds)


def _rehearse(config: SimulationConfig) -> list[RehearsedAsk]:
    """The asks of a run in which the stand-in answers for every model, in a database that is thrown away."""
    entries = tuple(entry.model_copy(update={"client": "offline"}) for entry in config.llm_configs)
    rehearsed = config.model_copy(
        update={"llm_configs": entries, "max_abstention_share": 1.0, "budget": type(config.budget)()}
    )
    with tempfile.TemporaryDirectory() as folder:
        orchestrator = MetaOrchestrator(rehearsed, database=f"{folder}/rehearsal.db")
        door = RehearsalDoor(orchestrator.seed)
        orchestrator.door = door
        orchestrator.run()
    return door.asks


def _weights(
    config: SimulationConfig, asks: Iterable[RehearsedAsk], rounds: int
) -> Mapping[tuple[str, int], float]:
    """How often each rehearsed round of an environment stands for one of the run: the last for all after it."""
    weights: dict[tuple[str, int], float] = {}
    for ask in asks:
        weights[ask.environment, ask.round] = 1.0
        settings = config.environment_configs.get(ask.environment)
        if settings is not None and ask.round == rounds:
            last = min(settings.max_rounds or config.max_rounds, config.max_rounds)
            weights[ask.environment, ask.round] = max(last - rounds + 1, 1)
    return weights


def _entry_forecast(
    config: SimulationConfig,
    entry: LLMConfig,
    variables: Mapping[str, str],
    asks: Sequence[tuple[RehearsedAsk, float]],
) -> EntryForecast:
    """The amounts of one entry, from its asks and how often each stands for one of the run."""
    calls = _spread(sum(times for _, times in asks))
    prompts = [_prompt_tokens(ask).times(times) for ask, times in asks]
    answers = [_answer_tokens(ask).times(times) for ask, times in asks]
    prompt_tokens = _with_repeats(sum(prompts, Span()))
    completion_tokens = _with_repeats(sum(answers, Span()))
    is_free = entry.client == "offline"
    address = None if is_free else base_url(entry, variables)
    price = None if is_free else price_of(entry.model, address, entry)
    cost = Span() if is_free else _cost(config, entry, address, asks)
    batched = sum(times for ask, times in asks if _is_batched(config, entry, ask))
    return EntryForecast(
        entry.name,
        entry.model,
        calls,
        prompt_tokens,
        completion_tokens,
        cost,
        price,
        is_free,
        batched=batched,
        batch_prices=_batch_prices(entry, address) if batched else None,
    )


def _is_batched(config: SimulationConfig, entry: LLMConfig, ask: RehearsedAsk) -> bool:
    """Whether an ask goes in a batch; embeddings and the stand-in never do."""
    is_asked_live = entry.client == "offline" or entry.name == config.memory.embeddings
    return not is_asked_live and config.is_batched(entry, ask.environment)


def _batch_prices(entry: LLMConfig, address: str | None) -> tuple[Decimal, Decimal] | None:
    """US dollars for a million tokens in and out, in batches; None where they are unknown."""
    sides = (Usage(prompt_tokens=MILLION), Usage(completion_tokens=MILLION))
    asked, answered = (cost_of(usage, entry.model, address, entry, in_batch=True) for usage in sides)
    return None if asked is None or answered is None else (asked, answered)


def _cost(
    config: SimulationConfig,
    entry: LLMConfig,
    address: str | None,
    asks: Sequence[tuple[RehearsedAsk, float]],
) -> Span | None:
    """What asks with calls and in batches come to together; None where a price is unknown."""
    total = Span()
    for in_batch in (False, True):
        own = [(ask, times) for ask, times in asks if _is_batched(config, entry, ask) == in_batch]
        prompts = _with_repeats(sum((_prompt_tokens(ask).times(times) for ask, times in own), Span()))
        answers = _with_repeats(sum((_answer_tokens(ask).times(times) for ask, times in own), Span()))
        amounts = [
            cost_of(Usage(round(prompt), round(answer)), entry.model, address, entry, in_batch=in_batch)
            for prompt, answer in zip(_sides(prompts), _sides(answers), strict=True)
        ]
        cost = _priced(amounts)
        if cost is None:
            return None
        total += cost
    return total


def _priced(amounts: Sequence[Decimal | None]) -> Span | None:
    known = [float(amount) for amount in amounts if amount is not None]
    return Span(*known) if len(known) == len(amounts) else None


def _spread(count: float) -> Span:
    return Span(math.floor(count * _CALLS[0]), count, math.ceil(count * _CALLS[2]))


def _with_repeats(tokens: Span) -> Span:
    return Span(tokens.low * _CALLS[0], tokens.likely * _CALLS[1], tokens.high * _CALLS[2])


def _prompt_tokens(ask: RehearsedAsk) -> Span:
    """Some servers count the schema, some do not; agents that speak at length make long prompts."""
    low, likely, high = _BYTES_A_TOKEN
    whole = ask.message_bytes + ask.schema_bytes
    return Span(ask.message_bytes * _GROWTH[0] / low, whole * _GROWTH[1] / likely, whole * _GROWTH[2] / high)


def _answer_tokens(ask: RehearsedAsk) -> Span:
    """From an answer much shorter than the stand-in's to one as long as is allowed."""
    likely = _TALKATIVE * ask.answer_characters / 4
    return Span(min(likely / 6, ask.max_tokens), min(likely, ask.max_tokens), ask.max_tokens)


def _time(
    config: SimulationConfig,
    asks: Iterable[RehearsedAsk],
    weights: Mapping[tuple[str, int], float],
    scale: float,
    latency: float,
) -> tuple[Span, int, int]:
    """Each wave takes as long as its calls need at the latency, or at the limits of the slowest entry, or a batch."""
    waves: defaultdict[int, dict[str, list[RehearsedAsk]]] = defaultdict(lambda: defaultdict(list))
    for ask in asks:
        waves[ask.wave][ask.entry].append(ask)
    entries = {entry.name: entry for entry in asked_entries(config)}
    total, count, batches = Span(), 0.0, 0.0
    for by_entry in waves.values():
        slowest = Span()
        for name, together in by_entry.items():
            if _is_batched(config, entries[name], together[0]):
                own = Span(*BATCH_SECONDS)
            else:
                own = _wave_seconds(config, entries[name], together, scale, latency)
            slowest = Span(*(max(pair) for pair in zip(_sides(slowest), _sides(own), strict=True)))
        first = next(iter(by_entry.values()))[0]
        times = weights[first.environment, first.round]
        total += slowest.times(times)
        count += times
        batches += times * any(
            _is_batched(config, entries[name], together[0]) for name, together in by_entry.items()
        )
    return total, round(count), round(batches)


def _wave_seconds(
    config: SimulationConfig, entry: LLMConfig, asks: Sequence[RehearsedAsk], scale: float, latency: float
) -> Span:
    if entry.client == "offline":
        return Span()
    limits = config.limits_of(entry)
    calls = _spread(len(asks) * scale)
    tokens = sum((_prompt_tokens(ask) + _answer_tokens(ask) for ask in asks), Span()).times(scale)
    sides = []
    for side_calls, side_tokens, slow in zip(_sides(calls), _sides(tokens), (0.5, 1.0, 2.0), strict=True):
        spaced = [latency * slow * math.ceil(side_calls / limits.max_in_flight)]
        if limits.max_requests_per_minute:
            spaced.append(side_calls * 60 / limits.max_requests_per_minute)
        if limits.max_tokens_per_minute:
            spaced.append(side_tokens * 60 / limits.max_tokens_per_minute)
        sides.append(max(spaced))
    return Span(*sides)


def _sides(span: Span) -> tuple[float, float, float]:
    return span.low, span.likely, span.high
