"""What an ask costs, from the entry's own prices or the list that genai-prices ships; unknown prices stay unknown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache, lru_cache

import genai_prices
from genai_prices import data_snapshot
from genai_prices.types import ModelInfo, ModelPrice, StartDateConstraint, TieredPrices

from market_agents.config import LLMConfig
from market_agents.inference.asks import Usage

MILLION = 1_000_000
LIST_NAME = f"genai-prices {genai_prices.__version__}"
OWN = "llm_configs"


@dataclass(frozen=True)
class Price:
    """What a model costs, in US dollars for a million tokens.

    Attributes:
        source: ``llm_configs``, or the price list with its version.
        as_of: the newest date that the list holds; None for an entry's own price.
        note: what the list says about the price, for example that it depends on the length of the prompt.
    """

    model: str
    input: Decimal
    output: Decimal
    cached_input: Decimal | None
    source: str
    as_of: date | None = None
    note: str = ""


def cost_of(
    usage: Usage,
    model: str,
    base_url: str | None,
    entry: LLMConfig | None = None,
    *,
    in_batch: bool = False,
) -> Decimal | None:
    """US dollars for one reply, or None where no price is known for the model at that address.

    What comes in a batch costs ``batch_price_share`` of that, where the entry names it; else the list's own price for
    batches where it has one, and the full price where it has none.

    Args:
        usage: tokens of the reply.
        model: the model's name as the provider returned it.
        base_url: the endpoint's address; None means OpenAI's own.
        entry: the entry of ``llm_configs`` that was asked; prices that it names count for all its replies.
        in_batch: whether the reply came in a batch.
    """
    if in_batch and entry is not None and entry.batch_price_share is not None:
        live = cost_of(usage, model, base_url, entry)
        return None if live is None else live * _exact(entry.batch_price_share)
    if entry is not None and entry.input_price is not None and entry.output_price is not None:
        asked = _exact(entry.input_price) * usage.prompt_tokens
        return (asked + _exact(entry.output_price) * usage.completion_tokens) / MILLION
    if usage.cached_tokens > usage.prompt_tokens:
        return None
    listed = _listed(model, base_url, datetime.now(UTC).date(), in_batch)
    if listed is None:
        return None
    if listed.note:
        return _long_cost(usage, model, base_url, in_batch=in_batch)
    cached = usage.cached_tokens * (listed.input if listed.cached_input is None else listed.cached_input)
    fresh = (usage.prompt_tokens - usage.cached_tokens) * listed.input
    return (cached + fresh + usage.completion_tokens * listed.output) / MILLION


def _long_cost(usage: Usage, model: str, base_url: str | None, *, in_batch: bool) -> Decimal | None:
    """As the library reckons: by steps of the prompt's length, or by the request; slow, so only where it must be."""
    tokens = genai_prices.Usage(
        input_tokens=usage.prompt_tokens,
        output_tokens=usage.completion_tokens,
        cache_read_tokens=usage.cached_tokens,
    )
    context = _context(in_batch=in_batch)
    try:
        if base_url is None:
            found = genai_prices.calc_price(tokens, model, provider_id="openai", price_context=context)
        else:
            found = genai_prices.calc_price(tokens, model, provider_api_url=base_url, price_context=context)
    except (LookupError, ValueError):
        return None
    return found.total_price


def price_of(model: str, base_url: str | None, entry: LLMConfig | None = None) -> Price | None:
    """The price of a model at an address, for people to read; None where it is unknown.

    Args:
        model: the model's name as it is asked for.
        base_url: the endpoint's address; None means OpenAI's own.
        entry: the entry of ``llm_configs`` whose own prices count first.
    """
    if entry is not None and entry.input_price is not None and entry.output_price is not None:
        asked, answered = _exact(entry.input_price), _exact(entry.output_price)
        return Price(model, asked, answered, None, OWN)
    listed = _listed(model, base_url, datetime.now(UTC).date(), in_batch=False)
    return None if listed is None else replace(listed, as_of=list_date())


def _context(*, in_batch: bool) -> dict[str, str] | None:
    """How the list names what is asked in a batch."""
    return {"processing": "batch"} if in_batch else None


@lru_cache(maxsize=1024)
def _listed(model: str, base_url: str | None, day: date, in_batch: bool) -> Price | None:
    """What the list says on a day; one that is no mere price for a token has a note that says so."""
    try:
        _, found = data_snapshot.get_snapshot().find_provider_model(
            model, None, "openai" if base_url is None else None, base_url
        )
    except (LookupError, ValueError):
        return None
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
    prices = found.get_prices(moment, _context(in_batch=in_batch))
    amounts = (prices.input_mtok, prices.output_mtok, prices.cache_read_mtok)
    notes = []
    if any(isinstance(amount, TieredPrices) for amount in amounts):
        notes.append("more for long prompts")
    if prices.requests_kcount:
        notes.append(f"and ${prices.requests_kcount} for 1,000 requests")
    asked, answered, cached = (_base(amount) for amount in amounts)
    if asked is None:
        return None
    # A model that only reads, as those for embeddings, has no price for answers.
    return Price(found.id, asked, answered or Decimal(0), cached, LIST_NAME, note=", ".join(notes))


@cache
def list_date() -> date | None:
    """The newest day, today at the latest, from which a price in the list counts: the list is at least that new."""
    today = datetime.now(UTC).date()
    return max((day for day in _start_days() if day <= today), default=None)


def _start_days() -> Iterator[date]:
    for provider in data_snapshot.get_snapshot().providers:
        for model in provider.models:
            yield from _start_days_of(model)


def _start_days_of(model: ModelInfo) -> Iterator[date]:
    dated = [] if isinstance(model.prices, ModelPrice) else list(model.prices)
    for part in [*dated, *(model.price_variants or ())]:
        if isinstance(part.constraint, StartDateConstraint):
            yield part.constraint.start_date


def _base(amount: Decimal | TieredPrices | None) -> Decimal | None:
    """The price of the first tokens, where the price grows with their number."""
    return amount.base if isinstance(amount, TieredPrices) else amount


def _exact(amount: float) -> Decimal:
    return Decimal(repr(amount))
