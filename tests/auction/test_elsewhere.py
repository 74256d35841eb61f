"""A market whose traders have traded elsewhere in the round: what is left to them, and what it is measured by."""

from __future__ import annotations

from random import Random

import pytest

from tests.auction.builders import Market, market


def market_after_a_trade_elsewhere() -> Market:
    """Ann has bought her unit of 120 and Bob has sold his of 70."""
    made = market(buyers={"ann": (120, 110)}, sellers={"bob": (70, 80)})
    made.auction.count_traded("ann", 1)
    made.auction.count_traded("bob", 1)
    return made


def test_what_was_traded_elsewhere_is_not_traded_again() -> None:
    made = market_after_a_trade_elsewhere()
    assert made.auction.units_left("ann") == (110,)
    assert made.auction.observe("bob")["costs"] == [80.0]
    assert (
        made.act("ann", "bid", 100, 2)["reason"] == "you want to buy 2 but have 1 left to buy in this round"
    )
    made.act("ann", "bid", 100)
    made.act("bob", "ask", 90)
    (trade,) = made.auction.trades
    assert (trade.buyer_values, trade.seller_costs) == ((110,), (80,))


def test_the_round_is_measured_by_all_units_that_it_opened() -> None:
    made = market_after_a_trade_elsewhere()
    made.act("ann", "bid", 100)
    made.act("bob", "ask", 90)
    result = made.auction.round_result()
    assert result.maximum_surplus == (120 - 70) + (110 - 80)
    assert result.realized_surplus == 110 - 80
    assert result.efficiency == 30 / 80
    assert result.equilibrium.quantity_max == 2


@pytest.mark.parametrize("elsewhere", [("ann", "bob"), ("ann",), ("bob",)])
def test_losses_are_those_of_this_market_with_whomever_the_traders_traded_elsewhere(
    elsewhere: tuple[str, ...],
) -> None:
    made = market(buyers={"ann": (120, 110, 100)}, sellers={"bob": (70, 80, 90)})
    for agent_id in elsewhere:
        made.auction.count_traded(agent_id, 1)
    made.act("ann", "bid", 100)
    made.act("bob", "ask", 90)
    losses, efficiency = made.auction.round_measures().losses, made.auction.round_result().efficiency
    assert losses is not None
    assert efficiency is not None
    assert losses.total == pytest.approx(1 - efficiency)


def test_units_traded_elsewhere_count_anew_in_each_round() -> None:
    made = market_after_a_trade_elsewhere()
    made.auction.open_units("ann", (120,))
    made.auction.open_units("bob", (70,))
    made.auction.begin_round(2, Random(0))
    made.act("ann", "bid", 100)
    made.act("bob", "ask", 90)
    losses = made.auction.round_measures().losses
    assert losses is not None
    assert losses.total == 0


def test_more_than_is_left_cannot_have_been_traded() -> None:
    made = market_after_a_trade_elsewhere()
    with pytest.raises(ValueError, match="ann has 1 units left, cannot have traded 2"):
        made.auction.count_traded("ann", 2)


def test_an_old_order_for_more_than_is_left_expires() -> None:
    made = market(buyers={"ann": (120, 110)}, sellers={"bob": (70, 80)}, order_lifetime="run")
    made.act("ann", "bid", 60, 2)
    made.auction.begin_round(2, Random(0))
    made.auction.count_traded("ann", 1)
    assert not made.auction.has_open_order("ann")
    assert made.accounts.holding("ann").locked_cash == 0
