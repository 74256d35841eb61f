"""Strategies that learn from what they hear: ZIP, Gjerstad & Dickhaut, Kaplan's sniper."""

from __future__ import annotations

from decimal import Decimal
from random import Random

import numpy as np
import pytest

from market_agents.agents.strategies import Kaplan, Shout, make_population
from market_agents.agents.strategies.gd import GD, GDMemory
from market_agents.agents.strategies.kaplan import PriceRange
from market_agents.agents.strategies.strategy import Listener, ObservedView
from market_agents.agents.strategies.zip import ZIP, ZIPCrowd
from market_agents.economics.ticks import TickScale
from tests.strategies.scenes import Scene, observation


def pair(*, buyer_has_units: bool = True, seller_has_units: bool = True) -> ZIPCrowd:
    """A buyer worth 200 and a seller at 100, margins as drawn."""
    crowd = ZIPCrowd(2, np.random.default_rng(3))
    crowd.open(0, buying=True, limit=200)
    crowd.open(1, buying=False, limit=100)
    if not buyer_has_units:
        crowd.open(0, buying=True, limit=None)
    if not seller_has_units:
        crowd.open(1, buying=False, limit=None)
    return crowd


def moves(crowd: ZIPCrowd, shout: Shout) -> tuple[int, int]:
    """The direction in which buyer and seller move."""
    before = crowd.price(0), crowd.price(1)
    crowd.hear(shout)
    after = crowd.price(0), crowd.price(1)
    return int(np.sign(after[0] - before[0])), int(np.sign(after[1] - before[1]))


class TestZIP:
    def test_opening_prices_keep_a_margin_of_5_to_35_percent(self) -> None:
        crowd = ZIPCrowd(200, np.random.default_rng(0))
        for index in range(200):
            crowd.open(index, buying=index < 100, limit=100)
        bids, asks = [crowd.price(i) for i in range(100)], [crowd.price(i) for i in range(100, 200)]
        assert 65 <= min(bids) < 70 < 90 < max(bids) <= 95
        assert 105 <= min(asks) < 110 < 130 < max(asks) <= 135

    @pytest.mark.parametrize(
        ("shout", "direction"),
        [
            (Shout(bid=True, price=130, accepted=True), (-1, 1)),
            (Shout(bid=False, price=130, accepted=True), (-1, 1)),
            (Shout(bid=True, price=60, accepted=True), (-1, -1)),
            (Shout(bid=False, price=60, accepted=True), (-1, 0)),
            (Shout(bid=True, price=300, accepted=True), (0, 1)),
            (Shout(bid=False, price=300, accepted=True), (1, 1)),
            (Shout(bid=True, price=190, accepted=False), (1, 0)),
            (Shout(bid=True, price=100, accepted=False), (0, 0)),
            (Shout(bid=False, price=105, accepted=False), (0, -1)),
            (Shout(bid=False, price=170, accepted=False), (0, 0)),
        ],
    )
    def test_prices_move_as_cliff_and_bruten_say(self, shout: Shout, direction: tuple[int, int]) -> None:
        assert moves(pair(), shout) == direction

    @pytest.mark.parametrize("seed", range(20))
    def test_whose_own_quote_is_turned_down_comes_closer_wherever_between_ticks_its_price_is(
        self, seed: int
    ) -> None:
        crowd = ZIPCrowd(2, np.random.default_rng(seed))
        crowd.open(0, buying=True, limit=200)
        crowd.open(1, buying=False, limit=100)
        assert moves(crowd, Shout(bid=True, price=round(crowd.price(0)), accepted=False)) == (1, 0)
        assert moves(crowd, Shout(bid=False, price=round(crowd.price(1)), accepted=False)) == (0, -1)

    def test_who_has_no_unit_left_no_longer_comes_closer_but_still_asks_for_more(self) -> None:
        out = pair(buyer_has_units=False, seller_has_units=False)
        assert moves(out, Shout(bid=True, price=190, accepted=False)) == (0, 0)
        assert moves(out, Shout(bid=False, price=105, accepted=False)) == (0, 0)
        assert moves(out, Shout(bid=True, price=60, accepted=True)) == (-1, 0)
        assert moves(out, Shout(bid=False, price=300, accepted=True)) == (0, 1)

    def test_a_margin_never_changes_its_sign_and_a_price_never_leaves_the_market(self) -> None:
        crowd = pair()
        for _ in range(200):
            crowd.hear(Shout(bid=True, price=390, accepted=False))
            crowd.hear(Shout(bid=False, price=1, accepted=False))
        assert crowd.price(0) == 200
        assert crowd.price(1) == 100
        for _ in range(400):
            crowd.hear(Shout(bid=False, price=1, accepted=True))
        assert 1 <= crowd.price(0) < 5

    def test_prices_follow_shouts_to_their_level(self) -> None:
        crowd = pair()
        for _ in range(100):
            crowd.hear(Shout(bid=True, price=150, accepted=True))
        assert crowd.price(0) == pytest.approx(150, abs=15)
        assert crowd.price(1) == pytest.approx(150, abs=15)

    def test_the_margin_applies_to_the_next_unit(self) -> None:
        crowd = pair()
        share = crowd.price(0) / 200
        crowd.open(0, buying=True, limit=100)
        assert crowd.price(0) == pytest.approx(100 * share)

    def test_a_trader_alone_draws_its_parameters_from_its_first_stream(self) -> None:
        seen = observation(units=(2.0,))
        one, same, other = (ZIP().act(seen, Random(seed))["price"] for seed in (1, 1, 2))
        assert one == same != other
        assert 1.3 <= one <= 1.9

    def test_a_unit_worth_nothing_is_not_bid_for(self) -> None:
        assert ZIP().quote(Scene(limit=0), Random(1)) is None

    def test_a_trader_alone_learns_from_observations(self) -> None:
        trader = ZIP()
        first = trader.act(observation(units=(2.0,)), Random(1))["price"]
        for turn in range(30):
            prices = tuple([1.0] * (turn + 1))[-10:]
            last = trader.act(observation(units=(2.0,), trade_prices=prices, best_bid=0.5), Random(turn))[
                "price"
            ]
            trader.act(
                observation(units=(2.0,), trade_prices=prices, best_bid=0.5 + turn / 100), Random(turn)
            )
        assert last < first


