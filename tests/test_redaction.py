"""Secrets are taken out of texts, and nothing else is."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_agents.redaction import Redactor, secrets_in

KEY = "sk-canary-7f3a9b1c5d"


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("postgresql://me:se/cret@host/db", "postgresql://me:se/cret@host/db"),
        ("postgresql://me:p%40ss@host:1/db down", "postgresql://me:…@host:1/db down"),
        ("http://a:b@c@host/v1", "http://a:…@host/v1"),
        ("GET http://host/v1?api_key=abc&n=1", "GET http://host/v1?api_key=…&n=1"),
        ("http://host/?access_token=abc#x", "http://host/?access_token=…#x"),
        ("Authorization: Bearer abcdef0123456789", "Authorization: Bearer …"),
        ("a bearer of good news, basic principles", "a bearer of good news, basic principles"),
        ("agent_1 says: key=3, see http://host:80/a@b", "agent_1 says: key=3, see http://host:80/a@b"),
    ],
)
def test_what_looks_like_a_secret_is_hidden(text: str, seen: str) -> None:
    assert Redactor()(text) == seen


def test_secrets_are_found_by_name_and_in_addresses() -> None:
    variables = {
        "OPENAI_API_KEY": KEY,
        "DB_PASSWORD": "correct horse",
        "DATABASE_URL": "postgresql://me:p%40ss-word@host/db",
        "HTTPS_PROXY": "http://me:proxy-pass@host",
        "MINE": "my own variable",
        "HOME": "/home/me",
        "BROKEN": "http://[",
    }
    assert set(secrets_in(variables, ["MINE", "ABSENT"])) == {
        *(KEY, "correct horse", "p%40ss-word", "p@ss-word", "proxy-pass", "my own variable"),
    }


def test_a_secret_that_begins_another_one_leaves_nothing_of_it() -> None:
    assert Redactor([KEY, KEY + "-longer"])(f"{KEY}-longer and {KEY}") == "… and …"


def test_a_short_value_is_a_word_like_any_other() -> None:
    assert Redactor(["offline", "none", ""])("offline and none") == "offline and none"


@pytest.mark.parametrize(
    "piece",
    [
        "x",
        "x-",
        "http://a:",
        "://a:b",
        "?api_key",
        "?token=",
        "bearer ",
        "basic  ",
        "?" + "-" * 40,
        "a@",
        "bearer x",
    ],
)
def test_long_texts_take_no_longer_than_they_should(piece: str) -> None:
    hide, text = Redactor([KEY]), piece * 2000
    started = time.process_time()
    hide(text)
    once = time.process_time() - started
    started = time.process_time()
    hide(text * 8)
    assert time.process_time() - started < 24 * once + 0.3, "time grows with the square of the length"


@given(st.text(), st.text())
def test_the_secret_is_nowhere(before: str, after: str) -> None:
    assert KEY not in Redactor([KEY])(before + KEY + after)
