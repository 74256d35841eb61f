from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from market_agents import personas
from market_agents.errors import ConfigError, ExitCode
from market_agents.personas import NUMERIC_FIELDS, Persona
from tests.personas.people import AMARA, amara, crowd


def mistakes_of(mapping: dict[str, object]) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        Persona.from_mapping(mapping)
    return {mistake.path: mistake.message for mistake in caught.value.mistakes}


def test_the_door_of_the_room() -> None:
    assert sorted(personas.__all__) == [
        "NUMERIC_FIELDS",
        "Persona",
        "TraitBalance",
        "balance_in_words",
        "generate_persona",
        "load_personas",
        "persona_balance",
    ]


def test_round_trip_keeps_everything_and_the_order_of_keys() -> None:
    persona = amara()
    assert persona.to_dict() == AMARA
    assert list(persona.to_dict()) == list(AMARA)
    backwards = Persona.from_mapping(dict(reversed(AMARA.items())))
    assert list(backwards.to_dict()) == list(AMARA)
    assert backwards == persona
    assert hash(backwards) == hash(persona)


def test_generated_personas_survive_json() -> None:
    for persona in crowd()[:200]:
        assert Persona.from_mapping(json.loads(json.dumps(persona.to_dict()))) == persona


def test_a_persona_cannot_be_changed() -> None:
    persona = amara()
    with pytest.raises(ValidationError, match="frozen"):
        persona.age = 35
    assert persona.age == 34


def test_whole_numbers_are_welcome_as_traits_and_stored_alike() -> None:
    assert json.dumps(amara(risk_aversion=1).to_dict()) == json.dumps(amara(risk_aversion=1.0).to_dict())


def test_values_and_habits_may_be_left_out() -> None:
    short = {key: value for key, value in AMARA.items() if key not in ("values", "habits")}
    persona = Persona.from_mapping(short)
    assert (persona.values, persona.habits) == ("", "")


def test_an_unknown_key_gets_a_suggestion() -> None:
    assert mistakes_of(AMARA | {"risk_aversoin": 0.2}) == {
        "risk_aversoin": "unknown key; did you mean risk_aversion?"
    }


def test_a_key_like_no_other_gets_the_list_of_keys() -> None:
    message = mistakes_of(AMARA | {"zodiac": "libra"})["zodiac"]
    assert message.startswith("unknown key; known are name, age, occupation, ")


def test_all_missing_keys_are_named_at_once() -> None:
    missing = mistakes_of({})
    assert list(missing) == [key for key in AMARA if key not in ("values", "habits")]
    assert missing["patience"].startswith(
        "is missing; expected worth today of a unit of money due in a month"
    )


def test_a_key_with_control_characters_stays_on_its_line() -> None:
    assert list(mistakes_of(AMARA | {"na\nme\x1b[2J": 1})) == [r"'na\nme\x1b[2J'"]


def test_a_key_that_is_no_text_is_unknown() -> None:
    with pytest.raises(ConfigError, match=r"7: unknown key; known are name"):
        Persona.from_mapping({**AMARA, 7: "seven"})  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("age", 17, "expected age in whole years, 18 to 100; got 17"),
        ("age", 101, "expected age in whole years, 18 to 100; got 101"),
        ("age", "34", "expected age in whole years, 18 to 100; got '34'"),
        ("age", 34.0, "expected age in whole years, 18 to 100; got 34.0"),
        ("age", True, "expected age in whole years, 18 to 100; got True"),
        ("age", None, "expected age in whole years, 18 to 100; got None"),
        ("experience", 34, "expected trading experience in whole years, 0 to 90, below the age; got 34"),
        ("experience", -1, "expected trading experience in whole years, 0 to 90, below the age; got -1"),
        ("loss_aversion", 0.99, "expected weight of a loss against an equal gain, 1 to 4; got 0.99"),
        ("loss_aversion", float("nan"), "expected weight of a loss against an equal gain, 1 to 4; got nan"),
        ("loss_aversion", float("inf"), "expected weight of a loss against an equal gain, 1 to 4; got inf"),
        ("loss_aversion", [2], "expected weight of a loss against an equal gain, 1 to 4; got [2]"),
        ("name", "", "expected a name on one line of plain text, 1 to 80 characters; got ''"),
        ("name", "A\nB", "expected a name on one line of plain text, 1 to 80 characters; got 'A\\nB'"),
        (
            "name",
            "A\x1b[2J",
            "expected a name on one line of plain text, 1 to 80 characters; got 'A\\x1b[2J'",
        ),
        ("name", 7, "expected a name on one line of plain text, 1 to 80 characters; got 7"),
    ],
)
def test_wrong_values_are_told_with_what_would_be_right(key: str, value: object, message: str) -> None:
    assert mistakes_of(AMARA | {key: value}) == {key: message}


