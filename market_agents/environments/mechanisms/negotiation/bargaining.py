"""What two parties may do to each other's proposals, and what comes of it: promises, reservations, trades."""

from __future__ import annotations

from collections.abc import Sequence

from market_agents.economics.accounts import Accounts
from market_agents.economics.orders import Order, OrderStatus, Side, Trade
from market_agents.economics.ticks import TickScale
from market_agents.environments.environment import Observation
from market_agents.environments.mechanisms.auction import OrderRejected, TradeMade
from market_agents.environments.mechanisms.auction.booking import book_trade, filled, release, reserve
from market_agents.environments.mechanisms.auction.institutions.contract import match
from market_agents.environments.mechanisms.auction.trader import Trader, Traders
from market_agents.environments.mechanisms.negotiation.actions import (
    Answer,
    Misread,
    NegotiationAct,
    Propose,
    Withdraw,
)
from market_agents.environments.mechanisms.negotiation.cover import Purse, uncovered
from market_agents.environments.mechanisms.negotiation.desk import Desk
from market_agents.environments.mechanisms.negotiation.events import (
    ProposalAccepted,
    ProposalClosed,
    ProposalMade,
)
from market_agents.environments.mechanisms.negotiation.proposals import Proposal, Proposals
from market_agents.errors import IllegalAction

SHOWN_NAMES = 50


class Bargaining:
    """The part of a negotiation that carries out what its parties want.

    Args:
        good: what is traded; one of ``accounts.goods``.
        accounts: cash and goods, shared with the good's other markets.
        scale: the market's ticks.
        max_price: the highest price admitted, in ticks; None for no limit.
    """

    def __init__(self, good: str, accounts: Accounts, scale: TickScale, max_price: int | None) -> None:
        self.good = good
        self.accounts = accounts
        self.scale = scale
        self.max_price = max_price
        self.round = 0
        self.sub_round = 0
        self._traders = Traders()
        self._desk_of: dict[str, Desk] = {}
        self._proposals = Proposals()

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

    def _propose(self, trader: Trader, desk: Desk, act: Propose) -> Observation:
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

    def _accept(self, trader: Trader, desk: Desk, act: Answer) -> Observation:
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

    def _decline(self, trader: Trader, desk: Desk, act: Answer) -> Observation:
        found = self._proposals.to_be_answered(act.recipient_id, trader.agent_id, act.label)
        if isinstance(found, str):
            return self._refuse(trader, desk, found, None)
        self._close(found, OrderStatus.DECLINED, by=trader.agent_id, text=act.text)
        return {"status": "accepted", "reason": None}

    def _withdraw(self, trader: Trader, desk: Desk, act: Withdraw) -> Observation:
        own = self._proposals.live(trader.agent_id, act.recipient_id)
        if own is None:
            reason = f"you have no open proposal to {act.recipient_id[:40]!r} that you could cancel"
            return self._refuse(trader, desk, reason, None)
        self._close(own, OrderStatus.CANCELLED, by=trader.agent_id, text=act.text)
        return {"status": "accepted", "reason": None}

    def _refuse(
        self, trader: Trader, desk: Desk, reason: str, terms: Propose | Misread | None
    ) -> Observation:
        """Change nothing and say why; what was meant to trade is kept among the refused orders."""
        if terms is not None:
            desk.events.append(
                OrderRejected(
                    round=self.round,
                    agent_id=trader.agent_id,
                    order_id=desk.next_order_id(),
                    good=self.good,
                    side=terms.side,
                    price=terms.price,
                    quantity=terms.quantity,
                    reason=reason,
                )
            )
        return {"status": "rejected", "reason": reason}

    # -- who, and with what -----------------------------------------------------------------------------------

    def _desk(self, agent_id: str) -> Desk:
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

    def _stranger(self, trader: Trader, desk: Desk, counterpart: str) -> str | None:
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

    def _order(self, trader: Trader, desk: Desk, price: int, quantity: int) -> Order:
        """A new order with its reservation."""
        order = Order(desk.next_order_id(), trader.agent_id, trader.side, price, quantity, self.round)
        reserve(order, trader.account, self.good, quantity)
        return order

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
        release(order, self._traders[order.agent_id].account, self.good)
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

    def _trade(self, desk: Desk, acceptance: Order, offer: Order, acting: str) -> TradeMade:
        bid, ask = (acceptance, offer) if acceptance.side is Side.BID else (offer, acceptance)
        fill = match(bid, ask, offer.price)
        trade = book_trade(
            fill,
            self._traders,
            self.accounts,
            self.good,
            trade_id=desk.next_trade_id,
            round_number=self.round,
            acting=acting,
        )
        desk.trades.append(trade)
        desk.events += [
            trade,
            filled(bid, fill.bid_filled, trade),
            filled(ask, fill.ask_filled, trade),
        ]
        return trade

    def _trade_view(self, trade: Trade, counterpart: str) -> Observation:
        price = self.scale.to_currency(trade.price)
        return {"with": counterpart, "price": price, "quantity": trade.quantity}
