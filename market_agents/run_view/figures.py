"""A run's counts in few words, with what is left of its caps."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from market_agents.inference import Budget, Progress, Tally
from market_agents.run_view.chart import Span

NEARLY_ALL = 0.8
"""The share of a cap from which on it is shown in another colour."""


def figures(tally: Tally, budget: Budget, batches: Iterable[Progress] = ()) -> list[Span]:
    """Asks, tokens and cost, each with its cap if it has one, and what is waited for; the first ones matter most."""
    spent, caps = budget.spent, budget.config
    told: list[Span] = [
        (f"{tally.asked:,} asks done", "bold"),
        (f"{tally.in_flight:,} in flight", ""),
        *((f"{batch.batch_id}: {batch.done:,} of {batch.total:,} done", "cyan") for batch in batches),
        (f"{tally.unanswered:,} without answer", "yellow" if tally.unanswered else ""),
        _cost(tally, spent.cost, caps.max_cost),
        _against(f"{spent.tokens:,}", spent.tokens, caps.max_tokens, "{:,}", " tokens"),
    ]
    if caps.max_calls is not None:
        told.append(_against(f"{spent.calls:,}", spent.calls, caps.max_calls, "{:,}", " calls"))
    if tally.replayed:
        told.append((f"{tally.replayed:,} asks from the journal", ""))
    if tally.from_cache:
        told.append((f"{tally.from_cache:,} from the cache", ""))
    return told


def _cost(tally: Tally, spent: Decimal, cap: float | None) -> Span:
    if not tally.unpriced:
        return _against(f"${spent:.4f}", spent, cap, "${:,g}")
    # A cap on the cost needs all prices, so there is none here.
    return (f"${spent:.4f} and an unknown cost" if spent else "cost unknown"), "yellow"


def _against(shown: str, spent: Decimal | int, cap: float | int | None, pattern: str, noun: str = "") -> Span:
    if cap is None:
        return f"{shown}{noun}", ""
    share = float(spent) / cap
    return (
        f"{shown} of {pattern.format(cap)}{noun} ({share:.0%})",
        "bold yellow" if share >= NEARLY_ALL else "",
    )