class TestGD:
    def test_beliefs_run_straight_between_the_ends_of_the_range_at_first(self) -> None:
        memory = GDMemory()
        assert memory.belief(100, buying=False)[[0, 50, 100]].tolist() == [1.0, 0.5, 0.0]
        assert memory.belief(100, buying=True)[[0, 50, 100]].tolist() == [0.0, 0.5, 1.0]

    def test_beliefs_count_what_was_taken_and_what_was_not(self) -> None:
        memory = GDMemory()
        memory.hear(Shout(bid=False, price=60, accepted=False))
        memory.hear(Shout(bid=False, price=50, accepted=False))
        memory.hear(Shout(bid=True, price=50, accepted=True))
        belief = memory.belief(100, buying=False)
        # At 50: the ask at 50 taken, nothing refused at or below; at 60: one ask refused.
        assert belief[[50, 60]].tolist() == [1.0, 0.0]
        assert belief[55] == pytest.approx(0.5)

    def test_a_bid_above_others_that_failed_is_believed_in(self) -> None:
        memory = GDMemory()
        memory.hear(Shout(bid=True, price=30, accepted=False))
        memory.hear(Shout(bid=True, price=40, accepted=False))
        memory.hear(Shout(bid=False, price=40, accepted=True))
        belief = memory.belief(100, buying=True)
        assert belief[[30, 40]].tolist() == [0.0, 1.0]

    def test_only_the_last_five_trades_are_remembered(self) -> None:
        memory = GDMemory()
        memory.hear(Shout(bid=False, price=90, accepted=True))
        assert memory.belief(100, buying=True)[90] > 0.5
        for _ in range(5):
            memory.hear(Shout(bid=False, price=20, accepted=True))
        straight = 1 - (100 - 90) / (100 - 20) * (1 - memory.belief(100, buying=True)[20])
        assert memory.belief(100, buying=True)[90] == pytest.approx(straight)

    def test_it_picks_the_price_with_the_largest_expected_surplus(self) -> None:
        # Without history a bid b is taken with b/400, so (v − b)·b is largest at v/2.
        buyer, seller = GD(), GD()
        assert buyer.quote(Scene(limit=100), Random(0)) == 50
        assert buyer.eagerness(Scene(limit=100)) == pytest.approx(50 * 50 / 400)
        assert seller.quote(Scene(buying=False, limit=100), Random(0)) == 250

    def test_it_improves_the_best_quote_or_takes_the_other(self) -> None:
        assert GD().quote(Scene(limit=100, best_bid=70), Random(0)) == 71
        assert GD().quote(Scene(limit=100, best_ask=60), Random(0)) == 60
        assert GD().quote(Scene(buying=False, limit=100, best_bid=350), Random(0)) == 350
        assert GD().quote(Scene(limit=100, best_bid=100), Random(0)) is None
        assert GD().eagerness(Scene(limit=100, best_bid=100)) == 0
        assert GD().eagerness(Scene(limit=100, units_left=0)) == 0


