"""Answers of earlier runs: under which key they are kept, which are worth keeping, and how one becomes an outcome."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from market_agents.config import LLMConfig
from market_agents.errors import JournalMismatch
from market_agents.inference.asks import Outcome, Request, Status
from market_agents.inference.budget import ZERO
from market_agents.inference.journal import Journal
from market_agents.inference.outcomes import recall


def cache_key(request: Request, request_key: str, config: LLMConfig, base_url: str | None) -> str:
    """What an answer is kept under: all that is asked, whom, and where in the run.

    The place makes equal prompts at a positive temperature samples of their own, the same ones in every run; it comes
    from the path of the call, and not from the order in which answers arrive.

    Returns:
        SHA-256, in hexadecimal.
    """
    parts = (config.provider, base_url or "", request.hash, request_key)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def is_worth_keeping(outcome: Outcome) -> bool:
    """Whether an answer is whole and valid."""
    return outcome.status is Status.ANSWERED and outcome.finish_reason not in {"length", "content_filter"}


async def from_cache(journal: Journal, key: str, request: Request, request_key: str) -> Outcome | None:
    """An earlier run's answer as this run's outcome, which cost nothing; None where there is none that fits."""
    row = await journal.find_cached(key)
    if row is None:
        return None
    free = {"request_key": request_key, "request_hash": request.hash, "status": Status.ANSWERED.value}
    unpaid = {"reason": "", "cost": ZERO, "attempts": 0, "latency_ms": 0.0}
    try:
        return replace(recall({**row, **free, **unpaid}, request), replayed=False, from_cache=True)
    except JournalMismatch:
        return None  # it fits the schema no longer
