"""The double auction: rights, reservations and surplus around an institution that matches orders."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from random import Random
from typing import Literal, Self

from market_agents.economics.accounts import Accounts
from market_agents.economics.equilibrium import Equilibrium
from market_agents.economics.orders import Order, OrderStatus, Side, Trade
from market_agents.economics.surplus import buyer_surplus, seller_surplus
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
    read_action,
)
from market_agents.environments.mechanisms.auction.admission import market_refusal, refusal, unimproved
from market_agents.environments.mechanisms.auction.events import (
    MarketOrderPlaced,
    OrderCancelled,
    OrderFilled,
    OrderPlaced,
    OrderRejected,
    TradeMade,
)
from market_agents.environments.mechanisms.auction.information import USUAL_INFORMATION, complete
from market_agents.environments.mechanisms.auction.institutions import (
    INSTITUTIONS,
    Fill,
    Institution,
    Means,
)
from market_agents.environments.mechanisms.auction.live_view import LiveView, ShadedView
from market_agents.environments.mechanisms.auction.measures import (
    RoundMeasures,
    TurnEnd,
    look_at,
    measure_course,
)
from market_agents.environments.mechanisms.auction.results import (
    RoundResult,
    measure_round,
    round_equilibrium,
)
from market_agents.environments.mechanisms.auction.trader import SHOWN_TRADES, Trader
from market_agents.environments.mechanisms.auction.views import (
    currency,
    depth_view,
    equilibrium_view,
    own_view,
    trades_view,
    turn_view,
)
from market_agents.errors import IllegalAction

_SIDES = {"buyer": Side.BID, "seller": Side.ASK}
_BID, _REPLACED = Side.BID, OrderStatus.REPLACED  # bound once, as in `orders`


class DoubleAuction(Mechanism[AuctionAction]):
    """One good's market, in which buyers bid, sellers ask, and each has at most one open order.

    A new quote replaces the trader's open order, as a market order does; a refused one changes nothing. Cash and
    goods behind an open order are reserved. Order and trade ids count from 1 over the whole run; refused orders have
    ids too.

    Args:
        good: what is traded; one of ``accounts.goods``.
        accounts: cash and goods, perhaps shared with other markets.
        institution: a name in `INSTITUTIONS`.
        tick_size: the worth of one tick in currency.
        order_lifetime: whether open orders end with their round or outlive it.
        max_price: the highest price admitted, in ticks; None for no limit.
        must_improve: whether a quote must beat its own side's best; some institutions demand it anyway.
        market_orders: whether orders without a price are taken; only a continuous book can.
        information: what of the market its traders see, of `INFORMATION`; ``trades`` tells the last price too, and
            ``book`` the best quotes.
        keep_events: whether what happens is noted for `take_events`; a market that nobody records is faster.

    Raises:
        ValueError: an argument makes no sense; the text names what would.
    """

    settings = frozenset(
        {"good", "accounts", "institution", "scale", "order_lifetime", "max_price", "must_improve"}
        | {"market_orders", "information"}
        | {"_asks_rule", "_rule_closes", "_keep_events"}
    )

    def __init__(
        self,
        *,
        good: str,
        accounts: Accounts,
        institution: str = "midpoint",
        tick_size: Decimal = Decimal("0.01"),
        order_lifetime: Literal["round", "run"] = "round",
        max_price: int | None = None,
        must_improve: bool = False,
        market_orders: bool = False,
        information: Iterable[str] = USUAL_INFORMATION,
        keep_events: bool = True,
    ) -> None:
        super().__init__()
        if institution not in INSTITUTIONS:
            raise ValueError(
                f"unknown institution {institution!r}; known are {', '.join(sorted(INSTITUTIONS))}"
            )
        if good not in accounts.goods:
            raise ValueError(f"no account holds {good!r}; goods are {', '.join(accounts.goods)}")
        if max_price is not None and max_price < 1:
            raise ValueError(f"max_price must be at least one tick, not {max_price}")
        self.information = complete(information)
        self.good = good
        self.accounts = accounts
        self.institution = INSTITUTIONS[institution]()
        self.scale = TickScale(tick_size)
        self.order_lifetime = order_lifetime
        self.max_price = max_price
        self.must_improve = must_improve or self.institution.must_improve
        self.market_orders = market_orders
        # Most rules neither refuse nor close anything; asking them at every quote would cost a tenth of a step.
        rule = type(self.institution)
        self._asks_rule = self.must_improve or rule.refuses is not Institution.refuses
        self._rule_closes = rule.take_closed is not Institution.take_closed
        self._keep_events = keep_events
        self._traders: dict[str, Trader] = {}
        self._trades: list[TradeMade] = []
        self._turns: list[TurnEnd] = []
        self._orders_seen = 0
        self._orders_before = 0
        self._trades_made = 0
        self._last_price: int | None = None

    def continue_from(self, earlier: Self) -> None:
        """Take over traders, counters and open orders; under another institution the open orders expire."""
        super().continue_from(earlier)
        if type(earlier.institution) is type(self.institution):
            self.institution = earlier.institution
            return
        for order in earlier.institution.expire():
            self._give_up(order)

    def join(self, agent_id: str, role: str) -> None:
        """Admit a buyer or seller who has an account; joining twice changes nothing.

        Raises:
            IllegalAction: another role.
            ValueError: no account.
        """
        if agent_id in self._traders:
            return
        if role not in _SIDES:
            raise IllegalAction(f"{agent_id} cannot join as {role!r}; roles are buyer and seller")
        if agent_id not in self.accounts:
            raise ValueError(
                f"{agent_id} has no account; open one before it joins the market for {self.good}"
            )
        self._traders[agent_id] = Trader(agent_id, role, _SIDES[role])

    def open_units(self, agent_id: str, units: Sequence[int]) -> None:
        """Set what is still open to a trader: values (a buyer) or costs (a seller), in the order of trading.

        To be called before ``begin_round``; untraded units carry over where it is not. An open order for more
        units than are left expires.

        Args:
            agent_id: who joined before.
            units: ticks, each at least 0.

        Raises:
            ValueError: a negative value or cost.
        """
        trader = self._trader(agent_id)
        if any(unit < 0 for unit in units):
            raise ValueError(f"values and costs of {agent_id} must not be negative: {list(units)[:10]}")
        trader.open(units)
        if trader.order is not None and trader.order.remaining > len(units):
            self._close(trader.order, OrderStatus.EXPIRED)

    def count_traded(self, agent_id: str, quantity: int) -> None:
        """Count units that a trader has traded in another market of this round; an order for more expires.

        To be called after ``begin_round``, so that the round's equilibrium is that of all units it opened.

        Raises:
            ValueError: more than are left.
        """
        trader = self._trader(agent_id)
        if not 0 <= quantity <= trader.units_left:
            raise ValueError(f"{agent_id} has {trader.units_left} units left, cannot have traded {quantity}")
        trader.traded += quantity
        if trader.order is not None and trader.order.remaining > trader.units_left:
            self._close(trader.order, OrderStatus.EXPIRED)

    def units_left(self, agent_id: str) -> tuple[int, ...]:
        """The values or costs still open to a trader, in ticks, in the order of trading."""
        return tuple(self._trader(agent_id).open_units)

    def begin_round(self, round_number: int, rng: Random) -> None:
        """Start a round: its trades, profits and open units are counted from here."""
        super().begin_round(round_number, rng)
        self._trades = []
        self._turns = []
        self._orders_before = self._orders_seen
        for trader in self._traders.values():
            trader.begin_round()

    @property
    def trades(self) -> Sequence[Trade]:
        """The trades of the round so far, in order."""
        return self._trades

    @property
    def dealers(self) -> Collection[str] | None:
        """Who may accept a quote in the dealing turn that this is; None in every other turn."""
        return self.institution.dealers

    def view(self, agent_id: str) -> LiveView:
        """What a trading strategy looks at, in ticks and always up to date; lasts as long as the market."""
        trader = self._trader(agent_id)
        if {"best_quotes", "last_price"} <= self.information:
            return LiveView(trader, self)
        return ShadedView(trader, self, self.information)

    def has_open_order(self, agent_id: str) -> bool:
        """Whether the trader's quote is in the book."""
        return self._trader(agent_id).order is not None

    @property
    def last_price(self) -> int | None:
        """The price of the last trade, of an earlier round perhaps, in ticks; None before the first."""
        return self._last_price

    def place(self, agent_id: str, price: int, quantity: int = 1) -> str | None:
        """Quote on the trader's own side, with the same rules as `apply`, but nothing to read and nothing shown.

        Args:
            agent_id: who quotes.
            price: ticks for one unit.
            quantity: units.

        Returns:
            Why the quote was refused; None if it was accepted.
        """
        trader = self._traders.get(agent_id) or self._trader(agent_id)
        return self._place(trader, trader.side, price, quantity)

    def check(self, agent_id: str, action: Mapping[str, object]) -> AuctionAction:
        """Read an action, see `read_action`; what cannot be read is rejected with a reason when applied.

        Raises:
            IllegalAction: the agent has not joined.
        """
        self._trader(agent_id)
        return read_action(action, self.scale)

    def apply(self, agent_id: str, action: AuctionAction) -> Observation:
        """Carry out an action.

        Returns:
            ``status`` (``accepted``, ``rejected``, ``held`` or ``cancelled``), ``reason`` and ``order_id``
            (None where there is none); then what `observe` shows.
        """
        trader = self._trader(agent_id)
        trader.verdict = self._act(trader, action)
        return {**trader.verdict, **self.observe(agent_id)}

    def observe(self, agent_id: str) -> Observation:
        """The market as this trader may see it, money in currency; as long for few traders as for many."""
        trader = self._trader(agent_id)
        scale = self.scale
        return {
            "good": self.good,
            "round": self.round,
            "role": trader.role,
            "tick_size": scale.to_currency(1),
            "max_price": currency(self.max_price, scale),
            **self._public_view(),
            **turn_view(self.institution, agent_id),
            **own_view(trader, self.accounts, self.good, scale),
        }

    def _public_view(self) -> Observation:
        """What all traders see of the market; where something is not told, its key is missing."""
        told, scale, rule = self.information, self.scale, self.institution
        view: Observation = {}
        if "best_quotes" in told:
            view["best_bid"] = currency(rule.best_bid(), scale)
            view["best_ask"] = currency(rule.best_ask(), scale)
        if "last_price" in told:
            view["last_price"] = currency(self._last_price, scale)
        if "trades" in told:
            view["trade_prices"] = [scale.to_currency(trade.price) for trade in self._trades[-SHOWN_TRADES:]]
        if "book" in told:
            view["bids"] = depth_view(rule, Side.BID, scale)
            view["asks"] = depth_view(rule, Side.ASK, scale)
        return view

    def global_state(self) -> Observation:
        """The experimenter's view: book, trades of the round, equilibrium and every trader's own view."""
        scale = self.scale
        return {
            "good": self.good,
            "round": self.round,
            "institution": self.institution.name,
            "last_price": currency(self._last_price, scale),
            "bids": depth_view(self.institution, Side.BID, scale),
            "asks": depth_view(self.institution, Side.ASK, scale),
            "trades": trades_view(self._trades, scale),
            "equilibrium": equilibrium_view(self.equilibrium(), scale),
            "traders": {
                trader.agent_id: {"role": trader.role, **own_view(trader, self.accounts, self.good, scale)}
                for trader in self._traders.values()
            },
        }

    def end_turn(self) -> None:
        """Let the institution clear, if it clears turn by turn."""
        if self.institution.clears_each_turn:
            self.clear()
        if self._keep_events:
            self._turns.append(look_at(self.institution, len(self._trades)))

    def clear(self) -> None:
        """Let the institution clear now."""
        self._settle(self.institution.clear(), None)
        self._give_up_closed()

    def end_round(self) -> None:
        """Clear what was not cleared; orders that live for a round then expire."""
        self.clear()
        if self.order_lifetime == "round":
            for order in self.institution.expire():
                self._give_up(order)

    def equilibrium(self) -> Equilibrium:
        """The competitive equilibrium of all units that the round opened; prices in ticks."""
        return round_equilibrium(self._traders.values())

    def round_result(self) -> RoundResult:
        """The outcome of the round so far; to be asked for before units are opened for the next one."""
        return measure_round(self._trades, self._traders.values())

    def round_measures(self) -> RoundMeasures:
        """How the round went on so far; to be asked for when `round_result` is, of a market that keeps events."""
        orders = range(self._orders_before + 1, self._orders_seen + 1)
        return measure_course(self._trades, self._traders.values(), self._turns, orders)

    def _trader(self, agent_id: str) -> Trader:
        try:
            return self._traders[agent_id]
        except KeyError:
            raise IllegalAction(f"{agent_id} has not joined the market for {self.good}") from None

    def _act(self, trader: Trader, action: AuctionAction) -> Observation:
        match action:
            case Quote():
                return self._quote(trader, action)
            case MarketOrder():
                return self._take(trader, action.side, action.quantity)
            case Cancel():
                return self._cancel(trader, action)
            case Accept():
                return self._accept(trader)
            case Hold():
                return _verdict("held", None, None)
            case Unreadable():
                return self._reject(trader, action.side, action.price, action.quantity, action.reason)

    def _quote(self, trader: Trader, quote: Quote) -> Observation:
        reason = self._place(trader, quote.side, quote.price, quote.quantity)
        return _verdict("accepted" if reason is None else "rejected", reason, self._orders_seen)

    def _place(self, trader: Trader, side: Side, price: int, quantity: int) -> str | None:
        reason = refusal(trader, side, price, quantity, self.accounts, self.good, self.scale, self.max_price)
        if reason is None and self._asks_rule:
            reason = self._rule_refusal(trader, side, price)
        if reason is not None:
            self._reject(trader, side, price, quantity, reason)
            return reason
        replaced = trader.order
        if replaced is not None:
            self.institution.cancel(replaced, _REPLACED)
            self._give_up(replaced)
        self._orders_seen += 1
        order = Order(self._orders_seen, trader.agent_id, side, price, quantity, self.round)
        if side is _BID:
            covered = self.accounts.reserve_cash(trader.agent_id, price * quantity)
        else:
            covered = self.accounts.reserve_goods(trader.agent_id, self.good, quantity)
        if not covered:
            raise ValueError(f"{order!r} was admitted without cover")
        trader.order = order
        if self._keep_events:
            self.emit(
                OrderPlaced(self.round, trader.agent_id, order.order_id, self.good, side, price, quantity)
            )
        fills = self.institution.submit(order)
        if fills:
            self._settle(fills, trader.agent_id)
        if self._rule_closes:
            self._give_up_closed()
        return None

    def _take(self, trader: Trader, side: Side, quantity: int) -> Observation:
        """Trade at once with the best opposite orders, at their prices."""
        means = self._means(trader)
        reason = self._market_refusal(trader, side, quantity, means)
        if reason is not None:
            return self._reject(trader, side, None, quantity, reason)
        if trader.order is not None:
            self._close(trader.order, _REPLACED)
        self._orders_seen += 1
        # It never rests: its price, which nobody sees, is that of the fill that is being settled.
        order = Order(self._orders_seen, trader.agent_id, side, 1, quantity, self.round)
        if self._keep_events:
            self.emit(
                MarketOrderPlaced(self.round, trader.agent_id, order.order_id, self.good, side, quantity)
            )
        for fill in self.institution.take(order, means):
            self._cover(order, fill)
            self._settle((fill,), trader.agent_id)
        if order.live:
            order.close(OrderStatus.CANCELLED)
            if self._keep_events:
                self._note_given_up(order)
        self._give_up_closed()
        return _verdict("accepted", None, order.order_id)

    def _means(self, trader: Trader) -> Means:
        """What a trader may spend on a market order, what backs its open order included."""
        cash = self.accounts.available_cash(trader.agent_id)
        goods = self.accounts.available_goods(trader.agent_id, self.good)
        buying, order = trader.side is _BID, trader.order
        if order is not None:
            cash += order.price * order.remaining if buying else 0
            goods += 0 if buying else order.remaining
        return Means(buying, cash, goods)

    def _market_refusal(self, trader: Trader, side: Side, quantity: int, means: Means) -> str | None:
        rule = self.institution
        if not rule.continuous:
            return f"under {rule.name} there is no continuous book to trade with at once; name a price"
        if not self.market_orders:
            return "this market takes no market orders; name a price"
        best = rule.best_ask() if side is _BID else rule.best_bid()
        return market_refusal(trader, side, quantity, best, means, self.good, self.scale)

    def _cover(self, order: Order, fill: Fill) -> None:
        """Reserve what one fill of a market order takes, at the price that is paid."""
        order.price = fill.price
        if order.side is _BID:
            covered = self.accounts.reserve_cash(order.agent_id, fill.price * fill.quantity)
        else:
            covered = self.accounts.reserve_goods(order.agent_id, self.good, fill.quantity)
        if not covered:
            raise ValueError(f"{order!r} was filled without cover")

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

    def _cancel(self, trader: Trader, cancel: Cancel) -> Observation:
        order = trader.order
        if order is None:
            return _verdict("rejected", "you have no open order to cancel", None)
        if cancel.order_id is not None and cancel.order_id != order.order_id:
            return _verdict("rejected", f"your open order is {order.order_id}; cancel that or none", None)
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
        if price is None or trader.order is None:
            raise ValueError(f"{trader.agent_id} may accept, but nothing stands on both sides")
        return self._quote(trader, Quote(trader.side, price, min(trader.order.remaining, taken[0].quantity)))

    def _give_up_closed(self) -> None:
        for order in self.institution.take_closed():
            self._give_up(order)

    def _close(self, order: Order, status: OrderStatus) -> None:
        self.institution.cancel(order, status)
        self._give_up(order)

    def _give_up(self, order: Order) -> None:
        """Free what backed the rest of a closed order."""
        if order.side is _BID:
            self.accounts.release_cash(order.agent_id, order.price * order.remaining)
        else:
            self.accounts.release_goods(order.agent_id, self.good, order.remaining)
        self._traders[order.agent_id].order = None
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
            trade = self._make_trade(fill, acting)
            self._trades.append(trade)
            self._last_price = trade.price
            self.accounts.settle(trade, bid_price=fill.bid.price)
            if self._keep_events:
                self.emit(trade)
            self._note_fill(fill.bid, fill.bid_filled, trade, trade.buyer_surplus)
            self._note_fill(fill.ask, fill.ask_filled, trade, trade.seller_surplus)

    def _make_trade(self, fill: Fill, acting: str | None) -> TradeMade:
        self._trades_made += 1
        values = self._traders[fill.bid.agent_id].next_units(fill.quantity)
        costs = self._traders[fill.ask.agent_id].next_units(fill.quantity)
        return TradeMade(
            trade_id=self._trades_made,
            round=self.round,
            good=self.good,
            bid_order_id=fill.bid.order_id,
            ask_order_id=fill.ask.order_id,
            buyer_id=fill.bid.agent_id,
            seller_id=fill.ask.agent_id,
            price=fill.price,
            quantity=fill.quantity,
            buyer_values=values,
            seller_costs=costs,
            buyer_surplus=buyer_surplus(values, fill.price),
            seller_surplus=seller_surplus(costs, fill.price - fill.fee),
            agent_id=acting,
            fee=fill.fee,
        )

    def _note_fill(self, order: Order, filled: int, trade: TradeMade, surplus: int) -> None:
        trader = self._traders[order.agent_id]
        trader.record_trade(trade.price, trade.quantity, surplus)
        # An order that its institution has closed with units remaining still has to be given up.
        if not order.remaining:
            trader.order = None
        if not self._keep_events:
            return
        self.emit(
            OrderFilled(
                round=self.round,
                agent_id=order.agent_id,
                order_id=order.order_id,
                order_round=order.round,
                trade_id=trade.trade_id,
                quantity=trade.quantity,
                filled_quantity=filled,
                status=OrderStatus.FILLED if filled == order.quantity else OrderStatus.PARTIALLY_FILLED,
            )
        )


def _verdict(status: str, reason: str | None, order_id: int | None) -> Observation:
    """What a trader is told of its act."""
    return {"status": status, "reason": reason, "order_id": order_id}
