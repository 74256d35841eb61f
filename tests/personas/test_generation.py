from __future__ import annotations

import random
from collections import Counter
from math import sqrt
from statistics import correlation, fmean, median

import pytest

from market_agents.personas import NUMERIC_FIELDS, Persona, generate_persona, tables
from tests.personas.people import crowd, person

TRAITS = NUMERIC_FIELDS[2:]


class CountingRandom(random.Random):
    """Counts the draws and refuses what Python does not promise to keep across versions."""

    draws = 0

    def random(self) -> float:
        self.draws += 1
        return super().random()

    def getrandbits(self, k: int, /) -> int:
        raise AssertionError("drawn otherwise than by random()")


def kind(persona: Persona) -> str:
    return persona.trader_type.split()[0]


def band_of(persona: Persona) -> int:
    return next(i for i, band in enumerate(tables.AGE_BANDS) if band.youngest <= persona.age <= band.oldest)


def assert_share(observed: int, out_of: int, expected: float) -> None:
    """Five standard errors: wide enough for any sound generator, narrow enough to tell tables apart."""
    assert abs(observed / out_of - expected) <= 5 * sqrt(expected * (1 - expected) / out_of)


def test_the_same_stream_gives_the_same_persona() -> None:
    assert person(3) == person(3)
    assert str(person(3)) == str(person(3))


def test_other_streams_and_seeds_give_other_people() -> None:
    assert len({str(person(index)) for index in range(200)}) == 200
    assert person(3, seed=11) != person(3, seed=12)


def test_one_more_agent_changes_nobody_else() -> None:
    ten = [person(index) for index in range(10)]
    eleven = [person(index) for index in range(11)]
    assert eleven[:10] == ten


def test_the_first_persona_stays_who_it_is_across_versions() -> None:
    assert generate_persona(random.Random(2024), "seller").to_dict() == PINNED


def test_draws_are_always_as_many_and_only_plain_ones() -> None:
    counts = set()
    for seed in range(300):
        rng = CountingRandom(seed)
        generate_persona(rng, "buyer")
        counts.add(rng.draws)
    assert counts == {16}


def test_the_global_generator_is_neither_read_nor_moved() -> None:
    before = random.getstate()
    person(1)
    assert random.getstate() == before


def test_the_role_words_the_trader_type_and_nothing_else() -> None:
    for index in range(100):
        buyer, seller, other = (person(index, role).to_dict() for role in ("buyer", "seller", "speaker"))
        words = [str(record.pop("trader_type")) for record in (buyer, seller, other)]
        assert buyer == seller == other
        assert [word.split()[1] for word in words] == ["buyer", "seller", "trader"]
        assert len({word.split()[0] for word in words}) == 1


def test_rows_of_the_risk_table_are_the_shares_of_holt_and_laury() -> None:
    rows = [sum(row) for row in tables.RISK_AVERSION_BY_TYPE.values()]
    assert rows == [1, 1, 6, 26, 26, 23, 13, 3, 1]


def test_bounds_of_the_risk_table_are_the_points_of_indifference_of_holt_and_laurys_lotteries() -> None:
    """Safe 2.00 or 1.60, risky 3.85 or 0.10, the better prize with k chances in ten."""

    def preference(r: float, chance: float) -> float:
        def utility(money: float) -> float:
            return float(money ** (1 - r)) / (1 - r)

        safe = chance * utility(2.00) + (1 - chance) * utility(1.60)
        return safe - (chance * utility(3.85) + (1 - chance) * utility(0.10))

    inner_bounds = [interval.low for interval in tables.RISK_AVERSION_BY_TYPE][1:]
    for tenths, bound in zip(range(2, 10), inner_bounds, strict=True):
        assert preference(bound - 0.015, tenths / 10) < 0 < preference(bound + 0.015, tenths / 10)


def test_risk_intervals_join_without_a_gap_and_fill_the_range() -> None:
    intervals = list(tables.RISK_AVERSION_BY_TYPE)
    assert [interval.high for interval in intervals[:-1]] == [interval.low for interval in intervals[1:]]
    assert (intervals[0].low, intervals[-1].high) == (-1, 2)


def test_risk_aversion_is_distributed_as_in_the_table() -> None:
    for interval, row in tables.RISK_AVERSION_BY_TYPE.items():
        # Values rounded to a bound may belong to either side, so bounds are widened by half a cent.
        inside = sum(interval.low - 0.005 < p.risk_aversion <= interval.high + 0.005 for p in crowd())
        width = 0.01 / (interval.high - interval.low)
        assert inside / len(crowd()) == pytest.approx(sum(row) / 100, abs=0.02 + width * 0.1)


def test_trader_types_are_as_frequent_as_their_columns() -> None:
    columns = zip(*tables.RISK_AVERSION_BY_TYPE.values(), strict=True)
    counted = Counter(kind(persona) for persona in crowd())
    for name, column in zip(tables.TRADER_TYPES, columns, strict=True):
        assert_share(counted[name], len(crowd()), sum(column) / 100)


