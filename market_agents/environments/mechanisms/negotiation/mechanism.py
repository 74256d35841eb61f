"""Bilateral negotiation: two agents agree on a price and a quantity, and their agreement is a trade.

A proposal is firm: the cash or goods and the units behind it are reserved for its recipient until it is accepted,
rejected, countered, withdrawn, replaced or expired. Whoever accepts must have what it takes at that moment; what it has
reserved for proposals of its own counts, and those that stand in the way are withdrawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from market_agents.economics.accounts import Accounts
from market_agents.economics.equilibrium import Equilibrium
from market_agents.economics.orders import Order, OrderStatus, Side, Trade
from market_agents.economics.surplus import buyer_surplus, seller_surplus
from market_agents.economics.ticks import TickScale
from market_agents.environments.environment import Event, Observation
from market_agents.environments.mechanisms.auction import (
    OrderFilled,
    OrderRejected,
    RoundMeasures,
    RoundResult,
    TradeMade,
)
from market_agents.environments.mechanisms.auction.measures import measure_course
from market_agents.environments.mechanisms.auction.results import measure_round, round_equilibrium
from market_agents.environments.mechanisms.auction.trader import Trader
from market_agents.environments.mechanisms.negotiation.actions import (
    Answer,
    Misread,
    NegotiationAct,
    Propose,
    Withdraw,
    read_negotiation,
)
from market_agents.environments.mechanisms.negotiation.cover import Purse, uncovered
from market_agents.environments.mechanisms.negotiation.events import (
    ProposalAccepted,
    ProposalClosed,
    ProposalMade,
)
from market_agents.environments.mechanisms.negotiation.proposals import Proposal, Proposals
from market_agents.environments.mechanisms.negotiation.views import everything, own_view
from market_agents.errors import IllegalAction

SIDES = {"buyer": Side.BID, "seller": Side.ASK}
SHOWN_NAMES = 50


@dataclass(slots=True, eq=False)
class _Desk:
    """One cohort's negotiations: cohorts work side by side, so each counts and notes for itself."""

    number: int
    members: tuple[str, ...]
    by_side: dict[Side, tuple[str, ...]]
    gone: set[str] = field(default_factory=set)
    orders: int = 0
    trades: list[TradeMade] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)


