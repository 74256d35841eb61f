"""What comes of the orders in a double auction: admission, reservations, trades, and what is given up."""

from __future__ import annotations

from abc import ABC
from collections.abc import Iterable, Sequence

from market_agents.economics.accounts import Accounts
from market_agents.economics.ladders import giving_way
from market_agents.economics.orders import Order, OrderStatus, Side
from market_agents.economics.ticks import TickScale
from market_agents.environments.environment import Mechanism, Observation
from market_agents.environments.mechanisms.auction.actions import (
    Accept,
    AuctionAction,
    Cancel,
    Hold,
    MarketOrder,
    Quote,
    Unreadable,
)
from market_agents.environments.mechanisms.auction.admission import (
    market_refusal,
    open_ids,
    refusal,
    uncovered,
    unimproved,
    unknown_order,
    wrong_side,
)
from market_agents.environments.mechanisms.auction.booking import book_trade, filled, release, reserve
from market_agents.environments.mechanisms.auction.events import (
    MarketOrderPlaced,
    OrderCancelled,
    OrderPlaced,
    OrderRejected,
    TradeMade,
)
from market_agents.environments.mechanisms.auction.institutions import Fill, Institution, Means
from market_agents.environments.mechanisms.auction.trader import Trader, Traders

_BID, _REPLACED = Side.BID, OrderStatus.REPLACED  # bound once, as in `orders`