@pytest.mark.parametrize(
    "text", [" cook", "cook ", "line  cook", "line\tcook", "cook.", "cook!", "c\ud800", ""]
)
def test_texts_that_would_spoil_the_prose_are_refused(text: str) -> None:
    assert list(mistakes_of(AMARA | {"occupation": text})) == ["occupation"]


@pytest.mark.parametrize(
    ("trait", "low", "high"),
    [
        ("risk_aversion", -1, 2),
        ("loss_aversion", 1, 4),
        ("patience", 0, 1),
        ("honesty", 0, 1),
        ("fairness", 0, 0.5),
        ("confidence", 0, 1),
        ("talkativeness", 0, 1),
    ],
)
def test_ranges_include_their_ends_and_nothing_beyond(trait: str, low: float, high: float) -> None:
    for value in (low, high):
        persona = amara(**{trait: value})
        assert persona.to_dict()[trait] == value
        assert str(persona)
    for value in (low - 0.001, high + 0.001):
        assert list(mistakes_of(AMARA | {trait: value})) == [trait]


def test_a_wrong_age_does_not_hide_a_wrong_experience() -> None:
    assert list(mistakes_of(AMARA | {"age": 5, "experience": -3})) == ["age", "experience"]


def test_long_values_are_cut_in_messages() -> None:
    message = mistakes_of(AMARA | {"occupation": "x" * 10_000})["occupation"]
    assert message.endswith("x…")
    assert len(message) < 200


def test_the_mistake_tells_file_and_line() -> None:
    def line_of(path: Sequence[str | int]) -> int | None:
        return {"age": 2}.get(str(path[0]))

    with pytest.raises(ConfigError) as caught:
        Persona.from_mapping(AMARA | {"age": 3}, file="folk/amara.yaml", line_of=line_of)
    assert str(caught.value) == "folk/amara.yaml:2: age: expected age in whole years, 18 to 100; got 3"
    assert caught.value.exit_code is ExitCode.USER_MISTAKE


def test_numeric_fields_are_age_experience_and_the_traits() -> None:
    numbers = [key for key, value in amara().to_dict().items() if isinstance(value, (int, float))]
    assert list(NUMERIC_FIELDS) == numbers


def test_the_example_names_every_key() -> None:
    example = Path(personas.__file__).with_name("example.yaml").read_text(encoding="utf-8")
    keys = [line.split(":")[0] for line in example.splitlines() if line and not line.startswith("#")]
    assert keys == list(Persona.model_fields)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from(list(AMARA)) | st.text(), anything, max_size=14))
def test_whatever_is_given_the_answer_is_a_persona_or_a_list_of_mistakes(changes: dict[str, object]) -> None:
    try:
        persona = Persona.from_mapping(AMARA | changes)
    except ConfigError as error:
        assert_lines([str(mistake) for mistake in error.mistakes])
        return
    assert Persona.from_mapping(persona.to_dict()) == persona
    assert_lines([str(persona)])


def assert_lines(texts: list[str]) -> None:
    assert texts
    assert all(text and "\n" not in text for text in texts)
