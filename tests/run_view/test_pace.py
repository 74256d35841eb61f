"""Time left: unknown until a round is done, then by the asks of a round and the rate at which models answer."""

from __future__ import annotations

import pytest

from market_agents.inference import Tally
from market_agents.run_view.pace import Pace, duration


def test_nothing_is_foretold_before_a_round_is_done() -> None:
    assert Pace(100.0).seconds_left(160.0, 4, Tally(asked=50)) is None


def test_asks_that_are_left_at_the_rate_so_far() -> None:
    pace = Pace(100.0)
    pace.round_done(1, 50)
    # 60 of 4 × 50 asks in 30 seconds: the other 140 take 70.
    assert pace.seconds_left(130.0, 4, Tally(asked=60)) == pytest.approx(70)


def test_a_round_that_asks_more_than_those_before_leaves_the_later_ones_their_time() -> None:
    pace = Pace(0.0)
    pace.round_done(1, 10)
    assert pace.seconds_left(40.0, 3, Tally(asked=40)) == pytest.approx(10)


def test_the_last_round_never_takes_less_than_no_time() -> None:
    pace = Pace(0.0)
    pace.round_done(1, 10)
    assert pace.seconds_left(40.0, 2, Tally(asked=40)) == 0


def test_what_the_journal_answers_tells_nothing_of_how_long_a_model_takes() -> None:
    pace = Pace(0.0)
    pace.round_done(2, 100)
    assert pace.seconds_left(1.0, 4, Tally(asked=100, replayed=100)) is None
    # From there on 10 asks take 20 seconds, so the other 90 take 180.
    assert pace.seconds_left(21.0, 4, Tally(asked=110, replayed=100)) == pytest.approx(180)


def test_where_nobody_is_asked_rounds_tell() -> None:
    pace = Pace(0.0)
    pace.round_done(2, 0)
    assert pace.seconds_left(10.0, 6, Tally()) == pytest.approx(20)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.2, "0 s"), (43.4, "43 s"), (119, "119 s"), (125, "2 min"), (3_599, "59 min"), (3_900, "1 h 5 min")],
)
def test_durations_in_words(seconds: float, said: str) -> None:
    assert duration(seconds) == said
