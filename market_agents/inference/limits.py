"""Limits per endpoint: calls in flight, requests and tokens per minute, and a pause that all calls obey."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from market_agents.inference.rates import Portion, Rate
from market_agents.inference.slots import FairSlots

_LEARNING_UP, _LEARNING_DOWN = 0.2, 0.08
"""How fast it is learned that answers use a larger, or a smaller, share of their estimates: rather too much is kept
free than too little, for what an answer used is known only afterwards."""


@dataclass(slots=True)
class Admission:
    """The right to send one attempt.

    Attributes:
        moment: when it was given.
        estimate: the attempt's tokens, as they were estimated.
        request: of the requests per minute.
        tokens: of the tokens per minute.
    """

    moment: float
    estimate: int
    request: Portion | None = None
    tokens: Portion | None = None


class Limits:
    """The limits of one endpoint inside one event loop, shared by all who ask it.

    Attempts are admitted one after another, spaced evenly over the minute, so that no burst at its start uses up the
    whole allowance. An endpoint that asks for silence is afterwards asked by one attempt at a time, then by twice as
    many, up to half of what it was asked by before, and from there by one more for each round of answers: slow start,
    additive increase, multiplicative decrease (Jacobson 1988, "Congestion Avoidance and Control").

    Args:
        max_in_flight: asks under way at the same time.
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
        self.max_in_flight = max_in_flight
        self._slots = FairSlots(max_in_flight)
        self._requests = Rate(requests_per_minute) if requests_per_minute else None
        self._tokens = Rate(tokens_per_minute) if tokens_per_minute else None
        self._silent_until = 0.0
        self._turn = asyncio.Lock()
        self._change: asyncio.Future[None] | None = None
        self._sending = 0
        self._allowed = float(max_in_flight)
        self._threshold = float(max_in_flight)
        self._cut_at = float("-inf")
        self._used_share = 1.0

    @property
    def allowed(self) -> int:
        """Attempts that may be under way at the same time at present."""
        return int(self._allowed)

    def slot(self, who: str) -> AbstractAsyncContextManager[None]:
        """A slot in flight for an ask of an agent; agents get theirs by turns."""
        return self._slots.held(who)

    def pause(self, seconds: float) -> None:
        """Nobody sends before ``seconds`` have passed; a longer pause that is already set stays."""
        self._silent_until = max(self._silent_until, _now() + seconds)

    def silence_left(self) -> float:
        """Seconds until the pause ends; 0 where there is none."""
        return max(self._silent_until - _now(), 0.0)

    async def admit(self, tokens: int) -> Admission:
        """Wait until one more attempt of at most ``tokens`` tokens fits; the pause is not waited for."""
        async with self._turn:
            amount, waited = max(tokens * self._used_share, 1.0), False
            while (wait := self._wait(amount)) > 0:
                waited = True
                await self._until_changed(wait)
            now = _now()
            self._sending += 1
            admission = Admission(now, tokens)
            if self._requests is not None:
                admission.request = self._requests.take(1, now, waited=waited)
            if self._tokens is not None:
                admission.tokens = self._tokens.take(amount, now, waited=waited)
            return admission

    def give_back(self, admission: Admission) -> None:
        """The attempt was not made after all."""
        self._sending -= 1
        if self._requests is not None and admission.request is not None:
            self._requests.settle(admission.request, 0, _now())
        self._settle_tokens(admission, 0)
        self._wake()

    def answered(self, admission: Admission, tokens: int) -> None:
        """The attempt ended with an answer that used so many tokens."""
        self._sending -= 1
        self._settle_tokens(admission, tokens)
        share = min(tokens / max(admission.estimate, 1), 4.0)
        learning = _LEARNING_UP if share > self._used_share else _LEARNING_DOWN
        self._used_share += learning * (share - self._used_share)
        grown = 1.0 if self._allowed < self._threshold else 1 / self._allowed
        self._allowed = min(self._allowed + grown, float(self.max_in_flight))
        self._wake()

    def failed(self, admission: Admission, *, maybe_paid: bool) -> None:
        """The attempt ended without an answer."""
        self._sending -= 1
        if not maybe_paid:
            self._settle_tokens(admission, 0)
        self._wake()

    def refused(self, admission: Admission) -> None:
        """The endpoint asked for silence: send less, once for all attempts that were under way together."""
        if admission.moment > self._cut_at:
            self._threshold = max(min(self._allowed, self._sending) / 2, 1.0)
            self._allowed, self._cut_at = 1.0, _now()
        self.failed(admission, maybe_paid=False)

    def _wait(self, amount: float) -> float:
        if self._sending >= self.allowed:
            return math.inf
        now = _now()
        requests = self._requests.wait(1, now) if self._requests else 0.0
        return max(requests, self._tokens.wait(amount, now) if self._tokens else 0.0)

    async def _until_changed(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        change = self._change = loop.create_future()
        timer = None if math.isinf(seconds) else loop.call_later(seconds, _release, change)
        try:
            await change
        finally:
            if timer is not None:
                timer.cancel()

    def _settle_tokens(self, admission: Admission, tokens: int) -> None:
        if self._tokens is not None and admission.tokens is not None:
            self._tokens.settle(admission.tokens, tokens, _now())

    def _wake(self) -> None:
        if self._change is not None:
            _release(self._change)


class SharedLimits:
    """Makes limits for those who share them: the same in one event loop, fresh in the next.

    Args:
        make: builds limits.
    """

    def __init__(self, make: Callable[[], Limits]) -> None:
        self._make = make
        self._made: tuple[asyncio.AbstractEventLoop, Limits] | None = None

    def __call__(self) -> Limits:
        """The limits in the running loop."""
        loop = asyncio.get_running_loop()
        if self._made is None or self._made[0] is not loop:
            self._made = (loop, self._make())
        return self._made[1]


def _release(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def _now() -> float:
    return asyncio.get_running_loop().time()
