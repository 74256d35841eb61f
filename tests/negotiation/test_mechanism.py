"""Negotiation: who may say what to whom, what a proposal binds, and what an agreement books."""

from __future__ import annotations

import math
from typing import Any

import pytest

from market_agents.economics import price_autocorrelation, rank_correlation
from market_agents.environments.mechanisms.auction import OrderFilled, OrderRejected, TradeMade
from market_agents.environments.mechanisms.group_chat import GroupChat
from market_agents.environments.mechanisms.negotiation import ProposalAccepted, ProposalClosed, ProposalMade
from market_agents.errors import IllegalAction
from tests.negotiation.builders import Table


def reason(told: dict[str, Any]) -> str:
    assert told["status"] == "rejected"
    return str(told["reason"])


def test_when_both_agree_the_trade_is_booked() -> None:
    table = Table()
    assert table.propose("ann", "cid", 95, 2) == {"status": "accepted", "reason": None, "label": "p1"}
    told = table.accept("cid", "ann")
    assert told["trade"] == {"with": "ann", "price": 95.0, "quantity": 2}
    (trade,) = table.negotiation.trades
    assert (trade.buyer_id, trade.seller_id, trade.price, trade.quantity) == ("ann", "cid", 95, 2)
    assert (trade.buyer_values, trade.seller_costs) == ((120, 110), (70, 80))
    assert (trade.buyer_surplus, trade.seller_surplus) == (230 - 190, 190 - 150)
    assert (table.accounts.holding("ann").cash, table.accounts.holding("cid").cash) == (810, 190)
    assert table.accounts.holding("ann").goods["apple"] == 2
    assert table.negotiation.units_left("ann") == (100,)
    assert table.negotiation.units_left("cid") == (90,)


def test_what_is_decided_is_told_as_events() -> None:
    table = Table()
    table.propose("ann", "cid", 95, message="for you")
    table.accept("cid", "ann", message="done")
    made, accepted, trade, *fills = table.negotiation.take_events()
    assert isinstance(made, ProposalMade)
    assert (made.agent_id, made.recipient_id, made.label, made.text) == ("ann", "cid", "p1", "for you")
    assert isinstance(accepted, ProposalAccepted)
    assert (accepted.agent_id, accepted.proposer_id, accepted.text) == ("cid", "ann", "done")
    assert isinstance(trade, TradeMade)
    assert (trade.bid_order_id, trade.ask_order_id) == (made.order_id, accepted.order_id)
    assert [fill.order_id for fill in fills if isinstance(fill, OrderFilled)] == [1, 2]
    assert table.negotiation.take_events() == []


def test_nobody_trades_without_both_consents() -> None:
    table = Table()
    table.propose("ann", "cid", 95)
    for other in ("bea", "dan"):
        assert "ann" in reason(table.accept(other, "ann"))
    assert "no proposal open to you" in reason(table.accept("ann", "cid"))
    assert reason(table.accept("ann", "ann", in_reply_to="p1")).startswith("there is no proposal 'p1'")
    assert table.negotiation.trades == []


def test_no_action_can_name_another_sender() -> None:
    table = Table()
    for key in ("sender", "sender_id", "agent_id", "from"):
        told = table.propose("ann", "cid", 95, **{key: "bea"})
        assert reason(told).startswith(f"unknown key {key!r}")


