"""Column types: what goes in comes out the same from either database, and the rest is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_agents.storage.columns import (
    Instant,
    Json,
    Money,
    Name,
    Real,
    Stored,
    Whole,
    Words,
    canonical_json,
    kinds_of,
)


class Colour(StrEnum):
    RED = "red"


class OldColour(str, Enum):  # noqa: UP042  (the seeds' performatives are of this kind)
    RED = "red"


@pytest.mark.parametrize(
    ("given_value", "kept"),
    [
        (1, "1"),
        (0, "0"),
        (Decimal("-0"), "0"),
        (Decimal("12.50"), "12.5"),
        (Decimal("1E+3"), "1000"),
        (Decimal("0.0000005"), "0"),
        (Decimal("0.0000015"), "0.000002"),
        (Decimal("-3.1"), "-3.1"),
        (Decimal("99999999.999999"), "99999999.999999"),
        (99_999_999_999_999, "99999999999999"),
    ],
)
def test_money_is_rounded_to_six_places_and_written_plainly(given_value: Decimal | int, kept: str) -> None:
    money = Money()
    assert money.text(money.canonical(given_value)) == kept


@pytest.mark.parametrize(
    "nonsense",
    [
        1.5,
        "12",
        True,
        None,
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("Infinity"),
        Decimal("-Infinity"),
        10**14,
        Decimal("1E+400"),
    ],
)
def test_money_refuses_what_is_no_amount(nonsense: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        Money().canonical(nonsense)


def test_money_refuses_digits_that_a_real_would_lose() -> None:
    with pytest.raises(ValueError, match="more digits than can be kept"):
        Money().canonical(Decimal("12345678901234.123456"))


@given(st.decimals(-(10**14) + 1, 10**14 - 1, allow_nan=False, places=6))
def test_money_that_is_accepted_survives_sqlite(amount: Decimal) -> None:
    money = Money()
    try:
        kept = money.canonical(amount)
    except ValueError:
        return
    assert Decimal(str(money.sqlite(kept))).quantize(Decimal("0.000001")) == amount


@pytest.mark.parametrize(
    ("number", "kept"), [(1, "1.0"), (-0.0, "0.0"), (0.1, "0.1"), (1e300, "1e+300"), (Decimal("0.5"), "0.5")]
)
def test_real_numbers(number: float | Decimal, kept: str) -> None:
    real = Real()
    assert real.text(real.canonical(number)) == kept


@pytest.mark.parametrize("nonsense", [float("nan"), float("inf"), 10**400, "1", True])
def test_real_refuses_what_is_not_finite(nonsense: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        Real().canonical(nonsense)


@pytest.mark.parametrize("nonsense", [True, 1.0, "1", 2**31, -(2**31)])
def test_whole_refuses_what_does_not_fit(nonsense: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        Whole().canonical(nonsense)


def test_big_whole_numbers_reach_to_64_bits() -> None:
    assert Whole(big=True).canonical(2**63 - 1) == 2**63 - 1
    with pytest.raises(ValueError, match="64 bits"):
        Whole(big=True).canonical(2**63)


@pytest.mark.parametrize("value", [Colour.RED, OldColour.RED, "red"])
def test_members_of_string_enums_are_stored_as_their_value(value: str) -> None:
    for kind in (Words(), Name()):
        assert kind.canonical(value) == "red"
        assert type(kind.canonical(value)) is str


@pytest.mark.parametrize("nonsense", ["a\x00", "\ud800", "\udfff end", b"bytes", 1])
def test_text_that_a_database_cannot_hold_is_refused(nonsense: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        Words().canonical(nonsense)


def test_json_has_one_text() -> None:
    assert (
        canonical_json({"b": 1, "a": [1.0, None, True, "é\n\u2028"]})
        == '{"a":[1.0,null,true,"é\\n\u2028"],"b":1}'
    )
    assert canonical_json({"cash": Decimal("10.0"), "price": Decimal("1.5"), "t": (1, 2)}) == (
        '{"cash":10,"price":1.5,"t":[1,2]}'
    )


@pytest.mark.parametrize(
    "nonsense", [float("nan"), float("inf"), {1: "a", "1": "b"}, {"a": {1, 2}}, "\ud800", {"a": b""}]
)
def test_json_refuses_what_has_no_json(nonsense: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        Json().canonical(nonsense)


def test_moments_are_kept_in_utc_and_need_a_zone() -> None:
    instant = Instant()
    summer = datetime(2025, 6, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    assert instant.text(instant.canonical(summer)) == "2025-06-01T10:00:00.000000+00:00"
    assert instant.canonical(summer).tzinfo is UTC
    with pytest.raises(TypeError, match="time zone"):
        instant.canonical(datetime(2025, 6, 1))  # noqa: DTZ001  (the mistake under test)


COLUMNS = st.sampled_from([Words(), Name(), Whole(), Whole(big=True), Real(), Money(), Json(), Instant()])
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, 1, -1, 2**31 - 1, 2**31, 2**63 - 1, 2**63, 10**14, 0.0, -0.0, 1.5, 1e300]),
    st.sampled_from([float("nan"), float("inf"), Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity")]),
    st.sampled_from([Decimal(1), Decimal("1.0"), Decimal("-0"), Decimal("0.0000005"), Decimal("12.345678")]),
    st.sampled_from(["", "a\tb", "NUL\x00", "\ud800", "\udc00", "é🙂", "\\N", Colour.RED, OldColour.RED]),
    st.sampled_from([{"b": 1, "a": [None]}, [1.0], datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1)]),  # noqa: DTZ001
)


@given(COLUMNS, st.lists(VALUES, max_size=6))
def test_a_column_is_treated_as_its_values_are(kind: Stored[Any, Any], values: list[object]) -> None:
    try:
        alone = [None if value is None else kind.canonical(value) for value in values]
    except (ValueError, TypeError):
        with pytest.raises((ValueError, TypeError)):
            kind.canonical_column(values, kinds_of(values))
        return
    together = list(kind.canonical_column(values, kinds_of(values)))
    assert [(type(value), value) for value in together] == [(type(value), value) for value in alone]
    for one, many in ((kind.text, kind.text_column), (kind.sqlite, kind.sqlite_column)):
        expected = [None if value is None else one(value) for value in alone]
        assert [(type(value), value) for value in many(alone)] == [(type(value), value) for value in expected]


@pytest.mark.parametrize("kind", [Whole(), Whole(big=True), Real(), Money()])
def test_a_boolean_among_equal_numbers_is_refused(kind: Stored[Any, Any]) -> None:
    with pytest.raises(TypeError, match="bool is"):
        kind.canonical_column([1, True, 1], kinds_of([1, True, 1]))


def test_halves_of_a_surrogate_pair_do_not_make_a_whole_across_rows() -> None:
    with pytest.raises(ValueError, match="lone surrogate"):
        Words().canonical_column(["a\ud83d", "\ude42b"], kinds_of(["a\ud83d", "\ude42b"]))
