from __future__ import annotations

import json
import sqlite3
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_agents.plain_text import REPLACEMENT, clean, escaped, for_terminal, one_line, storable

ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=()), max_size=100)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", ""),
        ("bid at 12\n\tnow", "bid at 12\n\tnow"),
        ("a\x00b", "a\ufffdb"),
        ("\ud800x\udfff", "\ufffdx\ufffd"),
        ("\ufffe\uffff\U0001f353", "\ufffe\uffff\U0001f353"),
        ("\x1b[31m", "\x1b[31m"),
    ],
)
def test_only_what_no_database_holds_is_replaced(text: str, kept: str) -> None:
    assert clean(text) == kept


@given(ANY_TEXT)
def test_a_clean_text_is_storable_and_stays(text: str) -> None:
    cleaned = clean(text)
    assert len(cleaned) == len(text)
    assert clean(cleaned) == cleaned
    with sqlite3.connect(":memory:") as connection:
        stored, length = connection.execute("SELECT ?1, length(?1)", (cleaned,)).fetchone()
    connection.close()
    assert (stored, length) == (cleaned, len(cleaned))


@given(ANY_TEXT)
def test_an_escaped_text_is_recovered(text: str) -> None:
    kept = escaped(text)
    assert kept.isascii()
    assert kept.encode("ascii").decode("unicode_escape") == text


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("plain\n\ttext", "plain\n\ttext"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x9b31mred", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://x\x1b\\link", "link"),
        ("\x1b]0;never closed", ""),
        ("bell\x07 back\x08 return\r", "bell back return"),
        ("\u202egnp.exe", "gnp.exe"),
        ("\u2066a\u2069\u200e\u061c", "a"),
        ("\ud800a", "a"),
        ("caf\u00e9 \U0001f353 \u05d0", "caf\u00e9 \U0001f353 \u05d0"),
        ("\x1b", ""),
    ],
)
def test_nothing_reaches_the_terminal_but_text(text: str, seen: str) -> None:
    assert for_terminal(text) == seen


@given(ANY_TEXT)
def test_no_text_can_drive_a_terminal(text: str) -> None:
    seen = for_terminal(text)
    assert not any((ord(sign) < 32 and sign not in "\n\t") or 127 <= ord(sign) < 160 for sign in seen)
    assert for_terminal(seen) == seen


@pytest.mark.parametrize(
    ("text", "width", "line"),
    [
        ("a  b\n\n c\t", 80, "a b c"),
        ("abcdef", 6, "abcdef"),
        ("abcdefg", 6, "abcde\u2026"),
        ("abc defg", 5, "abc\u2026"),
        ("abc", 1, "\u2026"),
        ("", 10, ""),
        ("\x1b[31mred\x1b[0m", 3, "red"),
    ],
)
def test_one_line_is_cut_with_an_ellipsis(text: str, width: int, line: str) -> None:
    assert one_line(text, width) == line


@given(ANY_TEXT, st.integers(1, 60))
def test_one_line_is_one_and_short(text: str, width: int) -> None:
    line = one_line(text, width)
    assert len(line) <= width
    assert len(line.splitlines()) <= 1


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (None, None),
        (True, True),
        (12, 12),
        (1.5, 1.5),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (float("-inf"), "-inf"),
        (2**53, "an integer beyond 53 bits"),
        (-(10**400), "an integer beyond 53 bits"),
        (2**53 - 1, 2**53 - 1),
        ("a\x00", "a\ufffd"),
        ((1, [2]), [1, [2]]),
        ({"a\x00": {"b": "\ud800"}}, {"a\ufffd": {"b": "\ufffd"}}),
        ({3: "x"}, {"3": "x"}),
        ({1, 2}, "a value of type set"),
        (b"raw", "a value of type bytes"),
        (object, "a value of type type"),
    ],
)
def test_what_json_cannot_hold_is_named(value: object, kept: object) -> None:
    assert storable(value) == kept


def test_a_long_name_is_cut() -> None:
    assert list(storable({"k" * 1000: 1})) == ["k" * 200]


def _nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def test_too_deep_and_too_much_are_refused() -> None:
    assert storable(_nested(8)) == _nested(8)
    for value in (_nested(9), _nested(500), [0] * 1_000, {str(n): [n] for n in range(600)}):
        with pytest.raises(ValueError, match="nested deeper than 8 or more than 1000 values"):
            storable(value)
    assert len(storable([0] * 999)) == 999


def test_a_value_that_holds_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(ValueError, match="nested deeper"):
        storable(endless)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=15,
)


@given(_VALUES)
def test_what_is_storable_is_strict_json_and_clean(value: object) -> None:
    try:
        kept = storable(value)
    except ValueError:
        return
    text = json.dumps(kept, allow_nan=False, ensure_ascii=False)
    assert "\x00" not in text
    text.encode("utf-8")
    assert json.loads(text) == kept
    assert storable(kept) == kept


def test_the_copy_is_ones_own() -> None:
    original = {"a": [1]}
    copy = storable(original)
    copy["a"].append(2)
    assert original == {"a": [1]}
    assert REPLACEMENT == "\ufffd"
