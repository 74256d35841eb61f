"""The rules of the institutions once more, as slowly and plainly as they can be said."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from market_agents.economics.orders import Side
from tests.auction.builders import Match, Offer


@dataclass
class NaiveOrder:
    number: int
    side: Side
    price: int
    left: int
    visible: bool


class NaiveBook:
    """All open orders in one list, looked through from the start each time."""

    def __init__(self) -> None:
        self.orders: list[NaiveOrder] = []
        self.matches: list[Match] = []

    def queue(self, side: Side, *, visible_only: bool = False) -> list[NaiveOrder]:
        own = [order for order in self.orders if order.side is side and order.left > 0]
        if visible_only:
            own = [order for order in own if order.visible]
        own.sort(key=lambda order: order.number)
        own.sort(key=lambda order: order.price, reverse=side is Side.BID)
        return own

    def trade(self, bid: NaiveOrder, ask: NaiveOrder, price: int) -> None:
        quantity = min(bid.left, ask.left)
        bid.left -= quantity
        ask.left -= quantity
        self.matches.append((bid.number, ask.number, price, quantity))

    def cancel(self, number: int) -> None:
        self.orders = [order for order in self.orders if order.number != number]

    def expire(self) -> list[int]:
        gone = sorted(order.number for order in self.orders if order.left > 0)
        self.orders = []
        return gone

    def depth(self, side: Side) -> list[Offer]:
        levels: list[Offer] = []
        for order in self.queue(side, visible_only=True):
            if levels and levels[-1][0] == order.price:
                levels[-1] = (order.price, levels[-1][1] + order.left)
            else:
                levels.append((order.price, order.left))
        return levels[:10]

    def admits(self, side: Side, price: int) -> bool:
        return True

    def submit(self, number: int, side: Side, price: int, quantity: int) -> None:
        raise NotImplementedError

    def take(self, number: int, side: Side, quantity: int, cash: int, goods: int) -> None:
        raise NotImplementedError

    def take_unit(self, order: NaiveOrder, rival: NaiveOrder, cash: int, goods: int) -> int | None:
        """One unit at the rival's price, and what of the cash is left; None where the unit is not covered."""
        buying = order.side is Side.BID
        if (cash < rival.price) if buying else (goods < 1):
            return None
        order.left, rival.left = order.left - 1, rival.left - 1
        bid, ask = (order.number, rival.number) if buying else (rival.number, order.number)
        if self.matches and self.matches[-1][:2] == (bid, ask):
            self.matches[-1] = (bid, ask, rival.price, self.matches[-1][3] + 1)
        else:
            self.matches.append((bid, ask, rival.price, 1))
        return cash - rival.price if buying else cash

    def clear(self) -> None:
        raise NotImplementedError


class NaiveLimitOrderBook(NaiveBook):
    """Each order meets the opposite queue on arrival, at the prices of that queue."""

    def submit(self, number: int, side: Side, price: int, quantity: int) -> None:
        order = NaiveOrder(number, side, price, quantity, visible=True)
        self.orders.append(order)
        while order.left > 0:
            if side is Side.BID:
                willing = [rival for rival in self.queue(Side.ASK) if rival.price <= price]
            else:
                willing = [rival for rival in self.queue(Side.BID) if rival.price >= price]
            if not willing:
                return
            rival = willing[0]
            bid, ask = (order, rival) if side is Side.BID else (rival, order)
            self.trade(bid, ask, rival.price)

    def take(self, number: int, side: Side, quantity: int, cash: int, goods: int) -> None:
        order = NaiveOrder(number, side, 0, quantity, visible=False)
        while order.left and (rivals := self.queue(Side.ASK if side is Side.BID else Side.BID)):
            left = self.take_unit(order, rivals[0], cash, goods)
            if left is None:
                return
            cash, goods = left, goods - 1

    def clear(self) -> None:
        pass


class NaiveMidpoint(NaiveBook):
    """Orders wait; a clearing takes the heads of both queues as long as they cross."""

    def submit(self, number: int, side: Side, price: int, quantity: int) -> None:
        self.orders.append(NaiveOrder(number, side, price, quantity, visible=False))

    def clear(self) -> None:
        while True:
            bids, asks = self.queue(Side.BID), self.queue(Side.ASK)
            if not bids or not asks or bids[0].price < asks[0].price:
                break
            self.trade(bids[0], asks[0], round(Fraction(bids[0].price + asks[0].price, 2)))
        for order in self.orders:
            order.visible = True