class TestKaplan:
    def sniper(self) -> Kaplan:
        """One that saw prices from 90 to 110 in the last period."""
        memory = PriceRange()
        for price in (100, 90, 110):
            memory.hear(Shout(bid=True, price=price, accepted=True))
        memory.hear(Shout(bid=True, price=5, accepted=False))
        memory.begin_period()
        assert (memory.low, memory.high) == (90, 110)
        return Kaplan(memory)

    @pytest.mark.parametrize(
        ("scene", "price"),
        [
            (Scene(limit=150, best_bid=20, best_ask=89), 89),
            (Scene(limit=150, best_bid=20, best_ask=90), None),
            (Scene(limit=150, best_bid=95, best_ask=100), 100),
            (Scene(limit=150, best_bid=108, best_ask=111), None),
            (Scene(limit=101, best_bid=95, best_ask=100), None),
            (Scene(limit=80, best_bid=20, best_ask=89), None),
            (Scene(limit=150, best_bid=20, best_ask=140, progress=0.95), 140),
            (Scene(limit=150, best_bid=20, best_ask=170, progress=0.95), 150),
            (Scene(limit=150), 1),
            (Scene(buying=False, limit=50, best_bid=111, best_ask=300), 111),
            (Scene(buying=False, limit=50, best_bid=95, best_ask=100), 95),
            (Scene(buying=False, limit=50, best_bid=89, best_ask=90), None),
            (Scene(buying=False, limit=50), 400),
        ],
    )
    def test_it_waits_for_a_bargain_a_narrow_spread_or_the_end(self, scene: Scene, price: int | None) -> None:
        assert self.sniper().quote(scene, Random(0)) == price

    def test_a_period_without_a_trade_changes_nothing_that_is_known(self) -> None:
        memory = PriceRange()
        memory.hear(Shout(bid=True, price=100, accepted=True))
        memory.begin_period()
        memory.begin_period()
        assert (memory.low, memory.high) == (100, 100)


class Notebook:
    """An ear that writes down."""

    def __init__(self) -> None:
        self.heard: list[Shout] = []
        self.periods = 0

    def hear(self, shout: Shout) -> None:
        self.heard.append(shout)

    def begin_period(self) -> None:
        self.periods += 1


def test_shouts_are_reconstructed_from_observations() -> None:
    listener, notes, scale = Listener(), Notebook(), TickScale(Decimal("0.01"))

    def see(**state: object) -> list[Shout]:
        notes.heard = []
        listener.listen(ObservedView(observation(**state), scale), notes)  # type: ignore[arg-type]
        return notes.heard

    assert see(best_bid=0.5, best_ask=0.9) == [Shout(True, 50, False), Shout(False, 90, False)]
    assert see(best_bid=0.5, best_ask=0.9) == []
    assert see(best_bid=0.6, best_ask=0.9) == [Shout(True, 60, False)]
    assert see(trade_prices=(0.9,), best_bid=0.6) == [Shout(True, 90, True)]
    assert see(trade_prices=(0.9, 0.6)) == [Shout(False, 60, True)]
    assert see(trade_prices=(0.9, 0.6)) == []
    assert see(round_number=2, trade_prices=(0.7,)) == [Shout(False, 70, True)]
    assert notes.periods == 2


def test_a_window_of_equal_prices_that_slides_is_not_heard_twice() -> None:
    listener, notes = Listener(), Notebook()
    scale = TickScale(Decimal("0.01"))
    for prices in ((0.5, 0.6, 0.7), (0.6, 0.7, 0.8), (0.8, 0.9, 1.0)):
        listener.listen(ObservedView(observation(trade_prices=prices), scale), notes)
    assert [shout.price for shout in notes.heard] == [50, 60, 70, 80, 90, 100]


def test_populations_share_an_ear_or_have_none() -> None:
    for name in ("zip", "gd", "kaplan"):
        ears = {id(trader.ear) for trader in make_population(name, 4, seed=1)}
        assert len(ears) == 1
    assert all(trader.ear is None for trader in make_population("zi_c", 3, seed=1))
    fixed = make_population("fixed:90", 2, seed=0)
    assert [trader.quote(Scene(), Random(0)) for trader in fixed] == [90, 90]


@pytest.mark.parametrize("name", ["zi", "fixed", "fixed:", "fixed:-3", "fixed:1.5", ""])
def test_unknown_traders_are_refused_with_what_is_known(name: str) -> None:
    with pytest.raises(ValueError, match=r"unknown trader .*; known are fixed:PRICE, gd, giveaway"):
        make_population(name, 2, seed=0)