@pytest.mark.parametrize(
    ("price", "quantity", "words"),
    [
        (math.nan, 1, '"price" must be a number'),
        (math.inf, 1, '"price" must be a number'),
        (-math.inf, 1, '"price" must be a number'),
        (-1, 1, '"price" must be a number'),
        (0, 1, '"price" must be a number'),
        (1e308, 1, '"price" must be a number'),
        ("12", 1, "\"price\" must be a number, not '12'"),
        (True, 1, '"price" must be a number, not True'),
        (None, 1, '"price" must be a number, not None'),
        ([95], 1, '"price" must be a number, not a value of type list'),
        (95, 0, '"quantity" must be a whole number from 1'),
        (95, -1, '"quantity" must be a whole number from 1'),
        (95, 1.5, '"quantity" must be a whole number, not 1.5'),
        (95, 2**63, '"quantity" must be a whole number from 1'),
        (95, True, '"quantity" must be a whole number, not True'),
        (95, "1", '"quantity" must be a whole number'),
        (95, 4, "you want to buy 4 but have 3 left to buy in this round"),
        (501, 2, "2 at 501 takes 1002 in cash; you have 1000 available"),
    ],
)
def test_terms_that_make_no_sense_are_refused_and_kept(price: object, quantity: object, words: str) -> None:
    table = Table()
    assert reason(table.propose("ann", "cid", price, quantity)).startswith(words)
    (event,) = table.negotiation.take_events()
    assert isinstance(event, OrderRejected)
    assert event.agent_id == "ann"
    assert table.accounts.holding("ann").locked_cash == 0
    assert table.sees("cid")["proposals_to_you"] == []


def test_goods_that_are_not_there_cannot_be_offered() -> None:
    table = Table(goods=1)
    assert reason(table.propose("cid", "ann", 95, 2)) == "to sell 2 you need 2; you have 1 available"


@pytest.mark.parametrize("side", ["ask", "buy", "", None, 1, True, "hold"])
def test_the_side_is_ones_own(side: object) -> None:
    table = Table()
    told = table.propose("ann", "cid", 95, side=side)
    assert "you may bid, not ask" in reason(told) or '"side" must be "bid" or "ask"' in reason(told)
    assert table.propose("ann", "cid", 95, side="bid")["status"] == "accepted"


@pytest.mark.parametrize("counterpart", ["bea", "ann", "eve", "all", "", "cid, dan", "x" * 5_000])
def test_who_is_no_counterpart_is_refused_with_those_who_are(counterpart: str) -> None:
    told = reason(Table().propose("ann", counterpart, 95))
    assert told.endswith("valid counterparts are: cid, dan")
    assert len(told) < 200


def test_among_thousands_some_counterparts_are_named_and_all_are_counted() -> None:
    sellers = {f"seller_{number}": (80,) for number in range(3_000)}
    table = Table({"ann": (120,)}, sellers)
    told = reason(table.propose("ann", ", ".join(sellers), 95))
    assert told.endswith("… (3000 in all)")
    assert len(told) < 1_000


def test_another_cohort_is_out_of_reach() -> None:
    table = Table(cohorts=[("ann", "cid"), ("bea", "dan")])
    assert reason(table.propose("ann", "dan", 95)).endswith("valid counterparts are: cid")
    assert table.propose("bea", "dan", 95)["status"] == "accepted"


def test_an_agent_in_no_cohort_cannot_act() -> None:
    table = Table(cohorts=[("ann", "cid", "dan")])
    with pytest.raises(IllegalAction, match="bea is in no cohort of this round"):
        table.propose("bea", "cid", 95)


def test_a_proposal_reserves_what_backs_it_until_it_ends() -> None:
    table = Table()
    table.propose("ann", "cid", 95, 2)
    table.propose("dan", "bea", 100)
    assert table.accounts.holding("ann").locked_cash == 190
    assert table.accounts.holding("dan").locked_goods["apple"] == 1
    table.reject("cid", "ann")
    table.cancel("dan", "bea")
    assert table.accounts.holding("ann").locked_cash == 0
    assert table.accounts.holding("dan").locked_goods["apple"] == 0


def test_open_proposals_promise_no_unit_and_no_cash_twice() -> None:
    table = Table({"ann": (120, 110)}, SELLERS_OF_THREE, cash=200)
    table.propose("ann", "cid", 95)
    assert reason(table.propose("ann", "dan", 110)) == (
        "1 at 110 takes 110 in cash; you have 105 available beside your open proposals to cid"
    )
    assert table.propose("ann", "dan", 100)["status"] == "accepted"
    assert reason(table.propose("ann", "eve", 1)).startswith("you want to buy 1 but have 0 left")


SELLERS_OF_THREE = {"cid": (70,), "dan": (75,), "eve": (80,)}


