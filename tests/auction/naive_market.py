"""A market around a plainly told book: who may quote what, and who pays whom, counted from the start each time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from market_agents.economics.orders import Side
from tests.auction.naive_book import NAIVE_BOOKS, NaiveOrder


class NaiveMarket:
    """Traders with cash, goods and units, each with so many open orders at most."""

    def __init__(
        self,
        name: str,
        most: int,
        cash: Mapping[str, int],
        goods: Mapping[str, int],
        units: Mapping[str, Sequence[int]],
    ) -> None:
        self.continuous = name in ("lob", "gs")
        self.most = most
        self.book = NAIVE_BOOKS[name]()
        self.cash = dict(cash)
        self.goods = dict(goods)
        self.units = {agent: list(own) for agent, own in units.items()}
        self.owners: dict[int, str] = {}
        self.number = 0

    def open_orders(self, agent: str) -> list[NaiveOrder]:
        own = [order for order in self.book.orders if order.left > 0 and self.owners[order.number] == agent]
        return sorted(own, key=lambda order: order.number)

    def locked(self, agent: str, orders: Sequence[NaiveOrder] | None = None) -> tuple[int, int]:
        """Cash and goods behind a trader's open orders, or behind some of them."""
        own = self.open_orders(agent) if orders is None else orders
        cash = sum(order.price * order.left for order in own if order.side is Side.BID)
        return cash, sum(order.left for order in own if order.side is Side.ASK)

    def kept(self, agent: str, quantity: int, named: int | None) -> list[NaiveOrder] | None:
        """What stays beside a new order: as many of the youngest as leave room; None where it names none of them."""
        own = self.open_orders(agent)
        if named is not None and self.most > 1:
            if named not in [order.number for order in own]:
                return None
            own = [order for order in own if order.number != named]
        for oldest in range(len(own) + 1):
            stay = own[oldest:]
            if len(stay) < self.most and sum(o.left for o in stay) + quantity <= len(self.units[agent]):
                return stay
        return None

    def quote(self, agent: str, side: Side, price: int, quantity: int, named: int | None) -> bool:
        self.number += 1
        stay = self.kept(agent, quantity, named)
        if stay is None or not self.book.admits(side, price):
            return False
        cash, goods = self.locked(agent, stay)
        if side is Side.BID and price * quantity > self.cash[agent] - cash:
            return False
        if side is Side.ASK and quantity > self.goods[agent] - goods:
            return False
        self.make_room(agent, stay)
        before = len(self.book.matches)
        self.book.submit(self.number, side, price, quantity)
        self.settle(before)
        return True

    def take(self, agent: str, side: Side, quantity: int, named: int | None) -> bool:
        self.number += 1
        stay = self.kept(agent, quantity, named)
        rivals = self.book.queue(Side.ASK if side is Side.BID else Side.BID)
        if stay is None or not rivals or not self.continuous:
            return False
        cash, goods = self.locked(agent, stay)
        cash, goods = self.cash[agent] - cash, self.goods[agent] - goods
        if (cash < rivals[0].price) if side is Side.BID else (goods < 1):
            return False
        self.make_room(agent, stay)
        before = len(self.book.matches)
        self.book.take(self.number, side, quantity, cash, goods)
        self.settle(before)
        return True

    def cancel(self, agent: str, named: int | None) -> bool:
        own = self.open_orders(agent)
        chosen = own if named is None else [order for order in own if order.number == named]
        if len(chosen) != 1:
            return False
        self.book.cancel(chosen[0].number)
        return True

    def clear(self) -> None:
        before = len(self.book.matches)
        self.book.clear()
        self.settle(before)

    def make_room(self, agent: str, stay: Sequence[NaiveOrder]) -> None:
        self.owners[self.number] = agent
        for order in self.open_orders(agent):
            if order not in stay:
                self.book.cancel(order.number)

    def settle(self, before: int) -> None:
        for bid, ask, price, quantity in self.book.matches[before:]:
            buyer, seller = self.owners[bid], self.owners[ask]
            self.cash[buyer] -= price * quantity
            self.cash[seller] += price * quantity
            self.goods[buyer] += quantity
            self.goods[seller] -= quantity
            del self.units[buyer][:quantity], self.units[seller][:quantity]
