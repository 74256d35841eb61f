"""An endpoint: one provider with its limits, its retries and its health.

Until an endpoint has answered once, one request at a time probes it, so that a wrong key costs one refusal and not
one per agent.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import TypeVar

from market_agents.errors import EndpointUnusable, MarketAgentsError, ProviderAway, UserError
from market_agents.inference.asks import Completion, Request
from market_agents.inference.awake import AwakeClock
from market_agents.inference.budget import Budget, Purse
from market_agents.inference.limits import Admission, Limits
from market_agents.inference.providers.provider import Provider
from market_agents.inference.retry import AttemptFailed, Backoff, Verdict

PROBES_BEFORE_GIVING_UP = 3
"""Attempts at an endpoint that nobody has reached yet, before the run is refused."""

REFUSALS_BEFORE_GIVING_UP = 3
"""Asks in a row that a model refuses which has answered none: then it is how they are asked, not what."""

MOST_GARBLED_REPLIES = 3
"""Replies that nobody can read, each perhaps paid for, before an ask ends without an answer."""

T = TypeVar("T")

_Send = Callable[[], Awaitable[Completion]]


@dataclass(frozen=True, slots=True)
class Effort:
    """What it took to end an ask: a completion, or the last failure after which there was no going on."""

    completion: Completion | None
    attempts: int
    latency_ms: float
    failure: AttemptFailed | None = None


@dataclass(slots=True)
class _Trial:
    """One ask on its way.

    Attributes:
        address: where it goes, for messages.
        model: who is asked.
        clock: what its time is counted on.
        started: when it was first allowed to be sent.
        total_timeout: seconds after which it is given up.
        held: seconds that our own limits kept it waiting since; they do not count.
        wait: seconds until the next attempt.
        last: why the attempt before failed.
    """

    address: str
    model: str
    clock: AwakeClock
    started: float
    total_timeout: float
    held: float = 0.0
    attempts: int = 0
    failures: int = 0
    garbled: int = 0
    wait: float = 0.0
    last: str = ""

    @property
    def seconds_left(self) -> float:
        """Seconds until it is given up."""
        return self.started + self.total_timeout + self.held - self.clock.now()

    @property
    def milliseconds(self) -> float:
        """Milliseconds since it was first allowed to be sent."""
        return (self.clock.now() - self.started) * 1000


class _State:
    """What belongs to one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, limits: Limits) -> None:
        self.loop = loop
        self.limits = limits
        self.probe = asyncio.Lock()
        self.users = 0
        self.asking = 0
        self.clock = AwakeClock(loop)