def test_a_new_proposal_to_the_same_counterpart_replaces_the_old_one() -> None:
    table = Table(cash=100)
    table.propose("ann", "cid", 90)
    assert table.propose("ann", "cid", 100)["label"] == "p2"
    assert table.accounts.holding("ann").locked_cash == 100
    assert reason(table.accept("cid", "ann", in_reply_to="p1")) == (
        "the proposal 'p1' of ann was replaced by a newer one"
    )
    assert [offer["label"] for offer in table.sees("cid")["proposals_to_you"]] == ["p2"]


def test_a_counter_proposal_answers_and_can_be_accepted() -> None:
    table = Table()
    table.propose("ann", "cid", 90)
    assert table.propose("cid", "ann", 100)["status"] == "accepted"
    assert table.accounts.holding("ann").locked_cash == 0
    made = [event for event in table.negotiation.take_events() if isinstance(event, ProposalMade)]
    assert made[-1].answers == "p1"
    assert reason(table.accept("cid", "ann", in_reply_to="p1")).endswith("has been answered already")
    assert table.accept("ann", "cid")["trade"]["price"] == 100.0


def test_a_rejection_carries_its_reason() -> None:
    table = Table()
    table.propose("ann", "cid", 60)
    assert table.reject("cid", "ann", message="too low")["status"] == "accepted"
    closed = table.negotiation.take_events()[-1]
    assert isinstance(closed, ProposalClosed)
    assert (closed.status, closed.by, closed.text) == ("declined", "cid", "too low")
    assert reason(table.accept("cid", "ann", in_reply_to="p1")).endswith("has been answered already")


def test_what_was_withdrawn_or_has_expired_cannot_be_accepted() -> None:
    table = Table(proposal_lifetime=1)
    table.propose("ann", "cid", 95)
    table.cancel("ann", "cid")
    assert reason(table.accept("cid", "ann", in_reply_to="p1")).endswith("was withdrawn")
    table.propose("ann", "cid", 95)
    table.negotiation.begin_sub_round(2)
    assert len(table.sees("cid")["proposals_to_you"]) == 1
    table.negotiation.begin_sub_round(3)
    assert reason(table.accept("cid", "ann", in_reply_to="p2")).endswith("has expired")
    assert table.accounts.holding("ann").locked_cash == 0


def test_an_acceptance_is_given_once() -> None:
    table = Table()
    table.propose("ann", "cid", 95)
    table.accept("cid", "ann")
    assert reason(table.accept("cid", "ann", in_reply_to="p1")).endswith("has been accepted already")
    assert reason(table.cancel("ann", "cid")) == "you have no open proposal to 'cid' that you could cancel"
    assert len(table.negotiation.trades) == 1


def test_two_acceptances_of_one_pair_make_one_trade() -> None:
    """Both have proposed and both accept: the second to be carried out is told that they have traded."""
    table = Table()
    table.propose("ann", "cid", 90)
    crossing = table.negotiation.read(
        "cid", {"performative": "propose", "recipient_id": "ann", "price": 100, "in_reply_to": None}
    )
    table.negotiation.apply("cid", crossing)
    acts = {
        name: table.negotiation.read(name, {"performative": "accept", "recipient_id": other})
        for name, other in (("ann", "cid"), ("cid", "ann"))
    }
    assert table.negotiation.apply("ann", acts["ann"])["trade"]["price"] == 100.0
    told = reason(table.negotiation.apply("cid", acts["cid"]))
    assert told == "the proposal 'p1' of ann gave way to yours, which ann has accepted"
    assert len(table.negotiation.trades) == 1


def test_an_acceptance_means_the_terms_that_were_seen() -> None:
    """In a simultaneous turn the proposer may change its mind; the accepting side is not bound to what it never saw."""
    table = Table()
    table.propose("cid", "ann", 80)
    seen = table.negotiation.read("ann", {"performative": "accept", "recipient_id": "cid"})
    table.propose("cid", "ann", 110)
    assert reason(table.negotiation.apply("ann", seen)).endswith("was replaced by a newer one")
    assert table.negotiation.trades == []


