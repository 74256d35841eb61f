"""Limits per endpoint: calls in flight, requests and tokens per minute, and a pause that all calls obey."""

from __future__ import annotations

import asyncio

from aiolimiter import AsyncLimiter

MINUTE = 60.0


class Limits:
    """The limits of one endpoint inside one event loop.

    Requests are spaced evenly over the minute, so that no burst at its start uses up the whole allowance.

    Args:
        max_in_flight: calls awaited at the same time.
        requests_per_minute: None for no limit.
        tokens_per_minute: prompt and completion together, by estimate before the call; None for no limit.
    """

    def __init__(
        self,
        *,
        max_in_flight: int,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
    ) -> None:
        self.in_flight = asyncio.Semaphore(max_in_flight)
        self._requests = AsyncLimiter(1, MINUTE / requests_per_minute) if requests_per_minute else None
        self._tokens = AsyncLimiter(tokens_per_minute, MINUTE) if tokens_per_minute else None
        self._silent_until = 0.0

    def pause(self, seconds: float) -> None:
        """Nobody sends before ``seconds`` have passed; a longer pause that is already set stays."""
        self._silent_until = max(self._silent_until, asyncio.get_running_loop().time() + seconds)

    def silence_left(self) -> float:
        """Seconds until the pause ends; 0 where there is none."""
        return max(self._silent_until - asyncio.get_running_loop().time(), 0.0)

    async def admit(self, tokens: int) -> None:
        """Wait until one more attempt of about ``tokens`` tokens fits into the minute; the pause is not waited for."""
        if self._tokens is not None:
            await self._tokens.acquire(min(tokens, self._tokens.max_rate))
        if self._requests is not None:
            await self._requests.acquire()
