"""What a run may spend: reserved at its worst before each call, settled at what it came to, never passed."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal

from market_agents.config import BudgetConfig, Caps
from market_agents.errors import BudgetExhausted
from market_agents.inference.asks import Request, Usage

Price = Callable[[Usage], Decimal | None]
"""US dollars for a usage of one model; None where its price is unknown."""

Note = Callable[["Purse"], Awaitable[None]]
"""Keeps what an attempt may cost where it outlives this process."""

NoteSoon = Callable[["Purse"], None]
"""The same, without a wait."""

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Amount:
    """Something spent, or that may be.

    Attributes:
        calls: HTTP requests.
        tokens: in and out.
        cost: US dollars.
    """

    calls: int = 0
    tokens: int = 0
    cost: Decimal = ZERO

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.calls + other.calls, self.tokens + other.tokens, self.cost + other.cost)

    def __sub__(self, other: Amount) -> Amount:
        return Amount(self.calls - other.calls, self.tokens - other.tokens, self.cost - other.cost)

    def passes(self, caps: Caps) -> str | None:
        """The first cap that this amount passes, by its key; None where it passes none."""
        if caps.max_cost is not None and self.cost > Decimal(repr(caps.max_cost)):
            return "max_cost"
        if caps.max_calls is not None and self.calls > caps.max_calls:
            return "max_calls"
        if caps.max_tokens is not None and self.tokens > caps.max_tokens:
            return "max_tokens"
        return None

    def in_words(self, key: str) -> str:
        """The part of the amount that a cap bounds, with its unit."""
        if key == "max_cost":
            return f"${self.cost:.4f}"
        return f"{self.calls} calls" if key == "max_calls" else f"{self.tokens} tokens"


NOTHING = Amount()


class Budget:
    """The caps of one run, and what was spent and is reserved under them.

    At all times what is spent and what is reserved stay together within the caps, as far as no prompt has more
    tokens than `Request.most_prompt_tokens` says, and no answer more than was allowed; a model that counts more, as
    for what it thinks, teaches the budget to reserve more.

    Args:
        config: the caps; none by default.
    """

    def __init__(self, config: BudgetConfig | None = None) -> None:
        self.config = config or BudgetConfig()
        self.spent = Amount()
        self.reserved = Amount()
        self._agents: defaultdict[str, Amount] = defaultdict(Amount)
        self._waiting: list[asyncio.Future[None]] = []
        self._stop: BudgetExhausted | None = None
        self._counted: dict[str, tuple[float, float]] = {}

    @property
    def counts_cost(self) -> bool:
        """Whether any cap bounds the cost, so that every price must be known."""
        return self.config.max_cost is not None or self.config.agent.max_cost is not None

    def purse(
        self,
        request: Request,
        price: Price,
        *,
        attempts: int = 0,
        unconfirmed: Amount = NOTHING,
        note: Note | None = None,
        note_soon: NoteSoon | None = None,
    ) -> Purse:
        """This budget as one ask sees it.

        Args:
            request: what is asked.
            price: US dollars for a usage of the model that is asked; None where that is unknown.
            attempts: at this ask that an earlier process made.
            unconfirmed: what those of them without a known end may have cost.
            note: keeps, before an attempt is sent, what it may cost, where something is bounded.
            note_soon: keeps it while the attempt is under way, where nothing is bounded.
        """
        asked, answered = self._counted.get(request.model, (1.0, 1.0))
        prompt, answer = request.most_prompt_tokens * asked, request.most_answer_tokens * answered
        return Purse(
            self,
            lambda: _worst(price, int(prompt), int(answer)),
            attempts=attempts,
            unconfirmed=unconfirmed,
            note=note,
            note_soon=note_soon,
        )

    def learn(self, request: Request, usage: Usage) -> None:
        """Reserve more for a model that counts more tokens than expected."""
        if self.config.any_set:
            asked, answered = self._counted.get(request.model, (1.0, 1.0))
            self._counted[request.model] = (
                max(asked, usage.prompt_tokens / request.most_prompt_tokens),
                max(answered, usage.completion_tokens / max(request.most_answer_tokens, 1)),
            )

    async def reserve(self, worst: Amount) -> None:
        """Set aside what a call may cost; waits for calls in flight where only their reservations are in the way.

        Raises:
            BudgetExhausted: there is no room for the call, and none can come.
        """
        while (self.spent + self.reserved + worst).passes(self.config):
            key = (self.spent + worst).passes(self.config)
            if key is not None and self._stop is None:
                self._stop = self._exhausted(key, worst)
            if self._stop is not None:
                self._wake()
                raise self._stop
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            await waiter
        if self._stop is not None:
            raise self._stop
        self.reserved += worst

    def settle(self, worst: Amount, actual: Amount) -> None:
        """Give a reservation back and book what the call came to."""
        self.reserved -= worst
        self.spent += actual
        self._wake()

    def begin(self, spent: Amount) -> None:
        """Start from what the run spent before it was resumed."""
        self.spent = spent

    def hold(self, reserved: Amount) -> None:
        """Keep free, cap or no cap, what asks in batches of an earlier process may come to; each settles its part."""
        self.reserved += reserved

    def refusal(self, agent_id: str, request: Request, price: Price) -> str | None:
        """Why an agent may not ask any more, None where it may.

        An agent's caps count what it was answered, not how often that had to be sent: what an agent does must not
        depend on the state of the network.
        """
        caps = self.config.agent
        if not caps.any_set or not agent_id:
            return None
        worst = _worst(price, request.most_prompt_tokens, request.most_answer_tokens)
        key = (self._agents[agent_id] + worst).passes(caps)
        if key is None:
            return None
        return f"the agent's cap leaves no room for another call (budget.agent.{key}: {getattr(caps, key):,})"

    def book(self, agent_id: str, usage: Usage, price: Price) -> None:
        """Count an ask that ended, from the journal or from a model, towards its agent's caps."""
        if agent_id and self.config.agent.any_set:
            tokens = usage.prompt_tokens + usage.completion_tokens
            self._agents[agent_id] += Amount(1, tokens, price(usage) or ZERO)

    def _exhausted(self, key: str, worst: Amount) -> BudgetExhausted:
        cap = getattr(self.config, key)
        used = (self.spent + self.reserved).in_words(key)
        shown = f"${cap:,.12g}" if key == "max_cost" else f"{cap:,}"
        needs = worst.in_words(key)
        doubled = 2 * cap
        while (self.spent + worst).passes(self.config.model_copy(update={key: doubled})) == key:
            doubled *= 2
        return BudgetExhausted(
            f"budget.{key} of {shown} leaves no room for the next call: {used} spent, and it may take {needs}",
            key=f"budget.{key}",
            enough=f"{doubled:.12g}" if key == "max_cost" else str(doubled),
        )

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)