def test_the_last_unit_goes_to_whom_it_is_given_first_and_the_other_is_told() -> None:
    table = Table({"ann": (120,)}, {"cid": (70,), "dan": (75,)})
    table.propose("cid", "ann", 90)
    table.propose("dan", "ann", 80)
    assert table.accept("ann", "cid")["status"] == "accepted"
    assert reason(table.accept("ann", "dan")) == "you want to buy 1 but have 0 left to buy in this round"


def test_an_acceptance_may_use_what_backs_own_proposals_and_ends_them() -> None:
    table = Table({"ann": (120,)}, {"cid": (70,), "dan": (75,)})
    table.propose("ann", "cid", 80)
    table.propose("dan", "ann", 90)
    assert table.accept("ann", "dan")["status"] == "accepted"
    assert reason(table.accept("cid", "ann", in_reply_to="p1")).endswith("was withdrawn")
    assert table.accounts.holding("ann").locked_cash == 0


def test_an_acceptance_ends_no_more_of_the_own_proposals_than_it_needs() -> None:
    table = Table({"ann": (120, 110, 100)}, SELLERS_OF_THREE)
    table.propose("ann", "cid", 80)
    table.propose("ann", "dan", 80)
    table.propose("eve", "ann", 90)
    table.accept("ann", "eve")
    assert [offer["to"] for offer in table.sees("ann")["your_proposals"]] == ["cid", "dan"]


def test_an_acceptance_without_cover_changes_nothing() -> None:
    table = Table(cash=100)
    table.propose("cid", "ann", 120)
    assert reason(table.accept("ann", "cid")) == "1 at 120 takes 120 in cash; you have 100 available"
    assert len(table.sees("ann")["proposals_to_you"]) == 1
    assert table.accounts.holding("cid").locked_goods["apple"] == 1


def test_nothing_of_a_third_party_is_seen() -> None:
    table, quiet = Table(), Table()
    table.propose("bea", "dan", 85, message="a secret")
    table.accept("dan", "bea")
    table.propose("bea", "dan", 80)
    assert table.sees("ann") == quiet.sees("ann")
    assert table.sees("cid") == quiet.sees("cid")
    for party in ("bea", "dan"):
        assert "120" not in str(table.sees(party)), "a value of Ann's"
    told = table.propose("ann", "cid", 95)
    assert told == quiet.propose("ann", "cid", 95), "labels count what two parties told each other alone"


def test_a_party_sees_the_others_terms_and_not_the_others_purse() -> None:
    table = Table()
    table.propose("ann", "cid", 95, 2, message="fair?")
    assert table.sees("cid")["proposals_to_you"] == [
        {"from": "ann", "label": "p1", "side": "bid", "price": 95.0, "quantity": 2, "message": "fair?"}
    ]
    assert table.sees("cid")["costs"] == [70.0, 80.0, 90.0]
    assert "values" not in table.sees("cid")


def test_the_round_ends_with_nothing_reserved() -> None:
    table = Table()
    table.propose("ann", "cid", 95)
    table.propose("dan", "bea", 95)
    table.negotiation.end_round()
    for name in table.names:
        holding = table.accounts.holding(name)
        assert (holding.locked_cash, holding.locked_goods["apple"]) == (0, 0)
    assert table.negotiation.global_state() == {"proposals": [], "trades": []}


def test_a_round_is_measured_by_all_units_that_it_opened() -> None:
    table = Table({"ann": (120, 110)}, {"cid": (70, 80)})
    table.negotiation.count_traded("ann", 1)
    table.negotiation.count_traded("cid", 1)
    table.propose("ann", "cid", 95)
    table.accept("cid", "ann")
    result = table.negotiation.round_result()
    assert (result.realized_surplus, result.maximum_surplus) == (110 - 80, 50 + 30)
    assert result.profits == {"ann": 15, "cid": 15}