class Exchange(Mechanism[AuctionAction], ABC):
    """The part of a double auction that carries out what traders want.

    Args:
        good: what is traded; one of ``accounts.goods``.
        accounts: cash and goods, perhaps shared with other markets.
        institution: the rule by which orders meet.
        scale: the market's ticks.
        max_price: the highest price admitted, in ticks; None for no limit.
        must_improve: whether a quote must beat its own side's best; some institutions demand it anyway.
        market_orders: whether orders without a price are taken; only a continuous book can.
        quotes_per_trader: how many open orders each trader may have.
        keep_events: whether what happens is noted for `take_events`.
    """

    def __init__(
        self,
        *,
        good: str,
        accounts: Accounts,
        institution: Institution,
        scale: TickScale,
        max_price: int | None,
        must_improve: bool,
        market_orders: bool,
        quotes_per_trader: int,
        keep_events: bool,
    ) -> None:
        super().__init__()
        self.good = good
        self.accounts = accounts
        self.institution = institution
        self.scale = scale
        self.max_price = max_price
        # Where quotes are dealt on, the rule itself knows which of them improve: taking a quote need not.
        self.must_improve = institution.must_improve or (must_improve and not institution.deals)
        self.market_orders = market_orders
        self.quotes_per_trader = quotes_per_trader
        # Most rules neither refuse nor close anything; asking them at every quote would cost a tenth of a step.
        rule = type(institution)
        self._asks_rule = self.must_improve or rule.refuses is not Institution.refuses
        self._rule_closes = rule.take_closed is not Institution.take_closed
        self._keep_events = keep_events
        self._traders = Traders()
        self._trades: list[TradeMade] = []
        self._orders_seen = 0
        self._trades_made = 0
        self._last_price: int | None = None

    def place(self, agent_id: str, price: int, quantity: int = 1, order_id: int | None = None) -> str | None:
        """Quote on the trader's own side, with the same rules as `apply`, but nothing to read and nothing shown.

        Args:
            agent_id: who quotes.
            price: ticks for one unit.
            quantity: units.
            order_id: the open order that it replaces; None for the oldest, where one has to give way.

        Returns:
            Why the quote was refused; None if it was accepted.
        """
        trader = self._traders[agent_id]
        side, replaced, several = trader.side, trader.orders, self.quotes_per_trader > 1
        reason = refusal(trader, price, quantity, self.max_price, self.scale)
        if several:
            replaced, unknown = self._giving_way(trader, quantity, order_id)
            reason = reason or unknown
        if reason is None and self._asks_rule:
            reason = self._uncovered(trader, price, quantity, replaced)
            reason = reason or self._rule_refusal(trader, side, price)
        if reason is None and not self._lock(trader, price, quantity, replaced):
            reason = self._uncovered(trader, price, quantity, replaced)
        if reason is not None:
            self._reject(trader, side, price, quantity, reason)
            return reason
        for order in replaced:
            self.institution.cancel(order, _REPLACED)
            if self._keep_events:
                self._note_given_up(order)
        self._orders_seen = number = self._orders_seen + 1
        order = Order(number, agent_id, side, price, quantity, self.round)
        trader.orders = [*(kept for kept in trader.orders if kept.live), order] if several else [order]
        if self._keep_events:
            self.emit(OrderPlaced(self.round, agent_id, number, self.good, side, price, quantity))
        fills = self.institution.submit(order)
        if fills:
            self._settle(fills, agent_id)
        if self._rule_closes:
            self._give_up_closed()
        return None

    def withdraw(self, agent_id: str, order_id: int | None = None) -> str | None:
        """Cancel an open order, which only needs to be named where there are several.

        Returns:
            Why nothing was cancelled; None if something was.
        """
        reason: str | None = self._cancel(self._traders[agent_id], Cancel(order_id))["reason"]
        return reason

    def clear(self) -> None:
        """Let the institution clear now."""
        self._settle(self.institution.clear(), None)
        self._give_up_closed()

    def _act(self, trader: Trader, action: AuctionAction) -> Observation:
        match action:
            case Quote():
                return self._quote(trader, action)
            case MarketOrder():
                return self._take(trader, action)
            case Cancel():
                return self._cancel(trader, action)
            case Accept():
                return self._accept(trader)
            case Hold():
                return _verdict("held", None, None)
            case Unreadable():
                return self._reject(trader, action.side, action.price, action.quantity, action.reason)

    # -- quotes -----------------------------------------------------------------------------------------------

    def _quote(self, trader: Trader, quote: Quote) -> Observation:
        if quote.side is not trader.side:
            reason = wrong_side(trader, quote.side)
            return self._reject(trader, quote.side, quote.price, quote.quantity, reason)
        refused = self.place(trader.agent_id, quote.price, quote.quantity, quote.order_id)
        return _verdict("accepted" if refused is None else "rejected", refused, self._orders_seen)

    def _giving_way(
        self, trader: Trader, quantity: int, order_id: int | None
    ) -> tuple[list[Order], str | None]:
        """The open orders that a new one replaces, and what is wrong with the id of the one that it names."""
        most = self.quotes_per_trader
        named = None if most == 1 else order_id
        if named is not None and trader.open_order(named) is None:
            return [], unknown_order(trader, named)
        return giving_way(trader.orders, quantity, most=most, units_left=trader.units_left, named=named), None

    def _lock(self, trader: Trader, price: int, quantity: int, replaced: Iterable[Order]) -> bool:
        """Reserve what a quote takes in the place of what backs others; False where that does not suffice."""
        former = 0
        if trader.side is _BID:
            for order in replaced:
                former += order.price * order.remaining
            return trader.account.relock_cash(former, price * quantity)
        for order in replaced:
            former += order.remaining
        return trader.account.relock_goods(self.good, former, quantity)

    def _uncovered(self, trader: Trader, price: int, quantity: int, replaced: Iterable[Order]) -> str | None:
        return uncovered(self._means(trader, replaced), price, quantity, self.good, self.scale)

    def _means(self, trader: Trader, replaced: Iterable[Order]) -> Means:
        """What a trader may spend, what backs the orders included that give way."""
        account = trader.account
        cash, goods = account.cash - account.locked_cash, account.free_goods(self.good)
        buying = trader.side is _BID
        for order in replaced:
            cash += order.price * order.remaining if buying else 0
            goods += 0 if buying else order.remaining
        return Means(buying, cash, goods)

    def _rule_refusal(self, trader: Trader, side: Side, price: int) -> str | None:
        """Why the trading rule, and not what the trader has, stands against a quote; None if it does not."""
        if self.must_improve:
            best = self.institution.best_bid() if side is _BID else self.institution.best_ask()
            reason = unimproved(side, price, best, self.scale)
            if reason is not None:
                return reason
        return self.institution.refuses(trader.agent_id, side, price)

    def _reject(
        self, trader: Trader, side: Side | None, price: int | None, quantity: int | None, reason: str
    ) -> Observation:
        self._orders_seen += 1
        order_id = self._orders_seen
        if self._keep_events:
            self.emit(
                OrderRejected(self.round, trader.agent_id, order_id, self.good, side, price, quantity, reason)
            )
        return _verdict("rejected", reason, order_id)

    # -- market orders, cancelling, accepting ---------------------------------------------------------------------

    def _take(self, trader: Trader, action: MarketOrder) -> Observation:
        """Trade at once with the best opposite orders, at their prices."""
        side, quantity = action.side, action.quantity
        replaced, unknown = self._giving_way(trader, quantity, action.order_id)
        means = self._means(trader, replaced)
        reason = self._market_refusal(trader, side, quantity, means) or unknown
        if reason is not None:
            return self._reject(trader, side, None, quantity, reason)
        for open_order in replaced:
            self._close(open_order, _REPLACED)
        self._orders_seen += 1
        # It never rests: its price, which nobody sees, is that of the fill that is being settled.
        order = Order(self._orders_seen, trader.agent_id, side, 1, quantity, self.round)
        if self._keep_events:
            self.emit(
                MarketOrderPlaced(self.round, trader.agent_id, order.order_id, self.good, side, quantity)
            )
        for fill in self.institution.take(order, means):
            order.price = fill.price
            reserve(order, trader.account, self.good, fill.quantity)
            self._settle((fill,), trader.agent_id)
        if order.live:
            order.close(OrderStatus.CANCELLED)
            if self._keep_events:
                self._note_given_up(order)
        self._give_up_closed()
        return _verdict("accepted", None, order.order_id)

    def _market_refusal(self, trader: Trader, side: Side, quantity: int, means: Means) -> str | None:
        rule = self.institution
        if not rule.continuous:
            return f"under {rule.name} there is no continuous book to trade with at once; name a price"
        if not self.market_orders:
            return "this market takes no market orders; name a price"
        best = rule.best_ask() if side is _BID else rule.best_bid()
        return market_refusal(trader, side, quantity, best, means, self.good, self.scale)

    def _cancel(self, trader: Trader, cancel: Cancel) -> Observation:
        if not trader.orders:
            return _verdict("rejected", "you have no open order to cancel", None)
        order = trader.orders[0] if cancel.order_id is None else trader.open_order(cancel.order_id)
        if len(trader.orders) > 1 and cancel.order_id is None:
            return _verdict("rejected", f"say which of your orders to cancel; {open_ids(trader)}", None)
        if order is None:
            those = "that" if len(trader.orders) == 1 else "one of them"
            return _verdict("rejected", f"{open_ids(trader)}; cancel {those} or none", None)
        self._close(order, OrderStatus.CANCELLED)
        return _verdict("cancelled", None, order.order_id)

    def _accept(self, trader: Trader) -> Observation:
        dealers = self.institution.dealers
        if dealers is None:
            where = "now" if self.institution.deals else f"under {self.institution.name}; place an order"
            return _verdict("rejected", f"there is nothing to accept {where}", None)
        if trader.agent_id not in dealers:
            return _verdict(
                "rejected", "only who holds the best bid or ask may accept, and only the first", None
            )
        buying = trader.side is _BID
        price = self.institution.best_ask() if buying else self.institution.best_bid()
        taken = self.institution.depth(Side.ASK if buying else _BID, 1)
        if price is None or not trader.orders:
            raise ValueError(f"{trader.agent_id} may accept, but nothing stands on both sides")
        units = min(trader.orders[0].remaining, taken[0].quantity)
        return self._quote(trader, Quote(trader.side, price, units))

    # -- what comes of them ---------------------------------------------------------------------------------------

    def _close_excess(self, trader: Trader) -> None:
        """Let open orders expire for more units than are left, the oldest first."""
        while sum(order.remaining for order in trader.orders) > trader.units_left:
            self._close(trader.orders[0], OrderStatus.EXPIRED)

    def _give_up_closed(self) -> None:
        self._give_up(self.institution.take_closed())

    def _close(self, order: Order, status: OrderStatus) -> None:
        self.institution.cancel(order, status)
        self._give_up((order,))

    def _give_up(self, orders: Sequence[Order]) -> None:
        """Free what backed the rest of closed orders."""
        for order in orders:
            trader = self._traders[order.agent_id]
            release(order, trader.account, self.good)
            trader.orders.remove(order)
            if self._keep_events:
                self._note_given_up(order)

    def _note_given_up(self, order: Order) -> None:
        self.emit(
            OrderCancelled(
                round=self.round,
                agent_id=order.agent_id,
                order_id=order.order_id,
                order_round=order.round,
                quantity=order.remaining,
                filled_quantity=order.filled,
                status=order.status,
            )
        )

    def _settle(self, fills: Iterable[Fill], acting: str | None) -> None:
        for fill in fills:
            self._trades_made += 1
            trade = book_trade(
                fill,
                self._traders,
                self.accounts,
                self.good,
                trade_id=self._trades_made,
                round_number=self.round,
                acting=acting,
            )
            self._trades.append(trade)
            self._last_price = trade.price
            for order in (fill.bid, fill.ask):
                self._forget_if_filled(order)
            if self._keep_events:
                self.emit(trade)
                self.emit(filled(fill.bid, fill.bid_filled, trade))
                self.emit(filled(fill.ask, fill.ask_filled, trade))

    def _forget_if_filled(self, order: Order) -> None:
        # An order that its institution has closed with units remaining still has to be given up, and an order that
        # several fills have emptied is here once for each of them. A market order was never among the open ones.
        own = self._traders[order.agent_id].orders
        if not order.remaining and order in own:
            own.remove(order)


def _verdict(status: str, reason: str | None, order_id: int | None) -> Observation:
    """What a trader is told of its act."""
    return {"status": status, "reason": reason, "order_id": order_id}
