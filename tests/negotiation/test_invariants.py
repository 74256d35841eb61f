"""Whatever agents say to each other: money and goods are kept, no unit trades twice, nobody trades unasked."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from market_agents.economics.equilibrium import competitive_equilibrium
from market_agents.environments.mechanisms.auction import TradeMade
from market_agents.environments.mechanisms.negotiation import ProposalAccepted, ProposalMade
from tests.negotiation.builders import Table

NAMES = ("ann", "bea", "cid", "dan", "eve")
NAME = st.sampled_from(NAMES)
PRICE = st.one_of(st.integers(0, 140), st.sampled_from([None, True, -1, float("nan"), 1e308, "95"]))
QUANTITY = st.one_of(st.integers(0, 4), st.sampled_from([None, True, 1.5, 2**70]))
LABEL = st.sampled_from([None, "p1", "p2", "p3"])


class Bargaining(RuleBasedStateMachine):
    """Two buyers and three sellers, one of them in another cohort in half of the runs, over several rounds."""

    @initialize(cash=st.integers(50, 400), goods=st.integers(0, 4), apart=st.booleans())
    def open(self, cash: int, goods: int, apart: bool) -> None:
        self.cohorts = [("ann", "bea", "cid", "dan"), ("eve",)] if apart else [NAMES]
        self.table = Table(
            {"ann": (120, 110, 100), "bea": (115, 90)},
            {"cid": (70, 80, 90), "dan": (75, 95), "eve": (60,)},
            cohorts=self.cohorts,
            cash=cash,
            goods=goods,
            proposal_lifetime=1,
        )
        self.opened = {name: self.table.negotiation.units_left(name) for name in NAMES}
        self.cash, self.goods = self.totals()
        self.staged: list[tuple[str, Any]] = []
        self.round = self.sub_round = 1
        self.proposed: set[tuple[str, str, str, int, int]] = set()

    def totals(self) -> tuple[int, int]:
        holdings = [self.table.accounts.holding(name) for name in NAMES]
        return sum(each.cash for each in holdings), sum(each.goods["apple"] for each in holdings)

    def do(self, agent_id: str, action: dict[str, object], *, later: bool) -> None:
        act = self.table.negotiation.read(agent_id, action)
        if later:
            self.staged.append((agent_id, act))
        else:
            self.carry_out(agent_id, act)

    def carry_out(self, agent_id: str, act: Any) -> None:
        before = {name: self.table.accounts.holding(name) for name in NAMES}
        told = self.table.negotiation.apply(agent_id, act)
        if told["status"] == "rejected":
            assert told["reason"]
            assert {name: self.table.accounts.holding(name) for name in NAMES} == before
        self.take_in()

    def take_in(self) -> None:
        """Every trade follows an acceptance by its recipient of terms that its proposer has put to it."""
        accepted: ProposalAccepted | None = None
        for event in self.table.negotiation.take_events():
            if isinstance(event, ProposalMade):
                terms = (event.agent_id, event.recipient_id, event.label, event.price, event.quantity)
                self.proposed.add(terms)
            elif isinstance(event, ProposalAccepted):
                accepted = event
            elif isinstance(event, TradeMade):
                assert accepted is not None
                terms = (
                    accepted.proposer_id,
                    accepted.agent_id,
                    accepted.label,
                    event.price,
                    event.quantity,
                )
                assert terms in self.proposed
                assert {event.buyer_id, event.seller_id} == {accepted.proposer_id, accepted.agent_id}
                accepted = None

    @rule(agent=NAME, to=NAME, price=PRICE, quantity=QUANTITY, label=LABEL, later=st.booleans())
    def propose(
        self, agent: str, to: str, price: object, quantity: object, label: str | None, later: bool
    ) -> None:
        action = {"performative": "propose", "recipient_id": to, "price": price, "quantity": quantity}
        self.do(agent, action | ({} if label is None else {"in_reply_to": label}), later=later)

    @rule(agent=NAME, price=st.integers(60, 130), later=st.booleans())
    def propose_something_sensible(self, agent: str, price: int, later: bool) -> None:
        others = self.table.negotiation.counterparts(agent)
        if others:
            to = others[price % len(others)]
            self.do(agent, {"performative": "propose", "recipient_id": to, "price": price}, later=later)

    @rule(
        agent=NAME,
        of=NAME,
        kind=st.sampled_from(["accept", "reject", "cancel"]),
        label=LABEL,
        later=st.booleans(),
    )
    def answer(self, agent: str, of: str, kind: str, label: str | None, later: bool) -> None:
        action: dict[str, object] = {"performative": kind, "recipient_id": of}
        self.do(agent, action | ({} if label is None else {"in_reply_to": label}), later=later)

    @rule(agent=NAME, later=st.booleans())
    def accept_what_is_there(self, agent: str, later: bool) -> None:
        offers = self.table.sees(agent)["proposals_to_you"]
        if offers:
            self.do(agent, {"performative": "accept", "recipient_id": offers[0]["from"]}, later=later)

    @rule(chance=st.randoms())
    def close_turn(self, chance: Any) -> None:
        """What was staged is carried out in any order."""
        staged, self.staged = self.staged, []
        chance.shuffle(staged)
        for agent_id, act in staged:
            self.carry_out(agent_id, act)
        self.sub_round += 1
        self.table.negotiation.begin_sub_round(self.sub_round)
        self.take_in()

    @rule()
    def end_round(self) -> None:
        self.staged.clear()
        self.table.negotiation.end_round()
        self.take_in()
        for name in NAMES:
            holding = self.table.accounts.holding(name)
            assert (holding.locked_cash, holding.locked_goods["apple"]) == (0, 0)
            self.opened[name] = self.table.negotiation.units_left(name)
            self.table.negotiation.open_units(name, self.opened[name])
        self.round, self.sub_round = self.round + 1, 1
        self.proposed.clear()
        self.table.negotiation.begin_round(self.round, self.cohorts)
        self.table.negotiation.begin_sub_round(1)

    @invariant()
    def money_and_goods_are_kept(self) -> None:
        assert self.totals() == (self.cash, self.goods)

    @invariant()
    def nothing_is_negative_and_what_is_reserved_backs_open_proposals(self) -> None:
        for name in NAMES:
            holding = self.table.accounts.holding(name)
            assert 0 <= holding.locked_cash <= holding.cash
            assert 0 <= holding.locked_goods["apple"] <= holding.goods["apple"]
            offers = self.table.sees(name)["your_proposals"]
            if name in {"ann", "bea"}:
                backing = sum(offer["price"] * offer["quantity"] for offer in offers)
                assert holding.locked_cash == backing
            else:
                assert holding.locked_goods["apple"] == sum(offer["quantity"] for offer in offers)
            assert sum(offer["quantity"] for offer in offers) <= len(self.table.negotiation.units_left(name))

    @invariant()
    def each_unit_is_traded_once_in_its_order(self) -> None:
        traded: dict[str, tuple[int, ...]] = dict.fromkeys(NAMES, ())
        for trade in self.table.negotiation.trades:
            traded[trade.buyer_id] += trade.buyer_values
            traded[trade.seller_id] += trade.seller_costs
        for name in NAMES:
            assert traded[name] + self.table.negotiation.units_left(name) == self.opened[name]

    @invariant()
    def no_more_is_gained_than_there_is(self) -> None:
        result = self.table.negotiation.round_result()
        equilibrium = competitive_equilibrium(
            [self.opened["ann"], self.opened["bea"]], [self.opened[name] for name in ("cid", "dan", "eve")]
        )
        assert result.maximum_surplus == equilibrium.surplus
        assert result.realized_surplus <= equilibrium.surplus
        assert sum(result.profits.values()) == result.realized_surplus

    @invariant()
    def there_is_one_live_proposal_in_each_direction(self) -> None:
        offers = self.table.negotiation.global_state()["proposals"]
        pairs = Counter((offer["from"], offer["to"]) for offer in offers)
        assert all(count == 1 for count in pairs.values())


TestBargaining = Bargaining.TestCase
TestBargaining.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
