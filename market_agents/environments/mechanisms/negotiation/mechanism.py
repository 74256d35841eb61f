"""Bilateral negotiation: two agents agree on a price and a quantity, and their agreement is a trade.

A proposal is firm: the cash or goods and the units behind it are reserved for its recipient until it is accepted,
rejected, countered, withdrawn, replaced or expired. Whoever accepts must have what it takes at that moment; what it has
reserved for proposals of its own counts, and those that stand in the way are withdrawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from market_agents.economics.accounts import Accounts
from market_agents.economics.equilibrium import Equilibrium
from market_agents.economics.orders import OrderStatus
from market_agents.economics.ticks import TickScale
from market_agents.environments.environment import Event, Observation
from market_agents.environments.mechanisms.auction import RoundMeasures, RoundResult, TradeMade
from market_agents.environments.mechanisms.auction.measures import measure_course
from market_agents.environments.mechanisms.auction.results import measure_round, round_equilibrium
from market_agents.environments.mechanisms.negotiation.actions import NegotiationAct, read_negotiation
from market_agents.environments.mechanisms.negotiation.bargaining import Bargaining
from market_agents.environments.mechanisms.negotiation.desk import Desk, make_desks
from market_agents.environments.mechanisms.negotiation.proposals import Proposals
from market_agents.environments.mechanisms.negotiation.views import everything, own_view
from market_agents.errors import IllegalAction


class Negotiation(Bargaining):
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
        super().__init__(good, accounts, TickScale(tick_size), max_price)
        self.proposal_lifetime = proposal_lifetime
        self._desks: list[Desk] = []
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
        self._traders.admit(agent_id, role, self.accounts)

    def open_units(self, agent_id: str, units: Sequence[int]) -> None:
        """Set the values or costs, in ticks, that are open to an agent in the round to come."""
        self._traders.open_units(agent_id, units)

    def count_traded(self, agent_id: str, quantity: int) -> None:
        """Count units that an agent has traded in another market of this round; after ``begin_round``.

        Raises:
            ValueError: more than are left.
        """
        self._traders.count_traded(agent_id, quantity)

    def units_left(self, agent_id: str) -> tuple[int, ...]:
        """The values or costs still open to an agent, in ticks, in the order of trading."""
        return self._traders[agent_id].open_units

    def begin_round(self, round_number: int, cohorts: Sequence[tuple[str, ...]]) -> None:
        """Start a round among these cohorts; its trades, profits and open units are counted from here."""
        self._orders_before, self._trades_before = self._last_ids()
        self.round, self.sub_round = round_number, 0
        self._proposals = Proposals()
        self._traders.begin_round()
        self._desks = make_desks(cohorts, self._traders, self._orders_before, self._trades_before)
        self._desk_of = {agent_id: desk for desk in self._desks for agent_id in desk.members}

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

    def _last_ids(self) -> tuple[int, int]:
        """The highest ids that orders and trades have had so far."""
        orders = max([self._orders_before, *(desk.last_order_id for desk in self._desks)])
        return orders, max([self._trades_before, *(desk.last_trade_id for desk in self._desks)])

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

    # -- seeing -----------------------------------------------------------------------------------------------

    @property
    def trades(self) -> list[TradeMade]:
        """The trades of the round so far by their ids, which count all cohorts side by side."""
        trades = (trade for desk in self._desks for trade in desk.trades)
        return sorted(trades, key=lambda trade: trade.trade_id)

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
