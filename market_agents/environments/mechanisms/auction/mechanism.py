"""The double auction: rights, reservations and surplus around an institution that matches orders."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from random import Random
from typing import Literal, Self

from market_agents.economics.accounts import Accounts
from market_agents.economics.equilibrium import Equilibrium
from market_agents.economics.orders import Side, Trade
from market_agents.economics.ticks import TickScale
from market_agents.environments.environment import Observation
from market_agents.environments.mechanisms.auction.actions import AuctionAction, read_action
from market_agents.environments.mechanisms.auction.exchange import Exchange
from market_agents.environments.mechanisms.auction.information import USUAL_INFORMATION, complete
from market_agents.environments.mechanisms.auction.institutions import INSTITUTIONS, CallMarket, Institution
from market_agents.environments.mechanisms.auction.live_view import LadderView, LiveView, ShadedView
from market_agents.environments.mechanisms.auction.measures import (
    BookMeasures,
    RoundMeasures,
    TurnEnd,
    look_at,
    measure_book,
    measure_course,
)
from market_agents.environments.mechanisms.auction.results import (
    RoundResult,
    measure_round,
    round_equilibrium,
)
from market_agents.environments.mechanisms.auction.trader import SHOWN_TRADES
from market_agents.environments.mechanisms.auction.views import (
    currency,
    depth_view,
    equilibrium_view,
    own_view,
    trades_view,
    turn_view,
)


class DoubleAuction(Exchange):
    """One good's market, in which buyers bid, sellers ask, and each has a number of open orders at most, usually one.

    A new quote or market order replaces the open order that it names, and the oldest for which there is no place or
    unit left; a refused one changes nothing. Cash and goods behind an open order are reserved. Order and trade ids
    count from 1 over the whole run; refused orders have ids too.

    Args:
        good: what is traded; one of ``accounts.goods``.
        accounts: cash and goods, perhaps shared with other markets.
        institution: a name in `INSTITUTIONS`.
        tick_size: the worth of one tick in currency.
        order_lifetime: whether open orders end with their round or outlive it.
        max_price: the highest price admitted, in ticks; None for no limit.
        must_improve: whether a quote must beat its own side's best; some institutions demand it anyway.
        market_orders: whether orders without a price are taken; only a continuous book can.
        quotes_per_trader: how many open orders each trader may have; where it is one, a new one names none.
        call_k: under ``call``, where between the marginal ask (0) and the marginal bid (1) the price is.
        information: what of the market its traders see, of `INFORMATION`; ``trades`` tells the last price too, and
            ``book`` the best quotes.
        keep_events: whether what happens is noted for `take_events`; a market that nobody records is faster.
        watch_book: whether the book is looked at after each turn, for `book_measures`; None where events are kept.

    Raises:
        ValueError: an argument makes no sense; the text names what would.
    """

    settings = frozenset(
        {"good", "accounts", "institution", "scale", "order_lifetime", "max_price", "must_improve"}
        | {"market_orders", "quotes_per_trader", "information"}
        | {"_asks_rule", "_rule_closes", "_keep_events", "watches_book"}
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
        quotes_per_trader: int = 1,
        call_k: float = 0.5,
        information: Iterable[str] = USUAL_INFORMATION,
        keep_events: bool = True,
        watch_book: bool | None = None,
    ) -> None:
        if institution not in INSTITUTIONS:
            raise ValueError(
                f"unknown institution {institution!r}; known are {', '.join(sorted(INSTITUTIONS))}"
            )
        if good not in accounts.goods:
            raise ValueError(f"no account holds {good!r}; goods are {', '.join(accounts.goods)}")
        if max_price is not None and max_price < 1:
            raise ValueError(f"max_price must be at least one tick, not {max_price}")
        if quotes_per_trader < 1:
            raise ValueError(f"quotes_per_trader must be at least 1, not {quotes_per_trader}")
        super().__init__(
            good=good,
            accounts=accounts,
            institution=_institution(institution, call_k),
            scale=TickScale(tick_size),
            max_price=max_price,
            must_improve=must_improve,
            market_orders=market_orders,
            quotes_per_trader=quotes_per_trader,
            keep_events=keep_events,
        )
        self.information = complete(information)
        self.order_lifetime = order_lifetime
        self.watches_book = keep_events if watch_book is None else watch_book
        self._turns: list[TurnEnd] = []
        self._orders_before = 0

    def continue_from(self, earlier: Self) -> None:
        """Take over traders, counters and open orders; under another institution the open orders expire."""
        super().continue_from(earlier)
        if type(earlier.institution) is type(self.institution):
            self.institution = self.institution.taking_over(earlier.institution)
            return
        self._give_up(earlier.institution.expire())

    def join(self, agent_id: str, role: str) -> None:
        """Admit a buyer or seller who has an account; joining twice changes nothing.

        Raises:
            IllegalAction: another role.
            ValueError: no account.
        """
        self._traders.admit(agent_id, role, self.accounts)

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
        self._close_excess(self._traders.open_units(agent_id, units))

    def count_traded(self, agent_id: str, quantity: int) -> None:
        """Count units that a trader has traded in another market of this round; an order for more expires.

        To be called after ``begin_round``, so that the round's equilibrium is that of all units it opened.

        Raises:
            ValueError: more than are left.
        """
        self._close_excess(self._traders.count_traded(agent_id, quantity))

    def units_left(self, agent_id: str) -> tuple[int, ...]:
        """The values or costs still open to a trader, in ticks, in the order of trading."""
        return tuple(self._traders[agent_id].open_units)

    def begin_round(self, round_number: int, rng: Random) -> None:
        """Start a round: its trades, profits and open units are counted from here."""
        super().begin_round(round_number, rng)
        self._trades = []
        self._turns = []
        self._orders_before = self._orders_seen
        self._traders.begin_round()

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
        trader = self._traders[agent_id]
        if self.quotes_per_trader > 1:
            return LadderView(trader, self, self.information)
        if {"best_quotes", "last_price"} <= self.information:
            return LiveView(trader, self)
        return ShadedView(trader, self, self.information)

    def has_open_order(self, agent_id: str) -> bool:
        """Whether the trader's quote is in the book."""
        return bool(self._traders[agent_id].orders)

    @property
    def last_price(self) -> int | None:
        """The price of the last trade, of an earlier round perhaps, in ticks; None before the first."""
        return self._last_price

    def check(self, agent_id: str, action: Mapping[str, object]) -> AuctionAction:
        """Read an action, see `read_action`; what cannot be read is rejected with a reason when applied.

        Raises:
            IllegalAction: the agent has not joined.
        """
        self._traders[agent_id]  # who has not joined is refused here
        return read_action(action, self.scale, may_name_order=self.quotes_per_trader > 1)

    def apply(self, agent_id: str, action: AuctionAction) -> Observation:
        """Carry out an action.

        Returns:
            ``status`` (``accepted``, ``rejected``, ``held`` or ``cancelled``), ``reason`` and ``order_id``
            (None where there is none); then what `observe` shows.
        """
        trader = self._traders[agent_id]
        trader.verdict = self._act(trader, action)
        return {**trader.verdict, **self.observe(agent_id)}

    def observe(self, agent_id: str) -> Observation:
        """The market as this trader may see it, money in currency; as long for few traders as for many."""
        trader = self._traders[agent_id]
        scale = self.scale
        return {
            "good": self.good,
            "round": self.round,
            "role": trader.role,
            "tick_size": scale.to_currency(1),
            "max_price": currency(self.max_price, scale),
            **self._public_view(),
            **turn_view(self.institution, agent_id),
            **({"quotes_per_trader": self.quotes_per_trader} if self.quotes_per_trader > 1 else {}),
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
        self.look()

    def look(self) -> None:
        """Note how the book stands now that a turn is over, where it is watched."""
        if self.watches_book:
            self._turns.append(look_at(self.institution, len(self._trades)))

    def end_round(self) -> None:
        """Clear what was not cleared; orders that live for a round then expire."""
        self.clear()
        if self.order_lifetime == "round":
            self._give_up(self.institution.expire())

    def equilibrium(self) -> Equilibrium:
        """The competitive equilibrium of all units that the round opened; prices in ticks."""
        return round_equilibrium(self._traders.values())

    def round_result(self) -> RoundResult:
        """The outcome of the round so far; to be asked for before units are opened for the next one."""
        return measure_round(self._trades, self._traders.values())

    def book_measures(self) -> BookMeasures:
        """How the book stood in the round so far, in a market that watches it."""
        return measure_book(self._turns)

    def round_measures(self) -> RoundMeasures:
        """How the round went on so far; to be asked for when `round_result` is, of a market that keeps events."""
        orders = range(self._orders_before + 1, self._orders_seen + 1)
        return measure_course(self._trades, self._traders.values(), self._turns, orders)


def _institution(name: str, call_k: float) -> Institution:
    """The rule of that name.

    Raises:
        ValueError: ``call_k`` is out of its range, or another institution was to have one.
    """
    if name == CallMarket.name:
        return CallMarket(call_k)
    if call_k != 0.5:
        raise ValueError(f"call_k is for the institution call, not for {name}")
    return INSTITUTIONS[name]()
