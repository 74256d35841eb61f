"""Strategies that decide on what they see and nothing else."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from random import Random
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market_agents.agents.strategies import (
    STRATEGIES,
    ConstrainedZeroIntelligence,
    FixedQuote,
    LinearDoubleAuction,
    MarketView,
    QuotingStrategy,
    Shaver,
    Truthful,
    UnconstrainedZeroIntelligence,
    make_strategy,
)
from market_agents.economics.ticks import TickScale
from market_agents.environments.mechanisms.auction.institutions.midpoint import midpoint
from market_agents.laboratory import simulate_market
from tests.strategies.scenes import Scene, observation


def quotes(strategy: QuotingStrategy, scene: Scene, draws: int = 4000) -> list[int]:
    rng = Random(1)
    made = [strategy.quote(scene, rng) for _ in range(draws)]
    return [price for price in made if price is not None]


def test_zi_c_bids_every_price_up_to_its_value_equally_often() -> None:
    counts = Counter(quotes(ConstrainedZeroIntelligence(), Scene(limit=10)))
    assert set(counts) == set(range(1, 11))
    assert max(counts.values()) - min(counts.values()) < 120


def test_zi_c_asks_every_price_from_its_cost_to_the_highest() -> None:
    counts = Counter(quotes(ConstrainedZeroIntelligence(), Scene(buying=False, limit=391)))
    assert set(counts) == set(range(391, 401))
    assert max(counts.values()) - min(counts.values()) < 120


def test_zi_c_asks_up_to_twice_its_cost_where_no_price_is_the_highest() -> None:
    made = quotes(ConstrainedZeroIntelligence(), Scene(buying=False, limit=30, max_price=None))
    assert (min(made), max(made)) == (30, 60)


def test_zi_c_stays_silent_where_any_admitted_price_loses_money() -> None:
    assert quotes(ConstrainedZeroIntelligence(), Scene(buying=False, limit=401)) == []
    assert quotes(ConstrainedZeroIntelligence(), Scene(limit=0)) == []


def test_the_opening_spread_keeps_offers_near_the_limit() -> None:
    bids = quotes(ConstrainedZeroIntelligence(0.1), Scene(limit=100))
    asks = quotes(ConstrainedZeroIntelligence(0.1), Scene(buying=False, limit=100))
    assert (min(bids), max(bids), min(asks), max(asks)) == (90, 100, 100, 110)


def test_zi_u_quotes_any_price_whatever_its_limit() -> None:
    for buying in (True, False):
        made = quotes(UnconstrainedZeroIntelligence(), Scene(buying=buying, limit=200, max_price=5))
        assert set(made) == {1, 2, 3, 4, 5}
    assert not UnconstrainedZeroIntelligence.constrained
    unlimited = quotes(UnconstrainedZeroIntelligence(), Scene(limit=4, max_price=None))
    assert set(unlimited) == set(range(1, 9))


def test_truthful_traders_quote_their_limit_as_far_as_it_is_admitted() -> None:
    assert quotes(Truthful(), Scene(limit=77), 1) == [77]
    assert quotes(Truthful(), Scene(limit=500), 1) == [400]
    assert quotes(Truthful(), Scene(buying=False, limit=0), 1) == [1]
    assert quotes(Truthful(), Scene(buying=False, limit=500), 1) == []


@pytest.mark.parametrize(
    ("scene", "price"),
    [
        (Scene(), 1),
        (Scene(best_bid=60), 61),
        (Scene(best_bid=99), 100),
        (Scene(best_bid=100), 100),
        (Scene(best_bid=130), 100),
        (Scene(limit=0), None),
        (Scene(buying=False), 400),
        (Scene(buying=False, max_price=None), 200),
        (Scene(buying=False, best_ask=150), 149),
        (Scene(buying=False, best_ask=101), 100),
        (Scene(buying=False, best_ask=100), 100),
        (Scene(buying=False, best_ask=70), 100),
        (Scene(buying=False, limit=500), None),
    ],
)
def test_the_shaver_beats_the_best_by_a_tick_within_its_limit(scene: Scene, price: int | None) -> None:
    assert Shaver().quote(scene, Random(0)) == price


def test_linear_strategies_follow_chatterjee_and_samuelson() -> None:
    buyer, seller = Scene(limit=600, max_price=1200), Scene(buying=False, limit=600, max_price=1200)
    assert LinearDoubleAuction().quote(buyer, Random(0)) == 400 + 100
    assert LinearDoubleAuction().quote(seller, Random(0)) == 400 + 300
    assert LinearDoubleAuction(1.0).quote(buyer, Random(0)) == 300
    assert LinearDoubleAuction(1.0).quote(seller, Random(0)) == 600
    with pytest.raises(ValueError, match="k must be between 0 and 1"):
        LinearDoubleAuction(1.5)


def test_fixed_quotes_never_move_and_never_lose() -> None:
    assert quotes(FixedQuote(90), Scene(limit=100), 2) == [90, 90]
    assert quotes(FixedQuote(110), Scene(limit=100), 2) == []
    assert quotes(FixedQuote(110), Scene(buying=False, limit=100), 1) == [110]
    assert quotes(FixedQuote(margin=0.2), Scene(limit=100), 1) == [80]
    assert quotes(FixedQuote(margin=0.2), Scene(buying=False, limit=100), 1) == [120]


@settings(deadline=None)
@given(
    name=st.sampled_from(sorted(set(STRATEGIES) - {"zi_u"})),
    buying=st.booleans(),
    limit=st.integers(0, 500),
    best=st.tuples(st.integers(1, 400), st.integers(1, 400)) | st.none(),
    max_price=st.sampled_from([400, None]),
    progress=st.floats(0, 1),
    seed=st.integers(0, 2**32),
)
def test_no_constrained_strategy_ever_quotes_beyond_its_limit(
    name: str,
    buying: bool,
    limit: int,
    best: tuple[int, int] | None,
    max_price: int | None,
    progress: float,
    seed: int,
) -> None:
    strategy = STRATEGIES[name](None)
    assert isinstance(strategy, QuotingStrategy)
    bid, ask = (None, None) if best is None else (min(best), max(best))
    scene = Scene(buying, limit, 1, bid, ask, None, max_price, progress)
    price = strategy.quote(scene, Random(seed))
    if price is not None:
        assert price >= 1
        assert max_price is None or price <= max_price
        assert price <= limit if buying else price >= limit


@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_every_strategy_acts_on_an_observation(name: str) -> None:
    strategy = STRATEGIES[name](None)
    bid = strategy.act(observation(units=(2.5,), best_ask=1.0, best_bid=0.95), Random(1))
    ask = STRATEGIES[name](None).act(observation("seller", (1.5,), best_bid=2.0, best_ask=2.05), Random(1))
    assert (bid["action"], ask["action"]) in {("bid", "ask"), ("hold", "hold")}
    if bid["action"] == "bid" and name != "zi_u":
        assert bid["price"] <= 2.5
        assert ask["price"] >= 1.5
        assert bid["quantity"] == ask["quantity"] == 1


@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_nobody_acts_without_a_unit(name: str) -> None:
    assert STRATEGIES[name](None).act(observation(units=()), Random(1)) == {"action": "hold"}


@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_the_same_stream_gives_the_same_act(name: str) -> None:
    seen = observation(units=(1.37,), best_bid=0.4, best_ask=1.1, trade_prices=(0.9, 1.0))
    acts = [STRATEGIES[name](None).act(seen, Random(9)) for _ in range(2)]
    assert acts[0] == acts[1]


def test_an_observation_is_read_in_ticks_that_never_exceed_the_limit() -> None:
    act = Truthful().act(observation(units=(1.019,)), Random(0))
    assert act == {"action": "bid", "price": 1.01, "quantity": 1}
    act = Truthful().act(observation("seller", (1.011,)), Random(0))
    assert act == {"action": "ask", "price": 1.02, "quantity": 1}


def test_whether_a_standing_quote_is_accepted_is_a_matter_of_gain() -> None:
    buyer, seller = Scene(best_ask=99), Scene(buying=False, best_bid=101)
    assert Truthful().accepts(buyer)
    assert Truthful().accepts(seller)
    assert not Truthful().accepts(Scene(best_ask=100))
    assert not Truthful().accepts(Scene(buying=False, best_bid=100))
    assert not Truthful().accepts(Scene())


@pytest.mark.parametrize(("value", "cost", "mean"), [(200, 50, 125), (320, 200, 260)])
def test_pairs_without_memory_trade_in_the_middle_of_what_both_can_name(
    value: int, cost: int, mean: int
) -> None:
    rng, trader = Random(7), ConstrainedZeroIntelligence()
    prices: list[int] = []
    while len(prices) < 20_000:
        bid = trader.quote(Scene(limit=value), rng) or 0
        ask = trader.quote(Scene(buying=False, limit=cost), rng) or 0
        if bid >= ask:
            prices.append(midpoint(bid, ask))
    assert fmean(prices) == pytest.approx(mean, abs=0.75)  # four standard errors


def test_a_fixed_price_is_in_currency_and_loses_nothing() -> None:
    strategy = make_strategy("fixed:1.25", scale=TickScale(Decimal("0.01")))
    quoted = [
        strategy.act(observation(role, units), Random(0)).get("price")
        for role, units in (
            ("buyer", (1.25,)),
            ("buyer", (1.24,)),
            ("seller", (1.25,)),
            ("seller", (1.26,)),
        )
    ]
    assert quoted == [1.25, None, 1.25, None]


def test_a_class_of_a_users_own_trades_in_the_laboratory() -> None:
    (period,) = simulate_market(
        [(20,)], [(5,)], trader=[f"{__name__}:Generous", "fixed:11"], periods=1, max_price=30
    )
    assert period.prices in {(11,), (19,)}


class Generous(QuotingStrategy):
    """Keeps one tick."""

    def quote(self, view: MarketView, rng: Random) -> int | None:
        return view.limit - 1
