"""The clearing house: all orders of a period meet at one price."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, Self

from market_agents.economics.orders import Order, Side
from market_agents.environments.mechanisms.auction.institutions.book import Level
from market_agents.environments.mechanisms.auction.institutions.contract import Fill, Institution


class SealedOrders(Institution):
    """What institutions share that collect orders for a period before any of them trades; nobody sees them."""

    clears_each_turn: ClassVar[bool] = False
    sealed: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self._news = False

    def submit(self, order: Order) -> list[Fill]:
        """Collect an order; nothing trades before `clear`."""
        self._news = True
        self._side(order.side).add(order)
        return []

    def clear(self) -> list[Fill]:
        """Call the market. Without a new order since the last call, nothing happens: each order had its chance."""
        if not self._news:
            return []
        self._news = False
        return self._call()

    @abstractmethod
    def _call(self) -> list[Fill]:
        """Trade what the rule trades."""

    def best_bid(self) -> int | None:
        """None: the book is sealed."""
        return None

    def best_ask(self) -> int | None:
        """None: the book is sealed."""
        return None

    def depth(self, side: Side, levels: int = 10) -> list[Level]:  # noqa: ARG002  (the contract's arguments)
        """Nothing: the book is sealed."""
        return []

    def _crossing(self) -> int:
        """Q: the largest number of units, best bids against best asks, of which each pair can trade."""
        bids, asks = self._bids.in_order(), self._asks.in_order()
        crossing = taken_bid = taken_ask = bid = ask = 0
        while bid < len(bids) and ask < len(asks) and bids[bid].price >= asks[ask].price:
            quantity = min(bids[bid].remaining - taken_bid, asks[ask].remaining - taken_ask)
            crossing += quantity
            taken_bid += quantity
            taken_ask += quantity
            if taken_bid == bids[bid].remaining:
                bid, taken_bid = bid + 1, 0
            if taken_ask == asks[ask].remaining:
                ask, taken_ask = ask + 1, 0
        return crossing

    def _price_of(self, side: Side, unit: int) -> int | None:
        """The price of the ``unit``-th best unit of a side, counted from 1; None where there is none."""
        for order in self._side(side).in_order():
            unit -= order.remaining
            if unit <= 0:
                return order.price
        return None

    def _match(self, units: int, price: int, fee: int = 0) -> list[Fill]:
        """Trade the best ``units``, by price and then time, at one price."""
        fills: list[Fill] = []
        while units and (bid := self._bids.best()) is not None and (ask := self._asks.best()) is not None:
            fills.append(self._trade_resting(bid, ask, price, fee, at_most=units))
            units -= fills[-1].quantity
        return fills


class CallMarket(SealedOrders):
    """One price for all, between the marginal bid and ask; who is rationed at the margin came last.

    With Q units crossing, the price is low + k·(high − low), where low = max(a_Q, b_{Q+1}) and
    high = min(b_Q, a_{Q+1}): every price between leaves no order that wants to trade at it untraded
    (k-double auction, Satterthwaite & Williams 1989, Journal of Economic Theory 48(2)). A half tick goes to the
    even one.

    Args:
        k: where between the two the price is, 0 to 1; it may change between two calls.

    Raises:
        ValueError: k out of its range.
    """

    name: ClassVar[str] = "call"

    def __init__(self, k: float = 0.5) -> None:
        super().__init__()
        if not 0 <= k <= 1:
            raise ValueError(f"k must be between 0 and 1, not {k}")
        self.k = k

    def taking_over(self, earlier: Self) -> Self:
        """Its orders are called at this one's k."""
        earlier.k = self.k
        return earlier

    def _call(self) -> list[Fill]:
        """Trade all that crosses at one price."""
        crossing = self._crossing()
        if not crossing:
            return []
        low = max(self._prices((Side.ASK, crossing), (Side.BID, crossing + 1)))
        high = min(self._prices((Side.BID, crossing), (Side.ASK, crossing + 1)))
        return self._match(crossing, round((1 - self.k) * low + self.k * high))

    def _prices(self, *units: tuple[Side, int]) -> list[int]:
        """The prices of those of the units that there are."""
        return [price for side, unit in units if (price := self._price_of(side, unit)) is not None]
