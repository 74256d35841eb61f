"""What the view knows of a run besides its counts: the place, the last trades and messages."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from market_agents.economics.equilibrium import Equilibrium
from market_agents.inference import Tally
from market_agents.redaction import Redactor
from market_agents.run_view.pace import Pace

KEPT_TRADES = 400
"""Prices kept of each good; more than the widest chart shows."""

KEPT_MESSAGES = 8


@dataclass
class Market:
    """One good's prices, in ticks.

    Attributes:
        prices: of the last trades, in the order of trading.
        band: the interval of equilibrium prices in the present round; None where there is none.
    """

    good: str
    prices: deque[int] = field(default_factory=lambda: deque(maxlen=KEPT_TRADES))
    band: tuple[float, float] | None = None


class Scene:
    """Takes in what a run tells while it goes; read by the thread that draws.

    Args:
        tally: the counts of the run's door.
        pace: is told when a round is done.
        redact: hides secrets in what is said.

    Attributes:
        round: the present one; 0 before the first.
        rounds: how many there will be.
        environment: the present one; empty between environments.
        market: the one that opened or traded last; None before any did.
    """

    def __init__(self, tally: Tally, pace: Pace, redact: Redactor | None = None) -> None:
        self._tally = tally
        self._redact = redact or Redactor()
        self._pace = pace
        self.round = 0
        self.rounds = 0
        self.environment = ""
        self.market: Market | None = None
        self._markets: dict[str, Market] = {}
        self._messages: deque[tuple[str, str]] = deque(maxlen=KEPT_MESSAGES)

    def begin_round(self, number: int, rounds: int) -> None:
        """A round begins, and the one before it is over."""
        self._pace.round_done(number - 1, self._tally.asked)
        self.round, self.rounds, self.environment = number, rounds, ""

    def begin_environment(self, name: str) -> None:
        """An environment's part of the round begins."""
        self.environment = name

    def open_market(self, good: str, equilibrium: Equilibrium) -> None:
        """A good can be traded; prices in ticks."""
        self.market = self._market(good)
        low, high = equilibrium.price_low, equilibrium.price_high
        self.market.band = None if low is None or high is None else (low, high)

    def trade(self, good: str, price: int) -> None:
        """A trade was made; the price in ticks."""
        self.market = self._market(good)
        self.market.prices.append(price)

    def message(self, sender: str, content: str) -> None:
        """Somebody said something."""
        self._messages.append((sender, self._redact(content)))

    def last_messages(self, count: int) -> list[tuple[str, str]]:
        """Senders and contents of the last messages, as they were said, oldest first."""
        return list(self._messages)[-count:] if count > 0 else []

    def _market(self, good: str) -> Market:
        return self._markets.setdefault(good, Market(good))