def test_bold_people_risk_more_than_careful_ones() -> None:
    mean = {name: fmean(p.risk_aversion for p in crowd() if kind(p) == name) for name in tables.TRADER_TYPES}
    assert mean["careful"] > mean["steady"] > mean["shrewd"] > mean["bold"]
    assert mean["careful"] - mean["bold"] > 0.4


def test_median_loss_aversion_is_that_of_tversky_and_kahneman() -> None:
    assert median(persona.loss_aversion for persona in crowd()) == pytest.approx(2.25, abs=0.06)


@pytest.mark.parametrize(
    ("trait", "table"),
    [
        ("honesty", tables.HONESTY_BY_TYPE),
        ("confidence", tables.CONFIDENCE_BY_TYPE),
        ("talkativeness", tables.TALKATIVENESS_BY_TYPE),
    ],
)
def test_traits_follow_the_table_of_their_type(trait: str, table: dict[str, tables.Triangle]) -> None:
    assert set(table) == set(tables.TRADER_TYPES)
    for name, triangle in table.items():
        drawn = [getattr(persona, trait) for persona in crowd() if kind(persona) == name]
        assert fmean(drawn) == pytest.approx(sum(triangle) / 3, abs=0.035)
        assert triangle.low <= min(drawn)
        assert max(drawn) <= triangle.high


def test_patience_follows_the_table_of_age() -> None:
    for index, triangle in enumerate(tables.PATIENCE_BY_AGE):
        drawn = [persona.patience for persona in crowd() if band_of(persona) == index]
        assert fmean(drawn) == pytest.approx(sum(triangle) / 3, abs=0.02)


def test_fairness_is_about_a_quarter_of_the_gain() -> None:
    assert fmean(persona.fairness for persona in crowd()) == pytest.approx(0.25, abs=0.01)


def test_most_of_the_gains_from_lying_are_forgone() -> None:
    assert 0.6 < fmean(persona.honesty for persona in crowd()) < 0.8


def test_age_bands_join_and_are_drawn_by_weight() -> None:
    bands = tables.AGE_BANDS
    assert [band.oldest + 1 for band in bands[:-1]] == [band.youngest for band in bands[1:]]
    counted = Counter(band_of(persona) for persona in crowd())
    for index, band in enumerate(bands):
        assert_share(counted[index], len(crowd()), band.weight / sum(b.weight for b in bands))
    assert {persona.age for persona in crowd()} == set(range(bands[0].youngest, bands[-1].oldest + 1))


def test_experience_grows_with_age_and_never_exceeds_adult_years() -> None:
    assert all(0 <= p.experience <= p.age - tables.EXPERIENCE_FROM_AGE for p in crowd())
    ages, years = zip(*((p.age, p.experience) for p in crowd()), strict=True)
    assert correlation(ages, years) > 0.4
    assert sum(p.experience == 0 for p in crowd()) > 0.05 * len(crowd())


def test_occupations_fit_the_age() -> None:
    for persona in crowd():
        assert tables.OCCUPATIONS[persona.occupation][band_of(persona)] > 0
    assert all(p.age >= 50 for p in crowd() if p.occupation.startswith("retired"))
    assert all(p.age < 35 for p in crowd() if "student" in p.occupation)


def test_every_row_of_every_table_is_drawn_by_somebody() -> None:
    people = crowd()
    assert {p.occupation for p in people} == set(tables.OCCUPATIONS)
    assert {kind(p) for p in people} == set(tables.TRADER_TYPES)
    assert {p.values for p in people} == set(tables.VALUES)
    assert {p.name.split()[0] for p in people} == set(tables.GIVEN_NAMES)
    assert {p.name.split()[1] for p in people} == {f"{initial}." for initial in tables.INITIALS}
    for name, habits in tables.HABITS_BY_TYPE.items():
        assert {p.habits for p in people if kind(p) == name} == set(habits)


def test_tables_hold_no_row_twice_and_a_column_for_each_band_and_type() -> None:
    assert len(set(tables.GIVEN_NAMES)) == len(tables.GIVEN_NAMES)
    assert len(set(tables.VALUES)) == len(tables.VALUES)
    assert len(tables.PATIENCE_BY_AGE) == len(tables.AGE_BANDS)
    assert {len(row) for row in tables.OCCUPATIONS.values()} == {len(tables.AGE_BANDS)}
    assert set(tables.HABITS_BY_TYPE) == set(tables.TRADER_TYPES)


def test_given_names_start_with_many_letters() -> None:
    assert len({name[0] for name in tables.GIVEN_NAMES}) >= 20


def test_traits_are_told_to_two_decimals_and_zero_has_no_sign() -> None:
    for persona in crowd():
        for trait in TRAITS:
            number = getattr(persona, trait)
            assert number == round(number, 2)
            assert str(number) != "-0.0"


PINNED: dict[str, object] = {
    "name": "Jin S.",
    "age": 33,
    "occupation": "accountant",
    "trader_type": "steady seller",
    "experience": 1,
    "risk_aversion": 0.21,
    "loss_aversion": 2.93,
    "patience": 0.85,
    "honesty": 0.73,
    "fairness": 0.32,
    "confidence": 0.79,
    "talkativeness": 0.37,
    "values": "plain words and kept promises",
    "habits": "compares each offer with the last price",
}
