"""Every template, built in or replaced, follows the same rules; each breach is told in one line."""

from __future__ import annotations

import pytest

from market_agents.agents.prompts import BUILT_IN, CHANGING, find_mistakes, placeholders


@pytest.mark.parametrize("name", BUILT_IN.texts)
def test_no_built_in_prompt_puts_what_changes_before_what_stays(name: str) -> None:
    assert list(find_mistakes(name, BUILT_IN.texts[name])) == []


@pytest.mark.parametrize("name", [name for name in BUILT_IN.texts if name.endswith("_system")])
def test_no_built_in_system_prompt_holds_what_changes(name: str) -> None:
    assert not set(placeholders(BUILT_IN.texts[name])) & set(CHANGING)


def test_every_order_of_changing_values_but_one_is_refused() -> None:
    text = BUILT_IN.texts["auction_action"]
    for first in range(len(CHANGING)):
        for second in range(first + 1, len(CHANGING)):
            less, more = CHANGING[first], CHANGING[second]
            if f"${less}" in text and f"${more}" in text:
                swapped = (
                    text.replace(f"${less}", "$$").replace(f"${more}", f"${less}").replace("$$", f"${more}")
                )
                assert "which changes sooner" in "".join(find_mistakes("auction_action", swapped))


def test_what_never_changes_may_not_follow_what_does() -> None:
    text = BUILT_IN.texts["group_chat_topic"].replace("$frame", "the frame") + "\nThe frame: $frame"
    assert any(
        "$frame stands behind $observation" in line for line in find_mistakes("group_chat_topic", text)
    )


def test_repeats_count_too() -> None:
    text = BUILT_IN.texts["auction_action"] + "\nOnce more: ${memory}"
    assert any("$memory stands behind $observation" in line for line in find_mistakes("auction_action", text))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("$persona", "$persna"), "unknown placeholder $persna; did you mean 'persona'?"),
        (("$persona", "nobody"), "missing placeholder $persona"),
        (("$persona", "$ 5"), "a $ without a name behind it"),
        (("$persona", "$observation"), "unknown placeholder $observation"),
    ],
)
def test_a_breach_is_told(change: tuple[str, str], told: str) -> None:
    text = BUILT_IN.texts["auction_system"]
    assert change[0] in text
    assert told in "\n".join(find_mistakes("auction_system", text.replace(*change)))


def test_the_line_of_a_lone_sign_is_told() -> None:
    assert next(find_mistakes("auction_system", "one\ntwo $ three")).startswith("line 2: ")


def test_a_doubled_sign_is_a_sign() -> None:
    assert list(find_mistakes("auction_system", BUILT_IN.texts["auction_system"] + " It costs $$5.")) == []
