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

    def submit(self, number: int, side: Side, price: int, quantity: int) -> None:
        raise NotImplementedError

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


NAIVE_BOOKS: dict[str, type[NaiveBook]] = {"lob": NaiveLimitOrderBook, "midpoint": NaiveMidpoint}
