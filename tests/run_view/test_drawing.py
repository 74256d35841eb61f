"""What the view says, that it fits any terminal, and that nothing an agent says reaches it alive."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from market_agents.config import BudgetConfig
from market_agents.economics.equilibrium import competitive_equilibrium
from market_agents.economics.ticks import TickScale
from market_agents.inference import Amount, Budget, Tally
from market_agents.redaction import Redactor
from market_agents.run_view.drawing import Present, draw
from market_agents.run_view.pace import Pace
from market_agents.run_view.scene import Scene


def present(
    scene: Scene | None = None, *, tally: Tally | None = None, budget: Budget | None = None
) -> Present:
    """A moment of a run whose tick is a cent."""
    tally = tally or Tally()
    return Present(
        scene=scene or Scene(tally, Pace(0.0)),
        tally=tally,
        budget=budget or Budget(),
        scale=TickScale(Decimal("0.01")),
        elapsed=61.0,
        left=None,
    )


def trading() -> Scene:
    """The second of five rounds, in a market that cleared three times."""
    scene = Scene(Tally(), Pace(0.0))
    scene.begin_round(2, 5)
    scene.begin_environment("auction")
    scene.open_market("strawberry", competitive_equilibrium([12_000, 9_900], [6_000, 9_700]))
    for price in (8_000, 11_000, 9_800):
        scene.trade("strawberry", price)
    return scene


def shown(moment: Present, width: int = 79, height: int = 40) -> list[str]:
    return ["".join(text for text, _ in line) for line in draw(moment, width, height)]


def test_place_time_counts_prices_and_messages() -> None:
    scene = trading()
    scene.message("agent_1", "Sell me one.")
    tally = Tally(asked=1_204, in_flight=16, unanswered=3)
    lines = shown(replace(present(scene, tally=tally), left=125.0))
    assert lines[0].startswith("── round 2 of 5 · auction · 61 s · about 2 min left ──")
    assert lines[1].startswith("1,204 asks done · 16 in flight · 3 without answer · $0.0000")
    assert lines[2].startswith("strawberry: last price 98.00, equilibrium 97.00 to 99.00")
    assert lines[3].startswith("110.00 ┤")
    assert lines[5].startswith(" 80.00 ┤")
    assert lines[6] == "agent_1 says: Sell me one."


def test_nobody_knows_how_long_the_first_round_takes() -> None:
    assert "– left" in shown(present(trading()))[0]


def test_what_is_spent_stands_beside_its_cap() -> None:
    budget = Budget(BudgetConfig(max_cost=0.5, max_tokens=1_000_000, max_calls=100))
    budget.begin(Amount(90, 250_000, Decimal("0.1")))
    text = "\n".join(shown(present(budget=budget)))
    assert "$0.1000 of $0.5 (20%)" in text
    assert "250,000 of 1,000,000 tokens (25%)" in text
    assert "90 of 100 calls (90%)" in text


def test_an_unknown_cost_is_not_shown_as_none() -> None:
    text = "\n".join(shown(present(tally=Tally(unpriced={"fake-model"}))))
    assert "cost unknown" in text
    assert "$" not in text


def test_before_the_first_trade_the_market_is_told_without_a_chart() -> None:
    scene = Scene(Tally(), Pace(0.0))
    scene.open_market("strawberry", competitive_equilibrium([10_000], [9_000]))
    lines = shown(present(scene))
    assert any(line.startswith("strawberry: no trade yet, equilibrium 90.00 to 100.00") for line in lines)
    assert not any("┤" in line for line in lines)


def test_without_sellers_there_is_no_equilibrium_price() -> None:
    scene = Scene(Tally(), Pace(0.0))
    scene.open_market("strawberry", competitive_equilibrium([10_000], []))
    assert "strawberry: no trade yet, no equilibrium price" in shown(present(scene))


def test_the_chart_is_of_the_market_of_the_moment() -> None:
    scene = trading()
    scene.open_market("rhubarb", competitive_equilibrium([500], [400]))
    text = "\n".join(shown(present(scene)))
    assert "rhubarb: no trade yet, equilibrium 4.00 to 5.00" in text
    assert "strawberry" not in text


def test_messages_stand_beside_the_chart_where_there_is_room() -> None:
    scene = trading()
    for number in range(9):
        scene.message(f"agent_{number}", f"message {number}")
    wide, narrow = shown(present(scene), width=159), shown(present(scene))
    assert len(wide) < len(narrow)
    (beside,) = [line for line in wide if "message 8" in line]
    assert "┤" in beside


@pytest.mark.parametrize(("width", "height"), [(39, 40), (79, 9)])
def test_a_small_terminal_gets_one_line(width: int, height: int) -> None:
    lines = shown(present(trading()), width, height)
    assert len(lines) == 1
    assert lines[0].startswith("round 2 of 5 · 0 asks done")


def test_a_secret_that_an_agent_says_is_hidden() -> None:
    scene = Scene(Tally(), Pace(0.0), Redactor(["sk-canary-7f3a9b1c5d"]))
    scene.message("agent_1", "Try sk-canary-7f3a9b1c5d.")
    text = "".join(shown(present(scene)))
    assert "Try" in text
    assert "canary" not in text


HOSTILE = [
    "\x1b[2J\x1b[1;1Hcleared",
    "\x1b]0;title\x07",
    "[bold red]markup[/]",
    "many\nlines\r\nand\ttabs\x85",
    "\u202eright to left",
    "👨\u200d👩\u200d👧 ❤\ufe0f" * 40,
    "深圳草莓" * 60,
    "\x9b31m",
    "x" * 1_000_000,
]


@pytest.mark.parametrize("content", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("width", [40, 79, 159])
def test_hostile_messages_are_inert_and_fit(content: str, width: int) -> None:
    scene = trading()
    scene.message("agent_1", content)
    lines = shown(present(scene), width)
    assert max(map(cell_len, lines)) <= width
    text = "".join(lines)
    assert text.isprintable(), "no control, no joiner, no override"
    assert not set(text) & set("\ufe0e\ufe0f")


@given(
    width=st.integers(1, 300),
    height=st.integers(1, 100),
    messages=st.lists(st.text(), max_size=10),
    prices=st.lists(st.integers(0, 10**13), max_size=50),
)
def test_it_fits_any_terminal(width: int, height: int, messages: list[str], prices: list[int]) -> None:
    scene = trading()
    for content in messages:
        scene.message("agent_1", content)
    for price in prices:
        scene.trade("strawberry", price)
    lines = shown(present(scene), width, height)
    assert 1 <= len(lines) <= max(height // 2, 1), "at least half of the terminal is the log's"
    assert max(map(cell_len, lines)) <= width