class Endpoint:
    """One provider behind limits and one retry layer; usable from any event loop.

    Args:
        provider: sends single attempts.
        make_limits: builds the limits; called once per event loop.
        total_timeout: seconds after which an ask is given up, waits included, those for our own limits apart.
        backoff: how long to wait between attempts.
    """

    def __init__(
        self,
        provider: Provider,
        make_limits: Callable[[], Limits],
        *,
        total_timeout: float,
        backoff: Backoff | None = None,
    ) -> None:
        self.provider = provider
        self._make_limits = make_limits
        self._total_timeout = total_timeout
        self._backoff = backoff or Backoff()
        self._jitter = Random()  # noqa: S311  (when we knock again decides nothing that is stored)
        self._answered_at: float | None = None
        self._models_that_answered: set[str] = set()
        self._refusals: Counter[str] = Counter()
        self._stop: MarketAgentsError | None = None
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

    async def call(
        self, request: Request, key: str, idempotency_key: str, purse: Purse | None = None
    ) -> Effort:
        """Get a reply, with retries until the total deadline. The caller holds a slot in flight.

        Args:
            request: what is asked.
            key: the request's key in the journal.
            idempotency_key: names this ask towards the server.
            purse: what each attempt is paid from, left open after a reply; bottomless by default.

        Raises:
            BudgetExhausted: there is no money for another attempt.
            UserError: the endpoint refuses us, or cannot be reached, before its first answer.
            ProviderAway: the same after first answers; the run can be resumed.
        """
        purse = purse or Budget().purse(request, lambda usage: None)  # noqa: ARG005  (a price is not asked for)
        send = partial(self.provider.attempt, request, key, idempotency_key)
        tokens = request.estimated_tokens + request.most_answer_tokens
        state, stop = self._here(), self._stop
        state.asking += 1
        try:
            with state.clock.watched():
                if not self.has_answered():
                    async with state.probe:
                        self._heed(stop)
                        if not self.has_answered():
                            return await self._persist(request.model, send, tokens, stop, purse)
                return await self._persist(request.model, send, tokens, stop, purse)
        finally:
            state.asking -= 1

    async def persist(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do something about a batch, again and again until the total deadline.

        Raises:
            UserError, ProviderAway: the endpoint cannot be used at all, or does not know of batches.
        """
        self.provider.open()
        clock = self._here().clock
        started, failures, garbled = clock.now(), 0, 0
        while True:
            try:
                with clock.watched():
                    found = await work()
            except AttemptFailed as failure:
                failures += 1
                garbled += failure.verdict is Verdict.GARBLED
                wait = self._pause(failure, failures)
                is_final = (
                    failure.verdict in {Verdict.KEY_REFUSED, Verdict.GIVE_UP}
                    or garbled >= MOST_GARBLED_REPLIES
                )
                unheard = (
                    not self.has_answered() and not failure.reached and failures >= PROBES_BEFORE_GIVING_UP
                )
                if is_final or unheard or clock.now() + wait - started > self._total_timeout:
                    raise self.away(failure) from failure
                await asyncio.sleep(wait)
            else:
                self._answered_at = clock.now()
                return found

    async def _persist(
        self, model: str, send: _Send, tokens: int, stop: MarketAgentsError | None, purse: Purse
    ) -> Effort:
        limits, clock = self._here().limits, self._here().clock
        self.provider.open()  # a slow start of ours says nothing about the endpoint
        where = self.provider.base_url or "OpenAI"
        trial = _Trial(where, model, clock, clock.now(), self._total_timeout)
        while True:
            admission: Admission | None = None
            try:
                admission = await self._admitted(limits, tokens, purse, trial)
                self._heed(stop)
                await _noted(purse, trial)
                trial.attempts += 1
                completion = await _in_time(send, trial)
            except AttemptFailed as failure:
                purse.failed(maybe_paid=failure.maybe_paid)
                _tell_failure(limits, admission, failure)
                ended = self._judge(failure, trial)
                if ended is not None:
                    return ended
                if failure.verdict is not Verdict.FALL_BACK:
                    await asyncio.sleep(trial.wait)
                trial.last = failure.reason
            except BaseException:  # what was taken is given back, whatever the error
                if admission is not None:
                    limits.failed(admission, maybe_paid=True)
                raise
            else:
                used = completion.usage
                limits.answered(admission, used.prompt_tokens + used.completion_tokens)
                self._answered_at = clock.now()
                self._models_that_answered.add(model)
                return Effort(completion, trial.attempts, trial.milliseconds)

    async def _admitted(self, limits: Limits, tokens: int, purse: Purse, trial: _Trial) -> Admission:
        """Wait for the budget, for the end of every pause, and for the limits; only pauses use up time."""
        held_from = trial.clock.now()
        await purse.open()
        while True:
            trial.held += trial.clock.now() - held_from
            await _silence(limits, trial)
            held_from = trial.clock.now()
            admission = await limits.admit(tokens)
            if limits.silence_left() == 0:
                trial.held += trial.clock.now() - held_from
                return admission
            limits.give_back(admission)

    def _judge(self, failure: AttemptFailed, trial: _Trial) -> Effort | None:
        """How an ask ends after a failed attempt; None where it goes on.

        Raises:
            UserError, ProviderAway: the endpoint cannot be used at all.
        """
        if failure.verdict is Verdict.KEY_REFUSED:
            raise self.away(failure) from failure
        if failure.verdict is Verdict.GIVE_UP:
            self._count_refusal(failure, trial.model)
        trial.garbled += failure.verdict is Verdict.GARBLED
        if trial.garbled >= MOST_GARBLED_REPLIES and not self.has_answered():
            raise self.away(failure) from failure
        if failure.verdict is Verdict.GIVE_UP or trial.garbled >= MOST_GARBLED_REPLIES:
            return Effort(None, trial.attempts, trial.milliseconds, failure)
        if failure.verdict is Verdict.FALL_BACK:
            return None
        trial.failures += 1
        trial.wait = self._pause(failure, trial.failures)
        return self._exhausted(failure, trial) if self._out_of_time(trial, failure) else None

    def _count_refusal(self, failure: AttemptFailed, model: str) -> None:
        """One refused ask is an outcome; a model that refuses every ask is none that can be used.

        Raises:
            UserError, ProviderAway: this one does.
        """
        if not self.provider.charges or model in self._models_that_answered:
            return
        self._refusals[model] += 1
        if self._refusals[model] >= REFUSALS_BEFORE_GIVING_UP:
            reason = f"model {model!r} has refused everything that it was asked: {failure.reason}"
            self._stop = ProviderAway(reason) if self.has_answered() else EndpointUnusable(reason)
            raise self._stop from failure

    def _heed(self, stop: MarketAgentsError | None) -> None:
        """Do not send any more if the endpoint was given up since an ask began."""
        if self._stop is not None and self._stop is not stop:
            raise self._stop

    def _pause(self, failure: AttemptFailed, failures: int) -> float:
        """Seconds to wait before the next attempt, of all where the endpoint asks for it."""
        wait = self._backoff.wait(failures, self._jitter)
        if failure.verdict is Verdict.PAUSE:
            wait = max(wait, failure.retry_after or 0.0)
            self._here().limits.pause(wait)
        return wait

    def _out_of_time(self, trial: _Trial, failure: AttemptFailed) -> bool:
        if not self.has_answered() and not failure.reached and trial.failures >= PROBES_BEFORE_GIVING_UP:
            return True
        return trial.wait > trial.seconds_left

    def _exhausted(self, failure: AttemptFailed, trial: _Trial) -> Effort:
        """This ask failed for good.

        An endpoint that meanwhile answered others is alive, and the ask has an outcome. So it has where no other is
        waiting that could tell, unless the endpoint itself asks for silence or cannot be reached. One that asks for
        more silence than any ask may take is away for all, whomever it answered a moment ago.
        """
        alone = self._here().asking <= 1 and failure.reached and failure.verdict is not Verdict.PAUSE
        shut = (failure.retry_after or 0.0) > self._total_timeout
        answered = self._answered_at is not None
        if shut or not answered or (not alone and (self._answered_at or 0.0) < trial.started):
            raise self.away(failure) from failure
        return Effort(None, trial.attempts, trial.milliseconds, failure)

    def away(self, failure: AttemptFailed) -> MarketAgentsError:
        """What tells everybody who asks that the endpoint cannot be used any more."""
        refused = failure.verdict is Verdict.KEY_REFUSED or not failure.reached
        if refused and not self.has_answered():
            self._stop = EndpointUnusable(failure.reason)
        elif failure.verdict is Verdict.GARBLED and not self.has_answered():
            where = self.provider.base_url or "OpenAI"
            self._stop = UserError(
                f"{where} sends replies that cannot be read ({failure.reason}); check base_url"
            )
        else:
            self._stop = ProviderAway(failure.reason)
        return self._stop


def _tell_failure(limits: Limits, admission: Admission | None, failure: AttemptFailed) -> None:
    if admission is None:
        return
    if failure.verdict is Verdict.PAUSE:
        limits.refused(admission)
    else:
        limits.failed(admission, maybe_paid=failure.maybe_paid)


async def _silence(limits: Limits, trial: _Trial) -> None:
    """Wait for the end of the pause, and of every pause that is set meanwhile, if there is time for it."""
    while (left := limits.silence_left()) > 0:
        if left > trial.seconds_left:
            reason = f"{trial.address} asks for {left:.0f} s of silence, longer than an ask may take"
            raise AttemptFailed(Verdict.PAUSE, reason, retry_after=left)
        await asyncio.sleep(left)
    if trial.seconds_left <= 0:
        raise AttemptFailed(Verdict.RETRY, _too_late(trial), timed_out=True)


async def _noted(purse: Purse, trial: _Trial) -> None:
    """Keep what the attempt may cost; a database that takes long uses up none of an ask's time."""
    since = trial.clock.now()
    await purse.sent()
    trial.held += trial.clock.now() - since


async def _in_time(send: _Send, trial: _Trial) -> Completion:
    try:
        async with asyncio.timeout(trial.seconds_left):
            return await send()
    except TimeoutError:
        raise AttemptFailed(Verdict.RETRY, _too_late(trial), timed_out=True) from None


def _too_late(trial: _Trial) -> str:
    before = f"; before that: {trial.last}" if trial.last else ""
    return f"no answer from {trial.address} within {trial.total_timeout:g} s in all{before}"