class Negotiation:
    """One good's bilateral trades between a buyer and a seller of the same cohort.

    Args:
        good: what is traded; one of ``accounts.goods``.
        accounts: cash and goods, shared with the good's other markets.
        tick_size: the worth of one tick in currency.
        max_price: the highest price admitted, in ticks; None for no limit.
        proposal_lifetime: sub-rounds after its own for which a proposal stays open; None for the rest of the round.
    """

    def __init__(
        self,
        *,
        good: str,
        accounts: Accounts,
        tick_size: Decimal = Decimal("0.01"),
        max_price: int | None = None,
        proposal_lifetime: int | None = None,
    ) -> None:
        self.good = good
        self.accounts = accounts
        self.scale = TickScale(tick_size)
        self.max_price = max_price
        self.proposal_lifetime = proposal_lifetime
        self.round = 0
        self.sub_round = 0
        self._traders: dict[str, Trader] = {}
        self._desks: list[_Desk] = []
        self._desk_of: dict[str, _Desk] = {}
        self._proposals = Proposals()
        self._orders_before = 0
        self._trades_before = 0

    # -- life cycle -------------------------------------------------------------------------------------------

    def continue_from(self, earlier: Negotiation) -> None:
        """Take over the traders and the counts of an earlier negotiation of the same good; the terms stay one's own."""
        self._traders = earlier._traders
        self._orders_before, self._trades_before = earlier._last_ids()

    def join(self, agent_id: str, role: str) -> None:
        """Admit a buyer or seller who has an account; joining twice changes nothing.

        Raises:
            IllegalAction: another role.
            ValueError: no account.
        """
        if agent_id in self._traders:
            return
        if role not in SIDES:
            raise IllegalAction(f"{agent_id} cannot trade as {role!r}; roles are buyer and seller")
        if agent_id not in self.accounts:
            raise ValueError(f"{agent_id} has no account; open one before it negotiates")
        self._traders[agent_id] = Trader(agent_id, role, SIDES[role])

    def open_units(self, agent_id: str, units: Sequence[int]) -> None:
        """Set the values or costs, in ticks, that are open to an agent in the round to come."""
        self._traders[agent_id].open(units)

    def count_traded(self, agent_id: str, quantity: int) -> None:
        """Count units that an agent has traded in another market of this round; after ``begin_round``.

        Raises:
            ValueError: more than are left.
        """
        trader = self._traders[agent_id]
        if not 0 <= quantity <= trader.units_left:
            raise ValueError(f"{agent_id} has {trader.units_left} units left, cannot have traded {quantity}")
        trader.traded += quantity

    def units_left(self, agent_id: str) -> tuple[int, ...]:
        """The values or costs still open to an agent, in ticks, in the order of trading."""
        return self._traders[agent_id].open_units

    def begin_round(self, round_number: int, cohorts: Sequence[tuple[str, ...]]) -> None:
        """Start a round among these cohorts; its trades, profits and open units are counted from here."""
        self._orders_before, self._trades_before = self._last_ids()
        self.round, self.sub_round = round_number, 0
        self._proposals = Proposals()
        for trader in self._traders.values():
            trader.begin_round()
        self._desks = [self._new_desk(number, members) for number, members in enumerate(cohorts, 1)]
        self._desk_of = {agent_id: desk for desk in self._desks for agent_id in desk.members}

    def _new_desk(self, number: int, members: tuple[str, ...]) -> _Desk:
        sides = {
            side: tuple(agent_id for agent_id in members if self._traders[agent_id].side is side)
            for side in Side
        }
        return _Desk(number, members, sides)

    def leave(self, agent_id: str) -> None:
        """An agent is gone for the rest of the round: what it proposed, and what was proposed to it, is over."""
        self._desk(agent_id).gone.add(agent_id)
        for proposal in self._proposals.live_from(agent_id):
            self._close(proposal, OrderStatus.CANCELLED, by=agent_id)
        for proposal in self._proposals.live_to(agent_id):
            self._close(proposal, OrderStatus.EXPIRED)

    def begin_sub_round(self, sub_round: int) -> None:
        """Start a sub-round; proposals whose time is over expire."""
        self.sub_round = sub_round
        if self.proposal_lifetime is not None:
            for proposal in self._proposals.all_live():
                if sub_round - proposal.sub_round > self.proposal_lifetime:
                    self._close(proposal, OrderStatus.EXPIRED)

    def end_round(self) -> None:
        """Nothing stays open beyond the round."""
        for proposal in self._proposals.all_live():
            self._close(proposal, OrderStatus.EXPIRED)

    def take_events(self) -> list[Event]:
        """What was decided since the last call, cohort by cohort; each event is handed over once."""
        events = [event for desk in self._desks for event in desk.events]
        for desk in self._desks:
            desk.events.clear()
        return events

    # -- acting -----------------------------------------------------------------------------------------------

    def read(self, agent_id: str, action: Mapping[str, object]) -> NegotiationAct:
        """Read an action, see `read_negotiation`; what cannot be read is refused with a reason when applied.

        Raises:
            IllegalAction: the agent is in no cohort of this round, or has left it.
        """
        if agent_id in self._desk(agent_id).gone:
            raise IllegalAction(f"{agent_id} has left and cannot negotiate")
        counterpart = action.get("recipient_id")
        open_to_me = self._proposals.live(counterpart, agent_id) if isinstance(counterpart, str) else None
        label = None if open_to_me is None else open_to_me.label
        return read_negotiation(action, self._traders[agent_id].side, label, self.scale)

    def apply(self, agent_id: str, act: NegotiationAct) -> Observation:
        """Carry out an act.

        Returns:
            ``status`` (``accepted`` or ``rejected``) and ``reason``; ``label`` of a proposal made, ``trade`` where an
            acceptance has made one.
        """
        trader, desk = self._traders[agent_id], self._desk(agent_id)
        match act:
            case Misread():
                told = self._refuse(trader, desk, act.reason, act if act.is_order else None)
            case Propose():
                told = self._propose(trader, desk, act)
            case Answer(accepts=True):
                told = self._accept(trader, desk, act)
            case Answer():
                told = self._decline(trader, desk, act)
            case Withdraw():
                told = self._withdraw(trader, desk, act)
        trader.verdict = told
        return told

    def _propose(self, trader: Trader, desk: _Desk, act: Propose) -> Observation:
        reason = self._stranger(trader, desk, act.recipient_id)
        answered = None
        if reason is None and act.answers is not None:
            found = self._proposals.to_be_answered(act.recipient_id, trader.agent_id, act.answers)
            answered, reason = (None, found) if isinstance(found, str) else (found, None)
        replaced = self._proposals.live(trader.agent_id, act.recipient_id)
        if reason is None:
            purse = self._purse(trader, [] if replaced is None else [replaced])
            reason = uncovered(trader, act.side, act.price, act.quantity, purse, self.scale, self.max_price)
        if reason is not None:
            return self._refuse(trader, desk, reason, act)
        if replaced is not None:
            self._close(replaced, OrderStatus.REPLACED, by=trader.agent_id)
        if answered is not None:
            self._close(answered, OrderStatus.DECLINED, by=trader.agent_id, is_countered=True)
        label = self._proposals.next_label(trader.agent_id, act.recipient_id)
        order = self._order(trader, desk, act.price, act.quantity)
        self._reserve(order)
        self._proposals.add(Proposal(order, act.recipient_id, label, act.text, self.sub_round))
        desk.events.append(
            ProposalMade(
                round=self.round,
                agent_id=trader.agent_id,
                order_id=order.order_id,
                good=self.good,
                side=order.side,
                price=order.price,
                quantity=order.quantity,
                recipient_id=act.recipient_id,
                label=label,
                answers=act.answers,
                text=act.text,
            )
        )
        return {"status": "accepted", "reason": None, "label": label}

    def _accept(self, trader: Trader, desk: _Desk, act: Answer) -> Observation:
        found = self._proposals.to_be_answered(act.recipient_id, trader.agent_id, act.label)
        if isinstance(found, str):
            return self._refuse(trader, desk, found, Misread("", is_order=True, side=trader.side))
        offer = found.order
        own = self._standing_in_the_way(trader, found)
        purse = self._purse(trader, own)
        reason = uncovered(trader, trader.side, offer.price, offer.quantity, purse, self.scale, None)
        if reason is not None:
            terms = Misread("", True, trader.side, offer.price, offer.quantity)
            return self._refuse(trader, desk, reason, terms)
        for proposal in own:
            same = proposal.recipient_id == act.recipient_id
            status = OrderStatus.REPLACED if same else OrderStatus.CANCELLED
            if same:
                proposal.fate = f"gave way to yours, which {trader.agent_id} has accepted"
            self._close(proposal, status, by=trader.agent_id)
        order = self._order(trader, desk, offer.price, offer.quantity)
        self._reserve(order)
        desk.events.append(
            ProposalAccepted(
                round=self.round,
                agent_id=trader.agent_id,
                order_id=order.order_id,
                good=self.good,
                side=order.side,
                price=order.price,
                quantity=order.quantity,
                proposer_id=act.recipient_id,
                label=act.label,
                text=act.text,
            )
        )
        self._proposals.drop(found)
        trade = self._trade(desk, order, offer, trader.agent_id)
        return {"status": "accepted", "reason": None, "trade": self._trade_view(trade, act.recipient_id)}

    def _decline(self, trader: Trader, desk: _Desk, act: Answer) -> Observation:
        found = self._proposals.to_be_answered(act.recipient_id, trader.agent_id, act.label)
        if isinstance(found, str):
            return self._refuse(trader, desk, found, None)
        self._close(found, OrderStatus.DECLINED, by=trader.agent_id, text=act.text)
        return {"status": "accepted", "reason": None}

    def _withdraw(self, trader: Trader, desk: _Desk, act: Withdraw) -> Observation:
        own = self._proposals.live(trader.agent_id, act.recipient_id)
        if own is None:
            reason = f"you have no open proposal to {act.recipient_id[:40]!r} that you could cancel"
            return self._refuse(trader, desk, reason, None)
        self._close(own, OrderStatus.CANCELLED, by=trader.agent_id, text=act.text)
        return {"status": "accepted", "reason": None}

    def _refuse(
        self, trader: Trader, desk: _Desk, reason: str, terms: Propose | Misread | None
    ) -> Observation:
        """Change nothing and say why; what was meant to trade is kept among the refused orders."""
        if terms is not None:
            desk.orders += 1
            desk.events.append(
                OrderRejected(
                    round=self.round,
                    agent_id=trader.agent_id,
                    order_id=self._order_id(desk),
                    good=self.good,
                    side=terms.side,
                    price=terms.price,
                    quantity=terms.quantity,
                    reason=reason,
                )
            )
        return {"status": "rejected", "reason": reason}

    # -- who, and with what -----------------------------------------------------------------------------------

    def _desk(self, agent_id: str) -> _Desk:
        try:
            return self._desk_of[agent_id]
        except KeyError:
            raise IllegalAction(f"{agent_id} is in no cohort of this round and cannot negotiate") from None

    def counterparts(self, agent_id: str) -> tuple[str, ...]:
        """Those with whom an agent may trade: the other side of its cohort, but for who has left."""
        other = Side.ASK if self._traders[agent_id].side is Side.BID else Side.BID
        desk = self._desk(agent_id)
        if not desk.gone:
            return desk.by_side[other]
        return tuple(counterpart for counterpart in desk.by_side[other] if counterpart not in desk.gone)

    def _stranger(self, trader: Trader, desk: _Desk, counterpart: str) -> str | None:
        other = self._traders.get(counterpart)
        is_here = self._desk_of.get(counterpart) is desk and counterpart not in desk.gone
        if other is not None and other.side is not trader.side and is_here:
            return None
        valid = self.counterparts(trader.agent_id)
        shown = ", ".join(valid[:SHOWN_NAMES]) + (
            f", … ({len(valid)} in all)" if len(valid) > SHOWN_NAMES else ""
        )
        return f"you cannot trade with {counterpart[:80]!r}; valid counterparts are: {shown or 'none'}"

    def _purse(self, trader: Trader, freed: Sequence[Proposal]) -> Purse:
        """What an agent could use if some of its proposals were gone."""
        gone = set(freed)
        tied = [each for each in self._proposals.live_from(trader.agent_id) if each not in gone]
        accounts, agent_id = self.accounts, trader.agent_id
        cash, goods = accounts.available_cash(agent_id), accounts.available_goods(agent_id, self.good)
        for proposal in freed:
            if trader.side is Side.BID:
                cash += proposal.order.price * proposal.order.quantity
            else:
                goods += proposal.order.quantity
        units = trader.units_left - sum(each.order.quantity for each in tied)
        return Purse(units, cash, goods, [each.recipient_id for each in tied])

    def _standing_in_the_way(self, trader: Trader, offer: Proposal) -> list[Proposal]:
        """Own proposals that an acceptance ends: the one to the same counterpart, and as many more as it needs."""
        own = self._proposals.live_from(trader.agent_id)
        freed = [each for each in own if each.recipient_id == offer.proposer_id]
        for proposal in own:
            purse, terms = self._purse(trader, freed), offer.order
            if purse.covers(trader.side, terms.price, terms.quantity):
                break
            if proposal not in freed:
                freed.append(proposal)
        return freed

    # -- booking ----------------------------------------------------------------------------------------------

    def _order_id(self, desk: _Desk) -> int:
        """Ids are interleaved by cohort and place, never by which cohort was faster."""
        return self._orders_before + (desk.orders - 1) * len(self._desks) + desk.number

    def _trade_id(self, desk: _Desk) -> int:
        return self._trades_before + (len(desk.trades) - 1) * len(self._desks) + desk.number

    def _last_ids(self) -> tuple[int, int]:
        """The highest ids that orders and trades have had so far."""
        orders = max([self._orders_before, *(self._order_id(desk) for desk in self._desks)])
        return orders, max([self._trades_before, *(self._trade_id(desk) for desk in self._desks)])

    def _order(self, trader: Trader, desk: _Desk, price: int, quantity: int) -> Order:
        desk.orders += 1
        return Order(self._order_id(desk), trader.agent_id, trader.side, price, quantity, self.round)

    def _reserve(self, order: Order) -> None:
        if order.side is Side.BID:
            covered = self.accounts.reserve_cash(order.agent_id, order.price * order.quantity)
        else:
            covered = self.accounts.reserve_goods(order.agent_id, self.good, order.quantity)
        if not covered:
            raise ValueError(f"{order!r} was admitted without cover")

    def _close(
        self,
        proposal: Proposal,
        status: OrderStatus,
        *,
        by: str | None = None,
        text: str = "",
        is_countered: bool = False,
    ) -> None:
        """End a proposal without a trade, and free what backed it."""
        order = proposal.order
        order.close(status)
        if order.side is Side.BID:
            self.accounts.release_cash(order.agent_id, order.price * order.quantity)
        else:
            self.accounts.release_goods(order.agent_id, self.good, order.quantity)
        self._proposals.drop(proposal)
        self._desk_of[order.agent_id].events.append(
            ProposalClosed(
                round=self.round,
                agent_id=order.agent_id,
                order_id=order.order_id,
                order_round=order.round,
                quantity=order.quantity,
                filled_quantity=0,
                status=status,
                recipient_id=proposal.recipient_id,
                label=proposal.label,
                by=by,
                text=text,
                is_countered=is_countered,
            )
        )

    def _trade(self, desk: _Desk, acceptance: Order, offer: Order, acting: str) -> TradeMade:
        bid, ask = (acceptance, offer) if acceptance.side is Side.BID else (offer, acceptance)
        buyer, seller = self._traders[bid.agent_id], self._traders[ask.agent_id]
        quantity, price = offer.quantity, offer.price
        values, costs = buyer.next_units(quantity), seller.next_units(quantity)
        trade = TradeMade(
            trade_id=self._trades_before + len(desk.trades) * len(self._desks) + desk.number,
            round=self.round,
            good=self.good,
            bid_order_id=bid.order_id,
            ask_order_id=ask.order_id,
            buyer_id=bid.agent_id,
            seller_id=ask.agent_id,
            price=price,
            quantity=quantity,
            buyer_values=values,
            seller_costs=costs,
            buyer_surplus=buyer_surplus(values, price),
            seller_surplus=seller_surplus(costs, price),
            agent_id=acting,
        )
        self.accounts.settle(trade, bid_price=price)
        desk.trades.append(trade)
        desk.events.append(trade)
        for order, trader, surplus in (
            (bid, buyer, trade.buyer_surplus),
            (ask, seller, trade.seller_surplus),
        ):
            order.fill(quantity)
            trader.record_trade(price, quantity, surplus)
            desk.events.append(
                OrderFilled(
                    round=self.round,
                    agent_id=order.agent_id,
                    order_id=order.order_id,
                    order_round=order.round,
                    trade_id=trade.trade_id,
                    quantity=quantity,
                    filled_quantity=quantity,
                    status=OrderStatus.FILLED,
                )
            )
        return trade

    def _trade_view(self, trade: Trade, counterpart: str) -> Observation:
        price = self.scale.to_currency(trade.price)
        return {"with": counterpart, "price": price, "quantity": trade.quantity}

    # -- seeing -----------------------------------------------------------------------------------------------

    @property
    def trades(self) -> list[TradeMade]:
        """The trades of the round so far, cohort by cohort."""
        return [trade for desk in self._desks for trade in desk.trades]

    def equilibrium(self) -> Equilibrium:
        """The competitive equilibrium of all units that the round opened; prices in ticks."""
        return round_equilibrium(self._traders.values())

    def round_result(self) -> RoundResult:
        """The outcome of the round so far, measured by all units that the round opened."""
        return measure_round(self.trades, self._traders.values())

    def round_measures(self) -> RoundMeasures:
        """How the round went on so far; nobody sees a book here."""
        last, _ = self._last_ids()
        return measure_course(
            self.trades, self._traders.values(), [], range(self._orders_before + 1, last + 1)
        )

    def observe(self, agent_id: str) -> Observation:
        """What a party may see: its own terms, what it holds, and the proposals that it made or may answer."""
        trader = self._traders[agent_id]
        return own_view(
            trader, self.counterparts(agent_id), self._proposals, self.accounts, self.good, self.scale
        )

    def global_state(self) -> Observation:
        """The experimenter's view: every open proposal and every trade of the round."""
        return everything(self._proposals, self.trades, self.scale)
