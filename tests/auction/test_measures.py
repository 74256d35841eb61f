"""How a round went on, by hand: losses, price changes, who traded when, and the book at the end of each turn."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.auction.builders import Market, market


def four_trades() -> Market:
    """Eight traders, four trades at 50, 60, 40 and 70, the marginal seller before the best one."""
    made = market(
        buyers={"b1": [100], "b2": [90], "b3": [80], "b4": [75]},
        sellers={"s1": [10], "s2": [20], "s3": [30], "s4": [35]},
    )
    for buyer, seller, price in (("b1", "s4", 50), ("b2", "s2", 60), ("b4", "s3", 40), ("b3", "s1", 70)):
        made.act(seller, "ask", price)
        made.act(buyer, "bid", price)
    made.auction.end_turn()
    return made


def test_price_changes_and_the_order_of_trading() -> None:
    measures = four_trades().auction.round_measures()
    # Changes 10, −20, 30 with mean 20/3: (10/3·−80/3 + −80/3·70/3) / ((10/3)² + (80/3)² + (70/3)²).
    expected = (10 / 3 * -80 / 3 + -80 / 3 * 70 / 3) / ((10 / 3) ** 2 + (80 / 3) ** 2 + (70 / 3) ** 2)
    assert measures.price_autocorrelation == pytest.approx(expected)
    # Ranks of values by trade 1, 2, 4, 3: ρ = 1 − 6·2/(4·15); of costs 4, 2, 3, 1: ρ = 1 − 6·18/(4·15).
    assert measures.rank_correlation_buyers == pytest.approx(0.8)
    assert measures.rank_correlation_sellers == pytest.approx(-0.8)


def test_profits_shared_unequally() -> None:
    measures = four_trades().auction.round_measures()
    profits = sorted([50, 30, 35, 10, 15, 40, 10, 60])
    differences = sum(abs(one - other) for one in profits for other in profits)
    assert measures.profit_gini == pytest.approx(differences / (2 * 8 * sum(profits)))


def test_all_is_audited_that_was_open() -> None:
    made = market(buyers={"ann": [100], "cay": [40]}, sellers={"bob": [20], "dan": [90]})
    # P0 is 65 in [40, 90], S* 80; the extramarginal buyer takes the unit of the only good seller.
    made.act("bob", "ask", 30)
    made.act("cay", "bid", 30)
    losses = made.auction.round_measures().losses
    assert losses is not None
    assert losses.intramarginal_buyers == pytest.approx(35 / 80)
    assert losses.extramarginal_buyers == pytest.approx(25 / 80)
    assert (losses.intramarginal_sellers, losses.extramarginal_sellers) == (0, 0)


def test_a_trade_is_as_late_as_the_quote_that_made_it() -> None:
    made = market(buyers={"ann": [100, 90]}, sellers={"bob": [10, 20], "dan": [30]})
    made.act("ann", "bid", 50)
    made.act("bob", "ask", 50)  # the second quote of five
    made.act("dan", "ask", 95)
    made.act("dan", "bid", 40)  # refused, but a quote
    made.act("ann", "bid", 95)  # the fifth
    assert made.auction.round_measures().late_trade_share == 0.5


def test_quotes_of_earlier_rounds_do_not_count() -> None:
    made = market(buyers={"ann": [100, 90]}, sellers={"bob": [10, 20]}, order_lifetime="run")
    made.act("bob", "ask", 50)
    for _ in range(8):
        made.act("bob", "bid", 1)
    made.auction.end_round()
    made.auction.begin_round(2, Random(0))
    made.act("ann", "bid", 50)  # meets the ask of round 1
    for _ in range(3):
        made.act("bob", "bid", 1)
    assert made.auction.round_measures().late_trade_share == 0


def test_trades_that_a_clearing_makes_are_as_late_as_its_turn() -> None:
    made = market(buyers={"ann": [100] * 3}, sellers={"bob": [10] * 3}, institution="midpoint")
    for _ in range(2):
        made.act("ann", "bid", 60)
        made.act("bob", "ask", 40)
        made.auction.end_turn()
    assert made.auction.round_measures().late_trade_share == 0.5
    made.auction.end_turn()
    made.auction.end_turn()
    assert made.auction.round_measures().late_trade_share == 0


@pytest.mark.parametrize("institution", ["midpoint", "call", "mcafee"])
def test_one_clearing_is_neither_early_nor_late(institution: str) -> None:
    made = market(
        buyers={"ann": [100], "cay": [90]}, sellers={"bob": [10], "dan": [20]}, institution=institution
    )
    for agent, action, price in (
        ("ann", "bid", 60),
        ("cay", "bid", 60),
        ("bob", "ask", 40),
        ("dan", "ask", 40),
    ):
        made.act(agent, action, price)
    made.auction.end_turn()
    made.auction.end_round()
    assert made.auction.round_result().volume > 0
    assert made.auction.round_measures().late_trade_share is None


def test_spread_and_depth_are_means_over_ends_of_turns() -> None:
    made = market(buyers={"ann": [100, 90], "cay": [80]}, sellers={"bob": [10, 20, 30]})
    made.act("ann", "bid", 40, 2)
    made.auction.end_turn()  # no ask: 2 units to buy, 0 to sell, no spread
    made.act("bob", "ask", 60, 3)
    made.auction.end_turn()  # 2 and 3 units, spread 20
    made.act("cay", "bid", 50)
    made.auction.end_turn()  # 3 and 3 units, spread 10
    measures = made.auction.round_measures()
    assert measures.mean_spread == 15
    assert measures.mean_bid_depth == pytest.approx(7 / 3)
    assert measures.mean_ask_depth == 2


def test_depth_counts_every_price_and_only_what_is_left_of_an_order() -> None:
    made = market(buyers={f"b{number}": [100, 90] for number in range(15)}, sellers={"bob": [10]})
    for number in range(15):
        made.act(f"b{number}", "bid", 20 + number, 2)
    made.act("bob", "ask", 34)
    made.auction.end_turn()
    assert made.auction.round_measures().mean_bid_depth == 29


@pytest.mark.parametrize("institution", ["call", "mcafee"])
def test_a_sealed_book_has_neither_spread_nor_depth(institution: str) -> None:
    made = market(buyers={"ann": [100]}, sellers={"bob": [10]}, institution=institution)
    made.act("ann", "bid", 20)
    made.act("bob", "ask", 60)
    made.auction.end_turn()
    measures = made.auction.round_measures()
    assert (measures.mean_spread, measures.mean_bid_depth, measures.mean_ask_depth) == (None, None, None)


def test_a_round_in_which_nothing_happens_leaves_most_undefined() -> None:
    measures = market(buyers={"ann": [100]}, sellers={"bob": [10]}).auction.round_measures()
    assert measures.losses is not None
    assert measures.losses.total == 1
    assert (measures.price_autocorrelation, measures.late_trade_share, measures.profit_gini) == (
        None,
        None,
        None,
    )
    assert (measures.rank_correlation_buyers, measures.mean_spread, measures.mean_bid_depth) == (
        None,
        None,
        None,
    )


def test_measures_start_anew_each_round() -> None:
    made = four_trades()
    made.auction.end_round()
    made.auction.begin_round(2, Random(0))
    measures = made.auction.round_measures()
    assert (measures.price_autocorrelation, measures.mean_bid_depth, measures.late_trade_share) == (
        None,
        None,
        None,
    )


@settings(deadline=None, max_examples=60)
@given(
    institution=st.sampled_from(["lob", "gs", "midpoint", "call", "mcafee"]),
    acts=st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(1, 60), st.booleans()), max_size=40),
)
def test_shares_are_shares_and_losses_add_up(institution: str, acts: list[tuple[str, int, bool]]) -> None:
    made = market(
        buyers={"a": [60, 40], "b": [50, 50], "c": [30]},
        sellers={"d": [10, 20], "e": [25, 45], "f": [55]},
        institution=institution,
    )
    for agent, price, ends_turn in acts:
        made.act(agent, "bid" if agent in "abc" else "ask", price)
        if ends_turn:
            made.auction.end_turn()
    made.auction.end_round()
    result, measures = made.auction.round_result(), made.auction.round_measures()
    assert measures.losses is not None
    assert result.efficiency is not None
    assert measures.losses.total == pytest.approx(1 - result.efficiency)
    for share in (measures.late_trade_share, measures.profit_gini):
        assert share is None or 0 <= share <= 1
    for correlation in (measures.rank_correlation_buyers, measures.rank_correlation_sellers):
        assert correlation is None or -1 - 1e-9 <= correlation <= 1 + 1e-9
    assert measures.mean_spread is None or measures.mean_spread > 0