def _worst(price: Price, prompt_tokens: int, answer_tokens: int) -> Amount:
    cost = price(Usage(prompt_tokens, answer_tokens)) or ZERO
    return Amount(1, prompt_tokens + answer_tokens, cost)


class Purse:
    """The budget as one ask sees it: opened before each attempt, closed when it is known what the attempt came to.

    Args:
        budget: the run's.
        worst: what one attempt may cost at most.
        attempts: that an earlier process made.
        unconfirmed: what those of them without a known end may have cost.
        note: keeps, before an attempt is sent, what it may cost, where something is bounded.
        note_soon: keeps it while the attempt is under way, where nothing is bounded.

    Attributes:
        attempts: at this ask that were sent and have ended, those of an earlier process included.
        unconfirmed: what attempts without a known end, and an answer without a known price, may have cost.
        reserved: for the attempt under way; nothing where none is.
    """

    def __init__(
        self,
        budget: Budget,
        worst: Callable[[], Amount],
        *,
        attempts: int = 0,
        unconfirmed: Amount = NOTHING,
        note: Note | None = None,
        note_soon: NoteSoon | None = None,
    ) -> None:
        self.attempts = attempts
        self.unconfirmed = unconfirmed
        self.reserved = Amount()
        self._budget = budget
        self._worst = worst
        self._note = note
        self._note_soon = note_soon
        self._is_open = False
        self._was_sent = False
        self._is_noted = False

    async def open(self) -> None:
        """Reserve an attempt.

        Raises:
            BudgetExhausted: there is no room for it.
        """
        reserved = self._worst() if self._budget.config.any_set else Amount()
        await self._budget.reserve(reserved)
        self.reserved, self._is_open, self._was_sent = reserved, True, False

    def adopt(self, reserved: Amount) -> None:
        """Take over what the budget has reserved since it began, for an attempt that an earlier process sent."""
        self.reserved, self._is_open, self._was_sent = reserved, True, True

    async def sent(self) -> None:
        """From now on the attempt may be paid; this is kept first where anything is bounded, else soon."""
        is_bounded = self._budget.config.any_set
        if is_bounded and self._note is not None:
            await self._note(self)
            self._is_noted = True
        elif not is_bounded and self._note_soon is not None:
            self._note_soon(self)
            self._is_noted = True
        self._was_sent = True

    def worst(self) -> Amount:
        """What one attempt may cost at most."""
        return self._worst()

    def dispatched(self) -> None:
        """As `sent`, for an attempt that is kept already, together with the batch that it goes into."""
        self._was_sent = True

    def failed(self, *, maybe_paid: bool) -> None:
        """The attempt brought nothing; where it may have been paid all the same, it counts at its worst."""
        if not self._is_open or not self._was_sent:
            self._settle(Amount())
            return
        self.attempts += 1
        if maybe_paid:
            worst = self._worst()
            self.unconfirmed += worst
            self._settle(worst)
        else:
            self._settle(Amount(calls=1))

    def paid(self, usage: Usage, cost: Decimal | None) -> None:
        """The attempt brought a reply; an unknown cost counts at its worst, now and whenever the run goes on."""
        if not self._is_open:
            return
        self.attempts += 1
        tokens = usage.prompt_tokens + usage.completion_tokens
        if cost is None:
            cost = self.reserved.cost or self._worst().cost
            self.unconfirmed += Amount(cost=cost)
        self._settle(Amount(1, tokens, cost))

    def close(self) -> None:
        """Nobody will hear of the attempt any more: it counts as perhaps paid. A no-op where all is settled."""
        self.failed(maybe_paid=True)

    async def take_back(self) -> None:
        """Keep that no attempt is under way, where one was noted that is known to have ended."""
        if self._is_noted and not self._is_open and self._note is not None:
            await self._note(self)

    def _settle(self, actual: Amount) -> None:
        reserved, self.reserved = self.reserved, Amount()
        if self._is_open:
            self._is_open = False
            self._budget.settle(reserved, actual)