class NaiveClearingBook(NaiveLimitOrderBook):
    """A quote must be the best of its side; as soon as one trades, everything is thrown away."""

    def admits(self, side: Side, price: int) -> bool:
        own = [order.price for order in self.orders if order.side is side and order.left > 0]
        return all(price > other if side is Side.BID else price < other for other in own)

    def submit(self, number: int, side: Side, price: int, quantity: int) -> None:
        before = len(self.matches)
        rivals = self.queue(Side.ASK if side is Side.BID else Side.BID)
        crosses = rivals and (rivals[0].price <= price if side is Side.BID else rivals[0].price >= price)
        if not crosses:
            super().submit(number, side, price, quantity)
            assert len(self.matches) == before
            return
        order = NaiveOrder(number, side, price, quantity, visible=True)
        bid, ask = (order, rivals[0]) if side is Side.BID else (rivals[0], order)
        self.trade(bid, ask, rivals[0].price)
        self.orders = []

    def take(self, number: int, side: Side, quantity: int, cash: int, goods: int) -> None:
        before = len(self.matches)
        for rival in self.queue(Side.ASK if side is Side.BID else Side.BID)[:1]:
            super().take(number, side, min(quantity, rival.left), cash, goods)
        if len(self.matches) > before:
            self.orders = []


class NaiveSealedBook(NaiveBook):
    """Orders wait, seen by nobody, until the market is called; single units are lined up then."""

    def __init__(self) -> None:
        super().__init__()
        self.news = False

    def submit(self, number: int, side: Side, price: int, quantity: int) -> None:
        self.news = True
        self.orders.append(NaiveOrder(number, side, price, quantity, visible=False))

    def units(self, side: Side) -> list[int]:
        return [order.price for order in self.queue(side) for _ in range(order.left)]

    def clear(self) -> None:
        if self.news:
            self.news = False
            bids, asks = self.units(Side.BID), self.units(Side.ASK)
            crossing = sum(bid >= ask for bid, ask in zip(bids, asks, strict=False))
            if crossing:
                self.call(bids, asks, crossing)

    def call(self, bids: list[int], asks: list[int], crossing: int) -> None:
        raise NotImplementedError

    def trade_units(self, units: int, price: int) -> None:
        while units:
            bid, ask = self.queue(Side.BID)[0], self.queue(Side.ASK)[0]
            quantity = min(bid.left, ask.left, units)
            bid.left -= quantity
            ask.left -= quantity
            units -= quantity
            self.matches.append((bid.number, ask.number, price, quantity))


class NaiveCall(NaiveSealedBook):
    """Among all prices at which nobody who wants to trade more is left out, the middle one."""

    def call(self, bids: list[int], asks: list[int], crossing: int) -> None:
        fair = [
            price
            for price in range(min(asks), max(bids) + 1)
            if sum(bid > price for bid in bids) <= crossing <= sum(bid >= price for bid in bids)
            and sum(ask < price for ask in asks) <= crossing <= sum(ask <= price for ask in asks)
        ]
        self.trade_units(crossing, round(Fraction(fair[0] + fair[-1], 2)))


class NaiveTradeReduction(NaiveSealedBook):
    """All at the middle of the first excluded pair if that suits the last included one; else one pair less."""

    def call(self, bids: list[int], asks: list[int], crossing: int) -> None:
        if len(bids) > crossing and len(asks) > crossing:
            middle = Fraction(bids[crossing] + asks[crossing], 2)
            if asks[crossing - 1] <= middle <= bids[crossing - 1]:
                self.trade_units(crossing, round(middle))
                return
        self.trade_units(crossing - 1, bids[crossing - 1])


NAIVE_BOOKS: dict[str, type[NaiveBook]] = {
    "call": NaiveCall,
    "gs": NaiveClearingBook,
    "lob": NaiveLimitOrderBook,
    "mcafee": NaiveTradeReduction,
    "midpoint": NaiveMidpoint,
}