def test_ids_do_not_depend_on_which_cohort_was_faster() -> None:
    seen = set()
    for order in (("ann", "bea"), ("bea", "ann")):
        table = Table(cohorts=[("ann", "cid"), ("bea", "dan")])
        partner = {"ann": "cid", "bea": "dan"}
        for name in order:
            table.propose(name, partner[name], 85)
            table.accept(partner[name], name)
        seen.add(
            tuple((trade.trade_id, trade.buyer_id, trade.bid_order_id) for trade in table.negotiation.trades)
        )
        events = table.negotiation.take_events()
        table.negotiation.begin_round(2, [table.names])
        assert (
            len({event.order_id for event in events if isinstance(event, ProposalMade | ProposalAccepted)})
            == 4
        )
    assert seen == {((1, "ann", 1), (2, "bea", 2))}


def test_a_rounds_course_is_measured_in_the_order_of_the_ids_of_its_trades() -> None:
    table = Table({"ann": (120, 60), "bea": (110, 100)}, cohorts=[("ann", "cid"), ("bea", "dan")])
    for buyer, seller, price in (
        ("ann", "cid", 90),
        ("ann", "cid", 60),
        ("bea", "dan", 80),
        ("bea", "dan", 85),
    ):
        table.propose(buyer, seller, price)
        table.accept(seller, buyer)
    trades = table.negotiation.trades
    assert [(trade.trade_id, trade.price) for trade in trades] == [(1, 90), (2, 80), (3, 60), (4, 85)]
    measures = table.negotiation.round_measures()
    assert measures.price_autocorrelation == price_autocorrelation([90, 80, 60, 85])
    assert measures.rank_correlation_buyers == rank_correlation([120, 110, 60, 100])


def test_ids_are_unique_over_rounds() -> None:
    table = Table(cohorts=[("ann", "cid"), ("bea", "dan")])
    ids, trades = [], []
    for number in (1, 2, 3):
        table.propose("bea", "dan", 85)
        table.accept("dan", "bea")
        events = table.negotiation.take_events()
        ids += [event.order_id for event in events if isinstance(event, ProposalMade | ProposalAccepted)]
        trades += [trade.trade_id for trade in table.negotiation.trades]
        for name, units in (("bea", (115,)), ("dan", (75,))):
            table.negotiation.open_units(name, units)
        table.negotiation.begin_round(number + 1, [("ann", "cid"), ("bea", "dan")])
    assert len(set(ids)) == 6
    assert len(set(trades)) == 3
    assert ids == sorted(ids)


@pytest.mark.parametrize(
    "action",
    [
        {"performative": "shout", "recipient_id": "cid"},
        {"performative": None, "recipient_id": "cid"},
        {"performative": ["propose"], "recipient_id": "cid"},
        {"performative": "propose"},
        {"performative": "propose", "recipient_id": 7, "price": 1},
        {"performative": "propose", "recipient_id": "cid", "price": 95, "message": 7},
        {"performative": "accept", "recipient_id": "cid", "in_reply_to": 7},
        {"performative": "accept", "recipient_id": "cid", "in_reply_to": "p" * 10_000},
        {"performative": "reject", "recipient_id": "\x00\ud800"},
    ],
)
def test_what_makes_no_sense_is_refused_in_one_short_line(action: dict[str, object]) -> None:
    table = Table()
    told = reason(table.say("ann", **action))
    assert 10 < len(told) < 300
    assert "\n" not in told
    told.encode()


def test_the_words_of_fipa_are_understood() -> None:
    table = Table()
    table.propose("ann", "cid", 95)
    assert table.say("cid", performative="accept-proposal", recipient_id="ann")["status"] == "accepted"
    table.propose("ann", "cid", 95)
    assert table.say("cid", performative="reject-proposal", recipient_id="ann")["status"] == "accepted"


def test_where_nothing_binds_a_proposal_is_told_so() -> None:
    chat = GroupChat()
    chat.join("ann", "buyer")
    with pytest.raises(IllegalAction, match=r"does not set negotiation\.binding; say it in a message$"):
        chat.check("ann", {"performative": "propose", "recipient_id": "cid", "price": 95})
