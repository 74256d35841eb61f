"""An endpoint: one provider with its limits, its retries and its health.

Until an endpoint has answered once, one request at a time probes it, so that a wrong key costs one refusal and not
one per agent.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from market_agents.errors import MarketAgentsError, ProviderAway, UserError
from market_agents.inference.asks import Completion, Request
from market_agents.inference.limits import Limits
from market_agents.inference.providers.provider import Provider
from market_agents.inference.retry import AttemptFailed, Backoff, Verdict

PROBES_BEFORE_GIVING_UP = 3
"""Attempts at an endpoint that nobody has reached yet, before the run is refused."""


@dataclass(frozen=True, slots=True)
class Effort:
    """What it took to end an ask: a completion, or the last failure after which there was no going on."""

    completion: Completion | None
    attempts: int
    latency_ms: float
    failure: AttemptFailed | None = None


class _State:
    """What belongs to one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, limits: Limits) -> None:
        self.loop = loop
        self.limits = limits
        self.probe = asyncio.Lock()
        self.users = 0


class Endpoint:
    """One provider behind limits and one retry layer; usable from any event loop.

    Args:
        provider: sends single attempts.
        make_limits: builds the limits; called once per event loop.
        total_timeout: seconds after which an ask is given up, waits included.
    """

    def __init__(
        self, provider: Provider, make_limits: Callable[[], Limits], *, total_timeout: float
    ) -> None:
        self.provider = provider
        self._make_limits = make_limits
        self._total_timeout = total_timeout
        self._backoff = Backoff()
        self._jitter = Random()  # noqa: S311  (when we knock again decides nothing that is stored)
        self._answered_at: float | None = None
        self._state: _State | None = None

    def has_answered(self) -> bool:
        """Whether the endpoint ever gave an answer to this process."""
        return self._answered_at is not None

    @property
    def limits(self) -> Limits:
        """The limits in the running loop."""
        return self._here().limits

    async def __aenter__(self) -> Endpoint:
        """Keep connections open until the last user leaves."""
        self._here().users += 1
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections when nobody uses them any more."""
        state = self._here()
        state.users -= 1
        if state.users == 0:
            await self.provider.close()

    def _here(self) -> _State:
        loop = asyncio.get_running_loop()
        if self._state is None or self._state.loop is not loop:
            self._state = _State(loop, self._make_limits())
        return self._state

    async def call(self, request: Request, key: str) -> Effort:
        """Get a reply, with retries until the total deadline. The caller holds a slot in flight.

        Raises:
            UserError: the endpoint refuses us, or cannot be reached, before its first answer.
            ProviderAway: the same after first answers; the run can be resumed.
        """
        state = self._here()
        if self.has_answered():
            return await self._persist(request, key)
        async with state.probe:
            if not self.has_answered():
                return await self._persist(request, key)
        return await self._persist(request, key)

    async def _persist(self, request: Request, key: str) -> Effort:
        started = time.monotonic()
        attempts = failures = 0
        while True:
            await self._here().limits.admit(_estimate(request))
            attempts += 1
            try:
                completion = await self.provider.attempt(request, key)
            except AttemptFailed as failure:
                failures += failure.verdict is not Verdict.FALL_BACK
                if failure.verdict is Verdict.KEY_REFUSED:
                    raise self._away(failure) from failure
                if failure.verdict is Verdict.GIVE_UP:
                    return Effort(None, attempts, _ms_since(started), failure)
                if failure.verdict is not Verdict.FALL_BACK:
                    wait = self._wait(failure, failures)
                    if self._out_of_time(started, wait, failure, failures):
                        return self._exhausted(failure, started, attempts)
                    await asyncio.sleep(wait)
            else:
                self._answered_at = time.monotonic()
                return Effort(completion, attempts, _ms_since(started))

    def _wait(self, failure: AttemptFailed, failures: int) -> float:
        wait = self._backoff.wait(failures, self._jitter)
        if failure.verdict is Verdict.PAUSE:
            wait = max(wait, failure.retry_after or 0.0)
            self._here().limits.pause(wait)
        return wait

    def _out_of_time(self, started: float, wait: float, failure: AttemptFailed, failures: int) -> bool:
        if not self.has_answered() and not failure.reached and failures >= PROBES_BEFORE_GIVING_UP:
            return True
        return time.monotonic() - started + wait > self._total_timeout

    def _exhausted(self, failure: AttemptFailed, started: float, attempts: int) -> Effort:
        """This ask failed for good. An endpoint that meanwhile answered others is alive, and the ask has an outcome."""
        if self._answered_at is None or self._answered_at < started:
            raise self._away(failure) from failure
        return Effort(None, attempts, _ms_since(started), failure)

    def _away(self, failure: AttemptFailed) -> MarketAgentsError:
        refused = failure.verdict is Verdict.KEY_REFUSED or not failure.reached
        if refused and not self.has_answered():
            return UserError(f"{failure.reason}; nothing was spent")
        return ProviderAway(failure.reason)


def _estimate(request: Request) -> int:
    """Tokens of a request by rule of thumb: four characters a token, and half of the longest answer."""
    return (
        sum(len(message["content"]) for message in request.messages) // 4 + (request.max_tokens or 512) // 2
    )


def _ms_since(started: float) -> float:
    return (time.monotonic() - started) * 1000
